//! Notary v1's HTTP interface.
//!
//! What decides is apart from what sends: routes, statuses, repetitions and proxies need no socket,
//! and every adapter uses the same.

#[cfg(feature = "http-blocking")]
mod blocking;
#[cfg(feature = "http-blocking")]
mod body;
#[cfg(feature = "http-blocking")]
mod builder;
#[cfg(feature = "http-blocking")]
mod connect;
#[cfg(feature = "http-blocking")]
mod exchange;
mod multipart;
#[cfg(feature = "http-blocking")]
mod patience;
mod proxy;
#[cfg(feature = "http-blocking")]
mod resolve;
mod retry;
mod routes;
mod status;
mod timeouts;
#[cfg(feature = "http-blocking")]
mod tls;

#[cfg(feature = "http-blocking")]
pub use blocking::HttpTransport;
#[cfg(feature = "http-blocking")]
pub use builder::{DangerousHttpTransportBuilder, HttpTransportBuilder};
pub use retry::Retries;
pub use timeouts::Timeouts;

use super::TransportError;
