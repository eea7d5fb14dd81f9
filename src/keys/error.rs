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
    #[error("no passphrase for the {role} key{}: nothing came from {origin}", named(.id))]
    NoPassphrase {
        /// The key's label.
        role: KeyRole,
        /// The key, if it is known before it is opened.
        id: Option<KeyId>,
        /// Where the passphrase would have come from, such as the name of a variable.
        origin: String,
    },
    /// The passphrase that was given is empty, or blank for a new key.
    #[error("empty passphrase for the {role} key{} from {origin}", named(.id))]
    EmptyPassphrase {
        /// The key's label.
        role: KeyRole,
        /// The key, if it is known before it is opened.
        id: Option<KeyId>,
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
    #[error("no passphrase opened the key{} ({attempts} tried); or the file was altered", named(.id))]
    WrongPassphrase {
        /// The key, if it is known before it is opened.
        id: Option<KeyId>,
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
    /// The key stays where it is: its store gives signatures only.
    #[error("key {id} can't leave its store")]
    NotExportable {
        /// The key.
        id: KeyId,
    },
    /// A PEM block is something else than a private key.
    #[error("PEM block {label:?} is no private key")]
    NotAPrivateKey {
        /// The type of the block.
        label: String,
    },
    /// A file of keys, or a block in it, can't be read.
    #[error("not readable as a private key: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// A key with this label belongs to one collection, and neither the file nor the caller names it.
    #[error("a {role} key belongs to one collection, and none is named")]
    NoGun {
        /// The key's label.
        role: KeyRole,
    },
    /// A token took none of the PINs that were tried.
    #[error("token {token:?} refused the PIN ({attempts} tried)")]
    WrongPin {
        /// The token's label.
        token: String,
        /// PINs tried.
        attempts: u32,
    },
    /// Another wrong PIN could lock the token, so none is tried.
    #[error("another wrong PIN could lock token {token:?}: log in once with the token's own tool first")]
    PinAtRisk {
        /// The token's label.
        token: String,
    },
    /// A token, or the module that leads to it, does not serve.
    #[error("PKCS#11: can't {action}: {reason}")]
    Token {
        /// What was tried.
        action: &'static str,
        /// The reason.
        reason: String,
    },
    /// A file would have been overwritten.
    #[error("{path} is there already and is not overwritten")]
    Exists {
        /// The file.
        path: String,
    },
    /// A private key's file is open to other users.
    #[error("{path} has mode {mode:o}, so that others can get at it; expected 600 or 400")]
    OpenToOthers {
        /// The file.
        path: String,
        /// Its permissions.
        mode: u32,
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
            | Self::WrongPassphrase { .. }
            | Self::WrongPin { .. }
            | Self::PinAtRisk { .. } => "PASSPHRASE",
            Self::Damaged { .. } | Self::IdMismatch { .. } => "KEY_DAMAGED",
            Self::Conflict { .. } => "KEY_CONFLICT",
            Self::NotExportable { .. } => "KEY_NOT_EXPORTABLE",
            Self::NotAPrivateKey { .. } | Self::Unreadable { .. } | Self::NoGun { .. } => "KEY_FILE",
            Self::Exists { .. } => "FILE_EXISTS",
            Self::OpenToOthers { .. } => "FILE_MODE",
            #[cfg(feature = "directory")]
            Self::File(_) => "KEY_STORE",
            Self::Token { .. } => "KEY_TOKEN",
            Self::Crypto(_) | Self::Other(_) => "KEY_STORE",
        }
    }

    /// Whether there is no such key, as opposed to one that can't be used.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

/// A known id for the middle of a sentence.
fn named(id: &Option<KeyId>) -> String {
    id.as_ref().map_or_else(String::new, |id| format!(" {id}"))
}
