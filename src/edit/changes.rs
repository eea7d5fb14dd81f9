//! What a publisher wants to change.

use crate::{
    metadata::TargetInfo,
    name::{RoleName, TargetName},
};

/// Changes that are published together, in the order in which they were added.
///
/// ```
/// use tuf_notary::{edit::Changes, metadata::TargetInfo, name::{Hashes, TargetName}};
/// let info = TargetInfo { length: 528, hashes: Hashes::sha256([0x5e; 32]), custom: None };
/// let changes = Changes::new().sign(TargetName::new("v1")?, info).revoke(TargetName::new("v0")?);
/// assert_eq!(changes.iter().count(), 2);
/// # Ok::<(), tuf_notary::name::NameError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Changes(Vec<Change>);

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Sign a target.
    Sign {
        /// The role that is to sign; none: wherever Docker would put it.
        role: Option<RoleName>,
        /// The target.
        name: TargetName,
        /// What is signed about it.
        info: TargetInfo,
    },
    /// Revoke a target.
    Revoke {
        /// The role that is to drop it; none: every role that has it.
        role: Option<RoleName>,
        /// The target.
        name: TargetName,
    },
}

impl Changes {
    /// No changes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Signs a target where Docker puts it: in `targets` when the collection has no delegations,
    /// otherwise in every direct delegation that may sign the name and whose key is at hand.
    pub fn sign(mut self, name: TargetName, info: TargetInfo) -> Self {
        self.0.push(Change::Sign { role: None, name, info });
        self
    }

    /// Signs a target in one role.
    pub fn sign_as(mut self, role: RoleName, name: TargetName, info: TargetInfo) -> Self {
        self.0.push(Change::Sign { role: Some(role), name, info });
        self
    }

    /// Revokes a target from every role that has it, so that no older entry shines through.
    pub fn revoke(mut self, name: TargetName) -> Self {
        self.0.push(Change::Revoke { role: None, name });
        self
    }

    /// Revokes a target from one role only.
    pub fn revoke_as(mut self, role: RoleName, name: TargetName) -> Self {
        self.0.push(Change::Revoke { role: Some(role), name });
        self
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
