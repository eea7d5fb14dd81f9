//! Opening buckets, with TLS by rustls and ring and the system's trust store.

use std::{sync::Arc, time::Duration};

use object_store::{
    ClientConfigKey, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    client::{HttpClient, HttpConnector},
    local::LocalFileSystem,
    path::Path,
};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::Url;

use crate::transport::TransportError;

const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_secs(60);
/// How long requests are repeated.
const PATIENCE: Duration = Duration::from_secs(15);

/// The store that a URL names, and the prefix within it.
pub(super) fn open<'a>(
    url: &Url,
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(Arc<dyn ObjectStore>, Path), TransportError> {
    let mut options = options.into_iter().peekable();
    match url.scheme() {
        "s3" => Ok((Arc::new(s3(url, options)?), prefix(url)?)),
        "file" if options.peek().is_some() => Err(config("a local folder has no options")),
        "file" => {
            let folder = url.to_file_path().map_err(|()| config("the URL names no local folder"))?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(config)?;
            Ok((Arc::new(store), Path::default()))
        }
        scheme => Err(config(format!("a bucket's URL begins with s3 or file, not with {scheme}"))),
    }
}

fn s3<'a>(
    url: &Url,
    options: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<impl ObjectStore, TransportError> {
    let bucket = url.host_str().ok_or_else(|| config("the URL names no bucket"))?;
    let retry = RetryConfig { max_retries: 2, retry_timeout: PATIENCE, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket).with_retry(retry);
    let mut plain_http = false;
    for (name, value) in options {
        let key: AmazonS3ConfigKey =
            name.parse().map_err(|_| config(format!("there is no option {name} for S3")))?;
        match key {
            AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp) => plain_http = value == "true",
            // They would be for a client that we don't use.
            AmazonS3ConfigKey::Client(_) => return Err(config(format!("option {name} has no effect here"))),
            _ => {}
        }
        builder = builder.with_config(key, value);
    }
    builder.with_http_connector(Connector { plain_http }).build().map_err(config)
}

fn prefix(url: &Url) -> Result<Path, TransportError> {
    Path::from_url_path(url.path()).map_err(config)
}

/// Makes clients that follow no redirect and hold to ring.
#[derive(Debug)]
struct Connector {
    plain_http: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let wrap = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic {
            store: "S3",
            source,
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls().map_err(|error| wrap(error.into()))?)
            .https_only(!self.plain_http)
            .http1_only()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .build();
        Ok(HttpClient::new(client.map_err(|error| wrap(error.into()))?))
    }
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth())
}

fn config(reason: impl ToString) -> TransportError {
    TransportError::Config(reason.to_string())
}
