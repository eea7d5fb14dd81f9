//! What the drivers of all machines turn: the machine says what to do, and is told what came of it.
//!
//! The rule: whoever judges does no input or output, so all drivers get the same answers in the order of
//! the client workflow (Notary v1; TUF specification 1.0.34 section 5).

use super::{Notice, Refresh, Search, VerifyError};
use crate::{
    name::{Resource, RoleName, Slot, Version},
    wire::Bytes,
};

/// What to do next.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Read a slot of the store, and supply it.
    Load(Slot),
    /// Ask the server, read at most `max` bytes, and supply them.
    Fetch {
        /// What to ask for.
        resource: Resource,
        /// The most bytes that may come.
        max: u64,
    },
    /// Empty a slot of the store. Nothing is supplied.
    Forget(Slot),
    /// Write a slot of the store. Nothing is supplied. When a first root can't be written, the
    /// record must not be either: alone it says that somebody deleted the root.
    Save(Slot, Bytes),
    /// Nothing is left to do.
    Done,
}

/// What came of a `Load` or a `Fetch`.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums)]
pub enum Reply {
    /// It is there.
    Found(Vec<u8>),
    /// It is not there: the slot is empty, or the server said so.
    Absent,
    /// The question was not answered.
    Failed,
}

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

    /// What could not be kept is fetched again by the next look-up, and logged by the driver.
    fn note(&mut self, _: Notice) {}

    fn version(&self, role: &RoleName) -> Option<Version> {
        self.version(role)
    }
}
