//! The look-up of one target: targets, then delegations in pre-order (TUF specification 1.0.34
//! section 5.6.7).
//!
//! The rules:
//! - A role is asked when each delegation on the way to it grants the target's path, in the order of
//!   the documents; a terminating one is the last that is looked at. A role is asked once.
//! - A role's file is loaded when the look-up comes by it, and must be what the snapshot lists. Its
//!   signatures are judged by the delegation that led there, whoever else vouches for it.
//! - A role that is not listed, missing, expired or under-signed ends the look-up with an error: what
//!   stands behind it must not answer in its place.
//!
//! Like [`Refresh`](super::Refresh) this is a machine without input or output of its own.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::SystemTime,
};

use super::{Reply, Step, TrustedSet, Verified, VerifyError, admit::Judge};
use crate::{
    crypto::digest,
    limits::Limits,
    metadata::{Authority, Pin, TargetInfo, Targets},
    name::{Resource, RoleName, Slot, Version},
    wire::{Bytes, Dialect},
};

/// What look-ups are judged by.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct SearchPlan {
    /// The dialect of the repository.
    pub dialect: Dialect,
    /// The bounds.
    pub limits: Limits,
    /// The one instant that all files are judged at.
    pub now: SystemTime,
    /// Whether nothing is kept, as with [`RefreshPlan::as_of`](super::RefreshPlan::as_of).
    pub as_of: bool,
    /// Whether the cache answers instead of the server.
    pub offline: bool,
}

/// Files of delegated roles that look-ups have verified, for the next look-up in the same set.
#[derive(Clone, Debug, Default)]
pub struct KnownRoles {
    roles: BTreeMap<RoleName, (Authority, Verified<Targets>)>,
    /// Bytes of their files.
    total: u64,
}

/// A target that was found, and by whose word it is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The role that lists it.
    pub role: RoleName,
    /// What is signed about it.
    pub info: TargetInfo,
}

/// One look-up.
#[derive(Debug)]
pub struct Search {
    judge: Judge,
    as_of: bool,
    offline: bool,
    set: TrustedSet,
    known: KnownRoles,
    target: String,
    /// The roles that are still to be asked, next one last.
    edges: Vec<Waiting>,
    visited: BTreeSet<RoleName>,
    saves: VecDeque<(Slot, Bytes)>,
    state: State,
    total: u64,
}

/// A delegation that a look-up may still follow. Its keys are looked up when it does.
#[derive(Clone, Debug)]
struct Waiting {
    role: RoleName,
    delegator: Verified<Targets>,
    depth: usize,
}

/// A delegation that leads to a role.
#[derive(Clone, Debug)]
struct Edge {
    role: RoleName,
    authority: Authority,
    depth: usize,
}

#[derive(Clone, Debug)]
enum State {
    Load(Edge, Pin),
    Fetch(Edge, Pin),
    Done(Option<Found>),
    Failed,
}

impl Search {
    /// Begins to look for `target` in a set.
    ///
    /// # Errors
    /// A bound is reached, or a role that would have to answer is not there.
    pub fn new(
        plan: SearchPlan,
        set: TrustedSet,
        known: KnownRoles,
        target: &str,
    ) -> Result<Self, VerifyError> {
        let SearchPlan { dialect, limits, now, as_of, offline } = plan;
        // As in the refresh, a clock that was set back makes nothing valid again.
        let now = if as_of { now } else { now.max(set.judged) };
        let mut search = Self {
            judge: Judge { dialect, limits, now },
            as_of,
            offline,
            set,
            known,
            target: target.to_owned(),
            edges: Vec::new(),
            visited: BTreeSet::from([RoleName::Targets]),
            saves: VecDeque::new(),
            state: State::Failed,
            total: 0,
        };
        let targets = search.set.targets().clone();
        search.judge.unexpired(&RoleName::Targets, targets.body())?;
        search.count(&RoleName::Targets, targets.bytes())?;
        search.state = match search.ask(&RoleName::Targets, &targets, 0)? {
            Some(found) => State::Done(Some(found)),
            None => search.next()?,
        };
        Ok(search)
    }

    /// What to do next. `Load` and `Fetch` are repeated until they are supplied.
    pub fn step(&mut self) -> Step {
        if let Some((slot, bytes)) = self.saves.pop_front() {
            return Step::Save(slot, bytes);
        }
        match &self.state {
            State::Load(edge, _) => Step::Load(Slot::Metadata(edge.role.clone())),
            State::Fetch(edge, pin) => match self.judge.cap(&edge.role, pin) {
                Ok(max) => Step::Fetch { resource: self.resource(edge, pin), max },
                Err(_) => Step::Done,
            },
            State::Done(_) | State::Failed => Step::Done,
        }
    }

