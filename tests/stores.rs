//! Our stores keep what `MetadataStore` promises, whatever lies in their folder.

#[cfg(feature = "directory")]
#[path = "stores/directory.rs"]
mod directory;
#[cfg(feature = "directory")]
#[path = "stores/repository.rs"]
mod repository;

use std::{panic, time::Duration};

use tuf_notary::{
    name::Slot,
    store::{MemoryStore, MetadataStore, StoreError, StoreLock},
    testkit::suite,
};

#[test]
fn the_memory_store_keeps_its_promises() {
    suite::metadata_store(MemoryStore::new);
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    IgnoresTheCap,
    CutsToTheCap,
    MixesSlots,
    KeepsTheRecord,
    FailsOnEmptySlots,
    LocksNobodyOut,
    NeverWaits,
}

#[derive(Debug)]
struct Faulty(MemoryStore, Fault);

impl MetadataStore for Faulty {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.1 {
            Fault::IgnoresTheCap => self.0.read(slot, u64::MAX),
            Fault::CutsToTheCap => {
                let max = usize::try_from(max).unwrap();
                Ok(self.0.read(slot, u64::MAX)?.map(|content| content.into_iter().take(max).collect()))
            }
            _ => self.0.read(&self.slot(slot), max),
        }
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.0.write(&self.slot(slot), content)
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        let slot = self.slot(slot);
        if self.1 == Fault::FailsOnEmptySlots && self.0.read(&slot, u64::MAX)?.is_none() {
            return Err(StoreError::Other("empty".to_owned()));
        }
        self.0.remove(&slot)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let record = self.0.read(&Slot::Record, u64::MAX)?;
        self.0.clear()?;
        match record.filter(|_| self.1 == Fault::KeepsTheRecord) {
            Some(record) => self.0.write(&Slot::Record, &record),
            None => Ok(()),
        }
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        match self.1 {
            Fault::LocksNobodyOut => Ok(StoreLock::new(())),
            Fault::NeverWaits => self.0.lock(Duration::ZERO),
            _ => self.0.lock(wait),
        }
    }
}

impl Faulty {
    fn slot(&self, slot: &Slot) -> Slot {
        match slot {
            Slot::Metadata(role) if self.1 == Fault::MixesSlots => {
                Slot::Metadata(role.parent().unwrap_or_else(|| role.clone()))
            }
            _ => slot.clone(),
        }
    }
}

#[test]
fn the_suite_notices_a_faulty_store() {
    let passes =
        |fault| panic::catch_unwind(|| suite::metadata_store(|| Faulty(MemoryStore::new(), fault))).is_ok();
    assert!(passes(Fault::None));
    for fault in [
        Fault::IgnoresTheCap,
        Fault::CutsToTheCap,
        Fault::MixesSlots,
        Fault::KeepsTheRecord,
        Fault::FailsOnEmptySlots,
        Fault::LocksNobodyOut,
        Fault::NeverWaits,
    ] {
        assert!(!passes(fault), "{fault:?}");
    }
}
