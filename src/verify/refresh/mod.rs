//! The update machine: what to load, fetch and save, and what to make of it.
//!
//! One refresh (Notary v1, with its gaps closed):
//! 1. The record and the cached root; without a root, first contact as [`Trust`] says. With TUF 1.0
//!    all newer roots, version by version (specification 1.0.34 section 5.3).
//! 2. Timestamp, snapshot, targets, delegations. Each file that the cache has as pinned is used
//!    from there. Each is saved as soon as it is verified. A delegation that was never published
//!    is left out; one that was, and is declared still, can't be made to disappear.
//! 3. With Notary, when the root is expired or older than one that was trusted, a top-level signature
//!    fails, or the snapshot pins another root, newer roots are walked version by version, once, and
//!    step 2 begins again.
//! 4. The record, with the floors for next time.
//!
//! The driver turns [`step`](Refresh::step) and answers with [`supply`](Refresh::supply). After an
//! error it still turns the remaining steps: what was verified by then is kept. A driver that can
//! ask side by side looks [`ahead`](Refresh::ahead) at a `Fetch`, and supplies in the machine's order
//! all the same. Offline, the machine never asks for a `Fetch`.

mod files;
mod former;
mod record;
mod roots;
mod targets;

use std::{
    collections::{BTreeMap, VecDeque},
    time::SystemTime,
};

use self::former::Former;
use super::{
    DelegatedTargets, Notice, Reply, Step, Trust, TrustedSet, Verified, VerifyError, admit::Judge,
    floors::Floors, root::RootJudge,
};
use crate::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
    name::{Gun, Resource, RoleName, Slot, Version},
    wire::{Bytes, Dialect, Envelope, Rules, TrustRecord},
};

/// What a refresh is about.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct RefreshPlan {
    /// The collection or repository.
    pub gun: Gun,
    /// Where trust begins.
    pub trust: Trust,
    /// The dialect that the server speaks.
    pub dialect: Dialect,
    /// The bounds.
    pub limits: Limits,
    /// The one instant that all files are judged at.
    pub now: SystemTime,
    /// Whether `now` is a chosen time instead of the clock's: then it is not compared with the
    /// latest time known, and nothing is saved. What was valid once is no place for today's trust to
    /// begin, and an audit leaves no trace.
    pub as_of: bool,
    /// Whether the cache answers instead of the server: then nothing is fetched.
    pub offline: bool,
}

/// One refresh of one collection or repository.
///
/// Turned by hand, for metadata that comes by a way of its own:
///
/// ```
/// use tuf_notary::{Gun, Trust, limits::Limits, verify::{Refresh, RefreshPlan, Reply, Step}, wire::Dialect};
/// # let files = tuf_notary::testkit::Forge::new("example.com/app").build();
/// # let mut store = std::collections::HashMap::new();
/// let mut machine = Refresh::new(RefreshPlan {
///     gun: Gun::new("example.com/app")?,
///     trust: Trust::FirstUse,
///     dialect: Dialect::Notary,
///     limits: Limits::default(),
///     now: std::time::SystemTime::now(),
///     as_of: false,
///     offline: false,
/// });
/// let mut outcome = Ok(());
/// loop {
///     let found = match machine.step() {
///         Step::Load(slot) => store.get(&slot).cloned(),
///         Step::Fetch { resource, .. } => files.file(&resource.notary_name()).map(<[u8]>::to_vec),
///         Step::Save(slot, bytes) => {
///             store.insert(slot, bytes.to_vec());
///             continue;
///         }
///         Step::Done => break,
///         _ => unreachable!("a step that this version does not have"),
///     };
///     if let Err(error) = machine.supply(found.map_or(Reply::Absent, Reply::Found)) {
///         outcome = Err(error); // what was verified before it is still to be saved
///     }
/// }
/// outcome?;
/// assert_eq!(machine.finish()?.root().body().version.get(), 1);
/// # Ok::<(), tuf_notary::Error>(())
/// ```
#[derive(Debug)]
pub struct Refresh {
    gun: Gun,
    trust: Trust,
    judge: Judge,
    as_of: bool,
    offline: bool,
    state: State,
    /// What is to be written, and with nothing to write, emptied.
    saves: VecDeque<(Slot, Option<Bytes>)>,
    record: TrustRecord,
    floors: Floors,
    /// The root that the refresh began with; floors of cached files are judged by it.
    anchor: Option<Verified<Root>>,
    root: Option<Verified<Root>>,
    /// The roots that were reached since the last run, where each of them counts.
    since: Vec<Verified<Root>>,
    /// What was trusted when the refresh began.
    former: Former,
    timestamp: Option<Verified<Timestamp>>,
    snapshot: Option<Verified<Snapshot>>,
    targets: Option<Verified<Targets>>,
    delegated: BTreeMap<RoleName, DelegatedTargets>,
    unvouched: BTreeMap<RoleName, Envelope<Targets>>,
    /// Cached targets files that are no longer pinned, without their targets: they may hold the
    /// keys of cached delegations.
    outdated: BTreeMap<RoleName, Targets>,
    /// Bytes of `targets` and delegations so far.
    total: u64,
    /// Targets files that are still to be judged, next one last.
    pending: Vec<RoleName>,
    /// Those of them that the cache was not asked for yet, next one last.
    unloaded: Vec<RoleName>,
    /// Those of them that the cache has as they are pinned.
    at_hand: BTreeMap<RoleName, Bytes>,
    /// Why newer roots are looked for.
    stale: Option<VerifyError>,
    walked: bool,
    /// The version of a cached root that is not on record.
    unproven: Option<Version>,
    /// Whether the cache has a root and no record stands beside it.
    unrecorded: bool,
    notices: Vec<Notice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    LoadRecord,
    LoadRoot,
    FetchFirstRoot,
    /// Load the successor of `self.root`; the number of roots fetched so far.
    LoadNextRoot(u32),
    /// Fetch the successor of `self.root`; the number of roots fetched so far.
    Walk(u32),
    /// Fetch the newest root only to see whether it explains `self.stale`.
    FetchOtherRoot,
    /// Fetch the root on record, to walk from it to a newer one that is in the cache.
    FetchRecordedRoot,
    LoadTimestamp,
    FetchTimestamp {
        cached: Option<Bytes>,
    },
    LoadSnapshot,
    FetchSnapshot,
    LoadTargets(RoleName),
    FetchTargets(RoleName),
    Done,
    Failed,
}

