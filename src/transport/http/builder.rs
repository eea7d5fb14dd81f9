//! What a transport is built from. Everything that weakens it is behind
//! [`dangerous`](HttpTransportBuilder::dangerous).

use std::path::Path;

use url::Url;

use super::{
    Retries, Timeouts, TransportError,
    routes::Routes,
    settings::{ProxyChoice, Secret, Settings},
    tls::Identity,
};
use crate::{name::Gun, transport::auth::Credentials};

/// Builds what speaks HTTP, blocking or asynchronous: a transport for a [`NotaryCollection`] or for
/// a [`TufRepository`].
#[derive(Clone, Debug)]
pub struct HttpTransportBuilder<P = NotaryCollection> {
    pub(super) settings: Settings,
    pub(super) place: P,
}

/// A builder's place: a collection on a Notary server.
#[derive(Clone, Debug)]
pub struct NotaryCollection {
    pub(super) gun: Gun,
}

/// A builder's place: a TUF 1.0 repository, which has a URL for its metadata and one for its targets.
#[derive(Clone, Debug)]
pub struct TufRepository {
    pub(super) targets: Option<Url>,
}

impl HttpTransportBuilder {
    pub(super) fn for_collection(server: Url, gun: &Gun) -> Self {
        Self::with_settings(Settings::new(server), gun)
    }

    pub(super) fn with_settings(settings: Settings, gun: &Gun) -> Self {
        Self { settings, place: NotaryCollection { gun: gun.clone() } }
    }

    /// Where the collection's files are.
    pub(super) fn routes(&self) -> Result<Routes, TransportError> {
        Routes::new(&self.settings.server, &self.place.gun, self.settings.plain_http)
    }
}

impl HttpTransportBuilder<TufRepository> {
    pub(super) fn for_repository(metadata: Url) -> Self {
        Self { settings: Settings::new(metadata), place: TufRepository { targets: None } }
    }

    /// Where the targets are; without it there are none to be had. Credentials and our certificate
    /// are for the server of the metadata alone, and are not shown to another.
    #[must_use]
    pub fn targets_url(mut self, url: Url) -> Self {
        self.place.targets = Some(url);
        self
    }
}

impl<P> HttpTransportBuilder<P> {
    /// Trusts these certificates, in PEM, and no others: the system's are left out.
    #[must_use]
    pub fn ca_pem(mut self, pem: &[u8]) -> Self {
        self.settings.ca_pem.push(pem.to_vec());
        self
    }

    /// Trusts the certificates in this PEM file, which is read by `build`, and no
    /// others: the system's are left out.
    #[must_use]
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.ca_files.push(path.as_ref().to_owned());
        self
    }

    /// Trusts the system's certificates besides those that are configured, as Docker does.
    #[must_use]
    pub const fn system_ca(mut self) -> Self {
        self.settings.system_ca = true;
        self
    }

    /// Shows the server who we are: a certificate with those that lead to its authority, and its
    /// private key, both PEM and unencrypted. `build` fails if they don't fit.
    #[must_use]
    pub fn client_certificate(mut self, chain_pem: &[u8], key_pem: &[u8]) -> Self {
        self.settings.identity = Some(Identity::new(chain_pem, key_pem));
        self
    }

    /// Says who asks, to a server that wants to know. Reading is tried as nobody first.
    ///
    /// The credentials go to the server itself, and to a token server on the same host or one set
    /// by [`token_host`](Self::token_host); in the clear only within this machine.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.settings.credentials = Some(credentials);
        self
    }

    /// Lets token servers on this host, a name or an address without a port, see the credentials
    /// and be inside of our network. Docker Hub's is known.
    #[must_use]
    pub fn token_host(mut self, host: impl Into<String>) -> Self {
        self.settings.token_hosts.push(host.into());
        self
    }

    /// Sends everything through this proxy, `http://` or `https://`, but what is for this machine.
    /// Otherwise the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` decide.
    #[must_use]
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.settings.proxy = ProxyChoice::One(Secret(proxy));
        self
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.settings.proxy = ProxyChoice::None;
        self
    }

    /// Sets how often reading is tried again. An upload never is.
    #[must_use]
    pub const fn retries(mut self, retries: Retries) -> Self {
        self.settings.retries = retries;
        self
    }

    /// Sets the time-outs.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.settings.timeouts = timeouts;
        self
    }

    /// Sets the `User-Agent`; `tuf-notary/<version>` otherwise.
    #[must_use]
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.settings.user_agent = text.into();
        self
    }

    /// The settings that weaken the transport.
    #[must_use]
    pub const fn dangerous(self) -> DangerousHttpTransportBuilder<P> {
        DangerousHttpTransportBuilder(self)
    }
}

/// The settings of an [`HttpTransportBuilder`] that weaken the transport.
#[derive(Clone, Debug)]
pub struct DangerousHttpTransportBuilder<P = NotaryCollection>(HttpTransportBuilder<P>);

impl<P> DangerousHttpTransportBuilder<P> {
    /// Lets an `http://` URL pass: whoever sits between can withhold updates, read what is asked
    /// for, and take part in publishing.
    #[must_use]
    pub fn allow_plain_http(mut self) -> HttpTransportBuilder<P> {
        self.0.settings.plain_http = true;
        self.0
    }
}
