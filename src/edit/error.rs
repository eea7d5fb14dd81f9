//! Why new metadata can't be made.

use crate::{
    crypto::CryptoError,
    name::{KeyId, NameError, RoleName, SignerName, TargetName, Version},
    verify::VerifyError,
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
    #[error("{role} can't be edited: {reason}; witness it to sign it as it is, or restart it empty")]
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
    /// Neither the server nor we can sign the snapshot, without which nothing can be published.
    #[error(
        "the snapshot's key is neither here nor on the server; its keys are {keys}; \
         hand the snapshot to the server with a new key"
    )]
    NoSnapshotKey {
        /// Canonical ids of the snapshot's keys.
        keys: String,
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
    /// A change that only `targets` or a delegation can undergo.
    #[error("{role} is not a role that this can be done to")]
    NotDelegated {
        /// The role.
        role: RoleName,
    },
    /// A path lies outside of what the parent may sign.
    #[error("{role} can't be given the path {path:?}: its parent may not sign that")]
    PathNotGranted {
        /// The delegation.
        role: RoleName,
        /// The path.
        path: String,
    },
    /// A public key that can't vouch for anything.
    #[error("the key for {role} is not usable: {reason}")]
    UnusableKey {
        /// The delegation.
        role: RoleName,
        /// Why.
        reason: String,
    },
    /// A role would have fewer keys than must sign: nobody could ever sign it again.
    #[error("{role} needs {needed} keys and would have {given}")]
    TooFewKeys {
        /// The role.
        role: RoleName,
        /// The threshold.
        needed: u32,
        /// How many distinct keys it would have.
        given: usize,
    },
    /// What should be removed is not there.
    #[error("{role} has no {what}")]
    NotListed {
        /// The delegation, or the role below which was searched.
        role: RoleName,
        /// What was looked for.
        what: String,
    },
    /// A removed role would come back with all that it had signed: the server lists its file still.
    #[error(
        "{role} was removed at version {version} and its old file would return with the same key; \
         use another key, or have this one at hand to begin it anew"
    )]
    WouldReturn {
        /// The delegation.
        role: RoleName,
        /// The old file's version.
        version: Version,
    },
    /// Without this signer nobody could sign the released tags.
    #[error(
        "{signer} is the last signer, and {tags} tags are released; add another signer first, or remove \
         targets/releases as well"
    )]
    LastSigner {
        /// The signer.
        signer: SignerName,
        /// How many tags are in `targets/releases`.
        tags: usize,
    },
    /// The released tags have to be signed anew, and no key that could is here.
    #[error(
        "without {signer}, targets/releases has to be signed by another signer, and none of these keys is at \
         hand: {keys}"
    )]
    NoRemainingKey {
        /// The signer.
        signer: SignerName,
        /// Canonical ids of the keys that could sign.
        keys: String,
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
    /// A document lacks signatures.
    #[error("{role} needs {needed} signatures and has {valid} that count; its keys are {ids}")]
    Unsigned {
        /// The role.
        role: RoleName,
        /// The threshold.
        needed: u32,
        /// How many of the role's keys have signed.
        valid: usize,
        /// Canonical ids of the role's keys.
        ids: String,
    },
    /// A file of the repository is needed and not at hand.
    #[error("{name} is needed and not at hand")]
    NotAtHand {
        /// The file.
        name: String,
    },
    /// A file of the repository can't be read.
    #[error("{name} can't be read: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A file is not the one that is pinned, or not the next version.
    #[error("{role}: expected {expected}, found {found}")]
    NotPinned {
        /// The role.
        role: RoleName,
        /// What belongs here.
        expected: String,
        /// What is here.
        found: String,
    },
    /// Clients would refuse what is to be published.
    #[error("clients would refuse this: {0}")]
    Rejected(#[source] Box<VerifyError>),
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
            Self::Unsigned { .. } => "MISSING_SIGNATURES",
            Self::NotAtHand { .. } | Self::Unreadable { .. } | Self::NotPinned { .. } => "REPOSITORY_FILE",
            Self::Rejected(_) => "REJECTED",
            Self::NoSignableRole { .. }
            | Self::MissingKeys { .. }
            | Self::NoRemainingKey { .. }
            | Self::NoSnapshotKey { .. } => "MISSING_KEYS",
            Self::UnknownRole { .. }
            | Self::NotGranted { .. }
            | Self::NotDelegated { .. }
            | Self::PathNotGranted { .. }
            | Self::NotListed { .. } => "ROLE",
            Self::UnusableKey { .. } => "UNUSABLE_KEY",
            Self::TooFewKeys { .. } => "TOO_FEW_KEYS",
            Self::WouldReturn { .. } => "WOULD_RETURN",
            Self::LastSigner { .. } => "LAST_SIGNER",
            Self::Unusable { .. } => "ROLE_UNUSABLE",
            Self::VersionLimit { .. } => "VERSION_LIMIT",
            Self::NoDigest { .. } | Self::NotPortable { .. } | Self::Name(_) => "INVALID_TARGET",
            Self::ServerKey { .. } => "SERVER_KEY",
            Self::KeyHolder { .. } | Self::NothingToRotate => "ROTATION",
            Self::RootCertificate { .. } => "CERTIFICATE",
            Self::BadSignature { .. } | Self::Crypto(_) => "SIGNING",
            Self::Wire(_) => "NOT_FIXPOINT",
        }
    }
}
