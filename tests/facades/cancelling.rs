//! A future that is dropped at any point leaves a consistent store and no lock.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tuf_notary::{
    Changes, Error, Trust,
    crypto::digest,
    future::{Collection, Initialise},
    keys::MemoryKeys,
    metadata::TargetInfo,
    name::{Hashes, Slot},
    store::{MemoryStore, MetadataStore},
    testkit::TrustServer,
    wire::TrustRecord,
};

use super::lab::*;

/// Polls `most` times and drops the future; its outcome if it was ready by then.
fn poll<T>(future: impl Future<Output = T>, most: usize) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..most {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(outcome);
        }
    }
    None
}

fn copy(store: &MemoryStore) -> MemoryStore {
    let (copied, roles) = (MemoryStore::new(), ["root", "timestamp", "snapshot", "targets"]);
    let roles = roles.into_iter().chain(CHILDREN).map(|role| Slot::Metadata(role.parse().unwrap()));
    for slot in roles.chain([Slot::Record]) {
        if let Some(content) = store.read(&slot, u64::MAX).unwrap() {
            copied.write(&slot, &content).unwrap();
        }
    }
    copied
}

#[track_caller]
fn assert_not_below(before: &TrustRecord, after: &TrustRecord) {
    for (role, floor) in &before.floors {
        assert!(after.floors[role].version >= floor.version, "{role} fell");
    }
}

#[test]
fn a_refresh_may_be_dropped_at_any_point() {
    let (mut forge, server) = served();
    let first = MemoryStore::new();
    block_on(asynchronous(&server, &first).build().refresh()).unwrap();
    let older = server.checkpoint(&gun());
    bump(&mut forge, &server);
    let mut dropped = 0;
    for most in 0..1000 {
        let store = copy(&first);
        let before = record(&store);
        let collection = asynchronous(&server, &store).build();
        let outcome = poll(collection.refresh(), most);
        assert_not_below(&before, &record(&store));
        store.lock(Duration::ZERO).expect("the lock is released");
        if let Some(outcome) = outcome {
            assert_eq!(outcome.unwrap().trusted().delegated().len(), CHILDREN.len());
            break;
        }
        dropped += 1;
        // The same handle, and another one over the same store.
        let (same, other) = (collection.clone(), asynchronous(&server, &store).build());
        let view = block_on(if most % 2 == 0 { same.refresh() } else { other.refresh() }).unwrap();
        assert_eq!(view.trusted().targets().body().version.get(), 2);
        let after = record(&store);
        assert_not_below(&before, &after);
        server.misbehave(&gun(), tuf_notary::testkit::Fault::Replay(older.clone()));
        let error = block_on(collection.refresh()).unwrap_err();
        assert_eq!(error.code(), "ROLLBACK");
        server.behave(&gun());
    }
    assert!((5..500).contains(&dropped), "{dropped} points");
}

#[test]
fn a_first_contact_may_be_dropped_at_any_point() {
    let (_, server) = served();
    let mut dropped = 0;
    for most in 0..1000 {
        let store = MemoryStore::new();
        let collection = asynchronous(&server, &store).build();
        if poll(collection.refresh(), most).is_some() {
            break;
        }
        dropped += 1;
        let kept = |slot| store.read(&slot, u64::MAX).unwrap().is_some();
        assert!(!kept(Slot::Record) || kept(Slot::Metadata("root".parse().unwrap())), "a record alone");
        block_on(collection.refresh()).unwrap();
    }
    assert!((5..500).contains(&dropped), "{dropped} points");
}

fn signing(name: &str) -> Changes {
    let hashes = Hashes::sha256(digest::sha256(name.as_bytes()));
    Changes::new().sign(name.parse().unwrap(), TargetInfo { length: 1, hashes, custom: None })
}

fn begun() -> (TrustServer, MemoryKeys, MemoryStore, Collection) {
    let (server, keys, store) = (TrustServer::new(), MemoryKeys::new(), MemoryStore::new());
    server.set_now(now());
    let collection = Collection::builder(gun(), Trust::FirstUse)
        .transport(server.transport(&gun()))
        .keys(keys.clone())
        .store(store.clone())
        .clock(now)
        .build();
    block_on(collection.initialise(&Initialise::new().changes(signing("v1")))).unwrap();
    (server, keys, store, collection)
}

#[test]
fn a_publication_may_be_dropped_at_any_point() {
    let mut dropped = 0;
    for most in 0..1000 {
        let (_, _, store, collection) = begun();
        let before = record(&store);
        let outcome = poll(collection.publish(&signing("v2")), most);
        assert_not_below(&before, &record(&store));
        store.lock(Duration::ZERO).expect("the lock is released");
        if let Some(outcome) = outcome {
            outcome.unwrap();
            break;
        }
        dropped += 1;
        let view = block_on(collection.publish(&signing("v3"))).unwrap();
        assert!(view.target("v1").is_ok() && view.target("v3").is_ok());
        assert_not_below(&before, &record(&store));
    }
    assert!((3..500).contains(&dropped), "{dropped} points");
}

#[test]
fn who_waits_for_a_refresh_that_was_dropped_makes_it() {
    let (_, server) = served();
    let collection = asynchronous(&server, &MemoryStore::new()).build();
    let mut waiting = Box::pin(collection.refresh());
    {
        let mut first = Box::pin(collection.refresh());
        let context = &mut Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(context).is_pending());
        assert!(waiting.as_mut().poll(context).is_pending());
        assert_eq!(server.requests().len(), 1, "one asks, the other waits");
    }
    let outcome: Result<_, Error> = block_on(waiting);
    outcome.unwrap();
}
