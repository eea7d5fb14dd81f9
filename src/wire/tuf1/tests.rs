//! What python-tuf 7 wrote is read, and written by us as it stands, byte by byte of its canonical
//! form (TUF specification 4.2.1): whoever maintains a repository loses nothing of it.

mod delegations;
mod documents;
mod keys;

use std::{fmt::Debug, fs, path::Path};

use crate::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
    name::{Hashes, RoleName, Version},
    wire::{Dialect, Document, Envelope, WireError, canonical, json::canonicalise, seal},
};

pub(super) fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tuf");
    fs::read_to_string(folder.join(name)).unwrap()
}

pub(super) fn read<T: Document>(file: &str) -> Result<Envelope<T>, WireError> {
    Envelope::read(Dialect::Tuf1, file.as_bytes().to_vec(), &Limits::default())
}

/// A fixture in which `from`, which stands there, was replaced.
pub(super) fn altered(name: &str, from: &str, to: &str) -> String {
    let text = fixture(name);
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

/// The file that we write for what was read.
pub(super) fn rewritten<T: Document>(envelope: &Envelope<T>) -> String {
    let file = seal(Dialect::Tuf1, &canonical(Dialect::Tuf1, envelope.body()), envelope.signatures());
    String::from_utf8(file).unwrap()
}

fn is_written_alike<T: Document + Debug + PartialEq>(name: &str) {
    let text = fixture(name);
    let envelope = read::<T>(&text).unwrap();
    let signed = canonical(Dialect::Tuf1, envelope.body());
    assert_eq!(
        String::from_utf8_lossy(&signed),
        String::from_utf8_lossy(&envelope.message().unwrap()),
        "{name}"
    );
    let file = rewritten(&envelope);
    assert_eq!(canonicalise(&file).unwrap(), canonicalise(&text).unwrap(), "{name}");
    let again = read::<T>(&file).unwrap();
    assert_eq!(rewritten(&again), file, "{name}: a fixed point");
    assert_eq!(*again.message().unwrap(), *signed);
}

#[test]
fn files_of_python_tuf_are_written_alike() {
    is_written_alike::<Root>("root.json");
    is_written_alike::<Timestamp>("timestamp.json");
    is_written_alike::<Snapshot>("snapshot.json");
    for name in ["targets.json", "bins.json", "empty.json"] {
        is_written_alike::<Targets>(name);
    }
}

#[test]
fn files_of_python_tuf_say_what_was_put_in() {
    let root = read::<Root>(&fixture("root.json")).unwrap().body().clone();
    assert_eq!((root.version.get(), root.consistent_snapshot), (3, true));
    assert_eq!(root.expires.to_string(), "2046-01-02T03:04:05Z");
    assert_eq!(root.root.threshold.get(), 2);
    assert_eq!(root.extra.get("x-note"), Some(r#""kept \u00e9\n""#));
    assert_eq!(root.targets.extra.get("x-role"), Some("true"));

    let snapshot = read::<Snapshot>(&fixture("snapshot.json")).unwrap().body().clone();
    assert_eq!((snapshot.root, snapshot.targets.version), (None, Version::new(4).ok()));
    let pin = snapshot.pin(&RoleName::tuf("Team A/x").unwrap()).unwrap();
    assert_eq!((pin.length, pin.hashes), (Some(5), Hashes { sha256: None, sha512: Some([0; 64]) }));

    let targets = read::<Targets>(&fixture("targets.json")).unwrap().body().clone();
    assert_eq!(targets.targets.get("a/b.txt").unwrap().length, 5);
    assert!(targets.targets.get("c.bin").unwrap().hashes.sha512.is_some());
    assert!(targets.delegations[0].terminating && !targets.delegations[1].terminating);
    assert!(targets.delegations[0].paths.grants("b/x.txt") && !targets.delegations[0].paths.grants("c"));
    let bins = read::<Targets>(&fixture("bins.json")).unwrap().body().bins.clone().unwrap();
    assert!(bins.bins.contains("bins-3ff") && !bins.bins.contains("bins-400"));
}

#[test]
fn signatures_of_python_tuf_verify_by_the_scheme_of_their_key() {
    let root = read::<Root>(&fixture("root.json")).unwrap();
    let verify = |signatures: &[crate::wire::Signature], message: &[u8]| {
        for signature in signatures {
            let filed = root.body().keys.get(&signature.key_id).unwrap();
            filed.key.verify(filed.scheme.unwrap(), message, &signature.bytes).unwrap();
        }
        signatures.len()
    };
    assert_eq!(verify(root.signatures(), &root.message().unwrap()), 2);
    let targets = read::<Targets>(&fixture("targets.json")).unwrap();
    assert_eq!(verify(targets.signatures(), &targets.message().unwrap()), 1);
    let timestamp = read::<Timestamp>(&fixture("timestamp.json")).unwrap();
    assert_eq!(verify(timestamp.signatures(), &timestamp.message().unwrap()), 1);
}

#[test]
fn cj_10_unknown_integers_of_any_size_are_exact() {
    let large = "-123456789012345678901234567890";
    let root = read::<Root>(&altered("root.json", "\"b\": 2", &format!("\"b\": {large}"))).unwrap();
    let message = String::from_utf8(root.message().unwrap().into_owned()).unwrap();
    assert!(message.contains(&format!("\"b\":{large}")));
    assert_eq!(message.as_bytes(), canonical(Dialect::Tuf1, root.body()));
    for number in ["2.0", "2e0", "0.5", "1e400"] {
        assert!(
            read::<Root>(&altered("root.json", "\"b\": 2", &format!("\"b\": {number}"))).is_err(),
            "{number}"
        );
    }
}

#[test]
fn cj_04_custom_fields_stay_where_they_were() {
    let text =
        altered("root.json", "\"roles\": {", "\"roles\": {\"mirrors\":{\"keyids\":[],\"threshold\":1},");
    let root = read::<Root>(&text).unwrap();
    assert_eq!(*root.message().unwrap(), *canonical(Dialect::Tuf1, root.body()));
    let mut targets = read::<Targets>(&fixture("targets.json")).unwrap().body().clone();
    let write = |targets: &Targets| String::from_utf8(canonical(Dialect::Tuf1, targets)).unwrap();
    for kept in
        ["\"blake2b-256\"", "\"more\":1", "\"x-deleg\":{}", "\"x-all\":0", "\"keyid_hash_algorithms\""]
    {
        assert!(write(&targets).contains(kept), "{kept}");
    }
    let info = crate::metadata::TargetInfo::from_bytes(b"another");
    assert!(targets.targets.insert(&"c.bin".parse().unwrap(), &info));
    for gone in ["\"blake2b-256\"", "\"more\":1"] {
        assert!(!write(&targets).contains(gone), "{gone} was said of another content");
    }
}
