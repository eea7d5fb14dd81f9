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
    /// TUF 1.0, that is any specification 1.x.
    Tuf1,
}

/// What a dialect decides differently. Where a row names a section, it is that of the TUF
/// specification 1.0.34.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The highest version that any program of the dialect can store.
    pub(crate) max_version: u64,
    /// Which keys can vouch for a root.
    pub(crate) root_keys: RootKeys,
    /// When newer roots are looked for.
    pub(crate) newer_roots: NewerRoots,
    /// What names the files that a parent pins.
    pub(crate) file_names: FileNames,
    /// What a timestamp is whose version is the trusted one's.
    pub(crate) equal_timestamp: EqualTimestamp,
    /// Whose word the roll-back floor of targets files is.
    pub(crate) targets_floor: TargetsFloor,
    /// Which cached file still counts after the root has changed.
    pub(crate) cached_files: CachedFiles,
    /// When delegations are loaded.
    pub(crate) delegations: Delegations,
    /// Which roles a targets file may delegate to.
    pub(crate) children: Children,
    /// What becomes of a delegation that is expired or under-signed.
    pub(crate) bad_delegation: BadDelegation,
}

/// See [`Rules::root_keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootKeys {
    /// Those whose certificates are made for the collection.
    Certified,
    /// All that the root names.
    Any,
}

/// See [`Rules::newer_roots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewerRoots {
    /// When something else failed that a newer root may explain.
    OnFailure,
    /// First of all, in each refresh (5.3); each is kept as soon as it is verified.
    Always,
}

/// See [`Rules::file_names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileNames {
    /// Their SHA-256.
    Digest,
    /// Their version where the root declares consistent snapshots, nothing otherwise (3.3, 6).
    Version,
}

/// See [`Rules::equal_timestamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EqualTimestamp {
    /// The newest.
    Replaces,
    /// None: the trusted one stays (5.4.3.1).
    IsDiscarded,
}

/// See [`Rules::targets_floor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetsFloor {
    /// The file's own that was trusted before.
    File,
    /// The snapshot's that was trusted before: none of its files may vanish or get older (5.5.5).
    Snapshot,
}

/// See [`Rules::cached_files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CachedFiles {
    /// One that the present root vouches for, or the one that the refresh began with.
    AnyRoot,
    /// One that every root since has vouched for (5.3.11).
    EveryRoot,
}

/// See [`Rules::delegations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delegations {
    /// All of them, in each refresh.
    InRefresh,
    /// When a look-up comes by (5.6.7).
    OnLookup,
}

/// See [`Rules::children`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Children {
    /// Those one level below it in name.
    Direct,
    /// Any but the top-level ones.
    Any,
}

/// See [`Rules::bad_delegation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadDelegation {
    /// The role and all below it are left out; the rest stays usable.
    SkipSubtree,
    /// The look-up that met it fails.
    EndSearch,
}

impl Dialect {
    pub(crate) const fn rules(self) -> Rules {
        match self {
            Self::Notary => Rules {
                // Notary's servers keep versions in 32 signed bits.
                max_version: 2_147_483_647,
                root_keys: RootKeys::Certified,
                newer_roots: NewerRoots::OnFailure,
                file_names: FileNames::Digest,
                equal_timestamp: EqualTimestamp::Replaces,
                targets_floor: TargetsFloor::File,
                cached_files: CachedFiles::AnyRoot,
                delegations: Delegations::InRefresh,
                children: Children::Direct,
                bad_delegation: BadDelegation::SkipSubtree,
            },
            Self::Tuf1 => Rules {
                max_version: Version::HIGHEST,
                root_keys: RootKeys::Any,
                newer_roots: NewerRoots::Always,
                file_names: FileNames::Version,
                equal_timestamp: EqualTimestamp::IsDiscarded,
                targets_floor: TargetsFloor::Snapshot,
                cached_files: CachedFiles::EveryRoot,
                delegations: Delegations::OnLookup,
                children: Children::Any,
                bad_delegation: BadDelegation::EndSearch,
            },
        }
    }

    /// Whether the dialect's servers could hold a file of this version.
    pub(crate) fn admits_version(self, version: Version) -> bool {
        version.get() <= self.rules().max_version
    }
}
