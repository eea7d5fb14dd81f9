//! Folders of Notary's first years: `root_keys` and `tuf_keys/<GUN>`, whose file names say what
//! headers say now (KS-15). They are read as they are; moving them is asked for.
//!
//! An old file goes only after the new one is on disk, and a folder only when it is empty: what
//! could not be moved stays (CR-07).

use super::{DirectoryKeys, damaged, folder, labels, single_block};
use crate::{
    crypto::PemBlock,
    disk::{self, FileError},
    keys::{KeyError, KeyInfo, KeyRole, import},
    name::{Gun, KeyId},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const ROOT_KEYS: &str = "root_keys";
const COLLECTION_KEYS: &str = "tuf_keys";
/// A GUN of 255 bytes, the most that a file system takes as one name, has fewer parts than this.
const DEEPEST: usize = 128;

/// What a migration did.
#[non_exhaustive]
#[must_use]
#[derive(Debug, Default)]
pub struct Migration {
    /// The keys that lie where they are looked for now.
    pub moved: Vec<KeyInfo>,
    /// The files that stayed, and why.
    pub left: Vec<(PathBuf, KeyError)>,
}

/// A key file at an old place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OldFile {
    pub(super) id: KeyId,
    pub(super) path: PathBuf,
    /// What the place says about the key, unchecked.
    role: Option<String>,
    gun: Option<String>,
}

impl DirectoryKeys {
    /// Moves the keys of Notary's older layouts (`root_keys` and `tuf_keys` in the folder, files
    /// named `<id>_<role>.key`) to where they are kept now, with headers in place of names.
    ///
    /// The keys are not opened. It may be interrupted and run again at any time.
    ///
    /// # Errors
    /// The old folders can't be listed. A single file that can't be moved is reported.
    pub fn migrate(&self) -> Result<Migration, KeyError> {
        let mut done = Migration::default();
        for old in find(self.folder.as_path())? {
            match self.move_here(&old) {
                Ok(info) => done.moved.push(info),
                Err(error) => done.left.push((old.path, error)),
            }
        }
        for name in [ROOT_KEYS, COLLECTION_KEYS] {
            remove_empty_folders(&self.folder.as_path().join(name), DEEPEST);
        }
        Ok(done)
    }

    fn move_here(&self, old: &OldFile) -> Result<KeyInfo, KeyError> {
        let (info, block) = old.read()?.ok_or_else(|| KeyError::NotFound { id: old.id.clone() })?;
        if !self.folder.create(&old.id, &block.to_text()?)? {
            let new = self.folder.read(&old.id)?;
            let new = new.map(|text| single_block(&old.id, &text)).transpose()?;
            if new.is_none_or(|new| new.contents != block.contents) {
                let reason = "another file lies at its new place";
                return Err(damaged(&old.id, reason));
            }
        }
        disk::remove(&old.path)?;
        Ok(info)
    }
}

impl OldFile {
    /// The block with headers that say what its place says; `None` when it is gone.
    pub(super) fn read(&self) -> Result<Option<(KeyInfo, PemBlock)>, KeyError> {
        let Some(secret) = disk::read_secret(&self.path, folder::MAX_FILE)? else { return Ok(None) };
        folder::warn_of_readers(&self.path, &secret.opened);
        let mut block = single_block(&self.id, &secret.content)?;
        let own = labels(&self.id, &block);
        let role = self.role.as_deref().map(KeyRole::new).transpose().map_err(|e| damaged(&self.id, e))?;
        let role = role.map_or_else(|| own.map(|info| info.role), Ok)?;
        let gun = self.gun.as_deref().or_else(|| block.header("gun")).filter(|_| role.keeps_gun());
        let gun = gun.map(Gun::new).transpose().map_err(|e| damaged(&self.id, e))?;
        let info = KeyInfo::new(self.id.clone(), &role, gun.as_ref());
        import::label(&mut block, &info);
        Ok(Some((info, block)))
    }
}

/// The key files of old layouts in the folder, in a fixed order. Links are passed over.
pub(super) fn find(keys: &Path) -> Result<Vec<OldFile>, FileError> {
    let mut found = Vec::new();
    for name in [ROOT_KEYS, COLLECTION_KEYS] {
        walk(&keys.join(name), name, "", DEEPEST, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    kind: &str,
    gun: &str,
    depth: usize,
    found: &mut Vec<OldFile>,
) -> Result<(), FileError> {
    let failed = |e| disk::failed("list", folder, e);
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir());
    if !is_folder || depth == 0 {
        return Ok(());
    }
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let (name, kind_of_file) = (entry.file_name(), entry.file_type().map_err(failed)?);
        let Some(name) = name.to_str() else { continue };
        if kind_of_file.is_dir() {
            let below = if gun.is_empty() { name.to_owned() } else { format!("{gun}/{name}") };
            walk(&entry.path(), kind, &below, depth - 1, found)?;
        } else if kind_of_file.is_file() {
            found.extend(old_file(entry.path(), name, kind, gun));
        }
    }
    Ok(())
}

fn old_file(path: PathBuf, name: &str, kind: &str, gun: &str) -> Option<OldFile> {
    let stem = name.strip_suffix(".key")?;
    let (id, role) = stem.split_once('_').map_or((stem, None), |(id, role)| (id, Some(role)));
    let id = KeyId::new(id).ok().filter(KeyId::is_sha256)?;
    let role = role.or_else(|| (kind == ROOT_KEYS).then_some("root")).map(str::to_owned);
    let gun = Some(gun).filter(|gun| !gun.is_empty()).map(str::to_owned);
    Some(OldFile { id, path, role, gun })
}

fn remove_empty_folders(folder: &Path, depth: usize) {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir());
    if !is_folder || depth == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        remove_empty_folders(&entry.path(), depth - 1);
    }
    disk::remove_empty(folder);
}
