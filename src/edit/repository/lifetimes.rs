//! How long files are valid: the less a key is protected, the shorter (TUF specification 5.3.10,
//! 5.4.4, 6).

use std::time::{Duration, SystemTime};

use crate::{
    edit::{DAY, EditError},
    name::{Expiry, RoleName},
    wire::tuf1,
};

/// How long the files of each role are valid from the time when they are made.
///
/// ```
/// use std::time::Duration;
/// use tuf_notary::edit::repository::Lifetimes;
/// let lifetimes = Lifetimes { timestamp: Duration::from_secs(6 * 3600), ..Lifetimes::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // functional update is how callers set one of them
pub struct Lifetimes {
    /// The root's. Default one year.
    pub root: Duration,
    /// That of `targets`. Default 90 days.
    pub targets: Duration,
    /// That of delegated roles. Default 90 days.
    pub delegated: Duration,
    /// The snapshot's. Default 7 days.
    pub snapshot: Duration,
    /// The timestamp's: how long a client can be kept from newer files unnoticed. Default one day.
    pub timestamp: Duration,
}

impl Lifetimes {
    /// The lifetime of a role's files.
    pub const fn of(&self, role: &RoleName) -> Duration {
        match role {
            RoleName::Root => self.root,
            RoleName::Targets => self.targets,
            RoleName::Delegated(_) => self.delegated,
            RoleName::Snapshot => self.snapshot,
            RoleName::Timestamp => self.timestamp,
        }
    }

    pub(super) fn expiry(&self, role: &RoleName, now: SystemTime) -> Result<Expiry, EditError> {
        Ok(tuf1::whole_seconds(Expiry::after(now, self.of(role))?))
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            root: DAY.saturating_mul(365),
            targets: DAY.saturating_mul(90),
            delegated: DAY.saturating_mul(90),
            snapshot: DAY.saturating_mul(7),
            timestamp: DAY,
        }
    }
}
