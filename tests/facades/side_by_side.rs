//! Delegations of one level are fetched together, and judged in order.

use std::time::{Duration, Instant};

use tuf_notary::{store::MemoryStore, testkit::Fault};

use super::lab::*;

#[test]
fn siblings_cost_one_round_trip() {
    let (mut forge, server) = served();
    let delay = Duration::from_millis(100);
    server.misbehave(&gun(), Fault::Delay(delay));
    let (store, start) = (MemoryStore::new(), Instant::now());
    let collection = asynchronous(&server, &store).build();
    let view = block_on(collection.refresh()).unwrap();
    let trips = start.elapsed().as_millis() / delay.as_millis();
    assert!((5..8).contains(&trips), "four files and four delegations took {trips} round trips");
    assert_eq!(view.trusted().delegated().len(), CHILDREN.len());
    assert_eq!(server.requests().len(), 4 + CHILDREN.len());
    // Only what is not in the cache is asked for.
    for role in ["targets/b", "snapshot", "timestamp"] {
        forge.bump(role);
    }
    server.serve(&forge.build());
    server.clear_requests();
    block_on(collection.refresh()).unwrap();
    assert_eq!(server.requests().len(), 3, "{:?}", server.requests());
}

#[test]
fn what_comes_early_is_judged_in_its_turn() {
    let (mut forge, server) = served();
    for role in ["targets/b", "targets/c"] {
        forge.after_sign(role, |mut file| {
            file.push(b' ');
            file
        });
    }
    server.serve(&forge.build());
    for role in ["targets/b", "targets/c"] {
        let role = role.parse().unwrap();
        let change = std::sync::Arc::new(|_| b"{}".to_vec());
        server.misbehave(&gun(), Fault::Mutate { role, change });
    }
    let errors =
        (0..8).map(|_| block_on(asynchronous(&server, &MemoryStore::new()).build().refresh()).unwrap_err());
    let blocking = blocking(&server, &MemoryStore::new()).build().refresh().unwrap_err();
    for error in errors {
        assert_eq!((error.code(), error.to_string()), (blocking.code(), blocking.to_string()));
    }
}
