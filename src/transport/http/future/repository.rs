//! The files of a TUF 1.0 repository over HTTP, asynchronous: reqwest carries the bytes (TUF
//! specification 1.0.34 sections 3 and 5).
//!
//! The same rules as the blocking transport's, from the same code.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::Client;
use url::Url;

use super::{
    client::Own,
    exchange::{self, Exchange},
};
use crate::{
    name::Resource,
    transport::{
        AsyncTargetTransport, AsyncTransport, BoxFuture, TargetBody,
        auth::Access,
        http::{
            HttpTransportBuilder, TransportError,
            ask::{Ask, Method, NO_TARGETS},
            base_url::BaseUrl,
            builder::TufRepository,
            redirect::Redirects,
            settings::Settings,
        },
        targets,
    },
};

/// Reads a TUF 1.0 repository without blocking: its metadata, and its targets where a URL for them
/// is given. Connections are kept and reused; clones share them.
///
/// Its futures want a tokio runtime whose input, output and time are enabled. Of the time-outs,
/// `connect` and `response` count together. Plain HTTP serves for this machine; elsewhere it takes
/// [`dangerous`](HttpTransportBuilder::dangerous).
///
/// ```no_run
/// use tuf_notary::transport::AsyncHttpRepository;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = AsyncHttpRepository::builder("https://example.com/metadata".parse()?)
///     .targets_url("https://example.com/targets".parse()?)
///     .build_async()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AsyncHttpRepository {
    metadata: Site,
    targets: Option<Site>,
}

/// A server, and where the files are on it.
#[derive(Clone)]
struct Site {
    exchange: Exchange,
    base: BaseUrl,
}

impl AsyncHttpRepository {
    /// A transport to the repository whose metadata is at this URL. End it with
    /// [`build_async`](HttpTransportBuilder::build_async) or
    /// [`build_with`](HttpTransportBuilder::build_with).
    pub fn builder(metadata: Url) -> HttpTransportBuilder<TufRepository> {
        HttpTransportBuilder::for_repository(metadata)
    }
}

impl HttpTransportBuilder<TufRepository> {
    /// Builds the asynchronous transport. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TransportError::Config`]: a URL is not absolute `https` (or allowed `http`), or carries
    /// credentials, a query or a fragment; a CA file can't be read or holds no certificate; a client
    /// certificate would be shown to an `https` proxy as well.
    pub fn build_async(self) -> Result<AsyncHttpRepository, TransportError> {
        self.finish(|settings| Own::new(settings).map(|(client, own)| (client, Some(own))))
    }

    /// Builds the asynchronous transport on a client of the caller's, which alone decides on
    /// certificates, proxies and connections: what the builder says of them counts for nothing. It
    /// should follow no redirect, for those are followed here; an answer from another URL than was
    /// asked is refused. A redirect to another origin is refused as well
    /// ([`TransportError::Status`]): the client's own headers and certificate would go there.
    ///
    /// # Errors
    /// [`TransportError::Config`]: as [`build_async`](Self::build_async), for the URLs.
    pub fn build_with(self, client: Client) -> Result<AsyncHttpRepository, TransportError> {
        self.finish(|_| Ok((client.clone(), None)))
    }

    fn finish(
        self,
        client: impl Fn(&Settings) -> Result<(Client, Option<Arc<Own>>), TransportError>,
    ) -> Result<AsyncHttpRepository, TransportError> {
        let settings = self.settings;
        let site = |settings: Settings| {
            let base = BaseUrl::new(&settings.server, settings.plain_http)?;
            let redirects = Redirects::Followed { plain_http: settings.plain_http };
            let (client, own) = client(&settings)?;
            let exchange = Exchange::new(client, own, Arc::new(settings), base.as_str(), "", redirects)?;
            Ok::<_, TransportError>(Site { exchange, base })
        };
        let metadata = site(settings.clone())?;
        let targets = self.place.targets.map(|url| match url.origin() == settings.server.origin() {
            true => BaseUrl::new(&url, settings.plain_http)
                .map(|base| Site { exchange: metadata.exchange.for_same(base.as_str()), base }),
            false => site(settings.for_other(&url)),
        });
        Ok(AsyncHttpRepository { targets: targets.transpose()?, metadata })
    }
}

impl AsyncTransport for AsyncHttpRepository {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(async move {
            let Site { exchange, base } = &self.metadata;
            let (url, name) = (base.metadata(what)?, what.tuf_name());
            exchange.ask(&Ask::metadata(what, &url, &name, max)).await
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        exchange::sleep(time)
    }
}

impl AsyncTargetTransport for AsyncHttpRepository {
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>> {
        Box::pin(async move {
            let Some(Site { exchange, base }) = &self.targets else { return Err(NO_TARGETS) };
            let (url, shown) = (base.target(path)?, targets::shown(path));
            let body = exchange.open(&Ask::new(Method::Get, Access::Pull, &url, &shown, max)).await?;
            Ok::<Box<dyn TargetBody>, _>(Box::new(body))
        })
    }
}

impl fmt::Debug for AsyncHttpRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncHttpRepository")
            .field("metadata", &self.metadata.base.as_str())
            .field("targets", &self.targets.as_ref().map(|site| site.base.as_str()))
            .field("timeouts", &self.metadata.exchange.timeouts)
            .finish_non_exhaustive()
    }
}
