//! A transport for those who have the bytes: an archive, a bundle, a message.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{TargetTransport, Transport, TransportError, targets};
use crate::name::Resource;

/// Serves metadata and targets from memory. Clones share their content. It only fetches.
#[derive(Clone, Debug, Default)]
pub struct MemoryTransport(Arc<RwLock<Files>>);

#[derive(Debug, Default)]
struct Files {
    metadata: HashMap<Resource, Arc<[u8]>>,
    targets: HashMap<String, Arc<[u8]>>,
}

impl MemoryTransport {
    /// A transport that has no file yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `content` from now on; returns what was served before.
    pub fn insert(&self, what: Resource, content: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        owned(self.write().metadata.insert(what, content.into().into()))
    }

    /// Answers "not found" from now on; returns what was served before.
    pub fn remove(&self, what: &Resource) -> Option<Vec<u8>> {
        owned(self.write().metadata.remove(what))
    }

    /// Serves a target's `content` at this path from now on, hash prefix included; returns what was
    /// served before.
    pub fn insert_target(&self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        owned(self.write().targets.insert(path.into(), content.into().into()))
    }

    /// Answers "not found" to this target from now on; returns what was served before.
    pub fn remove_target(&self, path: &str) -> Option<Vec<u8>> {
        owned(self.write().targets.remove(path))
    }

    fn read(&self) -> RwLockReadGuard<'_, Files> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Files> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromIterator<(Resource, Vec<u8>)> for MemoryTransport {
    fn from_iter<I: IntoIterator<Item = (Resource, Vec<u8>)>>(files: I) -> Self {
        let metadata = files.into_iter().map(|(what, content)| (what, content.into())).collect();
        Self(Arc::new(RwLock::new(Files { metadata, ..Files::default() })))
    }
}

impl Transport for MemoryTransport {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        serve(self.read().metadata.get(what), max, || what.notary_name())
    }
}

impl TargetTransport for MemoryTransport {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let _ = targets::segments(path)?;
        serve(self.read().targets.get(path), max, || targets::shown(path))
    }
}

fn serve(
    content: Option<&Arc<[u8]>>,
    max: u64,
    name: impl Fn() -> String,
) -> Result<Box<dyn Read + Send>, TransportError> {
    let content = content.ok_or_else(|| TransportError::NotFound { what: name() })?;
    if u64::try_from(content.len()).map_or(true, |length| length > max) {
        return Err(TransportError::TooLarge { what: name(), limit: max });
    }
    Ok(Box::new(Cursor::new(Arc::clone(content))))
}

fn owned(content: Option<Arc<[u8]>>) -> Option<Vec<u8>> {
    content.map(|content| content.to_vec())
}
