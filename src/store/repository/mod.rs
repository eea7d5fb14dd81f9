//! The metadata cache of a TUF 1.0 client: one flat folder with the files as received, under names
//! without versions (TUF specification 1.0.34 section 5: trusted metadata is kept on non-volatile
//! storage).
//!
//! Nothing is read or written outside of the folder. The lock and our own record lie in a sub-folder
//! of it, where no role's file can be.

mod file_name;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use self::file_name::{file_name, is_role_file};
use super::{MetadataStore, StoreError, StoreLock, lock, others::Others};
use crate::{
    disk::{self, FileError},
    name::{RoleName, Slot},
};

/// What is ours alone. No role's file is called so, for those end in `.json`.
const OWN: &str = ".tuf-notary";
/// How the files of the root chain end there.
const CHAIN: &str = ".root";

/// Keeps the metadata of one TUF 1.0 repository in a folder of its own: `root.json`,
/// `timestamp.json`, `snapshot.json`, `targets.json` and `<role>.json` for delegated roles, with
/// whatever is not a letter, a digit or one of `-._~` percent-encoded. Other TUF clients call these
/// files so too.
///
/// Files are replaced atomically and durably, so that a crash leaves the old root or the new one. On
/// Unix they are made with mode 0600, folders with 0700; a folder that others may write to, or that
/// belongs to somebody else, is warned about once, through `tracing`. Clones share that memory.
///
/// Where a file system tells no case, two delegated roles that differ in nothing else share a file:
/// that costs requests, not trust, for what is read is verified again.
///
/// ```
/// use tuf_notary::{name::{RoleName, Slot}, store::{MetadataStore, RepositoryStore}};
/// # let home = tempfile::tempdir()?;
/// let store = RepositoryStore::open(home.path().join("metadata"));
/// store.write(&Slot::Metadata(RoleName::Root), b"{}")?;
/// assert!(home.path().join("metadata/root.json").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RepositoryStore {
    folder: PathBuf,
    others: Others,
}

impl RepositoryStore {
    /// The cache in this folder, which is for nothing else. Nothing is read or created yet; reading
    /// creates nothing either.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { others: Others::new([folder.clone(), folder.join(OWN)]), folder }
    }

    fn path(&self, slot: &Slot) -> Result<PathBuf, StoreError> {
        match slot {
            Slot::Metadata(role) => Ok(self.folder.join(file_name(role.as_str()))),
            Slot::Root(version) => self.own(&format!("{version}{CHAIN}")),
            Slot::Record => self.own("record"),
        }
    }

    /// A file in our sub-folder, which must not lead elsewhere.
    fn own(&self, name: &str) -> Result<PathBuf, StoreError> {
        let own = self.folder.join(OWN);
        match fs::symlink_metadata(&own) {
            Ok(found) if !found.is_dir() => Err(StoreError::Other(format!("{} is no folder", own.display()))),
            _ => Ok(own.join(name)),
        }
    }
}

impl MetadataStore for RepositoryStore {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.others.warn(None);
        match disk::read(&self.path(slot)?, max) {
            Err(FileError::TooLarge { limit, found, .. }) => {
                Err(StoreError::TooLarge { slot: slot.clone(), limit, found })
            }
            read => Ok(read?),
        }
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        Ok(disk::replace(&self.path(slot)?, content, |new| self.others.warn(Some(new)))?)
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        disk::remove(&self.path(slot)?)?;
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        let root = file_name(RoleName::Root.as_str());
        clear(&self.folder, |name| is_role_file(name) && name != root)?;
        clear(&self.own("")?, |name| name.ends_with(CHAIN))?;
        // The anchor and the record last: what a crash leaves must not look like a first use.
        self.remove(&Slot::Metadata(RoleName::Root))?;
        self.remove(&Slot::Record)
    }

    fn holds(&self, path: &Path) -> bool {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let real = |folder: &Path| fs::canonicalize(folder).ok();
        let folder = real(folder.unwrap_or_else(|| Path::new(".")));
        folder.is_some() && [real(&self.folder), real(&self.folder.join(OWN))].contains(&folder)
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        lock::acquire(&self.own("lock")?, wait)
    }
}

/// Unlinks the files in this folder whose names fit.
fn clear(folder: &Path, fits: impl Fn(&str) -> bool) -> Result<(), StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| disk::failed("list", folder, e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| disk::failed("list", folder, e))?;
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if entry.file_name().to_str().is_some_and(&fits) && !is_dir {
            disk::remove(&entry.path())?;
        }
    }
    Ok(())
}
