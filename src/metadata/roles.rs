//! The four kinds of documents (TUF specification 4.3 to 4.6).

use std::collections::BTreeMap;

use super::{Authority, KeyRing, RoleKeys, TargetIndex};
use crate::name::{Expiry, PathRule, RoleName, Version};

/// What a parent pins of a metadata file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Pin {
    /// SHA-256 of the file; Notary always pins it.
    pub sha256: [u8; 32],
    /// SHA-512 of the file, where the parent lists it; then it must match too.
    pub sha512: Option<[u8; 64]>,
    /// Upper bound of the file's length in bytes.
    pub length: u64,
}

/// The root: which keys make up the four top-level roles.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Root {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Expiry,
    /// Written back as read; Notary ignores it.
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
}

/// The snapshot: pins one consistent set of files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Snapshot {
    /// Its version.
    pub version: Version,
    /// When it expires.
    pub expires: Expiry,
    /// The root of the set.
    pub root: Pin,
    /// The top-level targets of the set.
    pub targets: Pin,
    /// The published delegations of the set.
    pub delegated: BTreeMap<RoleName, Pin>,
}

impl Snapshot {
    /// What the snapshot pins of a role's file.
    pub fn pin(&self, role: &RoleName) -> Option<&Pin> {
        match role {
            RoleName::Root => Some(&self.root),
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
    /// What is signed.
    pub targets: TargetIndex,
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
    /// The delegated role, a direct child of the delegating one.
    pub name: RoleName,
    /// Its keys.
    pub keys: RoleKeys,
    /// The target names that it may sign.
    pub paths: PathRule,
}
