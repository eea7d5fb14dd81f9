//! ureq as the blocking transport uses it.

use std::sync::Arc;

use ureq::{
    Agent,
    unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector},
};
use url::Url;

use super::{
    HttpTransport, HttpTransportBuilder, TransportError, connect::TlsConnector, patience::PatientConnector,
    resolve::GuardedResolver,
};

impl HttpTransportBuilder {
    /// Builds the transport. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TransportError::Config`]: the URL is not absolute `https` (or allowed `http`), or carries
    /// credentials, a query or a fragment; a CA file can't be read or holds no certificate.
    pub fn build(self) -> Result<HttpTransport, TransportError> {
        let routes = self.routes()?;
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
}

pub(super) fn ureq_proxy(proxy: &Url) -> Result<ureq::Proxy, TransportError> {
    // The error would show the URL, and with it a password.
    ureq::Proxy::new(proxy.as_str())
        .map_err(|_| TransportError::Config("the proxy's URL can't be used".to_owned()))
}
