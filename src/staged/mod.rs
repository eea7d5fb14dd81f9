//! Changes that wait on disk to be published, in Notary's changelist: what is staged is published
//! whole or not at all, and never twice in effect (Notary v1, changelist; CW-05, PP-02, PP-05).
//!
//! A changelist is a folder with one file a change, `tuf/<GUN>/changelist/` below the trust folder,
//! which `notary` and `docker trust` share; `docker trust` empties it whenever it signs or inspects.
//!
//! The layer lies above `edit`, whose [`Changes`] it stores, and beside the stores of metadata and
//! of keys, of which it knows nothing: staging needs neither a server nor trust, and whether a
//! change is possible is decided when it is published.
//!
//! ```
//! # use tuf_notary::{blocking::{Collection, Initialise}, keys::MemoryKeys, testkit::TrustServer, verify::Trust};
//! use tuf_notary::{edit::Changes, name::{Gun, Hashes, RoleName, TargetName}, metadata::TargetInfo};
//! use tuf_notary::staged::DirectoryChangelist;
//!
//! # let folder = tempfile::tempdir()?;
//! # let (server, gun) = (TrustServer::new(), Gun::new("registry.example.com/team/app")?);
//! # let builder = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun));
//! # let collection = builder.keys(MemoryKeys::new()).build();
//! # collection.initialise(&Initialise::new())?;
//! # let trust_dir = folder.path();
//! let changelist = DirectoryChangelist::open(trust_dir, &gun);
//! let info = TargetInfo { length: 528, hashes: Hashes::sha256([0x5e; 32]), custom: None };
//! changelist.stage(&Changes::new().sign_as(RoleName::Targets, TargetName::new("v1")?, info))?;
//!
//! // Later, perhaps in another process:
//! let (changes, receipt) = changelist.load()?;
//! let view = collection.publish(&changes)?; // when this fails, everything stays staged
//! changelist.clear(&receipt)?;
//! assert!(view.target("v1").is_ok() && changelist.list()?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod convert;
mod error;
mod file_name;

pub use error::StagedError;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{disk, edit::Changes, limits::Limits, name::Gun, wire::notary::StagedChange};
use file_name::Clock;

/// The largest change file: room for a delegation with hundreds of certificates.
const MAX_FILE: u64 = 1 << 20;
/// The most files that are looked at.
const MAX_FILES: usize = 100_000;

/// The staged changes of one collection.
///
/// Needs no lock: each change is a file of its own under a new name, made whole or not at all, with
/// mode 0600 on Unix, in a folder with mode 0700. Files are taken in the order of their names, that
/// is of time, then of a random part.
#[derive(Clone, Debug)]
pub struct DirectoryChangelist {
    folder: PathBuf,
}

/// One file of a changelist.
#[derive(Debug)]
#[non_exhaustive]
pub struct Staged {
    /// The file.
    pub file: PathBuf,
    /// When it was staged, as its name says; none when the name is not one of Notary's.
    pub time: Option<SystemTime>,
    /// The change, or why the file can't be read: such a file must be reset before anything is
    /// published.
    pub change: Result<StagedChange, StagedError>,
}

/// Which files some changes came from or went to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(BTreeSet<OsString>);

impl DirectoryChangelist {
    /// The changelist of a collection below a trust folder such as `~/.docker/trust`. Nothing is
    /// read or created yet; reading creates nothing either.
    pub fn open(trust_dir: &Path, gun: &Gun) -> Self {
        let mut folder = trust_dir.join("tuf");
        folder.extend(gun.as_str().split('/'));
        folder.push("changelist");
        Self { folder }
    }

    /// Adds changes behind those that are staged, all or none. The receipt names their files, with
    /// which [`clear`](Self::clear) takes just these back.
    ///
    /// A signer that is added becomes two delegations; other changes stay what they are.
    ///
    /// # Errors
    /// [`StagedError::NotStageable`] for what Notary's format can't say: a target without a role, the
    /// removal of a signer; a file could not be written. Then nothing of it is staged, unless it
    /// could not be taken back either.
    pub fn stage(&self, changes: &Changes) -> Result<Receipt, StagedError> {
        let limits = Limits::default();
        let files = convert::to_staged(changes)?.into_iter().map(|change| {
            let refused = |error| StagedError::not_stageable(&change, error);
            change.to_bytes(&limits).map_err(refused)
        });
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let mut clock = Clock::after(&self.names()?)?;
        let mut receipt = Receipt(BTreeSet::new());
        for content in files {
            match self.create(&mut clock, &content) {
                Ok(name) => drop(receipt.0.insert(name)),
                Err(error) => {
                    let _ = self.clear(&receipt);
                    return Err(error);
                }
            }
        }
        Ok(receipt)
    }

