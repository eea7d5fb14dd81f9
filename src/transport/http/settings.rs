//! What holds for every server that is asked over HTTP, whatever it keeps.

use std::{fs::File, io::Read, path::PathBuf};

use url::Url;

use super::{
    Retries, Timeouts, TransportError,
    proxy::Proxies,
    tls::{self, Identity},
};
use crate::transport::auth::{Authenticator, Credentials};

const MAX_CA_FILE: u64 = 4 << 20;

/// The settings of a builder.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) server: Url,
    pub(super) ca_pem: Vec<Vec<u8>>,
    pub(super) ca_files: Vec<PathBuf>,
    pub(super) system_ca: bool,
    pub(super) identity: Option<Identity>,
    pub(super) timeouts: Timeouts,
    pub(super) retries: Retries,
    pub(super) credentials: Option<Credentials>,
    pub(super) token_hosts: Vec<String>,
    pub(super) proxy: ProxyChoice,
    pub(super) user_agent: String,
    pub(super) plain_http: bool,
}

#[derive(Clone, Debug)]
pub(super) enum ProxyChoice {
    Environment,
    None,
    One(Secret<Url>),
}

/// Not shown: a proxy's URL may carry a password.
#[derive(Clone)]
pub(super) struct Secret<T>(pub(super) T);

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Settings {
    pub(super) fn new(server: Url) -> Self {
        Self {
            server,
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

    /// The same for another server of the place. Who we are is for the first to know.
    pub(super) fn for_other(&self, server: &Url) -> Self {
        Self { server: server.clone(), identity: None, credentials: None, ..self.clone() }
    }

    /// Whether a request in the clear is refused whatever led to it.
    pub(super) fn https_only(&self) -> bool {
        !self.plain_http && self.server.scheme() == "https"
    }

    /// That what a header will carry is fit for it.
    pub(super) fn check_headers(&self) -> Result<(), TransportError> {
        match self.user_agent.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            true => Ok(()),
            false => Err(TransportError::Config(format!("{:?} is no User-Agent", self.user_agent))),
        }
    }

    /// Shows the server who we are; `repository` is what tokens are asked for.
    pub(super) fn authenticator(&self, repository: &str) -> Result<Authenticator, TransportError> {
        let auth = Authenticator::new(self.server.clone(), repository);
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

    /// Who is believed, and the same with our own certificate, for the server alone. None where
    /// nothing but plain HTTP is foreseen.
    pub(super) fn tls(&self, proxy: Option<&Url>) -> Result<Option<tls::Configs>, TransportError> {
        let is_secure = |url: &Url| url.scheme() == "https";
        let is_configured = !self.ca_pem.is_empty() || !self.ca_files.is_empty();
        // A host without a trust store can still talk to a server in the clear.
        if !is_secure(&self.server) && !is_configured && !proxy.is_some_and(is_secure) {
            return Ok(None);
        }
        self.tls_configs().map(Some)
    }

    /// The same, whatever is foreseen.
    pub(super) fn tls_configs(&self) -> Result<tls::Configs, TransportError> {
        tls::configs(&self.authorities()?, self.system_ca, self.identity.as_ref())
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
