//! A client of either façade, and what must hold of its answers whatever the shape.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime;
use tuf_notary::{
    Error, blocking, future,
    name::TargetName,
    store::RepositoryStore,
    transport::{AsyncHttpRepository, HttpRepository, RepositoryDirectory},
    verify::TrustedSet,
    view::{FoundTarget, Freshness},
};

use crate::common::python_tuf::{Outcome, PythonTuf, Served, Target, Written};

#[derive(Clone, Copy, Debug)]
pub enum Facade {
    Blocking,
    Future,
}

pub const FACADES: [Facade; 2] = [Facade::Blocking, Facade::Future];

/// Where a repository is: its folder, or the URL of one.
#[derive(Clone, Debug)]
pub enum Place {
    Folder(PathBuf),
    Url(String),
}

/// A repository seen through one façade.
#[derive(Debug)]
pub enum Client {
    Blocking(blocking::Repository),
    Future(future::Repository, runtime::Runtime),
}

macro_rules! repository {
    ($facade:ident, $server:expr, $root:expr, $store:expr, $freshness:expr) => {{
        let server = $server;
        let builder = $facade::Repository::builder($root).transport(server.clone()).targets(server);
        let builder = match $store {
            Some(folder) => builder.store(RepositoryStore::open(folder)),
            None => builder,
        };
        builder.freshness($freshness).build()
    }};
}

impl Client {
    /// Without a store what is known is kept in memory.
    pub fn new(facade: Facade, place: &Place, root: Vec<u8>, store: Option<&Path>) -> Self {
        Self::with(facade, place, root, store, Freshness::Online)
    }

    pub fn offline(facade: Facade, place: &Place, root: Vec<u8>, store: &Path) -> Self {
        Self::with(facade, place, root, Some(store), Freshness::Offline)
    }

    fn with(facade: Facade, place: &Place, root: Vec<u8>, store: Option<&Path>, fresh: Freshness) -> Self {
        let below = |url: &str, folder: &str| format!("{url}/{folder}").parse().unwrap();
        let http = |url| HttpRepository::builder(below(url, "metadata")).targets_url(below(url, "targets"));
        let slow =
            |url| AsyncHttpRepository::builder(below(url, "metadata")).targets_url(below(url, "targets"));
        match (facade, place) {
            (Facade::Blocking, Place::Url(url)) => {
                Self::Blocking(repository!(blocking, http(url).build().unwrap(), root, store, fresh))
            }
            (Facade::Blocking, Place::Folder(folder)) => {
                Self::Blocking(repository!(blocking, RepositoryDirectory::new(folder), root, store, fresh))
            }
            (Facade::Future, Place::Url(url)) => {
                let runtime = current_thread();
                let server = runtime.block_on(async { slow(url).build_async().unwrap() });
                Self::Future(repository!(future, server, root, store, fresh), runtime)
            }
            (Facade::Future, Place::Folder(folder)) => {
                let repository = repository!(future, RepositoryDirectory::new(folder), root, store, fresh);
                Self::Future(repository, current_thread())
            }
        }
    }

    pub fn refresh(&self) -> Result<TrustedSet, Error> {
        match self {
            Self::Blocking(it) => it.refresh(),
            Self::Future(it, runtime) => runtime.block_on(it.refresh()),
        }
        .map(|view| view.trusted().clone())
    }

    pub fn find(&self, name: &str) -> Result<Option<FoundTarget>, Error> {
        let name: TargetName = name.parse().unwrap();
        match self {
            Self::Blocking(it) => it.find(&name),
            Self::Future(it, runtime) => runtime.block_on(it.find(&name)),
        }
    }

