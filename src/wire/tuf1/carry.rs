//! Documents on their way between signers: each with the keys that are asked for, in one JSON file.
//!
//! Rule: the file is a request, not evidence. What it says of keys tells a signer where its own
//! belongs; whoever publishes judges signatures by what he trusts himself.

use super::{
    envelope, keys, members,
    object::{Object, write_escaped},
    read_text, role_keys,
};
use crate::{
    limits::Limits,
    metadata::{Authority, Extra, KeyRing, RoleKeys},
    name::{KeyId, RoleName},
    wire::{Signature, WireError, json::Reader},
};

const FORMAT: &str = "tuf-notary signing request 1";

/// One document on its way.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) role: RoleName,
    /// Each of these has to be met.
    pub(crate) authorities: Vec<Authority>,
    /// The file with the signatures that it has so far.
    pub(crate) file: Vec<u8>,
}

/// A document as it is written.
pub(crate) struct Carry<'a> {
    pub(crate) role: &'a RoleName,
    pub(crate) authorities: &'a [Authority],
    pub(crate) message: &'a [u8],
    pub(crate) signatures: &'a [Signature],
}

pub(crate) fn write_carried<'a>(documents: impl Iterator<Item = Carry<'a>>) -> Vec<u8> {
    let (mut out, none) = (Vec::new(), Extra::default());
    let mut request = Object::begin(&mut out, &none);
    let list = request.name("documents");
    list.push(b'[');
    for (at, document) in documents.enumerate() {
        if at > 0 {
            list.push(b',');
        }
        write_document(list, &document);
    }
    list.push(b']');
    request.text("format", FORMAT);
    request.end();
    out
}

/// # Errors
/// The bytes are no request.
pub(crate) fn read_carried(bytes: &[u8], limits: &Limits) -> Result<Vec<Carried>, WireError> {
    let mut reader = Reader::new(bytes)?.large_integers();
    let (mut documents, mut format) = (Vec::new(), None);
    members(&mut reader, &["documents", "format"], &mut Extra::default(), |reader, member| {
        match member {
            "format" => format = Some(read_text(reader)?),
            _ => reader.array(|reader| {
                documents.push(read_document(reader, limits)?);
                Ok::<_, WireError>(())
            })?,
        }
        Ok(())
    })?;
    reader.end()?;
    match format.as_deref() {
        Some(FORMAT) => Ok(documents),
        found => {
            let found: String = found.unwrap_or("nothing").chars().take(40).collect();
            Err(WireError::WrongType { expected: FORMAT, found })
        }
    }
}

fn write_document(out: &mut Vec<u8>, document: &Carry<'_>) {
    let none = Extra::default();
    let mut object = Object::begin(out, &none);
    let list = object.name("authorities");
    list.push(b'[');
    for (at, authority) in document.authorities.iter().enumerate() {
        if at > 0 {
            list.push(b',');
        }
        write_authority(list, authority);
    }
    list.push(b']');
    object.name("file").extend(envelope::seal(document.message, document.signatures));
    object.text("role", document.role.as_str());
    object.end();
}

fn write_authority(out: &mut Vec<u8>, authority: &Authority) {
    let (mut ring, none) = (KeyRing::default(), Extra::default());
    for (id, filed) in authority.keys() {
        ring.insert(id.clone(), filed.clone());
    }
    let ids: Vec<KeyId> = authority.keys().map(|(id, _)| id.clone()).collect();
    let role = RoleKeys::new(ids, authority.threshold());
    let mut object = Object::begin(out, &none);
    role_keys::write_key_ids(&mut object, &role);
    let mut keys = Vec::new();
    keys::write_ring(&mut keys, &ring);
    write_escaped(object.name("keys"), &keys);
    role_keys::write_threshold(&mut object, &role);
    object.end();
}

fn read_document(reader: &mut Reader<'_>, limits: &Limits) -> Result<Carried, WireError> {
    let (mut role, mut file, mut authorities) = (None, None, Vec::new());
    members(reader, &["authorities", "file", "role"], &mut Extra::default(), |reader, member| {
        match member {
            "role" => role = Some(RoleName::tuf(&reader.string()?.decode())?),
            "file" => file = Some(reader.raw()?.as_bytes().to_vec()),
            _ => reader.array(|reader| {
                authorities.push(read_authority(reader, limits)?);
                Ok::<_, WireError>(())
            })?,
        }
        Ok(())
    })?;
    let role = role.ok_or(WireError::Missing { member: "role" })?;
    Ok(Carried { role, authorities, file: file.ok_or(WireError::Missing { member: "file" })? })
}

fn read_authority(reader: &mut Reader<'_>, limits: &Limits) -> Result<Authority, WireError> {
    let (mut draft, mut ring) = (role_keys::Draft::default(), KeyRing::default());
    members(reader, &["keyids", "keys", "threshold"], &mut Extra::default(), |reader, member| {
        match member {
            "keys" => ring = keys::read_ring(reader, limits)?,
            _ => draft.read(reader, member, limits)?,
        }
        Ok(())
    })?;
    Ok(ring.authority(&draft.finish()?))
}
