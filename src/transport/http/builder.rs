//! What a transport is built from. Everything that weakens it is behind
//! [`dangerous`](HttpTransportBuilder::dangerous).

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use url::Url;

use super::{
    Retries, Timeouts, TransportError,
    proxy::Proxies,
    routes::Routes,
    tls::{self, Identity},
};
use crate::{
    name::Gun,
    transport::auth::{Authenticator, Credentials},
};

const MAX_CA_FILE: u64 = 4 << 20;

/// Builds a transport that speaks HTTP, blocking or asynchronous.
#[derive(Clone, Debug)]
pub struct HttpTransportBuilder {
    pub(super) server: Url,
    pub(super) gun: Gun,
    ca_pem: Vec<Vec<u8>>,
    ca_files: Vec<PathBuf>,
    system_ca: bool,
    pub(super) identity: Option<Identity>,
    pub(super) timeouts: Timeouts,
    pub(super) retries: Retries,
    credentials: Option<Credentials>,
    token_hosts: Vec<String>,
    proxy: ProxyChoice,
    pub(super) user_agent: String,
    pub(super) plain_http: bool,
}

#[derive(Clone, Debug)]
enum ProxyChoice {
    Environment,
    None,
    One(Secret<Url>),
}

/// Not shown: a proxy's URL may carry a password.
#[derive(Clone)]
struct Secret<T>(T);

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl HttpTransportBuilder {
    pub(super) fn new(server: Url, gun: &Gun) -> Self {
        Self {
            server,
            gun: gun.clone(),
            ca_pem: Vec::new(),
            ca_files: Vec::new(),
            system_ca: false,
            identity: None,
            timeouts: Timeouts::default(),
            retries: Retries::default(),
            credentials: None,
            token_hosts: Vec::new(),
            proxy: ProxyChoice::Environment,
            user_agent: concat!("tuf-notary/", env!("CARGO_PKG_VERSION")).to_owned(),
            plain_http: false,
        }
    }

    /// Trusts these certificates, in PEM, and no others: the system's are left out.
    #[must_use]
    pub fn ca_pem(mut self, pem: &[u8]) -> Self {
        self.ca_pem.push(pem.to_vec());
        self
    }

    /// Trusts the certificates in this PEM file, which is read by [`build`](Self::build), and no
    /// others: the system's are left out.
    #[must_use]
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.ca_files.push(path.as_ref().to_owned());
        self
    }

    /// Trusts the system's certificates besides those that are configured, as Docker does.
    #[must_use]
    pub const fn system_ca(mut self) -> Self {
        self.system_ca = true;
        self
    }

    /// Shows the server who we are: a certificate with those that lead to its authority, and its
    /// private key, both PEM and unencrypted. [`build`](Self::build) fails if they don't fit.
    #[must_use]
    pub fn client_certificate(mut self, chain_pem: &[u8], key_pem: &[u8]) -> Self {
        self.identity = Some(Identity::new(chain_pem, key_pem));
        self
    }

    /// Says who asks, to a server that wants to know. Reading is tried as nobody first.
    ///
    /// The credentials go to the server itself, and to a token server on the same host or one set
    /// by [`token_host`](Self::token_host); in the clear only within this machine.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Lets token servers on this host, a name or an address without a port, see the credentials
    /// and be inside of our network. Docker Hub's is known.
    #[must_use]
    pub fn token_host(mut self, host: impl Into<String>) -> Self {
        self.token_hosts.push(host.into());
        self
    }

    /// Sends everything through this proxy, `http://` or `https://`, but what is for this machine.
    /// Otherwise the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` decide.
    #[must_use]
    pub fn proxy(mut self, proxy: Url) -> Self {
        self.proxy = ProxyChoice::One(Secret(proxy));
        self
    }

    /// Uses no proxy, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Sets how often reading is tried again. An upload never is.
    #[must_use]
    pub const fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Sets the time-outs.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the `User-Agent`; `tuf-notary/<version>` otherwise.
    #[must_use]
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// The settings that weaken the transport.
    #[must_use]
    pub const fn dangerous(self) -> DangerousHttpTransportBuilder {
        DangerousHttpTransportBuilder(self)
    }

    /// Where the collection's files are; and that what a header will carry is fit for it.
    pub(super) fn routes(&self) -> Result<Routes, TransportError> {
        if !self.user_agent.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(TransportError::Config(format!("{:?} is no User-Agent", self.user_agent)));
        }
        Routes::new(&self.server, &self.gun, self.plain_http)
    }

    pub(super) fn authenticator(&self) -> Result<Authenticator, TransportError> {
        let auth = Authenticator::new(self.server.clone(), self.gun.as_str());
        let auth = self.token_hosts.iter().fold(auth, |auth, host| auth.token_host(host));
        match &self.credentials {
            Some(credentials) => auth.credentials(credentials.clone()),
            None => Ok(auth),
        }
    }

    pub(super) fn proxies(&self) -> Result<Proxies, TransportError> {
        match &self.proxy {
            ProxyChoice::Environment => Proxies::from_variables(|name| std::env::var(name).ok()),
            ProxyChoice::None => Ok(Proxies::default()),
            ProxyChoice::One(proxy) => Proxies::all(&proxy.0),
        }
    }

    /// Who is believed, and the same with our own certificate, for the server alone.
    pub(super) fn tls(&self, proxy: Option<&Url>) -> Result<Option<tls::Configs>, TransportError> {
        let authorities = self.authorities()?;
        let is_secure = |url: &Url| url.scheme() == "https";
        // A host without a trust store can still talk to a server in the clear.
        if !is_secure(&self.server) && authorities.is_empty() && !proxy.is_some_and(is_secure) {
            return Ok(None);
        }
        tls::configs(&authorities, self.system_ca, self.identity.as_ref()).map(Some)
    }

    fn authorities(&self) -> Result<Vec<Vec<u8>>, TransportError> {
        let mut all = self.ca_pem.clone();
        for path in &self.ca_files {
            let refuse = |why: &dyn std::fmt::Display| {
                TransportError::Config(format!("CA file {}: {why}", path.display()))
            };
            let mut pem = Vec::new();
            let file = File::open(path).map_err(|e| refuse(&e))?;
            file.take(MAX_CA_FILE + 1).read_to_end(&mut pem).map_err(|e| refuse(&e))?;
            if u64::try_from(pem.len()).map_or(true, |length| length > MAX_CA_FILE) {
                return Err(refuse(&format_args!("longer than {MAX_CA_FILE} bytes")));
            }
            all.push(pem);
        }
        Ok(all)
    }
}

/// The settings of an [`HttpTransportBuilder`] that weaken the transport.
#[derive(Clone, Debug)]
pub struct DangerousHttpTransportBuilder(HttpTransportBuilder);

impl DangerousHttpTransportBuilder {
    /// Lets an `http://` URL pass: whoever sits between can withhold updates, read what is asked
    /// for, and take part in publishing.
    #[must_use]
    pub fn allow_plain_http(mut self) -> HttpTransportBuilder {
        self.0.plain_http = true;
        self.0
    }
}
