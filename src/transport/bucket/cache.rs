//! A bucket that many machines share, before a server.
//!
//! The rule: only what its name proves is shared. A file that a snapshot or timestamp pins is asked
//! for by its SHA-256 (Notary v1; TUF specification 1.0.34 section 5.5 and 5.6), and what the bucket
//! gives under that name counts only when it has that digest. Timestamps and newest roots always come
//! from the server. First uses, versions seen and locks stay in each machine's own store: a bucket
//! that others write to can neither anchor trust nor roll it back.

use std::time::Duration;

use super::BucketTransport;
use crate::{
    crypto::digest,
    name::{Form, Resource, RoleName},
    transport::{AsyncTransport, BoxFuture, TransportError, Upload},
};

/// Asks a bucket for pinned files before it asks a server, and puts there what the server gave. A
/// bucket that fails or lies costs a warning and a request to the server.
#[derive(Clone, Debug)]
pub struct SharedCache<T> {
    bucket: BucketTransport,
    origin: T,
}

impl<T: AsyncTransport> SharedCache<T> {
    /// A server behind a bucket.
    pub const fn new(bucket: BucketTransport, origin: T) -> Self {
        Self { bucket, origin }
    }

    async fn read(&self, what: &Resource, max: u64) -> Result<Vec<u8>, TransportError> {
        let Form::Sha256(pinned) = &what.form else { return self.origin.fetch(what, max).await };
        let is_pinned = |content: &[u8]| digest::sha256(content) == *pinned;
        let mut is_missing = false;
        match self.bucket.fetch(what, max).await {
            Ok(found) if is_pinned(&found) => return Ok(found),
            Ok(_) => tracing::warn!(file = what.notary_name(), "the shared cache holds other content"),
            Err(TransportError::NotFound { .. }) => is_missing = true,
            Err(error) => tracing::warn!(%error, "the shared cache can't be read"),
        }
        let found = self.origin.fetch(what, max).await?;
        // What is wrong there already was put there by somebody: that is for people to look at.
        if is_missing
            && is_pinned(&found)
            && let Err(error) = self.bucket.write(what, &found).await
        {
            tracing::warn!(%error, "the shared cache can't be written");
        }
        Ok(found)
    }
}

impl<T: AsyncTransport> AsyncTransport for SharedCache<T> {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        Box::pin(self.read(what, max))
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        self.origin.publish(upload)
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        self.origin.server_key(role, rotate)
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.origin.delete()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.origin.sleep(time)
    }
}
