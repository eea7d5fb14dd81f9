//! Key files on disk: private from the moment they are made (KS-01, KS-02), whole or not there,
//! never reached or written through a link (KS-03).
//!
//! A new file is written beside its place, synced, and moved there only if the place is free; so
//! no key is ever overwritten, by whomever.

use crate::{keys::KeyError, name::KeyId};
use std::{
    fs::{self, DirBuilder, File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

/// The largest key file; one of an RSA key of 8192 bits has 9 KB.
const MAX_FILE: usize = 32 << 10;
/// Unfinished files. Notary lists `*.key` only.
const PREFIX: &str = ".tuf-notary-";
const SUFFIX: &str = ".tmp";
/// An unfinished file this old belongs to no living writer.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of key files.
#[derive(Clone, Debug)]
pub(super) struct KeyFolder(PathBuf);

impl KeyFolder {
    pub(super) fn new(path: &Path) -> Self {
        // An empty path can't be opened, so it could not be synced.
        Self(if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() })
    }

    /// The ids that have a regular file. A folder that is not there has none.
    pub(super) fn ids(&self) -> Result<Vec<KeyId>, KeyError> {
        let failed = |e| failed("list", &self.0, e);
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
    pub(super) fn read(&self, id: &KeyId) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        let path = self.path(id);
        let Some(found) = regular(&path)? else { return Ok(None) };
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| failed("open", &path, e))?,
        };
        let opened = file.metadata().map_err(|e| failed("inspect", &path, e))?;
        if !is_same_file(&found, &opened) {
            return Err(KeyError::NotAFile { path: show(&path) });
        }
        warn_of_readers(&path, &opened);
        let text = read_bounded(file).map_err(|e| failed("read", &path, e))?;
        if text.len() > MAX_FILE {
            return Err(KeyError::TooLarge { path: show(&path), limit: MAX_FILE });
        }
        Ok(Some(text))
    }

    /// Makes a key file. `false` when its place is taken, by a link for example.
    pub(super) fn create(&self, id: &KeyId, text: &[u8]) -> Result<bool, KeyError> {
        let path = self.path(id);
        let failed = |e| failed("write", &path, e);
        create_private(&self.0).map_err(failed)?;
        warn_of_writers(&self.0);
        self.sweep();
        // Made with O_EXCL and mode 0600.
        let mut builder = tempfile::Builder::new();
        let mut file = builder.prefix(PREFIX).suffix(SUFFIX).tempfile_in(&self.0).map_err(failed)?;
        file.write_all(text).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            moved => drop(moved.map_err(|e| failed(e.error))?),
        }
        self.sync()?;
        Ok(true)
    }

    /// Unlinks a key file. `false` when there is none.
    pub(super) fn remove(&self, id: &KeyId) -> Result<bool, KeyError> {
        let path = self.path(id);
        if regular(&path)?.is_none() {
            return Ok(false);
        }
        match fs::remove_file(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed.map_err(|e| failed("remove", &path, e))?,
        }
        self.sync()?;
        Ok(true)
    }

    fn path(&self, id: &KeyId) -> PathBuf {
        self.0.join(format!("{id}.key"))
    }

    /// Removes what writers that died have left. Best effort: the next writer tries again.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|n| n.starts_with(PREFIX) && n.ends_with(SUFFIX));
            let is_stale = |found: Metadata| {
                let age = found.modified().ok().and_then(|time| time.elapsed().ok());
                found.is_file() && age.is_some_and(|age| age > STALE)
            };
            if ours && entry.metadata().is_ok_and(is_stale) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Makes the names in the folder durable.
    fn sync(&self) -> Result<(), KeyError> {
        sync_folder(&self.0).map_err(|e| failed("sync", &self.0, e))
    }
}

/// The metadata of a regular file; `None` when nothing is there.
fn regular(path: &Path) -> Result<Option<Metadata>, KeyError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(KeyError::NotAFile { path: show(path) }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("inspect", path, e)),
    }
}

/// Reads at most one byte more than [`MAX_FILE`], into a buffer that never grows: the old one
/// would not be wiped.
fn read_bounded(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(vec![0; MAX_FILE + 1]);
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    buffer.truncate(length);
    Ok(buffer)
}

/// Makes a folder and those above it, each only for its owner.
fn create_private(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or_else(|| Path::new(""));
    create_private(above)?;
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder(above)),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Whether what was opened is what was looked at, and not what a link put in its place.
#[cfg(unix)]
fn is_same_file(found: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same_file(_found: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

#[cfg(unix)]
fn warn_of_readers(path: &Path, opened: &Metadata) {
    use std::os::unix::fs::MetadataExt;
    let mode = opened.mode() & 0o7777;
    if mode & 0o077 != 0 {
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
fn warn_of_readers(_path: &Path, _opened: &Metadata) {}

#[cfg(not(unix))]
fn warn_of_writers(_folder: &Path) {}

fn failed(action: &'static str, path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { action, path: show(path), source }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
