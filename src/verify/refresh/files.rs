//! Timestamp, snapshot, targets and delegations.

use super::{Refresh, Reply, State};
use crate::{
    crypto::digest,
    metadata::{Authority, Pin, Snapshot, TargetIndex, Targets, Timestamp},
    name::{Form, Resource, RoleName},
    verify::{DelegatedTargets, Notice, Verified, VerifyError},
    wire::{Bytes, Document, Envelope},
};

impl Refresh {
    pub(super) fn on_cached_timestamp(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let cached: Option<Bytes> = match reply {
            Reply::Found(bytes) => Some(bytes.into()),
            Reply::Absent | Reply::Failed => None,
        };
        self.raise_floor::<Timestamp>(&RoleName::Timestamp, cached.as_ref());
        Ok(State::FetchTimestamp { cached })
    }

    pub(super) fn on_timestamp(&mut self, cached: Option<Bytes>, reply: Reply) -> Result<State, VerifyError> {
        let role = RoleName::Timestamp;
        let bytes = self.listed(&Resource::latest(role.clone()), reply)?;
        let unchanged = cached.is_some_and(|cached| cached == bytes);
        let sha256 = digest::sha256(&bytes);
        let envelope = self.judge.read::<Timestamp>(&role, bytes)?;
        let timestamp = match self.admit(&role, envelope, sha256) {
            Ok(timestamp) => timestamp,
            Err(error) => return self.recover(error),
        };
        self.judge.cap(&RoleName::Snapshot, &timestamp.body().snapshot)?;
        self.accept(&role, &timestamp, unchanged);
        self.timestamp = Some(timestamp);
        Ok(State::LoadSnapshot)
    }

    pub(super) fn on_cached_snapshot(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let role = RoleName::Snapshot;
        match self.as_pinned(&role, reply)? {
            Cached::Pinned(bytes) => self.take_snapshot(bytes, true),
            Cached::Other(cached) => {
                self.raise_floor::<Snapshot>(&role, cached.as_ref());
                Ok(State::FetchSnapshot)
            }
        }
    }

    pub(super) fn on_snapshot(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let bytes = self.pinned(&RoleName::Snapshot, reply)?;
        self.take_snapshot(bytes, false)
    }

    fn take_snapshot(&mut self, bytes: Bytes, from_cache: bool) -> Result<State, VerifyError> {
        let role = RoleName::Snapshot;
        let sha256 = self.pinned_digest(&role)?;
        let envelope = self.judge.read::<Snapshot>(&role, bytes)?;
        let checked = self.admit(&role, envelope, sha256).and_then(|snapshot| {
            self.check_root_pin(&snapshot)?;
            Ok(snapshot)
        });
        let snapshot = match checked {
            Ok(snapshot) => snapshot,
            Err(error) => return self.recover(error),
        };
        self.judge.cap(&RoleName::Targets, &snapshot.body().targets)?;
        self.accept(&role, &snapshot, from_cache);
        self.snapshot = Some(snapshot);
        Ok(State::LoadTargets(RoleName::Targets))
    }

    /// The set is consistent only with the very root that the snapshot pins.
    fn check_root_pin(&self, snapshot: &Verified<Snapshot>) -> Result<(), VerifyError> {
        match &self.root {
            Some(root) => match &snapshot.body().root {
                Some(pin) => self.judge.check_digests(&RoleName::Root, root.bytes(), pin),
                None => Ok(()),
            },
            None => Err(VerifyError::Unexpected { expected: "a root" }),
        }
    }

    pub(super) fn on_cached_targets(&mut self, role: RoleName, reply: Reply) -> Result<State, VerifyError> {
        if role != RoleName::Targets && self.pin(&role).is_none() {
            return self.on_unpublished(role, reply);
        }
        match self.as_pinned(&role, reply)? {
            Cached::Pinned(bytes) => drop(self.at_hand.insert(role.clone(), bytes)),
            Cached::Other(cached) => self.raise_targets_floor(&role, cached.as_ref()),
        }
        if role == RoleName::Targets {
            self.pending.push(role);
        }
        self.next_targets()
    }

