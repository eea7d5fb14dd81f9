//! A store that ends with the process.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{MetadataStore, StoreError, StoreLock};
use crate::{name::Slot, wire::Bytes};

/// Keeps files in memory. Clones share their content and their lock.
///
/// The roll-back floors and the first use end with the last clone: suited to tests, and to
/// programs that are given a root each time.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    slots: Mutex<HashMap<Slot, Bytes>>,
    taken: Mutex<bool>,
    freed: Condvar,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl MetadataStore for MemoryStore {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let slots = hold(&self.0.slots);
        let Some(content) = slots.get(slot) else { return Ok(None) };
        let found = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if found > max {
            return Err(StoreError::TooLarge { slot: slot.clone(), limit: max, found });
        }
        Ok(Some(content.to_vec()))
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.write_shared(slot, &content.to_vec().into())
    }

    fn write_shared(&self, slot: &Slot, content: &Bytes) -> Result<(), StoreError> {
        hold(&self.0.slots).insert(slot.clone(), content.clone());
        Ok(())
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        hold(&self.0.slots).remove(slot);
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        hold(&self.0.slots).clear();
        Ok(())
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        let mut taken = hold(&self.0.taken);
        // Waiting takes a clock.
        if *taken && !wait.is_zero() && cfg!(feature = "system-clock") {
            let freed = self.0.freed.wait_timeout_while(taken, wait, |taken| *taken);
            taken = freed.unwrap_or_else(PoisonError::into_inner).0;
        }
        if *taken {
            return Err(StoreError::Busy { waited: wait });
        }
        *taken = true;
        Ok(StoreLock::new(Guard(Arc::clone(&self.0))))
    }
}

#[derive(Debug)]
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        *hold(&self.0.taken) = false;
        self.0.freed.notify_one();
    }
}

/// A panic elsewhere leaves whole files behind: each change is one step.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn clones_share_content_and_lock() {
        let store = MemoryStore::new();
        let twin = store.clone();
        store.write(&Slot::Record, b"x").unwrap();
        assert_eq!(twin.read(&Slot::Record, 1).unwrap().unwrap(), b"x");
        let held = store.lock(Duration::ZERO).unwrap();
        assert!(matches!(twin.lock(Duration::ZERO), Err(StoreError::Busy { .. })));
        drop(held);
        twin.lock(Duration::ZERO).unwrap();
    }

    #[test]
    fn cr_08_a_panic_under_the_lock_frees_it() {
        let store = MemoryStore::new();
        let twin = store.clone();
        let outcome = thread::spawn(move || {
            let _held = twin.lock(Duration::ZERO).unwrap();
            panic!("a caller's callback");
        })
        .join();
        assert!(outcome.is_err());
        store.lock(Duration::ZERO).unwrap();
    }
}
