//! What a key is for, as the `role` header of Notary v1's key files says: a label for people,
//! not signed, not trusted (KS-11).

use crate::name::{NameError, RoleName};
use std::{fmt, str::FromStr};

/// The label that says what a key is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // all else is a free label
pub enum KeyRole {
    /// `root`.
    Root,
    /// `snapshot`.
    Snapshot,
    /// `targets`.
    Targets,
    /// `timestamp`.
    Timestamp,
    /// A free label for keys of delegations: the name of a signer, or `delegation`.
    Delegation(KeyLabel),
}

/// A label other than the four top-level roles: 1 to 255 printable ASCII characters, no blank at
/// either end. It is safe to show in a prompt and fits a PEM header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyLabel(Box<str>);

impl KeyRole {
    /// Reads a label; the four top-level roles are themselves.
    ///
    /// # Errors
    /// The text is empty, too long, or has characters that a prompt should not show.
    pub fn new(text: &str) -> Result<Self, NameError> {
        Ok(match text {
            "root" => Self::Root,
            "snapshot" => Self::Snapshot,
            "targets" => Self::Targets,
            "timestamp" => Self::Timestamp,
            _ => Self::Delegation(KeyLabel::new(text)?),
        })
    }

    /// The label of a delegation key that has no name of its own: `delegation`.
    #[must_use]
    pub fn delegation() -> Self {
        Self::Delegation(KeyLabel("delegation".into()))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
            Self::Timestamp => "timestamp",
            Self::Delegation(label) => &label.0,
        }
    }

    /// Whether keys with this label belong to one collection: targets, snapshot and timestamp
    /// keys do, root and delegation keys serve many.
    #[must_use]
    pub fn keeps_gun(&self) -> bool {
        matches!(self, Self::Targets | Self::Snapshot | Self::Timestamp)
    }
}

impl KeyLabel {
    fn new(text: &str) -> Result<Self, NameError> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !(1..=255).contains(&text.len()) || !printable || text.trim() != text {
            let why = "1 to 255 printable ASCII characters, no blank at either end";
            return Err(NameError::new("key role", text, why));
        }
        Ok(Self(text.into()))
    }

    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&RoleName> for KeyRole {
    /// The label of a key made for a role; delegated roles get the common one.
    fn from(role: &RoleName) -> Self {
        match role {
            RoleName::Root => Self::Root,
            RoleName::Snapshot => Self::Snapshot,
            RoleName::Targets => Self::Targets,
            RoleName::Timestamp => Self::Timestamp,
            RoleName::Delegated(_) => Self::delegation(),
        }
    }
}

impl FromStr for KeyRole {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_back() {
        for text in ["root", "snapshot", "targets", "timestamp", "alice", "targets/releases", "My key"] {
            assert_eq!(KeyRole::new(text).unwrap().to_string(), text);
        }
        assert_eq!(KeyRole::new("timestamp"), Ok(KeyRole::Timestamp));
        assert_eq!(KeyRole::new("delegation"), Ok(KeyRole::delegation()));
        assert_eq!(KeyRole::from(&RoleName::releases()), KeyRole::delegation());
    }

    #[test]
    fn ks_11_labels_that_would_deceive_a_prompt_are_refused() {
        let long = "a".repeat(256);
        for text in ["", " ", " a", "a ", "a\nb", "a\rb", "\u{1b}[2J", "a\u{202e}b", "a\u{7f}", &long] {
            assert!(KeyRole::new(text).is_err(), "{text:?}");
        }
    }
}
