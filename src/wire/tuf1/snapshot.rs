//! The snapshot document (TUF specification 4.4): one consistent set of targets files.

use std::collections::BTreeMap;

use super::{Header, begin, meta, object::Object, write_expires, write_spec_version};
use crate::{
    limits::Limits,
    metadata::{Extra, Pin, Snapshot},
    name::RoleName,
    wire::{WireError, json::Reader},
};

const TYPE: &str = "snapshot";
const TARGETS: &str = "targets.json";

pub(in crate::wire) fn read(reader: &mut Reader<'_>, _: &Limits) -> Result<Snapshot, WireError> {
    let mut entries = Entries::default();
    let (version, expires, extra) =
        Header::read(reader, TYPE, &["meta"], |reader, _, _| entries.read(reader))?;
    let targets = entries.targets.ok_or(WireError::Missing { member: TARGETS })?;
    Ok(Snapshot { version, expires, root: None, targets, delegated: entries.delegated, extra })
}

pub(in crate::wire) fn write(body: &Snapshot, out: &mut Vec<u8>) {
    let none = Extra::default();
    let mut snapshot = begin(out, TYPE, &body.extra);
    write_expires(&mut snapshot, body.expires);
    // With the suffix, the order is another than that of the roles: "a-b.json" < "a.json".
    let named = |(role, pin): (&RoleName, _)| (format!("{}.json", role.as_str()), pin);
    let delegated = body.delegated.iter().map(named);
    let all: BTreeMap<_, _> = delegated.chain([(TARGETS.to_owned(), &body.targets)]).collect();
    let mut pins = Object::begin(snapshot.name("meta"), &none);
    for (name, pin) in all {
        meta::write_pin(pins.name(&name), pin);
    }
    pins.end();
    write_spec_version(&mut snapshot, &body.extra);
    snapshot.number("version", body.version.get());
    snapshot.end();
}

#[derive(Default)]
struct Entries {
    targets: Option<Pin>,
    delegated: BTreeMap<RoleName, Pin>,
}

impl Entries {
    /// Entries of files that no targets role has are passed over, `root.json` of older repositories
    /// among them.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), WireError> {
        reader.map(|reader, name| {
            let name = name.decode();
            match name.strip_suffix(".json").map(RoleName::tuf) {
                Some(Ok(RoleName::Targets)) => self.targets = Some(meta::read_pin(reader)?),
                Some(Ok(role @ RoleName::Delegated(_))) => {
                    self.delegated.insert(role, meta::read_pin(reader)?);
                }
                _ => drop(reader.raw()?),
            }
            Ok(())
        })
    }
}
