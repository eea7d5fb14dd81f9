//! What every metadata store promises.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    name::{RoleName, Slot},
    store::{MetadataStore, StoreError},
};

const AMPLE: u64 = 1 << 20;

/// Checks a store. `make` returns a new, empty one each time.
///
/// # Panics
/// The store breaks a promise of [`MetadataStore`].
pub fn metadata_store<S: MetadataStore>(make: impl Fn() -> S) {
    an_empty_store_has_nothing(&make());
    what_was_written_is_read(&make());
    slots_do_not_meet(&make());
    a_slot_is_emptied(&make());
    everything_is_cleared(&make());
    the_cap_is_kept(&make());
    the_lock_excludes(&make());
    the_lock_is_waited_for(&make());
}

fn slots() -> Vec<Slot> {
    let delegations = ["targets/a", "targets/a/b", "targets/ab", "targets/root", RoleName::RELEASES];
    let mut roles = vec![RoleName::Root, RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets];
    roles.extend(delegations.into_iter().filter_map(|name| RoleName::new(name).ok()));
    roles.into_iter().map(Slot::Metadata).chain([Slot::Record]).collect()
}

fn an_empty_store_has_nothing(store: &impl MetadataStore) {
    for slot in slots() {
        expect(store, &slot, None, "in a new store");
    }
}

fn what_was_written_is_read(store: &impl MetadataStore) {
    let contents = [&b"first"[..], b"a second, longer content", b"", b"3"];
    for slot in slots() {
        for content in contents {
            write(store, &slot, content);
            expect(store, &slot, Some(content), "after it was written");
        }
    }
}

fn slots_do_not_meet(store: &impl MetadataStore) {
    for slot in slots() {
        write(store, &slot, format!("{slot:?}").as_bytes());
    }
    for slot in slots() {
        expect(store, &slot, Some(format!("{slot:?}").as_bytes()), "after all slots were written");
    }
}

fn a_slot_is_emptied(store: &impl MetadataStore) {
    for slot in slots() {
        write(store, &slot, b"content");
    }
    for slot in slots() {
        for _ in 0..2 {
            store.remove(&slot).unwrap_or_else(|e| panic!("{slot:?} could not be emptied: {e}"));
            expect(store, &slot, None, "after it was emptied");
        }
    }
}

fn everything_is_cleared(store: &impl MetadataStore) {
    for _ in 0..2 {
        store.clear().unwrap_or_else(|e| panic!("the store could not be cleared: {e}"));
        for slot in slots() {
            expect(store, &slot, None, "after the store was cleared");
            write(store, &slot, b"content");
        }
    }
}

fn the_cap_is_kept(store: &impl MetadataStore) {
    for slot in slots() {
        write(store, &slot, b"12345");
        match store.read(&slot, 5) {
            Ok(Some(content)) if content == b"12345" => {}
            other => panic!("{slot:?} has as many bytes as allowed and must be read, got {other:?}"),
        }
        match store.read(&slot, 4) {
            Err(StoreError::TooLarge { .. }) => {}
            other => panic!("{slot:?} has one byte more than allowed: expected TooLarge, got {other:?}"),
        }
    }
}

fn the_lock_excludes(store: &impl MetadataStore) {
    let held = store.lock(Duration::ZERO).unwrap_or_else(|e| panic!("a free lock must be given: {e}"));
    let wait = Duration::from_millis(60);
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| match store.lock(wait) {
            Err(StoreError::Busy { .. }) => {}
            other => panic!("the lock was held: expected Busy, got {other:?}"),
        });
    });
    assert!(start.elapsed() >= wait, "lock() gave up before the wait was over");
    drop(held);
    if let Err(e) = store.lock(Duration::ZERO) {
        panic!("the lock must be free once its guard was dropped: {e}");
    }
}

fn the_lock_is_waited_for(store: &impl MetadataStore) {
    let held = store.lock(Duration::ZERO);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| store.lock(Duration::from_secs(20)).map(drop));
        thread::sleep(Duration::from_millis(50));
        drop(held);
        match waiter.join() {
            Ok(Ok(())) => {}
            other => panic!("a lock that becomes free must be given to who waits for it, got {other:?}"),
        }
    });
}

fn write(store: &impl MetadataStore, slot: &Slot, content: &[u8]) {
    store.write(slot, content).unwrap_or_else(|e| panic!("{slot:?} could not be written: {e}"));
}

fn expect(store: &impl MetadataStore, slot: &Slot, expected: Option<&[u8]>, when: &str) {
    match store.read(slot, AMPLE) {
        Ok(found) if found.as_deref() == expected => {}
        found => panic!("{slot:?} {when}: expected {expected:?}, got {found:?}"),
    }
}
