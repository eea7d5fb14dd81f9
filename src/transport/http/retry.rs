//! When a request is made again: only those that change nothing (RFC 9110 section 9.2.2), only for
//! reasons that pass by themselves, a few times, and not sooner than the server asks for
//! (`Retry-After`, section 10.2.3). An upload is never repeated (TE-12).

use std::{
    hash::{BuildHasher, RandomState},
    io,
    time::{Duration, Instant},
};

use super::ask::Method;
use crate::transport::TransportError;

/// The first pause; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(100);

/// How often, and how patiently, reading is tried again.
///
/// ```
/// use tuf_notary::transport::Retries;
/// assert_eq!(Retries::default().most, 2);
/// let never = Retries { most: 0, ..Default::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // functional update is how callers set one of them
pub struct Retries {
    /// Most repetitions of one request. Default 2.
    pub most: u32,
    /// Longest pause before one. A server that asks for more gets no further request, and the
    /// error says how long it wants. Default 5 seconds.
    pub longest_pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { most: 2, longest_pause: Duration::from_secs(5) }
    }
}

/// Why a try failed, and whether that may pass by itself.
pub(super) struct Failed {
    pub(super) error: TransportError,
    pub(super) passes: bool,
}

impl From<TransportError> for Failed {
    fn from(error: TransportError) -> Self {
        Self { error, passes: true }
    }
}

/// The repetitions of one request.
pub(super) struct Schedule {
    retries: Retries,
    made: u32,
}

impl Schedule {
    pub(super) const fn new(retries: Retries) -> Self {
        Self { retries, made: 0 }
    }

    /// How long to pause before the request is made again.
    ///
    /// # Errors
    /// The failure itself, when it stands: the request may change something, the failure does not pass,
    /// or there is no time left.
    pub(super) fn pause(
        &mut self,
        failed: Failed,
        method: Method,
        deadline: Instant,
    ) -> Result<Duration, TransportError> {
        let Failed { error, passes } = failed;
        let pause = if passes && method == Method::Get { self.after(&error) } else { None };
        match pause {
            Some(pause) if Instant::now().checked_add(pause).is_some_and(|end| end < deadline) => {
                tracing::debug!(%error, ?pause, "asking again");
                Ok(pause)
            }
            _ => Err(error),
        }
    }

    /// The pause after an error; none when it does not pass by itself.
    fn after(&mut self, error: &TransportError) -> Option<Duration> {
        let asked = match error {
            TransportError::Status { status: 429 | 502 | 503 | 504, retry_after, .. } => *retry_after,
            // Whether a broken connection is worth it, the adapter knows: see `passes`.
            TransportError::Connection { .. } => None,
            _ => return None,
        };
        if self.made >= self.retries.most {
            return None;
        }
        let pause = FIRST.saturating_mul(1_u32.checked_shl(self.made).unwrap_or(u32::MAX));
        self.made = self.made.saturating_add(1);
        // Those whom one outage hit must not come back at the same time.
        let pause = pause.min(self.retries.longest_pause).mul_f64(0.5 + spread());
        let pause = pause.max(asked.unwrap_or_default());
        (pause <= self.retries.longest_pause || asked.is_none()).then_some(pause)
    }
}

/// Whether a connection that failed so may hold the next time: the peer went away, or did not
/// listen for a moment. A kept connection that the server has closed meanwhile looks like this.
pub(super) fn passes(error: io::ErrorKind) -> bool {
    matches!(
        error,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
}

/// A number from 0 to 0.5, hard to foresee.
fn spread() -> f64 {
    let random = RandomState::new().hash_one(0_u8);
    f64::from(u16::try_from(random & 0xffff).unwrap_or_default()) / 131_070.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, seconds: Option<u64>) -> TransportError {
        let retry_after = seconds.map(Duration::from_secs);
        TransportError::Status { what: "x".to_owned(), status, message: String::new(), retry_after }
    }

    fn broken() -> TransportError {
        TransportError::Connection { what: "x".to_owned(), reason: "reset".to_owned() }
    }

    #[test]
    fn te_12_pauses_grow_and_end() {
        let mut schedule = Schedule::new(Retries { most: 9, longest_pause: Duration::from_secs(1) });
        let pauses: Vec<_> = std::iter::from_fn(|| schedule.after(&broken())).collect();
        assert_eq!(pauses.len(), 9);
        assert!((50..=100).contains(&pauses[0].as_millis()), "{pauses:?}");
        assert!((100..=200).contains(&pauses[1].as_millis()), "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(1)), "{pauses:?}");
        assert!(Schedule::new(Retries { most: 0, ..Retries::default() }).after(&broken()).is_none());
    }

    #[test]
    fn te_12_a_server_that_asks_for_time_gets_it_or_is_left_alone() {
        for code in [429, 502, 503, 504] {
            let mut schedule = Schedule::new(Retries::default());
            assert_eq!(schedule.after(&status(code, Some(2))), Some(Duration::from_secs(2)), "{code}");
            assert!(schedule.after(&status(code, Some(6))).is_none(), "{code}: longer than we wait");
        }
        assert!(Schedule::new(Retries::default()).after(&status(503, None)).is_some());
    }

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        let what = || "x".to_owned();
        for error in [
            status(500, None),
            status(501, Some(1)),
            status(302, Some(1)),
            TransportError::NotFound { what: what() },
            TransportError::Unauthorized { what: what(), status: 401 },
            TransportError::Timeout { what: what(), phase: "response" },
            TransportError::TooLarge { what: what(), limit: 1 },
        ] {
            assert!(Schedule::new(Retries::default()).after(&error).is_none(), "{error:?}");
        }
        assert!(passes(io::ErrorKind::ConnectionReset) && !passes(io::ErrorKind::InvalidData));
        assert!(!passes(io::ErrorKind::TimedOut), "that was long enough");
    }
}
