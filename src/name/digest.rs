//! Digests of files.

use std::fmt;

/// The digests of one file; each that is present must match.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)] // both algorithms that Notary knows
pub struct Hashes {
    /// SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// SHA-512.
    pub sha512: Option<[u8; 64]>,
}

impl Hashes {
    /// Only a SHA-256.
    pub const fn sha256(digest: [u8; 32]) -> Self {
        Self { sha256: Some(digest), sha512: None }
    }

    /// Whether no digest is known, so that nothing could be checked.
    pub const fn is_empty(&self) -> bool {
        self.sha256.is_none() && self.sha512.is_none()
    }
}

/// SHA-256 of a name, by which TUF 1.0 spreads names over roles.
pub(super) fn sha256_of(name: &str) -> [u8; 32] {
    sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), name)).into()
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        if let Some(digest) = self.sha256 {
            map.entry(&"sha256", &data_encoding::HEXLOWER.encode(&digest));
        }
        if let Some(digest) = self.sha512 {
            map.entry(&"sha512", &data_encoding::HEXLOWER.encode(&digest));
        }
        map.finish()
    }
}
