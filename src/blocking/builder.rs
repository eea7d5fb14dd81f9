//! Describing a collection.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Collection, Inner};
use crate::{
    keys::KeyStore,
    limits::Limits,
    name::Gun,
    store::{MemoryStore, MetadataStore},
    transport::Transport,
    verify::Trust,
    view::Freshness,
    wire::Dialect,
};

/// Builds a [`Collection`].
#[derive(Debug)]
#[must_use]
pub struct CollectionBuilder(Inner);

impl CollectionBuilder {
    pub(super) fn new(gun: Gun, trust: Trust) -> Self {
        Self(Inner {
            gun,
            trust,
            dialect: Dialect::Notary,
            limits: Limits::default(),
            freshness: Freshness::Online,
            lock_wait: Duration::from_secs(30),
            transport: None,
            store: Box::new(MemoryStore::new()),
            keys: None,
            turn: Mutex::new(()),
        })
    }

    /// How to reach the server.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.0.transport = Some(Box::new(transport));
        self
    }

    /// Where to keep verified metadata. Without one it is kept in memory, and a first use is
    /// forgotten with it.
    pub fn store(mut self, store: impl MetadataStore + 'static) -> Self {
        self.0.store = Box::new(store);
        self
    }

    /// Where private keys are; needed to publish.
    pub fn keys(mut self, keys: impl KeyStore + 'static) -> Self {
        self.0.keys = Some(Box::new(keys));
        self
    }

    /// The bounds on what a server may send.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.0.limits = limits;
        self
    }

    /// How fresh answers have to be. Default [`Freshness::Online`].
    pub const fn freshness(mut self, freshness: Freshness) -> Self {
        self.0.freshness = freshness;
        self
    }

    /// How long to wait for other users of the same store. Default 30 s.
    pub const fn lock_wait(mut self, wait: Duration) -> Self {
        self.0.lock_wait = wait;
        self
    }

    /// The collection. Nothing is read or asked yet.
    pub fn build(self) -> Collection {
        Collection { inner: Arc::new(self.0) }
    }
}
