//! KROT: keys are replaced, by those who may and by those who may not.

use serde_json::json;
use tuf_notary::{
    name::{Slot, Version},
    store::MetadataStore as _,
    testkit::{TufForge, TufForgeKey},
};

use crate::{
    lab::{FOUR, Lab, keys, version},
    server::Answer,
};

/// A client that trusts a root of these keys.
fn trusting(keys: &[TufForgeKey], threshold: u32) -> Lab {
    let mut forge = TufForge::new();
    forge.set_keys("root", keys, threshold);
    Lab::trusting_of(forge)
}

fn key() -> TufForgeKey {
    TufForgeKey::ed25519()
}

/// The root that the client keeps of the chain.
fn in_the_chain(lab: &Lab, version: u64) -> Option<Vec<u8>> {
    lab.store.read(&Slot::Root(Version::new(version).unwrap()), u64::MAX).unwrap()
}

#[test]
fn krot_01_a_root_signed_by_new_keys_only_is_refused() {
    let [old, new] = keys();
    let mut lab = trusting(&[old], 1);
    lab.forge.rotate_root(std::slice::from_ref(&new), 1);
    let healthy = lab.forge.clone().build();
    *lab.forge.keys("root") = vec![new];
    lab.serve();
    lab.refused("ROOT_CHANGED");
    assert_eq!(lab.requests(), ["2.root.json"]);
    lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
    assert_eq!(lab.kept_version("root"), Some(2));
}

#[test]
fn krot_02_a_root_signed_by_old_keys_only_is_refused() {
    let [old, new] = keys();
    let mut lab = trusting(std::slice::from_ref(&old), 1);
    lab.forge.rotate_root(&[new], 1);
    let healthy = lab.forge.clone().build();
    *lab.forge.keys("root") = vec![old];
    lab.serve();
    lab.refused_and_kept("THRESHOLD", &FOUR, &healthy);
    assert_eq!(lab.kept_version("root"), Some(2));
}

#[test]
fn krot_03_a_root_that_failed_is_on_no_disk() {
    let [stranger] = keys();
    let mut lab = Lab::on_disk();
    let healthy = lab.forge.clone().build();
    lab.forge.rotate_root(std::slice::from_ref(&stranger), 1);
    *lab.forge.keys("root") = vec![stranger];
    let forged = lab.serve().newest("root");
    lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
    assert_eq!(in_the_chain(&lab, 2), None);
    let found = crate::tools::listing(&lab.store.path());
    for name in found.iter().filter(|name| name.ends_with(".json") || name.ends_with(".root")) {
        let path = [lab.store.path(), lab.store.path().join(".tuf-notary")].map(|folder| folder.join(name));
        assert!(path.iter().filter_map(|path| std::fs::read(path).ok()).all(|file| file != forged), "{name}");
    }
}

#[test]
fn krot_03_a_root_that_failed_and_was_kept_all_the_same_is_not_trusted() {
    let [stranger] = keys();
    let mut lab = Lab::trusting();
    let (mut attack, good) = (lab.forge.clone(), lab.kept("root").unwrap());
    attack.rotate_root(std::slice::from_ref(&stranger), 1);
    let old_keys_only = {
        let mut attack = attack.clone();
        attack.keys("root").pop();
        attack.build().newest("root")
    };
    *attack.keys("root") = vec![stranger];
    let attack = attack.build();
    for (planted, code) in [(old_keys_only, "LOCAL_STATE"), (attack.newest("root"), "LOCAL_STATE")] {
        for with_record in [true, false] {
            lab.plant("root", &planted);
            if !with_record {
                lab.steal_record();
            }
            // Nor does the server that made it help.
            lab.server.serve(&attack);
            assert!(["ROOT_CHANGED", code].contains(&lab.refresh().unwrap_err().code()), "{code}");
            let healthy = lab.forge.build();
            lab.server.serve(&healthy);
            lab.refused(code);
            // What was planted is remembered nowhere.
            lab.plant("root", &good);
            lab.recovers(&healthy);
            assert_eq!(lab.kept("root").as_ref(), Some(&good));
        }
    }
}

