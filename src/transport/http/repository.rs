//! The files of a TUF 1.0 repository over HTTP, blocking: ureq carries the bytes (TUF specification
//! 1.0.34 sections 3 and 5).
//!
//! As with Notary, success is exactly 200, no compression is asked for or accepted, a body whose end
//! can't be told from a broken connection is refused, and every wait has an end: see
//! [`Timeouts`](super::Timeouts). Unlike there, a few redirects are followed, and "not there" is 404
//! or, for a root of a certain version, 403.

use std::{fmt, io::Read};

use url::Url;

use super::{
    HttpTransportBuilder, TransportError,
    agent::Client,
    ask::{Ask, Method, NO_TARGETS},
    base_url::BaseUrl,
    builder::TufRepository,
    redirect::Redirects,
    settings::Settings,
};
use crate::{
    name::Resource,
    transport::{TargetTransport, Transport, auth::Access, targets},
};

/// Reads a TUF 1.0 repository: its metadata, and its targets where a URL for them is given.
/// Connections are kept and reused; clones share them.
///
/// Plain HTTP serves for this machine. Elsewhere it takes
/// [`dangerous`](HttpTransportBuilder::dangerous).
///
/// ```no_run
/// use tuf_notary::transport::HttpRepository;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = HttpRepository::builder("https://example.com/metadata".parse()?)
///     .targets_url("https://example.com/targets".parse()?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpRepository {
    metadata: Site,
    targets: Option<Site>,
}

/// A server, and where the files are on it.
#[derive(Clone)]
struct Site {
    client: Client,
    base: BaseUrl,
}

impl HttpRepository {
    /// A transport to the repository whose metadata is at this URL.
    pub fn builder(metadata: Url) -> HttpTransportBuilder<TufRepository> {
        HttpTransportBuilder::for_repository(metadata)
    }
}

impl HttpTransportBuilder<TufRepository> {
    /// Builds the transport. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TransportError::Config`]: a URL is not absolute `https` (or allowed `http`), or carries
    /// credentials, a query or a fragment; a CA file can't be read or holds no certificate.
    pub fn build(self) -> Result<HttpRepository, TransportError> {
        let settings = self.settings;
        let site = |settings: &Settings| {
            let base = BaseUrl::new(&settings.server, settings.plain_http)?;
            let redirects = Redirects::Followed { plain_http: settings.plain_http };
            let client = Client::new(settings, base.as_str(), "", redirects)?;
            Ok::<_, TransportError>(Site { client, base })
        };
        let metadata = site(&settings)?;
        let targets = self.place.targets.map(|url| match url.origin() == settings.server.origin() {
            true => BaseUrl::new(&url, settings.plain_http)
                .map(|base| Site { client: metadata.client.for_same(base.as_str()), base }),
            false => site(&settings.for_other(&url)),
        });
        Ok(HttpRepository { targets: targets.transpose()?, metadata })
    }
}

impl Transport for HttpRepository {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let Site { client, base } = &self.metadata;
        let (url, name) = (base.metadata(what)?, what.tuf_name());
        Ok(Box::new(client.ask(&Ask::metadata(what, &url, &name, max))?))
    }
}

impl TargetTransport for HttpRepository {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let Some(Site { client, base }) = &self.targets else { return Err(NO_TARGETS) };
        let (url, shown) = (base.target(path)?, targets::shown(path));
        Ok(Box::new(client.ask(&Ask::new(Method::Get, Access::Pull, &url, &shown, max))?))
    }
}

impl fmt::Debug for HttpRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRepository")
            .field("metadata", &self.metadata.base.as_str())
            .field("targets", &self.targets.as_ref().map(|site| site.base.as_str()))
            .field("timeouts", &self.metadata.client.timeouts)
            .finish_non_exhaustive()
    }
}
