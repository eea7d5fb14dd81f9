//! Why a target's content did not arrive: it must be as long as is signed and have each signed digest
//! (TUF specification 1.0.34 section 5.7).

/// A content that was not taken, or could not be written. What was written of it is not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The content is not as long as is signed. Of a longer one nothing beyond that was written.
    #[error("{name} has {} bytes, expected {expected}", count(.found, .expected))]
    Length {
        /// The target.
        name: String,
        /// The signed length in bytes.
        expected: u64,
        /// How many bytes came; one more than expected stands for any number.
        found: u64,
    },
    /// The content is another one than is signed.
    #[error("{name} has {algorithm} {found}, expected {expected}")]
    Hash {
        /// The target.
        name: String,
        /// The algorithm.
        algorithm: &'static str,
        /// The signed digest, hex.
        expected: String,
        /// The content's digest, hex.
        found: String,
    },
    /// The content could not be written.
    #[error("{name} could not be written: {reason}")]
    Write {
        /// The target.
        name: String,
        /// What the writer said.
        reason: String,
    },
    /// The place for the content is taken by something that must not be replaced.
    #[error("{name} is not written to {path}: {reason}")]
    Occupied {
        /// The target.
        name: String,
        /// The place.
        path: String,
        /// What is there.
        reason: &'static str,
    },
}

impl DownloadError {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Length { .. } => "LENGTH_MISMATCH",
            Self::Hash { .. } => "HASH_MISMATCH",
            Self::Write { .. } | Self::Occupied { .. } => "LOCAL_FILE",
        }
    }
}

fn count(found: &u64, expected: &u64) -> String {
    if found > expected { "more".to_owned() } else { found.to_string() }
}
