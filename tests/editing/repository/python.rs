//! python-tuf reads what we write, and we maintain what it wrote.

use std::{fs, path::Path};

use serde_json::Value;
use tuf_notary::{
    crypto::{PemBlock, PrivateKey},
    edit::repository::{Lifetimes, Publication, RepositoryEditor},
    name::{HashBins, PathRule, Resource, RoleName},
};

use super::{
    building::delegation,
    lab::{Files, Lab, TOP, info, key, names, open, role, target},
};
use crate::common::{
    fixture,
    python_tuf::{Outcome, PythonTuf, Reading},
};

/// Puts metadata and contents where a web server has them.
fn write(folder: &Path, publication: &Publication, content: impl Fn(&str) -> Vec<u8>) {
    for upload in publication.targets() {
        for path in &upload.paths {
            let path = folder.join("targets").join(path.as_str());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content(upload.name.as_str())).unwrap();
        }
    }
    fs::create_dir_all(folder.join("metadata")).unwrap();
    for (name, file) in publication.files() {
        fs::write(folder.join("metadata").join(name), file).unwrap();
    }
}

fn read(python: &PythonTuf, folder: &Path, home: &Path, targets: &[&str]) -> Reading {
    let served = python.serve(folder);
    python.read(home, &served.url(), targets)
}

fn home(folder: &Path) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::copy(folder.join("metadata/1.root.json"), home.path().join("root.json")).unwrap();
    home
}

/// Without a faked clock python-tuf judges by today's.
fn today(lab: &mut Lab) {
    lab.now = std::time::SystemTime::now();
}

#[test]
fn python_tuf_reads_what_we_write_in_every_turn() {
    let Some(python) = PythonTuf::find("python_tuf_reads_what_we_write_in_every_turn") else { return };
    for consistent in [true, false] {
        let (mut lab, team, sub) = (Lab::unpublished(), PrivateKey::generate_ecdsa().unwrap(), key());
        today(&mut lab);
        let mut editor = lab.editor();
        editor.set_consistent_snapshot(consistent);
        editor.delegate(&RoleName::Targets, &delegation("team", &team, &["team/*", "team/*/*"])).unwrap();
        let mut hashed = delegation("sub", &sub, &[]);
        hashed.paths = PathRule::hash_prefixes([
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "b", "c", "d", "e", "F",
        ])
        .unwrap();
        editor.delegate(&role("team"), &hashed).unwrap();
        editor
            .add_target(&RoleName::Targets, &target("top"), &info(b"top").with_custom("{\"é\":[1,\"\\n\"]}"))
            .unwrap();
        editor.add_target(&role("team"), &target("team/a b.txt"), &info(b"team/a b.txt")).unwrap();
        editor.add_target(&role("sub"), &target("team/x/ü"), &info("team/x/ü".as_bytes())).unwrap();
        let first = lab.publish_with(&editor, &[&team, &sub]);
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &first, |name| name.as_bytes().to_vec());
        let home = home(folder.path());
        let all = ["top", "team/a b.txt", "team/x/ü", "team/none"];
        let reading = read(&python, folder.path(), home.path(), &all);
        assert_eq!(reading.error, None);
        let results: Vec<_> = reading.targets.iter().map(|seen| (seen.result, seen.error.clone())).collect();
        let found = (Outcome::Found, None);
        assert_eq!(results, [found.clone(), found.clone(), found, (Outcome::Absent, None)], "{consistent}");

        // All keys of the top level change, and the threshold.
        let (offline, online, second) = (key(), PrivateKey::generate_ecdsa().unwrap(), key());
        let mut editor = first.into_editor();
        for role in TOP {
            let (old, new) = match role {
                RoleName::Root | RoleName::Targets => (&lab.offline, &offline),
                _ => (&lab.online, &online),
            };
            editor.add_key(&role, new.public_key()).unwrap();
            editor.remove_key(&role, old.public_key()).unwrap();
        }
        editor.add_key(&RoleName::Root, second.public_key()).unwrap();
        editor.set_threshold(&RoleName::Root, 2).unwrap();
        editor.remove_target(&role("team"), &target("team/a b.txt")).unwrap();
        let publication = lab.publish_with(&editor, &[&offline, &online, &second, &team]);
        write(folder.path(), &publication, |name| name.as_bytes().to_vec());
        let reading = read(&python, folder.path(), home.path(), &all);
        assert_eq!(reading.error, None);
        assert_eq!(reading.versions["root"], 2);
        let results: Vec<_> = reading.targets.iter().map(|seen| seen.result).collect();
        assert_eq!(results, [Outcome::Found, Outcome::Absent, Outcome::Found, Outcome::Absent]);
    }
}

