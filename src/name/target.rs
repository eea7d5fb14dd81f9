//! The name of a target: for an image, its tag.

use std::{borrow::Borrow, fmt, str::FromStr};

use super::NameError;

/// A target name. Any text without control characters; `Latest` and `latest` are two names.
///
/// Never a path on disk and never a part of a URL; what may be fetched is a
/// [`TargetPath`](super::TargetPath).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(pub(super) Box<str>);

impl TargetName {
    /// Checks and takes a target name that is to be signed.
    ///
    /// # Errors
    /// The name is empty, or has a control character, which Notary's own clients and servers
    /// can't carry.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::new("target name", text, "not empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(NameError::new("target name", text, "no control character"));
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TargetName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Borrow<str> for TargetName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
