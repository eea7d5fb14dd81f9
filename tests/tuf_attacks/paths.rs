//! PT: names that lead out of their folder or URL.

use std::{fs, path::Path};

use serde_json::json;
use tuf_notary::{
    name::{Form, Gun, Resource, RoleName, TargetName, Version},
    store::{MetadataStore as _, RepositoryStore},
    testkit::TufForge,
};

use crate::{
    facade::Repository,
    lab::{FOUR, Kept, Lab, keys},
    tools::listing,
};

/// A client with a folder, and a repository with a role of this name that lists `x`.
fn named(roles: &[&str]) -> Lab {
    let mut forge = TufForge::new();
    for (at, role) in roles.iter().enumerate() {
        let path = format!("{at}/x");
        forge.delegate("targets", role, &keys::<1>(), 1, &[&path]);
        forge.add_target(role, &path, role.as_bytes());
    }
    let mut lab = Lab::of(forge);
    lab.store = Kept::folder();
    lab
}

/// The files of metadata in the client's folder.
fn kept_files(lab: &Lab) -> Vec<String> {
    let own = |name: &String| name.ends_with(".json");
    listing(&lab.store.path()).into_iter().filter(own).collect()
}

#[test]
fn pt_01_roles_of_any_name_work_and_nothing_lies_outside_of_the_folder() {
    for (role, file) in [
        ("../delegatedrole", "%2E.%2Fdelegatedrole.json"),
        ("/delegatedrole", "%2Fdelegatedrole.json"),
        ("a/../../b", "a%2F..%2F..%2Fb.json"),
        ("?", "%3F.json"),
        ("#", "%23.json"),
        ("%2e%2e", "%252e%252e.json"),
        ("%2E%2E%2Fx", "%252E%252E%252Fx.json"),
        ("a\0b\n", "a%00b%0A.json"),
        (".", "%2E.json"),
        ("..", "%2E%2E.json"),
        ("a\\..\\b", "a%5C..%5Cb.json"),
        (".tuf-notary/record", "%2Etuf-notary%2Frecord.json"),
        ("http://other/x", "http%3A%2F%2Fother%2Fx.json"),
        ("é ", "%C3%A9%20.json"),
    ] {
        let lab = named(&[role]);
        for _ in 0..2 {
            assert_eq!(lab.download("0/x").unwrap(), role.as_bytes(), "{role:?}");
        }
        let requests = lab.requests();
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
        assert!(requests.iter().all(|name| name.chars().all(safe)), "{requests:?}");
        assert!(requests.iter().filter(|name| name.ends_with(".json")).all(|name| !name.contains('/')));
        let first = Form::Version(Version::ONE);
        let url = Resource { role: RoleName::tuf(role).unwrap(), form: first }.tuf_name();
        assert_eq!(requests.iter().filter(|name| **name == url).count(), 1, "then served from the cache");
        let mut expected = FOUR.map(|role| format!("{role}.json")).to_vec();
        expected.push(file.to_owned());
        expected.sort();
        assert_eq!(kept_files(&lab), expected, "{role:?}");
        let above = listing(lab.store.path().parent().unwrap());
        assert!(above.iter().all(|name| name != "delegatedrole.json" && name != "b.json"), "{above:?}");
    }
}

#[test]
fn pt_02_no_two_roles_share_a_file_or_a_url() {
    let roles = ["a/b", "a%2Fb", "a%2fb", "a%252Fb", "%", "%25", "%2E", "."];
    let lab = named(&roles);
    for _ in 0..2 {
        for (at, role) in roles.iter().enumerate() {
            assert_eq!(lab.download(&format!("{at}/x")).unwrap(), role.as_bytes(), "{role}");
        }
    }
    let requests: Vec<_> = lab.requests().into_iter().filter(|name| name.contains('%')).collect();
    assert_eq!(requests.len(), roles.iter().filter(|role| **role != ".").count(), "{requests:?}");
    assert_eq!(kept_files(&lab).len(), 4 + roles.len());
}

