//! One file at a time: read whole or not at all, replaced whole or not at all.
//!
//! A file is replaced by renaming a finished, synced one over it, so that a crash leaves the old
//! content or the new one (CR-01, CR-06) and a link at the destination is replaced, not followed
//! (PT-12). Only regular files are read (CT-04).

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::Path,
    time::Duration,
};

use super::StoreError;

/// Marks our unfinished files. No role's file begins so.
const PREFIX: &str = ".tuf-notary-";
const SUFFIX: &str = ".tmp";
/// An unfinished file this old belongs to no living writer.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// The content of a regular file of at most `max` bytes; `None` when there is no such file.
pub(super) fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(before) = regular(path)? else { return Ok(None) };
    too_large(path, before.len(), max)?;
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed("open", path, e)),
    };
    let opened = file.metadata().map_err(|e| failed("inspect", path, e))?;
    if !opened.is_file() {
        return Err(StoreError::NotAFile { path: show(path) });
    }
    let mut content = Vec::new();
    file.take(max.saturating_add(1)).read_to_end(&mut content).map_err(|e| failed("read", path, e))?;
    too_large(path, u64::try_from(content.len()).unwrap_or(u64::MAX), max)?;
    Ok(Some(content))
}

/// Replaces a file, creating the folders above it. `on_created` sees the new file's metadata.
pub(super) fn replace(path: &Path, content: &[u8], on_created: impl Fn(&Metadata)) -> Result<(), StoreError> {
    let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
        return Err(StoreError::NotAFile { path: show(path) });
    };
    create_private(folder)?;
    sweep(folder);
    let wrap = |e| failed("write", path, e);
    let mut new = tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder).map_err(wrap)?;
    if let Ok(created) = new.as_file().metadata() {
        on_created(&created);
    }
    new.write_all(content).map_err(wrap)?;
    new.as_file().sync_all().map_err(wrap)?;
    new.persist(path).map_err(|e| failed("replace", path, e.error))?;
    sync_folder(folder)
}

/// Unlinks one file or link, never a folder. Succeeds when there is none.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed("inspect", path, e)),
        Ok(found) if found.is_dir() => return Err(StoreError::NotAFile { path: show(path) }),
        Ok(_) => {}
    }
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, e)),
        _ => path.parent().map_or(Ok(()), sync_folder),
    }
}

/// The metadata of a regular file; `None` when nothing is there. Links are not followed.
pub(super) fn regular(path: &Path) -> Result<Option<Metadata>, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(StoreError::NotAFile { path: show(path) }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("inspect", path, e)),
    }
}

/// Creates a folder and those above it, each only for its owner.
pub(super) fn create_private(folder: &Path) -> Result<(), StoreError> {
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

pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { action, path: show(path), source }
}

pub(super) fn show(path: &Path) -> String {
    path.display().to_string()
}

fn too_large(path: &Path, found: u64, limit: u64) -> Result<(), StoreError> {
    if found > limit {
        return Err(StoreError::TooLarge { path: show(path), limit, found });
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
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
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

fn is_unfinished(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

fn is_stale(found: &Metadata) -> bool {
    let age = found.modified().ok().and_then(|then| then.elapsed().ok());
    age.is_some_and(|age| age > STALE)
}
