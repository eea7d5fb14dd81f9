//! Whether other users can change a store's folders, which is warned about once (CT-07).

use std::{
    fs::Metadata,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

/// Looks at folders. Clones share what was warned about.
#[derive(Clone, Debug)]
pub(super) struct Others {
    #[cfg_attr(not(unix), allow(dead_code))]
    folders: Arc<[PathBuf]>,
    #[cfg_attr(not(unix), allow(dead_code))]
    warned: Arc<AtomicBool>,
}

impl Others {
    pub(super) fn new(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect(), warned: Arc::default() }
    }

    /// Warns when others may write to a folder, or when it is not of the owner of a `new` file.
    #[cfg(unix)]
    pub(super) fn warn(&self, new: Option<&Metadata>) {
        use std::{fs, os::unix::fs::MetadataExt, sync::atomic::Ordering};
        if self.warned.load(Ordering::Relaxed) {
            return;
        }
        for folder in &*self.folders {
            let Ok(found) = fs::metadata(folder) else { continue };
            let world_writable = found.mode() & 0o002 != 0;
            let foreign = new.is_some_and(|new| new.uid() != found.uid());
            if (world_writable || foreign) && !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    folder = %folder.display(), world_writable, foreign,
                    "other users can change this trust folder"
                );
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn warn(&self, _new: Option<&Metadata>) {}
}
