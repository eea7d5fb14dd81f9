//! Test-suites for those who implement our traits.
//!
//! Each function panics with a clear message when an implementation breaks a promise of its
//! trait. Call them from a `#[test]`.

#![allow(clippy::panic)] // a test-suite reports by panicking

mod key_store;
mod metadata_store;
mod transport;

pub use key_store::key_store;
pub use metadata_store::metadata_store;
pub use transport::{Served, async_transport, transport};