    /// The answer to the last `Load` or `Fetch`.
    ///
    /// # Errors
    /// The look-up is over; why it failed. Turn the remaining steps all the same.
    pub fn supply(&mut self, reply: Reply) -> Result<(), VerifyError> {
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::Load(edge, pin) => self.on_cached(edge, pin, reply)?,
            State::Fetch(edge, pin) => {
                let targets = self.on_fetched(&edge, &pin, reply)?;
                if !self.as_of {
                    let slot = Slot::Metadata(edge.role.clone());
                    self.saves.push_back((slot, targets.bytes().clone()));
                }
                self.visit(edge, targets)?
            }
            State::Done(_) | State::Failed => {
                return Err(VerifyError::Unexpected { expected: "nothing more" });
            }
        };
        Ok(())
    }

    /// Whether the look-up is at its end without any step.
    pub fn is_done(&self) -> bool {
        self.saves.is_empty() && matches!(self.state, State::Done(_))
    }

    /// The version of a role's file that has been verified.
    pub(crate) fn version(&self, role: &RoleName) -> Option<Version> {
        self.known.roles.get(role).map(|(_, targets)| targets.body().version)
    }

    /// What was found, if anything, and the roles that are known now.
    ///
    /// # Errors
    /// The look-up did not get to its end.
    pub fn finish(self) -> Result<(Option<Found>, KnownRoles), VerifyError> {
        match self.state {
            State::Done(found) => Ok((found, self.known)),
            _ => Err(VerifyError::Unexpected { expected: "the look-up is not done" }),
        }
    }

    /// Takes the entry of a role, or lines up the roles that it delegates to.
    fn ask(
        &mut self,
        role: &RoleName,
        targets: &Verified<Targets>,
        depth: usize,
    ) -> Result<Option<Found>, VerifyError> {
        if let Some(entry) = targets.body().targets.get(&self.target) {
            return Ok(Some(Found { role: role.clone(), info: entry.to_info() }));
        }
        let (children, is_last) = delegated_to(targets.body(), &self.target)?;
        if is_last {
            self.edges.clear();
        }
        let depth = depth.saturating_add(1);
        let delegator = || targets.clone();
        let edges = children.into_iter().rev();
        self.edges.extend(edges.map(|role| Waiting { role, delegator: delegator(), depth }));
        Ok(None)
    }

    /// Goes to the next role that was not asked yet.
    fn next(&mut self) -> Result<State, VerifyError> {
        loop {
            let Some(waiting) = self.edges.pop() else { return Ok(State::Done(None)) };
            if !self.visited.insert(waiting.role.clone()) {
                continue;
            }
            let edge = waiting.follow()?;
            self.check_bounds(&edge)?;
            let Some(pin) = self.set.snapshot().body().pin(&edge.role).copied() else {
                return Err(VerifyError::Unlisted { role: edge.role });
            };
            self.judge.cap(&edge.role, &pin)?;
            let known = self.known.roles.get(&edge.role);
            let known = known.filter(|(authority, _)| *authority == edge.authority);
            let Some(targets) = known.map(|(_, targets)| targets.clone()) else {
                return Ok(State::Load(edge, pin));
            };
            self.judge.unexpired(&edge.role, targets.body())?;
            if let Some(found) = self.ask(&edge.role, &targets, edge.depth)? {
                return Ok(State::Done(Some(found)));
            }
        }
    }

    fn check_bounds(&self, edge: &Edge) -> Result<(), VerifyError> {
        let (roles, limits) = (self.visited.len().saturating_sub(1), &self.judge.limits);
        if roles > limits.max_visited_roles {
            let limit = limits.max_visited_roles;
            return Err(VerifyError::TooMany { what: "delegated roles in one look-up", limit });
        }
        if edge.depth > limits.max_delegation_depth {
            let limit = limits.max_delegation_depth;
            return Err(VerifyError::TooMany { what: "levels of delegation", limit });
        }
        Ok(())
    }

    /// A cached file that does not hold is fetched anew.
    fn on_cached(&mut self, edge: Edge, pin: Pin, reply: Reply) -> Result<State, VerifyError> {
        let Reply::Found(bytes) = reply else { return self.fetch(edge, pin) };
        let bytes = Bytes::from(bytes);
        match self.judge(&edge, &pin, &bytes) {
            Ok(targets) => {
                self.count(&edge.role, &bytes)?;
                self.visit(edge, targets)
            }
            Err(_) => self.fetch(edge, pin),
        }
    }

    fn fetch(&self, edge: Edge, pin: Pin) -> Result<State, VerifyError> {
        match self.offline {
            true => Err(VerifyError::NotCached { name: self.resource(&edge, &pin).tuf_name() }),
            false => Ok(State::Fetch(edge, pin)),
        }
    }

    fn on_fetched(&mut self, edge: &Edge, pin: &Pin, reply: Reply) -> Result<Verified<Targets>, VerifyError> {
        let name = self.resource(edge, pin).tuf_name();
        let bytes: Bytes = match reply {
            Reply::Found(bytes) => bytes.into(),
            Reply::Absent => return Err(VerifyError::Missing { name }),
            Reply::Failed => return Err(VerifyError::Unavailable { name }),
        };
        self.count(&edge.role, &bytes)?;
        self.judge(edge, pin, &bytes)
    }

    /// Whether a file is the listed one, and the delegation that led there vouches for it.
    fn judge(&self, edge: &Edge, pin: &Pin, bytes: &Bytes) -> Result<Verified<Targets>, VerifyError> {
        let Edge { role, authority, .. } = edge;
        self.judge.check_pin(role, bytes, pin)?;
        let envelope = self.judge.read_targets(role, bytes.clone())?;
        let sha256 = pin.hashes.sha256.unwrap_or_else(|| digest::sha256(bytes));
        let targets = self.judge.vouch(role, envelope, authority, sha256)?;
        self.judge.check_version(role, targets.body(), pin)?;
        self.judge.unexpired(role, targets.body())?;
        Ok(targets)
    }

    fn visit(&mut self, edge: Edge, targets: Verified<Targets>) -> Result<State, VerifyError> {
        let Edge { role, authority, depth } = edge;
        self.known.add(&self.judge.limits, role.clone(), authority, targets.clone());
        match self.ask(&role, &targets, depth)? {
            Some(found) => Ok(State::Done(Some(found))),
            None => self.next(),
        }
    }

    /// Each file is bounded, and so are targets and all that one look-up loads together.
    fn count(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), VerifyError> {
        let limit = self.judge.limits.max_total;
        self.total = self.total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        match self.total > limit {
            true => Err(VerifyError::TooLarge { role: role.clone(), limit, found: self.total }),
            false => Ok(()),
        }
    }

    fn resource(&self, edge: &Edge, pin: &Pin) -> Resource {
        self.judge.resource(self.set.root().body(), &edge.role, pin)
    }
}

