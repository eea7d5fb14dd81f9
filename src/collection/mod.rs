//! What both façades do, written once.
//!
//! The rule: [`blocking`](crate::blocking) and [`future`](crate::future) differ in how they wait and
//! in nothing else. Everything here is asynchronous over an
//! [`AsyncTransport`](crate::transport::AsyncTransport) and knows no runtime; the blocking façade
//! gives it a transport whose futures are always ready, so that it never waits.
//!
//! Dropping a future of this layer is like a crash at the same place: files are replaced atomically
//! and in an order that a later refresh can take up (Notary v1; TUF specification 1.0.34 section
//! 5.3), and locks end with their guards.

mod builder;
mod cache;
pub(crate) mod drive;
mod freshness;
mod initialise;
mod join;
mod keyring;
mod outgoing;
mod plan;
mod publish;
mod read_back;
mod registry;
mod rotate;
mod turn;
mod upload;

pub(crate) use builder::settings;
pub use initialise::{Initialise, SnapshotKey};
pub(crate) use registry::{Registry, collections};
pub(crate) use turn::{Entry, Guard, Ticket};

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use self::turn::Turn;
use crate::{
    error::Error,
    keys::KeyStore,
    limits::Limits,
    name::Gun,
    store::{MemoryStore, MetadataStore, StoreError, StoreLock},
    telemetry::Watched,
    transport::AsyncTransport,
    verify::{RefreshPlan, SearchPlan, Trust, TrustedSet},
    view::{Freshness, View},
    wire::Dialect,
};

/// One collection, its server, its store, its keys. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    gun: Gun,
    trust: Trust,
    dialect: Dialect,
    limits: Limits,
    freshness: Freshness,
    max_age: Duration,
    lock_wait: Duration,
    transport: Option<Box<dyn AsyncTransport>>,
    store: Box<dyn MetadataStore>,
    keys: Option<Box<dyn KeyStore>>,
    clock: Clock,
    /// What the last refresh ended with.
    last: Mutex<Option<TrustedSet>>,
    /// Whether waiting blocks the thread, so that no future is ever pending.
    blocks: bool,
    /// One operation at a time; the store's lock does the same between processes.
    turn: Turn,
}

impl Inner {
    pub(crate) fn new(gun: Gun, trust: Trust, dialect: Dialect, blocks: bool) -> Self {
        Self {
            gun,
            trust,
            dialect,
            limits: Limits::default(),
            freshness: Freshness::Online,
            max_age: Duration::ZERO,
            lock_wait: Duration::from_secs(30),
            transport: None,
            store: Box::new(MemoryStore::new()),
            keys: None,
            clock: Clock(None),
            last: Mutex::new(None),
            blocks,
            turn: Turn::default(),
        }
    }

    pub(crate) fn set_gun(&mut self, gun: Gun) {
        self.gun = gun;
    }

    pub(crate) fn set_transport(&mut self, transport: impl AsyncTransport + 'static) {
        self.transport = Some(Box::new(transport));
    }
}

impl Core {
    pub(crate) fn new(mut inner: Inner) -> Self {
        if let Some(transport) = inner.transport.take() {
            inner.transport = Some(Box::new(Watched::new(inner.gun.clone(), transport)));
        }
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn gun(&self) -> &Gun {
        &self.inner.gun
    }

    /// Enters a refresh: with a view that is fresh enough, or to wait for a turn.
    pub(crate) fn enter(&self) -> Entry<'_> {
        self.inner.turn.enter(self.inner.max_age, self.now())
    }

