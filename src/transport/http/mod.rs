//! Notary v1's HTTP interface.
//!
//! What decides is apart from what sends: routes, statuses, repetitions and proxies need no socket,
//! and every adapter uses the same.

#[cfg(feature = "http-blocking")]
mod agent;
mod ask;
#[cfg(feature = "http-blocking")]
mod blocking;
#[cfg(feature = "http-blocking")]
mod body;
mod builder;
#[cfg(feature = "http-blocking")]
mod connect;
#[cfg(feature = "http-blocking")]
mod exchange;
mod framing;
#[cfg(feature = "http-async")]
mod future;
mod multipart;
mod pace;
#[cfg(feature = "http-blocking")]
mod patience;
mod proxy;
#[cfg(feature = "http-blocking")]
mod resolve;
mod retry;
mod routes;
mod status;
mod timeouts;
mod tls;

#[cfg(feature = "http-blocking")]
pub use blocking::HttpTransport;
pub use builder::{DangerousHttpTransportBuilder, HttpTransportBuilder};
#[cfg(feature = "http-async")]
pub use future::AsyncHttpTransport;
pub use retry::Retries;
pub use timeouts::Timeouts;

use super::TransportError;
