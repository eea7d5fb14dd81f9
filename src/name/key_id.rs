//! Key ids.

use std::{borrow::Borrow, fmt, str::FromStr};

use super::NameError;

/// The id of a public key, as metadata spells it: an opaque text.
///
/// In Notary it is the lower-case hex SHA-256 of the key's canonical JSON; a *TUF id* covers the
/// certificate, a *canonical id* only the key inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// Takes an id as spelled. Ids are compared byte by byte.
    ///
    /// # Errors
    /// The id is empty or longer than 255 bytes.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > 255 {
            return Err(NameError::new("key id", text, "1 to 255 bytes"));
        }
        Ok(Self(text.into()))
    }

    /// The id whose 32 bytes are `digest`.
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        Self(data_encoding::HEXLOWER.encode(digest).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is a hex SHA-256, the only form that Notary's key files have.
    pub fn is_sha256(&self) -> bool {
        self.0.len() == 64 && self.0.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
