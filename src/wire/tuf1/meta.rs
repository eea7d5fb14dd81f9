//! What is said about files: versions, lengths and digests (TUF specification 4.4, 4.5).
//!
//! Digests are compared by value, whatever their letters' case (CJ-14). Algorithms that we don't
//! know are passed over, but where digests are listed we must know one.

use super::{members, object::Object, read_version};
use crate::{
    metadata::{EntryExtra, Extra, Pin, TargetEntry},
    name::Hashes,
    wire::{
        WireError,
        json::{Reader, Text},
    },
};

/// Reads what a timestamp or snapshot says of a file: its version, and perhaps length and digests.
pub(super) fn read_pin(reader: &mut Reader<'_>) -> Result<Pin, WireError> {
    let mut pin = Pin::default();
    members(reader, &["hashes", "length", "version"], &mut Extra::default(), |reader, member| {
        match member {
            "hashes" => pin.hashes = read_hashes(reader, &mut Extra::default())?,
            "length" => pin.length = Some(read_length(reader)?),
            _ => pin.version = Some(read_version(reader)?),
        }
        Ok(())
    })?;
    match pin.version {
        Some(_) => Ok(pin),
        None => Err(WireError::Missing { member: "version" }),
    }
}

pub(super) fn write_pin(out: &mut Vec<u8>, pin: &Pin) {
    let none = Extra::default();
    let mut entry = Object::begin(out, &none);
    if !pin.hashes.is_empty() {
        write_hashes(entry.name("hashes"), &pin.hashes, &none);
    }
    if let Some(length) = pin.length {
        entry.number("length", length);
    }
    if let Some(version) = pin.version {
        entry.number("version", version.get());
    }
    entry.end();
}

/// Reads what a targets file says of a target.
pub(super) fn read_target<'n, 'a: 'n>(
    reader: &mut Reader<'a>,
    name: &'n str,
    extra: &mut EntryExtra,
) -> Result<TargetEntry<'n>, WireError> {
    let EntryExtra { members: others, hashes: unknown } = extra;
    let (mut custom, mut hashes, mut length) = (None, None, None);
    members(reader, &["custom", "hashes", "length"], others, |reader, member| {
        match member {
            "hashes" => hashes = Some(read_hashes(reader, unknown)?),
            "length" => length = Some(read_length(reader)?),
            _ => custom = Some(reader.raw()?),
        }
        Ok(())
    })?;
    let hashes = hashes.ok_or(WireError::Missing { member: "hashes" })?;
    let length = length.ok_or(WireError::Missing { member: "length" })?;
    Ok(TargetEntry { name, length, hashes, custom })
}

pub(super) fn write_target(out: &mut Vec<u8>, target: &TargetEntry<'_>, extra: Option<&EntryExtra>) {
    let none = EntryExtra::default();
    let extra = extra.unwrap_or(&none);
    let mut entry = Object::begin(out, &extra.members);
    if let Some(custom) = target.custom {
        entry.raw("custom", custom);
    }
    write_hashes(entry.name("hashes"), &target.hashes, &extra.hashes);
    entry.number("length", target.length);
    entry.end();
}

fn write_hashes(out: &mut Vec<u8>, hashes: &Hashes, unknown: &Extra) {
    let mut object = Object::begin(out, unknown);
    let Hashes { sha256, sha512 } = hashes;
    for (name, digest) in [
        ("sha256", sha256.as_ref().map(<[u8; 32]>::as_slice)),
        ("sha512", sha512.as_ref().map(<[u8; 64]>::as_slice)),
    ] {
        if let Some(digest) = digest {
            object.text(name, &data_encoding::HEXLOWER.encode(digest));
        }
    }
    object.end();
}

fn read_length(reader: &mut Reader<'_>) -> Result<u64, WireError> {
    let number = reader.integer()?;
    u64::try_from(number).map_err(|_| WireError::invalid("length", format!("{number}, expected 0 or more")))
}

fn read_hashes(reader: &mut Reader<'_>, unknown: &mut Extra) -> Result<Hashes, WireError> {
    let mut hashes = Hashes::default();
    members(reader, &["sha256", "sha512"], unknown, |reader, member| {
        match member {
            "sha256" => hashes.sha256 = Some(digest(reader.string()?, "sha256")?),
            _ => hashes.sha512 = Some(digest(reader.string()?, "sha512")?),
        }
        Ok(())
    })?;
    if hashes.is_empty() {
        return Err(WireError::invalid("hashes", "neither sha256 nor sha512"));
    }
    Ok(hashes)
}

/// Decodes without a heap object: this runs once for each of 100,000 targets.
fn digest<const N: usize>(text: Text<'_>, member: &'static str) -> Result<[u8; N], WireError> {
    let refuse = || WireError::invalid(member, format!("expected {} hex digits", N.saturating_mul(2)));
    let (text, mut digest) = (text.decode(), [0; N]);
    if text.len() != N.saturating_mul(2) {
        return Err(refuse());
    }
    match data_encoding::HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut digest) {
        Ok(_) => Ok(digest),
        Err(_) => Err(refuse()),
    }
}
