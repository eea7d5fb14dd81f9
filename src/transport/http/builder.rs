//! What a transport is built from. Everything that weakens it is behind
//! [`dangerous`](HttpTransportBuilder::dangerous).

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use ureq::{
    Agent, Proxy,
    http::HeaderValue,
    unversioned::{
        resolver::DefaultResolver,
        transport::{ConnectProxyConnector, Connector, TcpConnector},
    },
};
use url::{Host, Url};

use super::{
    HttpTransport, TransportError,
    connect::TlsConnector,
    patience::PatientConnector,
    routes::Routes,
    tls::{self, Identity},
};
use crate::name::Gun;

const MAX_CA_FILE: u64 = 4 << 20;
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long to wait for a server. `Timeouts::default()` suits the internet.
///
/// ```
/// use std::time::Duration;
/// use tuf_notary::transport::Timeouts;
/// let timeouts = Timeouts { connect: Duration::from_secs(2), ..Default::default() };
/// assert_eq!(timeouts.response, Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // functional update is how callers set one of them
pub struct Timeouts {
    /// Name resolution, and again TCP and TLS handshakes. Default 5 seconds.
    pub connect: Duration,
    /// From the request to the end of the reply's head. Default 10 seconds.
    pub response: Duration,
    /// Without a byte of a body, in either direction. Default 10 seconds.
    pub idle: Duration,
    /// Slowest body: a [`window`](Self::window) that brings less is a time-out. Default 1,024;
    /// 0 sets no pace.
    pub min_bytes_per_second: u64,
    /// Over which time the pace is measured. Default 10 seconds.
    pub window: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            min_bytes_per_second: 1024,
            window: Duration::from_secs(10),
        }
    }
}

impl Timeouts {
    /// Bytes that a window must bring.
    pub(super) fn quota(&self) -> u64 {
        let bytes = u128::from(self.min_bytes_per_second).saturating_mul(self.window.as_millis()) / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The same, without times so long that the clock could overflow.
    fn bounded(self) -> Self {
        let bound = |time: Duration| time.min(FOREVER);
        Self {
            connect: bound(self.connect),
            response: bound(self.response),
            idle: bound(self.idle),
            window: bound(self.window),
            ..self
        }
    }

    /// The longest time that `bytes` may take at the slowest pace; none when none is set.
    pub(super) fn longest(&self, bytes: usize) -> Option<Duration> {
        let seconds = u64::try_from(bytes).unwrap_or(u64::MAX).checked_div(self.min_bytes_per_second)?;
        Some(Duration::from_secs(seconds).saturating_add(self.window).min(FOREVER))
    }
}

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
    user_agent: String,
    plain_http: bool,
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
        let authorities = self.authorities()?;
        // A host without a trust store can still talk to a server in the clear.
        let needs_tls = self.server.scheme() == "https" || !authorities.is_empty();
        let client_config = || tls::client_config(&authorities, self.system_ca, self.identity.as_ref());
        let tls = needs_tls.then(client_config).transpose()?;
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(TlsConnector::new(tls))
                .chain(PatientConnector);
        let timeouts = self.timeouts.bounded();
        // As Go does: nobody's proxy leads to this very machine.
        let proxy = if is_this_machine(&self.server) { None } else { Proxy::try_from_env() };
        let config = Agent::config_builder()
            .proxy(proxy)
            .https_only(!self.plain_http)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(self.user_agent)
            .accept_encoding("identity")
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_send_request(Some(timeouts.response))
            .timeout_recv_response(Some(timeouts.response))
            .timeout_per_write(Some(timeouts.idle))
            .build();
        let agent = Agent::with_parts(config, connector, DefaultResolver::default());
        Ok(HttpTransport { agent, routes, timeouts })
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

fn is_this_machine(server: &Url) -> bool {
    match server.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_lead_away_from_this_machine_only() {
        let here = |url: &str| is_this_machine(&Url::parse(url).unwrap());
        for url in ["https://localhost:4443", "https://127.0.0.1", "https://127.9.8.7:1/x", "https://[::1]:2"]
        {
            assert!(here(url), "{url}");
        }
        for url in ["https://localhost.example.com", "https://128.0.0.1", "https://[::2]", "data:,x"] {
            assert!(!here(url), "{url}");
        }
    }

    #[test]
    fn the_pace_sets_a_quota_for_a_window_and_a_bound_for_an_upload() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.quota(), 10_240);
        assert_eq!(timeouts.longest(1024 * 7), Some(Duration::from_secs(17)));
        let without = Timeouts { min_bytes_per_second: 0, ..timeouts };
        assert_eq!((without.quota(), without.longest(1)), (0, None));
    }
}
