//! What the real Notary wrote is a fixed point of our writer (Notary v1): its server reads a file,
//! writes it again and pins the result, so what would come out different must never go in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Dialect, Document, Envelope, canonical, seal};
use crate::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
};

/// Whether `bytes` is what we write for the document in it.
fn is_fixed_point<T: Document>(bytes: &[u8]) -> bool {
    let envelope = Envelope::<T>::read(Dialect::Notary, bytes.to_vec(), &Limits::default()).unwrap();
    let signed = canonical(Dialect::Notary, envelope.body());
    signed == *envelope.message().unwrap() && seal(Dialect::Notary, &signed, envelope.signatures()) == bytes
}

fn is_written_by_us(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap();
    match path.file_stem().unwrap().to_str().unwrap() {
        "timestamp" => is_fixed_point::<Timestamp>(&bytes),
        "snapshot" => is_fixed_point::<Snapshot>(&bytes),
        root if root.ends_with("root") => is_fixed_point::<Root>(&bytes),
        _ => is_fixed_point::<Targets>(&bytes),
    }
}

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents(&path, found);
        } else if path.extension().is_some_and(|end| end == "json") && !path.ends_with("inspect.json") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_of_notary_and_docker_is_a_fixed_point() {
    let mut found = Vec::new();
    documents(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notary"), &mut found);
    assert!(found.len() > 60, "{}", found.len());
    for path in found {
        assert!(is_written_by_us(&path), "{}", path.display());
    }
}

#[test]
fn other_spellings_are_no_fixed_points() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notary/tags-10/timestamp.json");
    let text = fs::read_to_string(file).unwrap();
    assert!(is_fixed_point::<Timestamp>(text.as_bytes()));
    for (from, to) in [("{\"signed\"", "{\"a\":1,\"signed\""), ("Z\"", "+00:00\""), ("{\"keyid", "{ \"keyid")]
    {
        assert!(!is_fixed_point::<Timestamp>(text.replacen(from, to, 1).as_bytes()), "{to}");
    }
    assert!(!is_fixed_point::<Timestamp>(format!("{text}\n").as_bytes()));
}
