//! The root's part of a refresh: anchor, first contact, walk.

use super::{Refresh, RefreshPlan, Reply, State};
use crate::{
    crypto::digest,
    metadata::Root,
    name::{Form, Resource, RoleName, Slot, Version},
    verify::{Notice, Trust, Verified, VerifyError},
    wire::{Bytes, NewerRoots},
};

impl Refresh {
    /// Whether a client that knows nothing of the collection would begin with `root`.
    ///
    /// # Errors
    /// Why the policy refuses it.
    pub(crate) fn check_first_root(plan: RefreshPlan, root: Vec<u8>) -> Result<(), VerifyError> {
        let mut machine = Self::new(plan);
        machine.supply(Reply::Absent)?; // the record
        machine.supply(Reply::Absent)?; // the cached root
        match (&machine.state, &machine.root) {
            (State::FetchFirstRoot, _) => machine.supply(Reply::Found(root)),
            (_, Some(given)) if **given.bytes() == *root => Ok(()),
            (_, given) => Err(VerifyError::PinMismatch {
                version: given.as_ref().map_or(Version::ONE, |given| given.body().version),
                gun: machine.gun.clone(),
                reason: "expected the given root, found another".to_owned(),
            }),
        }
    }

    pub(super) fn on_cached_root(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let given = match &self.trust {
            Trust::Root(bytes) => Some(self.roots().given(bytes)?),
            _ => None,
        };
        let cached = match reply {
            Reply::Failed => return Err(self.anchor_lost("the cached root can't be read")),
            Reply::Absent => None,
            Reply::Found(bytes) => Some(self.roots().cached(bytes.into())?),
        };
        if let (Some(cached), Trust::FirstUse) = (&cached, &self.trust)
            && self.floors.get(&RoleName::Root).is_some_and(|floor| floor.version < cached.body().version)
        {
            self.unproven = Some(cached.body().version);
            return Ok(State::FetchRecordedRoot);
        }
        let reached = match (&given, &cached) {
            (Some(given), Some(cached)) => self.is_reached(given, cached)?,
            _ => true,
        };
        if let Some(cached) = &cached {
            self.unrecorded = self.record.first_use.is_none();
            match reached || self.rules().newer_roots == NewerRoots::OnFailure {
                // A root's floor binds whatever became of its keys.
                true => self.floors.raise(&RoleName::Root, None, cached),
                // One that nobody has vouched for yet says nothing that outlives this refresh.
                false => self.unproven = Some(cached.body().version),
            }
        }
        match (given, cached) {
            (Some(_), Some(cached)) if reached => self.begin_with(cached),
            (Some(given), _) => {
                // A newer one stays in the cache until it is reached again.
                if self.is_newest_known(&given) {
                    self.save(&RoleName::Root, given.bytes());
                    self.floors.set(&RoleName::Root, &given);
                }
                self.begin_with(given)
            }
            (None, Some(cached)) => {
                let replaced = |error: VerifyError| self.anchor_lost(&format!("cached root: {error}"));
                self.check_same_root(&cached).map_err(replaced)?;
                self.begin_with(cached)
            }
            // A first use that happened can't happen again: whoever deleted the root would
            // decide what is trusted instead.
            (None, None) if self.record.first_use.is_some() && matches!(self.trust, Trust::FirstUse) => {
                Err(self.anchor_lost("the collection was used before and its root is gone"))
            }
            (None, None) => Ok(State::FetchFirstRoot),
        }
    }

    /// A cached root that is newer than the recorded one was put there by somebody else. That may
    /// be Notary or Docker, who share the folder, or a stranger with a chain of their own: the
    /// recorded one tells, from which it must be reached.
    pub(super) fn on_recorded_root(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let bytes = match (reply, self.recorded_root()) {
            (Reply::Failed, Some(resource)) => {
                return Err(VerifyError::Unavailable { name: resource.notary_name() });
            }
            (Reply::Found(bytes), _) => Some(bytes),
            _ => None,
        };
        let recorded = self.floors.get(&RoleName::Root).map(|floor| floor.sha256);
        let genuine = bytes.filter(|bytes| recorded == Some(digest::sha256(bytes)));
        let unproven = "the cached root is newer than the one on record, and not reached from it";
        let Some(bytes) = genuine else { return Err(self.anchor_lost(unproven)) };
        let root = self.roots().given(&bytes)?;
        self.anchor = Some(root.clone());
        self.root = Some(root);
        self.stale = Some(self.anchor_lost(unproven));
        self.walk()
    }

    /// The root on record, by its version.
    pub(super) fn recorded_root(&self) -> Option<Resource> {
        let version = self.floors.get(&RoleName::Root)?.version;
        Some(Resource { role: RoleName::Root, form: Form::Version(version) })
    }

