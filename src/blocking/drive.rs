//! The blocking driver: turns the machine's steps into reads, requests and writes.

use std::{io::Read, time::Duration};

use crate::{
    error::Error,
    name::{Resource, RoleName, Slot},
    store::{MetadataStore, StoreError, StoreLock},
    transport::{Transport, TransportError},
    verify::{Notice, Refresh, RefreshPlan, Reply, Step, TrustedSet, VerifyError},
};

const ROOT: Slot = Slot::Metadata(RoleName::Root);

/// Takes the store for this operation alone. A store that can't be locked because nothing can be
/// written there is used without, for it can't be torn either.
pub(super) fn lock(store: &dyn MetadataStore, wait: Duration) -> Result<Option<StoreLock>, StoreError> {
    match store.lock(wait) {
        Ok(lock) => Ok(Some(lock)),
        Err(busy @ StoreError::Busy { .. }) => Err(busy),
        Err(error) => {
            tracing::warn!(%error, "trust data can't be locked");
            Ok(None)
        }
    }
}

/// One refresh, to its end.
pub(super) fn refresh(
    plan: RefreshPlan,
    transport: &dyn Transport,
    store: &dyn MetadataStore,
) -> Result<TrustedSet, Error> {
    let span = tracing::info_span!("refresh", gun = %plan.gun);
    let _entered = span.enter();
    let max = plan.limits.max_metadata;
    let mut machine = Refresh::new(plan);
    let (mut failure, mut is_rootless) = (None, false);
    loop {
        let (reply, reason) = match machine.step() {
            Step::Load(slot) => (load(store, &slot, max)?, None),
            Step::Fetch { resource, max } => match fetch(transport, &resource, max) {
                Ok(reply) => (reply, None),
                Err(error) => (Reply::Failed, Some(error)),
            },
            Step::Save(slot, bytes) => {
                // A record without its root would look like a root that somebody deleted.
                if slot == Slot::Record && is_rootless {
                    continue;
                }
                if let Err(error) = store.write(&slot, &bytes) {
                    is_rootless |= slot == ROOT && matches!(store.read(&slot, max), Ok(None));
                    tracing::warn!(%error, "verified metadata is not kept");
                    machine.note(Notice::NotSaved { slot, reason: error.to_string() });
                }
                continue;
            }
            Step::Done => break,
        };
        if let Err(error) = machine.supply(reply) {
            failure = Some(match (error, reason) {
                // The transport knows best why there was no answer.
                (VerifyError::Unavailable { .. }, Some(reason)) => Error::Transport(reason),
                (error, _) => error.into(),
            });
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(machine.finish()?),
    }
}

/// A damaged root or record is for the machine to judge; any other file that can't be read is
/// fetched again.
fn load(store: &dyn MetadataStore, slot: &Slot, max: u64) -> Result<Reply, Error> {
    match store.read(slot, max) {
        Ok(Some(bytes)) => Ok(Reply::Found(bytes)),
        Ok(None) => Ok(Reply::Absent),
        Err(error) => {
            tracing::warn!(%error, "cached trust data can't be read");
            match slot {
                Slot::Record | Slot::Metadata(RoleName::Root) => Err(error.into()),
                Slot::Metadata(_) => Ok(Reply::Absent),
            }
        }
    }
}

fn fetch(transport: &dyn Transport, resource: &Resource, max: u64) -> Result<Reply, TransportError> {
    Ok(read(transport, resource, max)?.map_or(Reply::Absent, Reply::Found))
}

/// A file of the server; none when it says that there is none. At most one byte more than `max`.
pub(super) fn read(
    transport: &dyn Transport,
    resource: &Resource,
    max: u64,
) -> Result<Option<Vec<u8>>, TransportError> {
    let body = match transport.fetch(resource, max) {
        Ok(body) => body,
        Err(TransportError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    // One byte more than allowed tells a file at the limit from one above it.
    let mut bytes = Vec::new();
    let read = body.take(max.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| TransportError::from_read(resource, &error))?;
    bytes.shrink_to_fit();
    tracing::debug!(file = resource.notary_name(), bytes = bytes.len(), "fetched");
    Ok(Some(bytes))
}
