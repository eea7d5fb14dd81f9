//! The blocking façade: one collection, its server, its store, its keys.
//!
//! ```
//! use tuf_notary::{Collection, Gun, Trust, testkit::TrustServer};
//!
//! let gun = Gun::new("registry.example.com/team/app")?;
//! let server = TrustServer::new();
//! let collection = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun)).build();
//! let error = collection.refresh().unwrap_err();
//! assert!(error.is_not_found());
//! # Ok::<(), tuf_notary::name::NameError>(())
//! ```

mod builder;
mod drive;
mod initialise;
mod keyring;
mod plan;
mod publish;
mod rotate;
mod upload;

pub use crate::edit::RootKey;
pub use builder::CollectionBuilder;
pub use initialise::{Initialise, SnapshotKey};

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::{
    error::Error,
    keys::KeyStore,
    limits::Limits,
    name::Gun,
    store::MetadataStore,
    transport::Transport,
    verify::{RefreshPlan, Trust},
    view::{Freshness, View},
    wire::Dialect,
};

/// One collection. Cloning is cheap and shares everything; all methods take `&self`.
#[derive(Clone, Debug)]
pub struct Collection {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    gun: Gun,
    trust: Trust,
    dialect: Dialect,
    limits: Limits,
    freshness: Freshness,
    lock_wait: Duration,
    transport: Option<Box<dyn Transport>>,
    store: Box<dyn MetadataStore>,
    keys: Option<Box<dyn KeyStore>>,
    /// One operation at a time; the store's lock does the same between processes.
    turn: Mutex<()>,
}

impl Collection {
    /// Begins to describe a collection. There is no default for where trust begins.
    pub fn builder(gun: Gun, trust: Trust) -> CollectionBuilder {
        CollectionBuilder::new(gun, trust)
    }

    /// The collection's name.
    pub fn gun(&self) -> &Gun {
        &self.inner.gun
    }

    /// Asks the server, verifies, and keeps what is newer than what was known.
    ///
    /// # Errors
    /// The server could not be asked, or its answer doesn't hold. What was trusted before stays.
    pub fn refresh(&self) -> Result<View, Error> {
        let _turn = self.turn();
        let _lock = drive::lock(&*self.inner.store, self.inner.lock_wait)?;
        self.refresh_locked()
    }

    /// Deletes the collection on the server; when the server has done so, here too.
    ///
    /// # Errors
    /// The server refused or could not be asked; then nothing is forgotten here.
    pub fn delete_remote(&self) -> Result<(), Error> {
        let _turn = self.turn();
        let _lock = drive::lock(&*self.inner.store, self.inner.lock_wait)?;
        self.transport()?.delete()?;
        Ok(self.inner.store.clear()?)
    }

    /// Operations that give up protection.
    pub const fn dangerous(&self) -> Dangerous<'_> {
        Dangerous(self)
    }

    fn refresh_locked(&self) -> Result<View, Error> {
        let set = drive::refresh(self.refresh_plan(), self.transport()?, &*self.inner.store)?;
        Ok(View::new(self.inner.gun.clone(), set, self.inner.freshness))
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
        }
    }

    fn now(&self) -> SystemTime {
        match self.inner.freshness {
            Freshness::AsOf(time) => time,
            Freshness::Online => SystemTime::now(),
        }
    }

    fn transport(&self) -> Result<&dyn Transport, Error> {
        self.inner.transport.as_deref().ok_or(Error::Unconfigured("a transport"))
    }

    fn keys(&self) -> Result<&dyn KeyStore, Error> {
        self.inner.keys.as_deref().ok_or(Error::Unconfigured("a key store"))
    }

    /// A panic in another thread leaves nothing half-done: files are replaced atomically.
    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.inner.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Operations that give up protection; see [`Collection::dangerous`].
#[derive(Debug)]
pub struct Dangerous<'a>(&'a Collection);

impl Dangerous<'_> {
    /// Drops anchor, floors and cache of this collection: the explicit way out of lost trust. The
    /// next refresh is a first contact, and whoever answers it decides, unless a pin does.
    ///
    /// # Errors
    /// The store could not be cleared.
    pub fn forget(&self) -> Result<(), Error> {
        let collection = self.0;
        let _turn = collection.turn();
        let _lock = drive::lock(&*collection.inner.store, collection.inner.lock_wait)?;
        Ok(collection.inner.store.clear()?)
    }
}
