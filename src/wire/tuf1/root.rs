//! The root document (TUF specification 4.3).

use super::{
    Header, begin, keys, members,
    object::{Object, nest, nested},
    role_keys, write_expires, write_spec_version,
};
use crate::{
    limits::Limits,
    metadata::{Extra, RoleKeys, Root},
    name::RoleName,
    wire::{WireError, json::Reader},
};

const TYPE: &str = "root";

pub(in crate::wire) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Root, WireError> {
    let (mut ring, mut roles, mut consistent_snapshot) = (None, None, false);
    let own = ["consistent_snapshot", "keys", "roles"];
    let (version, expires, extra) = Header::read(reader, TYPE, &own, |reader, member, extra| {
        match member {
            "consistent_snapshot" => consistent_snapshot = reader.boolean()?,
            "keys" => ring = Some(keys::read_ring(reader, limits)?),
            _ => roles = Some(Roles::read(reader, limits, extra)?),
        }
        Ok(())
    })?;
    let roles = roles.ok_or(WireError::Missing { member: "roles" })?;
    let need = |keys: Option<RoleKeys>, role: RoleName| {
        keys.ok_or_else(|| WireError::invalid("roles", format!("{role} is missing")))
    };
    Ok(Root {
        version,
        expires,
        consistent_snapshot,
        keys: ring.ok_or(WireError::Missing { member: "keys" })?,
        root: need(roles.root, RoleName::Root)?,
        timestamp: need(roles.timestamp, RoleName::Timestamp)?,
        snapshot: need(roles.snapshot, RoleName::Snapshot)?,
        targets: need(roles.targets, RoleName::Targets)?,
        extra,
    })
}

pub(in crate::wire) fn write(body: &Root, out: &mut Vec<u8>) {
    let others = nested(&body.extra, "roles");
    let mut root = begin(out, TYPE, &body.extra);
    root.flag("consistent_snapshot", body.consistent_snapshot);
    write_expires(&mut root, body.expires);
    keys::write_ring(root.name("keys"), &body.keys);
    let mut roles = Object::begin(root.name("roles"), &others);
    for (name, keys) in [
        ("root", &body.root),
        ("snapshot", &body.snapshot),
        ("targets", &body.targets),
        ("timestamp", &body.timestamp),
    ] {
        let mut role = Object::begin(roles.name(name), &keys.extra);
        role_keys::write_key_ids(&mut role, keys);
        role_keys::write_threshold(&mut role, keys);
        role.end();
    }
    roles.end();
    write_spec_version(&mut root, &body.extra);
    root.number("version", body.version.get());
    root.end();
}

/// The four roles of the specification; others are kept.
#[derive(Default)]
struct Roles {
    root: Option<RoleKeys>,
    timestamp: Option<RoleKeys>,
    snapshot: Option<RoleKeys>,
    targets: Option<RoleKeys>,
}

impl Roles {
    fn read(reader: &mut Reader<'_>, limits: &Limits, extra: &mut Extra) -> Result<Self, WireError> {
        let (mut roles, mut others) = (Self::default(), Extra::default());
        members(reader, &["root", "timestamp", "snapshot", "targets"], &mut others, |reader, member| {
            let place = match member {
                "root" => &mut roles.root,
                "timestamp" => &mut roles.timestamp,
                "snapshot" => &mut roles.snapshot,
                _ => &mut roles.targets,
            };
            *place = Some(read_role(reader, limits)?);
            Ok(())
        })?;
        if !others.is_empty() {
            nest(extra, "roles", &others);
        }
        Ok(roles)
    }
}

fn read_role(reader: &mut Reader<'_>, limits: &Limits) -> Result<RoleKeys, WireError> {
    let (mut draft, mut extra) = (role_keys::Draft::default(), Extra::default());
    members(reader, &role_keys::MEMBERS, &mut extra, |reader, member| draft.read(reader, member, limits))?;
    Ok(RoleKeys { extra, ..draft.finish()? })
}
