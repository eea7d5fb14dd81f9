//! Docker's names of signers.

use std::{fmt, str::FromStr};

use super::{NameError, RoleName};

/// The name of a signer: `alice` for the delegation `targets/alice`.
///
/// A lower-case letter or digit, then lower-case letters, digits, `-` and `_`; not `releases`,
/// which is the role that all signers share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignerName(Box<str>);

impl SignerName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// The text is no legal name of a signer.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let refuse = |why| Err(NameError::new("signer", text, why));
        let alphanumeric = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !text.bytes().next().is_some_and(alphanumeric) {
            return refuse("begins with a-z or 0-9");
        }
        if !text.bytes().all(|c| alphanumeric(c) || matches!(c, b'-' | b'_')) {
            return refuse("only a-z, 0-9, - and _");
        }
        if text == "releases" {
            return refuse("the role that all signers share");
        }
        RoleName::new(&format!("targets/{text}"))?;
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The signer's own role, `targets/<name>`.
    pub fn role(&self) -> RoleName {
        RoleName::new(&format!("targets/{}", self.0)).unwrap_or_else(|_| RoleName::releases())
    }
}

impl fmt::Display for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SignerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_s_names_are_legal_and_all_others_are_not() {
        for text in ["alice", "0", "a-b_c"] {
            let name = SignerName::new(text).unwrap();
            assert_eq!(name.role().as_str(), format!("targets/{text}"));
        }
        for text in ["", "releases", "Alice", "-a", "_a", "a/b", "a.b", "a b", &"a".repeat(248)] {
            assert!(SignerName::new(text).is_err(), "{text:?}");
        }
    }
}
