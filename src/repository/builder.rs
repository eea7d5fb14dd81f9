//! What the builders of both façades have in common.

use crate::{
    collection::Inner,
    name::Gun,
    transport::{AsyncTargetTransport, AsyncTransport},
    verify::Trust,
    wire::Dialect,
};

/// A repository that is being described.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(super) inner: Inner,
    pub(super) targets: Option<Box<dyn AsyncTargetTransport>>,
}

impl Parts {
    pub(crate) fn new(root: Vec<u8>, blocks: bool) -> Self {
        let inner = Inner::new(Gun::repository(), Trust::Root(root), Dialect::Tuf1, blocks);
        Self { inner, targets: None }
    }

    pub(crate) fn set_name(&mut self, name: Gun) {
        self.inner.set_gun(name);
    }

    pub(crate) fn set_transport(&mut self, transport: impl AsyncTransport + 'static) {
        self.inner.set_transport(transport);
    }

    pub(crate) fn set_targets(&mut self, targets: impl AsyncTargetTransport + 'static) {
        self.targets = Some(Box::new(targets));
    }

    pub(crate) const fn inner(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

/// The settings that both builders have.
macro_rules! settings {
    () => {
        /// A name for the repository, recorded beside what is kept of it: a store that was begun under
        /// another name is refused, so that no repository's metadata can stand for another's.
        pub fn name(mut self, name: Gun) -> Self {
            self.0.set_name(name);
            self
        }

        /// Where to keep verified metadata, such as a
        /// [`RepositoryStore`](crate::store::RepositoryStore). Without one it is kept in memory.
        pub fn store(mut self, store: impl MetadataStore + 'static) -> Self {
            self.0.inner().set_store(Box::new(store));
            self
        }

        /// The bounds on what a server may send.
        pub const fn limits(mut self, limits: Limits) -> Self {
            self.0.inner().set_limits(limits);
            self
        }

        /// How fresh answers have to be. Default [`Freshness::Online`].
        pub const fn freshness(mut self, freshness: Freshness) -> Self {
            self.0.inner().set_freshness(freshness);
            self
        }

        /// For how long what a refresh has brought serves again without any input or output, as long
        /// as nothing in it expires. Default zero: each refresh asks.
        pub const fn max_age(mut self, max_age: Duration) -> Self {
            self.0.inner().set_max_age(max_age);
            self
        }

        /// How long to wait for other users of the same store. Default 30 s.
        pub const fn lock_wait(mut self, wait: Duration) -> Self {
            self.0.inner().set_lock_wait(wait);
            self
        }

        /// Where the time comes from. Default: the system's clock, which the feature `system-clock`
        /// brings; without that feature it has to be given.
        pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
            self.0.inner().set_clock(Box::new(clock));
            self
        }
    };
}

pub(crate) use settings;
