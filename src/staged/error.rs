//! Why changes can't be staged or taken up.

use crate::{
    crypto::CryptoError,
    disk::FileError,
    wire::{WireError, notary::StagedChange},
};

/// A changelist that can't serve. Nothing was published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagedError {
    /// A file could not be read, written or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of the changelist is no change that can be carried out. It blocks publishing until
    /// it is reset.
    #[error("the staged change {file} can't be read: {source}; reset it to go on")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        source: WireError,
    },
    /// A change that Notary's format can't say, or that could never be published.
    #[error("this can't be staged: {change}: {reason}")]
    NotStageable {
        /// The change.
        change: String,
        /// Why not.
        reason: String,
    },
    /// An index that the list doesn't have.
    #[error("there is no staged change {index}, there are {count}")]
    NoSuchIndex {
        /// The index, from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// More files than anybody would stage.
    #[error("{folder} has more than {limit} files")]
    TooMany {
        /// The folder.
        folder: String,
        /// The bound.
        limit: usize,
    },
    /// The name of a new file is in use.
    #[error("a file {file} exists already")]
    Taken {
        /// The file.
        file: String,
    },
    /// No name sorts behind those of the staged changes.
    #[error("the clock or the name of a staged change lies beyond the year 2554")]
    Clock,
    /// The system gave no random bytes.
    #[error(transparent)]
    Random(#[from] CryptoError),
}

impl StagedError {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "STAGED_CHANGE",
            Self::NotStageable { .. } => "NOT_STAGEABLE",
            Self::NoSuchIndex { .. } => "NO_SUCH_CHANGE",
            _ => "LOCAL_STATE",
        }
    }

    pub(super) fn not_stageable(change: &StagedChange, reason: impl ToString) -> Self {
        let (action, kind, scope, path) = (change.action(), change.kind(), change.scope(), change.path());
        let change = format!("{action} {kind} {path} in {scope}");
        Self::NotStageable { change, reason: reason.to_string() }
    }
}
