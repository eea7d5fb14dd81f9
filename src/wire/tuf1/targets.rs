//! Targets documents (TUF specification 4.5): the top-level one and each delegated role's.

use super::{Header, begin, delegations, meta, object::Object, write_expires, write_spec_version};
use crate::{
    limits::Limits,
    metadata::{EntryExtra, Extra, TargetIndex, Targets},
    wire::{WireError, json::Reader},
};

const TYPE: &str = "targets";

pub(in crate::wire) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Targets, WireError> {
    let (mut delegations, mut targets) = (delegations::Delegations::default(), None);
    let own = ["delegations", "targets"];
    let (version, expires, extra) = Header::read(reader, TYPE, &own, |reader, member, extra| {
        match member {
            "delegations" => delegations = delegations::read(reader, limits, extra)?,
            _ => targets = Some(read_targets(reader)?),
        }
        Ok(())
    })?;
    let targets = targets.ok_or(WireError::Missing { member: "targets" })?;
    let delegations::Delegations { keys, roles, bins } = delegations;
    Ok(Targets { version, expires, keys, delegations: roles, bins, targets, extra })
}

pub(in crate::wire) fn write(body: &Targets, out: &mut Vec<u8>) {
    let none = Extra::default();
    let mut document = begin(out, TYPE, &body.extra);
    delegations::write(&mut document, body);
    write_expires(&mut document, body.expires);
    write_spec_version(&mut document, &body.extra);
    let mut targets = Object::begin(document.name("targets"), &none);
    for target in body.targets.iter() {
        meta::write_target(targets.name(target.name), &target, body.targets.extra(target.name));
    }
    targets.end();
    document.number("version", body.version.get());
    document.end();
}

fn read_targets(reader: &mut Reader<'_>) -> Result<TargetIndex, WireError> {
    let mut index = TargetIndex::default();
    reader.map(|reader, name| {
        let (name, mut extra) = (name.decode(), EntryExtra::default());
        let target = meta::read_target(reader, &name, &mut extra)?;
        if !index.push(target) {
            return Err(WireError::invalid("targets", "more than 4 GiB of names"));
        }
        index.push_extra(&name, extra);
        Ok(())
    })?;
    index.sort();
    Ok(index)
}
