//! The record: read first, written last.

use super::{Refresh, Reply, State};
use crate::{
    name::Slot,
    verify::{Notice, VerifyError, floors::Floors},
    wire::{FirstUse, TrustRecord},
};

impl Refresh {
    pub(super) fn on_record(&mut self, reply: Reply) -> Result<State, VerifyError> {
        let local = |reason| VerifyError::LocalState { gun: self.gun.clone(), reason };
        match reply {
            Reply::Absent => {}
            Reply::Failed => return Err(local("the record can't be read".to_owned())),
            Reply::Found(bytes) => {
                let record = TrustRecord::read(&bytes).map_err(|error| local(format!("record: {error}")))?;
                if record.gun != self.gun {
                    return Err(local(format!("the record is of {}", record.gun)));
                }
                self.floors = Floors::new(record.floors.clone());
                self.record = record;
            }
        }
        self.hold_the_clock();
        Ok(State::LoadRoot)
    }

    /// A clock that was set back makes nothing valid again. The latest time is only ever recorded
    /// together with metadata that was unexpired then, so it can't run far ahead of the server's.
    fn hold_the_clock(&mut self) {
        match self.record.latest_time {
            Some(latest) if !self.as_of && latest > self.judge.now => {
                self.judge.now = latest;
                self.note(Notice::ClockBehind);
            }
            _ => {}
        }
    }

    /// Remembers where trust began.
    pub(super) fn note_first_use(&mut self) {
        let Some(root) = &self.root else { return };
        if self.record.first_use.is_none() {
            let (version, sha256) = (root.body().version, *root.sha256());
            self.record.first_use = Some(FirstUse { time: self.judge.now, version, sha256 });
        }
    }

    /// Queues the record when it changed. The clock's time counts only at the end of a refresh
    /// that succeeded.
    pub(super) fn keep_record(&mut self, succeeded: bool) {
        let before = self.record.to_bytes();
        self.record.floors = self.floors.clone().into_inner();
        if succeeded && !self.as_of {
            self.record.latest_time = Some(self.judge.now);
            if !self.offline {
                self.record.confirmed = Some(self.judge.now);
            }
        }
        let after = self.record.to_bytes();
        let known = self.record.first_use.is_some();
        if known && before != after {
            self.queue(Slot::Record, after.into());
        }
    }
}
