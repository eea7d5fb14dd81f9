//! The `signed` parts, as loose JSON: tests must be able to write what no type admits.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::ForgeKey;
use crate::crypto::digest;

/// Three years, as Notary gives them.
const EXPIRES: &str = "2029-11-24T12:00:00Z";

/// The four top-level roles, without keys.
pub(super) fn four_roles() -> BTreeMap<String, Value> {
    let root = json!({
        "_type": "Root", "consistent_snapshot": false, "expires": "2036-11-24T12:00:00Z",
        "keys": {}, "roles": {}, "version": 1,
    });
    let snapshot = json!({ "_type": "Snapshot", "expires": EXPIRES, "meta": {}, "version": 1 });
    let timestamp =
        json!({ "_type": "Timestamp", "expires": "2026-12-08T12:00:00Z", "meta": {}, "version": 1 });
    let documents =
        [("root", root), ("targets", empty_targets()), ("snapshot", snapshot), ("timestamp", timestamp)];
    documents.into_iter().map(|(role, document)| (role.to_owned(), document)).collect()
}

pub(super) fn empty_targets() -> Value {
    json!({
        "_type": "Targets", "delegations": { "keys": {}, "roles": [] }, "expires": EXPIRES,
        "targets": {}, "version": 1,
    })
}

pub(super) fn add_tag(document: &mut Value, name: &str, byte: u8, length: u64) {
    let info = json!({ "hashes": { "sha256": BASE64.encode(&[byte; 32]) }, "length": length });
    set(member(document, "targets"), name, info);
}

pub(super) fn list_top_level(root: &mut Value, role: &str, keys: &[ForgeKey], threshold: u32) {
    add_keys(root, keys);
    set(member(root, "roles"), role, json!({ "keyids": ids(keys), "threshold": threshold }));
}

pub(super) fn list_delegated(parent: &mut Value, role: &str, keys: &[ForgeKey], threshold: u32) {
    let delegations = member(parent, "delegations");
    add_keys(delegations, keys);
    let roles = delegations.get_mut("roles").and_then(Value::as_array_mut);
    for entry in roles.into_iter().flatten() {
        if entry.get("name").and_then(Value::as_str) == Some(role) {
            set(entry, "keyids", ids(keys));
            set(entry, "threshold", threshold.into());
        }
    }
}

pub(super) fn delegate(parent: &mut Value, role: &str, keys: &[ForgeKey], threshold: u32, paths: &[&str]) {
    let delegations = member(parent, "delegations");
    add_keys(delegations, keys);
    let mut entry = json!({ "keyids": ids(keys), "name": role, "threshold": threshold });
    // Notary leaves an empty list out.
    if !paths.is_empty() {
        set(&mut entry, "paths", paths.into());
    }
    if let Some(roles) = delegations.get_mut("roles").and_then(Value::as_array_mut) {
        roles.push(entry);
    }
}

/// What a parent pins of a file.
pub(super) fn pin(file: &[u8]) -> Value {
    let (sha256, sha512) = (digest::sha256(file), digest::sha512(file));
    json!({
        "hashes": { "sha256": BASE64.encode(&sha256), "sha512": BASE64.encode(&sha512) },
        "length": file.len(),
    })
}

/// Sets a member, if `document` is an object.
pub(in crate::testkit) fn set(document: &mut Value, name: &str, value: Value) {
    if let Some(members) = document.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// A member that is an object; it is made one where it is missing.
pub(in crate::testkit) fn member<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    if document.is_null() {
        *document = Value::Object(Map::new());
    }
    match document {
        Value::Object(members) => members.entry(name).or_insert_with(|| json!({})),
        other => other,
    }
}

fn add_keys(holder: &mut Value, keys: &[ForgeKey]) {
    let ring = member(holder, "keys");
    for key in keys {
        set(ring, &key.id(), key.to_json());
    }
}

fn ids(keys: &[ForgeKey]) -> Value {
    keys.iter().map(ForgeKey::id).collect::<Vec<_>>().into()
}
