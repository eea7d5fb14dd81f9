//! The targets document.

use crate::{
    limits::Limits,
    metadata::Targets,
    wire::{WireError, json::Reader},
};

pub(in crate::wire) fn read(_reader: &mut Reader<'_>, _limits: &Limits) -> Result<Targets, WireError> {
    Err(WireError::Missing { member: "to be written" })
}

pub(in crate::wire) fn write(_body: &Targets, _out: &mut Vec<u8>) {}
