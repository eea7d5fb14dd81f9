//! Why metadata is not trusted.

use std::time::SystemTime;

use crate::{
    crypto::CertificateError,
    name::{Expiry, Gun, RoleName, Version},
    wire::WireError,
};

/// Metadata that is not trusted. Nothing that was trusted before is lost by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The server has no trust data for the collection.
    #[error("{gun} is not signed: the server has no trust data for it")]
    NotSigned {
        /// The collection.
        gun: Gun,
    },
    /// A file that belongs to the collection or repository is not there: one that a parent lists, or the
    /// timestamp of one that is known.
    #[error("the server does not have {name}, which has to be there")]
    Missing {
        /// The file's name on the server.
        name: String,
    },
    /// A role that was published is declared still, and the snapshot leaves it out.
    #[error("{role} was published, version {trusted}, and the snapshot leaves it out")]
    Withheld {
        /// The role.
        role: RoleName,
        /// The version trusted before.
        trusted: Version,
    },
    /// A look-up came by a role that the snapshot does not list: it was never published, or is
    /// withheld.
    #[error("{role} would have to be asked, and the snapshot does not list it")]
    Unlisted {
        /// The role.
        role: RoleName,
    },
    /// The question was not answered, and the freshness mode allows no answer from the cache.
    #[error("could not ask for {name}")]
    Unavailable {
        /// The file's name on the server.
        name: String,
    },
    /// The server was not to be asked, and the cache does not have the file that is needed.
    #[error("offline: {name} is not in the cache")]
    NotCached {
        /// The file's name on the server.
        name: String,
    },
    /// A file is larger than its parent or the limits allow.
    #[error("{role} is too large: {found} bytes, at most {limit} allowed")]
    TooLarge {
        /// Whose file.
        role: RoleName,
        /// The bound in bytes.
        limit: u64,
        /// What was announced or came, in bytes.
        found: u64,
    },
    /// A file can't be read.
    #[error("{role} is malformed: {source}")]
    Malformed {
        /// Whose file.
        role: RoleName,
        /// What is wrong.
        source: WireError,
    },
    /// A file is not the one that its parent pins.
    #[error("{role} has {algorithm} {found}, expected {expected}")]
    HashMismatch {
        /// Whose file.
        role: RoleName,
        /// The algorithm.
        algorithm: &'static str,
        /// The pinned digest, hex.
        expected: String,
        /// The file's digest, hex.
        found: String,
    },
    /// A file without pinned digests is not as long as its parent says.
    #[error("{role} has {found} bytes, expected {expected}")]
    LengthMismatch {
        /// Whose file.
        role: RoleName,
        /// The pinned length in bytes.
        expected: u64,
        /// The file's length in bytes.
        found: u64,
    },
    /// A file has another version than its parent pins.
    #[error("{role} has version {found}, expected {expected}")]
    VersionMismatch {
        /// Whose file.
        role: RoleName,
        /// The pinned version.
        expected: Version,
        /// The file's version.
        found: Version,
    },
    /// Too few distinct keys have signed.
    #[error("{role} version {version}: {valid} valid signatures by distinct keys, {needed} needed")]
    Threshold {
        /// Whose file.
        role: RoleName,
        /// The file's version.
        version: Version,
        /// The threshold.
        needed: u32,
        /// How many distinct keys have signed.
        valid: u32,
    },
    /// A file is older than what was trusted before.
    #[error("{role} was rolled back: trusted version {trusted}, offered {offered}")]
    Rollback {
        /// Whose file.
        role: RoleName,
        /// The version trusted before.
        trusted: Version,
        /// The version offered.
        offered: Version,
    },
    /// A file has expired.
    #[error("{role} version {version} expired at {expires}")]
    Expired {
        /// Whose file.
        role: RoleName,
        /// The file's version.
        version: Version,
        /// When it expired.
        expires: Expiry,
        /// The time it was judged at.
        now: SystemTime,
    },
    /// A root is not a successor of the trusted one.
    #[error(
        "root version {offered} does not succeed trusted version {trusted}: {valid} valid signatures by its keys, \
         {needed} needed"
    )]
    RootChanged {
        /// The trusted version.
        trusted: Version,
        /// The version offered.
        offered: Version,
        /// The trusted root's threshold.
        needed: u32,
        /// How many of the trusted root's keys have signed.
        valid: u32,
    },
    /// A root is another one than that of the same version which was trusted before.
    #[error("root version {version} has SHA-256 {found}, the trusted one has {trusted}")]
    RootReplaced {
        /// The version of both.
        version: Version,
        /// SHA-256 of the one that was trusted, hex.
        trusted: String,
        /// SHA-256 of the other one, hex.
        found: String,
    },
    /// A root file holds another version than the one asked for.
    #[error("asked for root version {expected}, got {found}")]
    RootVersion {
        /// The version asked for.
        expected: Version,
        /// The version that came.
        found: Version,
    },
    /// No certificate of a root is usable for the collection.
    #[error("root version {version}: no usable certificate for {gun}: {reason}")]
    Certificate {
        /// The root's version.
        version: Version,
        /// The collection.
        gun: Gun,
        /// Why the last certificate that was looked at is not usable.
        reason: CertificateError,
    },
    /// A root does not match the configured pin.
    #[error("root version {version} of {gun} does not match the pin: {reason}")]
    PinMismatch {
        /// The root's version.
        version: Version,
        /// The collection.
        gun: Gun,
        /// What was expected and what came.
        reason: String,
    },
    /// The configured pin can't be used at all.
    #[error("the pin for {gun} is not usable: {reason}")]
    PinInvalid {
        /// The collection.
        gun: Gun,
        /// What is wrong.
        reason: String,
    },
    /// What is kept locally is damaged, lost, or in the way; only an explicit reset gives it up.
    #[error("local trust data of {gun}: {reason}")]
    LocalState {
        /// The collection.
        gun: Gun,
        /// What is wrong.
        reason: String,
    },
    /// A delegated role lies outside of its parent.
    #[error("{parent} can't delegate to {child}")]
    Delegation {
        /// The delegating role.
        parent: RoleName,
        /// The delegated role.
        child: RoleName,
    },
    /// A bound of [`Limits`](crate::limits::Limits) is reached.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The machine was handed a reply that it did not ask for.
    #[error("unexpected reply: {expected}")]
    Unexpected {
        /// What the machine waits for.
        expected: &'static str,
    },
}

