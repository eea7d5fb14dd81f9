//! A collection with two delegations, served by the simulator.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::SystemTime,
};

use tuf_notary::{
    Gun, Trust, blocking, future,
    name::Slot,
    store::{MemoryStore, MetadataStore},
    testkit::{Forge, ForgeKey, TrustServer},
    wire::TrustRecord,
};

pub const GUN: &str = "registry.example.com/team/app";
pub const CHILDREN: [&str; 4] = ["targets/a", "targets/b", "targets/c", "targets/d"];

pub fn gun() -> Gun {
    Gun::new(GUN).unwrap()
}

pub fn now() -> SystemTime {
    Forge::now()
}

/// A forge with delegations, and a server that serves what it made.
pub fn served() -> (Forge, TrustServer) {
    let (mut forge, server) = (Forge::new(GUN), TrustServer::new());
    for role in CHILDREN {
        forge.delegate("targets", role, &[ForgeKey::ecdsa()], 1, &[""]);
        forge.add_tag(role, role, 7, 7);
    }
    server.serve(&forge.build());
    (forge, server)
}

/// Publishes a new version of everything but the root.
pub fn bump(forge: &mut Forge, server: &TrustServer) {
    for role in CHILDREN.into_iter().chain(["targets", "snapshot", "timestamp"]) {
        forge.bump(role);
    }
    server.serve(&forge.build());
}

pub fn asynchronous(server: &TrustServer, store: &MemoryStore) -> future::CollectionBuilder {
    let builder = future::Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun()));
    builder.store(store.clone()).clock(now)
}

pub fn blocking(server: &TrustServer, store: &MemoryStore) -> blocking::CollectionBuilder {
    let builder = blocking::Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun()));
    builder.store(store.clone()).clock(now)
}

/// The record in a store.
pub fn record(store: &impl MetadataStore) -> TrustRecord {
    TrustRecord::read(&store.read(&Slot::Record, u64::MAX).unwrap().expect("a record")).unwrap()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future without any runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}
