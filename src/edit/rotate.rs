//! A new root with other keys, and all that must change with it (Notary v1: key rotation).
//!
//! The new root is signed by a threshold of its predecessor's keys and of its own. A former root
//! certificate stays among the root's keys for ever, as Notary leaves it; any other key goes when
//! no role has it any more. `targets` is signed anew when its keys change, and a snapshot that is
//! ours whenever root or targets change.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::{
    Draft, EditError, ROOT_LIFETIME, Rotation, TARGETS_LIFETIME, draft::require_keys, editor::next_version,
};
use crate::{
    crypto::PublicKey,
    metadata::{Authority, KeyRing, RoleKeys, Root, Snapshot, Targets},
    name::{Expiry, KeyId, RoleName},
    verify::TrustedSet,
    wire::{Dialect, notary},
};

/// The keys that replace those of a collection; roles that are `None` keep theirs.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct NewKeys {
    /// The root's, in certificates made for the collection.
    pub root: Option<Vec<PublicKey>>,
    /// Those of `targets`.
    pub targets: Option<Vec<PublicKey>>,
    /// The snapshot's: ours, or one of the server.
    pub snapshot: Option<Vec<PublicKey>>,
    /// The server's new timestamp key.
    pub timestamp: Option<PublicKey>,
    /// Ids of certificates that earlier roots had as root keys and that are to vouch for the new
    /// root besides, when their keys are at hand. Ids that the present root doesn't know don't count.
    pub legacy: BTreeSet<KeyId>,
}

/// A root that is to be signed, and who signs it besides its own keys.
#[derive(Clone, Debug)]
pub(super) struct NewRoot {
    pub(super) body: Root,
    /// The root's keys before: a threshold of them must sign.
    pub(super) before: Option<Authority>,
    /// Keys of still earlier roots: those that are at hand sign.
    pub(super) legacy: Option<Authority>,
}

impl NewRoot {
    pub(super) const fn first(body: Root) -> Self {
        Self { body, before: None, legacy: None }
    }

    /// All keys that may sign besides the root's own.
    pub(super) fn others(&self) -> impl Iterator<Item = &Authority> {
        self.before.iter().chain(&self.legacy)
    }
}

impl Draft {
    /// Replaces keys. The draft is empty when the collection has exactly these keys already.
    /// `held` are the canonical ids of the keys at hand, old and new ones.
    ///
    /// # Errors
    /// A role gets fewer keys than must sign, keys are missing, or a version is the highest.
    pub fn rotate(
        dialect: Dialect,
        set: &TrustedSet,
        keys: &NewKeys,
        held: &BTreeSet<KeyId>,
        now: SystemTime,
    ) -> Result<Self, EditError> {
        let before = set.root().body();
        let Some(root) = next_root(dialect, before, keys, now)? else { return Ok(Self::nothing()) };
        let authority = |role: &RoleName| root.authority(role);
        let old = before.authority(&RoleName::Root);
        require_keys(&RoleName::Root, old.as_ref(), held)?;
        require_keys(&RoleName::Root, authority(&RoleName::Root).as_ref(), held)?;

        let mut targets = BTreeMap::new();
        if root.targets != before.targets {
            let role = RoleName::Targets;
            require_keys(&role, authority(&role).as_ref(), held)?;
            let present = set.targets().body();
            let version = next_version(dialect, &role, present.version)?;
            let expires = Expiry::after(now, TARGETS_LIFETIME)?;
            targets.insert(role, Targets { version, expires, ..present.clone() });
        }
        let snapshot = next_snapshot(dialect, set, authority(&RoleName::Snapshot).as_ref(), held, now)?;
        let roles = [RoleName::Root, RoleName::Targets, RoleName::Snapshot];
        let authorities =
            roles.into_iter().filter_map(|role| Some((role.clone(), authority(&role)?))).collect();
        let legacy = legacy(before, &root, &keys.legacy);
        let root = NewRoot { body: root, before: old, legacy };
        Ok(Self { root: Some(root), targets, snapshot, authorities, ..Self::nothing() })
    }

    const fn nothing() -> Self {
        Self {
            root: None,
            targets: BTreeMap::new(),
            snapshot: None,
            authorities: BTreeMap::new(),
            dropped: BTreeSet::new(),
            begun: BTreeSet::new(),
        }
    }
}

