//! The driver: turns the machine's steps into reads, requests and writes.

use std::{collections::BTreeMap, time::Duration};

use super::{Core, join::join};
use crate::{
    error::Error,
    limits::Limits,
    name::{Gun, Resource, RoleName, Slot},
    store::{MetadataStore, StoreError, StoreLock},
    telemetry::{self, Stopwatch},
    transport::{AsyncTransport, BoxFuture, TransportError},
    verify::{Machine, Notice, Refresh, RefreshPlan, Reply, Search, Step, TrustedSet, VerifyError},
    wire::Bytes,
};

/// How many files are asked for at once.
const SIDE_BY_SIDE: usize = 16;
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

/// One refresh, to its end. With `side_by_side`, files that don't depend on each other are asked for
/// at once; they are judged in the machine's order all the same.
pub(super) async fn refresh(
    plan: RefreshPlan,
    transport: Option<&dyn AsyncTransport>,
    store: &dyn MetadataStore,
    side_by_side: bool,
    notice: Option<Notice>,
    before: Option<TrustedSet>,
) -> Result<TrustedSet, Error> {
    let (gun, limits) = (plan.gun.clone(), plan.limits);
    let mut machine = Refresh::new(plan.clone());
    if let Some(before) = before {
        machine = machine.after(before);
    }
    let mut drive = Drive { gun, machine, limits, store, is_rootless: false };
    let deadline = Deadline { watch: Stopwatch::start(), after: plan.limits.max_duration };
    let fetcher = Fetcher { transport, side_by_side, deadline, early: BTreeMap::new() };
    notice.into_iter().for_each(|notice| drive.machine.note(notice));
    telemetry::refresh(&plan, transport.is_some(), async {
        drive.turn(fetcher).await?;
        Ok(drive.machine.finish()?)
    })
    .await
}

/// One look-up, to its end.
pub(crate) async fn search(search: Search, core: &Core) -> Result<Search, Error> {
    let (inner, limits) = (&*core.inner, core.inner.limits);
    let gun = inner.gun.clone();
    let mut drive = Drive { gun, machine: search, limits, store: &*inner.store, is_rootless: false };
    let deadline = Deadline { watch: Stopwatch::start(), after: limits.max_duration };
    // An offline look-up never asks.
    let transport = inner.transport.as_deref();
    drive.turn(Fetcher { transport, side_by_side: false, deadline, early: BTreeMap::new() }).await?;
    Ok(drive.machine)
}

struct Drive<'a, M> {
    gun: Gun,
    machine: M,
    limits: Limits,
    store: &'a dyn MetadataStore,
    /// Whether a first root could not be kept.
    is_rootless: bool,
}

