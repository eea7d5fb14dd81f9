//! Signatures and the file around a document (TUF specification 4.2.1).
//!
//! A signature names its key and nothing else: the key decides how it is made. One that can't be
//! read counts for nothing; a key that signs twice makes the file invalid (DK-01).

use std::collections::BTreeSet;

use super::{
    members,
    object::{Object, write_escaped},
    read_text,
};
use crate::{
    limits::Limits,
    metadata::Extra,
    name::KeyId,
    wire::{Signature, WireError, json::Reader},
};

pub(in crate::wire) fn read_signatures(
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> Result<Vec<Signature>, WireError> {
    let (mut signatures, mut ids) = (Vec::new(), BTreeSet::new());
    reader.array(|reader| {
        if ids.len() >= limits.max_signatures {
            return Err(WireError::TooMany { what: "signatures", limit: limits.max_signatures });
        }
        let (id, sig) = read_signature(reader)?;
        if let (Ok(key_id), Ok(bytes)) =
            (KeyId::new(&id), data_encoding::HEXLOWER_PERMISSIVE.decode(sig.as_bytes()))
            && !bytes.is_empty()
        {
            signatures.push(Signature { key_id, scheme: None, bytes });
        }
        let shown: String = id.chars().take(80).collect();
        match ids.insert(id) {
            true => Ok(()),
            false => Err(WireError::invalid("signatures", format!("key {shown} signs twice"))),
        }
    })?;
    Ok(signatures)
}

fn read_signature(reader: &mut Reader<'_>) -> Result<(String, String), WireError> {
    let (mut id, mut sig) = (None, None);
    members(reader, &["keyid", "sig"], &mut Extra::default(), |reader, member| {
        match member {
            "keyid" => id = Some(read_text(reader)?),
            _ => sig = Some(read_text(reader)?),
        }
        Ok(())
    })?;
    let id = id.ok_or(WireError::Missing { member: "keyid" })?;
    Ok((id, sig.ok_or(WireError::Missing { member: "sig" })?))
}

/// Canonical JSON but for control characters, which JSON only knows escaped: keys in PEM have some.
pub(in crate::wire) fn seal(canonical: &[u8], signatures: &[Signature]) -> Vec<u8> {
    let none = Extra::default();
    // A large file is written once and not moved while it grows.
    let room = canonical.len().saturating_add(signatures.len().saturating_mul(1024));
    let mut out = Vec::with_capacity(room);
    let mut file = Object::begin(&mut out, &none);
    let list = file.name("signatures");
    list.push(b'[');
    for (at, signature) in signatures.iter().enumerate() {
        if at > 0 {
            list.push(b',');
        }
        let mut entry = Object::begin(list, &none);
        entry.text("keyid", signature.key_id.as_str());
        entry.text("sig", &data_encoding::HEXLOWER.encode(&signature.bytes));
        entry.end();
    }
    list.push(b']');
    write_escaped(file.name("signed"), canonical);
    file.end();
    out
}
