//! The documents of Notary v1.
//!
//! One file a document; all of them share the members that this module reads. Where Notary's own
//! programs write `null` for an empty array or object, it is read as empty; where its decoder
//! would match a member's name in another case, the document is refused.

mod changelist;
mod keys;
mod meta;
pub(super) mod root;
pub(super) mod snapshot;
pub(super) mod targets;
pub(super) mod timestamp;

pub use changelist::StagedChange;
pub(crate) use keys::file;
pub use keys::{canonical_id, key_id, read_public_key, write_public_key};

use super::{
    WireError,
    json::{self, Kind, Reader},
};
use crate::name::{Expiry, KeyId, Version};

/// The members that every `signed` part has.
#[derive(Default)]
struct Header {
    type_seen: bool,
    version: Option<Version>,
    expires: Option<Expiry>,
}

impl Header {
    /// Reads the value of `member` if it is one of the common three.
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        member: &str,
        r#type: &'static str,
    ) -> Result<bool, WireError> {
        match member {
            "_type" => {
                let found = reader.string()?.decode();
                if found != r#type {
                    let found = found.chars().take(40).collect();
                    return Err(WireError::WrongType { expected: r#type, found });
                }
                self.type_seen = true;
            }
            "version" => self.version = Some(read_version(reader)?),
            "expires" => self.expires = Some(read_expires(reader)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A missing `expires` reads as Notary's zero time: expired, not malformed.
    fn finish(self, r#type: &'static str) -> Result<(Version, Expiry), WireError> {
        if !self.type_seen {
            return Err(WireError::WrongType { expected: r#type, found: String::new() });
        }
        let version = self.version.ok_or(WireError::Missing { member: "version" })?;
        Ok((version, self.expires.unwrap_or_else(Expiry::zero)))
    }
}

fn read_version(reader: &mut Reader<'_>) -> Result<Version, WireError> {
    let number = reader.integer()?;
    let number = u64::try_from(number)
        .map_err(|_| WireError::invalid("version", format!("{number}, expected 1 or more")))?;
    Ok(Version::new(number)?)
}

fn read_expires(reader: &mut Reader<'_>) -> Result<Expiry, WireError> {
    if is_null(reader)? {
        return Ok(Expiry::zero());
    }
    Ok(Expiry::parse(&reader.string()?.decode())?)
}

/// Consumes a `null`, if that is what comes next.
fn is_null(reader: &mut Reader<'_>) -> Result<bool, WireError> {
    if reader.peek()? != Kind::Null {
        return Ok(false);
    }
    reader.null()?;
    Ok(true)
}

/// Key ids of a role; `null` reads as none. An id that no key can have makes the list invalid.
fn read_key_ids(reader: &mut Reader<'_>, limit: usize) -> Result<Vec<KeyId>, WireError> {
    let mut ids = Vec::new();
    if is_null(reader)? {
        return Ok(ids);
    }
    reader.array(|reader| {
        if ids.len() >= limit {
            return Err(WireError::TooMany { what: "keyids", limit });
        }
        ids.push(KeyId::new(&reader.string()?.decode())?);
        Ok(())
    })?;
    Ok(ids)
}

/// `"name":` with the comma that belongs before it.
fn write_name(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), Some(b'{') | None) {
        out.push(b',');
    }
    json::write_string(out, name);
    out.push(b':');
}

fn write_text(out: &mut Vec<u8>, name: &str, text: &str) {
    write_name(out, name);
    json::write_string(out, text);
}

fn write_number(out: &mut Vec<u8>, name: &str, number: u64) {
    write_name(out, name);
    out.extend(number.to_string().bytes());
}

fn write_key_ids(out: &mut Vec<u8>, ids: &[KeyId]) {
    write_name(out, "keyids");
    // Go has no other word for an empty list here.
    if ids.is_empty() {
        out.extend(b"null");
        return;
    }
    out.push(b'[');
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::write_string(out, id.as_str());
    }
    out.push(b']');
}
