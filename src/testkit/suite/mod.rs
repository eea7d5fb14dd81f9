//! Test-suites for those who implement our traits.
//!
//! Each function panics with a clear message when an implementation breaks a promise of its
//! trait. Call them from a `#[test]`.

#![allow(clippy::panic)] // a test-suite reports by panicking

mod key_store;
mod metadata_store;
mod target_transport;
mod transport;

pub use key_store::key_store;
pub use metadata_store::metadata_store;
pub use target_transport::{ServedTargets, async_target_transport, target_transport};
pub use transport::{Served, async_transport, transport};
