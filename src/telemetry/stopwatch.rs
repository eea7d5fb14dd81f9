//! How long something took, where there is a clock.

#[cfg(feature = "system-clock")]
use std::time::Instant;

/// Runs since it was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    #[cfg(feature = "system-clock")]
    started: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "system-clock")]
            started: Instant::now(),
        }
    }

    /// The seconds since the start; none without a clock.
    #[cfg(feature = "system-clock")]
    pub(crate) fn seconds(self) -> Option<f64> {
        Some(self.started.elapsed().as_secs_f64())
    }

    /// None: there is no clock.
    #[cfg(not(feature = "system-clock"))]
    pub(crate) const fn seconds(self) -> Option<f64> {
        None
    }
}
