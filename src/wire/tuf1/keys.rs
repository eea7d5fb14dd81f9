//! Public keys (TUF specification 4.2.1, 4.3).
//!
//! Rule: a key id is an opaque text that is never computed to refuse a key (DK-10, TAP 12); what
//! counts as one key is decided by its material. A key of a type that we don't know is kept (WK-11).

use super::{
    members,
    object::{Object, write_raw},
};
use crate::{
    crypto::{CryptoError, PublicKey, Scheme, TufKey, TufKeyTexts, digest},
    limits::Limits,
    metadata::{Extra, FiledKey, KeyRing},
    name::KeyId,
    wire::{
        WireError,
        json::{Kind, Reader},
        notary,
    },
};

/// The id that this library gives a key of TUF 1.0: the SHA-256 of its canonical JSON, as most
/// programs do. Others are as good.
///
/// # Errors
/// The key is not usable, or TUF 1.0 has no such scheme for it.
pub fn key_id(key: &PublicKey, scheme: Scheme) -> Result<KeyId, CryptoError> {
    let mut canonical = Vec::new();
    write_key(&mut canonical, &key.to_tuf(scheme)?);
    Ok(KeyId::from_digest(&digest::sha256(&canonical)))
}

/// Files a key of our own under its id; where the ring has it already, under the id that it has.
pub(crate) fn file(ring: &mut KeyRing, key: &PublicKey, scheme: Scheme) -> Result<KeyId, CryptoError> {
    let canonical_id = notary::canonical_id(key);
    let known =
        ring.iter().find(|(_, filed)| filed.canonical_id == canonical_id && filed.scheme == Some(scheme));
    if let Some((id, _)) = known {
        return Ok(id.clone());
    }
    let id = key_id(key, scheme)?;
    let key = key.to_plain();
    ring.insert(id.clone(), FiledKey { key, canonical_id, genuine: true, scheme: Some(scheme), text: None });
    Ok(id)
}

/// Reads the `keys` object of a document.
pub(super) fn read_ring(reader: &mut Reader<'_>, limits: &Limits) -> Result<KeyRing, WireError> {
    let (mut ring, mut count) = (KeyRing::default(), 0_usize);
    reader.map(|reader, name| {
        count = count.saturating_add(1);
        if count > limits.max_keys {
            return Err(WireError::TooMany { what: "keys", limit: limits.max_keys });
        }
        let id = KeyId::new(&name.decode())?;
        let read = reader.span(read_key)?;
        let (key, scheme) = read.value.into_parts();
        let canonical_id = notary::canonical_id(&key);
        let text = Some(read.text.to_owned());
        ring.insert(id, FiledKey { key, canonical_id, genuine: true, scheme, text });
        Ok(())
    })?;
    Ok(ring)
}

pub(super) fn write_ring(out: &mut Vec<u8>, ring: &KeyRing) {
    let none = Extra::default();
    let mut keys = Object::begin(out, &none);
    for (id, filed) in ring.iter() {
        let texts = filed.scheme.and_then(|scheme| filed.key.to_tuf(scheme).ok());
        match (&filed.text, texts) {
            (Some(text), _) => write_raw(keys.name(id.as_str()), text),
            (None, Some(texts)) => write_key(keys.name(id.as_str()), &texts),
            // Nothing could be signed by it.
            (None, None) => {}
        }
    }
    keys.end();
}

fn write_key(out: &mut Vec<u8>, texts: &TufKeyTexts) {
    let none = Extra::default();
    let mut key = Object::begin(out, &none);
    key.text("keytype", texts.keytype);
    let mut value = Object::begin(key.name("keyval"), &none);
    value.text("public", &texts.public);
    value.end();
    key.text("scheme", texts.scheme);
    key.end();
}

fn read_key(reader: &mut Reader<'_>) -> Result<TufKey, WireError> {
    let (mut keytype, mut scheme, mut public) = (None, None, None);
    members(reader, &["keytype", "keyval", "scheme"], &mut Extra::default(), |reader, member| {
        match member {
            "keytype" => keytype = Some(reader.string()?.decode()),
            "scheme" => scheme = Some(reader.string()?.decode()),
            _ => public = Some(read_keyval(reader)?),
        }
        Ok(())
    })?;
    let keytype = keytype.ok_or(WireError::Missing { member: "keytype" })?;
    let scheme = scheme.ok_or(WireError::Missing { member: "scheme" })?;
    let public = public.ok_or(WireError::Missing { member: "keyval" })?;
    Ok(TufKey::new(&keytype, &scheme, &public))
}

/// The text of `public`. A type that we don't know may have another kind of value there, or none.
fn read_keyval(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let mut public = String::new();
    members(reader, &["public"], &mut Extra::default(), |reader, _| {
        match reader.peek()? {
            Kind::String => public = reader.string()?.decode().into_owned(),
            _ => drop(reader.raw()?),
        }
        Ok(())
    })?;
    Ok(public)
}
