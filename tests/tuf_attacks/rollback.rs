//! RB: older files in the place of newer ones.

use serde_json::json;
use tuf_notary::testkit::{TufForge, TufForgeKey, TufPublished};

use crate::{
    lab::{DAY, FOUR, LATER, Lab, SOON, keys, version},
    server::Answer,
};

/// A client that has trusted a second version of everything, and the repository's first state.
fn second() -> (Lab, TufPublished) {
    let mut forge = TufForge::new();
    let first = forge.build();
    forge.bump("targets");
    (Lab::trusting_of(forge), first)
}

/// Trusts snapshot and timestamp in version 2 and then meets a timestamp 3 that lists snapshot 1.
fn older_snapshot(with_hashes: bool) -> Lab {
    let mut forge = TufForge::new();
    forge.list_hashes(with_hashes);
    forge.expires("timestamp", SOON);
    forge.bump("snapshot");
    let mut lab = Lab::trusting_of(forge);
    lab.forge.expires("timestamp", LATER);
    lab.forge.version("snapshot", 1);
    lab.forge.version("timestamp", 3);
    lab.serve();
    lab
}

#[test]
fn rb_01_a_root_of_another_version_than_was_asked_for_is_refused() {
    for offered in [3, 1] {
        let mut lab = Lab::trusting();
        let mut attack = lab.forge.clone();
        attack.bump("root");
        attack.version("root", offered);
        let forged = attack.build().newest("root");
        lab.forge.bump("root");
        let healthy = lab.forge.build();
        lab.server.put("2.root.json", forged);
        lab.refused("ROOT_CHANGED");
        assert_eq!(lab.requests(), ["2.root.json"], "{offered}");
        lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
        assert_eq!(lab.kept_version("root"), Some(2));
    }
}

#[test]
fn rb_02_an_older_timestamp_is_refused() {
    let (lab, first) = second();
    let healthy = lab.forge.clone().build();
    lab.server.put("timestamp.json", first.newest("timestamp"));
    lab.refused("ROLLBACK");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
    lab.refused_and_kept("ROLLBACK", &FOUR, &healthy);
}

#[test]
fn rb_03_an_expired_timestamp_is_still_the_floor() {
    let mut forge = TufForge::new();
    forge.expires("timestamp", SOON);
    forge.version("timestamp", 2);
    let mut lab = Lab::trusting_of(forge);
    lab.forge.expires("timestamp", LATER);
    lab.forge.version("timestamp", 1);
    lab.serve();
    lab.clock.advance(DAY * 5);
    for _ in 0..2 {
        lab.refused("ROLLBACK");
        lab.steal_record(); // then the file alone is the floor
    }
    lab.forge.version("timestamp", 3);
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &FOUR, &healthy);
}

#[test]
fn rb_04_a_timestamp_that_leads_back_to_an_older_snapshot_is_not_kept() {
    for with_hashes in [true, false] {
        let mut lab = older_snapshot(with_hashes);
        lab.refused("ROLLBACK");
        assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
        lab.steal_record();
        lab.refused("ROLLBACK");
        lab.forge.version("snapshot", 3);
        let healthy = lab.forge.build();
        lab.refused_and_kept("ROLLBACK", &FOUR, &healthy);
        assert_eq!(lab.kept_version("timestamp"), Some(3));
    }
}

#[test]
fn rb_04_a_client_without_a_store_remembers_the_snapshot_as_well() {
    let mut forge = TufForge::new();
    forge.bump("snapshot");
    let mut lab = Lab::of(forge);
    let repository = lab.storeless();
    repository.refresh().unwrap();
    lab.forge.version("snapshot", 1);
    lab.forge.version("timestamp", 3);
    lab.serve();
    assert_eq!(repository.refresh().unwrap_err().code(), "ROLLBACK");
}

#[test]
fn rb_05_the_snapshot_of_an_expired_timestamp_is_still_the_floor() {
    let mut lab = older_snapshot(true);
    lab.clock.advance(DAY * 5);
    lab.refused("ROLLBACK");
    lab.steal_record();
    lab.refused("ROLLBACK");
    lab.forge.version("snapshot", 3);
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &FOUR, &healthy);
}

#[test]
fn rb_06_a_snapshot_that_lists_older_targets_is_refused() {
    for with_hashes in [true, false] {
        let mut forge = TufForge::new();
        forge.list_hashes(with_hashes);
        forge.bump("targets");
        let mut lab = Lab::trusting_of(forge);
        lab.forge.version("targets", 1);
        lab.forge.bump("snapshot");
        let timestamp = lab.serve().newest("timestamp");
        lab.refused("ROLLBACK");
        assert_eq!(lab.requests(), ["2.root.json", "timestamp.json", "3.snapshot.json"]);
        assert_eq!(lab.kept("timestamp"), Some(timestamp), "it was right");
        lab.steal_record();
        lab.refused("ROLLBACK");
        lab.forge.version("targets", 3);
        lab.forge.bump("snapshot");
        let healthy = lab.forge.build();
        lab.refused_and_kept("ROLLBACK", &FOUR, &healthy);
    }
}

#[test]
fn rb_07_a_snapshot_that_lists_an_older_delegated_role_is_refused() {
    let mut forge = TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.version("team", 4);
    let mut lab = Lab::trusting_of(forge);
    lab.forge.version("team", 3);
    lab.forge.bump("snapshot");
    lab.serve();
    lab.refused("ROLLBACK");
    lab.steal_record();
    lab.refused("ROLLBACK");
    lab.forge.version("team", 4);
    lab.forge.bump("snapshot");
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &FOUR, &healthy);
}

