//! The proof that a document was verified.

use std::sync::Arc;

use crate::{name::KeyId, wire::Bytes};

/// A document whose signatures, version and expiry were checked. Only this layer makes one. Cloning
/// shares it.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    body: Arc<T>,
    bytes: Bytes,
    sha256: [u8; 32],
    signers: Vec<KeyId>,
}

impl<T> Verified<T> {
    pub(super) fn new(body: T, bytes: Bytes, sha256: [u8; 32], signers: Vec<KeyId>) -> Self {
        Self { body: Arc::new(body), bytes, sha256, signers }
    }

    /// What the document says.
    pub fn body(&self) -> &T {
        &self.body
    }

    pub(super) fn into_body(self) -> T
    where
        T: Clone,
    {
        Arc::unwrap_or_clone(self.body)
    }

    /// The file as received.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// SHA-256 of the file.
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Canonical ids of the keys that vouched for the document.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }
}
