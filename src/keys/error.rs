//! What can go wrong with stored keys. No message holds a passphrase or a part of a key (KS-13).

use super::{KeyInfo, KeyRole};
use crate::{crypto::CryptoError, name::KeyId};

/// Why a key store could not serve.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key has exactly this id.
    #[error("no private key {id}")]
    NotFound {
        /// The id asked for.
        id: KeyId,
    },
    /// Stores don't make keys of this kind; they may be able to keep them.
    #[error("keys of kind {kind:?} can't be made, only \"ecdsa\" and \"ed25519\"")]
    UnsupportedKind {
        /// The kind asked for.
        kind: String,
    },
    /// A passphrase is needed and nobody gave one.
    #[error("no passphrase for the {role} key {id}: nothing came from {origin}")]
    NoPassphrase {
        /// The key's label.
        role: KeyRole,
        /// The key.
        id: KeyId,
        /// Where the passphrase would have come from, such as the name of a variable.
        origin: String,
    },
    /// The passphrase that was given is empty, or blank for a new key.
    #[error("empty passphrase for the {role} key {id} from {origin}")]
    EmptyPassphrase {
        /// The key's label.
        role: KeyRole,
        /// The key.
        id: KeyId,
        /// Where the passphrase came from.
        origin: String,
    },
    /// The passphrase chosen for a new key is too short.
    #[error("the passphrase for the new {role} key has {got} characters, at least {min} are needed")]
    ShortPassphrase {
        /// The key's label.
        role: KeyRole,
        /// Fewest characters.
        min: usize,
        /// Characters that it has.
        got: usize,
    },
    /// No passphrase that was given opens the key, or the encrypted key was altered.
    #[error("no passphrase opened key {id} ({attempts} tried); or the file was altered")]
    WrongPassphrase {
        /// The key.
        id: KeyId,
        /// Passphrases tried.
        attempts: u32,
    },
    /// What is stored under the id is not a usable key.
    #[error("key {id} is damaged or of an unsupported form: {reason}")]
    Damaged {
        /// The key.
        id: KeyId,
        /// What is wrong with it.
        reason: String,
    },
    /// What is stored under the id is another key.
    #[error("stored as key {id}, but it is key {found}")]
    IdMismatch {
        /// The id it is stored under.
        id: KeyId,
        /// The id computed from the key.
        found: KeyId,
    },
    /// The key is there already under other labels.
    #[error("there already as {stored}, so not kept as {offered}")]
    Conflict {
        /// How it is stored.
        stored: KeyInfo,
        /// How it was to be stored.
        offered: KeyInfo,
    },
    /// A key's file could not be read or written.
    #[cfg(feature = "directory")]
    #[error(transparent)]
    File(#[from] crate::disk::FileError),
    /// Making or encrypting a key failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A store of another kind failed.
    #[error("{0}")]
    Other(String),
}

impl KeyError {
    /// A stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "KEY_NOT_FOUND",
            Self::UnsupportedKind { .. } => "KEY_UNSUPPORTED",
            Self::NoPassphrase { .. }
            | Self::EmptyPassphrase { .. }
            | Self::ShortPassphrase { .. }
            | Self::WrongPassphrase { .. } => "PASSPHRASE",
            Self::Damaged { .. } | Self::IdMismatch { .. } => "KEY_DAMAGED",
            Self::Conflict { .. } => "KEY_CONFLICT",
            #[cfg(feature = "directory")]
            Self::File(_) => "KEY_STORE",
            Self::Crypto(_) | Self::Other(_) => "KEY_STORE",
        }
    }

    /// Whether there is no such key, as opposed to one that can't be used.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
