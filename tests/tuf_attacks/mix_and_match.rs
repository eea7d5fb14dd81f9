//! MM: files that don't belong together.

use serde_json::{Value, json};
use tuf_notary::{crypto::digest, error::Error, testkit::TufForge};

use crate::{
    lab::{DAY, Kept, Lab, keys},
    signing::{load, with_team},
};

/// The names under which a new version of a role, and of all above it, is asked for.
fn name(role: &str) -> String {
    format!("2.{role}.json")
}

/// A trusting client, and what it meets next: a new version of a role whose parent lists it changed.
#[track_caller]
fn refuse_pin(role: &str, code: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
    let mut lab = Lab::trusting_of(with_team());
    load(&lab).unwrap();
    lab.forge.bump(role);
    let mut wrong = lab.forge.clone();
    wrong.pin(role, change);
    lab.server.serve(&wrong.build());
    let before = lab.kept(role);
    let error = load(&lab).expect_err("the attack succeeded");
    assert_eq!(error.code(), code, "{role}: {error}");
    assert_eq!(lab.kept(role), before, "{role} changed in the cache");
    lab.forge.bump(role);
    let healthy = lab.forge.build();
    lab.server.serve(&healthy);
    load(&lab).expect("a healthy server is trusted again");
}

/// A trusting client, and what it meets next: another file than is listed in the place of a role's.
#[track_caller]
fn refuse_file(with_hashes: bool, role: &str, code: &str, change: impl Fn(&mut TufForge)) -> Lab {
    let mut forge = with_team();
    forge.list_hashes(with_hashes);
    let mut lab = Lab::trusting_of(forge);
    load(&lab).unwrap();
    lab.forge.bump(role);
    let healthy = lab.serve();
    let mut wrong = lab.forge.clone();
    change(&mut wrong);
    lab.server.put(&name(role), wrong.build().newest(role));
    let before = lab.kept(role);
    let error = load(&lab).expect_err("the attack succeeded");
    assert_eq!(error.code(), code, "{role}: {error}");
    assert_eq!(lab.kept(role), before, "{role} changed in the cache");
    lab.server.behave();
    lab.server.serve(&healthy);
    load(&lab).expect("a healthy server is trusted again");
    lab
}

#[test]
fn mm_01_a_snapshot_with_another_hash_is_refused() {
    let lab = refuse_file(true, "snapshot", "HASH_MISMATCH", |forge| {
        // Signed well, and as long as the listed one.
        forge.doc("snapshot")["expires"] = json!("2029-11-24T12:00:01Z");
    });
    assert_eq!(lab.kept_version("timestamp"), Some(2));
    // It is compared before anybody looks at signatures, or reads it.
    refuse_file(true, "snapshot", "HASH_MISMATCH", |forge| {
        forge.after_sign("snapshot", |file| vec![b'x'; file.len()]);
    });
}

#[test]
fn mm_02_targets_with_another_hash_are_refused() {
    let mut lab = Lab::trusting();
    lab.forge.bump("targets");
    let healthy = lab.serve();
    let mut wrong = lab.forge.clone();
    wrong.doc("targets")["expires"] = json!("2029-11-24T12:00:01Z");
    lab.server.put("2.targets.json", wrong.build().newest("targets"));
    lab.refused("HASH_MISMATCH");
    assert_eq!(lab.kept_version("snapshot"), Some(2), "the snapshot was right");
    lab.refused_and_kept("HASH_MISMATCH", &["targets"], &healthy);
}

#[test]
fn mm_03_a_snapshot_of_another_version_than_listed_is_refused() {
    for version in [1, 3] {
        refuse_file(false, "snapshot", "VERSION_MISMATCH", |forge| forge.version("snapshot", version));
    }
}

#[test]
fn mm_04_targets_of_another_version_than_listed_are_refused() {
    for version in [1, 3] {
        refuse_file(false, "targets", "VERSION_MISMATCH", |forge| forge.version("targets", version));
    }
}

