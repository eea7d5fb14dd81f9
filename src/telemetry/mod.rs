//! What operators see: spans and events through `tracing`, numbers through `metrics`.
//!
//! The rule: names and fields below are part of the public API, and none of them holds a secret or
//! what a file says. Keys, passphrases, tokens and headers never come here.
//!
//! # Spans
//!
//! | span | level | fields |
//! |---|---|---|
//! | `refresh` | info | `gun`, `source`, `outcome`, `version` (of the timestamp), `duration` |
//! | `fetch` | debug | `gun`, `role`, `file`, `version` (where it was asked for), `outcome`, `bytes`, `duration` |
//! | `verify` | debug | `gun`, `role`, `bytes`, `outcome`, `version`, `duration` |
//! | `publish` | info | `gun`, `bytes`, `outcome`, `duration` |
//! | `server_key` | debug | `gun`, `role`, `outcome`, `bytes`, `duration` |
//! | `delete` | info | `gun`, `outcome`, `duration` |
//!
//! `duration` is in seconds, and missing without the feature `system-clock`. `outcome` is `OK`, or
//! the code of the error ([`Error::code`](crate::Error::code)). `source` is `server`, or `cache` when
//! nothing was asked. `version` of `verify` is that of the role's file that holds after it. Fields
//! that end a span are empty when its future was dropped.
//!
//! Warnings say what was put up with: a trust folder that others can change, a file that could not
//! be kept, a cache that answers instead of the server.
//!
//! # Metrics (feature `metrics`)
//!
//! Recorded by whatever recorder the program has installed. Times are in seconds.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | [`REFRESHES`] | counter | `source`, `outcome` |
//! | [`REFRESH_SECONDS`] | histogram | `source` |
//! | [`REQUESTS`] | counter | `operation` (the span's name), `outcome` |
//! | [`REQUEST_SECONDS`] | histogram | `operation` |
//! | [`RECEIVED_BYTES`] | counter | |
//! | [`EXPIRES_TIMESTAMP`] | gauge | `gun`, `role` |
//! | [`SECONDS_TO_EXPIRY`] | gauge | `gun`, `role` |
//!
//! The gauges are set by each refresh that succeeds, and for a role whose file has expired, by the
//! one that fails for it. [`SECONDS_TO_EXPIRY`] is as of that refresh and stands still when nobody
//! refreshes: alert on [`EXPIRES_TIMESTAMP`] minus the present time where your system can subtract.
//! A refresh as of another time counts, and sets no gauge.

#[cfg(feature = "metrics")]
mod numbers;
mod stopwatch;
mod transport;

pub(crate) use transport::Watched;

use tracing::{Instrument as _, Span, field::Empty};

pub(crate) use self::stopwatch::Stopwatch;
use crate::{
    error::Error,
    name::{Gun, RoleName, Version},
    verify::{RefreshPlan, TrustedSet, VerifyError},
};

/// Refreshes that ended.
pub const REFRESHES: &str = "tuf_notary_refreshes_total";
/// How long a refresh took.
pub const REFRESH_SECONDS: &str = "tuf_notary_refresh_seconds";
/// Requests that ended.
pub const REQUESTS: &str = "tuf_notary_requests_total";
/// How long a request took.
pub const REQUEST_SECONDS: &str = "tuf_notary_request_seconds";
/// Bytes of metadata and keys that came from servers.
pub const RECEIVED_BYTES: &str = "tuf_notary_received_bytes_total";
/// When a role's file expires, in seconds since 1970-01-01.
pub const EXPIRES_TIMESTAMP: &str = "tuf_notary_expires_timestamp_seconds";
/// The seconds that were left until then; negative afterwards.
pub const SECONDS_TO_EXPIRY: &str = "tuf_notary_seconds_to_expiry";

const OK: &str = "OK";

/// Watches one refresh.
pub(crate) async fn refresh(
    plan: &RefreshPlan,
    asks: bool,
    work: impl Future<Output = Result<TrustedSet, Error>>,
) -> Result<TrustedSet, Error> {
    let source = if asks { "server" } else { "cache" };
    let span = tracing::info_span!(
        "refresh", gun = %plan.gun, source, outcome = Empty, version = Empty, duration = Empty
    );
    let watch = Stopwatch::start();
    let outcome = work.instrument(span.clone()).await;
    let seconds = watch.seconds();
    end(&span, outcome.as_ref().map_or_else(Error::code, |_| OK), seconds);
    if let Ok(set) = &outcome {
        span.record("version", set.timestamp().body().version.get());
    }
    #[cfg(feature = "metrics")]
    numbers::refresh(plan, source, &outcome, seconds);
    outcome
}

/// Watches the judgement of one file; `judge` tells the version that holds after it.
pub(crate) fn verify(
    gun: &Gun,
    role: &RoleName,
    bytes: usize,
    judge: impl FnOnce() -> Result<Option<Version>, VerifyError>,
) -> Result<(), VerifyError> {
    let span = tracing::debug_span!(
        "verify", %gun, %role, bytes, outcome = Empty, version = Empty, duration = Empty
    );
    let watch = Stopwatch::start();
    let outcome = span.in_scope(judge);
    end(&span, outcome.as_ref().map_or_else(VerifyError::code, |_| OK), watch.seconds());
    let version = outcome?;
    if let Some(version) = version {
        span.record("version", version.get());
    }
    Ok(())
}

fn end(span: &Span, outcome: &'static str, seconds: Option<f64>) {
    span.record("outcome", outcome);
    if let Some(seconds) = seconds {
        span.record("duration", seconds);
    }
}