    /// Waits for a turn without blocking.
    pub(crate) async fn turn(&self) -> Guard<'_> {
        self.inner.turn.take().await
    }

    /// Waits for a turn and blocks the thread.
    pub(crate) fn turn_blocking(&self) -> Guard<'_> {
        self.inner.turn.take_blocking()
    }

    /// Asks the server, unless somebody else has done so since the ticket was drawn.
    pub(crate) async fn refresh(&self, turn: &Guard<'_>, ticket: Ticket<'_>) -> Result<View, Error> {
        if let Some(outcome) = turn.outcome(&ticket) {
            return outcome;
        }
        turn.begin();
        let outcome = match self.lock().await {
            Ok(_lock) => self.refresh_by_mode().await,
            Err(error) => Err(error),
        };
        turn.end(&outcome, self.now());
        outcome
    }

    /// Deletes the collection on the server; when the server has done so, here too.
    pub(crate) async fn delete_remote(&self, turn: Guard<'_>) -> Result<(), Error> {
        let _lock = self.lock().await?;
        turn.forget();
        self.check_writable()?;
        self.transport()?.delete().await?;
        Ok(self.inner.store.clear()?)
    }

    /// Drops anchor, floors and cache of this collection.
    pub(crate) async fn forget(&self, turn: Guard<'_>) -> Result<(), Error> {
        let _lock = self.lock().await?;
        turn.forget();
        *self.inner.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(self.inner.store.clear()?)
    }

    /// A refresh as of now.
    fn refresh_plan(&self) -> RefreshPlan {
        RefreshPlan {
            gun: self.inner.gun.clone(),
            trust: self.inner.trust.clone(),
            dialect: self.inner.dialect,
            limits: self.inner.limits,
            now: self.now(),
            as_of: matches!(self.inner.freshness, Freshness::AsOf(_)),
            offline: matches!(self.inner.freshness, Freshness::Offline),
        }
    }

    /// What look-ups of now are judged by.
    pub(crate) fn search_plan(&self) -> SearchPlan {
        let RefreshPlan { dialect, limits, now, as_of, offline, .. } = self.refresh_plan();
        SearchPlan { dialect, limits, now, as_of, offline }
    }

    /// Whether a place on disk belongs to the store.
    #[cfg(feature = "directory")]
    pub(crate) fn store_holds(&self, path: &std::path::Path) -> bool {
        self.inner.store.holds(path)
    }

    fn now(&self) -> SystemTime {
        match self.inner.freshness {
            Freshness::AsOf(time) => time,
            _ => self.inner.clock.now(),
        }
    }

    fn keys(&self) -> Result<&dyn KeyStore, Error> {
        self.inner.keys.as_deref().ok_or(Error::Unconfigured("a key store"))
    }

    /// Takes the store for this operation alone.
    pub(crate) async fn lock(&self) -> Result<Option<StoreLock>, Error> {
        let inner = &*self.inner;
        if !inner.clock.is_set() && !matches!(inner.freshness, Freshness::AsOf(_)) {
            return Err(Error::Unconfigured("a clock"));
        }
        match inner.blocks {
            true => Ok(drive::lock(&*inner.store, inner.lock_wait)?),
            false => self.lock_patiently().await,
        }
    }

    /// Asks for the lock again and again: waiting within the store would block a thread that other
    /// futures need.
    async fn lock_patiently(&self) -> Result<Option<StoreLock>, Error> {
        let (wait, mut waited) = (self.inner.lock_wait, Duration::ZERO);
        loop {
            match drive::lock(&*self.inner.store, Duration::ZERO) {
                Err(StoreError::Busy { .. }) if waited < wait => {}
                Err(StoreError::Busy { .. }) => {
                    return Err(StoreError::Busy { waited }.into());
                }
                outcome => return Ok(outcome?),
            }
            let pause = POLL.min(wait.saturating_sub(waited));
            self.pause(pause).await;
            waited = waited.saturating_add(pause);
        }
    }

    /// Waits as the transport waits; without one, as threads do.
    async fn pause(&self, time: Duration) {
        match &self.inner.transport {
            _ if time.is_zero() => {}
            _ if self.inner.blocks => crate::transport::rest(time),
            Some(transport) => transport.sleep(time).await,
            None => crate::transport::sleep(time).await,
        }
    }
}

/// How often a store that others use is asked for.
const POLL: Duration = Duration::from_millis(20);

/// Where the time comes from: the system, unless somebody else gives it.
struct Clock(Option<Box<dyn Fn() -> SystemTime + Send + Sync>>);
