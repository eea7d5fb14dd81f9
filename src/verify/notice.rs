//! What a caller should know although the metadata is trusted.

use crate::name::{RoleName, Slot, Version};

/// Something worth knowing about trusted metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The collection was trusted for the first time, without a pin.
    FirstUse {
        /// The root's version.
        version: Version,
    },
    /// The same version of a file was seen with two contents.
    Equivocation {
        /// Whose file.
        role: RoleName,
        /// The version of both.
        version: Version,
        /// SHA-256 of the one trusted before.
        before: [u8; 32],
        /// SHA-256 of the one trusted now.
        now: [u8; 32],
    },
    /// The cached file of a role was there and could not be used; it was fetched again.
    CacheUnusable {
        /// Whose file.
        role: RoleName,
    },
    /// A role was known before and its roll-back floor is gone: neither cache nor record holds it.
    FloorLost {
        /// Whose floor.
        role: RoleName,
    },
    /// A published delegation is expired or under-signed; it and all below it are left out.
    DelegationUnusable {
        /// The role.
        role: RoleName,
        /// Why.
        reason: String,
    },
    /// The network failed, and the cache, which holds still, answered instead of the server.
    ServedFromCache {
        /// Why the server could not be asked.
        reason: String,
    },
    /// The clock stands before the latest time that was known; that time was used instead.
    ClockBehind,
    /// A verified file could not be kept; the next run starts without it.
    NotSaved {
        /// Which.
        slot: Slot,
        /// What the store said.
        reason: String,
    },
}
