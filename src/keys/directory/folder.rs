//! Key files on disk: private from the moment they are made (KS-01, KS-02), whole or not there,
//! never reached or written through a link (KS-03).
//!
//! A new file is written beside its place, synced, and moved there only if the place is free; so
//! no key is ever overwritten by chance, by whomever. Only what was opened as the same key takes
//! the place of a file.

use crate::{
    disk::{self, FileError},
    name::KeyId,
};
use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The largest key file; one of an RSA key of 8192 bits has 9 KB.
pub(super) const MAX_FILE: u64 = 32 << 10;

/// A folder of key files.
#[derive(Clone, Debug)]
pub(super) struct KeyFolder(PathBuf);

impl KeyFolder {
    pub(super) fn new(path: &Path) -> Self {
        // An empty path can't be opened, so it could not be synced.
        Self(if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() })
    }

    /// The ids that have a regular file. A folder that is not there has none.
    pub(super) fn ids(&self) -> Result<Vec<KeyId>, FileError> {
        let failed = |e| disk::failed("list", &self.0, e);
        let entries = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| KeyId::new(name.strip_suffix(".key")?).ok());
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            ids.extend(id.filter(|id| is_file && id.is_sha256()));
        }
        Ok(ids)
    }

    /// A key file as it is; `None` when there is none.
    pub(super) fn read(&self, id: &KeyId) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        let path = self.path(id);
        Ok(disk::read_secret(&path, MAX_FILE)?.map(|secret| {
            warn_of_readers(&path, &secret.opened);
            secret.content
        }))
    }

    /// Makes a key file. `false` when its place is taken, by a link for example.
    pub(super) fn create(&self, id: &KeyId, text: &[u8]) -> Result<bool, FileError> {
        let created = disk::create(&self.path(id), text)?;
        warn_of_writers(&self.0);
        Ok(created)
    }

    /// Puts a key file in the place of the one that is there. A link is not replaced.
    pub(super) fn replace(&self, id: &KeyId, text: &[u8]) -> Result<(), FileError> {
        let path = self.path(id);
        disk::regular(&path)?;
        disk::replace(&path, text, |_| ())?;
        warn_of_writers(&self.0);
        Ok(())
    }

    /// Unlinks a key file. `false` when there is none.
    pub(super) fn remove(&self, id: &KeyId) -> Result<bool, FileError> {
        let path = self.path(id);
        Ok(disk::regular(&path)?.is_some() && disk::remove(&path)?)
    }

    /// The folder itself.
    pub(super) fn as_path(&self) -> &Path {
        &self.0
    }

    fn path(&self, id: &KeyId) -> PathBuf {
        self.0.join(format!("{id}.key"))
    }
}

/// The permissions of a file that others than its owner can get at.
#[cfg(unix)]
pub(super) fn open_to_others(opened: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(opened.mode() & 0o7777).filter(|mode| mode & 0o077 != 0)
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_opened: &Metadata) -> Option<u32> {
    None
}

pub(super) fn warn_of_readers(path: &Path, opened: &Metadata) {
    if let Some(mode) = open_to_others(opened) {
        tracing::warn!(path = %path.display(), mode = %format_args!("{mode:o}"),
            "other users can get at this key file, expected mode 600");
    }
}

#[cfg(unix)]
fn warn_of_writers(folder: &Path) {
    use std::os::unix::fs::MetadataExt;
    let mode = fs::metadata(folder).map_or(0, |found| found.mode() & 0o7777);
    if mode & 0o022 != 0 {
        tracing::warn!(folder = %folder.display(), mode = %format_args!("{mode:o}"),
            "other users can change this folder of keys, expected mode 700");
    }
}

#[cfg(not(unix))]
fn warn_of_writers(_folder: &Path) {}
