//! A transport for those who have the bytes: an archive, a bundle, a message.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    sync::{Arc, PoisonError, RwLock},
};

use super::{Transport, TransportError};
use crate::name::Resource;

/// Serves files from memory. Clones share their content. It only fetches.
#[derive(Clone, Debug, Default)]
pub struct MemoryTransport(Arc<RwLock<HashMap<Resource, Vec<u8>>>>);

impl MemoryTransport {
    /// A transport that has no file yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `content` from now on; returns what was served before.
    pub fn insert(&self, what: Resource, content: impl Into<Vec<u8>>) -> Option<Vec<u8>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(what, content.into())
    }

    /// Answers "not found" from now on; returns what was served before.
    pub fn remove(&self, what: &Resource) -> Option<Vec<u8>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(what)
    }
}

impl FromIterator<(Resource, Vec<u8>)> for MemoryTransport {
    fn from_iter<I: IntoIterator<Item = (Resource, Vec<u8>)>>(files: I) -> Self {
        Self(Arc::new(RwLock::new(files.into_iter().collect())))
    }
}

impl Transport for MemoryTransport {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let files = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let name = || what.notary_name();
        let content = files.get(what).ok_or_else(|| TransportError::NotFound { what: name() })?;
        if u64::try_from(content.len()).map_or(true, |length| length > max) {
            return Err(TransportError::TooLarge { what: name(), limit: max });
        }
        Ok(Box::new(Cursor::new(content.clone())))
    }
}