    pub(super) fn on_targets(&mut self, role: RoleName, reply: Reply) -> Result<State, VerifyError> {
        let bytes = self.pinned(&role, reply)?;
        match self.take_targets(role, bytes, false)? {
            Some(state) => Ok(state),
            None => self.next_targets(),
        }
    }

    /// What the next `Fetch` steps will ask for after the present one, as far as that is certain
    /// already: a driver may ask for them all at once. It supplies each reply when its step comes.
    pub fn ahead(&self) -> Vec<(Resource, u64)> {
        let State::FetchTargets(role) = &self.state else { return Vec::new() };
        let pinned = self.pinned_resource(role).map_or(0, |(_, length)| length);
        let mut total = self.total.saturating_add(pinned);
        let others = self.pending.iter().rev().filter(|role| !self.at_hand.contains_key(role));
        let wanted = others.filter_map(|role| self.pinned_resource(role));
        // What won't be kept is not asked for.
        let affordable = wanted.take_while(|(_, length)| {
            total = total.saturating_add(*length);
            total <= self.judge.limits.max_total
        });
        affordable.collect()
    }

    /// A role that the snapshot doesn't list was never published, or is withheld: then its targets
    /// must not be looked for elsewhere.
    fn on_unpublished(&mut self, role: RoleName, reply: Reply) -> Result<State, VerifyError> {
        self.pending.retain(|pending| *pending != role);
        if let Reply::Found(bytes) = reply {
            self.raise_targets_floor(&role, Some(&bytes.into()));
        }
        let authority = self.authority(&role)?;
        let trusted = self.floors.binding(&role, &authority).map(|floor| floor.version);
        if let Some(trusted) = trusted {
            let withheld = VerifyError::Withheld { role: role.clone(), trusted };
            self.leave_out(role, withheld);
        }
        self.next_targets()
    }

    /// First the cache is asked for all children of a file, so that all that are not there can be
    /// fetched together; then they are judged one by one.
    fn next_targets(&mut self) -> Result<State, VerifyError> {
        if let Some(role) = self.unloaded.pop() {
            return Ok(State::LoadTargets(role));
        }
        while let Some(role) = self.pending.pop() {
            let Some(bytes) = self.at_hand.remove(&role) else { return Ok(State::FetchTargets(role)) };
            if let Some(state) = self.take_targets(role, bytes, true)? {
                return Ok(state);
            }
            if let Some(role) = self.unloaded.pop() {
                return Ok(State::LoadTargets(role));
            }
        }
        Ok(State::Done)
    }

    /// Judges a file. Returns a state when the refresh does not go on with the next one.
    fn take_targets(
        &mut self,
        role: RoleName,
        bytes: Bytes,
        from_cache: bool,
    ) -> Result<Option<State>, VerifyError> {
        self.add_up(&role, &bytes)?;
        let sha256 = self.pinned_digest(&role)?;
        let envelope = self.judge.read_targets(&role, bytes.clone())?;
        match self.admit(&role, envelope, sha256) {
            Ok(targets) => {
                self.accept(&role, &targets, from_cache);
                self.queue_children(targets.body())?;
                match role {
                    RoleName::Targets => self.targets = Some(targets),
                    _ => drop(self.delegated.insert(role, DelegatedTargets::Usable(targets))),
                }
            }
            Err(error) if role != RoleName::Targets && error.spoils_only_its_subtree() => {
                match self.judge.dialect.rules().bad_delegation {
                    crate::wire::BadDelegation::SkipSubtree => {
                        let envelope = self.judge.read_targets(&role, bytes)?;
                        self.unvouched.insert(role.clone(), envelope);
                        self.leave_out(role, error);
                    }
                }
            }
            Err(error) => return self.recover(error).map(Some),
        }
        Ok(None)
    }

    /// Each file is bounded, and so are all of them together.
    fn add_up(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), VerifyError> {
        let limit = self.judge.limits.max_total;
        self.total = self.total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        match self.total > limit {
            true => Err(VerifyError::TooLarge { role: role.clone(), limit, found: self.total }),
            false => Ok(()),
        }
    }

