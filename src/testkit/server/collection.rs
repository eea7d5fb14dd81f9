//! What the server keeps of one collection: files by name, and keys.

use std::{collections::BTreeMap, fmt, sync::Arc};

use data_encoding::HEXLOWER;

use super::signing::ServerKey;
use crate::{
    crypto::digest,
    limits::Limits,
    name::{RoleName, Version},
    testkit::Published,
    wire::{Dialect, Document, Envelope},
};

/// All files of a collection at one moment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    files: BTreeMap<String, Arc<Vec<u8>>>,
}

/// One collection.
#[derive(Clone, Debug, Default)]
pub(super) struct Collection {
    stored: Checkpoint,
    pub(super) keys: Vec<ServerKey>,
}

impl Checkpoint {
    /// A file by the name that a client would ask for.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(|file| file.as_slice())
    }

    fn insert(&mut self, role: &RoleName, version: Version, file: &[u8]) {
        let file = Arc::new(file.to_vec());
        let sha256 = HEXLOWER.encode(&digest::sha256(&file));
        for name in
            [format!("{role}.json"), format!("{role}.{sha256}.json"), format!("{version}.{role}.json")]
        {
            self.files.insert(name, Arc::clone(&file));
        }
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files.keys().filter(|name| is_newest(name))).finish()
    }
}

impl Collection {
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        self.stored.file(name)
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        self.stored.clone()
    }

    pub(super) fn restore(&mut self, checkpoint: Checkpoint) {
        self.stored = checkpoint;
    }

    pub(super) fn install(&mut self, published: &Published) {
        self.stored.files.retain(|name, _| !is_newest(name));
        let files = published.files().map(|(name, file)| (name.to_owned(), Arc::new(file.to_vec())));
        self.stored.files.extend(files);
    }

    /// The newest file of a role, read; none when there is none or it can't be read.
    pub(super) fn newest<T: Document>(&self, role: &RoleName) -> Option<Envelope<T>> {
        let file = self.file(&format!("{role}.json"))?;
        Envelope::read(Dialect::Notary, file.to_vec(), &Limits::default()).ok()
    }

    /// Stores a file as the newest of its role. Readers find it under the digest of these very
    /// bytes, whatever its parent pins.
    pub(super) fn store(&mut self, role: &RoleName, version: Version, file: &[u8]) {
        self.stored.insert(role, version, file);
    }
}

/// Whether a name has neither a version before the role nor a digest behind it.
fn is_newest(name: &str) -> bool {
    name.matches('.').count() == 1
}
