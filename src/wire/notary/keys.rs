//! Public keys and their ids (Notary v1).
//!
//! The id is the SHA-256 of the key's canonical JSON with `private` set to null, whatever the
//! document says; for a certificate it covers the certificate's text. The *canonical id* is the id
//! of the plain key inside.

use super::{WireError, is_null, write_name, write_text};
use crate::{
    crypto::{KeyKind, PublicKey, digest},
    limits::Limits,
    metadata::{FiledKey, KeyRing},
    name::KeyId,
    wire::{envelope::base64, json::Reader},
};

/// The id of a key as metadata uses it (TUF id).
///
/// ```
/// use tuf_notary::{crypto::{KeyKind, PublicKey}, wire::notary::key_id};
/// let public = data_encoding::BASE64.decode(b"QjT+Oh4kXEmTYlOLn0Tpa513mD96x20Pufsp+5soUNo=")?;
/// let key = PublicKey::new(KeyKind::Ed25519, public);
/// assert_eq!(key_id(&key).as_str(), "9532a62337f75bace478e4b9f317c274836bfa435331b9c01758f2f314aaeb6f");
/// # Ok::<(), data_encoding::DecodeError>(())
/// ```
pub fn key_id(key: &PublicKey) -> KeyId {
    let mut canonical = Vec::new();
    write_public_key(&mut canonical, key);
    KeyId::from_digest(&digest::sha256(&canonical))
}

/// The id of the plain key: the same for a key and any certificate around it. Private keys are
/// stored and looked up by it.
pub fn canonical_id(key: &PublicKey) -> KeyId {
    key_id(&key.to_plain())
}

/// Reads a key as a trust server sends it.
///
/// # Errors
/// The bytes are not one strictly read key object.
pub fn read_public_key(bytes: &[u8]) -> Result<PublicKey, WireError> {
    let mut reader = Reader::new(bytes)?;
    let key = read_key(&mut reader)?;
    reader.end()?;
    Ok(key)
}

/// Appends the canonical form of a key.
pub fn write_public_key(out: &mut Vec<u8>, key: &PublicKey) {
    out.push(b'{');
    write_text(out, "keytype", key.kind().as_str());
    write_name(out, "keyval");
    out.extend(b"{\"private\":null");
    write_text(out, "public", &data_encoding::BASE64.encode(key.published()));
    out.extend(b"}}");
}

/// Files a key of our own under its id.
pub(crate) fn file(ring: &mut KeyRing, key: &PublicKey) -> KeyId {
    let id = key_id(key);
    let filed = FiledKey {
        key: key.clone(),
        canonical_id: canonical_id(key),
        genuine: true,
        scheme: None,
        text: None,
    };
    ring.insert(id.clone(), filed);
    id
}

/// Reads the `keys` object of a document.
pub(super) fn read_ring(reader: &mut Reader<'_>, limits: &Limits) -> Result<KeyRing, WireError> {
    let (mut ring, mut count) = (KeyRing::default(), 0_usize);
    if is_null(reader)? {
        return Ok(ring);
    }
    reader.map(|reader, name| {
        count = count.saturating_add(1);
        if count > limits.max_keys {
            return Err(WireError::TooMany { what: "keys", limit: limits.max_keys });
        }
        let key = read_key(reader)?;
        // A name that can't be an id names no key that a role could list.
        if let Ok(id) = KeyId::new(&name.decode()) {
            let genuine = key_id(&key) == id;
            ring.insert(
                id,
                FiledKey { canonical_id: canonical_id(&key), key, genuine, scheme: None, text: None },
            );
        }
        Ok(())
    })?;
    Ok(ring)
}

pub(super) fn write_ring(out: &mut Vec<u8>, ring: &KeyRing) {
    write_name(out, "keys");
    out.push(b'{');
    for (id, filed) in ring.iter() {
        write_name(out, id.as_str());
        write_public_key(out, &filed.key);
    }
    out.push(b'}');
}

pub(super) fn read_key(reader: &mut Reader<'_>) -> Result<PublicKey, WireError> {
    let (mut kind, mut public) = (None, None);
    reader.structure(&["keytype", "keyval"], |reader, member| {
        match member {
            "keytype" => kind = Some(KeyKind::parse(&reader.string()?.decode())),
            _ => public = Some(read_keyval(reader)?),
        }
        Ok::<_, WireError>(())
    })?;
    let kind = kind.ok_or(WireError::Missing { member: "keytype" })?;
    Ok(PublicKey::new(kind, public.ok_or(WireError::Missing { member: "keyval" })?))
}

fn read_keyval(reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
    let mut public = None;
    reader.structure(&["private", "public"], |reader, member| {
        match member {
            "public" => public = Some(base64(reader, "public")?),
            _ => drop(reader.raw()?),
        }
        Ok::<_, WireError>(())
    })?;
    public.ok_or(WireError::Missing { member: "public" })
}
