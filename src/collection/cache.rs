//! A store that can't be written to serves all the same, for as long as the program runs.
//!
//! What could not be written is kept in memory, so that floors and anchor hold between two refreshes
//! of one program. It counts only on top of the very root and record that were there: when somebody
//! else has written those, theirs count.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    crypto::digest,
    name::{RoleName, Slot},
    store::{MetadataStore, StoreError, StoreLock},
    wire::Bytes,
};

/// More than a root or a record ever has.
const MAX_READ: u64 = 64 << 20;
const ROOT: Slot = Slot::Metadata(RoleName::Root);

/// A store, and what it would not take.
#[derive(Debug)]
pub(super) struct Cache {
    store: Box<dyn MetadataStore>,
    spare: Mutex<Option<Spare>>,
}

#[derive(Debug)]
struct Spare {
    slots: HashMap<Slot, Bytes>,
    /// What the store itself has.
    below: Below,
}

/// SHA-256 of what is there.
#[derive(Debug, PartialEq, Eq)]
struct Below {
    root: Option<[u8; 32]>,
    record: Option<[u8; 32]>,
}

impl Cache {
    pub(super) fn new(store: Box<dyn MetadataStore>) -> Self {
        Self { store, spare: Mutex::new(None) }
    }

    fn below(&self) -> Below {
        // One that can't be read is not one that is absent.
        let digest = |slot| match self.store.read(slot, MAX_READ) {
            Ok(content) => content.map(|content| digest::sha256(&content)),
            Err(_) => Some([0; 32]),
        };
        Below { root: digest(&ROOT), record: digest(&Slot::Record) }
    }

    fn keep(&self, slot: &Slot, content: &Bytes) {
        let below = self.below();
        let mut spare = self.spare();
        let spare = spare.get_or_insert_with(|| Spare { slots: HashMap::new(), below });
        spare.slots.insert(slot.clone(), content.clone());
    }

    fn spare(&self) -> MutexGuard<'_, Option<Spare>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a record would stand there without its root, as if somebody had deleted that.
    fn is_rootless(&self, slot: &Slot) -> bool {
        let spare = self.spare();
        let is_only_here = |spare: &Spare| spare.slots.contains_key(&ROOT) && spare.below.root.is_none();
        *slot == Slot::Record && spare.as_ref().is_some_and(is_only_here)
    }
}

impl MetadataStore for Cache {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.spare().as_ref().and_then(|spare| spare.slots.get(slot)) {
            Some(content) => Ok(Some(content.to_vec())),
            None => self.store.read(slot, max),
        }
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.write_shared(slot, &content.to_vec().into())
    }

    fn write_shared(&self, slot: &Slot, content: &Bytes) -> Result<(), StoreError> {
        let outcome = match self.is_rootless(slot) {
            true => Err(StoreError::Other("kept in memory, as its root is".to_owned())),
            false => self.store.write_shared(slot, content),
        };
        if outcome.is_err() {
            self.keep(slot, content);
        } else if self.spare().is_some() {
            let below = self.below();
            if let Some(spare) = self.spare().as_mut() {
                spare.slots.remove(slot);
                spare.below = below;
            }
        }
        outcome
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        if let Some(spare) = self.spare().as_mut() {
            spare.slots.remove(slot);
        }
        self.store.remove(slot)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.store.clear()?;
        *self.spare() = None;
        Ok(())
    }

    fn holds(&self, path: &Path) -> bool {
        self.store.holds(path)
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        let outcome = self.store.lock(wait);
        if !matches!(outcome, Err(StoreError::Busy { .. })) && self.spare().is_some() {
            let below = self.below();
            let mut spare = self.spare();
            if spare.as_ref().is_some_and(|spare| spare.below != below) {
                tracing::warn!("the trust folder was written by somebody else, whose data counts now");
                *spare = None;
            }
        }
        outcome
    }
}
