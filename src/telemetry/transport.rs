//! A transport whose requests are seen.

use std::time::Duration;

use tracing::{Instrument as _, Span, field::Empty};

use super::{OK, end, stopwatch::Stopwatch};
use crate::{
    name::{Form, Gun, Resource, RoleName},
    transport::{AsyncTransport, BoxFuture, TransportError, Upload},
};

/// Carries what another transport carries, and tells about it.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    gun: Gun,
    inner: T,
}

impl<T: AsyncTransport> Watched<T> {
    pub(crate) const fn new(gun: Gun, inner: T) -> Self {
        Self { gun, inner }
    }
}

impl<T: AsyncTransport> AsyncTransport for Watched<T> {
    fn fetch<'a>(&'a self, what: &'a Resource, max: u64) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        let span = tracing::debug_span!(
            "fetch", gun = %self.gun, role = %what.role, file = what.notary_name(),
            version = Empty, outcome = Empty, bytes = Empty, duration = Empty
        );
        if let Form::Version(version) = &what.form {
            span.record("version", version.get());
        }
        Box::pin(receive("fetch", span, self.inner.fetch(what, max)))
    }

    fn publish<'a>(&'a self, upload: &'a Upload) -> BoxFuture<'a, Result<(), TransportError>> {
        let bytes = upload.files.iter().map(|(_, file)| file.len()).fold(0, usize::saturating_add);
        let span = tracing::info_span!(
            "publish", gun = %self.gun, bytes, outcome = Empty, duration = Empty
        );
        Box::pin(watch("publish", span, self.inner.publish(upload)))
    }

    fn server_key<'a>(
        &'a self,
        role: &'a RoleName,
        rotate: bool,
    ) -> BoxFuture<'a, Result<Vec<u8>, TransportError>> {
        let span = tracing::debug_span!(
            "server_key", gun = %self.gun, %role, outcome = Empty, bytes = Empty, duration = Empty
        );
        Box::pin(receive("server_key", span, self.inner.server_key(role, rotate)))
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        let span = tracing::info_span!("delete", gun = %self.gun, outcome = Empty, duration = Empty);
        Box::pin(watch("delete", span, self.inner.delete()))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.inner.sleep(time)
    }
}

/// Watches a request that brings bytes.
async fn receive(
    operation: &'static str,
    span: Span,
    request: impl Future<Output = Result<Vec<u8>, TransportError>>,
) -> Result<Vec<u8>, TransportError> {
    let bytes = watch(operation, span.clone(), request).await?;
    span.record("bytes", bytes.len());
    #[cfg(feature = "metrics")]
    super::numbers::received(bytes.len());
    Ok(bytes)
}

async fn watch<T>(
    operation: &'static str,
    span: Span,
    request: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    let watch = Stopwatch::start();
    let outcome = request.instrument(span.clone()).await;
    let (code, seconds) = (outcome.as_ref().map_or_else(TransportError::code, |_| OK), watch.seconds());
    end(&span, code, seconds);
    #[cfg(feature = "metrics")]
    super::numbers::request(operation, code, seconds);
    #[cfg(not(feature = "metrics"))]
    let _ = operation;
    outcome
}