#[test]
fn krot_04_all_keys_replaced_by_three_of_five_is_accepted() {
    let (old, new): ([_; 5], [_; 5]) = (keys(), keys());
    let mut lab = trusting(&old, 3);
    lab.forge.rotate_root(&new, 3);
    *lab.forge.keys("root") = [&old[1..4], &new[2..]].concat();
    let newest = lab.serve().newest("root");
    lab.refresh().unwrap();
    assert_eq!(lab.kept("root"), Some(newest));
    // The old ones are good for nothing any more.
    lab.forge.bump("root");
    let healthy = lab.forge.clone().build();
    *lab.forge.keys("root") = old.to_vec();
    lab.serve();
    lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
}

#[test]
fn krot_05_a_raised_threshold_that_is_not_met_is_refused() {
    let [one, two] = keys();
    let mut lab = trusting(&[one.clone(), two.clone()], 1);
    lab.forge.rotate_root(&[one.clone(), two], 2);
    let healthy = lab.forge.clone().build();
    *lab.forge.keys("root") = vec![one];
    lab.serve();
    lab.refused_and_kept("THRESHOLD", &FOUR, &healthy);
}

#[test]
fn krot_06_a_lowered_threshold_does_not_lower_that_of_the_old_root() {
    let [one, two] = keys();
    let mut lab = trusting(&[one.clone(), two.clone()], 2);
    lab.forge.rotate_root(&[one.clone(), two], 1);
    let healthy = lab.forge.clone().build();
    *lab.forge.keys("root") = vec![one];
    lab.serve();
    lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
}

#[test]
fn krot_07_skipped_versions_are_walked_one_by_one_and_kept() {
    let mut lab = Lab::trusting();
    for new in keys::<4>() {
        lab.forge.rotate_root(&[new], 1);
    }
    let published = lab.serve();
    lab.refresh().unwrap();
    let walked = ["2.root.json", "3.root.json", "4.root.json", "5.root.json", "6.root.json"];
    assert_eq!(lab.requests()[..5], walked);
    assert_eq!(lab.kept("root").as_deref(), published.file("5.root.json"));
    for version in 2..=5 {
        assert_eq!(in_the_chain(&lab, version).as_deref(), published.file(&format!("{version}.root.json")));
    }
}

#[test]
fn krot_08_a_bad_link_is_not_jumped_over() {
    let mut lab = Lab::trusting();
    let [second, third] = keys();
    let first = lab.forge.keys("root").clone();
    lab.forge.rotate_root(&[second], 1);
    let mut healthy = lab.forge.clone();
    lab.forge.rotate_root(std::slice::from_ref(&third), 1);
    *lab.forge.keys("root") = [&first[..], std::slice::from_ref(&third)].concat();
    lab.forge.bump("root");
    // The newest is signed well by the keys of version 1 and its own.
    *lab.forge.keys("root") = [&first[..], &[third]].concat();
    lab.serve();
    for _ in 0..2 {
        lab.refused("ROOT_CHANGED");
        assert_eq!(lab.requests().last().unwrap(), "3.root.json");
        assert_eq!(lab.kept_version("root"), Some(2));
    }
    healthy.bump("root");
    lab.recovers(&healthy.build());
    assert_eq!(lab.kept_version("root"), Some(3));
}

#[test]
fn krot_11_a_timestamp_of_a_new_key_starts_again_at_1() {
    let mut forge = TufForge::new();
    forge.version("timestamp", 100);
    let mut lab = Lab::trusting_of(forge);
    let old = lab.forge.keys("timestamp").clone();
    lab.forge.rotate("timestamp", &[key()], 1);
    let mut thief = lab.forge.clone();
    lab.forge.version("timestamp", 1);
    let healthy = lab.serve();
    assert_eq!(version(&lab.refresh().unwrap(), "timestamp"), 1);
    assert_eq!(lab.kept("timestamp"), Some(healthy.newest("timestamp")));
    // The old key is out of the game, whatever the version.
    *thief.keys("timestamp") = old;
    lab.server.serve(&thief.build());
    lab.refused_and_kept("THRESHOLD", &FOUR, &healthy);
}

