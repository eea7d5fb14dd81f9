//! Exclusive use of a folder store.
//!
//! The operating system holds the lock, so that one of a killed process ends with it (CW-03); a
//! lock file that lies around means nothing.

use std::{
    fs::TryLockError,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{StoreError, StoreLock};
use crate::disk::{failed, open_own};

const POLL: Duration = Duration::from_millis(20);

/// Locks the file at `path`, creating it, and waits for others at most `wait`.
pub(super) fn acquire(path: &Path, wait: Duration) -> Result<StoreLock, StoreError> {
    let file = open_own(path)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(StoreLock::new(file)),
            Err(TryLockError::Error(e)) => return Err(failed("lock", path, e).into()),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = wait.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(StoreError::Busy { waited: wait });
        }
        thread::sleep(POLL.min(left));
    }
}
