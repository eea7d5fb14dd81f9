//! ureq as the blocking transport uses it.

use std::sync::Arc;

use ureq::{
    Agent,
    unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector},
};
use url::Url;

use super::{
    HttpTransport, HttpTransportBuilder, Retries, Timeouts, TransportError, connect::TlsConnector,
    patience::PatientConnector, proxy::Proxies, redirect::Redirects, resolve::GuardedResolver,
    settings::Settings,
};
use crate::transport::auth::Authenticator;

/// Asks one server. Connections are kept and reused; clones share them.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) agent: Agent,
    /// The server, for messages.
    pub(super) server: String,
    pub(super) timeouts: Timeouts,
    pub(super) retries: Retries,
    pub(super) auth: Arc<Authenticator>,
    pub(super) proxies: Arc<Proxies>,
    pub(super) redirects: Redirects,
}

impl Client {
    /// Nothing is sent yet. `repository` is what tokens are asked for.
    pub(super) fn new(
        settings: &Settings,
        server: &str,
        repository: &str,
        redirects: Redirects,
    ) -> Result<Self, TransportError> {
        settings.check_headers()?;
        let (auth, proxies) = (Arc::new(settings.authenticator(repository)?), settings.proxies()?);
        let proxy = proxies.on_the_way(&settings.server)?;
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(TlsConnector::new(settings.tls(proxy)?, settings.clone()))
                .chain(PatientConnector);
        let timeouts = settings.timeouts.bounded();
        let config = Agent::config_builder()
            .https_only(settings.https_only())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy.map(ureq_proxy).transpose()?)
            .user_agent(settings.user_agent.clone())
            .accept_encoding("identity")
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_send_request(Some(timeouts.response))
            .timeout_recv_response(Some(timeouts.response))
            .timeout_per_write(Some(timeouts.idle))
            .build();
        let agent = Agent::with_parts(config, connector, GuardedResolver::new(Arc::clone(&auth)));
        let (retries, proxies) = (settings.retries, Arc::new(proxies));
        Ok(Self { agent, server: server.to_owned(), timeouts, retries, auth, proxies, redirects })
    }

    /// The same for another URL on the same server.
    pub(super) fn for_same(&self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self.clone() }
    }
}

impl HttpTransportBuilder {
    /// Builds the transport. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TransportError::Config`]: the URL is not absolute `https` (or allowed `http`), or carries
    /// credentials, a query or a fragment; a CA file can't be read or holds no certificate.
    pub fn build(self) -> Result<HttpTransport, TransportError> {
        let routes = self.routes()?;
        let gun = self.place.gun.as_str();
        let client = Client::new(&self.settings, routes.server(), gun, Redirects::Refused)?;
        Ok(HttpTransport { client, routes })
    }
}

pub(super) fn ureq_proxy(proxy: &Url) -> Result<ureq::Proxy, TransportError> {
    // The error would show the URL, and with it a password.
    ureq::Proxy::new(proxy.as_str())
        .map_err(|_| TransportError::Config("the proxy's URL can't be used".to_owned()))
}
