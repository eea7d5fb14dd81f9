//! Role names: the four that every repository has, Notary's delegations below `targets`, and those
//! of TUF 1.0, which may be called anything.
//!
//! A role name is never a path on disk nor a part of a URL as it is; it is compared byte by byte.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use super::NameError;

/// The name of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // the specification knows no further kind
pub enum RoleName {
    /// Names the keys of all other top-level roles.
    Root,
    /// Pins the newest snapshot.
    Timestamp,
    /// Pins one consistent set of files.
    Snapshot,
    /// Lists targets and delegates to further roles.
    Targets,
    /// A role that `targets` or another delegation names.
    Delegated(DelegatedRole),
}

/// The name of a delegated role: `targets/releases`, `targets/team/alice`.
///
/// With Notary lower-case letters, digits, `-`, `_` and `/`, below `targets/`, shorter than 256
/// bytes, with no empty segment. With TUF 1.0 any text of 1 to 1,024 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DelegatedRole(Box<str>);

impl RoleName {
    /// The role that Docker asks first for a tag.
    pub const RELEASES: &'static str = "targets/releases";

    /// Reads a role name, exactly as Notary spells it.
    ///
    /// # Errors
    /// The text is neither one of the four top-level roles nor a legal delegation.
    pub fn new(text: &str) -> Result<Self, NameError> {
        Ok(match text {
            "root" => Self::Root,
            "timestamp" => Self::Timestamp,
            "snapshot" => Self::Snapshot,
            "targets" => Self::Targets,
            _ => Self::Delegated(DelegatedRole::new(text)?),
        })
    }

    /// Reads a role name of TUF 1.0 (specification 4.5): one of the four, or any other text.
    ///
    /// # Errors
    /// The text is empty or longer than 1,024 bytes.
    pub fn tuf(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > 1024 {
            return Err(NameError::new("role", text, "1 to 1024 bytes"));
        }
        Ok(match text {
            "root" => Self::Root,
            "timestamp" => Self::Timestamp,
            "snapshot" => Self::Snapshot,
            "targets" => Self::Targets,
            _ => Self::Delegated(DelegatedRole(text.into())),
        })
    }

    /// The role `targets/releases`.
    pub fn releases() -> Self {
        Self::Delegated(DelegatedRole(Self::RELEASES.into()))
    }

    /// Whether Notary could have a role of this name.
    pub(crate) fn is_notary(&self) -> bool {
        Self::new(self.as_str()).is_ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
            Self::Delegated(name) => name.as_str(),
        }
    }

    /// The role that delegates to this one in Notary, where the name tells; none for a top-level role.
    pub fn parent(&self) -> Option<Self> {
        let Self::Delegated(name) = self else {
            return None;
        };
        let (parent, _) = name.as_str().rsplit_once('/')?;
        Self::new(parent).ok()
    }

    /// Whether this role is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        self.as_str()
            .strip_prefix(ancestor.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a targets file holds this role: `targets` itself or a delegation.
    pub fn holds_targets(&self) -> bool {
        matches!(self, Self::Targets | Self::Delegated(_))
    }

    /// How many delegations lie between `targets` and this role; 0 for a top-level role.
    pub fn depth(&self) -> usize {
        match self {
            Self::Delegated(name) => name.as_str().matches('/').count(),
            _ => 0,
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of TUF 1.0 may hold what would change a terminal or a log.
        for c in self.as_str().chars() {
            match c.is_control() {
                true => write!(f, "{}", c.escape_default())?,
                false => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl FromStr for RoleName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl DelegatedRole {
    fn new(text: &str) -> Result<Self, NameError> {
        let refuse = |why| Err(NameError::new("role", text, why));
        if text.len() > 255 {
            return refuse("at most 255 bytes");
        }
        let Some(below) = text.strip_prefix("targets/") else {
            return refuse("root, timestamp, snapshot, targets, or a name below targets/");
        };
        if below.split('/').any(str::is_empty) {
            return refuse("no empty segment");
        }
        let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_' | b'/');
        if !below.bytes().all(legal) {
            return refuse("only a-z, 0-9, -, _ and /");
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pt_10_illegal_delegation_names_are_refused() {
        for text in [
            "",
            "t",
            "targets/",
            "targets//a",
            "targets/a/",
            "targets/A",
            "targets/a.b",
            "targets/../a",
            "Root",
            "targets/*",
            "mirror",
            "/targets/a",
            "targets/a b",
        ] {
            assert!(RoleName::new(text).is_err(), "{text:?}");
        }
        assert!(RoleName::new(&format!("targets/{}", "a".repeat(247))).is_ok());
        assert!(RoleName::new(&format!("targets/{}", "a".repeat(248))).is_err());
    }

    #[test]
    fn dg_25_wildcard_names_and_short_names_are_no_roles() {
        for text in ["*", "a", "", "targets/foo*", "targets/*/x", "targets/*"] {
            assert!(RoleName::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn parents_and_descendants_go_by_whole_segments() {
        let role = |text| RoleName::new(text).unwrap();
        assert_eq!(role("targets/a/b").parent(), Some(role("targets/a")));
        assert_eq!(role("targets/a").parent(), Some(RoleName::Targets));
        assert_eq!(RoleName::Targets.parent(), None);
        assert!(role("targets/a/b").is_within(&role("targets/a")));
        assert!(!role("targets/ab").is_within(&role("targets/a")));
        assert_eq!(role("targets/a/b").depth(), 2);
    }
}
