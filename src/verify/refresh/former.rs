//! What was trusted before: the cache's files, and what the client had in memory.
//!
//! An old file is never trusted again because it was once: it only says what must not be undercut
//! (TUF specification 5.4.3, 5.5.5; Notary v1), and where it is what the parents pin now, it is
//! verified like one that came from the server.

use super::Refresh;
use crate::{
    crypto::digest,
    metadata::{Authority, Root, Snapshot, Timestamp},
    name::RoleName,
    verify::{Notice, TrustedSet, Verified, VerifyError},
    wire::{Bytes, CachedFiles, Document, EqualTimestamp, Floor, TargetsFloor},
};

/// What was trusted when a refresh began, as far as it binds still.
#[derive(Debug, Default)]
pub(super) struct Former {
    /// What the same client ended its last refresh with.
    pub(super) set: Option<TrustedSet>,
    pub(super) timestamp: Option<Verified<Timestamp>>,
    pub(super) snapshot: Option<Verified<Snapshot>>,
}

impl Refresh {
    /// What the client had in memory, if it is what is pinned still.
    pub(super) fn still_pinned(&self, role: &RoleName) -> Option<&TrustedSet> {
        let (set, root, pin) = (self.former.set.as_ref()?, self.root.as_ref()?, self.pin(role)?);
        set.has_pinned(root, role, &pin).then_some(set)
    }

    /// Gives up what a newly reached root no longer vouches for, on disk as well, before the root
    /// itself is kept: keys that are given back to a role later don't bring it back. The record is
    /// written last, so it may be older than the root that is kept: what it says is given up by each
    /// root that it doesn't know.
    pub(super) fn let_go(&mut self, next: &Verified<Root>) {
        let version = next.body().version;
        let is_behind = |floor: Option<&Floor>| floor.is_none_or(|floor| floor.version < version);
        if !is_behind(self.record.floors.get(&RoleName::Root)) {
            return;
        }
        let is_new = is_behind(self.floors.get(&RoleName::Root));
        let roles = [RoleName::Timestamp, RoleName::Snapshot];
        // The one leads to the other, so that neither is worth anything without the other (5.3.11).
        let is_void = |role| next.body().authority(role).is_some_and(|it| !self.floors.bind(role, &it));
        if roles.iter().any(is_void) {
            for role in &roles {
                if self.floors.remove(role) && is_new {
                    self.forget(role);
                }
            }
        }
        if is_new {
            self.since.push(next.clone());
        }
    }

    /// A timestamp must not lead back to an older snapshot.
    pub(super) fn check_snapshot_floor(&self, offered: &Timestamp) -> Result<(), VerifyError> {
        let Some(former) = &self.former.timestamp else { return Ok(()) };
        match (former.body().snapshot.version, offered.snapshot.version) {
            (Some(trusted), Some(offered)) if offered < trusted => {
                Err(VerifyError::Rollback { role: RoleName::Snapshot, trusted, offered })
            }
            _ => Ok(()),
        }
    }

    /// No targets file of the former snapshot may vanish or get older.
    pub(super) fn check_listed(&self, offered: &Snapshot) -> Result<(), VerifyError> {
        let Some(former) = &self.former.snapshot else { return Ok(()) };
        let former = former.body();
        let delegated = former.delegated.iter();
        for (role, pin) in delegated.chain([(&RoleName::Targets, &former.targets)]) {
            let Some(trusted) = pin.version else { continue };
            let role = role.clone();
            match offered.pin(&role).map(|pin| pin.version) {
                None => return Err(VerifyError::Withheld { role, trusted }),
                Some(Some(offered)) if offered < trusted => {
                    return Err(VerifyError::Rollback { role, trusted, offered });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Raises the floor of a role to what its cached file shows. Returns the file when it was read: not
    /// when it is the very file that the record names, the floor binds, and its content matters not.
    pub(super) fn raise_floor<T: Document>(
        &mut self,
        role: &RoleName,
        cached: Option<&Bytes>,
    ) -> Option<Verified<T>> {
        let authority = self.authority(role).ok();
        let floor = authority.as_ref().and_then(|authority| self.floors.binding(role, authority));
        let recorded = floor.map(|floor| floor.sha256);
        let found = match cached {
            Some(bytes) if !self.compares(role) && recorded == Some(digest::sha256(bytes)) => None,
            Some(bytes) => match self.verify_cached::<T>(role, bytes) {
                Some(verified) => {
                    self.floors.raise(role, authority.as_ref(), &verified);
                    Some(verified)
                }
                None => {
                    self.note(Notice::CacheUnusable { role: role.clone() });
                    self.give_up(role);
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

    /// What a root on the way has revoked must not come back with a later one, and a snapshot that a
    /// revoked timestamp led to neither.
    fn give_up(&mut self, role: &RoleName) {
        if self.since.is_empty() {
            return;
        }
        self.forget(role);
        if *role == RoleName::Timestamp {
            self.forget(&RoleName::Snapshot);
        }
    }

    /// Whether more of a role's former file counts than its version.
    pub(super) fn compares(&self, role: &RoleName) -> bool {
        match role {
            RoleName::Timestamp => self.rules().equal_timestamp == EqualTimestamp::IsDiscarded,
            RoleName::Snapshot => self.rules().targets_floor == TargetsFloor::Snapshot,
            _ => false,
        }
    }

    const fn is_top_level(&self, role: &RoleName) -> bool {
        !matches!(role, RoleName::Delegated(_))
    }

    /// Whether a cached file has expired does not matter for a floor.
    fn verify_cached<T: Document>(&self, role: &RoleName, bytes: &Bytes) -> Option<Verified<T>> {
        match self.rules().cached_files {
            CachedFiles::AnyRoot => self.verify_by_any(role, bytes),
            CachedFiles::EveryRoot => self.verify_by_every(role, bytes),
        }
    }

    /// Keys of now vouch for it, and those of each root that was reached since it was kept.
    fn verify_by_every<T: Document>(&self, role: &RoleName, bytes: &Bytes) -> Option<Verified<T>> {
        let envelope = self.judge.read::<T>(role, bytes.clone()).ok()?;
        let mut since = self.since.iter().filter_map(|root| root.body().authority(role));
        let vouches = |authority: Authority| self.judge.count(role, &envelope, &authority).is_ok();
        if !since.all(vouches) {
            return None;
        }
        let authority = self.authority(role).ok()?;
        self.judge.vouch(role, envelope, &authority, digest::sha256(bytes)).ok()
    }

    /// Keys of now vouch for it, or those that were trusted when the refresh began.
    fn verify_by_any<T: Document>(&self, role: &RoleName, bytes: &Bytes) -> Option<Verified<T>> {
        let before = match role.parent() {
            None => self.anchor.as_ref().and_then(|anchor| anchor.body().authority(role)),
            Some(parent) => self.outdated.get(&parent).and_then(|parent| parent.authority(role)),
        };
        [self.authority(role).ok(), before].into_iter().flatten().find_map(|authority| {
            let envelope = self.judge.read::<T>(role, bytes.clone()).ok()?;
            self.judge.vouch(role, envelope, &authority, digest::sha256(bytes)).ok()
        })
    }
}