impl VerifyError {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSigned { .. } => "NOT_SIGNED",
            Self::Missing { .. } | Self::Withheld { .. } | Self::Unlisted { .. } => "MISSING",
            Self::Unavailable { .. } => "NETWORK",
            Self::NotCached { .. } => "NOT_CACHED",
            Self::TooLarge { .. }
            | Self::TooMany { .. }
            | Self::Malformed { source: WireError::TooMany { .. }, .. } => "TOO_LARGE",
            Self::Malformed { .. } | Self::Delegation { .. } => "MALFORMED",
            Self::HashMismatch { .. } | Self::LengthMismatch { .. } => "HASH_MISMATCH",
            Self::VersionMismatch { .. } => "VERSION_MISMATCH",
            Self::Threshold { .. } => "THRESHOLD",
            Self::Rollback { .. } => "ROLLBACK",
            Self::Expired { .. } | Self::Certificate { reason: CertificateError::Expired { .. }, .. } => {
                "EXPIRED"
            }
            Self::RootChanged { .. } | Self::RootReplaced { .. } | Self::RootVersion { .. } => "ROOT_CHANGED",
            Self::Certificate { .. } => "CERTIFICATE",
            Self::PinMismatch { .. } => "PIN_MISMATCH",
            Self::PinInvalid { .. } => "PIN_INVALID",
            Self::LocalState { .. } => "LOCAL_STATE",
            Self::Unexpected { .. } => "INTERNAL",
        }
    }

    /// Whether a newer root may explain the failure, so that it is worth looking for one.
    pub(crate) const fn may_be_stale_root(&self) -> bool {
        match self {
            Self::Threshold { role, .. } => !matches!(role, RoleName::Delegated(_)),
            Self::HashMismatch { role, .. } => matches!(role, RoleName::Root),
            _ => false,
        }
    }

    /// Whether a delegation in this state is left out while nobody asks for it.
    pub(crate) const fn spoils_only_its_subtree(&self) -> bool {
        matches!(self, Self::Threshold { .. } | Self::Expired { .. })
    }
}
