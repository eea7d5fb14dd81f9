//! What a transport is built from. Everything that weakens it is behind
//! [`dangerous`](HttpTransportBuilder::dangerous).

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use ureq::{
    Agent,
    http::HeaderValue,
    unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector},
};
use url::Url;

use super::{
    HttpTransport, Retries, Timeouts, TransportError,
    connect::TlsConnector,
    patience::PatientConnector,
    proxy::Proxies,
    resolve::GuardedResolver,
    routes::Routes,
    tls::{self, Identity},
};
use crate::{
    name::Gun,
    transport::auth::{Authenticator, Credentials},
};

const MAX_CA_FILE: u64 = 4 << 20;

/// Builds an [`HttpTransport`].
#[derive(Clone, Debug)]
pub struct HttpTransportBuilder {
    server: Url,
    gun: Gun,
    ca_pem: Vec<Vec<u8>>,
    ca_files: Vec<PathBuf>,
    system_ca: bool,
    identity: Option<Identity>,
    timeouts: Timeouts,
    retries: Retries,
    credentials: Option<Credentials>,
    token_hosts: Vec<String>,
    proxy: ProxyChoice,
    user_agent: String,
    plain_http: bool,
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

    /// Builds the transport. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TransportError::Config`]: the URL is not absolute `https` (or allowed `http`), or carries
    /// credentials, a query or a fragment; a CA file can't be read or holds no certificate.
    pub fn build(self) -> Result<HttpTransport, TransportError> {
        let routes = Routes::new(&self.server, &self.gun, self.plain_http)?;
        if HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(TransportError::Config(format!("{:?} is no User-Agent", self.user_agent)));
        }
        let (auth, proxies) = (Arc::new(self.authenticator()?), self.proxies()?);
        let proxy = proxies.on_the_way(&self.server)?;
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(TlsConnector::new(self.tls(proxy)?, self.server.host_str()))
                .chain(PatientConnector);
        let timeouts = self.timeouts.bounded();
        let config = Agent::config_builder()
            .https_only(!self.plain_http)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy.map(ureq_proxy).transpose()?)
            .user_agent(self.user_agent)
            .accept_encoding("identity")
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_send_request(Some(timeouts.response))
            .timeout_recv_response(Some(timeouts.response))
            .timeout_per_write(Some(timeouts.idle))
            .build();
        let resolver = GuardedResolver::new(Arc::clone(&auth));
        let agent = Agent::with_parts(config, connector, resolver);
        Ok(HttpTransport { agent, routes, timeouts, retries: self.retries, auth, proxies: Arc::new(proxies) })
    }

    fn authenticator(&self) -> Result<Authenticator, TransportError> {
        let auth = Authenticator::new(self.server.clone(), self.gun.as_str());
        let auth = self.token_hosts.iter().fold(auth, |auth, host| auth.token_host(host));
        match &self.credentials {
            Some(credentials) => auth.credentials(credentials.clone()),
            None => Ok(auth),
        }
    }

    fn proxies(&self) -> Result<Proxies, TransportError> {
        match &self.proxy {
            ProxyChoice::Environment => Proxies::from_variables(|name| std::env::var(name).ok()),
            ProxyChoice::None => Ok(Proxies::default()),
            ProxyChoice::One(proxy) => Proxies::all(&proxy.0),
        }
    }

    /// Who is believed, and the same with our own certificate, for the server alone.
    fn tls(&self, proxy: Option<&Url>) -> Result<Option<tls::Configs>, TransportError> {
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

pub(super) fn ureq_proxy(proxy: &Url) -> Result<ureq::Proxy, TransportError> {
    // The error would show the URL, and with it a password.
    ureq::Proxy::new(proxy.as_str())
        .map_err(|_| TransportError::Config("the proxy's URL can't be used".to_owned()))
}
