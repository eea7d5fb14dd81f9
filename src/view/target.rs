//! One signed target.

use super::LookupError;
use crate::{
    crypto::digest,
    metadata::TargetEntry,
    name::{Hashes, RoleName},
};

/// What a role signs about a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTarget {
    name: String,
    role: RoleName,
    length: u64,
    hashes: Hashes,
    custom: Option<String>,
}

impl SignedTarget {
    pub(super) fn new(role: RoleName, entry: TargetEntry<'_>) -> Self {
        Self {
            name: entry.name.to_owned(),
            role,
            length: entry.length,
            hashes: entry.hashes,
            custom: entry.custom.map(str::to_owned),
        }
    }

    /// The name; for an image, the tag.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role that signs it.
    pub const fn role(&self) -> &RoleName {
        &self.role
    }

    /// The exact length in bytes; for an image, the size of its manifest.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The digests.
    pub const fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// Custom data: JSON text as received.
    pub fn custom(&self) -> Option<&str> {
        self.custom.as_deref()
    }

    /// The digest by which a registry knows the image: `sha256:` and 64 hex digits.
    ///
    /// # Errors
    /// [`LookupError::NoDigest`] when the entry has no SHA-256.
    pub fn image_digest(&self) -> Result<String, LookupError> {
        match self.hashes.sha256 {
            Some(digest) => Ok(format!("sha256:{}", data_encoding::HEXLOWER.encode(&digest))),
            None => Err(LookupError::NoDigest { name: self.name.clone(), role: self.role.clone() }),
        }
    }

    /// Whether `content` is what is signed: its exact length and every digest that is listed.
    ///
    /// ```
    /// # use tuf_notary::{Changes, Collection, Gun, Trust, blocking::Initialise, keys::MemoryKeys};
    /// # use tuf_notary::{metadata::TargetInfo, name::{Hashes, TargetName}, testkit::TrustServer};
    /// # let (gun, server) = (Gun::new("example.com/app")?, TrustServer::new());
    /// # let sha256 = data_encoding::HEXLOWER.decode(b"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    /// # let hashes = Hashes::sha256(sha256.unwrap().try_into().unwrap());
    /// # let info = TargetInfo { length: 5, hashes, custom: None };
    /// # let collection = Collection::builder(gun.clone(), Trust::FirstUse)
    /// #     .transport(server.transport(&gun)).keys(MemoryKeys::new()).build();
    /// # let changes = Changes::new().sign(TargetName::new("greeting")?, info);
    /// # let view = collection.initialise(&Initialise::new().changes(changes))?;
    /// let target = view.target("greeting")?;
    /// target.verify(b"hello")?;
    /// assert_eq!(target.verify(b"jello").unwrap_err().code(), "CONTENT_MISMATCH");
    /// # Ok::<(), tuf_notary::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`LookupError::Mismatch`] names the first difference; [`LookupError::NoDigest`] when there
    /// is nothing to compare with.
    pub fn verify(&self, content: &[u8]) -> Result<(), LookupError> {
        if self.hashes.is_empty() {
            return Err(LookupError::NoDigest { name: self.name.clone(), role: self.role.clone() });
        }
        let found = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if found != self.length {
            return Err(self.mismatch("length", self.length.to_string(), found.to_string()));
        }
        if let Some(expected) = self.hashes.sha256 {
            self.same("SHA-256", &expected, &digest::sha256(content))?;
        }
        match self.hashes.sha512 {
            Some(expected) => self.same("SHA-512", &expected, &digest::sha512(content)),
            None => Ok(()),
        }
    }

    fn same(&self, what: &'static str, expected: &[u8], found: &[u8]) -> Result<(), LookupError> {
        if expected == found {
            return Ok(());
        }
        let hex = |digest| data_encoding::HEXLOWER.encode(digest);
        Err(self.mismatch(what, hex(expected), hex(found)))
    }

    fn mismatch(&self, what: &'static str, expected: String, found: String) -> LookupError {
        LookupError::Mismatch { name: self.name.clone(), what, expected, found }
    }
}