    pub(super) fn on_first_root(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let bytes = match reply {
            Reply::Found(bytes) => bytes.into(),
            Reply::Absent => return Err(VerifyError::NotSigned { gun: self.gun.clone() }),
            Reply::Failed => {
                return Err(VerifyError::Unavailable {
                    name: Resource::latest(RoleName::Root).notary_name(),
                });
            }
        };
        let root = self.roots().first(bytes)?;
        self.check_root_floor(&root)?;
        if matches!(self.trust, Trust::FirstUse) {
            self.note(Notice::FirstUse { version: root.body().version });
        }
        self.save(&RoleName::Root, root.bytes());
        self.floors.set(&RoleName::Root, &root);
        self.anchor = Some(root.clone());
        self.root = Some(root);
        self.note_first_use();
        // Kept at once, behind the root: a crash between the two leaves an anchor without a
        // record, which is what Notary's own folders look like.
        self.queue(Slot::Record, self.record.to_bytes().into());
        Ok(State::LoadTimestamp)
    }

    pub(super) fn on_next_root(&mut self, steps: u32, reply: Reply) -> Result<State, VerifyError> {
        let Some(current) = &self.root else {
            return Err(VerifyError::Unexpected { expected: "a root to walk from" });
        };
        let bytes: Bytes = match reply {
            Reply::Found(bytes) => bytes.into(),
            Reply::Absent => return self.end_walk(),
            Reply::Failed => {
                let name = self.next_root().map_or_else(String::new, |resource| resource.notary_name());
                return Err(VerifyError::Unavailable { name });
            }
        };
        let limit = self.judge.limits.max_root_rotations;
        if steps >= limit {
            self.end_walk()?;
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            return Err(VerifyError::TooMany { what: "root rotations in one refresh", limit });
        }
        let next = self.roots().successor(current, bytes)?;
        self.reach(next)?;
        self.walk_on(steps.saturating_add(1))
    }

    /// A root of the chain that was kept: like a fetched one, except that a damaged one is fetched
    /// again.
    pub(super) fn on_kept_root(&mut self, steps: u32, reply: Reply) -> Result<State, VerifyError> {
        let Some(current) = &self.root else {
            return Err(VerifyError::Unexpected { expected: "a root to walk from" });
        };
        let Reply::Found(bytes) = reply else { return Ok(State::Walk(steps)) };
        match self.roots().successor(current, bytes.into()) {
            Ok(next) if self.check_same_root(&next).is_ok() => {
                self.reach(next)?;
                self.walk_on(steps)
            }
            _ => {
                self.note(Notice::CacheUnusable { role: RoleName::Root });
                Ok(State::Walk(steps))
            }
        }
    }

    /// Goes on from a verified successor.
    fn reach(&mut self, next: Verified<Root>) -> Result<(), VerifyError> {
        self.check_same_root(&next)?;
        if self.rules().newer_roots == NewerRoots::Always {
            self.queue(Slot::Root(next.body().version), next.bytes().clone());
            self.let_go(&next);
            // The newest one known stays the one in the cache until it is reached again.
            if self.is_newest_known(&next) {
                self.save(&RoleName::Root, next.bytes());
                self.floors.set(&RoleName::Root, &next);
            }
        }
        self.root = Some(next);
        Ok(())
    }

    /// The version after the trusted root's; none after the highest.
    pub(super) fn next_version(&self) -> Option<Version> {
        self.root.as_ref()?.body().version.next()
    }

    /// The root of that version.
    pub(super) fn next_root(&self) -> Option<Resource> {
        Some(Resource { role: RoleName::Root, form: Form::Version(self.next_version()?) })
    }

    pub(super) fn walk(&mut self) -> Result<State, VerifyError> {
        self.walked = true;
        self.walk_on(0)
    }

    fn walk_on(&mut self, steps: u32) -> Result<State, VerifyError> {
        match self.rules().newer_roots {
            _ if self.next_version().is_none() => self.end_walk(),
            NewerRoots::Always => Ok(State::LoadNextRoot(steps)),
            NewerRoots::OnFailure => Ok(State::Walk(steps)),
        }
    }

