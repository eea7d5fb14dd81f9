//! Those who ask at once share one answer.

use std::{num::NonZeroUsize, sync::Barrier, thread, time::Duration};

use tuf_notary::{
    Gun, blocking, future,
    store::MemoryStore,
    testkit::{Fault, TrustServer},
};

use super::lab::*;

const MANY: usize = 16;
const COLD: usize = 4 + CHILDREN.len();

fn slowly(server: &TrustServer) {
    server.misbehave(&gun(), Fault::Delay(Duration::from_millis(30)));
}

#[test]
fn threads_that_ask_at_once_cost_one_refresh() {
    let (_, server) = served();
    slowly(&server);
    let collection = blocking(&server, &MemoryStore::new()).build();
    let barrier = Barrier::new(MANY);
    thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| {
                barrier.wait();
                collection.clone().refresh().unwrap();
            });
        }
    });
    assert_eq!(server.requests().len(), COLD, "{:?}", server.requests());
    collection.refresh().unwrap();
    assert_eq!(server.requests().len(), COLD + 1, "who comes later asks anew");
}

#[test]
fn tasks_that_ask_at_once_cost_one_refresh() {
    let (_, server) = served();
    slowly(&server);
    let collection = asynchronous(&server, &MemoryStore::new()).build();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let ask = || {
            let collection = collection.clone();
            tokio::spawn(async move { collection.refresh().await.map(drop) })
        };
        let tasks: Vec<_> = (0..MANY).map(|_| ask()).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(server.requests().len(), COLD, "{:?}", server.requests());
        collection.refresh().await.unwrap();
        assert_eq!(server.requests().len(), COLD + 1, "who comes later asks anew");
    });
}

#[test]
fn a_failure_is_shared_too_and_not_kept() {
    let (_, server) = served();
    slowly(&server);
    server.misbehave(&gun(), Fault::Fail { role: None, status: 503 });
    let collection = blocking(&server, &MemoryStore::new()).build();
    let barrier = Barrier::new(MANY);
    thread::scope(|scope| {
        for _ in 0..MANY {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(collection.refresh().unwrap_err().code(), "SERVER_ERROR");
            });
        }
    });
    assert!(server.requests().len() < MANY, "{:?}", server.requests());
    server.behave(&gun());
    collection.refresh().unwrap();
}

#[test]
fn a_view_within_its_window_costs_nothing_and_a_change_of_ours_ends_it() {
    let (_, server) = served();
    let store = MemoryStore::new();
    let window = Duration::from_secs(60);
    let blocking = blocking(&server, &store).max_age(window).build();
    let asynchronous = asynchronous(&server, &store).max_age(window).build();
    blocking.refresh().unwrap();
    block_on(asynchronous.refresh()).unwrap();
    server.clear_requests();
    for _ in 0..3 {
        blocking.clone().refresh().unwrap();
        block_on(asynchronous.clone().refresh()).unwrap();
    }
    assert!(server.requests().is_empty());
    blocking.dangerous().forget().unwrap();
    blocking.refresh().unwrap();
    assert_eq!(server.requests().len(), COLD, "what was forgotten is not served");
}

#[test]
fn a_registry_gives_everybody_the_same_handle() {
    let (_, server) = served();
    let (most, made_of) = (NonZeroUsize::new(2).unwrap(), server.clone());
    let window = Duration::from_secs(60);
    let collections = blocking::Collections::new(most, move |gun: &Gun| {
        let builder = blocking::Collection::builder(gun.clone(), tuf_notary::Trust::FirstUse);
        Ok(builder.transport(made_of.transport(gun)).clock(now).max_age(window).build())
    });
    let others = ["example.com/x", "example.com/y"].map(|gun| Gun::new(gun).unwrap());
    for _ in 0..3 {
        collections.get(&gun()).unwrap().refresh().unwrap();
    }
    assert_eq!(server.requests().len(), COLD);
    assert!(others.iter().all(|gun| collections.get(gun).unwrap().refresh().is_err()));
    assert_eq!(collections.len(), 2);
    collections.get(&gun()).unwrap().refresh().unwrap();
    assert_eq!(server.requests().len(), 2 * COLD + 2, "it had to go");
    let made_of = server.clone();
    let futures = future::Collections::new(most, move |gun: &Gun| {
        let builder = future::Collection::builder(gun.clone(), tuf_notary::Trust::FirstUse);
        Ok(builder.transport(made_of.transport(gun)).clock(now).max_age(window).build())
    });
    server.clear_requests();
    for _ in 0..3 {
        block_on(futures.get(&gun()).unwrap().refresh()).unwrap();
    }
    assert_eq!(server.requests().len(), COLD);
}