    fn leave_out(&mut self, role: RoleName, error: VerifyError) {
        let notice = Notice::DelegationUnusable { role: role.clone(), reason: error.to_string() };
        self.note(notice);
        self.delegated.insert(role, DelegatedTargets::Unusable(error));
    }

    /// The children in the order of the document.
    fn queue_children(&mut self, targets: &Targets) -> Result<(), VerifyError> {
        let limits = &self.judge.limits;
        for child in targets.delegations.iter().rev() {
            if child.name.depth() > limits.max_delegation_depth {
                return Err(VerifyError::TooMany {
                    what: "levels of delegation",
                    limit: limits.max_delegation_depth,
                });
            }
            self.pending.push(child.name.clone());
            self.unloaded.push(child.name.clone());
        }
        let loaded = self.delegated.len().saturating_add(self.pending.len());
        if loaded > limits.max_delegations {
            return Err(VerifyError::TooMany { what: "delegations", limit: limits.max_delegations });
        }
        Ok(())
    }

    /// Takes over a verified file: floor, notice, save.
    fn accept<T: Document>(&mut self, role: &RoleName, verified: &Verified<T>, is_cached: bool) {
        let version = verified.body().version();
        match self.floors.get(role) {
            Some(floor) if floor.version == version && floor.sha256 != *verified.sha256() => {
                let (before, now) = (floor.sha256, *verified.sha256());
                self.note(Notice::Equivocation { role: role.clone(), version, before, now });
            }
            _ => {}
        }
        self.floors.set(role, verified);
        if !is_cached {
            self.save(role, verified.bytes());
        }
    }

    fn raise_targets_floor(&mut self, role: &RoleName, cached: Option<&Bytes>) {
        let outdated = self.raise_floor::<Targets>(role, cached);
        if let Some(mut targets) = outdated {
            targets.targets = TargetIndex::default();
            self.outdated.insert(role.clone(), targets);
        }
    }

    /// Raises the floor of a role to what its cached file shows, unless that is the very file
    /// that the record names and the floor binds. Returns the file's content when it was read.
    fn raise_floor<T: Document>(&mut self, role: &RoleName, cached: Option<&Bytes>) -> Option<T> {
        let authority = self.authority(role).ok();
        let floor = authority.as_ref().and_then(|authority| self.floors.binding(role, authority));
        let recorded = floor.map(|floor| floor.sha256);
        let found = match cached {
            Some(bytes) if recorded == Some(digest::sha256(bytes)) => None,
            Some(bytes) => match self.verify_cached::<T>(role, bytes) {
                Some(verified) => {
                    self.floors.raise(role, authority.as_ref(), &verified);
                    Some(verified.into_body())
                }
                None => {
                    self.note(Notice::CacheUnusable { role: role.clone() });
                    None
                }
            },
            None => None,
        };
        // A record that is there holds the floor of every file that was ever accepted. Without one, a
        // delegation that is not in the cache may as well be new.
        let known_before = self.unrecorded && (cached.is_some() || self.is_top_level(role));
        if known_before && self.floors.get(role).is_none() {
            self.note(Notice::FloorLost { role: role.clone() });
        }
        found
    }

    const fn is_top_level(&self, role: &RoleName) -> bool {
        !matches!(role, RoleName::Delegated(_))
    }

    /// A cached file counts when the keys of now vouch for it, or those that were trusted when the
    /// refresh began. Whether it has expired does not matter for a floor.
    fn verify_cached<T: Document>(&self, role: &RoleName, bytes: &Bytes) -> Option<Verified<T>> {
        let before = match role.parent() {
            None => self.anchor.as_ref().and_then(|anchor| anchor.body().authority(role)),
            Some(parent) => self.outdated.get(&parent).and_then(|parent| parent.authority(role)),
        };
        [self.authority(role).ok(), before].into_iter().flatten().find_map(|authority| {
            let envelope = self.judge.read::<T>(role, bytes.clone()).ok()?;
            self.judge.vouch(role, envelope, &authority, digest::sha256(bytes)).ok()
        })
    }

