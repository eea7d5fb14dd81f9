//! The timestamp document.

use super::{Header, WireError, meta, write_name, write_number, write_text};
use crate::{
    limits::Limits,
    metadata::Timestamp,
    name::{Expiry, Version},
    wire::{Document, envelope::sealed::Syntax, json::Reader},
};

const TYPE: &str = "Timestamp";

impl Document for Timestamp {
    fn version(&self) -> Version {
        self.version
    }

    fn expires(&self) -> Expiry {
        self.expires
    }
}

impl Syntax for Timestamp {
    fn read(reader: &mut Reader<'_>, _: &Limits) -> Result<Self, WireError> {
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
        Ok(Self { version, expires, snapshot: snapshot.ok_or(WireError::Missing { member: "snapshot" })? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        write_text(out, "_type", TYPE);
        write_text(out, "expires", &self.expires.to_string());
        write_name(out, "meta");
        out.push(b'{');
        write_name(out, "snapshot");
        meta::write_pin(out, &self.snapshot);
        out.push(b'}');
        write_number(out, "version", self.version.get());
        out.push(b'}');
    }
}
