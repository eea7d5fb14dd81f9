//! The `signed` parts, as loose JSON: tests must be able to write what no type admits.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::TufForgeKey;
use crate::{
    crypto::digest,
    testkit::forge::document::{member, set},
    wire::tuf1::SPEC_VERSION,
};

/// Three years.
const EXPIRES: &str = "2029-11-24T12:00:00Z";

/// The four top-level roles, without keys.
pub(super) fn four_roles() -> BTreeMap<String, Value> {
    let root = json!({
        "_type": "root", "consistent_snapshot": true, "expires": "2036-11-24T12:00:00Z", "keys": {},
        "roles": {}, "spec_version": SPEC_VERSION, "version": 1,
    });
    let pins = |role: &str, expires: &str| {
        json!({
            "_type": role, "expires": expires, "meta": {}, "spec_version": SPEC_VERSION, "version": 1,
        })
    };
    let documents = [
        ("root", root),
        ("targets", empty_targets()),
        ("snapshot", pins("snapshot", EXPIRES)),
        ("timestamp", pins("timestamp", "2026-12-08T12:00:00Z")),
    ];
    documents.into_iter().map(|(role, document)| (role.to_owned(), document)).collect()
}

pub(super) fn empty_targets() -> Value {
    json!({
        "_type": "targets", "expires": EXPIRES, "spec_version": SPEC_VERSION, "targets": {}, "version": 1,
    })
}

pub(super) fn add_target(document: &mut Value, name: &str, content: &[u8]) {
    let hashes = json!({ "sha256": HEXLOWER.encode(&digest::sha256(content)) });
    set(member(document, "targets"), name, json!({ "hashes": hashes, "length": content.len() }));
}

pub(super) fn list_top_level(root: &mut Value, role: &str, keys: &[TufForgeKey], threshold: u32) {
    add_keys(root, keys);
    set(member(root, "roles"), role, json!({ "keyids": ids(keys), "threshold": threshold }));
}

pub(super) fn delegate(parent: &mut Value, role: &str, keys: &[TufForgeKey], threshold: u32, paths: &[&str]) {
    let delegations = member(parent, "delegations");
    add_keys(delegations, keys);
    let entry = json!({
        "keyids": ids(keys), "name": role, "paths": paths, "terminating": false, "threshold": threshold,
    });
    let Some(delegations) = delegations.as_object_mut() else { return };
    if let Some(roles) = delegations.entry("roles").or_insert_with(|| json!([])).as_array_mut() {
        roles.push(entry);
    }
}

/// What a parent lists of a file.
pub(super) fn pin(file: &[u8], version: Option<&Value>, with_hashes: bool) -> Value {
    let mut pin = json!({ "version": version });
    if with_hashes {
        set(&mut pin, "hashes", json!({ "sha256": HEXLOWER.encode(&digest::sha256(file)) }));
        set(&mut pin, "length", file.len().into());
    }
    pin
}

fn add_keys(holder: &mut Value, keys: &[TufForgeKey]) {
    let ring = member(holder, "keys");
    for key in keys {
        set(ring, key.id(), key.to_json().clone());
    }
}

fn ids(keys: &[TufForgeKey]) -> Value {
    keys.iter().map(TufForgeKey::id).collect::<Vec<_>>().into()
}