    /// All files in order, as `notary status` numbers them.
    ///
    /// # Errors
    /// The folder can't be read. A file that can't be read is listed with the reason.
    pub fn list(&self) -> Result<Vec<Staged>, StagedError> {
        let staged = |name: OsString| {
            let change = self.read(&name).transpose()?;
            Some(Staged { time: file_name::time(&name), change, file: self.folder.join(name) })
        };
        Ok(self.names()?.into_iter().filter_map(staged).collect())
    }

    /// All staged changes in order, to be published together, and the receipt with which to
    /// [`clear`](Self::clear) them once that has succeeded.
    ///
    /// They are [repeatable](Changes::repeatable): if they were published before and the process
    /// died before it could clear them, publishing them again changes nothing.
    ///
    /// # Errors
    /// The first file that can't be read, by its name; nothing is ever left out.
    pub fn load(&self) -> Result<(Changes, Receipt), StagedError> {
        let (mut changes, mut receipt) = (Changes::new(), Receipt(BTreeSet::new()));
        for name in self.names()? {
            let Some(change) = self.read(&name)? else { continue };
            changes = convert::to_changes(change).into_iter().fold(changes, Changes::with);
            receipt.0.insert(name);
        }
        Ok((changes.repeatable(), receipt))
    }

    /// Drops exactly the files of a receipt; what was staged meanwhile stays. Files that are gone
    /// already are no error.
    ///
    /// # Errors
    /// A file could not be dropped; all others were.
    pub fn clear(&self, receipt: &Receipt) -> Result<(), StagedError> {
        let mut outcome = Ok(());
        for name in &receipt.0 {
            let removed = disk::remove(&self.folder.join(name));
            if let (Ok(()), Err(error)) = (&outcome, removed) {
                outcome = Err(error.into());
            }
        }
        outcome
    }

    /// Drops the files with these indices in [`list`](Self::list), as `notary reset -n` does.
    ///
    /// # Errors
    /// [`StagedError::NoSuchIndex`]: then nothing is dropped. A file could not be dropped.
    pub fn reset(&self, indices: &[usize]) -> Result<(), StagedError> {
        let names = self.names()?;
        let name = |index: &usize| {
            let name = names.get(*index).cloned();
            name.ok_or(StagedError::NoSuchIndex { index: *index, count: names.len() })
        };
        self.clear(&Receipt(indices.iter().map(name).collect::<Result<_, _>>()?))
    }

    /// Drops every file, readable or not.
    ///
    /// # Errors
    /// The folder can't be read, or a file could not be dropped; all others were.
    pub fn reset_all(&self) -> Result<(), StagedError> {
        self.clear(&Receipt(self.names()?.into_iter().collect()))
    }

    fn create(&self, clock: &mut Clock, content: &[u8]) -> Result<OsString, StagedError> {
        let name = clock.file_name()?;
        // To Notary every file in the folder is a change, an unfinished one too.
        let beside = self.folder.parent().unwrap_or(&self.folder);
        match disk::create_by_way_of(beside, &self.folder.join(&name), content)? {
            true => Ok(name),
            false => Err(StagedError::Taken { file: name.to_string_lossy().into_owned() }),
        }
    }

    /// None when the file is gone: somebody else has cleared or reset it.
    fn read(&self, name: &OsString) -> Result<Option<StagedChange>, StagedError> {
        let path = self.folder.join(name);
        let Some(content) = disk::read(&path, MAX_FILE)? else { return Ok(None) };
        StagedChange::read(&content, &Limits::default())
            .map(Some)
            .map_err(|source| StagedError::Unreadable { file: path.display().to_string(), source })
    }

    /// The names of all that is no folder, in order.
    fn names(&self) -> Result<Vec<OsString>, StagedError> {
        let failed = |e| disk::failed("list", &self.folder, e);
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                continue;
            }
            if names.len() >= MAX_FILES {
                return Err(StagedError::TooMany {
                    folder: self.folder.display().to_string(),
                    limit: MAX_FILES,
                });
            }
            names.push(entry.file_name());
        }
        names.sort_unstable();
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
