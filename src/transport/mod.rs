//! How metadata reaches us, and how ours reaches a server.
//!
//! A transport, blocking ([`Transport`]) or not ([`AsyncTransport`]), only carries bytes: nothing
//! that it returns is believed. It must tell "not there" from "could not ask", because only the
//! first is an answer.

#[cfg(any(feature = "http-blocking", feature = "http-async", feature = "docker-config"))]
pub mod auth;
#[cfg(feature = "object-store")]
mod bucket;
#[cfg(feature = "directory")]
mod directory;
#[cfg(feature = "docker-config")]
mod docker_config;
mod future;
#[cfg(any(feature = "http-blocking", feature = "http-async"))]
mod http;
mod memory;
#[cfg(feature = "directory")]
mod repository;
#[cfg(feature = "rust-tuf")]
mod rust_tuf;
mod targets;

use std::{fmt::Debug, io, io::Read, time::Duration};

#[cfg(feature = "object-store")]
pub use bucket::{BucketTransport, SharedCache};
#[cfg(feature = "directory")]
pub use directory::DirectoryTransport;
#[cfg(feature = "docker-config")]
pub use docker_config::{DockerConfig, DockerConfigError};
pub use future::{AsyncTransport, Blocking, BoxFuture};
pub(crate) use future::{rest, sleep};
#[cfg(feature = "http-async")]
pub use http::{AsyncHttpRepository, AsyncHttpTransport};
#[cfg(any(feature = "http-blocking", feature = "http-async"))]
pub use http::{
    DangerousHttpTransportBuilder, HttpTransportBuilder, NotaryCollection, Retries, Timeouts, TufRepository,
};
#[cfg(feature = "http-blocking")]
pub use http::{HttpRepository, HttpTransport};
pub use memory::MemoryTransport;
#[cfg(feature = "directory")]
pub use repository::RepositoryDirectory;
#[cfg(feature = "rust-tuf")]
pub use rust_tuf::RustTufRepository;
pub use targets::{AsyncTargetTransport, TargetBody, TargetTransport};

use crate::name::{Resource, RoleName};

/// Carries the metadata of one collection or repository, blocking.
///
/// Implementers run `testkit::suite::transport` against their transport.
pub trait Transport: Debug + Send + Sync {
    /// Asks for one file. The caller reads at most `max` bytes; an adapter that learns of a larger
    /// length beforehand refuses early. The reader must fail when the body ends before the
    /// announced length.
    ///
    /// # Errors
    /// [`TransportError::NotFound`] only when the server said so; anything else means that the
    /// question was not answered.
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError>;

    /// Publishes all files in one step: all or nothing.
    ///
    /// # Errors
    /// [`TransportError::Rejected`] when the server refused.
    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let _ = upload;
        Err(TransportError::Unsupported { operation: "publish" })
    }

    /// The public key that the server holds for a role, as its JSON; with `rotate` a new one.
    ///
    /// # Errors
    /// The server has none, or could not be asked.
    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        let _ = (role, rotate);
        Err(TransportError::Unsupported { operation: "server-managed keys" })
    }

    /// Deletes the whole collection on the server.
    ///
    /// # Errors
    /// The server refused or could not be asked.
    fn delete(&self) -> Result<(), TransportError> {
        Err(TransportError::Unsupported { operation: "delete" })
    }
}

/// Files that are published together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upload {
    /// Each role's file, as it will be served.
    pub files: Vec<(RoleName, Vec<u8>)>,
}

impl Upload {
    /// An upload of these files.
    pub fn new(files: Vec<(RoleName, Vec<u8>)>) -> Self {
        Self { files }
    }
}

/// Why a transport brought no answer, or which refusal it brought.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server answered that it has no such file, collection or repository (HTTP 404).
    #[error("the server has no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The server wants other credentials (HTTP 401, 403).
    #[error("not authorised for {what}: the server answered {status}")]
    Unauthorized {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
    },
    /// The way to be authorised doesn't hold: a malformed challenge, a token server that must not be
    /// asked or shown the credentials, an answer of it without a token.
    #[error("authentication at {server}: {reason}")]
    Authentication {
        /// Scheme, host and port of the server that asks for it.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// The server answered with a status that is neither success nor one of the above: a
    /// redirect, 204, 429, 5xx.
    #[error("the server answered {status} for {what}{}", hint(.message))]
    Status {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// The server's words, shortened, control characters escaped; may be empty.
        message: String,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The server refused an upload (HTTP 400).
    #[error("the server refused the upload: {code}{}", hint(.message))]
    Rejected {
        /// The server's error code, such as `INVALID_UPDATE` or `VERSION`.
        code: String,
        /// The server's words, shortened, control characters escaped; may be empty.
        message: String,
    },
    /// The answer is longer than allowed.
    #[error("{what} is longer than {limit} bytes")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A time-out ran out.
    #[error("time-out ({phase}) on {what}")]
    Timeout {
        /// What was asked for.
        what: String,
        /// Which time-out.
        phase: &'static str,
    },
    /// The server could not be reached, or the connection broke: name resolution, TCP, TLS, a
    /// body that ended too early.
    #[error("{what}: {reason}")]
    Connection {
        /// What was asked for.
        what: String,
        /// The reason.
        reason: String,
    },
    /// The transport can't be built from this configuration.
    #[error("configuration: {0}")]
    Config(String),
    /// The path of a target that is not asked for, since it leads elsewhere than it says.
    #[error("{path:?} is not asked for: {reason}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// This transport can't do that.
    #[error("this transport does not support: {operation}")]
    Unsupported {
        /// What was asked of it.
        operation: &'static str,
    },
}

impl TransportError {
    /// What an error while reading a body means.
    pub fn from_read(what: &Resource, error: &io::Error) -> Self {
        Self::from_body(what.notary_name(), error)
    }

    /// The same for the content of a target.
    pub fn from_target_read(path: &str, error: &io::Error) -> Self {
        Self::from_body(targets::shown(path), error)
    }

    fn from_body(what: String, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Timeout { what, phase: "body" },
            _ => Self::Connection { what, reason: error.to_string() },
        }
    }

    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "MISSING",
            Self::Unauthorized { .. } => "UNAUTHORIZED",
            Self::Authentication { .. } => "AUTHENTICATION",
            Self::Status { .. } => "SERVER_ERROR",
            Self::Rejected { .. } => "REJECTED",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::Timeout { .. } | Self::Connection { .. } => "NETWORK",
            Self::Config(_) => "CONFIG",
            Self::Path { .. } => "PATH",
            Self::Unsupported { .. } => "UNSUPPORTED",
        }
    }

    /// Whether asking again later may succeed.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

fn hint(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
