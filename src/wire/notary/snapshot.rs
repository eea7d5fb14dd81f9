//! The snapshot document.

use std::collections::BTreeMap;

use super::{Header, WireError, meta, write_name, write_number, write_text};
use crate::{
    limits::Limits,
    metadata::{Pin, Snapshot},
    name::{Expiry, RoleName, Version},
    wire::{Document, envelope::sealed::Syntax, json::Reader},
};

const TYPE: &str = "Snapshot";

impl Document for Snapshot {
    fn version(&self) -> Version {
        self.version
    }

    fn expires(&self) -> Expiry {
        self.expires
    }
}

impl Syntax for Snapshot {
    fn read(reader: &mut Reader<'_>, _: &Limits) -> Result<Self, WireError> {
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
        Ok(Self {
            version,
            expires,
            root: entries.root.ok_or(WireError::Missing { member: "root" })?,
            targets: entries.targets.ok_or(WireError::Missing { member: "targets" })?,
            delegated: entries.delegated,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        write_text(out, "_type", TYPE);
        write_text(out, "expires", &self.expires.to_string());
        write_name(out, "meta");
        out.push(b'{');
        // "root" < "targets" < "targets/…" in byte order.
        let base = [("root", &self.root), ("targets", &self.targets)];
        let delegated = self.delegated.iter().map(|(role, pin)| (role.as_str(), pin));
        for (role, pin) in base.into_iter().chain(delegated) {
            write_name(out, role);
            meta::write_pin(out, pin);
        }
        out.push(b'}');
        write_number(out, "version", self.version.get());
        out.push(b'}');
    }
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