    pub fn download(&self, target: &FoundTarget) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        match self {
            Self::Blocking(it) => it.download(target, &mut content),
            Self::Future(it, runtime) => runtime.block_on(it.download(target, &mut content)),
        }?;
        Ok(content)
    }

    pub fn save_in(&self, target: &FoundTarget, folder: &Path) -> Result<PathBuf, Error> {
        match self {
            Self::Blocking(it) => it.save_in(target, folder),
            Self::Future(it, runtime) => runtime.block_on(it.save_in(target, folder)),
        }
    }

    /// A refresh ends as the shape says.
    pub fn check_refresh(&self, written: &Written) {
        let set = self.refresh().unwrap_or_else(|error| panic!("{}: {error:?}", written.expected.shape));
        assert_eq!(versions(&set), written.expected.versions, "{}", written.expected.shape);
        let consistent = set.root().body().consistent_snapshot;
        assert_eq!(consistent, written.expected.consistent_snapshot, "{}", written.expected.shape);
    }

    /// A look-up ends as the shape says.
    pub fn check_find(&self, target: &Target) -> Option<FoundTarget> {
        let outcome = self.find(&target.name);
        match target.result {
            Outcome::Absent => assert!(matches!(outcome, Ok(None)), "{target:?}: {outcome:?}"),
            Outcome::Refused => {
                let error = outcome.as_ref().expect_err(&target.name);
                assert!(!error.is_not_found() && !error.is_unanswered(), "{target:?}: {error:?}");
            }
            Outcome::Found => {
                let found = outcome.unwrap().unwrap_or_else(|| panic!("{target:?} is not found"));
                assert_eq!(Some(found.role().as_str()), target.role.as_deref(), "{target:?}");
                assert_eq!(Some(found.length()), target.length, "{target:?}");
                assert_eq!(hashes(&found), target.hashes, "{target:?}");
                return Some(found);
            }
        }
        None
    }

    /// The content is what the shape says, where it can be had.
    pub fn check_content(&self, target: &Target, found: &FoundTarget) {
        if is_fetched(target) {
            let content = self.download(found).unwrap_or_else(|error| panic!("{target:?}: {error:?}"));
            assert_eq!(u64::try_from(content.len()).ok(), target.length, "{target:?}");
            assert_eq!(Some(sha256(&content)), target.content, "{target:?}");
        } else {
            let error = self.download(found).expect_err(&target.name);
            assert!(!error.is_unanswered(), "{target:?}: {error:?}");
        }
    }

    /// Everything at once.
    pub fn check(&self, written: &Written) {
        self.check_refresh(written);
        for target in &written.expected.targets {
            if let Some(found) = self.check_find(target) {
                self.check_content(target, &found);
            }
        }
    }
}

/// One shape, served.
pub fn serve(python: &PythonTuf, shape: &str) -> (TempDir, Written, Served) {
    let folder = tempfile::tempdir().unwrap();
    let written = python.write(shape, &folder.path().join("repository"));
    let served = python.serve(&written.folder);
    (folder, written, served)
}

/// Whether the content can be had: some names mean another place to a server or a file system.
pub fn is_fetched(target: &Target) -> bool {
    let is_odd = |segment: &str| matches!(segment, "" | "." | "..") || segment.contains('\\');
    target.served && !target.name.split('/').any(is_odd)
}

pub fn sha256(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

/// Percent-encoded but for the unreserved characters of RFC 3986.
pub fn encoded(name: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(one).collect()
}

fn current_thread() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn versions(set: &TrustedSet) -> BTreeMap<String, u64> {
    let versions = [
        ("root", set.root().body().version),
        ("timestamp", set.timestamp().body().version),
        ("snapshot", set.snapshot().body().version),
        ("targets", set.targets().body().version),
    ];
    versions.map(|(role, version)| (role.to_owned(), version.get())).into()
}

fn hashes(found: &FoundTarget) -> BTreeMap<String, String> {
    let sha256 = found.hashes().sha256.map(|it| ("sha256".to_owned(), HEXLOWER.encode(&it)));
    let sha512 = found.hashes().sha512.map(|it| ("sha512".to_owned(), HEXLOWER.encode(&it)));
    sha256.into_iter().chain(sha512).collect()
}
