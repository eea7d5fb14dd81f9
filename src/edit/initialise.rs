//! The first metadata of a collection.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::SystemTime,
};

use super::{
    Base, Changes, Draft, EditError, ROOT_LIFETIME, TARGETS_LIFETIME, editor::Editor, rotate::NewRoot,
    rotation::check_server_key,
};
use crate::{
    crypto::PublicKey,
    metadata::{Extra, KeyRing, Pin, RoleKeys, Root, Snapshot, TargetIndex, Targets},
    name::{Expiry, KeyId, RoleName, Version},
    wire::{Dialect, notary},
};

/// The keys that a new collection begins with.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct InitialKeys {
    /// The root's keys, in certificates made for the collection.
    pub root: Vec<PublicKey>,
    /// The key of `targets`.
    pub targets: PublicKey,
    /// The key of the snapshot.
    pub snapshot: PublicKey,
    /// Whether the server holds the snapshot key and signs snapshots itself.
    pub server_snapshot: bool,
    /// The server's key of the timestamp.
    pub timestamp: PublicKey,
}

impl Draft {
    /// The first root, targets and (unless the server signs it) snapshot. All thresholds are 1.
    /// `held` are the canonical ids of the other keys at hand, which sign delegations.
    ///
    /// # Errors
    /// A server's key is not usable, or a change is not possible.
    pub fn initialise(
        keys: &InitialKeys,
        changes: &Changes,
        held: &BTreeSet<KeyId>,
        now: SystemTime,
    ) -> Result<Self, EditError> {
        keys.check_foreign(&RoleName::Timestamp, &keys.timestamp)?;
        if keys.server_snapshot {
            keys.check_foreign(&RoleName::Snapshot, &keys.snapshot)?;
        }
        if keys.root.is_empty() {
            return Err(EditError::TooFewKeys { role: RoleName::Root, needed: 1, given: 0 });
        }
        let root = first_root(keys, now)?;
        let expires = Expiry::after(now, TARGETS_LIFETIME)?;
        let targets = Targets {
            version: Version::ONE,
            expires,
            keys: KeyRing::default(),
            delegations: Vec::new(),
            bins: None,
            targets: TargetIndex::default(),
            extra: Extra::default(),
        };
        let (dialect, former) = (Dialect::Notary, BTreeMap::new());
        let base = Base { dialect, set: None, root: &root, held, now, former };
        let mut editor = Editor::new(&base);
        editor.targets.insert(RoleName::Targets, targets);
        let mut draft = editor.apply(changes)?;
        let unknown = Pin::default();
        draft.snapshot = (!keys.server_snapshot).then(|| Snapshot {
            version: Version::ONE,
            expires,
            root: Some(unknown),
            targets: unknown,
            delegated: BTreeMap::new(),
            extra: Extra::default(),
        });
        draft.root = Some(NewRoot::first(root));
        Ok(draft)
    }
}

fn first_root(keys: &InitialKeys, now: SystemTime) -> Result<Root, EditError> {
    let mut ring = KeyRing::default();
    let key_ids = keys.root.iter().map(|key| notary::file(&mut ring, key)).collect();
    let root = RoleKeys::new(key_ids, NonZeroU32::MIN);
    let mut role = |key| RoleKeys::one(notary::file(&mut ring, key));
    let timestamp = role(&keys.timestamp);
    let (snapshot, targets) = (role(&keys.snapshot), role(&keys.targets));
    Ok(Root {
        version: Version::ONE,
        expires: Expiry::after(now, ROOT_LIFETIME)?,
        consistent_snapshot: false,
        keys: ring,
        root,
        timestamp,
        snapshot,
        targets,
        extra: Extra::default(),
    })
}

impl InitialKeys {
    /// A server that sends one of our keys must not get it into a root in another place.
    fn check_foreign(&self, role: &RoleName, key: &PublicKey) -> Result<(), EditError> {
        let ours = self.root.iter().chain([&self.targets]).map(notary::canonical_id).collect();
        check_server_key(role, key, &ours)
    }
}
