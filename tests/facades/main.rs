//! What both façades promise besides verdicts: shared handles, cancellation, side by side, processes.

mod cancelling;
mod coalescing;
mod lab;
mod parity;
#[cfg(feature = "directory")]
mod processes;
mod side_by_side;
