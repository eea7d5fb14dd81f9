//! FZ: files that are kept from ageing.

use std::{
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use crate::facade::Collection;
use tuf_notary::{
    name::{Expiry, RoleName},
    testkit::{Fault, Forge, ForgeKey},
    verify::{DelegatedTargets, Notice, Trust, VerifyError},
};

use crate::lab::{GUN, Lab};

const DAY: Duration = Duration::from_secs(86_400);
const PAST: &str = "2026-11-24T11:59:59Z";
/// Four days after the lab's time.
const SOON: &str = "2026-11-28T12:00:00Z";
const FOUR: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// A trusting client whose root expires soon, five days later.
fn outdated_root() -> Lab {
    let mut lab = Lab::new();
    lab.forge.expires("root", SOON);
    lab.serve();
    lab.refresh().unwrap();
    lab.now += DAY * 5;
    lab
}

/// `targets/a` with the child `targets/a/b`, and its sibling `targets/c`; each signs a tag.
fn with_delegations() -> Lab {
    let mut lab = Lab::new();
    for (parent, role) in [("targets", "targets/a"), ("targets/a", "targets/a/b"), ("targets", "targets/c")] {
        lab.forge.delegate(parent, role, &[ForgeKey::ecdsa()], 1, &[""]);
        lab.forge.add_tag(role, role, 7, 7);
    }
    lab.serve();
    lab.refresh().unwrap();
    lab
}

/// The client meets a new version of `role` that has expired.
fn expired(role: &str) -> Lab {
    let mut lab = Lab::trusting();
    lab.forge.bump(role);
    let mut expired = lab.forge.clone();
    expired.expires(role, PAST);
    lab.server.serve(&expired.build());
    lab.forge.bump(role);
    lab.server.clear_requests();
    lab
}

#[test]
fn fz_02_an_expired_root_between_two_others_is_accepted() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    lab.forge.expires("root", PAST);
    lab.forge.bump("root");
    lab.forge.expires("root", "2036-11-24T12:00:00Z");
    lab.serve();
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(3));
}

#[test]
fn fz_02_an_expired_root_at_the_end_is_refused() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    lab.forge.expires("root", PAST);
    let last = lab.serve();
    lab.forge.bump("root");
    lab.forge.expires("root", "2036-11-24T12:00:00Z");
    let healthy = lab.forge.build();
    lab.refused("EXPIRED");
    assert_eq!(lab.kept("root").unwrap(), last.newest("root"), "its successors are found from it");
    lab.refused_and_kept("EXPIRED", &["root", "targets"], &healthy);
}

#[test]
fn fz_03_an_expired_cached_root_leads_to_its_successor() {
    let mut lab = outdated_root();
    lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    lab.forge.expires("root", "2036-11-24T12:00:00Z");
    lab.serve();
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(2));
}

#[test]
fn fz_04_fresh_files_under_an_expired_root_are_refused_every_time() {
    let mut lab = outdated_root();
    // The thief of the snapshot and timestamp keys goes on referring to the old root.
    lab.forge.bump("snapshot");
    lab.serve();
    lab.server.clear_requests();
    for _ in 0..2 {
        lab.refused("EXPIRED");
    }
    assert_eq!(lab.server.requests(), ["GET 2.root.json", "GET 2.root.json"]);
    lab.forge.bump("root");
    lab.forge.expires("root", "2036-11-24T12:00:00Z");
    let healthy = lab.forge.build();
    lab.refused_and_kept("EXPIRED", &FOUR, &healthy);
}

#[test]
fn fz_04_an_expired_root_at_first_contact_is_refused() {
    let mut lab = Lab::new();
    lab.forge.expires("root", PAST);
    lab.serve();
    lab.refused("EXPIRED");
    assert_eq!(lab.kept("root"), None);
    assert_eq!(lab.server.requests(), ["GET root.json"]);
}

#[test]
fn fz_05_an_expired_timestamp_is_refused() {
    let mut lab = expired("timestamp");
    lab.refused("EXPIRED");
    assert_eq!(lab.server.requests(), ["GET timestamp.json"]);
    let healthy = lab.forge.build();
    let error = lab.refused_and_kept("EXPIRED", &FOUR, &healthy);
    assert!(error.is_expired());
}

