//! What every attack needs: a forge, a server that serves what it makes, and a client with a store and a
//! clock of its own.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tuf_notary::{
    error::Error,
    limits::Limits,
    name::{RoleName, Slot, TargetName, Version},
    store::{MemoryStore, MetadataStore, RepositoryStore, StoreError, StoreLock},
    testkit::{TufForge, TufForgeKey, TufPublished},
    verify::TrustedSet,
    view::{FoundTarget, Freshness},
};

use crate::{facade::Repository, server::Server};

pub const DAY: Duration = Duration::from_secs(86_400);
/// Just before the lab's time.
#[allow(dead_code)]
pub const PAST: &str = "2026-11-24T11:59:59Z";
/// Four days after the lab's time.
pub const SOON: &str = "2026-11-28T12:00:00Z";
/// Later than the lifetime of anything.
pub const LATER: &str = "2036-11-24T12:00:00Z";
pub const FOUR: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// A publisher's tools, a server, and a client.
pub struct Lab {
    pub forge: TufForge,
    pub server: Server,
    pub store: Kept,
    /// The root file that the client was shipped with.
    pub shipped: Vec<u8>,
    pub limits: Limits,
    pub freshness: Freshness,
    pub clock: Clock,
}

#[allow(dead_code)] // whatever the rows use
impl Lab {
    /// A correct repository that nobody has seen yet; clients are shipped with its root.
    pub fn new() -> Self {
        Self::of(TufForge::new())
    }

    /// The same, of a repository that a test has made.
    pub fn of(mut forge: TufForge) -> Self {
        let published = forge.build();
        let lab = Self {
            forge,
            server: Server::default(),
            store: Kept::memory(),
            shipped: published.newest("root"),
            limits: Limits::default(),
            freshness: Freshness::Online,
            clock: Clock::default(),
        };
        lab.server.serve(&published);
        lab
    }

    /// A correct repository that the client has trusted before.
    pub fn trusting() -> Self {
        Self::trusting_of(TufForge::new())
    }

    pub fn trusting_of(forge: TufForge) -> Self {
        let lab = Self::of(forge);
        lab.refresh().expect("a correct repository is trusted");
        lab.server.clear_requests();
        lab
    }

    /// The same with a store in a folder.
    pub fn on_disk() -> Self {
        let mut lab = Self::new();
        lab.store = Kept::folder();
        lab.refresh().expect("a correct repository is trusted");
        lab.server.clear_requests();
        lab
    }

    /// Serves what the forge makes now.
    pub fn serve(&mut self) -> TufPublished {
        let published = self.forge.build();
        self.server.serve(&published);
        published
    }

    /// A client over the lab's store and server, at the lab's time.
    pub fn repository(&self) -> Repository {
        self.repository_over(Some(self.store.clone()))
    }

    /// A client that keeps what it trusts in memory, for as long as it lives.
    pub fn storeless(&self) -> Repository {
        self.repository_over(None)
    }

    fn repository_over(&self, store: Option<Kept>) -> Repository {
        let clock = self.clock.clone();
        let builder = Repository::builder(self.shipped.clone())
            .transport(self.server.clone())
            .targets(self.server.clone())
            .limits(self.limits)
            .freshness(self.freshness)
            .clock(move || clock.now());
        match store {
            Some(store) => builder.store(store).build(),
            None => builder.build(),
        }
    }

    /// One refresh by a new client over the lab's store.
    pub fn refresh(&self) -> Result<TrustedSet, Error> {
        self.repository().refresh().map(|view| view.trusted().clone())
    }

    /// One look-up by a new client over the lab's store, which refreshes first.
    pub fn find(&self, target: &str) -> Result<Option<FoundTarget>, Error> {
        self.repository().find(&TargetName::new(target).unwrap())
    }

    /// Looks a target up, which must be there, and downloads it.
    pub fn download(&self, target: &str) -> Result<Vec<u8>, Error> {
        let repository = self.repository();
        let found = repository.find(&TargetName::new(target).unwrap())?.expect("the target is listed");
        let mut content = Vec::new();
        repository.download(&found, &mut content)?;
        Ok(content)
    }

    /// What the client keeps of a role.
    pub fn kept(&self, role: &str) -> Option<Vec<u8>> {
        self.store.read(&slot(role), u64::MAX).unwrap()
    }

