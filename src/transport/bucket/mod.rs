//! A static copy of collections in a bucket: S3, what speaks like it, or a local folder.
//!
//! The layout is `<url>/<GUN>/<file>` with the file names of a Notary server (Notary v1). A bucket
//! carries bytes and is no anchor: whoever can write to it can withhold and delay, and what they put
//! there is verified like any server's answer.

mod cache;
mod connect;

pub use cache::SharedCache;

use std::{fmt, sync::Arc};

use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path};
use url::Url;

use super::{AsyncTransport, BoxFuture, TransportError};
use crate::name::{Gun, Resource};

/// Reads the metadata of one collection from a bucket. It needs tokio.
///
/// ```no_run
/// use tuf_notary::{Gun, Trust, future::Collection, transport::BucketTransport};
/// let gun = Gun::new("registry.example.com/team/app")?;
/// let options = [("aws_region", "eu-central-1"), ("aws_skip_signature", "true")];
/// let bucket = BucketTransport::open(&"s3://trust/mirror".parse()?, options, &gun)?;
/// let collection = Collection::builder(gun, Trust::FirstUse).transport(bucket).build();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BucketTransport {
    url: Url,
    store: Arc<dyn ObjectStore>,
    folder: Path,
}

impl BucketTransport {
    /// Opens a bucket: `s3://BUCKET/PREFIX`, or `file:///FOLDER` for a folder that is there.
    ///
    /// The options are those of the `object_store` crate for S3, such as `aws_access_key_id`,
    /// `aws_secret_access_key`, `aws_region`, `aws_endpoint` and, for plain HTTP, `allow_http`.
    /// Nothing is taken from the environment.
    ///
    /// # Errors
    /// [`TransportError::Config`]: another kind of URL, an unknown option, or one that can't be.
    pub fn open<'a>(
        url: &Url,
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
        gun: &Gun,
    ) -> Result<Self, TransportError> {
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(TransportError::Config(
                "a bucket's URL carries no credentials and no query".to_owned(),
            ));
        }
        let (store, prefix) = connect::open(url, options)?;
        let folder = gun.as_str().split('/').fold(prefix, |folder, segment| folder.join(segment));
        Ok(Self { url: url.clone(), store, folder })
    }

    fn object(&self, what: &Resource) -> Path {
        what.notary_name().split('/').fold(self.folder.clone(), |folder, segment| folder.join(segment))
    }

    async fn read(&self, what: &Resource, max: u64) -> Result<Vec<u8>, TransportError> {
        within_tokio()?;
        let found = self.store.get(&self.object(what)).await.map_err(|error| failed(what, &error))?;
        // The length is the one that the body is framed by.
        if found.meta.size > max {
            return Err(TransportError::TooLarge { what: what.notary_name(), limit: max });
        }
        Ok(found.bytes().await.map_err(|error| failed(what, &error))?.into())
    }

    async fn write(&self, what: &Resource, content: &[u8]) -> Result<(), TransportError> {
        within_tokio()?;
        let payload = PutPayload::from(content.to_vec());
        self.store.put(&self.object(what), payload).await.map_err(|error| failed(what, &error))?;
        Ok(())
    }
}

impl AsyncTransport for BucketTransport {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(self.read(what, max))
    }
}

/// Shows where it reads, and no option: they hold secrets.
impl fmt::Debug for BucketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BucketTransport({}, {})", self.url, self.folder)
    }
}

/// The HTTP client panics without a runtime.
fn within_tokio() -> Result<(), TransportError> {
    let outside = |_| TransportError::Config("buckets are read within a tokio runtime".to_owned());
    tokio::runtime::Handle::try_current().map(drop).map_err(outside)
}

/// What a failure means. That there is no such bucket is not an answer about a file.
fn failed(what: &Resource, error: &Error) -> TransportError {
    let (what, reason) = (what.notary_name(), error.to_string());
    match error {
        Error::NotFound { .. } if !reason.contains("NoSuchBucket") => TransportError::NotFound { what },
        Error::PermissionDenied { .. } => TransportError::Unauthorized { what, status: 403 },
        Error::Unauthenticated { .. } => TransportError::Unauthorized { what, status: 401 },
        _ => TransportError::Connection { what, reason },
    }
}
