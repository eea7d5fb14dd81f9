//! MM: files that are genuine each, and don't belong together.

use std::sync::Arc;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tuf_notary::{
    error::Error,
    name::RoleName,
    testkit::{Fault, Forge, ForgeKey},
    verify::VerifyError,
};

use crate::lab::{GUN, Lab};

const RELEASES: &str = "targets/releases";
/// Another collection of the same publisher.
const OTHER: &str = "registry.example.com/team/other";

/// A trusting client; the collection has a delegation.
fn with_releases() -> Lab {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", RELEASES, &[ForgeKey::ecdsa()], 1, &[""]);
    lab.serve();
    lab.refresh().unwrap();
    lab
}

/// What the parent's new version pins of `role` is changed. The client refuses, keeps what it has
/// of the roles from `role` on, and has taken the new file of each role above.
#[track_caller]
fn refuse_pin(role: &str, code: &str, change: impl Fn(&mut Value) + Send + Sync + Clone + 'static) {
    let mut lab = with_releases();
    lab.forge.bump(if role == "snapshot" { "timestamp" } else { "snapshot" });
    let mut wrong = lab.forge.clone();
    wrong.pin(role, change);
    lab.forge.bump("snapshot");
    let healthy = lab.forge.build();
    lab.server.serve(&wrong.build());
    lab.refused_and_kept(code, &["root", "targets", RELEASES], &healthy);
}

const PINNED: [&str; 4] = ["snapshot", "root", "targets", RELEASES];

/// The server sends another file of `role` than is pinned, as long and as validly signed.
fn swapped(role: &str) -> Lab {
    let mut lab = with_releases();
    lab.forge.bump(role);
    let healthy = lab.serve();
    let mut twin = lab.forge.clone();
    twin.expires(role, "2029-11-25T12:00:00Z");
    let other = twin.build().newest(role);
    assert_eq!(other.len(), healthy.newest(role).len());
    let change = Arc::new(move |_| other.clone());
    lab.server.misbehave(&lab.gun(), Fault::Mutate { role: RoleName::new(role).unwrap(), change });
    lab
}

#[test]
fn mm_01_a_snapshot_that_the_timestamp_does_not_pin_is_refused() {
    let mut lab = swapped("snapshot");
    let healthy = lab.forge.build();
    lab.refused("HASH_MISMATCH");
    assert_eq!(lab.kept("timestamp").unwrap(), healthy.newest("timestamp"), "the timestamp was right");
    lab.refused_and_kept("HASH_MISMATCH", &["snapshot", "targets"], &healthy);
}

#[test]
fn mm_01_the_hash_is_compared_before_anything_is_read() {
    for role in ["snapshot", "targets", RELEASES] {
        let mut lab = with_releases();
        lab.forge.bump(role);
        let healthy = lab.serve();
        let change = Arc::new(|file: Vec<u8>| vec![b'{'; file.len()]);
        lab.server.misbehave(&lab.gun(), Fault::Mutate { role: RoleName::new(role).unwrap(), change });
        lab.refused_and_kept("HASH_MISMATCH", &[role], &healthy);
    }
}

#[test]
fn mm_02_targets_that_the_snapshot_does_not_pin_are_refused() {
    for role in ["targets", RELEASES] {
        let mut lab = swapped(role);
        let healthy = lab.forge.build();
        lab.refused("HASH_MISMATCH");
        assert_eq!(lab.kept("snapshot").unwrap(), healthy.newest("snapshot"), "the snapshot was right");
        lab.refused_and_kept("HASH_MISMATCH", &[role], &healthy);
    }
}

#[test]
fn mm_02_cached_targets_that_are_not_pinned_are_not_used() {
    let mut lab = with_releases();
    let old = lab.kept("targets").unwrap();
    lab.forge.add_tag("targets", "v2", 2, 2);
    lab.forge.bump("targets");
    lab.serve();
    lab.refresh().unwrap();
    lab.plant("targets", &old);
    assert!(lab.refresh().unwrap().target("v2").is_ok());
}

