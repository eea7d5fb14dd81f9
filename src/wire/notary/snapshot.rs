//! The snapshot document.

use std::collections::BTreeMap;

use super::{Header, WireError, meta, write_name, write_number, write_text};
use crate::{
    limits::Limits,
    metadata::{Extra, Pin, Snapshot},
    name::RoleName,
    wire::json::Reader,
};

const TYPE: &str = "Snapshot";

pub(in crate::wire) fn read(reader: &mut Reader<'_>, _: &Limits) -> Result<Snapshot, WireError> {
    let mut header = Header::default();
    let mut entries = Entries::default();
    reader.structure(&["_type", "expires", "meta", "version"], |reader, member| {
        match member {
            "meta" => entries.read(reader)?,
            _ => drop(header.read(reader, member, TYPE)?),
        }
        Ok::<_, WireError>(())
    })?;
    let (version, expires) = header.finish(TYPE)?;
    Ok(Snapshot {
        version,
        expires,
        root: Some(entries.root.ok_or(WireError::Missing { member: "root" })?),
        targets: entries.targets.ok_or(WireError::Missing { member: "targets" })?,
        delegated: entries.delegated,
        extra: Extra::default(),
    })
}

pub(in crate::wire) fn write(body: &Snapshot, out: &mut Vec<u8>) {
    out.push(b'{');
    write_text(out, "_type", TYPE);
    write_text(out, "expires", &body.expires.to_string());
    write_name(out, "meta");
    out.push(b'{');
    // "root" < "targets" < "targets/…" in byte order.
    let root = body.root.iter().map(|pin| ("root", pin));
    let delegated = body.delegated.iter().map(|(role, pin)| (role.as_str(), pin));
    for (role, pin) in root.chain([("targets", &body.targets)]).chain(delegated) {
        write_name(out, role);
        meta::write_pin(out, pin);
    }
    out.push(b'}');
    write_number(out, "version", body.version.get());
    out.push(b'}');
}

#[derive(Default)]
struct Entries {
    root: Option<Pin>,
    targets: Option<Pin>,
    delegated: BTreeMap<RoleName, Pin>,
}

impl Entries {
    /// Entries under names that no role can have are ignored, but read strictly.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), WireError> {
        reader.map(|reader, name| {
            match RoleName::new(&name.decode()) {
                Ok(RoleName::Root) => self.root = Some(meta::read_pin(reader)?),
                Ok(RoleName::Targets) => self.targets = Some(meta::read_pin(reader)?),
                Ok(role @ RoleName::Delegated(_)) => {
                    self.delegated.insert(role, meta::read_pin(reader)?);
                }
                _ => drop(reader.raw()?),
            }
            Ok::<_, WireError>(())
        })
    }
}
