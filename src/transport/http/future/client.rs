//! reqwest as the asynchronous transport uses it.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use reqwest::{
    Client, ClientBuilder, Proxy,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use rustls::ClientConfig;
use url::{Host, Url};

use super::{AsyncHttpTransport, exchange::Exchange};
use crate::transport::http::{
    HttpTransportBuilder, Timeouts, TransportError,
    proxy::Proxies,
    redirect::Redirects,
    settings::Settings,
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
        let (client, own) = Own::new(&self.settings)?;
        self.finish(client, Some(own))
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
        let (routes, gun) = (self.routes()?, self.place.gun);
        let settings = Arc::new(self.settings);
        let exchange =
            Exchange::new(client, own, settings, routes.server(), gun.as_str(), Redirects::Refused)?;
        Ok(AsyncHttpTransport { exchange, routes })
    }
}

impl AsyncHttpTransport {
    /// A transport for another collection on the same server, with the same settings, over the same
    /// connections.
    ///
    /// # Errors
    /// [`TransportError::Config`]: the collection's name would change the shape of the server's URL.
    pub fn for_collection(&self, gun: &Gun) -> Result<Self, TransportError> {
        let Exchange { client, own, settings, .. } = &self.exchange;
        let builder = HttpTransportBuilder::with_settings(Settings::clone(settings), gun);
        builder.finish(client.clone(), own.clone())
    }
}

impl Exchange {
    /// A client for a server that is not ours: a token server, which is whomever the trust server
    /// names, or one that a redirect leads to. Never with our certificate unless it is on the trust
    /// server's host. A client of the caller's asks token servers itself, and follows no redirect there.
    pub(super) fn client_for(&self, url: &Url, what: &str) -> Result<Client, TransportError> {
        let (settings, Some(own)) = (&self.settings, self.own.as_deref()) else {
            return Ok(self.client.clone());
        };
        let proxy = own.proxies.on_the_way(url)?;
        if proxy.is_none() {
            check_address(url, &self.auth, what)?;
        }
        let is_own = url.host_str() == settings.server.host_str() && proxy.is_none();
        let is_strange = proxy.is_none() && !is_own && url.scheme() == "https";
        if let Some(client) = own.strange.get().filter(|_| is_strange) {
            return Ok(client.clone());
        }
        let configs = match &own.configs {
            Some(configs) => Some(configs.clone()),
            // Our server is asked in the clear, and names one that is not.
            None if url.scheme() == "https" => Some(settings.tls_configs()?),
            None => None,
        };
        let config = configs.as_ref().map(|it| if is_own { &it.server } else { &it.others });
        let client = client(settings, proxy, config)?;
        // A proxy looks names up, and keeps to its own rules.
        let client = match proxy {
            Some(_) => client,
            None => client.dns_resolver(GuardedResolver(Arc::clone(&self.auth))),
        };
        let client = client.build().map_err(|e| unusable(&e))?;
        Ok(if is_strange { own.strange.get_or_init(|| client).clone() } else { client })
    }
}

/// What our own clients are made of.
pub(super) struct Own {
    proxies: Proxies,
    configs: Option<Configs>,
    /// The client for servers that we know nothing of and ask directly: it keeps its connections.
    strange: OnceLock<Client>,
}

impl Own {
    /// The client for our server, and what others are made of.
    pub(super) fn new(settings: &Settings) -> Result<(Client, Arc<Self>), TransportError> {
        let proxies = settings.proxies()?;
        let proxy = proxies.on_the_way(&settings.server)?;
        if settings.identity.is_some() && proxy.is_some_and(|proxy| proxy.scheme() == "https") {
            let why = "a client certificate would be shown to the https proxy as well";
            return Err(TransportError::Config(why.to_owned()));
        }
        let configs = settings.tls(proxy)?;
        let client = client(settings, proxy, configs.as_ref().map(|configs| &configs.server))?;
        let client = client.build().map_err(|e| unusable(&e))?;
        Ok((client, Arc::new(Self { proxies, configs, strange: OnceLock::new() })))
    }
}

fn client(
    settings: &Settings,
    proxy: Option<&Url>,
    config: Option<&Arc<ClientConfig>>,
) -> Result<ClientBuilder, TransportError> {
    settings.check_headers()?;
    let config = config.map_or_else(tls::nobody, |config| Ok(ClientConfig::clone(config)))?;
    let Timeouts { connect, .. } = settings.timeouts.bounded();
    let builder = Client::builder()
        .tls_backend_preconfigured(config)
        .https_only(settings.https_only())
        .http1_only()
        .redirect(Policy::none())
        .referer(false)
        .user_agent(&settings.user_agent)
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

/// An address that is written out is not looked up.
fn check_address(url: &Url, auth: &Authenticator, what: &str) -> Result<(), TransportError> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    match auth.permits(url.host_str().unwrap_or_default(), address) {
        true => Ok(()),
        false => Err(TransportError::Connection {
            what: what.to_owned(),
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
