//! Changes applied to a verified set.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::{Base, Changes, EditError, SnapshotSigner, editor::is_signable, rotate::NewRoot};
use crate::{
    metadata::{Authority, Snapshot, Targets},
    name::{KeyId, RoleName},
    verify::TrustedSet,
    wire::Dialect,
};

/// Metadata that is ready to be signed.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) root: Option<NewRoot>,
    pub(super) targets: BTreeMap<RoleName, Targets>,
    /// The next snapshot, whose pins are filled in when the rest is signed; none when the server
    /// signs it.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) authorities: BTreeMap<RoleName, Authority>,
    /// Roles whose published file no longer counts, with all below them.
    pub(super) dropped: BTreeSet<RoleName>,
    pub(super) begun: BTreeSet<RoleName>,
}

impl Draft {
    /// Applies changes to a verified set. `held` are the canonical ids of the keys at hand: they
    /// decide which roles sign, and whether the snapshot is ours to sign.
    ///
    /// # Errors
    /// A change is not possible, or a key is missing.
    pub fn new(
        dialect: Dialect,
        set: &TrustedSet,
        changes: &Changes,
        held: &BTreeSet<KeyId>,
        now: SystemTime,
    ) -> Result<Self, EditError> {
        Base::new(dialect, set, held, now).draft(changes)
    }

    /// The roles that will be signed here.
    pub fn roles(&self) -> Vec<RoleName> {
        let root = self.root.as_ref().map(|_| RoleName::Root);
        let snapshot = self.snapshot.as_ref().map(|_| RoleName::Snapshot);
        root.into_iter().chain(self.targets.keys().cloned()).chain(snapshot).collect()
    }

    /// Canonical ids of all keys that may sign one of these roles.
    pub fn key_ids(&self) -> BTreeSet<KeyId> {
        let roles = self.roles();
        let own = roles.iter().filter_map(|role| self.authorities.get(role));
        let others = self.root.iter().flat_map(NewRoot::others);
        own.chain(others).flat_map(Authority::keys).map(|(_, key)| key.canonical_id.clone()).collect()
    }

    /// Whether nothing would be signed.
    pub fn is_empty(&self) -> bool {
        self.root.is_none() && self.targets.is_empty() && self.snapshot.is_none()
    }

    /// Who is to sign the snapshot: the server, when something changes and its key is not at hand.
    pub fn snapshot_signer(&self) -> SnapshotSigner {
        match (&self.snapshot, self.is_empty()) {
            (Some(_), _) => SnapshotSigner::Here,
            (None, true) => SnapshotSigner::Unchanged,
            (None, false) => SnapshotSigner::Server,
        }
    }

    /// Roles that begin here, as far as the set tells. A server may still store a file of one that
    /// was removed before; [`Base::with_former`] takes it.
    pub const fn begun(&self) -> &BTreeSet<RoleName> {
        &self.begun
    }

    /// The delegations that would be declared when this is published on top of a set.
    pub(crate) fn delegations<'a>(
        &'a self,
        set: Option<&'a TrustedSet>,
    ) -> impl Iterator<Item = &'a RoleName> {
        let stays = |role: &RoleName| {
            !self.targets.contains_key(role) && !self.dropped.iter().any(|dropped| role.is_within(dropped))
        };
        let delegated = set.into_iter().flat_map(|set| set.delegated().keys());
        let standing = delegated.chain([&RoleName::Targets]).filter(move |role| stays(role));
        let standing = standing.filter_map(move |role| Some(set?.targets_of(role)?.body()));
        self.targets.values().chain(standing).flat_map(|file| &file.delegations).map(|child| &child.name)
    }

    pub(super) fn require_keys(&self, held: &BTreeSet<KeyId>) -> Result<(), EditError> {
        self.roles().iter().try_for_each(|role| require_keys(role, self.authorities.get(role), held))
    }
}

pub(super) fn require_keys(
    role: &RoleName,
    authority: Option<&Authority>,
    held: &BTreeSet<KeyId>,
) -> Result<(), EditError> {
    let Some(authority) = authority else { return Err(EditError::UnknownRole { role: role.clone() }) };
    if is_signable(authority, held) {
        return Ok(());
    }
    let available = held.iter().filter(|id| authority.has_canonical(id)).count();
    let needed = authority.threshold().get();
    Err(EditError::MissingKeys { role: role.clone(), needed, available, ids: ids(Some(authority)) })
}

pub(super) fn ids(authority: Option<&Authority>) -> String {
    let ids: Vec<_> =
        authority.into_iter().flat_map(Authority::keys).map(|(_, key)| key.canonical_id.as_str()).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
