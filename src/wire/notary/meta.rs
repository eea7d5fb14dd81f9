//! Digests and lengths: what Notary calls FileMeta.

use super::{WireError, is_null, write_name, write_number};
use crate::{
    metadata::Pin,
    name::Hashes,
    wire::json::{self, Reader, Text},
};

/// What one entry says; the same syntax serves pins and targets.
pub(super) struct Entry<'a> {
    pub(super) hashes: Hashes,
    pub(super) length: u64,
    pub(super) custom: Option<&'a str>,
}

pub(super) fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<Entry<'a>, WireError> {
    let mut entry = Entry { hashes: Hashes::default(), length: 0, custom: None };
    let mut length_seen = false;
    reader.structure(&["custom", "hashes", "length"], |reader, member| {
        match member {
            "hashes" => entry.hashes = read_hashes(reader)?,
            "length" => {
                let number = reader.integer()?;
                entry.length = u64::try_from(number)
                    .map_err(|_| WireError::invalid("length", format!("{number}, expected 0 or more")))?;
                length_seen = true;
            }
            _ => entry.custom = Some(reader.raw()?).filter(|custom| *custom != "null"),
        }
        Ok::<_, WireError>(())
    })?;
    if !length_seen {
        return Err(WireError::Missing { member: "length" });
    }
    Ok(entry)
}

/// A pin of a metadata file: SHA-256 is required.
pub(super) fn read_pin(reader: &mut Reader<'_>) -> Result<Pin, WireError> {
    let entry = read_entry(reader)?;
    entry.hashes.sha256.ok_or(WireError::Missing { member: "sha256" })?;
    Ok(Pin { version: None, length: Some(entry.length), hashes: entry.hashes })
}

pub(super) fn write_pin(out: &mut Vec<u8>, pin: &Pin) {
    write_entry(out, &Entry { hashes: pin.hashes, length: pin.length.unwrap_or_default(), custom: None });
}

/// Others may have spelled `custom` in another way and signed its canonical form well.
pub(super) fn write_entry(out: &mut Vec<u8>, entry: &Entry<'_>) {
    out.push(b'{');
    if let Some(custom) = entry.custom {
        write_name(out, "custom");
        // What has no canonical form can't have been verified, and is not signed again either.
        out.extend(json::canonicalise(custom).unwrap_or_else(|_| custom.into()));
    }
    write_name(out, "hashes");
    out.push(b'{');
    let Hashes { sha256, sha512 } = &entry.hashes;
    for (name, digest) in [
        ("sha256", sha256.as_ref().map(<[u8; 32]>::as_slice)),
        ("sha512", sha512.as_ref().map(<[u8; 64]>::as_slice)),
    ] {
        if let Some(digest) = digest {
            write_name(out, name);
            out.push(b'"');
            out.extend(data_encoding::BASE64.encode(digest).bytes());
            out.push(b'"');
        }
    }
    out.push(b'}');
    write_number(out, "length", entry.length);
    out.push(b'}');
}

/// Algorithms that we don't know are ignored; a known one must have its digest's full length.
fn read_hashes(reader: &mut Reader<'_>) -> Result<Hashes, WireError> {
    let mut hashes = Hashes::default();
    if is_null(reader)? {
        return Ok(hashes);
    }
    reader.map(|reader, name| {
        match name.decode().as_ref() {
            "sha256" => hashes.sha256 = Some(digest(reader.string()?, "sha256")?),
            "sha512" => hashes.sha512 = Some(digest(reader.string()?, "sha512")?),
            _ => drop(reader.raw()?),
        }
        Ok::<_, WireError>(())
    })?;
    Ok(hashes)
}

/// Decodes without a heap object: this runs once for each of 100,000 tags.
fn digest<const N: usize>(text: Text<'_>, member: &'static str) -> Result<[u8; N], WireError> {
    let refuse = |reason: &str| WireError::invalid(member, format!("{reason}, expected base64 of {N} bytes"));
    let text = text.decode();
    // The decoder would take several padded texts in a row for one.
    if text.len() != N.div_ceil(3) * 4 {
        return Err(refuse("another length"));
    }
    let mut buffer = [0; 66];
    let length = data_encoding::BASE64.decode_len(text.len()).map_err(|_| refuse("not padded"))?;
    let room = buffer.get_mut(..length).ok_or_else(|| refuse("too long"))?;
    let length = data_encoding::BASE64.decode_mut(text.as_bytes(), room).map_err(|_| refuse("not base64"))?;
    let digest = buffer.get(..length).and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| refuse(&format!("{length} bytes")))
}
