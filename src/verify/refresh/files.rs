//! Timestamp and snapshot, and what all files have in common.

use super::{Refresh, Reply, State};
use crate::{
    crypto::digest,
    metadata::{Authority, Pin, Snapshot, Timestamp},
    name::{Resource, RoleName},
    verify::{DelegatedTargets, Notice, Verified, VerifyError},
    wire::{Bytes, Document, Envelope, EqualTimestamp},
};

impl Refresh {
    pub(super) fn on_cached_timestamp(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let cached: Option<Bytes> = match reply {
            Reply::Found(bytes) => Some(bytes.into()),
            Reply::Absent | Reply::Failed => None,
        };
        self.former.timestamp = self.raise_floor(&RoleName::Timestamp, cached.as_ref());
        Ok(State::FetchTimestamp { cached })
    }

    pub(super) fn on_timestamp(&mut self, cached: Option<Bytes>, reply: Reply) -> Result<State, VerifyError> {
        let role = RoleName::Timestamp;
        let bytes = self.listed(&Resource::latest(role.clone()), reply)?;
        let unchanged = cached.is_some_and(|cached| cached == bytes);
        let sha256 = digest::sha256(&bytes);
        let envelope = self.judge.read::<Timestamp>(&role, bytes)?;
        let timestamp = match self.judge_timestamp(envelope, sha256) {
            Ok(timestamp) => timestamp,
            Err(error) => return self.recover(error),
        };
        self.judge.cap(&RoleName::Snapshot, &timestamp.body().snapshot)?;
        let is_former = self.former.timestamp.as_ref().is_some_and(|it| it.sha256() == timestamp.sha256());
        self.accept(&role, &timestamp, unchanged || is_former);
        self.timestamp = Some(timestamp);
        self.begin_snapshot()
    }

    /// The offered timestamp, or the former one in its place.
    fn judge_timestamp(
        &self,
        envelope: Envelope<Timestamp>,
        sha256: [u8; 32],
    ) -> Result<Verified<Timestamp>, VerifyError> {
        let role = RoleName::Timestamp;
        let authority = self.authority(&role)?;
        let offered = self.judge.vouch(&role, envelope, &authority, sha256)?;
        self.floors.check(&role, &authority, offered.body().version)?;
        let timestamp = match &self.former.timestamp {
            Some(former)
                if former.body().version == offered.body().version
                    && self.rules().equal_timestamp == EqualTimestamp::IsDiscarded =>
            {
                former.clone()
            }
            _ => offered,
        };
        self.check_snapshot_floor(timestamp.body())?;
        self.judge.unexpired(&role, timestamp.body())?;
        Ok(timestamp)
    }

    /// What the client had in memory serves again while it is pinned.
    fn begin_snapshot(&mut self) -> Result<State, VerifyError> {
        let role = RoleName::Snapshot;
        let known = self.still_pinned(&role).map(|set| set.snapshot.clone());
        match known.filter(|snapshot| self.judge.unexpired(&role, snapshot.body()).is_ok()) {
            Some(snapshot) => self.hold_snapshot(snapshot, true),
            None => Ok(State::LoadSnapshot),
        }
    }

    pub(super) fn on_cached_snapshot(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let role = RoleName::Snapshot;
        match self.as_pinned(&role, reply)? {
            Cached::Pinned(bytes) if !self.compares(&role) => self.take_snapshot(bytes, true),
            Cached::Pinned(bytes) => self.on_former_snapshot(Some(&bytes)),
            Cached::Other(cached) => self.on_former_snapshot(cached.as_ref()),
        }
    }

