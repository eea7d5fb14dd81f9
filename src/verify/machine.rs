//! What the drivers of all machines turn.

use super::{Notice, Refresh, Reply, Search, Step, VerifyError};
use crate::name::{Resource, RoleName, Version};

/// A machine without input or output of its own.
pub(crate) trait Machine {
    /// What to do next.
    fn step(&mut self) -> Step;
    /// The answer to it.
    fn supply(&mut self, reply: Reply) -> Result<(), VerifyError>;
    /// What will be asked for besides, as far as that is certain.
    fn ahead(&self) -> Vec<(Resource, u64)>;
    /// Adds what the driver met with.
    fn note(&mut self, notice: Notice);
    /// The version of a role's file that holds so far.
    fn version(&self, role: &RoleName) -> Option<Version>;
}

impl Machine for Refresh {
    fn step(&mut self) -> Step {
        self.step()
    }

    fn supply(&mut self, reply: Reply) -> Result<(), VerifyError> {
        self.supply(reply)
    }

    fn ahead(&self) -> Vec<(Resource, u64)> {
        self.ahead()
    }

    fn note(&mut self, notice: Notice) {
        self.note(notice);
    }

    fn version(&self, role: &RoleName) -> Option<Version> {
        self.version(role)
    }
}

impl Machine for Search {
    fn step(&mut self) -> Step {
        self.step()
    }

    fn supply(&mut self, reply: Reply) -> Result<(), VerifyError> {
        self.supply(reply)
    }

    /// Where the next role lies is known only when the last one has been read.
    fn ahead(&self) -> Vec<(Resource, u64)> {
        Vec::new()
    }

    fn note(&mut self, notice: Notice) {
        self.note(notice);
    }

    fn version(&self, role: &RoleName) -> Option<Version> {
        self.version(role)
    }
}
