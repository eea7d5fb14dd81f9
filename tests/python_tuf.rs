//! The independent judge agrees with itself: what python-tuf writes, python-tuf reads, in every shape.

mod common;

use std::{collections::BTreeSet, fs, path::Path, thread};

use common::python_tuf::{Outcome, PythonTuf, Reading, Seen, Target, Written};

const THREADS: usize = 4;

#[test]
fn writer_and_reader_agree_on_every_shape() {
    let Some(python) = PythonTuf::find("writer_and_reader_agree_on_every_shape") else { return };
    let folder = tempfile::tempdir().unwrap();
    let written = python.write_all(folder.path());
    let names: BTreeSet<_> = written.iter().map(|one| one.expected.shape.clone()).collect();
    assert_eq!(names, python.shapes().into_iter().collect());

    let served = python.serve(folder.path());
    let (python, url) = (&python, &served.url());
    thread::scope(|scope| {
        for part in written.chunks(written.len().div_ceil(THREADS)) {
            scope.spawn(move || part.iter().for_each(|one| agree(python, url, one)));
        }
    });
}

#[test]
fn what_does_not_fit_is_seen() {
    let Some(python) = PythonTuf::find("what_does_not_fit_is_seen") else { return };
    let folder = tempfile::tempdir().unwrap();
    let written = python.write("minimal", &folder.path().join("repository"));
    let served = python.serve(&written.folder);
    let home = home_of(&written);
    assert_eq!(python.read(home.path(), &served.url(), &[]).error, None);
    let expected = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
        .map(|name| format!("/metadata/{name}"));
    assert_eq!(served.requests(), expected);
    assert_eq!(served.requests(), [""; 0]);

    let targets = written.metadata().join("1.targets.json");
    let changed = fs::read_to_string(&targets).unwrap().replace("file.txt", "evil.txt");
    fs::write(&targets, changed).unwrap();
    let home = home_of(&written);
    let refused = python.read(home.path(), &served.url(), &["file.txt"]);
    assert!(refused.error.is_some_and(|error| error.starts_with("UnsignedMetadataError")));
    assert!(refused.targets.is_empty());
}

fn home_of(written: &Written) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("root.json"), written.root()).unwrap();
    home
}

fn agree(python: &PythonTuf, url: &str, written: &Written) {
    let home = home_of(written);
    let url = format!("{url}/{}", written.expected.shape);
    if let Some(before) = written.before() {
        assert_eq!(before.root(), written.root(), "{}", written.expected.shape);
        compare(&before, &read(python, home.path(), &format!("{url}/before"), &before));
    }
    let reading = read(python, home.path(), &url, written);
    if written.expected.python_tuf {
        compare(written, &reading);
    } else {
        assert!(reading.error.is_some(), "{}: python-tuf reads it by now", written.expected.shape);
    }
}

fn read(python: &PythonTuf, home: &Path, url: &str, written: &Written) -> Reading {
    let names: Vec<_> = asked(written).map(|target| target.name.as_str()).collect();
    python.read(home, url, &names)
}

/// The targets that python-tuf can be asked for.
fn asked(written: &Written) -> impl Iterator<Item = &Target> {
    written.expected.targets.iter().filter(|target| target.python_tuf)
}

fn compare(written: &Written, reading: &Reading) {
    let shape = &written.expected.shape;
    assert_eq!(reading.error, None, "{shape}");
    assert_eq!(reading.versions, written.expected.versions, "{shape}");
    assert_eq!(reading.targets.len(), asked(written).count(), "{shape}");
    for (target, seen) in asked(written).zip(&reading.targets) {
        compare_target(shape, target, seen);
    }
    // A cache that an earlier state filled spares requests.
    if written.before().is_none() && !written.folder.ends_with("before") {
        assert_eq!(roles_of(reading), walked(written), "{shape}: the order of the walk");
    }
}

fn compare_target(shape: &str, target: &Target, seen: &Seen) {
    assert_eq!(seen.result, target.result, "{shape}: {seen:?}");
    if target.result == Outcome::Found {
        assert_eq!((seen.length, &seen.hashes), (target.length, &target.hashes), "{shape}: {}", target.name);
        let content = target.content.as_ref().filter(|_| target.served);
        assert_eq!(seen.content.as_ref(), content, "{shape}: {seen:?}");
    }
}

/// The delegated roles in the order of their first request, as the URLs name them.
fn roles_of(reading: &Reading) -> Vec<String> {
    let below =
        reading.requests.iter().filter_map(|path| path.strip_prefix("/metadata/")?.strip_suffix(".json"));
    let consistent = reading.requests.iter().any(|path| path.ends_with("/1.targets.json"));
    let roles =
        below.map(|name| if consistent { name.split_once('.').map_or(name, |(_, role)| role) } else { name });
    let delegated = roles.filter(|role| {
        !["root", "timestamp", "snapshot", "targets"].contains(role) && !role.ends_with(".root")
    });
    first_of_each(delegated.map(str::to_owned))
}

fn walked(written: &Written) -> Vec<String> {
    first_of_each(asked(written).flat_map(|target| target.visited.iter().map(|role| encoded(role))))
}

fn first_of_each(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// Percent-encoded but for the unreserved characters of RFC 3986.
fn encoded(role: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    role.bytes().map(one).collect()
}
