//! Key ids and threshold of a role (TUF specification 4.3): no id twice (DK-09), a threshold of 1
//! and more. An id that names no key counts for nothing.

use std::collections::BTreeSet;

use super::object::Object;
use crate::{
    limits::Limits,
    metadata::{RoleKeys, threshold},
    name::KeyId,
    wire::{WireError, json::Reader},
};
use std::num::NonZeroU32;

pub(super) const MEMBERS: [&str; 2] = ["keyids", "threshold"];

/// The two members, as far as they were read.
#[derive(Default)]
pub(super) struct Draft {
    key_ids: Option<Vec<KeyId>>,
    threshold: Option<NonZeroU32>,
}

impl Draft {
    /// Reads the value of `member`, which is one of [`MEMBERS`].
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        member: &str,
        limits: &Limits,
    ) -> Result<(), WireError> {
        match member {
            "keyids" => self.key_ids = Some(read_key_ids(reader, limits.max_keys_per_role)?),
            _ => self.threshold = Some(threshold(reader.integer()?)?),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<RoleKeys, WireError> {
        let key_ids = self.key_ids.ok_or(WireError::Missing { member: "keyids" })?;
        Ok(RoleKeys::new(key_ids, self.threshold.ok_or(WireError::Missing { member: "threshold" })?))
    }
}

pub(super) fn write_key_ids(object: &mut Object<'_, '_>, keys: &RoleKeys) {
    object.texts("keyids", keys.key_ids.iter().map(KeyId::as_str));
}

pub(super) fn write_threshold(object: &mut Object<'_, '_>, keys: &RoleKeys) {
    object.number("threshold", u64::from(keys.threshold.get()));
}

fn read_key_ids(reader: &mut Reader<'_>, limit: usize) -> Result<Vec<KeyId>, WireError> {
    let (mut ids, mut seen) = (Vec::new(), BTreeSet::new());
    reader.array(|reader| {
        if ids.len() >= limit {
            return Err(WireError::TooMany { what: "keyids", limit });
        }
        let id = KeyId::new(&reader.string()?.decode())?;
        if !seen.insert(id.clone()) {
            return Err(WireError::invalid("keyids", format!("key {id} is listed twice")));
        }
        ids.push(id);
        Ok(())
    })?;
    Ok(ids)
}