#[test]
fn mm_05_a_delegated_role_that_disagrees_with_the_snapshot_is_refused() {
    for version in [1, 3] {
        refuse_file(false, "team", "VERSION_MISMATCH", |forge| forge.version("team", version));
    }
    refuse_file(true, "team", "HASH_MISMATCH", |forge| {
        forge.doc("team")["expires"] = json!("2029-11-24T12:00:01Z");
    });
}

#[test]
fn mm_05_a_role_that_disagrees_ends_the_search() {
    let mut forge = with_team();
    forge.delegate("targets", "other", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("other", "team/late", b"content");
    let mut lab = Lab::of(forge);
    lab.find("team/late").unwrap().unwrap();
    lab.store = Kept::memory();
    lab.server.put("1.team.json", "{}");
    lab.requests();
    lab.not_found("team/late", "HASH_MISMATCH");
    assert_eq!(lab.requests().last().unwrap(), "1.team.json", "nobody else is asked");
    assert_eq!(lab.kept("team"), None);
}

#[test]
fn mm_06_a_delegated_role_that_is_not_listed_is_not_asked_for() {
    let mut forge = with_team();
    forge.pin("team", |pin| *pin = Value::Null);
    let mut lab = Lab::of(forge);
    let set = lab.refresh().expect("the refresh comes by none of them");
    assert!(set.snapshot().body().delegated.is_empty());
    lab.requests();
    lab.not_found("team/file", "MISSING");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
    lab.forge.clear_hooks("team");
    lab.forge.bump("team");
    lab.serve();
    load(&lab).unwrap();
}

#[test]
fn mm_11_each_known_hash_must_match() {
    for role in ["snapshot", "targets", "team"] {
        for (algorithm, length) in [("sha256", 32), ("sha512", 64)] {
            let wrong = "07".repeat(length);
            refuse_pin(role, "HASH_MISMATCH", move |pin| pin["hashes"][algorithm] = wrong.clone().into());
        }
        // The right SHA-512 alone is enough, and an algorithm that nobody knows does no harm.
        let mut forge = with_team();
        let file = forge.build().newest(role);
        let sha512 = data_encoding::HEXLOWER.encode(&digest::sha512(&file));
        forge.pin(role, move |pin| pin["hashes"] = json!({ "sha512": sha512, "blake3": "x" }));
        load(&Lab::of(forge)).unwrap();
    }
}

/// Downloads a target with these hashes.
fn target(hashes: Value) -> Result<Vec<u8>, Error> {
    let mut forge = TufForge::new();
    forge.consistent_snapshot(false);
    forge.doc("targets")["targets"]["file.txt"]["hashes"] = hashes;
    Lab::of(forge).download("file.txt")
}

const SHA256: &str = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";

fn sha512() -> String {
    data_encoding::HEXLOWER.encode(&digest::sha512(b"content"))
}

#[test]
fn mm_11_content_must_match_each_known_hash() {
    assert_eq!(target(json!({ "sha256": SHA256, "sha512": sha512(), "md5": "x" })).unwrap(), b"content");
    assert_eq!(target(json!({ "sha512": sha512() })).unwrap(), b"content");
    assert_eq!(target(json!({ "sha256": SHA256.to_uppercase() })).unwrap(), b"content");
    for hashes in [
        json!({ "sha256": SHA256, "sha512": "07".repeat(64) }),
        json!({ "sha256": "07".repeat(32), "sha512": sha512() }),
        json!({ "sha256": "07".repeat(32) }),
        json!({ "sha512": "07".repeat(64) }),
    ] {
        assert_eq!(target(hashes.clone()).unwrap_err().code(), "HASH_MISMATCH", "{hashes}");
    }
}

#[test]
fn mm_12_unknown_hashes_alone_are_none() {
    let unknown = || json!({ "sha3-256": SHA256, "md5": "x" });
    for role in ["snapshot", "targets", "team"] {
        refuse_pin(role, "MALFORMED", move |pin| pin["hashes"] = unknown());
    }
    assert_eq!(target(unknown()).unwrap_err().code(), "MALFORMED");
}

#[test]
fn mm_13_no_hashes_are_no_match() {
    for hashes in [json!({}), Value::Null] {
        for role in ["snapshot", "targets", "team"] {
            let none = hashes.clone();
            refuse_pin(role, "MALFORMED", move |pin| pin["hashes"] = none.clone());
        }
        assert_eq!(target(hashes).unwrap_err().code(), "MALFORMED");
    }
    let mut forge = TufForge::new();
    forge.doc("targets")["targets"]["file.txt"].as_object_mut().unwrap().remove("hashes");
    Lab::of(forge).refused("MALFORMED");
}

#[test]
fn mm_14_hashes_of_another_length_are_refused() {
    for (algorithm, text) in [
        ("sha256", String::new()),
        ("sha256", "07".repeat(31)),
        ("sha256", SHA256[..2].to_owned()),
        ("sha256", format!("{SHA256}0")),
        ("sha256", format!("{SHA256}00")),
        ("sha256", "zz".repeat(32)),
        ("sha512", String::new()),
        ("sha512", SHA256.to_owned()),
    ] {
        for role in ["snapshot", "targets", "team"] {
            let text = text.clone();
            refuse_pin(role, "MALFORMED", move |pin| pin["hashes"][algorithm] = text.clone().into());
        }
        let mut hashes = json!({ "sha256": SHA256 });
        hashes[algorithm] = text.into();
        assert_eq!(target(hashes).unwrap_err().code(), "MALFORMED");
    }
}

#[test]
fn mm_15_a_file_of_another_type_is_refused() {
    // One key for all roles: nothing but the type tells one file from another.
    let mut forge = TufForge::new();
    let [key] = keys();
    for role in ["root", "targets", "snapshot", "timestamp"] {
        forge.set_keys(role, std::slice::from_ref(&key), 1);
    }
    forge.list_hashes(false);
    let healthy = forge.build();
    for (served, name) in [
        ("snapshot", "timestamp.json"),
        ("targets", "timestamp.json"),
        ("root", "timestamp.json"),
        ("timestamp", "1.snapshot.json"),
        ("timestamp", "1.targets.json"),
        ("snapshot", "1.targets.json"),
        ("targets", "2.root.json"),
    ] {
        let lab = Lab::of(forge.clone());
        lab.server.put(name, healthy.newest(served));
        lab.refused("MALFORMED");
        let role = &name[name.find(|c: char| c.is_ascii_lowercase()).unwrap()..].trim_end_matches(".json");
        assert_eq!(lab.kept(role), (*role == "root").then(|| healthy.newest("root")), "{name}");
        lab.recovers(&healthy);
    }
}

#[test]
fn mm_15_a_timestamp_with_members_of_a_snapshot_is_refused_on_its_type() {
    let mut forge = TufForge::new();
    forge.before_sign("timestamp", |text| text.replace("\"_type\":\"timestamp\"", "\"_type\":\"snapshot\""));
    let lab = Lab::of(forge);
    lab.refused("MALFORMED");
    assert_eq!(lab.kept("timestamp"), None);
    assert!(lab.kept("root").is_some());
}

#[test]
fn mm_17_a_repository_with_the_same_keys_does_not_take_over_the_store_of_another() {
    // The specification binds no repository to its keys. Who has two names them, and each name's store
    // serves it alone.
    let lab = Lab::trusting();
    let clock = lab.clock.clone();
    let other = crate::facade::Repository::builder(lab.shipped.clone())
        .name("other.example.com/repository".parse().unwrap())
        .transport(lab.server.clone())
        .store(lab.store.clone())
        .clock(move || clock.now() + DAY)
        .build();
    let error = other.refresh().unwrap_err();
    assert_eq!(error.code(), "LOCAL_STATE", "{error}");
    assert!(lab.requests().is_empty());
    lab.refresh().unwrap();
}