#[test]
fn fz_06_an_expired_snapshot_is_refused() {
    let mut lab = expired("snapshot");
    let timestamp = lab.server.file(&lab.gun(), "timestamp.json");
    let healthy = lab.forge.build();
    lab.refused("EXPIRED");
    assert_eq!(lab.kept("timestamp"), timestamp, "the timestamp was right");
    lab.refused_and_kept("EXPIRED", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn fz_07_expired_targets_are_refused() {
    let mut lab = expired("targets");
    let snapshot = lab.server.file(&lab.gun(), "snapshot.json");
    let healthy = lab.forge.build();
    lab.refused("EXPIRED");
    assert_eq!(lab.kept("snapshot"), snapshot, "timestamp and snapshot were right");
    lab.refused_and_kept("EXPIRED", &["root", "targets"], &healthy);
}

#[test]
fn fz_07_cached_files_expire_as_well() {
    for role in ["snapshot", "targets"] {
        let mut lab = Lab::new();
        lab.forge.expires(role, SOON);
        lab.serve();
        lab.refresh().unwrap();
        lab.now += DAY * 5;
        lab.refused("EXPIRED");
    }
}

#[test]
fn fz_09_an_unusable_delegation_is_left_out_with_its_subtree() {
    for code in ["EXPIRED", "THRESHOLD"] {
        let mut lab = with_delegations();
        lab.forge.bump("targets/a");
        let mut spoiled = lab.forge.clone();
        match code {
            "EXPIRED" => spoiled.expires("targets/a", PAST),
            _ => *spoiled.keys("targets/a") = vec![ForgeKey::ecdsa()],
        }
        lab.server.serve(&spoiled.build());
        let before = lab.kept("targets/a");
        let view = lab.refresh().unwrap();
        assert_eq!(lab.kept("targets/a"), before);

        let [a, b, c] = ["targets/a", "targets/a/b", "targets/c"].map(|role| RoleName::new(role).unwrap());
        let is_notice =
            |notice: &Notice| matches!(notice, Notice::DelegationUnusable { role, .. } if *role == a);
        assert_eq!(view.notices().iter().filter(|notice| is_notice(notice)).count(), 1);
        assert!(matches!(view.trusted().delegated()[&a], DelegatedTargets::Unusable(_)));
        assert!(!view.trusted().delegated().contains_key(&b), "nothing below it is known");
        assert!(view.target("v1").is_ok());
        assert!(view.target_from("targets/c", std::slice::from_ref(&c)).is_ok());
        for asked in [a, b] {
            let roles = [asked, c.clone()];
            assert_eq!(view.target_from("targets/c", &roles).unwrap_err().code(), code, "no fall-through");
            assert_eq!(view.targets_from(&roles).unwrap_err().code(), code);
        }
        lab.forge.bump("targets/a");
        lab.serve();
        assert_eq!(lab.refresh().unwrap().notices(), []);
    }
}

#[test]
fn fz_09_unusable_releases_end_the_look_up() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", RoleName::RELEASES, &[ForgeKey::ecdsa()], 1, &[""]);
    lab.forge.expires(RoleName::RELEASES, PAST);
    lab.serve();
    let view = lab.refresh().unwrap();
    assert_eq!(view.target("v1").unwrap_err().code(), "EXPIRED", "targets does not answer instead");
    assert!(view.target_from("v1", &[RoleName::Targets]).is_ok());
}

#[test]
fn fz_10_a_broken_delegation_fails_the_refresh() {
    let wrong_type = |text: String| text.replace("\"Targets\"", "\"Snapshot\"");
    let no_json = |file: Vec<u8>| file[..file.len() - 1].to_vec();
    for attack in 0..3 {
        let mut lab = with_delegations();
        let mut broken = lab.forge.clone();
        lab.forge.bump("targets/a");
        lab.serve();
        lab.refresh().unwrap();
        for forge in [&mut broken, &mut lab.forge] {
            forge.bump("snapshot");
            forge.bump("snapshot");
        }
        lab.forge.bump("snapshot");
        let code = match attack {
            0 => "ROLLBACK",
            1 => {
                broken.before_sign("targets/a", wrong_type);
                "MALFORMED"
            }
            _ => {
                broken.after_sign("targets/a", no_json);
                "MALFORMED"
            }
        };
        lab.server.serve(&broken.build());
        let healthy = lab.forge.build();
        lab.refused_and_kept(code, &["targets", "targets/a", "targets/a/b", "targets/c"], &healthy);
    }
}

#[test]
fn fz_11_all_files_are_judged_at_the_instant_of_the_start() {
    let now = SystemTime::now();
    let expires = Expiry::after(now, Duration::from_secs(2)).unwrap();
    let mut lab = Lab::new();
    lab.forge.set_keys("root", &[ForgeKey::certificate_with(now - DAY, now + DAY, GUN)], 1);
    for role in FOUR {
        lab.forge.expires(role, &expires.to_string());
    }
    lab.serve();
    let until_expired = move |file| {
        while !expires.is_past(SystemTime::now()) {
            thread::sleep(Duration::from_millis(50));
        }
        file
    };
    let slow = Fault::Mutate { role: RoleName::Snapshot, change: Arc::new(until_expired) };
    lab.server.misbehave(&lab.gun(), slow);
    let collection = Collection::builder(lab.gun(), Trust::FirstUse)
        .transport(lab.server.transport(&lab.gun()))
        .store(lab.store.clone())
        .build();
    collection.refresh().expect("snapshot and targets came late, and were valid at the start");
    assert_eq!(collection.refresh().unwrap_err().code(), "EXPIRED");
}

#[test]
fn fz_12_a_file_expires_at_the_very_instant() {
    let mut lab = Lab::new();
    lab.forge.expires("timestamp", SOON);
    lab.serve();
    lab.now += DAY * 4 - Duration::from_nanos(1);
    lab.refresh().unwrap();
    lab.now += Duration::from_nanos(1);
    lab.refused("EXPIRED");
}

#[test]
fn fz_14_no_cached_timestamp_replaces_one_that_does_not_come() {
    let role = || Some(RoleName::Timestamp);
    let status = |status| Fault::Fail { role: role(), status };
    for (fault, code) in [
        (Fault::Withhold { name: "timestamp.json".to_owned() }, "MISSING"),
        (status(404), "MISSING"),
        (status(401), "UNAUTHORIZED"),
        (status(403), "UNAUTHORIZED"),
        (status(429), "SERVER_ERROR"),
        (status(500), "SERVER_ERROR"),
        (status(503), "SERVER_ERROR"),
        (Fault::Disconnect { role: role() }, "NETWORK"),
        (Fault::Disconnect { role: None }, "NETWORK"),
        (Fault::Truncate { role: RoleName::Timestamp, length: 9 }, "NETWORK"),
    ] {
        let mut lab = Lab::trusting();
        let healthy = lab.serve();
        lab.server.misbehave(&lab.gun(), fault);
        lab.server.clear_requests();
        lab.refused(code);
        assert_eq!(lab.server.requests(), ["GET timestamp.json"]);
        lab.refused_and_kept(code, &FOUR, &healthy);
    }
}

#[test]
fn fz_15_each_refresh_asks_the_server() {
    let lab = Lab::trusting();
    let collection = lab.collection();
    lab.server.clear_requests();
    for _ in 0..3 {
        collection.refresh().unwrap();
    }
    assert_eq!(lab.server.requests(), ["GET timestamp.json"; 3]);
}

#[test]
fn fz_15_a_server_that_stands_still_is_found_out() {
    let mut lab = Lab::trusting();
    lab.now += DAY * 14;
    lab.refused("EXPIRED");
    lab.server.misbehave(&lab.gun(), Fault::Disconnect { role: None });
    lab.refused("NETWORK");
}

#[test]
fn fz_16_far_expiries_are_accepted_and_shown() {
    let mut lab = Lab::new();
    let far = "9999-12-31T23:59:59Z";
    for role in FOUR {
        lab.forge.expires(role, far);
    }
    lab.serve();
    let view = lab.refresh().unwrap();
    let shown: Vec<_> = view.roles().into_iter().filter_map(|status| status.file).collect();
    assert_eq!(shown.len(), 4);
    assert!(shown.iter().all(|(_, expires)| expires.to_string() == far));
}

#[test]
fn fz_17_the_timestamp_expires_first_and_is_enforced() {
    let mut lab = Lab::trusting();
    let view = lab.refresh().unwrap();
    assert_eq!(view.expires().remaining(lab.now), Some(DAY * 14));
    lab.now += DAY * 15;
    let error = lab.refused("EXPIRED");
    let role = match error {
        tuf_notary::error::Error::Verify(VerifyError::Expired { role, .. }) => Some(role),
        _ => None,
    };
    assert_eq!(role, Some(RoleName::Timestamp), "root, snapshot and targets have years left");
    let [root, timestamp] = ["root", "timestamp"].map(|role| {
        let role = RoleName::new(role).unwrap();
        view.roles().into_iter().find(|status| status.role == role).unwrap().file.unwrap().1
    });
    assert!(root.remaining(Forge::now()) > timestamp.remaining(Forge::now()));
}