    /// The file that was trusted before is either the pinned one, or what the pinned one must not
    /// fall behind.
    fn on_former_snapshot(&mut self, cached: Option<&Bytes>) -> Result<State, VerifyError> {
        let role = RoleName::Snapshot;
        let Some(pin) = self.pin(&role) else { return Err(VerifyError::Unexpected { expected: "a pin" }) };
        let former = self.raise_floor::<Snapshot>(&role, cached);
        let is_pinned = |former: &Verified<Snapshot>| {
            self.judge.check_pin(&role, former.bytes(), &pin)?;
            self.judge.check_version(&role, former.body(), &pin)?;
            self.judge.unexpired(&role, former.body())
        };
        match former {
            Some(former) if is_pinned(&former).is_ok() => self.hold_snapshot(former, true),
            former => {
                self.former.snapshot = former;
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
        let (pin, sha256) = self.pinned_digest(&role, &bytes)?;
        let envelope = self.judge.read::<Snapshot>(&role, bytes)?;
        let checked = self.admit(&role, envelope, sha256).and_then(|snapshot| {
            self.judge.check_version(&role, snapshot.body(), &pin)?;
            self.check_listed(snapshot.body())?;
            self.check_root_pin(&snapshot)?;
            Ok(snapshot)
        });
        match checked {
            Ok(snapshot) => self.hold_snapshot(snapshot, from_cache),
            Err(error) => self.recover(error),
        }
    }

    fn hold_snapshot(&mut self, snapshot: Verified<Snapshot>, is_cached: bool) -> Result<State, VerifyError> {
        self.judge.cap(&RoleName::Targets, &snapshot.body().targets)?;
        self.accept(&RoleName::Snapshot, &snapshot, is_cached);
        self.snapshot = Some(snapshot);
        self.begin_targets()
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

    /// Takes over a verified file: floor, notice, save.
    pub(super) fn accept<T: Document>(&mut self, role: &RoleName, verified: &Verified<T>, is_cached: bool) {
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

    pub(super) fn admit<T: Document>(
        &self,
        role: &RoleName,
        envelope: Envelope<T>,
        sha256: [u8; 32],
    ) -> Result<Verified<T>, VerifyError> {
        let authority = self.authority(role)?;
        self.judge.admit(role, envelope, &authority, &self.floors, sha256)
    }

    /// Who vouches for a role now.
    pub(super) fn authority(&self, role: &RoleName) -> Result<Authority, VerifyError> {
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
    pub(super) fn pin(&self, role: &RoleName) -> Option<Pin> {
        match role {
            RoleName::Snapshot => self.timestamp.as_ref().map(|timestamp| timestamp.body().snapshot),
            _ => self.snapshot.as_ref()?.body().pin(role).copied(),
        }
    }

    /// The pin of a role, and the SHA-256 of the file that was compared with it.
    pub(super) fn pinned_digest(
        &self,
        role: &RoleName,
        bytes: &[u8],
    ) -> Result<(Pin, [u8; 32]), VerifyError> {
        let pin = self.pin(role).ok_or(VerifyError::Unexpected { expected: "a pin" })?;
        Ok((pin, pin.hashes.sha256.unwrap_or_else(|| digest::sha256(bytes))))
    }

    /// The pinned resource of a role, and its size.
    pub(super) fn pinned_resource(&self, role: &RoleName) -> Option<(Resource, u64)> {
        let (root, pin) = (self.root.as_ref()?.body(), self.pin(role)?);
        Some((self.judge.resource(root, role, &pin), self.judge.cap(role, &pin).ok()?))
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
    pub(super) fn pinned(&self, role: &RoleName, reply: Reply) -> Result<Bytes, VerifyError> {
        let unexpected = VerifyError::Unexpected { expected: "a pin" };
        let (Some(pin), Some((resource, _))) = (self.pin(role), self.pinned_resource(role)) else {
            return Err(unexpected);
        };
        let bytes = self.listed(&resource, reply)?;
        self.judge.check_pin(role, &bytes, &pin)?;
        Ok(bytes)
    }

    /// Whether the cached file is the pinned one, which the server would only send again.
    pub(super) fn as_pinned(&self, role: &RoleName, reply: Reply) -> Result<Cached, VerifyError> {
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
pub(super) enum Cached {
    /// The file that the parent pins.
    Pinned(Bytes),
    /// Another file, or none.
    Other(Option<Bytes>),
}