#[test]
fn krot_12_a_snapshot_of_a_new_key_starts_again_at_1() {
    let mut forge = TufForge::new();
    forge.version("snapshot", 100);
    forge.version("timestamp", 100);
    let mut lab = Lab::trusting_of(forge);
    lab.forge.rotate("snapshot", &[key()], 1);
    lab.forge.rotate("timestamp", &[key()], 1);
    lab.forge.version("snapshot", 1);
    lab.forge.version("timestamp", 1);
    lab.serve();
    let set = lab.refresh().unwrap();
    assert_eq!((version(&set, "snapshot"), version(&set, "timestamp")), (1, 1));
    // From here on, the floor is the new one.
    lab.forge.version("snapshot", 3);
    lab.forge.version("timestamp", 2);
    lab.serve();
    lab.refresh().unwrap();
    lab.forge.version("snapshot", 2);
    lab.forge.version("timestamp", 3);
    lab.serve();
    lab.refused("ROLLBACK");
}

#[test]
fn krot_12_a_new_snapshot_key_alone_starts_both_again() {
    let mut lab = at_100();
    lab.refresh().unwrap();
    lab.forge.rotate("snapshot", &[key()], 1);
    lab.forge.version("snapshot", 1);
    lab.forge.version("timestamp", 101);
    lab.serve();
    let set = lab.refresh().unwrap();
    assert_eq!((version(&set, "snapshot"), version(&set, "timestamp")), (1, 101));
}

#[test]
fn krot_13_after_a_new_snapshot_key_targets_may_start_again_and_roles_may_go() {
    let mut forge = TufForge::new();
    forge.version("targets", 100);
    forge.delegate("targets", "team", &[key()], 1, &["team/*"]);
    let mut lab = Lab::trusting_of(forge);
    lab.forge.doc("targets").as_object_mut().unwrap().remove("delegations");
    lab.forge.remove("team");
    lab.forge.version("targets", 1);
    let mut without_a_new_key = lab.forge.clone();
    without_a_new_key.bump("snapshot");
    lab.forge.rotate("snapshot", &[key()], 1);
    lab.server.serve(&without_a_new_key.build());
    assert!(["MISSING", "ROLLBACK"].contains(&lab.refresh().unwrap_err().code()));
    lab.forge.bump("timestamp"); // the refused snapshot's timestamp was accepted
    lab.serve();
    let set = lab.refresh().unwrap();
    assert_eq!((version(&set, "root"), version(&set, "targets")), (2, 1));
}

#[test]
fn krot_14_a_key_beside_the_old_one_does_not_lower_the_floor() {
    for role in ["timestamp", "snapshot"] {
        let mut forge = TufForge::new();
        forge.version("snapshot", 5);
        forge.version("timestamp", 5);
        let mut lab = Lab::trusting_of(forge);
        let (old, new) = (lab.forge.keys(role)[0].clone(), key());
        lab.forge.bump("root");
        lab.forge.list_keys(role, &[old, new.clone()], 1);
        *lab.forge.keys(role) = vec![new];
        lab.forge.version("timestamp", if role == "timestamp" { 4 } else { 6 });
        lab.forge.version("snapshot", if role == "snapshot" { 4 } else { 5 });
        lab.serve();
        for _ in 0..2 {
            lab.refused("ROLLBACK");
            assert_eq!(lab.kept_version("root"), Some(2));
            lab.steal_record();
        }
        lab.forge.version("snapshot", 6);
        lab.forge.version("timestamp", 7);
        let healthy = lab.forge.build();
        lab.recovers(&healthy);
    }
}

/// Keys of timestamp and snapshot go to B and come back to A; both start again at 1.
fn there_and_back(lab: &mut Lab) {
    let before: Vec<_> = ["timestamp", "snapshot"].map(|role| lab.forge.keys(role).clone()).into();
    for (role, old) in ["timestamp", "snapshot"].into_iter().zip(before) {
        lab.forge.rotate(role, &[key()], 1);
        lab.forge.rotate(role, &old, 1);
    }
    lab.forge.version("snapshot", 1);
    lab.forge.version("timestamp", 1);
    lab.serve();
}

