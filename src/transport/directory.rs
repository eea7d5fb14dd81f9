//! A static copy of what a Notary server serves for one collection, in a folder.
//!
//! The layout is that of the server's URLs below `/v2/<GUN>/_trust/tuf/` (Notary v1):
//! `<role>.json`, `<role>.<sha256>.json` and `<version>.<role>.json`, delegations in folders of
//! their parents' names. Names are made of role names, digests and numbers only, so that none
//! leaves the folder (PT-10). The folder itself may be reached through a link; within it only
//! regular files and real folders are read, never a link (PT-12), a pipe or a device (CT-04).

use std::{
    fs,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use super::{AsyncTransport, BoxFuture, Transport, TransportError};
use crate::{
    crypto::digest,
    disk::{self, FileError},
    name::{Form, Resource},
};

/// Reads the metadata of one collection from a folder, such as a mirror or a mounted archive. It
/// never writes there.
///
/// A folder that has only the newest files, such as `metadata` in a trust folder of Notary or
/// Docker, will do: what is asked for by digest is also looked for under the role's plain name.
/// Older roots are found by version only, so that a reader who trusts one of them needs those files.
///
/// ```
/// use tuf_notary::{Collection, Gun, Trust, transport::DirectoryTransport};
/// # let folder = tempfile::tempdir()?;
/// # for (name, file) in tuf_notary::testkit::Forge::new("example.com/app").build().files() {
/// #     std::fs::create_dir_all(folder.path().join(name).parent().unwrap())?;
/// #     std::fs::write(folder.path().join(name), file)?;
/// # }
/// # let mirror = folder.path();
/// let collection = Collection::builder(Gun::new("example.com/app")?, Trust::FirstUse)
///     .transport(DirectoryTransport::new(mirror))
///     .build();
/// assert!(collection.refresh()?.target("v1").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DirectoryTransport {
    folder: PathBuf,
}

impl DirectoryTransport {
    /// Reads this folder. Nothing is opened yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn read(&self, what: &Resource, max: u64) -> Result<Vec<u8>, TransportError> {
        if let Some(found) = self.read_name(&what.notary_name(), what, max)? {
            return Ok(found);
        }
        let Form::Sha256(pinned) = &what.form else { return self.nothing(what) };
        let newest = Resource::latest(what.role.clone());
        match self.read_name(&newest.notary_name(), what, max)? {
            Some(found) if digest::sha256(&found) == *pinned => Ok(found),
            _ => self.nothing(what),
        }
    }

    /// The content of a file below the folder; `None` when there is none.
    fn read_name(&self, name: &str, what: &Resource, max: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let shown = what.notary_name();
        let Some(path) = locate(&self.folder, name.split('/'), &shown)? else { return Ok(None) };
        disk::read(&path, max).map_err(|error| unread(&shown, error))
    }

    fn nothing<T>(&self, what: &Resource) -> Result<T, TransportError> {
        nothing_in(&self.folder, what.notary_name())
    }
}

impl Transport for DirectoryTransport {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        Ok(Box::new(Cursor::new(self.read(what, max)?)))
    }
}

/// Reads on the thread that polls, as [`Blocking`](super::Blocking) does.
impl AsyncTransport for DirectoryTransport {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(std::future::ready(self.read(what, max)))
    }
}

/// Where a file below a folder lies; `None` when one of the folders on the way is not there. None of
/// them may be a link.
pub(super) fn locate<'s>(
    folder: &Path,
    segments: impl Iterator<Item = &'s str>,
    what: &str,
) -> Result<Option<PathBuf>, TransportError> {
    let mut path = folder.to_owned();
    let mut segments = segments.peekable();
    while let Some(segment) = segments.next() {
        path.push(segment);
        if segments.peek().is_some() && !is_folder(&path, what)? {
            return Ok(None);
        }
    }
    Ok(Some(path))
}

/// Nothing is there. A folder that is not there either is no answer: a mirror that is not mounted
/// has not been asked.
pub(super) fn nothing_in<T>(folder: &Path, what: String) -> Result<T, TransportError> {
    match fs::read_dir(folder) {
        Ok(_) => Err(TransportError::NotFound { what }),
        Err(error) => Err(unreadable(&what, format!("{}: {error}", folder.display()))),
    }
}

/// What it means that a file could not be read.
pub(super) fn unread(what: &str, error: FileError) -> TransportError {
    match error {
        FileError::TooLarge { limit, .. } => TransportError::TooLarge { what: what.to_owned(), limit },
        error => unreadable(what, error.to_string()),
    }
}

/// Whether this is a folder, and no link to one; `false` when nothing is there.
fn is_folder(path: &Path, what: &str) -> Result<bool, TransportError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(unreadable(what, format!("{} is no folder", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(what, format!("{}: {error}", path.display()))),
    }
}

fn unreadable(what: &str, reason: String) -> TransportError {
    TransportError::Connection { what: what.to_owned(), reason }
}
