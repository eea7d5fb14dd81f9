//! The timestamp document (TUF specification 4.6): which snapshot is the newest.

use super::{Header, begin, members, meta, object::Object, write_expires, write_spec_version};
use crate::{
    limits::Limits,
    metadata::{Extra, Timestamp},
    wire::{WireError, json::Reader},
};

const TYPE: &str = "timestamp";
const SNAPSHOT: &str = "snapshot.json";

pub(in crate::wire) fn read(reader: &mut Reader<'_>, _: &Limits) -> Result<Timestamp, WireError> {
    let mut snapshot = None;
    let (version, expires, extra) = Header::read(reader, TYPE, &["meta"], |reader, _, _| {
        // What another entry pins may be another file by the next version: it is not kept.
        members(reader, &[SNAPSHOT], &mut Extra::default(), |reader, _| {
            snapshot = Some(meta::read_pin(reader)?);
            Ok(())
        })
    })?;
    let snapshot = snapshot.ok_or(WireError::Missing { member: SNAPSHOT })?;
    Ok(Timestamp { version, expires, snapshot, extra })
}

pub(in crate::wire) fn write(body: &Timestamp, out: &mut Vec<u8>) {
    let none = Extra::default();
    let mut timestamp = begin(out, TYPE, &body.extra);
    write_expires(&mut timestamp, body.expires);
    let mut pins = Object::begin(timestamp.name("meta"), &none);
    meta::write_pin(pins.name(SNAPSHOT), &body.snapshot);
    pins.end();
    write_spec_version(&mut timestamp, &body.extra);
    timestamp.number("version", body.version.get());
    timestamp.end();
}