#[test]
fn pt_03_no_role_overwrites_a_top_level_file() {
    let roles = ["Root", "ROOT", "Timestamp", "TARGETS", "snapshoT", "1.root", "9.root", "root.json"];
    let lab = named(&roles);
    lab.refresh().unwrap();
    let before = FOUR.map(|role| fs::read(lab.store.path().join(format!("{role}.json"))).unwrap());
    for (at, role) in roles.iter().enumerate() {
        assert_eq!(lab.download(&format!("{at}/x")).unwrap(), role.as_bytes(), "{role}");
    }
    let after = FOUR.map(|role| fs::read(lab.store.path().join(format!("{role}.json"))).unwrap());
    assert_eq!(before, after);
    let mut folded: Vec<_> = kept_files(&lab).iter().map(|name| name.to_lowercase()).collect();
    folded.sort();
    folded.dedup();
    // Two that differ in case only share a file where case does not count; none is a top-level one.
    assert_eq!(
        folded.iter().filter(|name| FOUR.iter().any(|role| **name == format!("{role}.json"))).count(),
        4
    );
    lab.refresh().unwrap();
}

#[test]
fn pt_04_a_role_name_that_no_file_system_holds_is_hashed_or_refused() {
    let long = "a".repeat(1_024);
    let lab = named(&[&long]);
    for _ in 0..2 {
        assert_eq!(lab.download("0/x").unwrap(), long.as_bytes());
    }
    assert!(kept_files(&lab).iter().all(|name| name.len() < 255));
    for length in [1_025, 5_000, 100_000] {
        let mut forge = TufForge::new();
        forge.delegate("targets", "x", &keys::<1>(), 1, &["*"]);
        forge.change_delegation("targets", "x", |entry| entry["name"] = "a".repeat(length).into());
        let mut lab = Lab::of(forge);
        lab.store = Kept::folder();
        lab.refused("MALFORMED");
    }
    // In a snapshot it names no file.
    let mut forge = TufForge::new();
    forge.before_sign("snapshot", |text| {
        text.replacen(
            "\"meta\":{",
            &format!("\"meta\":{{\"{}.json\":{{\"version\":1}},", "a".repeat(5_000)),
            1,
        )
    });
    Lab::of(forge).refresh().unwrap();
}

/// What a client makes of a target of this name that it is to save in a folder, and what lies in and
/// around that folder afterwards.
fn saved(target: &str) -> (Result<String, &'static str>, Vec<String>, Vec<String>) {
    let mut forge = TufForge::new();
    forge.consistent_snapshot(false);
    forge.add_target("targets", target, b"good");
    let lab = Lab::of(forge);
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("in");
    let repository = lab.repository();
    let found = repository.find(&TargetName::new(target).unwrap()).unwrap().unwrap();
    lab.requests();
    let outcome = repository.save_in(&found, &folder).map_err(|error| error.code());
    let outcome = outcome.map(|path| {
        assert_eq!((path.parent(), fs::read(&path).unwrap()), (Some(folder.as_path()), b"good".to_vec()));
        path.file_name().unwrap().to_str().unwrap().to_owned()
    });
    (outcome, lab.requests(), listing(above.path()))
}

#[test]
fn pt_05_targets_are_saved_under_one_flat_name_or_refused() {
    for (target, file) in [
        ("a/b", "a%2Fb"),
        ("a#b", "a%23b"),
        ("a?b", "a%3Fb"),
        ("%2e%2e/x", "%252e%252e%2Fx"),
        ("C:/x", "C%3A%2Fx"),
        ("http:x", "http%3Ax"),
        ("...", "%2E.%2E"),
        (".bashrc", "%2Ebashrc"),
        ("~/x", "~%2Fx"),
    ] {
        let (outcome, requests, listed) = saved(target);
        assert_eq!(outcome.as_deref(), Ok(file), "{target}");
        assert_eq!(requests, [target]);
        assert_eq!(listed.iter().filter(|name| *name != "in").collect::<Vec<_>>(), [file], "{target}");
    }
    for target in
        ["../../etc/passwd", "../x", "a/../../x", "/etc/passwd", "//host/x", "C:\\x", "\\\\host\\x", ".."]
    {
        let (outcome, requests, listed) = saved(target);
        assert_eq!((outcome, requests.len()), (Err("NAME"), 0), "{target}");
        assert!(listed.iter().all(|name| name == "in"), "{target}: {listed:?}");
    }
}

