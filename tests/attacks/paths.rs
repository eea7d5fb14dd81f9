//! PT: names that lead out of their folder or URL.

use std::{fs, path::Path};

use crate::facade::Collection;
use tuf_notary::{
    name::{Gun, RoleName, Slot},
    store::{DirectoryStore, MetadataStore},
    testkit::ForgeKey,
    verify::Trust,
};

use crate::lab::Lab;

/// A client over a folder.
fn client(lab: &Lab, folder: &Path) -> Collection {
    Collection::builder(lab.gun(), Trust::FirstUse)
        .transport(lab.server.transport(&lab.gun()))
        .store(DirectoryStore::open(folder, &lab.gun()))
        .clock({
            let now = lab.now;
            move || now
        })
        .build()
}

/// The names of all files and folders below a folder.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        found.push(entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(listing(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn pt_06_segments_that_windows_takes_for_devices_are_refused_everywhere() {
    for segment in ["nul", "NUL", "con.txt", "Aux", "prn.a.b", "com1", "LPT9.x", "a.", "a ", " a", "con:x"] {
        for gun in [segment.to_owned(), format!("example.com/{segment}"), format!("{segment}/app")] {
            assert!(Gun::new(&gun).is_err(), "{gun:?}");
        }
    }
    for gun in ["console", "example.com/nullable/com", "com10/x", "example.com/aux1"] {
        assert!(Gun::new(gun).is_ok(), "{gun:?}");
    }
}

#[test]
fn pt_07_a_gun_that_leaves_the_trust_folder_is_no_gun() {
    for gun in [
        "../../../../var/reverse",
        "/etc/passwd",
        "a/../b",
        "a/..",
        "..",
        ".",
        "a/./b",
        "a\\..\\b",
        "\\\\host\\x",
        "a//b",
        "a/",
        "",
        "a\0b",
        "a/\u{7f}",
        "a/\u{85}b",
        "a\u{2028}b",
        "~\n",
        "C:\\x",
    ] {
        assert!(Gun::new(gun).is_err(), "{gun:?}");
    }
    // Dots that are no step up are names like any other.
    assert!(Gun::new("...a/..b/c..d").is_ok());
}

#[test]
fn pt_10_a_delegation_with_an_illegal_name_makes_its_file_invalid() {
    let long = format!("targets/{}", "a".repeat(248));
    let names = [
        "targets/../../../escaped",
        "targets/..",
        "targets/.",
        "targets/Releases",
        "targets/a.b",
        "targets//a",
        "targets/a/",
        "targets/",
        "/targets/a",
        "targets/a\\b",
        "targets/a%2fb",
        "targets/a\0b",
        "targets/a\nb",
        "targets/é",
        "targets/*",
        "root",
        "targets",
        "../root",
        "",
        &long,
    ];
    for name in names {
        let mut lab = Lab::new();
        lab.forge.delegate("targets", "targets/x", &[ForgeKey::ecdsa()], 1, &[""]);
        lab.forge.doc("targets")["delegations"]["roles"][0]["name"] = name.into();
        let mut published = lab.forge.build();
        published.insert(&format!("{name}.json"), published.newest("targets/x"));
        lab.server.serve(&published);
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("trust");
        let error = client(&lab, &folder).refresh().unwrap_err();
        assert_eq!(error.code(), "MALFORMED", "{name:?}: {error}");
        assert_eq!(listing(above.path()).iter().filter(|found| found.contains("escaped")).count(), 0);
        let gun = lab.gun();
        let kept = DirectoryStore::open(&folder, &gun).read(&Slot::Metadata(RoleName::Targets), u64::MAX);
        assert_eq!(kept.unwrap(), None, "{name:?}");
    }
}

#[test]
fn pt_10_a_delegation_to_anything_but_a_direct_child_is_refused() {
    for name in ["targets/a/b", "targets/x/y/z"] {
        let mut lab = Lab::new();
        lab.forge.delegate("targets", name, &[ForgeKey::ecdsa()], 1, &[""]);
        lab.serve();
        lab.refused("MALFORMED");
    }
}

#[test]
fn pt_10_illegal_names_in_a_snapshot_name_no_file() {
    let mut lab = Lab::new();
    let names = ["../escaped", "targets/../escaped", "/etc/escaped", "targets/A", "mirror"];
    lab.forge.before_sign("snapshot", move |text| {
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for name in names {
            document["meta"][name] = document["meta"]["targets"].clone();
        }
        document.to_string()
    });
    lab.serve();
    let folder = tempfile::tempdir().unwrap();
    client(&lab, folder.path()).refresh().unwrap();
    assert_eq!(lab.server.requests().len(), 4, "{:?}", lab.server.requests());
    let found = listing(folder.path());
    assert!(!found.iter().any(|name| name.contains("escaped") || name.contains("mirror")), "{found:?}");
}

#[cfg(unix)]
#[test]
fn pt_12_links_in_the_cache_are_replaced_and_what_they_lead_to_stays() {
    let (mut lab, folder, outside) = (Lab::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    lab.serve();
    let client = client(&lab, folder.path());
    client.refresh().unwrap();
    let metadata = folder.path().join("tuf/registry.example.com/team/app/metadata");
    let bashrc = outside.path().join("bashrc");
    fs::write(&bashrc, "alias").unwrap();
    for role in ["timestamp", "snapshot", "targets"] {
        let path = metadata.join(format!("{role}.json"));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&bashrc, &path).unwrap();
    }
    let view = client.refresh().unwrap();
    assert_eq!(view.target("v1").unwrap().length(), 1);
    assert_eq!(fs::read_to_string(&bashrc).unwrap(), "alias");
    for role in ["timestamp", "snapshot", "targets"] {
        let found = fs::symlink_metadata(metadata.join(format!("{role}.json"))).unwrap();
        assert!(found.is_file(), "{role}");
    }
    // The anchor is another matter.
    fs::rename(metadata.join("root.json"), outside.path().join("root.json")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("root.json"), metadata.join("root.json")).unwrap();
    assert_eq!(client.refresh().unwrap_err().code(), "LOCAL_STATE");
}
