//! Every bound on what a server, a publisher or a file may make us read, keep or compute.
//!
//! A bound is checked before the work that it bounds. Lengths that a parent pins are bounds too,
//! but never above [`Limits::max_metadata`].

use std::time::Duration;

/// Bounds on untrusted input. `Limits::default()` suits real repositories.
///
/// ```
/// let limits = tuf_notary::limits::Limits { max_metadata: 256 << 20, ..Default::default() };
/// assert_eq!(limits.max_root, 1 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // functional update is how callers set one bound
pub struct Limits {
    /// Largest root file, in bytes, where no parent pins its length. Default 1 MiB.
    pub max_root: u64,
    /// Largest timestamp file, in bytes. Default 1 MiB.
    pub max_timestamp: u64,
    /// Largest length that a parent may pin for any file, in bytes. Default 64 MiB.
    pub max_metadata: u64,
    /// Most bytes of `targets` and all delegations together, in bytes. Default 512 MiB.
    pub max_total: u64,
    /// Most root versions walked in one refresh. Default 256; progress is kept, the next refresh
    /// goes on from there.
    pub max_root_rotations: u32,
    /// Most delegated roles loaded in one refresh. Default 1,024.
    pub max_delegations: usize,
    /// Most roles that one targets file may delegate to, where they are loaded on look-up (TUF 1.0).
    /// Default 32,768.
    pub max_listed_delegations: usize,
    /// Most delegated roles that the look-up of one target asks, where they are loaded on the way
    /// (TUF 1.0). Default 64.
    pub max_visited_roles: usize,
    /// Deepest delegation below `targets`. Default 32.
    pub max_delegation_depth: usize,
    /// Most signatures in one file. Default 1,024.
    pub max_signatures: usize,
    /// Most signatures tried for one key in one file. Default 8.
    pub max_attempts_per_key: usize,
    /// Most keys that one role may list. Default 1,024.
    pub max_keys_per_role: usize,
    /// Most keys in one file, whether a role lists them or not. Default 16,384.
    pub max_keys: usize,
    /// How long after the start of a refresh its last request may begin; each request has time-outs of
    /// its own besides. Default 15 minutes. Needs the feature `system-clock`.
    pub max_duration: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_root: 1 << 20,
            max_timestamp: 1 << 20,
            max_metadata: 64 << 20,
            max_total: 512 << 20,
            max_root_rotations: 256,
            max_delegations: 1024,
            max_listed_delegations: 32_768,
            max_visited_roles: 64,
            max_delegation_depth: 32,
            max_signatures: 1024,
            max_attempts_per_key: 8,
            max_keys_per_role: 1024,
            max_keys: 16_384,
            max_duration: Duration::from_secs(15 * 60),
        }
    }
}
