//! The timestamp document.

use crate::{
    limits::Limits,
    metadata::Timestamp,
    wire::{WireError, json::Reader},
};

pub(in crate::wire) fn read(_reader: &mut Reader<'_>, _limits: &Limits) -> Result<Timestamp, WireError> {
    Err(WireError::Missing { member: "to be written" })
}

pub(in crate::wire) fn write(_body: &Timestamp, _out: &mut Vec<u8>) {}
