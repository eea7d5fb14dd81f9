//! The first metadata of a collection.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::{Base, Changes, Draft, EditError, ROOT_LIFETIME, TARGETS_LIFETIME, editor::Editor};
use crate::{
    crypto::PublicKey,
    metadata::{KeyRing, Pin, RoleKeys, Root, Snapshot, TargetIndex, Targets},
    name::{Expiry, KeyId, RoleName, Version},
    wire::{Dialect, notary},
};

/// The keys that a new collection begins with.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct InitialKeys {
    /// The root's key, in a certificate made for the collection.
    pub root: PublicKey,
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
        keys.check_foreign(RoleName::Timestamp, &keys.timestamp)?;
        if keys.server_snapshot {
            keys.check_foreign(RoleName::Snapshot, &keys.snapshot)?;
        }
        let root = first_root(keys, now)?;
        let expires = Expiry::after(now, TARGETS_LIFETIME)?;
        let targets = Targets {
            version: Version::ONE,
            expires,
            keys: KeyRing::default(),
            delegations: Vec::new(),
            targets: TargetIndex::default(),
        };
        let (dialect, former) = (Dialect::Notary, BTreeMap::new());
        let base = Base { dialect, set: None, root: &root, held, now, former };
        let mut editor = Editor::new(&base);
        editor.targets.insert(RoleName::Targets, targets);
        let mut draft = editor.apply(changes)?;
        let unknown = Pin { sha256: [0; 32], sha512: None, length: 0 };
        draft.snapshot = (!keys.server_snapshot).then(|| Snapshot {
            version: Version::ONE,
            expires,
            root: unknown,
            targets: unknown,
            delegated: BTreeMap::new(),
        });
        draft.root = Some(root);
        Ok(draft)
    }
}

fn first_root(keys: &InitialKeys, now: SystemTime) -> Result<Root, EditError> {
    let mut ring = KeyRing::default();
    let mut role = |key| RoleKeys::one(notary::file(&mut ring, key));
    let (root, timestamp) = (role(&keys.root), role(&keys.timestamp));
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
    })
}

impl InitialKeys {
    /// Whether a key that a server sent can serve: better asked before keys of our own are made.
    ///
    /// # Errors
    /// [`EditError::ServerKey`] says why not.
    pub fn check_server_key(role: RoleName, key: &PublicKey) -> Result<(), EditError> {
        match key.material() {
            Ok(_) if !key.kind().is_x509() => Ok(()),
            Ok(_) => Err(EditError::ServerKey { role, reason: "it is a certificate".to_owned() }),
            Err(error) => Err(EditError::ServerKey { role, reason: error.to_string() }),
        }
    }

    /// A server that sends one of our keys must not get it into a root in another place.
    fn check_foreign(&self, role: RoleName, key: &PublicKey) -> Result<(), EditError> {
        Self::check_server_key(role.clone(), key)?;
        if [&self.root, &self.targets].iter().any(|ours| ours.material() == key.material()) {
            return Err(EditError::ServerKey { role, reason: "it is a key of ours".to_owned() });
        }
        Ok(())
    }
}