    /// The version of what the client keeps of a role.
    pub fn kept_version(&self, role: &str) -> Option<u64> {
        let file: serde_json::Value = serde_json::from_slice(&self.kept(role)?).unwrap();
        file["signed"]["version"].as_u64()
    }

    /// Puts a file into the client's cache, as someone with write access would.
    pub fn plant(&self, role: &str, bytes: &[u8]) {
        self.store.write(&slot(role), bytes).unwrap();
    }

    /// Takes a file out of the client's cache.
    pub fn steal(&self, role: &str) {
        self.store.remove(&slot(role)).unwrap();
    }

    /// Takes our own record out of the client's cache: only files of the repository are left.
    pub fn steal_record(&self) {
        self.store.remove(&Slot::Record).unwrap();
    }

    /// The refresh fails for this reason.
    #[track_caller]
    pub fn refused(&self, code: &str) -> Error {
        let error = self.refresh().map(|_| "trusted").expect_err("the attack succeeded");
        assert_eq!(error.code(), code, "{error}");
        error
    }

    /// The look-up fails for this reason.
    #[track_caller]
    pub fn not_found(&self, target: &str, code: &str) -> Error {
        let error = self.find(target).map(|found| format!("{found:?}")).expect_err("the attack succeeded");
        assert_eq!(error.code(), code, "{error}");
        error
    }

    /// The refresh fails for this reason, none of `roles` changes in the cache, and a healthy server is
    /// trusted again afterwards.
    #[track_caller]
    pub fn refused_and_kept(&self, code: &str, roles: &[&str], healthy: &TufPublished) -> Error {
        let before: Vec<_> = roles.iter().map(|role| self.kept(role)).collect();
        let error = self.refused(code);
        for (role, before) in roles.iter().zip(before) {
            assert_eq!(self.kept(role), before, "{role} changed in the cache");
        }
        self.recovers(healthy);
        error
    }

    /// A healthy server is trusted again.
    #[track_caller]
    pub fn recovers(&self, healthy: &TufPublished) -> TrustedSet {
        self.server.behave();
        self.server.serve(healthy);
        self.refresh().expect("a healthy server is trusted again")
    }

    /// What was asked for since the last time somebody looked.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.server.requests();
        self.server.clear_requests();
        requests
    }
}

/// New keys.
#[allow(dead_code)]
pub fn keys<const N: usize>() -> [TufForgeKey; N] {
    std::array::from_fn(|_| TufForgeKey::ed25519())
}

/// The version of a top-level role in a verified set.
#[allow(dead_code)]
pub fn version(set: &TrustedSet, role: &str) -> u64 {
    let version: Version = match role {
        "root" => set.root().body().version,
        "timestamp" => set.timestamp().body().version,
        "snapshot" => set.snapshot().body().version,
        "targets" => set.targets().body().version,
        other => panic!("{other} is no top-level role"),
    };
    version.get()
}

fn slot(role: &str) -> Slot {
    Slot::Metadata(RoleName::tuf(role).unwrap())
}

/// A clock that stands still until it is set. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<SystemTime>>);

#[allow(dead_code)]
impl Clock {
    pub fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    pub fn set(&self, now: SystemTime) {
        *self.0.lock().unwrap() = now;
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(TufForge::now())))
    }
}

/// The client's store. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Kept {
    store: Arc<dyn MetadataStore>,
    folder: Option<Arc<tempfile::TempDir>>,
}

#[allow(dead_code)]
impl Kept {
    pub fn memory() -> Self {
        Self { store: Arc::new(MemoryStore::new()), folder: None }
    }

    pub fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = RepositoryStore::open(folder.path().join("metadata"));
        Self { store: Arc::new(store), folder: Some(Arc::new(folder)) }
    }

    pub fn is_folder(&self) -> bool {
        self.folder.is_some()
    }

    /// Where the files lie.
    pub fn path(&self) -> PathBuf {
        self.folder.as_ref().expect("a store in a folder").path().join("metadata")
    }
}

impl MetadataStore for Kept {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.read(slot, max)
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.store.write(slot, content)
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        self.store.remove(slot)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.store.clear()
    }

    fn holds(&self, path: &std::path::Path) -> bool {
        self.store.holds(path)
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        self.store.lock(wait)
    }
}
