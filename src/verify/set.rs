//! One consistent, verified set of metadata: nothing is in it that was not vouched for, and all of it was
//! judged at one instant (Notary v1; TUF specification 1.0.34 section 5).

use std::{collections::BTreeMap, time::SystemTime};

use super::{Notice, Verified, VerifyError};
use crate::{
    metadata::{Authority, Pin, Root, Snapshot, Targets, Timestamp},
    name::RoleName,
    wire::Envelope,
};

/// A complete set: what a refresh ends with.
#[derive(Clone, Debug)]
pub struct TrustedSet {
    pub(super) root: Verified<Root>,
    pub(super) timestamp: Verified<Timestamp>,
    pub(super) snapshot: Verified<Snapshot>,
    pub(super) targets: Verified<Targets>,
    pub(super) delegated: BTreeMap<RoleName, DelegatedTargets>,
    /// Files of delegations that are pinned, and expired or under-signed.
    pub(super) unvouched: BTreeMap<RoleName, Envelope<Targets>>,
    pub(super) notices: Vec<Notice>,
    pub(super) confirmed: Option<SystemTime>,
    /// The instant that the files were judged at.
    pub(super) judged: SystemTime,
}

/// The state of a published delegation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DelegatedTargets {
    /// Verified.
    Usable(Verified<Targets>),
    /// Expired or under-signed; nothing below it is known.
    Unusable(VerifyError),
}

impl TrustedSet {
    /// Whether none of the four files that every look-up depends on has expired.
    pub(crate) fn holds_at(&self, now: SystemTime) -> bool {
        let Self { root, timestamp, snapshot, targets, .. } = self;
        let expiries =
            [root.body().expires, timestamp.body().expires, snapshot.body().expires, targets.body().expires];
        !expiries.iter().any(|expires| expires.is_past(now))
    }

    /// Whether nothing that vouches for a role's file has changed between two sets: root and pin.
    pub(super) fn has_pinned(&self, root: &Verified<Root>, role: &RoleName, pin: &Pin) -> bool {
        let pinned = match role {
            RoleName::Snapshot => Some(&self.timestamp.body().snapshot),
            _ => self.snapshot.body().pin(role),
        };
        self.root.sha256() == root.sha256() && pinned == Some(pin)
    }

    /// When the server was last asked and everything held: at this refresh, or at an earlier one
    /// when this one did not ask. None when that is not known, or is not said of a chosen time.
    pub const fn confirmed(&self) -> Option<SystemTime> {
        self.confirmed
    }

    /// The root.
    pub const fn root(&self) -> &Verified<Root> {
        &self.root
    }

    /// The timestamp.
    pub const fn timestamp(&self) -> &Verified<Timestamp> {
        &self.timestamp
    }

    /// The snapshot.
    pub const fn snapshot(&self) -> &Verified<Snapshot> {
        &self.snapshot
    }

    /// The top-level targets.
    pub const fn targets(&self) -> &Verified<Targets> {
        &self.targets
    }

    /// The published delegations. One that is declared and was never published is absent. With TUF 1.0
    /// empty: look-ups load them ([`Repository::find`](crate::Repository::find)).
    pub const fn delegated(&self) -> &BTreeMap<RoleName, DelegatedTargets> {
        &self.delegated
    }

    /// The file of a delegation that is expired or under-signed: nobody vouches for what it says.
    /// Only for people who look at it and decide to sign it again. With TUF 1.0 always none.
    pub fn unvouched(&self, role: &RoleName) -> Option<&Envelope<Targets>> {
        self.unvouched.get(role)
    }

    /// What a caller should know besides.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The usable targets file of a role; with TUF 1.0 of the top-level targets only.
    pub fn targets_of(&self, role: &RoleName) -> Option<&Verified<Targets>> {
        match role {
            RoleName::Targets => Some(&self.targets),
            _ => match self.delegated.get(role) {
                Some(DelegatedTargets::Usable(targets)) => Some(targets),
                _ => None,
            },
        }
    }

    /// Who vouches for a role: the root, or with Notary the role that delegates to it. With TUF 1.0 any
    /// number of roles may delegate to one, so its name doesn't tell: only top-level roles have an answer.
    pub fn authority(&self, role: &RoleName) -> Option<Authority> {
        match role.parent() {
            None => self.root.body().authority(role),
            Some(parent) => self.targets_of(&parent)?.body().authority(role),
        }
    }
}