impl<M: Machine> Drive<'_, M> {
    async fn turn(&mut self, mut fetcher: Fetcher<'_>) -> Result<(), Error> {
        let mut failure = None;
        loop {
            let (role, reply, reason) = match self.machine.step() {
                Step::Load(slot) => {
                    let reply = load(self.store, &slot, most(&slot, &self.limits))?;
                    (slot.into_role(), reply, None)
                }
                Step::Fetch { resource, max } => {
                    let role = Some(resource.role.clone());
                    match fetcher.fetch(resource, max, &self.machine).await {
                        Ok(reply) => (role, reply, None),
                        Err(error) => (role, Reply::Failed, Some(error)),
                    }
                }
                Step::Save(slot, bytes) => {
                    self.save(slot, &bytes);
                    continue;
                }
                Step::Forget(slot) => {
                    self.forget(slot);
                    continue;
                }
                Step::Done => break,
            };
            if let Err(error) = self.supply(role, reply) {
                failure = Some(match (error, reason) {
                    // The transport knows best why there was no answer.
                    (VerifyError::Unavailable { .. }, Some(reason)) => Error::Transport(reason),
                    (error, _) => error.into(),
                });
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn supply(&mut self, role: Option<RoleName>, reply: Reply) -> Result<(), VerifyError> {
        let (Some(role), Reply::Found(bytes)) = (role, &reply) else { return self.machine.supply(reply) };
        let length = bytes.len();
        telemetry::verify(&self.gun, &role, length, || {
            self.machine.supply(reply)?;
            Ok(self.machine.version(&role))
        })
    }

    /// What can't be removed is judged again by the next run, which refuses it.
    fn forget(&mut self, slot: Slot) {
        if let Err(error) = self.store.remove(&slot) {
            tracing::warn!(%error, "metadata that was given up can't be removed");
            self.machine.note(Notice::NotSaved { slot, reason: error.to_string() });
        }
    }

    fn save(&mut self, slot: Slot, bytes: &Bytes) {
        // A record without its root would look like a root that somebody deleted.
        if slot == Slot::Record && self.is_rootless {
            return;
        }
        if let Err(error) = self.store.write_shared(&slot, bytes) {
            self.is_rootless |=
                slot == ROOT && matches!(self.store.read(&slot, most(&slot, &self.limits)), Ok(None));
            tracing::warn!(%error, "verified metadata is not kept");
            self.machine.note(Notice::NotSaved { slot, reason: error.to_string() });
        }
    }
}

/// The end of a refresh whose every file takes just less than too long (SL-05).
struct Deadline {
    watch: Stopwatch,
    after: Duration,
}

impl Deadline {
    fn check(&self, next: &Resource) -> Result<(), TransportError> {
        match self.watch.seconds() {
            Some(seconds) if seconds >= self.after.as_secs_f64() => {
                Err(TransportError::Timeout { what: next.notary_name(), phase: "refresh" })
            }
            _ => Ok(()),
        }
    }
}

/// Asks the server, and keeps what it has asked for early.
struct Fetcher<'a> {
    /// None where nothing is to be asked.
    transport: Option<&'a dyn AsyncTransport>,
    side_by_side: bool,
    deadline: Deadline,
    early: BTreeMap<RoleName, (Resource, Result<Reply, TransportError>)>,
}

impl Fetcher<'_> {
    async fn fetch(
        &mut self,
        resource: Resource,
        max: u64,
        machine: &impl Machine,
    ) -> Result<Reply, TransportError> {
        match self.early.remove(&resource.role) {
            Some((asked, reply)) if asked == resource => return reply,
            _ => {}
        }
        let Some(transport) = self.transport else {
            return Err(TransportError::Unsupported { operation: "a request while offline" });
        };
        self.deadline.check(&resource)?;
        let mut wanted = vec![(resource, max)];
        if self.side_by_side {
            wanted.extend(machine.ahead().into_iter().take(SIDE_BY_SIDE));
            wanted.retain(|(resource, _)| !self.early.contains_key(&resource.role));
        }
        let asked = wanted.iter().map(|(resource, max)| -> BoxFuture<'_, _> {
            Box::pin(async { fetch(transport, resource, *max).await })
        });
        let mut replies = join(asked.collect()).await.into_iter();
        let first = replies.next().unwrap_or(Ok(Reply::Failed));
        for ((resource, _), reply) in wanted.into_iter().skip(1).zip(replies) {
            self.early.insert(resource.role.clone(), (resource, reply));
        }
        first
    }
}

/// The most bytes that a slot can hold: roots and timestamps have limits of their own, and what was
/// taken by them must be read again.
fn most(slot: &Slot, limits: &Limits) -> u64 {
    let own = match slot {
        Slot::Metadata(RoleName::Root) | Slot::Root(_) => limits.max_root,
        Slot::Metadata(RoleName::Timestamp) => limits.max_timestamp,
        Slot::Record => Limits::default().max_metadata,
        Slot::Metadata(_) => 0,
    };
    own.max(limits.max_metadata)
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
                Slot::Metadata(_) | Slot::Root(_) => Ok(Reply::Absent),
            }
        }
    }
}

async fn fetch(
    transport: &dyn AsyncTransport,
    resource: &Resource,
    max: u64,
) -> Result<Reply, TransportError> {
    Ok(read(transport, resource, max).await?.map_or(Reply::Absent, Reply::Found))
}

/// A file of the server; none when it says that there is none.
pub(super) async fn read(
    transport: &dyn AsyncTransport,
    resource: &Resource,
    max: u64,
) -> Result<Option<Vec<u8>>, TransportError> {
    let bytes = match transport.fetch(resource, max).await {
        Ok(bytes) => bytes,
        Err(TransportError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(bytes))
}
