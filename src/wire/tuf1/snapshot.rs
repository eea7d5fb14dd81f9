//! The snapshot document.

use crate::{
    limits::Limits,
    metadata::Snapshot,
    wire::{WireError, json::Reader},
};

pub(in crate::wire) fn read(_reader: &mut Reader<'_>, _limits: &Limits) -> Result<Snapshot, WireError> {
    Err(WireError::Missing { member: "to be written" })
}

pub(in crate::wire) fn write(_body: &Snapshot, _out: &mut Vec<u8>) {}