#[test]
fn rb_08_a_snapshot_without_a_role_that_it_had_is_refused() {
    let mut forge = TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    let mut lab = Lab::trusting_of(forge);
    let role = lab.forge.clone();
    lab.forge.remove("team");
    lab.forge.bump("snapshot");
    lab.serve();
    lab.refused("MISSING");
    lab.steal_record();
    lab.refused("MISSING");
    lab.forge = role;
    lab.forge.bump("snapshot");
    lab.forge.bump("snapshot");
    let healthy = lab.forge.build();
    lab.refused_and_kept("MISSING", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn rb_09_a_snapshot_that_is_no_longer_listed_is_still_compared_with() {
    // After each update the kept snapshot has another hash than the new timestamp lists; that the record
    // is gone leaves it alone to compare with.
    let mut forge = TufForge::new();
    forge.version("targets", 5);
    let mut lab = Lab::trusting_of(forge);
    lab.steal_record();
    lab.forge.version("targets", 4);
    lab.forge.bump("snapshot");
    lab.serve();
    lab.refused("ROLLBACK");
    // The timestamp of the attack is accepted by now: the snapshot is the last to know.
    lab.steal_record();
    lab.refused("ROLLBACK");
    lab.forge.version("targets", 5);
    lab.forge.bump("snapshot");
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn rb_10_another_timestamp_of_the_same_version_is_passed_over() {
    let mut lab = Lab::trusting();
    lab.forge.version("snapshot", 100);
    lab.serve();
    let before = lab.kept("timestamp");
    for _ in 0..2 {
        let set = lab.refresh().unwrap();
        assert_eq!(version(&set, "snapshot"), 1);
        assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
        assert_eq!(lab.kept("timestamp"), before);
        lab.steal_record();
    }
}

#[test]
fn rb_16_an_older_root_in_the_place_of_the_next_one_is_refused() {
    for older in ["1.root.json", "2.root.json"] {
        let mut forge = TufForge::new();
        let first = forge.build();
        forge.bump("root");
        forge.bump("root");
        let mut lab = Lab::of(forge);
        lab.shipped = first.newest("root");
        lab.refresh().unwrap();
        let older = lab.forge.build().file(older).unwrap().to_vec();
        lab.forge.bump("root");
        let healthy = lab.forge.build();
        lab.server.put("4.root.json", older);
        lab.refused_and_kept("ROOT_CHANGED", &FOUR, &healthy);
        assert_eq!(lab.kept_version("root"), Some(4));
    }
}

#[test]
fn rb_17_a_cached_role_serves_while_its_file_is_not_to_be_had() {
    let mut forge = TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"old");
    forge.version("team", 3);
    let mut lab = Lab::of(forge);
    lab.find("team/file").unwrap().unwrap();
    let third = lab.kept("team").unwrap();
    lab.forge.add_target("team", "team/file", b"new");
    lab.forge.bump("team");
    lab.serve();
    assert_eq!(lab.find("team/file").unwrap().unwrap().length(), 3);
    lab.server.answer("4.team.json", Answer::Timeout);
    lab.server.clear_requests();
    assert!(lab.find("team/file").unwrap().is_some(), "version 4 is in the cache");
    assert!(!lab.requests().contains(&"4.team.json".to_owned()));
    // The former version does not stand in.
    lab.plant("team", &third);
    let error = lab.find("team/file").unwrap_err();
    assert_eq!(error.code(), "NETWORK");
}

#[test]
fn rb_17_a_cached_role_that_the_delegator_no_longer_vouches_for_is_not_used() {
    let mut forge = TufForge::new();
    let old = TufForgeKey::ed25519();
    forge.delegate("targets", "team", std::slice::from_ref(&old), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"old");
    let mut lab = Lab::of(forge);
    lab.find("team/file").unwrap().unwrap();
    // The delegator revokes the key; the role's file is what it was.
    let new = TufForgeKey::ed25519();
    let (id, listed) = (new.id().to_owned(), new.to_json().clone());
    lab.forge.doc("targets")["delegations"]["keys"] = json!({ (id.clone()): listed });
    lab.forge.change_delegation("targets", "team", |entry| entry["keyids"] = json!([id.clone()]));
    lab.forge.bump("targets");
    lab.serve();
    lab.not_found("team/file", "THRESHOLD");
    *lab.forge.keys("team") = vec![new];
    lab.forge.bump("team");
    lab.serve();
    assert!(lab.find("team/file").unwrap().is_some());
}

#[test]
fn rb_18_after_the_highest_version_lower_ones_are_refused() {
    let mut forge = TufForge::new();
    forge.version("timestamp", 1 << 53);
    let mut lab = Lab::trusting_of(forge);
    lab.forge.version("timestamp", 2);
    lab.serve();
    lab.refused("ROLLBACK");
    // Neither wraps nor saturates.
    lab.forge.version("timestamp", (1 << 53) + 1);
    lab.serve();
    lab.refused("MALFORMED");
    // Only another key brings the floor down.
    lab.forge.version("timestamp", 1);
    lab.forge.rotate("timestamp", &keys::<1>(), 1);
    let healthy = lab.forge.build();
    assert_eq!(version(&lab.recovers(&healthy), "timestamp"), 2);
}
