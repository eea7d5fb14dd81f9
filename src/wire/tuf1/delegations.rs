//! Delegations (TUF specification 4.5): to named roles by path patterns or prefixes of path hashes,
//! or to hash bins (TAP 15).
//!
//! A delegation to a top-level role, to one role twice, or with both kinds of paths or neither,
//! makes the whole file invalid (DG-06, DG-17, DK-12).

use std::collections::BTreeSet;

use super::{
    keys, members,
    object::{Object, nest, nested},
    read_text, role_keys,
};
use crate::{
    limits::Limits,
    metadata::{BinDelegation, Delegation, Extra, KeyRing, RoleKeys, Targets},
    name::{HashBins, HashPrefix, PathRule, RoleName},
    wire::{WireError, json::Reader},
};

/// The parts of the `delegations` member.
#[derive(Default)]
pub(super) struct Delegations {
    pub(super) keys: KeyRing,
    pub(super) roles: Vec<Delegation>,
    pub(super) bins: Option<BinDelegation>,
}

/// Reads the member. What has no meaning goes to `extra`, also that there was one without a role.
pub(super) fn read(
    reader: &mut Reader<'_>,
    limits: &Limits,
    extra: &mut Extra,
) -> Result<Delegations, WireError> {
    let (mut ring, mut roles, mut bins, mut others) = (None, None, None, Extra::default());
    members(reader, &["keys", "roles", "succinct_roles"], &mut others, |reader, member| {
        match member {
            "keys" => ring = Some(keys::read_ring(reader, limits)?),
            "roles" => roles = Some(read_roles(reader, limits)?),
            _ => bins = Some(read_bins(reader, limits)?),
        }
        Ok(())
    })?;
    if roles.is_some() == bins.is_some() {
        return Err(WireError::invalid("delegations", "expected either roles or succinct_roles"));
    }
    let (keys, roles) = (ring.ok_or(WireError::Missing { member: "keys" })?, roles.unwrap_or_default());
    if !others.is_empty() || (roles.is_empty() && bins.is_none()) {
        nest(extra, "delegations", &others);
    }
    Ok(Delegations { keys, roles, bins })
}

/// Writes the member, if there is something in it or there was one.
pub(super) fn write(document: &mut Object<'_, '_>, body: &Targets) {
    if body.delegations.is_empty() && body.bins.is_none() && body.extra.get("delegations").is_none() {
        return;
    }
    let others = nested(&body.extra, "delegations");
    let mut object = Object::begin(document.name("delegations"), &others);
    keys::write_ring(object.name("keys"), &body.keys);
    match &body.bins {
        Some(bins) => write_bins(object.name("succinct_roles"), bins),
        None => {
            let list = object.name("roles");
            list.push(b'[');
            for (at, delegation) in body.delegations.iter().enumerate() {
                if at > 0 {
                    list.push(b',');
                }
                write_delegation(list, delegation);
            }
            list.push(b']');
        }
    }
    object.end();
}

fn read_roles(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Delegation>, WireError> {
    let (mut roles, mut names) = (Vec::new(), BTreeSet::new());
    reader.array(|reader| {
        if roles.len() >= limits.max_listed_delegations {
            let limit = limits.max_listed_delegations;
            return Err(WireError::TooMany { what: "delegations", limit });
        }
        let delegation = read_delegation(reader, limits)?;
        if !names.insert(delegation.name.clone()) {
            return Err(WireError::invalid("roles", format!("{} is delegated twice", delegation.name)));
        }
        roles.push(delegation);
        Ok(())
    })?;
    Ok(roles)
}

fn read_delegation(reader: &mut Reader<'_>, limits: &Limits) -> Result<Delegation, WireError> {
    let (mut name, mut terminating, mut draft) = (None, None, role_keys::Draft::default());
    let (mut paths, mut prefixes, mut extra) = (None, None, Extra::default());
    let own = ["keyids", "name", "path_hash_prefixes", "paths", "terminating", "threshold"];
    members(reader, &own, &mut extra, |reader, member| {
        match member {
            "name" => name = Some(RoleName::tuf(&reader.string()?.decode())?),
            "path_hash_prefixes" => prefixes = Some(read_texts(reader)?),
            "paths" => paths = Some(read_texts(reader)?),
            "terminating" => terminating = Some(reader.boolean()?),
            _ => draft.read(reader, member, limits)?,
        }
        Ok(())
    })?;
    let name = name.ok_or(WireError::Missing { member: "name" })?;
    if !matches!(name, RoleName::Delegated(_)) {
        return Err(WireError::invalid("name", format!("{name} can't be delegated to")));
    }
    let terminating = terminating.ok_or(WireError::Missing { member: "terminating" })?;
    let paths = match (paths, prefixes) {
        (Some(paths), None) => PathRule::Globs(paths),
        (None, Some(prefixes)) => PathRule::hash_prefixes(prefixes)?,
        _ => return Err(WireError::invalid("paths", "expected either paths or path_hash_prefixes")),
    };
    Ok(Delegation { name, keys: draft.finish()?, paths, terminating, extra })
}

fn write_delegation(out: &mut Vec<u8>, delegation: &Delegation) {
    let Delegation { name, keys, paths, terminating, extra } = delegation;
    let mut role = Object::begin(out, extra);
    role_keys::write_key_ids(&mut role, keys);
    role.text("name", name.as_str());
    match paths {
        PathRule::HashPrefixes(prefixes) => {
            role.texts("path_hash_prefixes", prefixes.iter().map(HashPrefix::as_str));
        }
        PathRule::Globs(paths) => role.texts("paths", paths.iter().map(String::as_str)),
        // No rule of TUF 1.0; one that names nothing grants nothing.
        _ => role.texts("paths", std::iter::empty()),
    }
    role.flag("terminating", *terminating);
    role_keys::write_threshold(&mut role, keys);
    role.end();
}

fn read_bins(reader: &mut Reader<'_>, limits: &Limits) -> Result<BinDelegation, WireError> {
    let (mut bits, mut prefix, mut draft, mut extra) =
        (None, None, role_keys::Draft::default(), Extra::default());
    let own = ["bit_length", "keyids", "name_prefix", "threshold"];
    members(reader, &own, &mut extra, |reader, member| {
        match member {
            "bit_length" => bits = Some(reader.integer()?),
            "name_prefix" => prefix = Some(read_text(reader)?),
            _ => draft.read(reader, member, limits)?,
        }
        Ok(())
    })?;
    let bits = bits.ok_or(WireError::Missing { member: "bit_length" })?;
    let prefix = prefix.ok_or(WireError::Missing { member: "name_prefix" })?;
    let bits = u64::try_from(bits)
        .map_err(|_| WireError::invalid("bit_length", format!("{bits}, expected 1 to 32")))?;
    let keys = RoleKeys { extra, ..draft.finish()? };
    Ok(BinDelegation { bins: HashBins::new(&prefix, bits)?, keys })
}

fn write_bins(out: &mut Vec<u8>, delegation: &BinDelegation) {
    let BinDelegation { bins, keys } = delegation;
    let mut object = Object::begin(out, &keys.extra);
    object.number("bit_length", u64::from(bins.bit_length()));
    role_keys::write_key_ids(&mut object, keys);
    object.text("name_prefix", bins.name_prefix());
    role_keys::write_threshold(&mut object, keys);
    object.end();
}

fn read_texts(reader: &mut Reader<'_>) -> Result<Vec<String>, WireError> {
    let mut texts = Vec::new();
    reader.array(|reader| {
        texts.push(read_text(reader)?);
        Ok::<_, WireError>(())
    })?;
    Ok(texts)
}
