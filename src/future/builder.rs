//! Describing a collection.

use std::time::{Duration, SystemTime};

use super::Collection;
use crate::{
    collection::{Core, Inner, settings},
    keys::KeyStore,
    limits::Limits,
    name::Gun,
    store::MetadataStore,
    transport::AsyncTransport,
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
        Self(Inner::new(gun, trust, Dialect::Notary, false))
    }

    /// How to reach the server. A blocking transport is wrapped in
    /// [`Blocking`](crate::transport::Blocking), which says what that means.
    pub fn transport(mut self, transport: impl AsyncTransport + 'static) -> Self {
        self.0.set_transport(transport);
        self
    }

    settings!();

    /// The collection. Nothing is read or asked yet.
    pub fn build(self) -> Collection {
        Collection { core: Core::new(self.0) }
    }
}
