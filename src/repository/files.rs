//! Targets as files.
//!
//! The rule: a file appears at its place whole and verified, or not at all, and a good one that was
//! there stays until then. A target's name is never a path: in a folder it becomes one flat file
//! name.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    RepositoryCore,
    download::{Measure, Progress, failed},
};
use crate::{
    error::{DownloadError, Error},
    name::file_name,
    view::FoundTarget,
};

impl RepositoryCore {
    /// Into a folder, under a file name that belongs to the target's name alone.
    pub(crate) async fn save_in(
        &self,
        target: &FoundTarget,
        folder: &Path,
        progress: &mut Progress<'_>,
    ) -> Result<PathBuf, Error> {
        let path = folder.join(file_name(target.name().as_str()));
        self.save(target, &path, progress).await?;
        Ok(path)
    }

    /// To a place that the caller has chosen. Nothing is asked when the content is there already.
    pub(crate) async fn save(
        &self,
        target: &FoundTarget,
        path: &Path,
        progress: &mut Progress<'_>,
    ) -> Result<(), Error> {
        self.check_place(target, path)?;
        if is_there(target, path) {
            return Ok(());
        }
        let failed = |error: std::io::Error| failed(target, &error);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        // A folder that was not there leads somewhere only now, as in `new/../metadata`.
        self.check_place(target, path)?;
        let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        self.download(target, new.as_file_mut(), progress).await?;
        new.as_file().sync_all().map_err(failed)?;
        new.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// What stands there must be a file that may be replaced, and none of ours.
    fn check_place(&self, target: &FoundTarget, path: &Path) -> Result<(), DownloadError> {
        let occupied = |reason| {
            let (name, path) = (target.name().to_string(), path.display().to_string());
            Err(DownloadError::Occupied { name, path, reason })
        };
        if self.core.store_holds(path) {
            return occupied("trusted metadata is kept in this folder");
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => occupied("there is something other than a file"),
            Ok(found) if found.permissions().readonly() => occupied("there is a read-only file"),
            _ => Ok(()),
        }
    }
}

/// Whether the file at `path` is the target: read to its end and compared.
fn is_there(target: &FoundTarget, path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let (mut measure, mut buffer) = (Measure::new(target), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return measure.finish().is_ok(),
            Ok(read) if measure.take(buffer.get(..read).unwrap_or_default()).is_ok() => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => return false,
        }
    }
}