#[test]
fn pt_06_no_file_is_a_device_or_a_stream() {
    let roles = ["NUL", "con.txt", "aux", "COM1", "lpt9.x", "a.", "a ", "a:b"];
    let lab = named(&roles);
    for (at, role) in roles.iter().enumerate() {
        assert_eq!(lab.download(&format!("{at}/x")).unwrap(), role.as_bytes(), "{role}");
    }
    let mut names = kept_files(&lab);
    for target in ["NUL", "con.txt", "a.", "a ", "a:b", "COM1"] {
        let (outcome, ..) = saved(target);
        names.push(outcome.unwrap());
    }
    for name in names {
        let stem = name.split('.').next().unwrap().to_lowercase();
        assert!(!["nul", "con", "aux", "com1", "lpt9"].contains(&stem.as_str()), "{name}");
        assert!(!name.contains([':', ' ']) && !name.ends_with('.'), "{name}");
    }
}

/// We read no map files (TAP 4). A repository has a name all the same.
#[test]
fn pt_11_the_name_of_a_repository_cannot_climb_and_names_no_file() {
    for name in ["../escaped", "..", "/escaped", "a/../b", "a\\b", "", "a\0b", "."] {
        assert!(Gun::new(name).is_err(), "{name:?}");
    }
    let lab = Lab::new();
    let above = tempfile::tempdir().unwrap();
    let repository = Repository::builder(lab.shipped.clone())
        .name(Gun::new("escaped/name").unwrap())
        .transport(lab.server.clone())
        .store(RepositoryStore::open(above.path().join("metadata")))
        .clock({
            let clock = lab.clock.clone();
            move || clock.now()
        })
        .build();
    repository.refresh().unwrap();
    let found = listing(above.path());
    assert!(found.iter().all(|name| !name.contains("escaped") && name != "name"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn pt_12_links_are_replaced_or_refused_and_what_they_lead_to_stays() {
    use std::os::unix::fs::symlink;

    let mut lab = Lab::on_disk();
    let outside = tempfile::tempdir().unwrap();
    let bashrc = outside.path().join("bashrc");
    fs::write(&bashrc, "alias").unwrap();
    let link = |path: &Path| {
        let _ = fs::remove_file(path);
        symlink(&bashrc, path).unwrap();
    };
    for role in ["timestamp", "snapshot", "targets"] {
        link(&lab.store.path().join(format!("{role}.json")));
    }
    lab.refresh().unwrap();
    for role in ["timestamp", "snapshot", "targets"] {
        let found = fs::symlink_metadata(lab.store.path().join(format!("{role}.json"))).unwrap();
        assert!(found.is_file(), "{role}");
    }
    // The anchor is another matter: whoever can link it decides what is trusted.
    let root = lab.store.path().join("root.json");
    let genuine = fs::read(&root).unwrap();
    link(&root);
    lab.refused("LOCAL_STATE");
    fs::remove_file(&root).unwrap();
    fs::write(&root, genuine).unwrap();
    // A target's place.
    let folder = outside.path().join("targets");
    fs::create_dir(&folder).unwrap();
    link(&folder.join("file.txt"));
    let repository = lab.repository();
    let found = repository.find(&TargetName::new("file.txt").unwrap()).unwrap().unwrap();
    assert_eq!(repository.save_in(&found, &folder).unwrap_err().code(), "LOCAL_FILE");
    assert_eq!(fs::read_to_string(&bashrc).unwrap(), "alias");
    lab.forge.doc("targets")["x"] = json!(1);
    lab.forge.bump("targets");
    let healthy = lab.forge.build();
    lab.recovers(&healthy);
    assert!(lab.store.holds(&lab.store.path().join("x")));
}