#[test]
fn mm_07_a_snapshot_without_root_or_targets_is_refused() {
    for role in ["root", "targets"] {
        refuse_pin(role, "MALFORMED", |pin| *pin = Value::Null);
    }
}

#[test]
fn mm_08_a_delegation_without_a_checksum_is_left_out() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", RELEASES, &[ForgeKey::ecdsa()], 1, &[""]);
    lab.forge.pin(RELEASES, |pin| *pin = Value::Null);
    lab.serve();
    let view = lab.refresh().unwrap();
    assert!(view.trusted().delegated().is_empty());
    assert_eq!(view.target("v1").unwrap().role(), &RoleName::Targets);
    assert!(lab.server.requests().iter().all(|request| !request.contains(RELEASES)));
    lab.forge.clear_hooks(RELEASES);
    lab.forge.bump(RELEASES);
    lab.serve();
    assert_eq!(lab.refresh().unwrap().trusted().delegated().len(), 1);
}

#[test]
fn mm_09_a_timestamp_without_the_snapshot_is_refused() {
    refuse_pin("snapshot", "MALFORMED", |pin| *pin = Value::Null);
}

#[test]
fn mm_10_another_root_is_fetched_and_the_rest_tried_again_once() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    lab.serve();
    lab.server.clear_requests();
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(2));
    let asked = lab.server.requests();
    let timestamps = asked.iter().filter(|request| *request == "GET timestamp.json").count();
    let walked: Vec<_> = asked.iter().filter(|request| request.ends_with(".root.json")).collect();
    assert_eq!(timestamps, 2);
    assert_eq!(walked, ["GET 2.root.json", "GET 3.root.json"]);
}

#[test]
fn mm_10_a_root_that_is_still_another_fails_the_refresh() {
    for version in [1, 2] {
        let mut lab = Lab::trusting();
        if version == 2 {
            lab.forge.bump("root");
        }
        lab.forge.bump("snapshot");
        // A file that is signed once more is another one: both must have the same root.
        lab.forge.build();
        let mut wrong = lab.forge.clone();
        wrong.pin("root", |pin| pin["hashes"] = json!({ "sha256": BASE64.encode(&[7; 32]) }));
        lab.server.serve(&wrong.build());
        lab.forge.bump("snapshot");
        let healthy = lab.forge.build();
        lab.server.clear_requests();
        let error = lab.refused("HASH_MISMATCH");
        assert!(matches!(error, Error::Verify(VerifyError::HashMismatch { role: RoleName::Root, .. })));
        let asked = lab.server.requests();
        let count = |end| asked.iter().filter(|request| request.ends_with(end)).count();
        assert_eq!(count(" timestamp.json"), version, "tried again once, if there is a new root at all");
        assert_eq!(count(".root.json"), version, "walked once");
        lab.refused_and_kept("HASH_MISMATCH", &["snapshot", "targets"], &healthy);
    }
}

#[test]
fn mm_11_each_known_hash_must_match() {
    for role in PINNED {
        let wrong = |algorithm: &'static str, length| {
            move |pin: &mut Value| pin["hashes"][algorithm] = BASE64.encode(&vec![7; length]).into()
        };
        refuse_pin(role, "HASH_MISMATCH", wrong("sha512", 64));
        // Nothing is found under a digest that no file has.
        let absent = if role == "root" { "HASH_MISMATCH" } else { "MISSING" };
        refuse_pin(role, absent, wrong("sha256", 32));
    }
}

