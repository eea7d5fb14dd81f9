//! The documents of TUF 1.0 (specification 1.0.34 section 4).
//!
//! Rule: names of members are exact, a member that has no meaning here is kept and written back,
//! and what the specification requires must be there. One file a document; all of them share the
//! members that this module reads, and the envelope.

mod carry;
mod delegations;
mod envelope;
mod keys;
mod meta;
mod object;
mod role_keys;
pub(super) mod root;
pub(super) mod snapshot;
pub(super) mod targets;
#[cfg(test)]
mod tests;
pub(super) mod timestamp;

pub(crate) use carry::{Carried, Carry, read_carried, write_carried};
pub(super) use envelope::{read_signatures, seal};
pub(crate) use keys::file;
pub use keys::key_id;

use std::time::{Duration, SystemTime};

use super::{WireError, json::Reader};
use crate::{
    metadata::Extra,
    name::{Expiry, Version},
};
use object::Object;

/// The version of the specification that new documents name.
pub(crate) const SPEC_VERSION: &str = "1.0.34";

/// The members that every `signed` part has.
#[derive(Default)]
struct Header {
    type_seen: bool,
    spec_seen: bool,
    version: Option<Version>,
    expires: Option<Expiry>,
    extra: Extra,
}

impl Header {
    /// Reads the `signed` part: the common members here, those in `own` by `read`.
    fn read<'a>(
        reader: &mut Reader<'a>,
        r#type: &'static str,
        own: &[&'static str],
        mut read: impl FnMut(&mut Reader<'a>, &'static str, &mut Extra) -> Result<(), WireError>,
    ) -> Result<(Version, Expiry, Extra), WireError> {
        let mut header = Self::default();
        reader.map(|reader, name| {
            if let Some(member) = own.iter().find(|member| name == **member) {
                return read(reader, member, &mut header.extra);
            }
            header.member(reader, &name.decode(), r#type)
        })?;
        if !header.type_seen {
            return Err(WireError::Missing { member: "_type" });
        }
        if !header.spec_seen {
            return Err(WireError::Missing { member: "spec_version" });
        }
        let version = header.version.ok_or(WireError::Missing { member: "version" })?;
        let expires = header.expires.ok_or(WireError::Missing { member: "expires" })?;
        Ok((version, expires, header.extra))
    }

    fn member(&mut self, reader: &mut Reader<'_>, name: &str, r#type: &'static str) -> Result<(), WireError> {
        match name {
            "_type" => {
                let found = reader.string()?.decode();
                if found != r#type {
                    let found = found.chars().take(40).collect();
                    return Err(WireError::WrongType { expected: r#type, found });
                }
                self.type_seen = true;
            }
            "spec_version" => {
                let spec = reader.span(|reader| reader.string())?;
                check_spec_version(&spec.value.decode())?;
                self.extra.insert(name, spec.text);
                self.spec_seen = true;
            }
            "version" => self.version = Some(read_version(reader)?),
            "expires" => self.expires = Some(read_expires(reader)?),
            _ => self.extra.insert(name, reader.raw()?),
        }
        Ok(())
    }
}

/// Begins the `signed` part with what stands before all other members; the rest comes in the order
/// of names.
fn begin<'o, 'e>(out: &'o mut Vec<u8>, r#type: &str, extra: &'e Extra) -> Object<'o, 'e> {
    let mut object = Object::begin(out, extra);
    object.text("_type", r#type);
    object
}

fn write_expires(object: &mut Object<'_, '_>, expires: Expiry) {
    object.text("expires", &whole_seconds(expires).to_string());
}

/// `spec_version`, whose place is behind every member but `targets` and `version`.
fn write_spec_version(object: &mut Object<'_, '_>, extra: &Extra) {
    match extra.get("spec_version") {
        Some(text) => object.raw("spec_version", text),
        None => object.text("spec_version", SPEC_VERSION),
    }
}

/// Clients of one major version read all files of that major version (specification 4.3).
pub(crate) fn check_spec_version(text: &str) -> Result<(), WireError> {
    if text.split('.').next() == Some("1") {
        return Ok(());
    }
    let found: String = text.chars().take(40).collect();
    Err(WireError::invalid("spec_version", format!("{found:?}, expected 1 or 1.x")))
}

fn read_version(reader: &mut Reader<'_>) -> Result<Version, WireError> {
    let number = reader.integer()?;
    let number = u64::try_from(number)
        .map_err(|_| WireError::invalid("version", format!("{number}, expected 1 or more")))?;
    Ok(Version::new(number)?)
}

/// `YYYY-MM-DDTHH:MM:SSZ` and nothing else (specification 4.2.1).
fn read_expires(reader: &mut Reader<'_>) -> Result<Expiry, WireError> {
    let text = reader.string()?.decode();
    if !is_whole_utc(&text) {
        let found: String = text.chars().take(40).collect();
        return Err(WireError::invalid("expires", format!("{found:?}, expected YYYY-MM-DDTHH:MM:SSZ")));
    }
    Ok(Expiry::parse(&text)?)
}

fn is_whole_utc(text: &str) -> bool {
    text.len() == 20 && text.ends_with('Z')
}

/// The time as TUF can spell it: without a fraction, which only shortens, and in UTC.
pub(crate) fn whole_seconds(expires: Expiry) -> Expiry {
    if is_whole_utc(&expires.to_string()) {
        return expires;
    }
    let since = expires.to_system_time().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Expiry::after(SystemTime::UNIX_EPOCH, Duration::from_secs(since.as_secs()))
        .unwrap_or_else(|_| Expiry::zero())
}

/// Reads an object: the members in `own` by `read`, all others into `extra`.
fn members<'a>(
    reader: &mut Reader<'a>,
    own: &[&'static str],
    extra: &mut Extra,
    mut read: impl FnMut(&mut Reader<'a>, &'static str) -> Result<(), WireError>,
) -> Result<(), WireError> {
    reader.map(|reader, name| match own.iter().find(|member| name == **member) {
        Some(member) => read(reader, member),
        None => {
            extra.insert(name.decode(), reader.raw()?);
            Ok(())
        }
    })
}

fn read_text(reader: &mut Reader<'_>) -> Result<String, WireError> {
    Ok(reader.string()?.decode().into_owned())
}
