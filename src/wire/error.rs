//! What can be wrong with a document's syntax or structure.

use super::json::JsonError;
use crate::name::NameError;

/// A document that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A name, version, time or threshold that is not legal.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A required member is missing.
    #[error("member {member:?} is missing")]
    Missing {
        /// The member.
        member: &'static str,
    },
    /// The document is of another type.
    #[error("_type {expected:?} expected, found {found:?}")]
    WrongType {
        /// The type that belongs here.
        expected: &'static str,
        /// What the document says.
        found: String,
    },
    /// A member that has no meaning here, where nothing may be passed over.
    #[error("member {member:?} has no meaning here")]
    Unexpected {
        /// The member, or its beginning.
        member: String,
    },
    /// A member's value is not legal.
    #[error("member {member:?}: {reason}")]
    Invalid {
        /// The member.
        member: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// More items than [`Limits`](crate::limits::Limits) allows.
    #[error("more than {limit} {what}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Bytes that are to be published are not what the server would write itself; it would
    /// accept them and serve a repository that nobody can read.
    #[error("{role} would not survive the server's own re-serialisation")]
    NotFixpoint {
        /// Whose file.
        role: String,
    },
}

impl WireError {
    pub(crate) fn invalid(member: &'static str, reason: impl ToString) -> Self {
        Self::Invalid { member, reason: reason.to_string() }
    }
}
