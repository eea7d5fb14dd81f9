//! What a client keeps about one collection or repository between two runs.

use super::{RoleName, Version};

/// One place in a metadata store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Slot {
    /// The newest verified file of a role, as received.
    Metadata(RoleName),
    /// A root on the way from the one that trust began with to the newest. Where the dialect keeps
    /// them, each run proves the newest anew without asking for those before it.
    Root(Version),
    /// Our own record: the first use of this collection or repository, and the highest versions seen, which
    /// hold whatever becomes of the files.
    Record,
}

impl Slot {
    /// The role whose file is kept here.
    pub(crate) fn into_role(self) -> Option<RoleName> {
        match self {
            Self::Metadata(role) => Some(role),
            Self::Root(_) => Some(RoleName::Root),
            Self::Record => None,
        }
    }
}