impl Refresh {
    /// A refresh that was not begun.
    pub fn new(plan: RefreshPlan) -> Self {
        let RefreshPlan { gun, trust, dialect, limits, now, as_of, offline } = plan;
        Self {
            record: TrustRecord::new(gun.clone()),
            gun,
            trust,
            judge: Judge { dialect, limits, now },
            as_of,
            offline,
            state: State::LoadRecord,
            saves: VecDeque::new(),
            floors: Floors::default(),
            anchor: None,
            root: None,
            since: Vec::new(),
            former: Former::default(),
            timestamp: None,
            snapshot: None,
            targets: None,
            delegated: BTreeMap::new(),
            unvouched: BTreeMap::new(),
            outdated: BTreeMap::new(),
            total: 0,
            pending: Vec::new(),
            unloaded: Vec::new(),
            at_hand: BTreeMap::new(),
            stale: None,
            walked: false,
            unproven: None,
            unrecorded: false,
            notices: Vec::new(),
        }
    }

    /// With what an earlier refresh of the same client ended with: files that are pinned still, by the
    /// same root, are not read again.
    #[must_use]
    pub fn after(mut self, set: TrustedSet) -> Self {
        self.former.set = Some(set);
        self
    }

    /// What to do next. `Load` and `Fetch` are repeated until they are supplied.
    pub fn step(&mut self) -> Step {
        if let Some((slot, bytes)) = self.saves.pop_front() {
            return match bytes {
                Some(bytes) => Step::Save(slot, bytes),
                None => Step::Forget(slot),
            };
        }
        let metadata = |role: &RoleName| Step::Load(Slot::Metadata(role.clone()));
        match &self.state {
            State::LoadRecord => Step::Load(Slot::Record),
            State::LoadRoot => metadata(&RoleName::Root),
            State::LoadNextRoot(_) => Step::Load(Slot::Root(self.next_version().unwrap_or(Version::MAX))),
            State::LoadTimestamp => metadata(&RoleName::Timestamp),
            State::LoadSnapshot => metadata(&RoleName::Snapshot),
            State::LoadTargets(role) => metadata(role),
            State::Done | State::Failed => Step::Done,
            _ => match self.wanted() {
                Some((resource, max)) => Step::Fetch { resource, max },
                None => Step::Done,
            },
        }
    }

    /// The answer to the last `Load` or `Fetch`.
    ///
    /// # Errors
    /// The refresh is over; why it failed. Turn the remaining steps all the same.
    pub fn supply(&mut self, reply: Reply) -> Result<(), VerifyError> {
        let state = std::mem::replace(&mut self.state, State::Failed);
        let mut next = self.check_size(&state, &reply).and_then(|()| self.advance(state, reply));
        while let Ok(state) = &next
            && let Some(reply) = self.answer_offline(state)
        {
            let state = state.clone();
            next = self.check_size(&state, &reply).and_then(|()| self.advance(state, reply));
        }
        match next {
            Ok(next) => {
                self.state = next;
                if self.state == State::Done {
                    self.keep_record(true);
                }
                Ok(())
            }
            Err(error) => {
                self.keep_record(false);
                Err(match error {
                    VerifyError::Unavailable { name } if self.offline => VerifyError::NotCached { name },
                    error => error,
                })
            }
        }
    }

