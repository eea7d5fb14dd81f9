//! Where verified metadata is kept between two runs.
//!
//! A store is a cache, a roll-back floor and, for the root, the anchor of trust. It is never
//! believed: what it returns is verified again on each load. Writing is atomic: after a crash at
//! any point a slot holds its old content or its new one.

#[cfg(feature = "directory")]
mod directory;
#[cfg(feature = "directory")]
mod lock;
mod memory;
#[cfg(feature = "directory")]
mod others;
#[cfg(feature = "directory")]
mod repository;

use std::{fmt::Debug, path::Path, time::Duration};

#[cfg(feature = "directory")]
pub use crate::disk::FileError;
#[cfg(feature = "directory")]
pub use directory::DirectoryStore;
pub use memory::MemoryStore;
#[cfg(feature = "directory")]
pub use repository::RepositoryStore;

use crate::{name::Slot, wire::Bytes};

/// Keeps the files of one collection or repository.
///
/// Implementers run `testkit::suite::metadata_store` against their store.
pub trait MetadataStore: Debug + Send + Sync {
    /// The content of a slot; `None` when it was never written.
    ///
    /// # Errors
    /// The slot exists and can't be read, is not a regular file, or is larger than `max` bytes.
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Replaces the content of a slot, atomically and durably.
    ///
    /// # Errors
    /// The content could not be made durable. A reader then finds the old content or, when only
    /// the last step failed, the new one; never a mixture.
    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError>;

    /// The same for content that is in memory already and never changes: a store that keeps it there
    /// shares it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_shared(&self, slot: &Slot, content: &Bytes) -> Result<(), StoreError> {
        self.write(slot, content)
    }

    /// Empties a slot. Emptying an empty slot succeeds.
    ///
    /// # Errors
    /// The slot could not be emptied.
    fn remove(&self, slot: &Slot) -> Result<(), StoreError>;

    /// Empties every slot: an explicit reset of trust.
    ///
    /// # Errors
    /// A slot could not be emptied. Those that were emptied before stay so.
    fn clear(&self) -> Result<(), StoreError>;

    /// Whether a place on disk belongs to this store, so that nothing else may be written there.
    fn holds(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// Keeps every other reader and writer of this collection out, in this process and in
    /// others, until the guard is dropped. Waits at most `wait`.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the wait is over.
    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError>;
}

/// Exclusive use of a store; ends when dropped, also when the process dies.
#[derive(Debug)]
pub struct StoreLock(#[allow(dead_code)] Box<dyn Debug + Send>);

impl StoreLock {
    /// Wraps whatever holds the lock for as long as it lives.
    pub fn new(guard: impl Debug + Send + 'static) -> Self {
        Self(Box::new(guard))
    }
}

/// Why a store could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file could not be read or written.
    #[cfg(feature = "directory")]
    #[error(transparent)]
    File(#[from] FileError),
    /// The slot's content is larger than anything that this client would have written.
    #[error("{slot:?} has {found} bytes, the limit is {limit}")]
    TooLarge {
        /// The slot.
        slot: Slot,
        /// The limit in bytes.
        limit: u64,
        /// The size found in bytes.
        found: u64,
    },
    /// Somebody else holds the lock.
    #[error("the trust data is in use by another process or thread; waited {waited:?}")]
    Busy {
        /// How long we waited.
        waited: Duration,
    },
    /// A store of another kind failed.
    #[error("{0}")]
    Other(String),
}
