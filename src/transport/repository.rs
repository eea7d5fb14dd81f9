//! A TUF 1.0 repository in folders: what its authors write, a mirror, a medium without a network.
//!
//! The layout is that of the URLs (TUF specification 1.0.34 sections 3 and 6.1): `metadata` with one
//! flat file a role, the role's name percent-encoded, and `targets` with the targets at their paths.
//! No name leads out of these two folders (PT-01, PT-05). The folders themselves may be reached
//! through a link; within them only regular files and real folders are read, never a link (PT-12),
//! a pipe or a device (CT-04).

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::PathBuf,
};

use super::{
    AsyncTargetTransport, AsyncTransport, BoxFuture, TargetBody, TargetTransport, Transport, TransportError,
    directory::{locate, nothing_in, unread},
    targets::{in_chunks, segments, shown},
};
use crate::{
    disk,
    name::{Form, Resource},
};

/// A TUF 1.0 repository in its folders `metadata` and `targets`. As a transport it only reads; whoever
/// maintains the repository writes there too.
///
/// ```
/// use std::io::Read;
/// use tuf_notary::{name::{Resource, RoleName}, transport::{RepositoryDirectory, TargetTransport, Transport}};
/// # let folder = tempfile::tempdir()?;
/// # let repository = folder.path();
/// # std::fs::create_dir(repository.join("metadata"))?;
/// # std::fs::create_dir_all(repository.join("targets/app"))?;
/// # std::fs::write(repository.join("metadata/timestamp.json"), "{}")?;
/// # std::fs::write(repository.join("targets/app/1.0.tar"), "content")?;
/// let transport = RepositoryDirectory::new(repository);
/// let mut content = String::new();
/// transport.fetch_target("app/1.0.tar", 1 << 20)?.read_to_string(&mut content)?;
/// assert_eq!(content, "content");
/// assert!(transport.fetch(&Resource::latest(RoleName::Timestamp), 1 << 20).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RepositoryDirectory {
    metadata: PathBuf,
    targets: PathBuf,
}

impl RepositoryDirectory {
    /// Reads the folders `metadata` and `targets` below this one. Nothing is opened yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { metadata: folder.join("metadata"), targets: folder.join("targets") }
    }

    /// Reads these two folders.
    pub fn from_folders(metadata: impl Into<PathBuf>, targets: impl Into<PathBuf>) -> Self {
        Self { metadata: metadata.into(), targets: targets.into() }
    }

    /// Writes files of metadata in the order given, such as those of a
    /// [`Publication`](crate::edit::repository::Publication): each appears whole and durable before
    /// the next begins, and everybody may read it.
    ///
    /// # Errors
    /// A name is no plain file name, or a file could not be written. Those before it are there.
    pub fn write_metadata<'a>(
        &self,
        files: impl IntoIterator<Item = (String, &'a [u8])>,
    ) -> Result<(), TransportError> {
        for (name, content) in files {
            if !is_plain(&name) || matches!(name.as_str(), "." | "..") {
                return Err(TransportError::Path { path: shown(&name), reason: "it is no plain file name" });
            }
            disk::publish(&self.metadata.join(&name), content).map_err(|error| unread(&name, error))?;
        }
        Ok(())
    }

    /// Writes the content of a target at its path, hash prefix included.
    ///
    /// # Errors
    /// The path is not one that leads to a file below the folder, or the file could not be written.
    pub fn write_target(&self, path: &str, content: &[u8]) -> Result<(), TransportError> {
        let mut file = self.targets.clone();
        for segment in segments(path)? {
            if !is_plain(segment) {
                return Err(TransportError::Path { path: shown(path), reason: "no file can be called so" });
            }
            file.push(segment);
        }
        disk::publish(&file, content).map_err(|error| unread(&shown(path), error))
    }

    fn read(&self, what: &Resource, max: u64) -> Result<Vec<u8>, TransportError> {
        let name = what.tuf_name();
        // Some tools write roles without encoding their names. With a `%` it could be another role's.
        let plain = plain_name(what).filter(|it| *it != name && is_plain(it) && !it.contains('%'));
        for file in [Some(&name), plain.as_ref()].into_iter().flatten() {
            let found = disk::read(&self.metadata.join(file), max);
            if let Some(found) = found.map_err(|error| unread(&name, error))? {
                return Ok(found);
            }
        }
        nothing_in(&self.metadata, name)
    }

    fn open(&self, path: &str, max: u64) -> Result<Whole, TransportError> {
        let what = shown(path);
        let located = match segments(path)?.all(is_plain) {
            true => locate(&self.targets, path.split('/'), &what)?,
            // No file can be called so.
            false => None,
        };
        let opened = located.map(|file| disk::open(&file, max)).transpose();
        match opened.map_err(|error| unread(&what, error))?.flatten() {
            Some((file, found)) => Ok(Whole { file, left: found.len() }),
            None => nothing_in(&self.targets, what),
        }
    }
}

impl Transport for RepositoryDirectory {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        Ok(Box::new(Cursor::new(self.read(what, max)?)))
    }
}

impl TargetTransport for RepositoryDirectory {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        Ok(Box::new(self.open(path, max)?))
    }
}

/// Reads on the thread that polls, as [`Blocking`](super::Blocking) does.
impl AsyncTransport for RepositoryDirectory {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(std::future::ready(self.read(what, max)))
    }
}

/// Reads on the thread that polls, as [`Blocking`](super::Blocking) does.
impl AsyncTargetTransport for RepositoryDirectory {
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>> {
        let opened = self.open(path, max).map(|file| in_chunks(Box::new(file), path, max));
        Box::pin(std::future::ready(opened))
    }
}

/// A file with the length that it had when it was opened: one that shrinks meanwhile fails.
struct Whole {
    file: File,
    left: u64,
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let read = self.file.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// The name of a role's file without any encoding.
fn plain_name(what: &Resource) -> Option<String> {
    let role = what.role.as_str();
    match &what.form {
        Form::Latest => Some(format!("{role}.json")),
        Form::Version(version) => Some(format!("{version}.{role}.json")),
        Form::Sha256(_) => None,
    }
}

/// Whether a file can be called so, and a path with this segment leads to it: what separates
/// segments, drives and streams elsewhere does so on Windows only.
fn is_plain(name: &str) -> bool {
    let special = |c: char| match c {
        '/' | '\0' => true,
        '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => cfg!(windows),
        _ => cfg!(windows) && c.is_control(),
    };
    let is_cut = cfg!(windows) && name.ends_with(['.', ' ']);
    !name.is_empty() && !name.contains(special) && !is_cut
}
