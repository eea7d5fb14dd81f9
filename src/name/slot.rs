//! What a client keeps about one collection between two runs.

use super::RoleName;

/// One place in a metadata store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Slot {
    /// The newest verified file of a role, as received.
    Metadata(RoleName),
    /// Our own record: the first use of this collection, and the highest versions seen, which
    /// hold whatever becomes of the files.
    Record,
}

impl Slot {
    /// The role whose file is kept here.
    pub(crate) fn into_role(self) -> Option<RoleName> {
        match self {
            Self::Metadata(role) => Some(role),
            Self::Record => None,
        }
    }
}
