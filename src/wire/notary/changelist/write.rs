//! Change files as Go's encoder writes them: members in the order of its structures.

use data_encoding::BASE64;

use super::StagedChange;
use crate::{
    crypto::PublicKey,
    metadata::TargetInfo,
    name::KeyId,
    wire::{json, notary::write_name},
};

pub(super) fn file(change: &StagedChange) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (name, text) in [
        ("action", change.action()),
        ("role", &change.scope()),
        ("type", change.kind()),
        ("path", change.path()),
    ] {
        write_name(&mut out, name);
        string(&mut out, text);
    }
    write_name(&mut out, "data");
    match payload(change) {
        Some(payload) => string(&mut out, &BASE64.encode(&payload)),
        None => out.extend(b"null"),
    }
    out.push(b'}');
    out
}

fn payload(change: &StagedChange) -> Option<Vec<u8>> {
    let mut out = vec![b'{'];
    match change {
        StagedChange::Sign { info, .. } => target(&mut out, info),
        StagedChange::Delegate { threshold, keys, paths, .. } => {
            if let Some(threshold) = threshold {
                write_name(&mut out, "threshold");
                out.extend(threshold.to_string().bytes());
            }
            list(&mut out, "add_keys", keys, key);
            list(&mut out, "add_paths", paths, |out, path| string(out, path));
        }
        StagedChange::Restrict { keys, paths, clear_paths, .. } => {
            list(&mut out, "remove_keys", keys, key_id);
            list(&mut out, "remove_paths", paths, |out, path| string(out, path));
            if *clear_paths {
                write_name(&mut out, "clear_paths");
                out.extend(b"true");
            }
        }
        StagedChange::Purge { keys, .. } => list(&mut out, "remove_keys", keys, key_id),
        StagedChange::Revoke { .. } | StagedChange::Undelegate { .. } | StagedChange::Witness { .. } => {
            return None;
        }
    }
    out.push(b'}');
    Some(out)
}

fn target(out: &mut Vec<u8>, info: &TargetInfo) {
    write_name(out, "length");
    out.extend(info.length.to_string().bytes());
    write_name(out, "hashes");
    out.push(b'{');
    for (name, digest) in [
        ("sha256", info.hashes.sha256.as_ref().map(<[u8; 32]>::as_slice)),
        ("sha512", info.hashes.sha512.as_ref().map(<[u8; 64]>::as_slice)),
    ] {
        if let Some(digest) = digest {
            write_name(out, name);
            string(out, &BASE64.encode(digest));
        }
    }
    out.push(b'}');
    if let Some(custom) = &info.custom {
        write_name(out, "custom");
        out.extend(json::escape_for_wire(custom.as_bytes()));
    }
}

/// An empty list is left out.
fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    if items.is_empty() {
        return;
    }
    write_name(out, name);
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// Not the canonical order that metadata has: Go's structure has `public` first.
fn key(out: &mut Vec<u8>, key: &PublicKey) {
    out.push(b'{');
    write_name(out, "keytype");
    string(out, key.kind().as_str());
    write_name(out, "keyval");
    out.push(b'{');
    write_name(out, "public");
    string(out, &BASE64.encode(key.published()));
    out.extend(b",\"private\":null}}");
}

fn key_id(out: &mut Vec<u8>, id: &KeyId) {
    string(out, id.as_str());
}

fn string(out: &mut Vec<u8>, text: &str) {
    let mut quoted = Vec::with_capacity(text.len().saturating_add(2));
    json::write_string(&mut quoted, text);
    for byte in json::escape_for_wire(&quoted) {
        match byte {
            b'\n' => out.extend(br"\n"),
            b'\r' => out.extend(br"\r"),
            b'\t' => out.extend(br"\t"),
            0..0x20 => out.extend(format!("\\u{byte:04x}").bytes()),
            _ => out.push(byte),
        }
    }
}