/// The next root with new keys; none when nothing changes.
fn next_root(
    dialect: Dialect,
    before: &Root,
    keys: &NewKeys,
    now: SystemTime,
) -> Result<Option<Root>, EditError> {
    let mut root = before.clone();
    let timestamp = keys.timestamp.as_ref().map(std::slice::from_ref);
    let ring = &mut root.keys;
    replace(ring, &mut root.root, RoleName::Root, keys.root.as_deref())?;
    replace(ring, &mut root.targets, RoleName::Targets, keys.targets.as_deref())?;
    replace(ring, &mut root.snapshot, RoleName::Snapshot, keys.snapshot.as_deref())?;
    replace(ring, &mut root.timestamp, RoleName::Timestamp, timestamp)?;
    if root == *before {
        return Ok(None);
    }
    let (used, kept) = (used(&root), &before.root.key_ids);
    let dropped: BTreeSet<_> =
        used_by_others(before).into_iter().filter(|id| !used.contains(id) && !kept.contains(id)).collect();
    root.keys.retain(|id| !dropped.contains(id));
    root.version = next_version(dialect, &RoleName::Root, before.version)?;
    root.expires = Expiry::after(now, ROOT_LIFETIME)?;
    Ok(Some(root))
}

fn replace(
    ring: &mut KeyRing,
    role: &mut RoleKeys,
    name: RoleName,
    keys: Option<&[PublicKey]>,
) -> Result<(), EditError> {
    let Some(keys) = keys else { return Ok(()) };
    // One key counts once, whatever certificates surround it.
    let distinct: BTreeSet<_> = keys.iter().map(notary::canonical_id).collect();
    let (needed, given) = (role.threshold.get(), distinct.len());
    if u32::try_from(given).is_ok_and(|given| given < needed) {
        return Err(EditError::TooFewKeys { role: name, needed, given });
    }
    let mut ids: Vec<_> = keys.iter().map(|key| notary::file(ring, key)).collect();
    let mut seen = BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    let same = |before: &[KeyId]| before.iter().collect::<BTreeSet<_>>() == ids.iter().collect();
    if !same(&role.key_ids) {
        role.key_ids = ids;
    }
    Ok(())
}

/// All keys that a role has.
fn used(root: &Root) -> BTreeSet<KeyId> {
    root.root.key_ids.iter().cloned().chain(used_by_others(root)).collect()
}

/// All keys that a role other than the root has.
fn used_by_others(root: &Root) -> BTreeSet<KeyId> {
    let roles = [&root.targets, &root.snapshot, &root.timestamp];
    roles.into_iter().flat_map(|role| role.key_ids.iter().cloned()).collect()
}

/// The certificates of earlier roots among those that the root before still knows: it says so
/// itself, so nobody can slip in a key of another kind.
fn legacy(before: &Root, root: &Root, ids: &BTreeSet<KeyId>) -> Option<Authority> {
    let used = used(root);
    let is_old = |id: &&KeyId| {
        let filed = before.keys.get(id);
        !used.contains(*id) && filed.is_some_and(|filed| filed.genuine && filed.key.kind().is_x509())
    };
    let key_ids: Vec<_> = ids.iter().filter(is_old).cloned().collect();
    let role = RoleKeys { key_ids, ..before.root.clone() };
    (!role.key_ids.is_empty()).then(|| before.keys.authority(&role))
}

/// The next snapshot when it is ours to sign; none when the server signs it.
fn next_snapshot(
    dialect: Dialect,
    set: &TrustedSet,
    authority: Option<&Authority>,
    held: &BTreeSet<KeyId>,
    now: SystemTime,
) -> Result<Option<Snapshot>, EditError> {
    let role = RoleName::Snapshot;
    if !authority.is_some_and(|it| holds_some(it, held)) {
        return Ok(None);
    }
    require_keys(&role, authority, held)?;
    let present = set.snapshot().body();
    let version = next_version(dialect, &role, present.version)?;
    let expires = Expiry::after(now, TARGETS_LIFETIME)?;
    Ok(Some(Snapshot { version, expires, ..present.clone() }))
}

impl Rotation {
    /// Whether the keys at hand suffice for what stays as it is: asked before a server makes a key
    /// that nobody could put into a root.
    ///
    /// # Errors
    /// [`EditError::MissingKeys`]: too few of the root's keys are at hand, or some of the
    /// snapshot's and not enough.
    pub fn require_keys(&self, set: &TrustedSet, held: &BTreeSet<KeyId>) -> Result<(), EditError> {
        let root = set.root().body();
        require_keys(&RoleName::Root, root.authority(&RoleName::Root).as_ref(), held)?;
        let role = RoleName::Snapshot;
        match root.authority(&role) {
            Some(authority) if self.new_snapshot().is_none() && holds_some(&authority, held) => {
                require_keys(&role, Some(&authority), held)
            }
            _ => Ok(()),
        }
    }
}

fn holds_some(authority: &Authority, held: &BTreeSet<KeyId>) -> bool {
    held.iter().any(|id| authority.has_canonical(id))
}
