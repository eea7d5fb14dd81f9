//! The living dialects of TUF, and what differs between them.
//!
//! Rule: a difference is a row of this table. The verifier reads rows and never asks which dialect
//! it has before it.

use crate::name::Version;

/// A dialect of The Update Framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// Notary v1, also known as Docker Content Trust.
    Notary,
}

/// What a dialect decides differently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The highest version that any program of the dialect can store.
    pub(crate) max_version: u64,
    /// What becomes of a delegation that is expired or under-signed, while nobody asks for it.
    pub(crate) bad_delegation: BadDelegation,
}

/// See [`Rules::bad_delegation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadDelegation {
    /// The role and all below it are left out; the rest stays usable.
    SkipSubtree,
}

impl Dialect {
    pub(crate) const fn rules(self) -> Rules {
        match self {
            // Notary's servers keep versions in 32 signed bits.
            Self::Notary => Rules { max_version: 2_147_483_647, bad_delegation: BadDelegation::SkipSubtree },
        }
    }

    /// Whether the dialect's servers could hold a file of this version.
    pub(crate) fn admits_version(self, version: Version) -> bool {
        version.get() <= self.rules().max_version
    }
}
