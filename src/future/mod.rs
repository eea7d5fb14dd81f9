//! The asynchronous façade: a collection or a repository, its server, its store, its keys.
//!
//! The same methods as [`blocking`](crate::blocking), and the same answers. It knows no runtime:
//! its futures run wherever the transport's do, and may be spawned.
//!
//! Dropping a future ends its operation at the last request, as if the program had ended there: what
//! was verified stays, floors never fall, locks are released. An upload that was under way may have
//! arrived, and keys that were made for it stay in the key store.
//!
//! Between two requests a future verifies, and reads and writes the store, on the thread that polls
//! it. That takes milliseconds for most and a second for very large ones, with which it
//! belongs on a thread that may block.
//!
//! ```
//! use tuf_notary::{Gun, Trust, future::Collection, testkit::TrustServer};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let gun = Gun::new("registry.example.com/team/app")?;
//! let server = TrustServer::new();
//! let collection = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun)).build();
//! let error = collection.refresh().await.unwrap_err();
//! assert!(error.is_not_found());
//! # Ok::<(), tuf_notary::name::NameError>(())
//! # }).unwrap();
//! ```

mod builder;
mod repository;

pub use crate::collection::{Initialise, SnapshotKey};
pub use crate::edit::RootKey;
pub use builder::CollectionBuilder;
pub use repository::{DangerousRepository, Repository, RepositoryBuilder};

use crate::{
    collection::{Core, Entry, collections},
    edit::{Changes, Plan, Rotation},
    error::Error,
    name::Gun,
    verify::Trust,
    view::View,
};

/// One collection. Cloning is cheap and shares everything; all methods take `&self`.
#[derive(Clone, Debug)]
pub struct Collection {
    core: Core,
}

impl Collection {
    /// Begins to describe a collection. There is no default for where trust begins.
    pub fn builder(gun: Gun, trust: Trust) -> CollectionBuilder {
        CollectionBuilder::new(gun, trust)
    }

    /// The collection's name.
    pub fn gun(&self) -> &Gun {
        self.core.gun()
    }

    /// Asks the server, verifies, and keeps what is newer than what was known. Calls that come while
    /// one is under way get its outcome; a view that is fresh enough
    /// ([`max_age`](CollectionBuilder::max_age)) is served again.
    ///
    /// # Errors
    /// The server could not be asked, or its answer doesn't hold. What was trusted before stays.
    pub async fn refresh(&self) -> Result<View, Error> {
        let ticket = match self.core.enter() {
            Entry::Fresh(view) => return Ok(view),
            Entry::Ask(ticket) => ticket,
        };
        let turn = self.core.turn().await;
        self.core.refresh(&turn, ticket).await
    }

    /// Creates the collection on the server: makes the keys that are missing, signs, uploads. When
    /// that fails for good, the new keys are removed again.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the server knows the collection; the server could not be
    /// asked (only its word that there is nothing begins a new collection); another collection of
    /// this name is trusted here, which only [`forget`](Dangerous::forget) gives up; the root would
    /// not be the one that is to be trusted; a key failed.
    pub async fn initialise(&self, plan: &Initialise) -> Result<View, Error> {
        let turn = self.core.turn().await;
        self.core.initialise(turn, plan).await
    }

    /// Says what [`publish`](Self::publish) would do with these changes now: which roles would be
    /// signed with which keys, which keys are missing, what would lose its trust, and what expires
    /// soon. Nothing is signed or sent.
    ///
    /// # Errors
    /// The collection can't be read, or a change is not possible whatever keys are at hand.
    pub async fn plan(&self, changes: &Changes) -> Result<Plan, Error> {
        let turn = self.core.turn().await;
        self.core.plan(turn, changes).await
    }

    /// Applies changes to the newest metadata, signs with the keys at hand and uploads all
    /// changed files in one step. When somebody else publishes meanwhile, the changes are applied
    /// again to what he has published, a few times.
    ///
    /// # Errors
    /// The collection can't be read; a change is not possible; a key is missing; the server
    /// refused: then it holds nothing of the changes. [`PublishError`](crate::error::PublishError)
    /// tells which failures leave open what the server holds.
    pub async fn publish(&self, changes: &Changes) -> Result<View, Error> {
        let turn = self.core.turn().await;
        self.core.publish(turn, changes).await
    }

    /// Replaces keys and publishes that. Our former targets and snapshot keys are removed from the
    /// key store once the server shows the new ones; root keys stay. When it fails for good, the
    /// keys that were made are removed instead. After any failure the same call may be made again.
    ///
    /// # Errors
    /// The rotation is not possible, or keys are missing: then the server was not asked for
    /// anything but the collection. A server key is not usable: then nothing is published. Else as
    /// [`publish`](Self::publish).
    pub async fn rotate(&self, rotation: &Rotation) -> Result<View, Error> {
        let turn = self.core.turn().await;
        self.core.rotate(turn, rotation).await
    }

    /// Deletes the collection on the server; when the server has done so, here too.
    ///
    /// # Errors
    /// The server refused or could not be asked; then nothing is forgotten here.
    pub async fn delete_remote(&self) -> Result<(), Error> {
        let turn = self.core.turn().await;
        self.core.delete_remote(turn).await
    }

    /// Operations that give up protection.
    pub const fn dangerous(&self) -> Dangerous<'_> {
        Dangerous(self)
    }
}

collections!();

/// Operations that give up protection; see [`Collection::dangerous`].
#[derive(Debug)]
pub struct Dangerous<'a>(&'a Collection);

impl Dangerous<'_> {
    /// Drops anchor, floors and cache of this collection: the explicit way out of lost trust. The
    /// next refresh is a first contact, and whoever answers it decides, unless a pin does.
    ///
    /// # Errors
    /// The store could not be cleared.
    pub async fn forget(&self) -> Result<(), Error> {
        let core = &self.0.core;
        let turn = core.turn().await;
        core.forget(turn).await
    }
}