#[test]
fn mm_11_a_wrong_sha256_beside_a_right_sha512_is_refused() {
    let mut lab = with_releases();
    lab.forge.bump("targets");
    let mut wrong = lab.forge.clone();
    wrong.pin("targets", |pin| pin["hashes"]["sha256"] = BASE64.encode(&[7; 32]).into());
    let mut published = wrong.build();
    let file = published.newest("targets");
    published.insert(&format!("targets.{}.json", "07".repeat(32)), file);
    lab.server.serve(&published);
    lab.forge.bump("targets");
    let healthy = lab.forge.build();
    lab.refused_and_kept("HASH_MISMATCH", &["targets"], &healthy);
}

/// A tag `artifact` over the content `content`, with these hashes.
fn artifact(hashes: Value) -> Lab {
    let mut lab = Lab::new();
    lab.forge.doc("targets")["targets"]["artifact"] = json!({ "hashes": hashes, "length": 7 });
    lab.serve();
    lab
}

const SHA256: &str = "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=";

fn sha512() -> String {
    let hex = "b2d1d285b5199c85f988d03649c37e44fd3dde01e5d69c50fef90651962f48110e9340b60d49a479c4c0b53f5f07d690686dd87d2481937a512e8b85ee7c617f";
    BASE64.encode(&data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap())
}

#[test]
fn mm_11_content_must_match_each_known_hash() {
    let verify = |hashes| artifact(hashes).refresh().unwrap().target("artifact").unwrap().verify(b"content");
    assert_eq!(verify(json!({ "sha256": SHA256, "sha512": sha512(), "md5": "x" })), Ok(()));
    assert_eq!(verify(json!({ "sha512": sha512() })), Ok(()));
    let wrong = |length| BASE64.encode(&vec![7; length]);
    for hashes in
        [json!({ "sha256": SHA256, "sha512": wrong(64) }), json!({ "sha256": wrong(32), "sha512": sha512() })]
    {
        assert_eq!(verify(hashes).unwrap_err().code(), "CONTENT_MISMATCH");
    }
}

#[test]
fn mm_12_unknown_hashes_alone_are_none() {
    for role in PINNED {
        refuse_pin(role, "MALFORMED", |pin| pin["hashes"] = json!({ "sha3-256": SHA256, "md5": "x" }));
    }
    let target = artifact(json!({ "sha3-256": SHA256 })).refresh().unwrap().target("artifact").unwrap();
    assert_eq!(target.verify(b"content").unwrap_err().code(), "NO_DIGEST");
    assert_eq!(target.image_digest().unwrap_err().code(), "NO_DIGEST");
}

#[test]
fn mm_13_no_hashes_are_no_match() {
    for hashes in [json!({}), Value::Null] {
        for role in PINNED {
            let none = hashes.clone();
            refuse_pin(role, "MALFORMED", move |pin| pin["hashes"] = none.clone());
        }
        let target = artifact(hashes).refresh().unwrap().target("artifact").unwrap();
        assert_eq!(target.verify(b"content").unwrap_err().code(), "NO_DIGEST");
        assert_eq!(target.image_digest().unwrap_err().code(), "NO_DIGEST");
    }
}

#[test]
fn mm_14_hashes_of_another_length_are_refused() {
    for (algorithm, length) in
        [("sha256", 0), ("sha256", 31), ("sha256", 33), ("sha256", 64), ("sha512", 0), ("sha512", 32)]
    {
        let digest = BASE64.encode(&vec![7; length]);
        for role in PINNED {
            let digest = digest.clone();
            refuse_pin(role, "MALFORMED", move |pin| pin["hashes"][algorithm] = digest.clone().into());
        }
        let mut hashes = json!({ "sha256": SHA256 });
        hashes[algorithm] = digest.into();
        artifact(hashes).refused("MALFORMED");
    }
}

#[test]
fn mm_16_types_of_another_case_are_refused() {
    for role in ["root", "timestamp", "snapshot", "targets", RELEASES] {
        let mut lab = with_releases();
        lab.forge.bump(role);
        let mut wrong = lab.forge.clone();
        let name = wrong.doc(role)["_type"].as_str().unwrap().to_lowercase();
        wrong.doc(role)["_type"] = name.into();
        lab.server.serve(&wrong.build());
        lab.forge.bump("snapshot");
        let healthy = lab.forge.build();
        lab.refused_and_kept("MALFORMED", &["root", role], &healthy);
    }
}

