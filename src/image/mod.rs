//! Container images: which collection signs an image, where it is asked, what it says, and what is
//! required of it.
//!
//! The rule is Docker's own: an image's GUN is its repository's full name, `docker.io/library/`
//! included, and its server is the one that `DOCKER_CONTENT_TRUST_SERVER` names, `notary.docker.io`
//! for Docker Hub, and otherwise the registry itself. A [`Policy`] requires more than Docker does;
//! with the feature `config`, `TrustConfig` says for all images of a program whom to ask and to
//! believe.
//!
//! ```
//! use tuf_notary::image::{Reference, trust_server};
//! let image = Reference::parse("alpine:3.20")?;
//! assert_eq!((image.gun().as_str(), image.tag()), ("docker.io/library/alpine", Some("3.20")));
//! assert_eq!(trust_server(&image, None)?.as_str(), "https://notary.docker.io/");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "config")]
mod config;
mod inspect;
mod natural;
mod policy;
mod policy_error;
mod quorum;
mod reference;
mod server;
#[cfg(any(feature = "directory", feature = "http-blocking", feature = "http-async"))]
mod tls;
mod vouching;

#[cfg(feature = "config")]
pub use config::{ConfigError, ResolvedTrust, TrustConfig};
pub use inspect::{ImageTrust, SignedTag};
pub use policy::{PinnedImage, Policy};
pub use policy_error::PolicyError;
pub use quorum::{Quorum, QuorumError};
pub use reference::{ImageError, Reference};
pub use server::{ServerError, trust_server};
#[cfg(any(feature = "directory", feature = "http-blocking", feature = "http-async"))]
pub use tls::TlsFiles;
