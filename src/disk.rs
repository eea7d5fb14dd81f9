//! One file at a time: read whole or not at all, replaced whole or not at all.
//!
//! The one place that writes files, for the stores of metadata and of keys, which do not know each
//! other. A file is replaced by renaming a finished, synced one over it, so that a crash leaves the
//! old content or the new one (CR-01, CR-06) and a link at the destination is replaced, not
//! followed (PT-12). Only regular files are read (CT-04), and never through a link (KS-03).

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::Path,
    time::Duration,
};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// Marks our unfinished files. No role's file begins so.
const PREFIX: &str = ".tuf-notary-";
const SUFFIX: &str = ".tmp";
/// An unfinished file this old belongs to no living writer.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a file that is being replaced is looked at before it counts as none.
const LOOKS: u32 = 32;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// The file.
        path: String,
        /// The reason.
        source: io::Error,
    },
    /// The file is a link, a folder, a device or a pipe.
    #[error("{path} is no regular file")]
    NotAFile {
        /// The file.
        path: String,
    },
    /// The file is larger than anything that this client would have written.
    #[error("{path} has {found} bytes, the limit is {limit}")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit in bytes.
        limit: u64,
        /// The size found in bytes.
        found: u64,
    },
}

/// A secret as read, and the metadata of its file.
pub(crate) struct Secret {
    pub(crate) content: Zeroizing<Vec<u8>>,
    pub(crate) opened: Metadata,
}

/// The content of a regular file of at most `max` bytes; `None` when there is no such file.
pub(crate) fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, FileError> {
    let Some((file, _)) = open(path, max)? else { return Ok(None) };
    let mut content = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut content).map_err(|e| failed("read", path, e))?;
    check_size(path, u64::try_from(content.len()).unwrap_or(u64::MAX), max)?;
    Ok(Some(content))
}

/// The same for a secret: the buffer never grows, for the old one would not be wiped.
pub(crate) fn read_secret(path: &Path, max: u64) -> Result<Option<Secret>, FileError> {
    let Some((mut file, opened)) = open(path, max)? else { return Ok(None) };
    let room = usize::try_from(max.saturating_add(1)).unwrap_or(usize::MAX);
    let mut buffer = Zeroizing::new(vec![0; room]);
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed("read", path, e)),
        }
    }
    buffer.truncate(length);
    check_size(path, u64::try_from(length).unwrap_or(u64::MAX), max)?;
    Ok(Some(Secret { content: buffer, opened }))
}

/// Opens a regular file; `None` when nothing is there.
///
/// Docker and Notary take no lock: they may replace the file between the look and the opening. What
/// stands there then is looked at anew (CW-04); a link never comes through (PT-13).
pub(crate) fn open(path: &Path, max: u64) -> Result<Option<(File, Metadata)>, FileError> {
    for _ in 0..LOOKS {
        let Some(found) = regular(path)? else { return Ok(None) };
        check_size(path, found.len(), max)?;
        let file = match File::open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|e| failed("open", path, e))?,
        };
        let opened = file.metadata().map_err(|e| failed("inspect", path, e))?;
        if is_same_file(&found, &opened) {
            return Ok(Some((file, opened)));
        }
    }
    Err(FileError::NotAFile { path: show(path) })
}

/// Replaces a file, creating the folders above it. `on_created` sees the new file's metadata.
pub(crate) fn replace(path: &Path, content: &[u8], on_created: impl Fn(&Metadata)) -> Result<(), FileError> {
    let folder = parent(path)?;
    let new = finished(folder, content)?;
    if let Ok(created) = new.as_file().metadata() {
        on_created(&created);
    }
    new.persist(path).map_err(|e| failed("replace", path, e.error))?;
    sync_folder(folder)
}

/// Replaces a file that everybody may read, such as a web server, creating the folders above it.
pub(crate) fn publish(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let folder = parent(path)?;
    fs::create_dir_all(folder).map_err(|e| failed("create folder", folder, e))?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let wrap = |e| failed("write in", folder, e);
    let mut new = builder.prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder).map_err(wrap)?;
    new.write_all(content).map_err(wrap)?;
    new.as_file().sync_all().map_err(wrap)?;
    new.persist(path).map_err(|e| failed("replace", path, e.error))?;
    sync_folder(folder)
}

