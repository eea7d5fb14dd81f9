//! reqwest as the asynchronous transport uses it.

use std::{io, sync::Arc};

use reqwest::{
    Client, ClientBuilder, Proxy,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use rustls::ClientConfig;
use url::{Host, Url};

use super::AsyncHttpTransport;
use crate::transport::http::{
    HttpTransportBuilder, Timeouts, TransportError,
    proxy::Proxies,
    tls::{self, Configs},
};
use crate::{name::Gun, transport::auth::Authenticator};

impl HttpTransportBuilder {
    /// Builds the asynchronous transport. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TransportError::Config`]: the URL is not absolute `https` (or allowed `http`), or carries
    /// credentials, a query or a fragment; a CA file can't be read or holds no certificate; a client
    /// certificate would be shown to an `https` proxy as well.
    pub fn build_async(self) -> Result<AsyncHttpTransport, TransportError> {
        let proxies = self.proxies()?;
        let proxy = proxies.on_the_way(&self.server)?;
        if self.identity.is_some() && proxy.is_some_and(|proxy| proxy.scheme() == "https") {
            let why = "a client certificate would be shown to the https proxy as well";
            return Err(TransportError::Config(why.to_owned()));
        }
        let configs = self.tls(proxy)?;
        let client = self.client(proxy, configs.as_ref().map(|configs| &configs.server))?;
        let client = client.build().map_err(|e| unusable(&e))?;
        let own = Some(Arc::new(Own { proxies, configs }));
        self.finish(client, own)
    }

    /// Builds the asynchronous transport on a client of the caller's, which alone decides on
    /// certificates, proxies and connections: what the builder says of them counts for nothing. It
    /// should follow no redirect; an answer from another URL than was asked is refused.
    ///
    /// # Errors
    /// [`TransportError::Config`]: as [`build_async`](Self::build_async), for the URL.
    pub fn build_with(self, client: Client) -> Result<AsyncHttpTransport, TransportError> {
        self.finish(client, None)
    }

    fn finish(self, client: Client, own: Option<Arc<Own>>) -> Result<AsyncHttpTransport, TransportError> {
        let (routes, auth) = (self.routes()?, Arc::new(self.authenticator()?));
        let (timeouts, retries) = (self.timeouts.bounded(), self.retries);
        Ok(AsyncHttpTransport { client, own, builder: Arc::new(self), routes, timeouts, retries, auth })
    }

    fn client(
        &self,
        proxy: Option<&Url>,
        config: Option<&Arc<ClientConfig>>,
    ) -> Result<ClientBuilder, TransportError> {
        let config = config.map_or_else(tls::nobody, |config| Ok(ClientConfig::clone(config)))?;
        let Timeouts { connect, .. } = self.timeouts.bounded();
        let builder = Client::builder()
            .tls_backend_preconfigured(config)
            .https_only(!self.plain_http)
            .http1_only()
            .redirect(Policy::none())
            .referer(false)
            .user_agent(&self.user_agent)
            .connect_timeout(connect);
        Ok(match proxy {
            None => builder.no_proxy(),
            // The error would show the URL, and with it a password.
            Some(proxy) => builder.proxy(
                Proxy::all(proxy.clone())
                    .map_err(|_| TransportError::Config("the proxy's URL can't be used".to_owned()))?,
            ),
        })
    }
}

impl AsyncHttpTransport {
    /// A transport for another collection on the same server, with the same settings, over the same
    /// connections.
    ///
    /// # Errors
    /// [`TransportError::Config`]: the collection's name would change the shape of the server's URL.
    pub fn for_collection(&self, gun: &Gun) -> Result<Self, TransportError> {
        let mut builder = HttpTransportBuilder::clone(&self.builder);
        builder.gun = gun.clone();
        builder.finish(self.client.clone(), self.own.clone())
    }

    /// A client for a token server, which is whomever the trust server names: never with our
    /// certificate unless it is the trust server's host. Made for each request, of which there are
    /// few; a client of the caller's asks itself.
    pub(super) fn token_client(&self, url: &Url) -> Result<Client, TransportError> {
        let (builder, Some(Own { proxies, configs })) = (&self.builder, self.own.as_deref()) else {
            return Ok(self.client.clone());
        };
        let proxy = proxies.on_the_way(url)?;
        let configs = match configs {
            Some(configs) => Some(configs.clone()),
            // The trust server is asked in the clear, and names one that is not.
            None => builder.tls(Some(url))?,
        };
        let is_own = url.host_str() == builder.server.host_str() && proxy.is_none();
        let config = configs.as_ref().map(|it| if is_own { &it.server } else { &it.others });
        let client = builder.client(proxy, config)?;
        let client = match proxy {
            // The proxy looks names up, and keeps to its own rules.
            Some(_) => client,
            None => {
                check_address(url, &self.auth)?;
                client.dns_resolver(GuardedResolver(Arc::clone(&self.auth)))
            }
        };
        client.build().map_err(|e| unusable(&e))
    }
}

/// What our own clients are made of.
pub(super) struct Own {
    proxies: Proxies,
    configs: Option<Configs>,
}

/// An address that is written out is not looked up.
fn check_address(url: &Url, auth: &Authenticator) -> Result<(), TransportError> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    match auth.permits(url.host_str().unwrap_or_default(), address) {
        true => Ok(()),
        false => Err(TransportError::Connection {
            what: "a token".to_owned(),
            reason: inside(url.host_str().unwrap_or_default()),
        }),
    }
}

/// Looks a token server's name up, and keeps to addresses that may be asked (SR-02).
#[derive(Clone)]
struct GuardedResolver(Arc<Authenticator>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let auth = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
            if !found.iter().all(|address| auth.permits(host, address.ip())) {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, inside(host)).into());
            }
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

fn inside(host: &str) -> String {
    format!("{host} leads inside of this network, and was not configured as a token server")
}

fn unusable(error: &reqwest::Error) -> TransportError {
    TransportError::Config(format!("HTTP client: {error}"))
}