impl Waiting {
    fn follow(self) -> Result<Edge, VerifyError> {
        let Self { role, delegator, depth } = self;
        let targets = delegator.body();
        let authority = match &targets.bins {
            Some(delegation) => Some(targets.keys.authority(&delegation.keys)),
            None => targets.authority(&role),
        };
        let authority = authority.ok_or(VerifyError::Unexpected { expected: "a delegation" })?;
        Ok(Edge { role, authority, depth })
    }
}

impl KnownRoles {
    /// All of them together are bounded; what is dropped is in the store.
    fn add(&mut self, limits: &Limits, role: RoleName, authority: Authority, targets: Verified<Targets>) {
        let length = |it: &Verified<Targets>| u64::try_from(it.bytes().len()).unwrap_or(u64::MAX);
        self.total = self.total.saturating_add(length(&targets));
        if self.total > limits.max_total {
            self.roles.clear();
            self.total = length(&targets);
        }
        if let Some((_, before)) = self.roles.insert(role, (authority, targets)) {
            self.total = self.total.saturating_sub(length(&before));
        }
    }
}

/// The roles that a targets file sends a look-up to, in order, and whether it may go nowhere else.
fn delegated_to(targets: &Targets, target: &str) -> Result<(Vec<RoleName>, bool), VerifyError> {
    if let Some(delegation) = &targets.bins {
        let malformed = |error| VerifyError::Malformed { role: RoleName::Targets, source: error };
        let role = RoleName::tuf(&delegation.bins.bin_of(target)).map_err(|e| malformed(e.into()))?;
        return Ok((vec![role], true));
    }
    let mut children = Vec::new();
    for delegation in &targets.delegations {
        if !delegation.paths.grants(target) {
            continue;
        }
        children.push(delegation.name.clone());
        if delegation.terminating {
            return Ok((children, true));
        }
    }
    Ok((children, false))
}