#[test]
fn python_tuf_finds_targets_in_hash_bins_that_we_wrote() {
    let Some(python) = PythonTuf::find("python_tuf_finds_targets_in_hash_bins_that_we_wrote") else { return };
    let (mut lab, bin) = (Lab::unpublished(), key());
    today(&mut lab);
    let mut editor = lab.editor();
    let bins = HashBins::new("bin", 5).unwrap();
    editor.delegate_bins(&RoleName::Targets, bins, &[bin.public_key().clone()], 1).unwrap();
    let all: Vec<_> = (0..9).map(|number| format!("file-{number}")).collect();
    for name in &all {
        let name = target(name);
        let bin = editor.bin_of(&RoleName::Targets, &name).unwrap();
        editor.add_target(&bin, &name, &info(name.as_str().as_bytes())).unwrap();
    }
    let publication = lab.publish_with(&editor, &[&bin]);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &publication, |name| name.as_bytes().to_vec());
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let reading = read(&python, folder.path(), home(folder.path()).path(), &all);
    assert_eq!(reading.error, None);
    assert!(reading.targets.iter().all(|seen| seen.result == Outcome::Found && seen.error.is_none()));
}

#[test]
fn every_repository_of_python_tuf_opens() {
    let Some(python) = PythonTuf::find("every_repository_of_python_tuf_opens") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut opened = 0;
    for written in python.write_all(folder.path()) {
        let metadata = written.folder.join("metadata");
        let read = |what: &Resource| match fs::read(metadata.join(what.tuf_name())) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let editor = RepositoryEditor::open_top_level(Lifetimes::default(), read);
        let editor = editor.unwrap_or_else(|error| panic!("{}: {error}", written.expected.shape));
        assert_eq!(editor.root().version.get(), written.expected.versions["root"]);
        let whole = RepositoryEditor::open(Lifetimes::default(), read);
        let sound = written.expected.targets.iter().all(|target| target.result != Outcome::Refused);
        if sound {
            let editor = whole.unwrap_or_else(|error| panic!("{}: {error}", written.expected.shape));
            let now = std::time::SystemTime::now();
            assert!(
                editor.stage(now).map_or(true, |release| release.is_empty()),
                "{}",
                written.expected.shape
            );
            opened += 1;
        }
    }
    assert!(opened > 40, "{opened}");
}

/// The fixture that python-tuf wrote, with members that nobody knows at every level, and its keys.
fn maintained() -> (Files, [PrivateKey; 3]) {
    let folder = fixture("tuf/maintained");
    let key = |name: &str| {
        let pem = fs::read(folder.join(name)).unwrap();
        let block = PemBlock::blocks(&pem).next().unwrap().unwrap();
        PrivateKey::from_pem(&block, None).unwrap()
    };
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let files =
        files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()));
    (files.collect(), [key("offline.pem"), key("online.pem"), key("rsa.pem")])
}

#[test]
fn cj_04_members_that_nobody_knows_outlive_maintenance() {
    let (files, [offline, online, rsa]) = maintained();
    let now = std::time::SystemTime::UNIX_EPOCH + super::lab::DAY * 20_000;
    let mut editor = open(&files).unwrap();
    assert!(editor.stage(now).unwrap().is_empty());
    for name in TOP.into_iter().chain([role("team")]) {
        editor.renew(&name).unwrap();
    }
    editor.add_target(&RoleName::Targets, &target("new"), &info(b"new")).unwrap();
    let mut release = editor.stage(now).unwrap();
    for key in [&offline, &online, &rsa] {
        release.sign(key).unwrap();
    }
    let publication = release.complete(now).unwrap();
    let expected = ["8.team.json", "5.targets.json", "6.snapshot.json", "2.root.json", "timestamp.json"];
    assert_eq!(names(&publication), expected);
    for ((_, after), before) in publication.files().zip([
        "7.team.json",
        "4.targets.json",
        "5.snapshot.json",
        "1.root.json",
        "timestamp.json",
    ]) {
        let mut after: Value = serde_json::from_slice(after).unwrap();
        let mut before: Value = serde_json::from_slice(&files[before]).unwrap();
        for file in [&mut after, &mut before] {
            let signed = file["signed"].as_object_mut().unwrap();
            signed.retain(|name, _| !matches!(name.as_str(), "expires" | "version" | "meta"));
            if let Some(targets) = signed.get_mut("targets") {
                targets.as_object_mut().unwrap().remove("new");
            }
        }
        assert_eq!(after["signed"], before["signed"]);
    }
}

#[test]
fn python_tuf_goes_on_reading_its_own_repository_after_us() {
    let Some(python) = PythonTuf::find("python_tuf_goes_on_reading_its_own_repository_after_us") else {
        return;
    };
    let (files, [offline, online, rsa]) = maintained();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("metadata")).unwrap();
    for (name, file) in &files {
        fs::write(folder.path().join("metadata").join(name), file).unwrap();
    }
    let home = home(folder.path());
    assert_eq!(read(&python, folder.path(), home.path(), &[]).error, None);
    let now = std::time::SystemTime::now();
    let mut editor = open(&files).unwrap();
    editor.add_target(&role("team"), &target("team/new"), &info(b"team/new")).unwrap();
    editor.add_key(&RoleName::Root, online.public_key()).unwrap();
    editor.set_threshold(&RoleName::Root, 2).unwrap();
    let mut release = editor.stage(now).unwrap();
    for key in [&offline, &online, &rsa] {
        release.sign(key).unwrap();
    }
    write(folder.path(), &release.complete(now).unwrap(), |name| name.as_bytes().to_vec());
    let reading = read(&python, folder.path(), home.path(), &["team/new"]);
    assert_eq!((reading.error, reading.versions["root"]), (None, 2));
    assert_eq!(reading.targets[0].result, Outcome::Found);
}
