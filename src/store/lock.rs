//! Exclusive use of a folder store.
//!
//! The operating system holds the lock, so that one of a killed process ends with it (CW-03); a
//! lock file that lies around means nothing.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    StoreError, StoreLock,
    atomic::{create_private, failed, regular, show},
};

const POLL: Duration = Duration::from_millis(20);

/// Locks the file at `path`, creating it, and waits for others at most `wait`.
pub(super) fn acquire(path: &Path, wait: Duration) -> Result<StoreLock, StoreError> {
    let file = open(path)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(StoreLock::new(file)),
            Err(TryLockError::Error(e)) => return Err(failed("lock", path, e)),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = wait.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(StoreError::Busy { waited: wait });
        }
        thread::sleep(POLL.min(left));
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    if let Some(folder) = path.parent() {
        create_private(folder)?;
    }
    regular(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|e| failed("open", path, e))?;
    let opened = file.metadata().map_err(|e| failed("inspect", path, e))?;
    if opened.is_file() { Ok(file) } else { Err(StoreError::NotAFile { path: show(path) }) }
}
