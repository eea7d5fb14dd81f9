//! What the builders of both façades have in common.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use super::{Clock, Inner, cache::Cache};
use crate::{keys::KeyStore, limits::Limits, store::MetadataStore, view::Freshness};

impl Inner {
    pub(crate) fn set_store(&mut self, store: Box<dyn MetadataStore>) {
        self.store = Box::new(Cache::new(store));
    }

    pub(crate) fn set_keys(&mut self, keys: Box<dyn KeyStore>) {
        self.keys = Some(keys);
    }

    pub(crate) const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(crate) const fn set_freshness(&mut self, freshness: Freshness) {
        self.freshness = freshness;
    }

    pub(crate) const fn set_max_age(&mut self, max_age: Duration) {
        self.max_age = max_age;
    }

    pub(crate) const fn set_lock_wait(&mut self, wait: Duration) {
        self.lock_wait = wait;
    }

    pub(crate) fn set_clock(&mut self, clock: Box<dyn Fn() -> SystemTime + Send + Sync>) {
        self.clock = Clock(Some(clock));
    }
}

impl Clock {
    pub(super) fn now(&self) -> SystemTime {
        self.0.as_ref().map_or_else(system_time, |clock| clock())
    }

    /// Whether anything tells the time.
    pub(super) fn is_set(&self) -> bool {
        cfg!(feature = "system-clock") || self.0.is_some()
    }
}

#[cfg(feature = "system-clock")]
fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Beyond every expiry: where nothing tells the time, nothing is valid.
#[cfg(not(feature = "system-clock"))]
fn system_time() -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(1 << 40)).unwrap_or(SystemTime::UNIX_EPOCH)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock(given)" } else { "Clock(system)" })
    }
}

/// The settings that both builders have.
macro_rules! settings {
    () => {
        /// Where to keep verified metadata. Without one it is kept in memory, and a first use is
        /// forgotten with it; so is what the store can't take, which is warned about.
        pub fn store(mut self, store: impl MetadataStore + 'static) -> Self {
            self.0.set_store(Box::new(store));
            self
        }

        /// Where private keys are; needed to publish.
        pub fn keys(mut self, keys: impl KeyStore + 'static) -> Self {
            self.0.set_keys(Box::new(keys));
            self
        }

        /// The bounds on what a server may send.
        pub const fn limits(mut self, limits: Limits) -> Self {
            self.0.set_limits(limits);
            self
        }

        /// How fresh answers have to be. Default [`Freshness::Online`].
        pub const fn freshness(mut self, freshness: Freshness) -> Self {
            self.0.set_freshness(freshness);
            self
        }

        /// For how long a view is served again without any input or output, as long as nothing in
        /// it expires. Default zero: each refresh asks.
        pub const fn max_age(mut self, max_age: Duration) -> Self {
            self.0.set_max_age(max_age);
            self
        }

        /// How long to wait for other users of the same store. Default 30 s.
        pub const fn lock_wait(mut self, wait: Duration) -> Self {
            self.0.set_lock_wait(wait);
            self
        }

        /// Where the time comes from, on machines whose own clock does not tell it. Whoever sets
        /// it decides what has expired. Default: the system's clock, which the feature `system-clock`
        /// brings; without that feature it has to be given.
        pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
            self.0.set_clock(Box::new(clock));
            self
        }
    };
}

pub(crate) use settings;
