//! Every wait for a server has an end (SL-01 to SL-04).

use std::time::Duration;

/// As good as without end, and still a time that can be added to any other.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long to wait for a server. `Timeouts::default()` suits the internet.
///
/// ```
/// use std::time::Duration;
/// use tuf_notary::transport::Timeouts;
/// let timeouts = Timeouts { connect: Duration::from_secs(2), ..Default::default() };
/// assert_eq!(timeouts.response, Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // functional update is how callers set one of them
pub struct Timeouts {
    /// Name resolution, and again TCP and TLS handshakes. Default 5 seconds.
    pub connect: Duration,
    /// From the request to the end of the reply's head. Default 10 seconds.
    pub response: Duration,
    /// Without a byte of a body, in either direction. Default 10 seconds.
    pub idle: Duration,
    /// Slowest body: a [`window`](Self::window) that brings less is a time-out. Default 1,024;
    /// 0 sets no pace.
    pub min_bytes_per_second: u64,
    /// Over which time the pace is measured. Default 10 seconds.
    pub window: Duration,
    /// One question with all that it takes: tokens, repetitions, pauses, the body to its end.
    /// Default 10 minutes.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            min_bytes_per_second: 1024,
            window: Duration::from_secs(10),
            total: Duration::from_secs(600),
        }
    }
}

impl Timeouts {
    /// Bytes that a window must bring.
    pub(super) fn quota(&self) -> u64 {
        let bytes = u128::from(self.min_bytes_per_second).saturating_mul(self.window.as_millis()) / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The same, without times so long that the clock could overflow.
    pub(super) fn bounded(self) -> Self {
        let bound = |time: Duration| time.min(FOREVER);
        Self {
            connect: bound(self.connect),
            response: bound(self.response),
            idle: bound(self.idle),
            window: bound(self.window),
            total: bound(self.total),
            ..self
        }
    }

    /// The longest time that `bytes` may take at the slowest pace; none when none is set.
    pub(super) fn longest(&self, bytes: usize) -> Option<Duration> {
        let seconds = u64::try_from(bytes).unwrap_or(u64::MAX).checked_div(self.min_bytes_per_second)?;
        Some(Duration::from_secs(seconds).saturating_add(self.window).min(FOREVER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_sets_a_quota_for_a_window_and_a_bound_for_an_upload() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.quota(), 10_240);
        assert_eq!(timeouts.longest(1024 * 7), Some(Duration::from_secs(17)));
        let without = Timeouts { min_bytes_per_second: 0, ..timeouts };
        assert_eq!((without.quota(), without.longest(1)), (0, None));
    }
}
