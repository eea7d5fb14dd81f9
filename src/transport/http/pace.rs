//! A body must keep coming, and not too slowly (SL-02, SL-03).

use std::{io, time::Duration};

use super::Timeouts;

/// Counts bytes against the time that was spent waiting for them; the caller's own time is free.
pub(super) struct Pace {
    idle: Duration,
    window: Duration,
    /// Bytes that a full window must bring.
    quota: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        let Timeouts { idle, window, .. } = *timeouts;
        Self { idle, window, quota: timeouts.quota(), waited: Duration::ZERO, bytes: 0 }
    }

    /// How long the next byte may take.
    pub(super) fn patience(&self) -> Duration {
        let window =
            if self.bytes < self.quota { self.window - self.waited.min(self.window) } else { self.window };
        if self.quota == 0 { self.idle } else { self.idle.min(window) }
    }

    pub(super) fn account(&mut self, read: usize, elapsed: Duration) -> io::Result<()> {
        self.waited = self.waited.saturating_add(elapsed);
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if read == 0 || self.waited < self.window {
            return Ok(());
        }
        if self.bytes < self.quota {
            let (bytes, waited, quota) = (self.bytes, self.waited, self.quota);
            let slow = format!("the body is too slow: {bytes} bytes in {waited:?}, expected {quota}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, slow));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(idle: u64, quota_per_second: u64) -> Pace {
        Pace::new(&Timeouts {
            idle: Duration::from_secs(idle),
            min_bytes_per_second: quota_per_second,
            window: Duration::from_secs(10),
            ..Timeouts::default()
        })
    }

    #[test]
    fn a_window_without_its_quota_is_a_time_out() {
        let mut pace = pace(10, 100);
        for _ in 0..9 {
            pace.account(50, Duration::from_secs(1)).unwrap();
        }
        assert_eq!(pace.patience(), Duration::from_secs(1), "what the window has left");
        let error = pace.account(50, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_window_with_its_quota_begins_a_new_one() {
        let mut pace = pace(10, 100);
        for _ in 0..35 {
            pace.account(100, Duration::from_secs(1)).unwrap();
        }
        assert_eq!(pace.patience(), Duration::from_secs(5));
        pace.account(0, Duration::from_secs(9)).expect("the end needs no quota");
    }

    #[test]
    fn a_quota_of_nothing_leaves_the_idle_time() {
        let mut pace = pace(60, 0);
        pace.account(1, Duration::from_secs(59)).unwrap();
        assert_eq!(pace.patience(), Duration::from_secs(60));
    }
}
