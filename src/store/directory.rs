//! A store in a folder, laid out as Notary v1 does, so that `~/.docker/trust` and `~/.notary` are
//! read as they are: `tuf/<GUN>/metadata/<role>.json` below the trust folder.
//!
//! Our own record and the lock lie beside that tree, in `tuf-notary/`: Notary lists and deletes
//! whole GUN folders, and the record must outlive that (CT-03). They are named after the SHA-256
//! of the GUN, so that no GUN can meet another's record.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{MetadataStore, StoreError, StoreLock, lock, others::Others};
use crate::{
    disk::{self, FileError},
    name::{Gun, RoleName, Slot},
};

/// The folder of a collection's files.
const METADATA: &str = "metadata";

/// Keeps the files of one collection in a folder that Notary and Docker can share.
///
/// Files are replaced atomically and durably. On Unix they are made with mode 0600, folders with
/// 0700; a folder that others may write to, or that belongs to somebody else, is warned about
/// once, through `tracing`. Clones share that memory.
///
/// ```
/// use tuf_notary::{Collection, Gun, Trust, store::DirectoryStore};
/// # let home = tempfile::tempdir()?;
/// # let server = tuf_notary::testkit::TrustServer::new();
/// # server.serve(&tuf_notary::testkit::Forge::new("example.com/app").build());
/// let gun = Gun::new("example.com/app")?;
/// let trust_dir = home.path().join(".docker/trust");
/// let collection = Collection::builder(gun.clone(), Trust::FirstUse)
///     .transport(server.transport(&gun))
///     .store(DirectoryStore::open(&trust_dir, &gun))
///     .build();
/// collection.refresh()?;
/// assert!(trust_dir.join("tuf/example.com/app/metadata/root.json").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    metadata: PathBuf,
    record: PathBuf,
    lock: PathBuf,
    others: Others,
}

impl DirectoryStore {
    /// The store of a collection below a trust folder such as `~/.docker/trust`. Nothing is read
    /// or created yet; reading creates nothing either.
    pub fn open(trust_dir: impl AsRef<Path>, gun: &Gun) -> Self {
        let trust_dir = trust_dir.as_ref();
        let mut metadata = trust_dir.join("tuf");
        metadata.extend(gun.as_str().split('/'));
        metadata.push(METADATA);
        let digest = HEXLOWER.encode(&Sha256::digest(gun.as_str()));
        let own = trust_dir.join("tuf-notary");
        Self {
            record: own.join(format!("{digest}.json")),
            lock: own.join(format!("{digest}.lock")),
            others: Others::new([trust_dir.to_owned(), metadata.clone(), own]),
            metadata,
        }
    }

    /// Where a slot lies. Nowhere for a delegation with a segment `metadata`: in Notary's layout
    /// `targets/metadata/root` of the collection `a` would be the root of the collection
    /// `a/metadata/targets`.
    fn path(&self, slot: &Slot) -> Option<PathBuf> {
        match slot {
            // A role of TUF 1.0 may be called anything, `../x` too.
            Slot::Metadata(role) if !role.is_notary() => None,
            Slot::Metadata(role) if role.as_str().split('/').any(|segment| segment == METADATA) => None,
            Slot::Metadata(role) => {
                let mut path = self.metadata.clone();
                path.extend(format!("{role}.json").split('/'));
                Some(path)
            }
            Slot::Root(version) => Some(self.record.with_extension(format!("{version}.root"))),
            Slot::Record => Some(self.record.clone()),
        }
    }
}

