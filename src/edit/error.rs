//! Why new metadata can't be made.

use crate::{
    crypto::CryptoError,
    name::{KeyId, NameError, RoleName, TargetName, Version},
    wire::WireError,
};

/// A change that can't be carried out. Nothing was changed anywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// No role has an entry to revoke.
    #[error("{name} is not signed, so it can't be revoked")]
    NotSigned {
        /// The target.
        name: TargetName,
    },
    /// Delegations exist, and none of those that may sign the name has a key here.
    #[error("no key at hand for a role that may sign {name}; roles and their keys: {roles}")]
    NoSignableRole {
        /// The target.
        name: TargetName,
        /// The roles that could, with their canonical key ids.
        roles: String,
    },
    /// The role does not exist in this collection.
    #[error("{role} is not a role of this collection")]
    UnknownRole {
        /// The role.
        role: RoleName,
    },
    /// The role's paths don't cover the name.
    #[error("{role} may not sign {name}")]
    NotGranted {
        /// The role.
        role: RoleName,
        /// The target.
        name: TargetName,
    },
    /// The role's present file is expired or under-signed, so there is nothing sound to edit.
    #[error("{role} can't be edited: {reason}")]
    Unusable {
        /// The role.
        role: RoleName,
        /// Why.
        reason: String,
    },
    /// Too few of the role's keys are at hand.
    #[error("{role} needs {needed} signatures, {available} of its keys are at hand; its keys are {ids}")]
    MissingKeys {
        /// The role.
        role: RoleName,
        /// The threshold.
        needed: u32,
        /// How many keys are at hand.
        available: usize,
        /// Canonical ids of the role's keys.
        ids: String,
    },
    /// The role has the highest version that servers can store.
    #[error("{role} is at version {version}, the highest there is")]
    VersionLimit {
        /// The role.
        role: RoleName,
        /// Its version.
        version: Version,
    },
    /// A target without a digest protects nothing.
    #[error("{name} needs a SHA-256 or SHA-512 digest")]
    NoDigest {
        /// The target.
        name: TargetName,
    },
    /// Custom data or a length that other clients could not sign again.
    #[error("{name}: {reason}")]
    NotPortable {
        /// The target.
        name: TargetName,
        /// What is wrong.
        reason: String,
    },
    /// A change that can't be made here.
    #[error("this change can't be made here: {change}")]
    Unsupported {
        /// The change.
        change: String,
    },
    /// A key that a server sent can't serve.
    #[error("the server's key for {role} is not usable: {reason}")]
    ServerKey {
        /// The role.
        role: RoleName,
        /// Why.
        reason: String,
    },
    /// A role's keys can't be held there.
    #[error("{role}: {reason}")]
    KeyHolder {
        /// The role.
        role: RoleName,
        /// Why not.
        reason: &'static str,
    },
    /// A role would get fewer keys than must sign.
    #[error("{role} needs {needed} keys, {given} given")]
    TooFewKeys {
        /// The role.
        role: RoleName,
        /// The threshold.
        needed: u32,
        /// How many distinct keys it would have.
        given: usize,
    },
    /// A rotation names no role.
    #[error("no role was chosen whose keys are to be replaced")]
    NothingToRotate,
    /// A certificate can't be the root's.
    #[error("the certificate can't be a root key: {reason}")]
    RootCertificate {
        /// Why not.
        reason: String,
    },
    /// A signer returned a signature that its own public key does not verify.
    #[error("the signature of {role} by key {key} does not verify")]
    BadSignature {
        /// The role.
        role: RoleName,
        /// Canonical id of the key.
        key: KeyId,
    },
    /// A file would not survive the server's re-serialisation.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A signer failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A time or name is out of range.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl EditError {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSigned { .. } => "NOT_SIGNED",
            Self::Unsupported { .. } => "UNSUPPORTED",
            Self::NoSignableRole { .. } | Self::MissingKeys { .. } => "MISSING_KEYS",
            Self::UnknownRole { .. } | Self::NotGranted { .. } => "ROLE",
            Self::Unusable { .. } => "ROLE_UNUSABLE",
            Self::VersionLimit { .. } => "VERSION_LIMIT",
            Self::NoDigest { .. } | Self::NotPortable { .. } | Self::Name(_) => "INVALID_TARGET",
            Self::ServerKey { .. } => "SERVER_KEY",
            Self::KeyHolder { .. } | Self::TooFewKeys { .. } | Self::NothingToRotate => "ROTATION",
            Self::RootCertificate { .. } => "CERTIFICATE",
            Self::BadSignature { .. } | Self::Crypto(_) => "SIGNING",
            Self::Wire(_) => "NOT_FIXPOINT",
        }
    }
}
