//! Describing a collection.

use std::time::{Duration, SystemTime};

use super::Collection;
use crate::{
    collection::{Core, Inner, settings},
    keys::KeyStore,
    limits::Limits,
    name::Gun,
    store::MetadataStore,
    transport::{Blocking, Transport},
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
        Self(Inner::new(gun, trust, Dialect::Notary, true))
    }

    /// How to reach the server.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.0.set_transport(Blocking::new(transport));
        self
    }

    settings!();

    /// The collection. Nothing is read or asked yet.
    pub fn build(self) -> Collection {
        Collection { core: Core::new(self.0) }
    }
}