impl MetadataStore for DirectoryStore {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.others.warn(None);
        let Some(path) = self.path(slot) else { return Ok(None) };
        match disk::read(&path, max) {
            Err(FileError::TooLarge { limit, found, .. }) => {
                Err(StoreError::TooLarge { slot: slot.clone(), limit, found })
            }
            read => Ok(read?),
        }
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        let Some(path) = self.path(slot) else {
            return Err(StoreError::Other(format!("{slot:?} would lie in another collection's folder")));
        };
        Ok(disk::replace(&path, content, |new| self.others.warn(Some(new)))?)
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        if let Some(path) = self.path(slot) {
            disk::remove(&path)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        for role in [RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets] {
            self.remove(&Slot::Metadata(role))?;
        }
        clear_delegations(&self.metadata.join("targets"), "targets")?;
        // The anchor and the record last: what a crash leaves must not look like a first use.
        self.remove(&Slot::Metadata(RoleName::Root))?;
        self.remove(&Slot::Record)
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        lock::acquire(&self.lock, wait)
    }
}

/// Unlinks the files that bear a delegation's name, and folders that this leaves empty. Links to
/// folders are not entered.
fn clear_delegations(folder: &Path, role: &str) -> Result<(), StoreError> {
    if !fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(|e| disk::failed("list", folder, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| disk::failed("list", folder, e))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let stem = name.strip_suffix(".json");
        let role = format!("{role}/{}", stem.unwrap_or(&name));
        // No file of a role lies below a folder that could not be a role itself.
        if name == METADATA || RoleName::new(&role).is_err() {
            continue;
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        match stem {
            Some(_) if !is_dir => drop(disk::remove(&entry.path())?),
            None if is_dir => clear_delegations(&entry.path(), &role)?,
            _ => {}
        }
    }
    let _ = fs::remove_dir(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_notarys_and_the_record_lies_beside_it() {
        let gun = Gun::new("localhost:5000/test/app").unwrap();
        let store = DirectoryStore::open(Path::new("/t"), &gun);
        let metadata = Path::new("/t/tuf/localhost:5000/test/app/metadata");
        let path = |role| store.path(&Slot::Metadata(role)).unwrap();
        assert_eq!(path(RoleName::Root), metadata.join("root.json"));
        assert_eq!(path(RoleName::releases()), metadata.join("targets/releases.json"));
        let record = store.path(&Slot::Record).unwrap();
        assert_eq!(record.parent().unwrap(), Path::new("/t/tuf-notary"));
        assert_eq!(record.file_stem().unwrap().len(), 64);
    }

    #[test]
    fn pt_07_pt_09_no_slot_leaves_the_trust_folder() {
        let gun = Gun::new("a/b..c/...d").unwrap();
        let store = DirectoryStore::open(Path::new("/x/priv"), &gun);
        for role in ["root", "targets", "targets/a-b/c_d/e"] {
            let path = store.path(&Slot::Metadata(RoleName::new(role).unwrap())).unwrap();
            assert!(path.starts_with("/x/priv/tuf"), "{path:?}: by components, not by text");
            assert!(path.components().all(|c| !matches!(c, std::path::Component::ParentDir)));
        }
    }

    #[test]
    fn pt_01_a_role_that_notary_could_not_have_has_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(folder.path().join("a/b"), &Gun::new("c").unwrap());
        for name in ["../../../../x", "x/../root", "..", "/etc/x", "Targets", "a\\b"] {
            let slot = Slot::Metadata(RoleName::tuf(name).unwrap());
            assert!(store.write(&slot, b"other").is_err(), "{name}");
            assert_eq!(store.read(&slot, 10).unwrap(), None, "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_role_of_one_collection_lies_in_another() {
        let folder = tempfile::tempdir().unwrap();
        let store = |gun| DirectoryStore::open(folder.path(), &Gun::new(gun).unwrap());
        let (outer, inner) = (store("a"), store("a/metadata/targets"));
        inner.write(&Slot::Metadata(RoleName::Root), b"anchor").unwrap();
        let role = Slot::Metadata(RoleName::new("targets/metadata/root").unwrap());
        assert!(outer.write(&role, b"other").is_err());
        assert_eq!(outer.read(&role, 10).unwrap(), None);
        outer.remove(&role).unwrap();
        outer.clear().unwrap();
        assert_eq!(inner.read(&Slot::Metadata(RoleName::Root), 10).unwrap().unwrap(), b"anchor");
    }
}