/// Makes a file, creating the folders above it. `false` when its place is taken, by a link for
/// example: nothing is ever overwritten.
pub(crate) fn create(path: &Path, content: &[u8]) -> Result<bool, FileError> {
    create_by_way_of(parent(path)?, path, content)
}

/// The same, for a folder in which an unfinished file would count: it is made in another folder of
/// the same file system.
pub(crate) fn create_by_way_of(other: &Path, path: &Path, content: &[u8]) -> Result<bool, FileError> {
    let folder = parent(path)?;
    create_private(folder)?;
    let new = finished(other, content)?;
    match new.persist_noclobber(path) {
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        moved => drop(moved.map_err(|e| failed("write", path, e.error))?),
    }
    sync_folder(folder)?;
    Ok(true)
}

/// The folder of a file.
fn parent(path: &Path) -> Result<&Path, FileError> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(_)) => Ok(folder),
        _ => Err(FileError::NotAFile { path: show(path) }),
    }
}

/// A finished, synced file in a folder, made with `O_EXCL` and mode 0600.
fn finished(folder: &Path, content: &[u8]) -> Result<NamedTempFile, FileError> {
    create_private(folder)?;
    sweep(folder);
    let wrap = |e| failed("write in", folder, e);
    let mut builder = tempfile::Builder::new();
    let mut new = builder.prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder).map_err(wrap)?;
    new.write_all(content).map_err(wrap)?;
    new.as_file().sync_all().map_err(wrap)?;
    Ok(new)
}

/// Opens a file of our own for locking, creating it where it is missing.
pub(crate) fn open_own(path: &Path) -> Result<File, FileError> {
    if let Some(folder) = path.parent() {
        create_private(folder)?;
    }
    regular(path)?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|e| failed("open", path, e))?;
    let opened = file.metadata().map_err(|e| failed("inspect", path, e))?;
    if opened.is_file() { Ok(file) } else { Err(FileError::NotAFile { path: show(path) }) }
}

/// Unlinks one file or link, never a folder. `false` when there is none.
pub(crate) fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(failed("inspect", path, e)),
        Ok(found) if found.is_dir() => return Err(FileError::NotAFile { path: show(path) }),
        Ok(_) => {}
    }
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        removed => removed.map_err(|e| failed("remove", path, e))?,
    }
    path.parent().map_or(Ok(()), sync_folder)?;
    Ok(true)
}

/// Removes a folder if nothing is in it. A failure costs only the empty folder.
pub(crate) fn remove_empty(folder: &Path) {
    let _ = fs::remove_dir(folder);
}

/// The metadata of a regular file; `None` when nothing is there. Links are not followed.
pub(crate) fn regular(path: &Path) -> Result<Option<Metadata>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(FileError::NotAFile { path: show(path) }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("inspect", path, e)),
    }
}

/// Creates a folder and those above it, each only for its owner.
fn create_private(folder: &Path) -> Result<(), FileError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or_else(|| Path::new(""));
    create_private(above)?;
    match private_builder().create(folder) {
        Ok(()) => sync_folder(above),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(failed("create folder", folder, e)),
    }
}

pub(crate) fn failed(action: &'static str, path: &Path, source: io::Error) -> FileError {
    FileError::Io { action, path: show(path), source }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

fn check_size(path: &Path, found: u64, limit: u64) -> Result<(), FileError> {
    if found > limit {
        return Err(FileError::TooLarge { path: show(path), limit, found });
    }
    Ok(())
}

fn private_builder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Makes a rename in this folder durable, where folders can be synced at all.
fn sync_folder(folder: &Path) -> Result<(), FileError> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match File::open(folder).and_then(|opened| opened.sync_all()) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(failed("sync", folder, e))
        }
        _ => Ok(()),
    }
}

/// Removes what crashed writers left behind in this folder. A failure costs only space.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let stale = is_unfinished(&entry.file_name())
            && entry.metadata().is_ok_and(|found| found.is_file() && is_stale(&found));
        if stale {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether what was opened is what was looked at, and not what a link put in its place.
#[cfg(unix)]
fn is_same_file(found: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    opened.is_file() && (found.dev(), found.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same_file(_found: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

fn is_unfinished(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

fn is_stale(found: &Metadata) -> bool {
    let age = found.modified().ok().and_then(|then| then.elapsed().ok());
    age.is_some_and(|age| age > STALE)
}
