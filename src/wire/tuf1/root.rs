//! The root document.

use crate::{
    limits::Limits,
    metadata::Root,
    wire::{WireError, json::Reader},
};

pub(in crate::wire) fn read(_reader: &mut Reader<'_>, _limits: &Limits) -> Result<Root, WireError> {
    Err(WireError::Missing { member: "to be written" })
}

pub(in crate::wire) fn write(_body: &Root, _out: &mut Vec<u8>) {}
