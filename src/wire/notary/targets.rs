//! Targets documents: the top-level one and each delegation's.

use super::{
    Header, WireError, is_null, keys, meta, read_key_ids, root::all_known, write_key_ids, write_name,
    write_number, write_text,
};
use crate::{
    limits::Limits,
    metadata::{Delegation, Extra, KeyRing, RoleKeys, TargetEntry, TargetIndex, Targets, threshold},
    name::{PathRule, RoleName},
    wire::json::{self, Reader},
};

const TYPE: &str = "Targets";
const MEMBERS: &[&str] = &["_type", "delegations", "expires", "targets", "version"];

pub(in crate::wire) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Targets, WireError> {
    let mut header = Header::default();
    let (mut ring, mut delegations, mut targets) = Default::default();
    reader.structure(MEMBERS, |reader, member| {
        match member {
            "delegations" => (ring, delegations) = read_delegations(reader, limits)?,
            "targets" => targets = read_targets(reader)?,
            _ => drop(header.read(reader, member, TYPE)?),
        }
        Ok::<_, WireError>(())
    })?;
    let (version, expires) = header.finish(TYPE)?;
    Ok(Targets { version, expires, keys: ring, delegations, bins: None, targets, extra: Extra::default() })
}

pub(in crate::wire) fn write(body: &Targets, out: &mut Vec<u8>) {
    out.push(b'{');
    write_text(out, "_type", TYPE);
    write_name(out, "delegations");
    out.push(b'{');
    keys::write_ring(out, &body.keys);
    write_name(out, "roles");
    out.push(b'[');
    for (at, delegation) in body.delegations.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_delegation(out, delegation);
    }
    out.extend(b"]}");
    write_text(out, "expires", &body.expires.to_string());
    write_name(out, "targets");
    out.push(b'{');
    for TargetEntry { name, length, hashes, custom } in body.targets.iter() {
        write_name(out, name);
        meta::write_entry(out, &meta::Entry { hashes, length, custom });
    }
    out.push(b'}');
    write_number(out, "version", body.version.get());
    out.push(b'}');
}

fn read_targets(reader: &mut Reader<'_>) -> Result<TargetIndex, WireError> {
    let mut index = TargetIndex::default();
    if is_null(reader)? {
        return Ok(index);
    }
    reader.map(|reader, name| {
        let meta::Entry { hashes, length, custom } = meta::read_entry(reader)?;
        let name = name.decode();
        match index.push(TargetEntry { name: &name, length, hashes, custom }) {
            true => Ok(()),
            false => Err(WireError::invalid("targets", "more than 4 GiB of names")),
        }
    })?;
    index.sort();
    Ok(index)
}

fn read_delegations(
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> Result<(KeyRing, Vec<Delegation>), WireError> {
    let (mut ring, mut delegations) = (KeyRing::default(), Vec::<Delegation>::new());
    if is_null(reader)? {
        return Ok((ring, delegations));
    }
    reader.structure(&["keys", "roles"], |reader, member| {
        match member {
            "keys" => ring = keys::read_ring(reader, limits)?,
            _ if is_null(reader)? => {}
            _ => reader.array(|reader| {
                if delegations.len() >= limits.max_delegations {
                    return Err(WireError::TooMany { what: "delegations", limit: limits.max_delegations });
                }
                delegations.push(read_delegation(reader, limits)?);
                Ok(())
            })?,
        }
        Ok::<_, WireError>(())
    })?;
    let mut names: Vec<_> = delegations.iter().map(|delegation| &delegation.name).collect();
    names.sort_unstable();
    if let Some(name) = names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first()))
    {
        let name = name.map_or("", |name| name.as_str());
        return Err(WireError::invalid("roles", format!("{name} is delegated twice")));
    }
    for delegation in &delegations {
        all_known(&delegation.name, &delegation.keys, &ring)?;
    }
    Ok((ring, delegations))
}

fn read_delegation(reader: &mut Reader<'_>, limits: &Limits) -> Result<Delegation, WireError> {
    let (mut name, mut key_ids, mut count, mut paths) = (None, Vec::new(), None, Vec::new());
    reader.structure(&["keyids", "name", "paths", "threshold"], |reader, member| {
        match member {
            "keyids" => key_ids = read_key_ids(reader, limits.max_keys_per_role)?,
            "name" => name = Some(RoleName::new(&reader.string()?.decode())?),
            "paths" if is_null(reader)? => {}
            "paths" => reader.array(|reader| {
                paths.push(reader.string()?.decode().into_owned());
                Ok::<_, WireError>(())
            })?,
            _ => count = Some(threshold(reader.integer()?)?),
        }
        Ok::<_, WireError>(())
    })?;
    let name = name.ok_or(WireError::Missing { member: "name" })?;
    if !matches!(name, RoleName::Delegated(_)) {
        return Err(WireError::invalid("name", format!("{name} can't be delegated to")));
    }
    let threshold = count.ok_or(WireError::Missing { member: "threshold" })?;
    let (keys, paths) = (RoleKeys::new(key_ids, threshold), PathRule::Prefixes(paths));
    Ok(Delegation { name, keys, paths, terminating: false, extra: Extra::default() })
}

fn write_delegation(out: &mut Vec<u8>, delegation: &Delegation) {
    out.push(b'{');
    write_key_ids(out, &delegation.keys.key_ids);
    write_text(out, "name", delegation.name.as_str());
    match &delegation.paths {
        PathRule::Prefixes(prefixes) if prefixes.is_empty() => {}
        PathRule::Prefixes(prefixes) => {
            write_name(out, "paths");
            out.push(b'[');
            for (at, prefix) in prefixes.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                json::write_string(out, prefix);
            }
            out.push(b']');
        }
        // No delegation of Notary's has another rule; one that had would grant nothing.
        _ => {}
    }
    write_number(out, "threshold", u64::from(delegation.keys.threshold.get()));
    out.push(b'}');
}
