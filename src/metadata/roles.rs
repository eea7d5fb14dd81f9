//! The four kinds of documents (TUF specification 4.3 to 4.6).

use std::collections::BTreeMap;

use super::{Authority, KeyRing, RoleKeys, TargetIndex};
use crate::{
    crypto::digest,
    name::{Expiry, HashBins, Hashes, PathRule, RoleName, Version},
};

/// What a parent pins of a metadata file: everything that it lists must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Pin {
    /// The file's version; TUF 1.0 always pins it, Notary never does.
    pub version: Option<Version>,
    /// The file's length in bytes, no more of which is read; Notary always pins it.
    pub length: Option<u64>,
    /// The file's digests; Notary always pins the SHA-256.
    pub hashes: Hashes,
}

impl Pin {
    /// Length and both digests of a file, as Notary pins it.
    pub fn of(file: &[u8]) -> Self {
        let hashes = Hashes { sha256: Some(digest::sha256(file)), sha512: Some(digest::sha512(file)) };
        Self { version: None, length: Some(u64::try_from(file.len()).unwrap_or(u64::MAX)), hashes }
    }
}

/// The root: which keys make up the four top-level roles.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Root {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Expiry,
    /// Whether files have names of their own for each version (TUF 1.0). Written back as read by
    /// Notary, which ignores it.
    pub consistent_snapshot: bool,
    /// All keys, also those that no role uses any more.
    pub keys: KeyRing,
    /// The keys of the root itself.
    pub root: RoleKeys,
    /// The keys of the timestamp.
    pub timestamp: RoleKeys,
    /// The keys of the snapshot.
    pub snapshot: RoleKeys,
    /// The keys of the top-level targets.
    pub targets: RoleKeys,
    /// Members without a meaning to us.
    pub extra: Extra,
}

impl Root {
    /// The published keys of a top-level role; none for a delegation.
    pub const fn role(&self, role: &RoleName) -> Option<&RoleKeys> {
        match role {
            RoleName::Root => Some(&self.root),
            RoleName::Timestamp => Some(&self.timestamp),
            RoleName::Snapshot => Some(&self.snapshot),
            RoleName::Targets => Some(&self.targets),
            RoleName::Delegated(_) => None,
        }
    }

    /// Who vouches for a top-level role; none for a delegation.
    pub fn authority(&self, role: &RoleName) -> Option<Authority> {
        self.role(role).map(|keys| self.keys.authority(keys))
    }
}

/// The timestamp: pins the newest snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Timestamp {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Expiry,
    /// The newest snapshot.
    pub snapshot: Pin,
    /// Members without a meaning to us.
    pub extra: Extra,
}

/// The snapshot: pins one consistent set of files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Snapshot {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Expiry,
    /// The root of the set; Notary always pins it, TUF 1.0 does not.
    pub root: Option<Pin>,
    /// The top-level targets of the set.
    pub targets: Pin,
    /// The published delegations of the set.
    pub delegated: BTreeMap<RoleName, Pin>,
    /// Members without a meaning to us.
    pub extra: Extra,
}

impl Snapshot {
    /// What the snapshot pins of a role's file.
    pub fn pin(&self, role: &RoleName) -> Option<&Pin> {
        match role {
            RoleName::Root => self.root.as_ref(),
            RoleName::Targets => Some(&self.targets),
            RoleName::Delegated(_) => self.delegated.get(role),
            RoleName::Snapshot | RoleName::Timestamp => None,
        }
    }
}

/// A targets file: the top-level one or a delegation's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Targets {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Expiry,
    /// The keys of the delegations.
    pub keys: KeyRing,
    /// The roles that this one delegates to, in the order of the document.
    pub delegations: Vec<Delegation>,
    /// Instead of them, one role for each hash bin (TUF 1.0, TAP 15).
    pub bins: Option<BinDelegation>,
    /// What is signed.
    pub targets: TargetIndex,
    /// Members without a meaning to us.
    pub extra: Extra,
}

impl Targets {
    /// The delegation to `role`.
    pub fn delegation(&self, role: &RoleName) -> Option<&Delegation> {
        self.delegations.iter().find(|delegation| delegation.name == *role)
    }

    /// Who vouches for a role that this one delegates to.
    pub fn authority(&self, role: &RoleName) -> Option<Authority> {
        self.delegation(role).map(|delegation| self.keys.authority(&delegation.keys))
    }
}

/// One role that a targets file delegates to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Delegation {
    /// The delegated role; with Notary a direct child of the delegating one.
    pub name: RoleName,
    /// Its keys.
    pub keys: RoleKeys,
    /// The target names that it may sign.
    pub paths: PathRule,
    /// Whether a look-up that was sent there goes nowhere else afterwards (TUF 1.0).
    pub terminating: bool,
    /// Members without a meaning to us.
    pub extra: Extra,
}

/// Roles for hash bins that a targets file delegates to, all with the same keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct BinDelegation {
    /// The bins and their names.
    pub bins: HashBins,
    /// The keys of each.
    pub keys: RoleKeys,
}

/// Members of a document that have no meaning to us, by name, each a JSON text. They are signed
/// like all others, and written back.
///
/// Under the name of a member that we do know stands an object with what has no meaning to us
/// inside that one: further entries of `roles`, further members of `delegations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra(BTreeMap<String, String>);

impl Extra {
    /// The JSON text of a member.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds or replaces a member; `text` is one JSON value.
    pub fn insert(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    /// Drops a member.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All members in the order of their names.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}
