//! The numbers, under the names that the module above documents.

use std::time::SystemTime;

use super::{
    EXPIRES_TIMESTAMP, OK, RECEIVED_BYTES, REFRESH_SECONDS, REFRESHES, REQUEST_SECONDS, REQUESTS,
    SECONDS_TO_EXPIRY,
};
use crate::{
    error::Error,
    name::{Expiry, Gun, RoleName},
    verify::{DelegatedTargets, RefreshPlan, TrustedSet, VerifyError},
};

pub(super) fn refresh(
    plan: &RefreshPlan,
    source: &'static str,
    outcome: &Result<TrustedSet, Error>,
    seconds: Option<f64>,
) {
    let code = outcome.as_ref().map_or_else(Error::code, |_| OK);
    metrics::counter!(REFRESHES, "source" => source, "outcome" => code).increment(1);
    if let Some(seconds) = seconds {
        metrics::histogram!(REFRESH_SECONDS, "source" => source).record(seconds);
    }
    if plan.as_of {
        return;
    }
    match outcome {
        Ok(set) => each_expiry(set, |role, expires| expiry(&plan.gun, role, expires, plan.now)),
        Err(Error::Verify(VerifyError::Expired { role, expires, .. })) => {
            expiry(&plan.gun, role, *expires, plan.now);
        }
        Err(_) => {}
    }
}

pub(super) fn request(operation: &'static str, outcome: &'static str, seconds: Option<f64>) {
    metrics::counter!(REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
    if let Some(seconds) = seconds {
        metrics::histogram!(REQUEST_SECONDS, "operation" => operation).record(seconds);
    }
}

pub(super) fn received(bytes: usize) {
    metrics::counter!(RECEIVED_BYTES).increment(u64::try_from(bytes).unwrap_or(u64::MAX));
}

fn each_expiry(set: &TrustedSet, mut tell: impl FnMut(&RoleName, Expiry)) {
    tell(&RoleName::Root, set.root().body().expires);
    tell(&RoleName::Timestamp, set.timestamp().body().expires);
    tell(&RoleName::Snapshot, set.snapshot().body().expires);
    tell(&RoleName::Targets, set.targets().body().expires);
    for (role, state) in set.delegated() {
        match state {
            DelegatedTargets::Usable(file) => tell(role, file.body().expires),
            DelegatedTargets::Unusable(VerifyError::Expired { expires, .. }) => tell(role, *expires),
            DelegatedTargets::Unusable(_) => {}
        }
    }
}

fn expiry(gun: &Gun, role: &RoleName, expires: Expiry, now: SystemTime) {
    let expires = expires.to_system_time();
    let labels = [("gun", gun.to_string()), ("role", role.to_string())];
    metrics::gauge!(EXPIRES_TIMESTAMP, &labels).set(seconds_between(SystemTime::UNIX_EPOCH, expires));
    metrics::gauge!(SECONDS_TO_EXPIRY, &labels).set(seconds_between(now, expires));
}

/// From one instant to another; negative when it lies before it.
fn seconds_between(from: SystemTime, to: SystemTime) -> f64 {
    match to.duration_since(from) {
        Ok(ahead) => ahead.as_secs_f64(),
        Err(behind) => -behind.duration().as_secs_f64(),
    }
}
