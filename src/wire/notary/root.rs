//! The root document.

use super::{Header, WireError, keys, read_key_ids, write_key_ids, write_name, write_number, write_text};
use crate::{
    limits::Limits,
    metadata::{Extra, KeyRing, RoleKeys, Root, threshold},
    name::RoleName,
    wire::json::Reader,
};

const TYPE: &str = "Root";
const MEMBERS: &[&str] = &["_type", "consistent_snapshot", "expires", "keys", "roles", "version"];

pub(in crate::wire) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Root, WireError> {
    let mut header = Header::default();
    let (mut keys, mut roles, mut consistent_snapshot) = (None, None, false);
    reader.structure(MEMBERS, |reader, member| {
        match member {
            "consistent_snapshot" => consistent_snapshot = reader.boolean()?,
            "keys" => keys = Some(keys::read_ring(reader, limits)?),
            "roles" => roles = Some(Roles::read(reader, limits)?),
            _ => drop(header.read(reader, member, TYPE)?),
        }
        Ok::<_, WireError>(())
    })?;
    let (version, expires) = header.finish(TYPE)?;
    let keys = keys.ok_or(WireError::Missing { member: "keys" })?;
    let roles = roles.ok_or(WireError::Missing { member: "roles" })?;
    Ok(Root {
        version,
        expires,
        consistent_snapshot,
        root: roles.take(RoleName::Root, &keys)?,
        timestamp: roles.take(RoleName::Timestamp, &keys)?,
        snapshot: roles.take(RoleName::Snapshot, &keys)?,
        targets: roles.take(RoleName::Targets, &keys)?,
        keys,
        extra: Extra::default(),
    })
}

pub(in crate::wire) fn write(body: &Root, out: &mut Vec<u8>) {
    out.push(b'{');
    write_text(out, "_type", TYPE);
    write_name(out, "consistent_snapshot");
    out.extend(body.consistent_snapshot.to_string().bytes());
    write_text(out, "expires", &body.expires.to_string());
    keys::write_ring(out, &body.keys);
    write_name(out, "roles");
    out.push(b'{');
    for role in [RoleName::Root, RoleName::Snapshot, RoleName::Targets, RoleName::Timestamp] {
        if let Some(keys) = body.role(&role) {
            write_name(out, role.as_str());
            write_role(out, keys);
        }
    }
    out.push(b'}');
    write_number(out, "version", body.version.get());
    out.push(b'}');
}

/// The four top-level roles; others are tolerated and dropped, as nothing can be signed by them.
#[derive(Default)]
struct Roles(Vec<(RoleName, RoleKeys)>);

impl Roles {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, WireError> {
        let mut roles = Self::default();
        reader.map(|reader, name| {
            match RoleName::new(&name.decode()) {
                Ok(RoleName::Delegated(_)) | Err(_) => drop(reader.raw()?),
                Ok(role) => roles.0.push((role, read_role(reader, limits)?)),
            }
            Ok::<_, WireError>(())
        })?;
        Ok(roles)
    }

    /// The keys of a role, each of which must exist.
    fn take(&self, role: RoleName, keys: &KeyRing) -> Result<RoleKeys, WireError> {
        let found = self.0.iter().find(|(name, _)| *name == role);
        let (_, role_keys) =
            found.ok_or_else(|| WireError::invalid("roles", format!("{role} is missing")))?;
        all_known(&role, role_keys, keys)?;
        if role_keys.key_ids.is_empty() {
            return Err(WireError::invalid("keyids", format!("{role} has no key")));
        }
        Ok(role_keys.clone())
    }
}

/// Each key id that a role lists must be filed in the same document.
pub(super) fn all_known(role: &RoleName, role_keys: &RoleKeys, keys: &KeyRing) -> Result<(), WireError> {
    match role_keys.key_ids.iter().find(|id| keys.get(id).is_none()) {
        Some(id) => Err(WireError::invalid("keyids", format!("{role} lists key {id}, which is not in keys"))),
        None => Ok(()),
    }
}

fn read_role(reader: &mut Reader<'_>, limits: &Limits) -> Result<RoleKeys, WireError> {
    let (mut key_ids, mut count) = (Vec::new(), None);
    reader.structure(&["keyids", "threshold"], |reader, member| {
        match member {
            "keyids" => key_ids = read_key_ids(reader, limits.max_keys_per_role)?,
            _ => count = Some(threshold(reader.integer()?)?),
        }
        Ok::<_, WireError>(())
    })?;
    Ok(RoleKeys::new(key_ids, count.ok_or(WireError::Missing { member: "threshold" })?))
}

fn write_role(out: &mut Vec<u8>, keys: &RoleKeys) {
    out.push(b'{');
    write_key_ids(out, &keys.key_ids);
    write_number(out, "threshold", u64::from(keys.threshold.get()));
    out.push(b'}');
}