    fn admit<T: Document>(
        &self,
        role: &RoleName,
        envelope: Envelope<T>,
        sha256: [u8; 32],
    ) -> Result<Verified<T>, VerifyError> {
        let authority = self.authority(role)?;
        self.judge.admit(role, envelope, &authority, &self.floors, sha256)
    }

    /// Who vouches for a role now.
    fn authority(&self, role: &RoleName) -> Result<Authority, VerifyError> {
        let authority = match role.parent() {
            None => self.root.as_ref().and_then(|root| root.body().authority(role)),
            Some(RoleName::Targets) => {
                self.targets.as_ref().and_then(|targets| targets.body().authority(role))
            }
            Some(parent) => match self.delegated.get(&parent) {
                Some(DelegatedTargets::Usable(targets)) => targets.body().authority(role),
                _ => None,
            },
        };
        authority.ok_or(VerifyError::Unexpected { expected: "the role's parent" })
    }

    /// What the parent pins of a role.
    fn pin(&self, role: &RoleName) -> Option<Pin> {
        match role {
            RoleName::Snapshot => self.timestamp.as_ref().map(|timestamp| timestamp.body().snapshot),
            _ => self.snapshot.as_ref()?.body().pin(role).copied(),
        }
    }

    /// SHA-256 of a file that was compared with its pin.
    fn pinned_digest(&self, role: &RoleName) -> Result<[u8; 32], VerifyError> {
        self.pin(role).map(|pin| pin.sha256).ok_or(VerifyError::Unexpected { expected: "a pin" })
    }

    /// The pinned resource of a role, and its size.
    fn pinned_resource(&self, role: &RoleName) -> Option<(Resource, u64)> {
        let pin = self.pin(role)?;
        Some((Resource { role: role.clone(), form: Form::Sha256(pin.sha256) }, pin.length))
    }

    /// What a state asks the server for.
    pub(super) fn wanted_in(&self, state: &State) -> Option<(Resource, u64)> {
        let limits = &self.judge.limits;
        match state {
            State::FetchFirstRoot | State::FetchOtherRoot => {
                Some((Resource::latest(RoleName::Root), limits.max_root))
            }
            State::FetchRecordedRoot => self.recorded_root().map(|resource| (resource, limits.max_root)),
            State::Walk(_) => self.next_root().map(|resource| (resource, limits.max_root)),
            State::FetchTimestamp { .. } => {
                Some((Resource::latest(RoleName::Timestamp), limits.max_timestamp))
            }
            State::FetchSnapshot => self.pinned_resource(&RoleName::Snapshot),
            State::FetchTargets(role) => self.pinned_resource(role),
            _ => None,
        }
    }

    /// A fetched file, which must be the pinned one.
    fn pinned(&self, role: &RoleName, reply: Reply) -> Result<Bytes, VerifyError> {
        let unexpected = VerifyError::Unexpected { expected: "a pin" };
        let (Some(pin), Some((resource, _))) = (self.pin(role), self.pinned_resource(role)) else {
            return Err(unexpected);
        };
        let bytes = self.listed(&resource, reply)?;
        self.judge.check_pin(role, &bytes, &pin)?;
        Ok(bytes)
    }

    /// Whether the cached file is the pinned one, which the server would only send again.
    fn as_pinned(&self, role: &RoleName, reply: Reply) -> Result<Cached, VerifyError> {
        let Some(pin) = self.pin(role) else { return Err(VerifyError::Unexpected { expected: "a pin" }) };
        self.judge.cap(role, &pin)?;
        let Reply::Found(bytes) = reply else { return Ok(Cached::Other(None)) };
        let bytes = Bytes::from(bytes);
        Ok(match self.judge.check_pin(role, &bytes, &pin) {
            Ok(()) => Cached::Pinned(bytes),
            Err(_) => Cached::Other(Some(bytes)),
        })
    }
}

/// What the cache holds of a role.
enum Cached {
    /// The file that the parent pins.
    Pinned(Bytes),
    /// Another file, or none.
    Other(Option<Bytes>),
}
