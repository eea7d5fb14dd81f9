//! The timestamp document.

use super::{Header, WireError, meta, write_name, write_number, write_text};
use crate::{
    limits::Limits,
    metadata::{Extra, Timestamp},
    wire::json::Reader,
};

const TYPE: &str = "Timestamp";

pub(in crate::wire) fn read(reader: &mut Reader<'_>, _: &Limits) -> Result<Timestamp, WireError> {
    let mut header = Header::default();
    let mut snapshot = None;
    reader.structure(&["_type", "expires", "meta", "version"], |reader, member| {
        match member {
            "meta" => reader.map(|reader, name| {
                match name.decode().as_ref() {
                    "snapshot" => snapshot = Some(meta::read_pin(reader)?),
                    _ => drop(reader.raw()?),
                }
                Ok::<_, WireError>(())
            })?,
            _ => drop(header.read(reader, member, TYPE)?),
        }
        Ok::<_, WireError>(())
    })?;
    let (version, expires) = header.finish(TYPE)?;
    Ok(Timestamp {
        version,
        expires,
        snapshot: snapshot.ok_or(WireError::Missing { member: "snapshot" })?,
        extra: Extra::default(),
    })
}

pub(in crate::wire) fn write(body: &Timestamp, out: &mut Vec<u8>) {
    out.push(b'{');
    write_text(out, "_type", TYPE);
    write_text(out, "expires", &body.expires.to_string());
    write_name(out, "meta");
    out.push(b'{');
    write_name(out, "snapshot");
    meta::write_pin(out, &body.snapshot);
    out.push(b'}');
    write_number(out, "version", body.version.get());
    out.push(b'}');
}