fn at_100() -> Lab {
    let mut forge = TufForge::new();
    forge.version("snapshot", 100);
    forge.version("timestamp", 100);
    Lab::of(forge)
}

#[test]
fn krot_15_keys_that_were_replaced_and_came_back_within_one_update_start_again() {
    for with_record in [true, false] {
        let mut lab = at_100();
        lab.refresh().unwrap();
        there_and_back(&mut lab);
        if !with_record {
            lab.steal_record();
        }
        let set = lab.refresh().unwrap();
        assert_eq!((version(&set, "root"), version(&set, "snapshot"), version(&set, "timestamp")), (5, 1, 1));
    }
}

#[test]
fn krot_15_what_was_revoked_on_the_way_does_not_come_back_in_the_next_run() {
    let mut lab = at_100();
    lab.refresh().unwrap();
    there_and_back(&mut lab);
    lab.steal_record();
    // The run that sees the keys change gets no further than that.
    lab.server.answer("timestamp.json", Answer::Status(503));
    lab.refresh().unwrap_err();
    assert_eq!((lab.kept_version("root"), lab.kept("timestamp")), (Some(5), None));
    lab.server.behave();
    assert_eq!(version(&lab.refresh().unwrap(), "timestamp"), 1);
}

#[test]
fn krot_15_a_client_without_a_store_starts_again_too() {
    let mut lab = at_100();
    let repository = lab.storeless();
    repository.refresh().unwrap();
    there_and_back(&mut lab);
    assert_eq!(version(&repository.refresh().unwrap(), "timestamp"), 1);
}

#[test]
fn krot_15_another_key_beside_it_for_a_while_is_no_replacement() {
    let mut lab = at_100();
    lab.refresh().unwrap();
    for role in ["timestamp", "snapshot"] {
        let old = lab.forge.keys(role)[0].clone();
        lab.forge.bump("root");
        lab.forge.list_keys(role, &[old.clone(), key()], 1);
        lab.forge.bump("root");
        lab.forge.list_keys(role, &[old], 1);
    }
    lab.forge.version("snapshot", 1);
    lab.forge.version("timestamp", 1);
    lab.serve();
    lab.refused("ROLLBACK");
    assert_eq!(lab.kept_version("root"), Some(5));
}

#[test]
fn krot_20_words_of_proposals_revoke_nothing_and_grant_nothing() {
    let mut lab = Lab::trusting();
    let root = lab.forge.keys("root")[0].id().to_owned();
    for role in ["root", "targets"] {
        lab.forge.bump(role);
        lab.forge.doc(role)["rotate"] = json!({ "root": { "keys": [], "threshold": 0 }, "revoked": [root] });
        lab.forge.doc(role)["rotations"] = json!([{ "role": "targets", "keyids": [root], "threshold": 1 }]);
    }
    lab.serve();
    lab.refresh().unwrap();
    assert!(lab.requests().iter().all(|name| !name.contains("rotate")), "nothing else is asked for");
    lab.forge.bump("root");
    lab.serve();
    lab.refresh().unwrap();
}

#[test]
fn krot_20_a_role_of_nobody_is_signed_by_nobody() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    let healthy = lab.forge.clone().build();
    lab.forge.list_keys("root", &[], 1);
    lab.serve();
    lab.refused_and_kept("THRESHOLD", &FOUR, &healthy);
    // The null key, listed and not.
    lab.forge = TufForge::new();
    lab.forge.delegate("targets", "team", &[], 1, &["team/*"]);
    lab.forge.change_delegation("targets", "team", |entry| entry["keyids"] = json!(["0".repeat(64)]));
    lab.forge.add_target("team", "team/file", b"x");
    lab.forge.signatures("team", |list| *list = json!([{ "keyid": "0".repeat(64), "sig": "" }]));
    let mut lab = Lab::of(lab.forge);
    lab.serve();
    lab.not_found("team/file", "THRESHOLD");
}
