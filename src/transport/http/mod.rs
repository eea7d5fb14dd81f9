//! HTTP: Notary v1's interface, and the files of TUF 1.0 repositories.
//!
//! What decides is apart from what sends: routes, statuses, redirects, repetitions and proxies need
//! no socket, and every adapter uses the same.

#[cfg(feature = "http-blocking")]
mod agent;
mod ask;
mod base_url;
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
mod redirect;
#[cfg(feature = "http-blocking")]
mod repository;
#[cfg(feature = "http-blocking")]
mod resolve;
mod retry;
mod routes;
mod settings;
mod status;
mod timeouts;
mod tls;

#[cfg(feature = "http-blocking")]
pub use blocking::HttpTransport;
pub use builder::{DangerousHttpTransportBuilder, HttpTransportBuilder, NotaryCollection, TufRepository};
#[cfg(feature = "http-async")]
pub use future::{AsyncHttpRepository, AsyncHttpTransport};
#[cfg(feature = "http-blocking")]
pub use repository::HttpRepository;
pub use retry::Retries;
pub use timeouts::Timeouts;

use super::TransportError;
