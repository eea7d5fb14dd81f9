//! What the configuration says about one image.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::{ConfigError, rule::Rule};
#[cfg(any(feature = "http-blocking", feature = "http-async"))]
use crate::transport::{HttpTransportBuilder, TransportError};
use crate::{
    blocking, future,
    image::{PinnedImage, Policy, PolicyError, Quorum, Reference, trust_server},
    name::Gun,
    transport::{AsyncTransport, Transport},
    verify::Trust,
    view::{Freshness, View},
};

/// Whom to ask about an image, whom to believe, and what to require.
#[derive(Clone, Debug)]
pub struct ResolvedTrust<'a> {
    rule: &'a Rule,
    policy: Policy,
    trust_dir: Option<&'a PathBuf>,
    asked: Reference,
    signed: Reference,
}

impl<'a> ResolvedTrust<'a> {
    pub(super) fn new(
        rule: &'a Rule,
        trust_dir: Option<&'a PathBuf>,
        asked: Reference,
        signed: Reference,
    ) -> Self {
        Self { rule, policy: rule.policy.clone(), trust_dir, asked, signed }
    }

    /// The collection that signs the image; for a mirror's image, that of the original.
    pub const fn gun(&self) -> &Gun {
        self.signed.gun()
    }

    /// Which entry decides, as normalised.
    pub fn entry(&self) -> &str {
        self.rule.prefix.as_str()
    }

    /// Where trust begins.
    pub const fn trust(&self) -> &Trust {
        &self.rule.trust
    }

    /// What the image must be signed by. Judge by [`judge`](Self::judge), which knows mirrors.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Demands signers besides what the file demands.
    #[must_use]
    pub fn require_signers(mut self, quorum: Quorum) -> Self {
        self.policy = self.policy.require_signers(quorum);
        self
    }

    /// How fresh an answer has to be.
    pub const fn freshness(&self) -> Freshness {
        self.rule.freshness
    }

    /// For how long an answer is served again.
    pub const fn max_age(&self) -> Duration {
        self.rule.max_age
    }

    /// Where verified metadata is kept; none means in memory.
    pub fn trust_dir(&self) -> Option<&Path> {
        self.trust_dir.map(PathBuf::as_path)
    }

    /// The trust server: the entry's, else Docker's choice for the collection.
    ///
    /// # Errors
    /// The registry's name makes no URL.
    pub fn server(&self) -> Result<Url, ConfigError> {
        match &self.rule.server {
            Some(server) => Ok(server.clone()),
            None => Ok(trust_server(&self.signed, None)?),
        }
    }

    /// Certificates to believe for TLS, in PEM; none means the system's.
    pub fn tls_ca(&self) -> &[Vec<u8>] {
        &self.rule.tls_ca
    }

    /// What the image is pinned to, under the name that was asked for.
    ///
    /// # Errors
    /// As [`Policy::judge`].
    pub fn judge(&self, view: &View) -> Result<PinnedImage, PolicyError> {
        self.policy.judge_as(view, &self.asked, self.signed.gun())
    }

    /// A transport to the server: give it credentials if need be, then build it.
    ///
    /// # Errors
    /// The registry's name makes no URL.
    #[cfg(any(feature = "http-blocking", feature = "http-async"))]
    pub fn http(&self) -> Result<HttpTransportBuilder, TransportError> {
        #[cfg(not(feature = "http-blocking"))]
        use crate::transport::AsyncHttpTransport as Http;
        #[cfg(feature = "http-blocking")]
        use crate::transport::HttpTransport as Http;
        let server = self.server().map_err(|error| TransportError::Config(error.to_string()))?;
        // The file says so twice, or there is no such server.
        let plain = server.scheme() == "http";
        let builder = Http::builder(server, self.gun());
        let builder = self.tls_ca().iter().fold(builder, |builder, pem| builder.ca_pem(pem));
        Ok(if plain { builder.dangerous().allow_plain_http() } else { builder })
    }

    /// The collection, blocking, over [`http`](Self::http) or any other transport.
    pub fn blocking(&self, transport: impl Transport + 'static) -> blocking::CollectionBuilder {
        let builder = blocking::Collection::builder(self.gun().clone(), self.rule.trust.clone());
        let builder = builder.transport(transport).freshness(self.freshness()).max_age(self.max_age());
        #[cfg(feature = "directory")]
        if let Some(dir) = self.trust_dir() {
            return builder.store(crate::store::DirectoryStore::open(dir, self.gun()));
        }
        builder
    }

    /// The collection, asynchronous, over [`http`](Self::http) or any other transport.
    pub fn future(&self, transport: impl AsyncTransport + 'static) -> future::CollectionBuilder {
        let builder = future::Collection::builder(self.gun().clone(), self.rule.trust.clone());
        let builder = builder.transport(transport).freshness(self.freshness()).max_age(self.max_age());
        #[cfg(feature = "directory")]
        if let Some(dir) = self.trust_dir() {
            return builder.store(crate::store::DirectoryStore::open(dir, self.gun()));
        }
        builder
    }
}