    /// The version of a role's file that holds so far.
    pub(crate) fn version(&self, role: &RoleName) -> Option<Version> {
        match role {
            RoleName::Root => self.root.as_ref().map(|root| root.body().version),
            RoleName::Timestamp => self.timestamp.as_ref().map(|timestamp| timestamp.body().version),
            RoleName::Snapshot => self.snapshot.as_ref().map(|snapshot| snapshot.body().version),
            RoleName::Targets => self.targets.as_ref().map(|targets| targets.body().version),
            RoleName::Delegated(_) => match self.delegated.get(role) {
                Some(DelegatedTargets::Usable(targets)) => Some(targets.body().version),
                _ => None,
            },
        }
    }

    /// Adds what the driver met with: it goes on without it. Each notice counts once.
    pub fn note(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// The verified set.
    ///
    /// # Errors
    /// The refresh did not get there.
    pub fn finish(self) -> Result<TrustedSet, VerifyError> {
        let unfinished = VerifyError::Unexpected { expected: "the refresh is not done" };
        match (self.state, self.root, self.timestamp, self.snapshot, self.targets) {
            (State::Done, Some(root), Some(timestamp), Some(snapshot), Some(targets)) => Ok(TrustedSet {
                root,
                timestamp,
                snapshot,
                targets,
                delegated: self.delegated,
                unvouched: self.unvouched,
                notices: self.notices,
                confirmed: self.record.confirmed.filter(|_| !self.as_of),
                judged: self.judge.now,
            }),
            _ => Err(unfinished),
        }
    }

    fn advance(&mut self, state: State, reply: Reply) -> Result<State, VerifyError> {
        match state {
            State::LoadRecord => self.on_record(reply),
            State::LoadRoot => self.on_cached_root(reply),
            State::FetchFirstRoot => self.on_first_root(reply),
            State::LoadNextRoot(steps) => self.on_kept_root(steps, reply),
            State::Walk(steps) => self.on_next_root(steps, reply),
            State::FetchOtherRoot => Err(self.explain_stale(reply)),
            State::FetchRecordedRoot => self.on_recorded_root(reply),
            State::LoadTimestamp => self.on_cached_timestamp(reply),
            State::FetchTimestamp { cached } => self.on_timestamp(cached, reply),
            State::LoadSnapshot => self.on_cached_snapshot(reply),
            State::FetchSnapshot => self.on_snapshot(reply),
            State::LoadTargets(role) => self.on_cached_targets(role, reply),
            State::FetchTargets(role) => self.on_targets(role, reply),
            State::Done | State::Failed => Err(VerifyError::Unexpected { expected: "nothing more" }),
        }
    }

    /// What stands for the server's answer while it is not asked: the timestamp that it gave last,
    /// and no newer root.
    fn answer_offline(&self, state: &State) -> Option<Reply> {
        if !self.offline {
            return None;
        }
        self.wanted_in(state)?;
        Some(match state {
            State::FetchTimestamp { cached: Some(bytes) } => Reply::Found(bytes.to_vec()),
            State::Walk(_) | State::FetchOtherRoot | State::FetchRecordedRoot => Reply::Absent,
            _ => Reply::Failed,
        })
    }

    /// A transport that delivers more than it was asked for is not believed to have stopped.
    fn check_size(&self, state: &State, reply: &Reply) -> Result<(), VerifyError> {
        let (Reply::Found(bytes), Some((resource, limit))) = (reply, self.wanted_in(state)) else {
            return Ok(());
        };
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found > limit {
            return Err(VerifyError::TooLarge { role: resource.role, limit, found });
        }
        Ok(())
    }

    fn wanted(&self) -> Option<(Resource, u64)> {
        self.wanted_in(&self.state)
    }

    fn roots(&self) -> RootJudge<'_> {
        RootJudge { judge: &self.judge, gun: &self.gun, trust: &self.trust }
    }

    fn save(&mut self, role: &RoleName, bytes: &Bytes) {
        self.queue(Slot::Metadata(role.clone()), bytes.clone());
    }

    fn queue(&mut self, slot: Slot, bytes: Bytes) {
        if !self.as_of {
            self.saves.push_back((slot, Some(bytes)));
        }
    }

    fn forget(&mut self, role: &RoleName) {
        if !self.as_of {
            self.saves.push_back((Slot::Metadata(role.clone()), None));
        }
    }

    const fn rules(&self) -> Rules {
        self.judge.rules()
    }

    /// Looks for newer roots when that may explain `error`; otherwise the error stands.
    fn recover(&mut self, error: VerifyError) -> Result<State, VerifyError> {
        if self.walked || !error.may_be_stale_root() {
            return Err(error);
        }
        self.stale = Some(error);
        self.walk()
    }

    /// The content of a fetched file that the repository lists.
    fn listed(&self, resource: &Resource, reply: Reply) -> Result<Bytes, VerifyError> {
        let name = resource.notary_name();
        match reply {
            Reply::Found(bytes) => Ok(bytes.into()),
            Reply::Absent => Err(VerifyError::Missing { name }),
            Reply::Failed => Err(VerifyError::Unavailable { name }),
        }
    }
}
