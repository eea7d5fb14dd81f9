//! What a publisher wants to change.

use std::{num::NonZeroU32, time::Duration};

use super::EditError;
use crate::{
    crypto::PublicKey,
    metadata::TargetInfo,
    name::{KeyId, RoleName, SignerName, TargetName},
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
pub struct Changes {
    list: Vec<Change>,
    repeatable: bool,
}

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
    /// Create a delegation, or add keys and paths to it; what it has already stays as it is.
    Delegate {
        /// The role, below one that exists.
        role: RoleName,
        /// Its keys, plain or in a certificate.
        keys: Vec<PublicKey>,
        /// How many of them must sign; only used on creation.
        threshold: NonZeroU32,
        /// The target names that it may sign, as prefixes; `""` is every name.
        paths: Vec<String>,
    },
    /// Remove a delegation.
    Undelegate {
        /// The role.
        role: RoleName,
    },
    /// Take keys out of delegations.
    RemoveKeys {
        /// Which delegations.
        scope: KeyScope,
        /// Canonical ids; a key goes under every id that it is filed under.
        keys: Vec<KeyId>,
    },
    /// Take paths out of a delegation.
    RemovePaths {
        /// The role.
        role: RoleName,
        /// The prefixes, as they were given.
        paths: Vec<String>,
    },
    /// Take all paths out of a delegation: it may sign nothing.
    ClearPaths {
        /// The role.
        role: RoleName,
    },
    /// Sign a role's content as it stands with the keys at hand, even when it is expired or
    /// under-signed now: the caller vouches for it.
    Witness {
        /// `targets` or a delegation.
        role: RoleName,
    },
    /// Begin a role's file anew, empty, in the version after the present one: the way out when the
    /// present file is under-signed and nobody wants to vouch for it.
    Restart {
        /// A delegation.
        role: RoleName,
    },
    /// Sign every role as it stands that expires soon and whose keys are at hand; the timestamp is
    /// the server's.
    Renew {
        /// How long before its end a role is signed anew; see
        /// [`EXPIRES_SOON`](super::EXPIRES_SOON).
        within: Duration,
    },
    /// Add a signer in Docker's sense: its keys may sign every name in `targets/<name>` and in
    /// `targets/releases`.
    AddSigner {
        /// The signer.
        name: SignerName,
        /// The signer's keys.
        keys: Vec<PublicKey>,
    },
    /// Remove a signer in Docker's sense. Tags that nobody else vouches for lose their trust;
    /// the others stay pullable.
    RemoveSigner {
        /// The signer.
        name: SignerName,
        /// Whether the other tags in `targets/releases` stay too, under the name of whichever
        /// remaining signer's key is at hand.
        keep_tags: bool,
    },
}

/// Which delegations lose keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyScope {
    /// One.
    Role(RoleName),
    /// All below a role, not the role itself: Notary's `targets/*`.
    Below(RoleName),
}

impl Changes {
    /// No changes.
    pub const fn new() -> Self {
        Self { list: Vec::new(), repeatable: false }
    }

    /// Signs a target where Docker puts it: in `targets` when the collection has no delegations,
    /// otherwise in every direct delegation that may sign the name and whose key is at hand.
    pub fn sign(self, name: TargetName, info: TargetInfo) -> Self {
        self.with(Change::Sign { role: None, name, info })
    }

    /// Signs a target in one role.
    pub fn sign_as(self, role: RoleName, name: TargetName, info: TargetInfo) -> Self {
        self.with(Change::Sign { role: Some(role), name, info })
    }

    /// Revokes a target from every role that has it, so that no older entry shines through.
    pub fn revoke(self, name: TargetName) -> Self {
        self.with(Change::Revoke { role: None, name })
    }

    /// Revokes a target from one role only.
    pub fn revoke_as(self, role: RoleName, name: TargetName) -> Self {
        self.with(Change::Revoke { role: Some(role), name })
    }

    /// Creates a delegation, or adds keys and paths to it. The threshold counts on creation only.
    pub fn delegate(
        self,
        role: RoleName,
        keys: Vec<PublicKey>,
        threshold: NonZeroU32,
        paths: Vec<String>,
    ) -> Self {
        self.with(Change::Delegate { role, keys, threshold, paths })
    }

    /// Removes a delegation.
    pub fn undelegate(self, role: RoleName) -> Self {
        self.with(Change::Undelegate { role })
    }

    /// Takes keys, given by their canonical ids, out of delegations.
    pub fn remove_keys(self, scope: KeyScope, keys: Vec<KeyId>) -> Self {
        self.with(Change::RemoveKeys { scope, keys })
    }

    /// Takes paths out of a delegation.
    pub fn remove_paths(self, role: RoleName, paths: Vec<String>) -> Self {
        self.with(Change::RemovePaths { role, paths })
    }

    /// Takes all paths out of a delegation.
    pub fn clear_paths(self, role: RoleName) -> Self {
        self.with(Change::ClearPaths { role })
    }

    /// Signs a role's content as it stands.
    pub fn witness(self, role: RoleName) -> Self {
        self.with(Change::Witness { role })
    }

    /// Begins a role's file anew, empty.
    pub fn restart(self, role: RoleName) -> Self {
        self.with(Change::Restart { role })
    }

    /// Signs every role anew that expires within this time and whose keys are at hand.
    pub fn renew(self, within: Duration) -> Self {
        self.with(Change::Renew { within })
    }

    /// Adds a signer in Docker's sense.
    pub fn add_signer(self, name: SignerName, keys: Vec<PublicKey>) -> Self {
        self.with(Change::AddSigner { name, keys })
    }

    /// Removes a signer in Docker's sense.
    pub fn remove_signer(self, name: SignerName, keep_tags: bool) -> Self {
        self.with(Change::RemoveSigner { name, keep_tags })
    }

    /// These changes and one more.
    pub fn with(mut self, change: Change) -> Self {
        self.list.push(change);
        self
    }

    /// The same changes, of which some or all may have been published already: to remove what is
    /// gone is then no error. Staged changes are so, for whoever published them may have died
    /// before they could be cleared (PP-02).
    pub fn repeatable(self) -> Self {
        // One removal each, so that one that is gone keeps no other from going.
        let list = self.list.into_iter().flat_map(Change::one_by_one).collect();
        Self { list, repeatable: true }
    }

    /// Whether to remove what is gone is no error.
    pub const fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Whether a change failed because it has been made already, and that is no error here.
    pub(super) const fn tolerates(&self, change: &Change, error: &EditError) -> bool {
        let is_removal = matches!(
            change,
            Change::Revoke { .. }
                | Change::Undelegate { .. }
                | Change::RemoveKeys { .. }
                | Change::RemovePaths { .. }
                | Change::ClearPaths { .. }
        );
        let is_gone = matches!(
            error,
            EditError::NotSigned { .. } | EditError::UnknownRole { .. } | EditError::NotListed { .. }
        );
        self.repeatable && is_removal && is_gone
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.list.iter()
    }

    /// Whether there is nothing to do.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Change {
    /// Removals of several keys or paths as one for each.
    fn one_by_one(self) -> Vec<Self> {
        match self {
            Self::RemoveKeys { scope, keys } => {
                let one = |key| Self::RemoveKeys { scope: scope.clone(), keys: vec![key] };
                keys.into_iter().map(one).collect()
            }
            Self::RemovePaths { role, paths } => {
                let one = |path| Self::RemovePaths { role: role.clone(), paths: vec![path] };
                paths.into_iter().map(one).collect()
            }
            other => vec![other],
        }
    }
}