#[test]
fn mm_16_types_of_other_roles_are_refused() {
    for (role, other) in [("timestamp", "Snapshot"), ("snapshot", "Timestamp"), ("targets", "Root")] {
        let mut lab = Lab::new();
        lab.forge.doc(role)["_type"] = other.into();
        lab.serve();
        lab.refused("MALFORMED");
    }
}

/// The other collection, served under the name of the attacked one. Where the publisher has one
/// set of keys for both, only the root's certificate tells them apart.
fn other_collection(lab: &mut Lab, common_name: &str) -> Forge {
    let mut other = lab.forge.clone();
    other.add_tag("targets", "other", 6, 6);
    let root = lab.forge.keys("root")[0].clone();
    let later = Forge::now() + std::time::Duration::from_secs(86_400);
    other.set_keys("root", &[root.certified_with(Forge::now(), later, common_name)], 1);
    other
}

#[test]
fn mm_17_the_collection_of_another_name_is_refused_at_first_contact() {
    let mut lab = Lab::new();
    let other = other_collection(&mut lab, OTHER).build();
    let healthy = lab.forge.build();
    lab.server.serve(&other);
    lab.refused_and_kept("CERTIFICATE", &["root", "timestamp"], &healthy);
}

#[test]
fn mm_17_files_by_the_same_keys_for_another_collection_are_refused() {
    let mut lab = Lab::new();
    lab.serve();
    let mut other = other_collection(&mut lab, OTHER);
    lab.refresh().unwrap();
    other.bump("targets");
    lab.server.serve(&other.build());
    lab.forge.bump("snapshot");
    lab.forge.bump("snapshot");
    let healthy = lab.forge.build();
    lab.refused_and_kept("HASH_MISMATCH", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn mm_17_the_root_of_another_collection_is_no_successor() {
    let mut lab = Lab::new();
    lab.serve();
    let mut other = other_collection(&mut lab, OTHER);
    lab.refresh().unwrap();
    other.bump("root");
    // The keys are the same: their certificates are what the names bind.
    *other.keys("root") = [lab.forge.keys("root").clone(), other.keys("root").clone()].concat();
    lab.server.serve(&other.build());
    for _ in 0..3 {
        lab.forge.bump("snapshot");
    }
    let healthy = lab.forge.build();
    lab.refused_and_kept("CERTIFICATE", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn mm_18_a_wildcard_certificate_covers_only_names_below_it() {
    for (common_name, is_covered) in [
        ("registry.example.com/team/*", true),
        ("registry.example.com/other/*", false),
        ("registry.example.com/team/app/*", false),
        ("registry.example.com/team/app-*", false),
    ] {
        let mut lab = Lab::new();
        let other = other_collection(&mut lab, common_name).build();
        lab.server.serve(&other);
        match is_covered {
            // The risk of wildcards: at first contact nothing tells the collections apart.
            true => drop(lab.refresh().unwrap()),
            false => drop(lab.refused("CERTIFICATE")),
        }
    }
}

#[test]
fn mm_18_under_a_wildcard_certificate_files_stay_with_their_root() {
    let wildcard = "registry.example.com/team/*";
    let mut lab = Lab::new();
    lab.forge.set_keys("root", &[ForgeKey::certificate(wildcard)], 1);
    lab.serve();
    lab.refresh().unwrap();
    let mut other = Forge::new(GUN);
    other.set_keys("root", &[ForgeKey::certificate(wildcard)], 1);
    for _ in 0..2 {
        other.bump("root");
        other.bump("targets");
    }
    lab.server.serve(&other.build());
    lab.forge.bump("snapshot");
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROOT_CHANGED", &["root", "timestamp", "snapshot", "targets"], &healthy);
}