    /// No successor is there. Without progress the reason for the walk stands, if there was one.
    fn end_walk(&mut self) -> Result<State, VerifyError> {
        let (Some(anchor), Some(last)) = (self.anchor.clone(), self.root.clone()) else {
            return Err(VerifyError::Unexpected { expected: "a root to end with" });
        };
        if self.unproven.is_some_and(|cached| last.body().version < cached) {
            return Err(self.anchor_lost("the cached root is newer than any that the server has"));
        }
        match (last.body().version > anchor.body().version, self.stale.take()) {
            // A collection that was begun anew: the file is signed well, by another root's keys.
            (false, Some(unsigned @ VerifyError::Threshold { .. })) => {
                self.stale = Some(unsigned);
                return Ok(State::FetchOtherRoot);
            }
            (false, Some(stale)) => return Err(stale),
            (false, None) => return Ok(State::LoadTimestamp),
            (true, _) => {}
        }
        let known = self.floors.get(&RoleName::Root).is_some_and(|floor| floor.sha256 == *last.sha256());
        self.roots().last(&anchor, &last, known)?;
        self.check_root_floor(&last)?;
        self.save(&RoleName::Root, last.bytes());
        self.floors.set(&RoleName::Root, &last);
        self.judge.unexpired(&RoleName::Root, last.body())?;
        self.timestamp = None;
        self.snapshot = None;
        self.targets = None;
        self.delegated.clear();
        self.pending.clear();
        self.unloaded.clear();
        self.at_hand.clear();
        self.total = 0;
        Ok(State::LoadTimestamp)
    }

    /// The server's newest root is trusted in no case here: it only tells that the root was
    /// replaced from files that were badly signed.
    pub(super) fn explain_stale(&mut self, reply: Reply) -> VerifyError {
        let stale = self.stale.take().unwrap_or(no_reason());
        let (Reply::Found(bytes), Some(trusted)) = (reply, &self.root) else { return stale };
        let Ok(other) = self.roots().read(bytes.into()) else { return stale };
        match self.roots().signed_by(trusted, &other) {
            Err(changed @ VerifyError::RootChanged { .. }) => changed,
            _ => stale,
        }
    }

    /// A root that has expired, or is older than one that was trusted, only leads to its
    /// successors: nothing else may be judged by it.
    fn begin_with(&mut self, root: Verified<Root>) -> Result<State, VerifyError> {
        let unexpired = self.judge.unexpired(&RoleName::Root, root.body());
        let outdated = self.check_root_floor(&root).and(unexpired).err();
        if self.rules().newer_roots == NewerRoots::Always {
            self.let_go(&root);
        }
        self.anchor = Some(root.clone());
        self.root = Some(root);
        self.note_first_use();
        match (outdated, self.rules().newer_roots) {
            (None, NewerRoots::OnFailure) => Ok(State::LoadTimestamp),
            (outdated, _) => {
                self.stale = outdated;
                self.walk()
            }
        }
    }

    /// Whether the given root vouches for the cached one directly. A chain of several versions is
    /// walked again, since the files between are not kept.
    fn is_reached(&self, given: &Verified<Root>, cached: &Verified<Root>) -> Result<bool, VerifyError> {
        if given.sha256() == cached.sha256() {
            return Ok(true);
        }
        let (from, to) = (given.body().version, cached.body().version);
        let leads_there = match self.rules().newer_roots {
            NewerRoots::OnFailure => to > from,
            NewerRoots::Always => from.next() == Some(to),
        };
        let newer = leads_there && self.check_same_root(cached).is_ok();
        let envelope = self.roots().read(cached.bytes().clone())?;
        Ok(newer && self.roots().signed_by(given, &envelope).is_ok())
    }

    /// Whether neither the record nor the cache has a newer one.
    fn is_newest_known(&self, root: &Verified<Root>) -> bool {
        let version = root.body().version;
        self.check_root_floor(root).is_ok() && self.unproven.is_none_or(|cached| cached <= version)
    }

    /// A root is never undercut, whatever became of its keys: each is a successor of the last.
    fn check_root_floor(&self, root: &Verified<Root>) -> Result<(), VerifyError> {
        let offered = root.body().version;
        match self.floors.get(&RoleName::Root) {
            Some(floor) if offered < floor.version => {
                Err(VerifyError::Rollback { role: RoleName::Root, trusted: floor.version, offered })
            }
            _ => Ok(()),
        }
    }

    /// A version has one root. Another one leads to other successors: keys that were revoked since
    /// would make it, from an older root that somebody gave or put into the cache.
    fn check_same_root(&self, root: &Verified<Root>) -> Result<(), VerifyError> {
        let (version, found) = (root.body().version, root.sha256());
        match self.floors.get(&RoleName::Root) {
            Some(floor) if floor.version == version && floor.sha256 != *found => {
                let hex = |digest| data_encoding::HEXLOWER.encode(digest);
                Err(VerifyError::RootReplaced { version, trusted: hex(&floor.sha256), found: hex(found) })
            }
            _ => Ok(()),
        }
    }

    fn anchor_lost(&self, reason: &str) -> VerifyError {
        VerifyError::LocalState { gun: self.gun.clone(), reason: reason.to_owned() }
    }
}

const fn no_reason() -> VerifyError {
    VerifyError::Unexpected { expected: "a reason to walk" }
}
