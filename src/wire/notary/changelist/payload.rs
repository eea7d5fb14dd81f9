//! The details of a staged change, which lie in it as base64.

use std::num::NonZeroU32;

use super::{WireError, members};
use crate::{
    crypto::PublicKey,
    limits::Limits,
    metadata::{TargetInfo, threshold},
    name::KeyId,
    wire::{
        json::{self, Reader},
        notary::{is_null, keys, meta, read_key_ids},
    },
};

/// What a delegation gains and loses.
#[derive(Default)]
pub(super) struct Delta {
    pub(super) threshold: Option<NonZeroU32>,
    pub(super) add_keys: Vec<PublicKey>,
    pub(super) remove_keys: Vec<KeyId>,
    pub(super) add_paths: Vec<String>,
    pub(super) remove_paths: Vec<String>,
    pub(super) clear_paths: bool,
}

impl Delta {
    fn is_empty(&self) -> bool {
        let Self { add_keys, remove_keys, add_paths, remove_paths, .. } = self;
        let empty = add_keys.is_empty() && remove_keys.is_empty();
        empty && add_paths.is_empty() && remove_paths.is_empty() && !self.clear_paths
    }
}

/// What is signed about a target.
pub(super) fn target(payload: &[u8]) -> Result<TargetInfo, WireError> {
    let (mut known, mut reader) = (Reader::new(payload)?, Reader::new(payload)?);
    members(&mut known, &["length", "hashes", "custom"], |reader, _| {
        reader.raw()?;
        Ok(())
    })?;
    let meta::Entry { hashes, length, custom } = meta::read_entry(&mut reader)?;
    reader.end()?;
    if hashes.is_empty() {
        return Err(WireError::Missing { member: "hashes" });
    }
    Ok(TargetInfo { length, hashes, custom: custom.map(canonical).transpose()? })
}

/// Custom data is signed in canonical form, so that is what was staged, however it is spelt.
fn canonical(custom: &str) -> Result<String, WireError> {
    let text = String::from_utf8(json::canonicalise(custom)?);
    let text = text.map_err(|error| WireError::invalid("custom", error))?;
    if text.chars().any(char::is_control) {
        return Err(WireError::invalid("custom", "a control character"));
    }
    Ok(text)
}

/// A change of a delegation that has `allowed` members only and changes something.
pub(super) fn delegation(
    payload: &[u8],
    allowed: &[&'static str],
    limits: &Limits,
) -> Result<Delta, WireError> {
    let mut reader = Reader::new(payload)?;
    let mut delta = Delta::default();
    members(&mut reader, allowed, |reader, member| delta.read(reader, member, limits))?;
    reader.end()?;
    if delta.is_empty() {
        return Err(WireError::invalid("data", "neither keys nor paths"));
    }
    Ok(delta)
}

impl Delta {
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        member: &'static str,
        limits: &Limits,
    ) -> Result<(), WireError> {
        match member {
            "threshold" => self.threshold = Some(threshold(reader.integer()?)?),
            "add_keys" => self.add_keys = read_keys(reader, limits)?,
            "remove_keys" => self.remove_keys = read_key_ids(reader, limits.max_keys_per_role)?,
            "add_paths" => self.add_paths = read_paths(reader)?,
            "remove_paths" => self.remove_paths = read_paths(reader)?,
            _ => self.clear_paths = reader.boolean()?,
        }
        Ok(())
    }
}

fn read_keys(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<PublicKey>, WireError> {
    let mut found = Vec::new();
    if is_null(reader)? {
        return Ok(found);
    }
    reader.array(|reader| {
        if found.len() >= limits.max_keys_per_role {
            return Err(WireError::TooMany { what: "add_keys", limit: limits.max_keys_per_role });
        }
        found.push(keys::read_key(reader)?);
        Ok(())
    })?;
    Ok(found)
}

fn read_paths(reader: &mut Reader<'_>) -> Result<Vec<String>, WireError> {
    let mut paths = Vec::new();
    if is_null(reader)? {
        return Ok(paths);
    }
    reader.array(|reader| {
        paths.push(reader.string()?.decode().into_owned());
        Ok::<_, WireError>(())
    })?;
    Ok(paths)
}
