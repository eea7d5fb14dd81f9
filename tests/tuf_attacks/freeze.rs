//! FZ: files that are kept from ageing.

use std::{io::Read, time::Duration};

use tuf_notary::{
    name::{Resource, TargetName},
    testkit::TufForge,
    transport::{Transport, TransportError},
    view::Freshness,
};

use crate::{
    facade::Repository,
    lab::{Clock, DAY, FOUR, Kept, LATER, Lab, PAST, SOON, keys, version},
    server::{Answer, Server},
};

const NOW: &str = "2026-11-24T12:00:00Z";

/// A trusting client whose root expires soon, five days later.
fn outdated_root() -> Lab {
    let mut forge = TufForge::new();
    forge.expires("root", SOON);
    let lab = Lab::trusting_of(forge);
    lab.clock.advance(DAY * 5);
    lab
}

/// Two roles that may sign `team/file`; the second one lists it.
fn two_teams() -> TufForge {
    let mut forge = TufForge::new();
    for role in ["first", "second"] {
        forge.delegate("targets", role, &keys::<1>(), 1, &["team/*"]);
    }
    forge.add_target("second", "team/file", b"content");
    forge
}

/// The client meets a new version of `role` that has expired.
fn expired(role: &str) -> Lab {
    let mut lab = Lab::trusting();
    lab.forge.bump(role);
    let mut expired = lab.forge.clone();
    expired.expires(role, PAST);
    lab.server.serve(&expired.build());
    lab.forge.bump(role);
    lab
}

#[test]
fn fz_01_an_expired_root_at_the_end_is_kept_and_refused() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    lab.forge.bump("root");
    lab.forge.expires("root", PAST);
    let last = lab.serve();
    lab.forge.bump("root");
    lab.forge.expires("root", LATER);
    let healthy = lab.forge.build();
    let error = lab.refused("EXPIRED");
    assert!(error.is_expired());
    assert_eq!(lab.requests(), ["2.root.json", "3.root.json", "4.root.json"]);
    assert_eq!(lab.kept("root").unwrap(), last.newest("root"), "its successors are found from it");
    lab.refused_and_kept("EXPIRED", &FOUR, &healthy);
}

#[test]
fn fz_02_an_expired_root_between_two_others_is_accepted() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    lab.forge.expires("root", PAST);
    lab.forge.bump("root");
    lab.forge.expires("root", LATER);
    lab.serve();
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 3);
}

#[test]
fn fz_03_an_expired_root_leads_to_its_successor() {
    let mut lab = outdated_root();
    lab.forge.rotate_root(&keys::<1>(), 1);
    lab.forge.expires("root", LATER);
    lab.serve();
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 2);
    // The one that the client is shipped with as well.
    lab.store = Kept::memory();
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 2);
}

#[test]
fn fz_03_an_expired_root_without_a_successor_is_refused() {
    let mut lab = outdated_root();
    lab.refused("EXPIRED");
    assert_eq!(lab.requests(), ["2.root.json"]);
    lab.forge.bump("root");
    lab.forge.expires("root", LATER);
    let healthy = lab.forge.build();
    lab.refused_and_kept("EXPIRED", &FOUR, &healthy);
}

#[test]
fn fz_05_an_expired_timestamp_is_refused() {
    let mut lab = expired("timestamp");
    lab.refused("EXPIRED");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
    let healthy = lab.forge.build();
    lab.refused_and_kept("EXPIRED", &FOUR, &healthy);
}

#[test]
fn fz_05_the_same_timestamp_expires() {
    let mut lab = Lab::trusting();
    lab.clock.advance(DAY * 15);
    lab.refused("EXPIRED");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
    lab.forge.bump("timestamp");
    lab.forge.expires("timestamp", LATER);
    let healthy = lab.forge.build();
    lab.refused_and_kept("EXPIRED", &FOUR, &healthy);
}

#[test]
fn fz_06_an_expired_snapshot_is_refused() {
    let mut lab = expired("snapshot");
    lab.refused("EXPIRED");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json", "2.snapshot.json"]);
    assert_eq!(lab.kept_version("timestamp"), Some(2), "the timestamp was right");
    let healthy = lab.forge.build();
    lab.refused_and_kept("EXPIRED", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn fz_07_expired_targets_are_refused() {
    let mut lab = expired("targets");
    lab.refused("EXPIRED");
    assert_eq!(lab.kept_version("timestamp"), Some(2), "timestamp and snapshot were right");
    assert_eq!(lab.kept_version("snapshot"), Some(2));
    assert_eq!(lab.kept_version("targets"), Some(1));
    let healthy = lab.forge.build();
    lab.refused_and_kept("EXPIRED", &["root", "targets"], &healthy);
}

#[test]
fn fz_07_cached_files_expire_as_well() {
    for role in ["snapshot", "targets"] {
        let mut forge = TufForge::new();
        forge.expires("timestamp", LATER);
        forge.expires(role, SOON);
        let mut lab = Lab::trusting_of(forge);
        let client = lab.storeless();
        client.refresh().unwrap();
        lab.clock.advance(DAY * 5);
        lab.refused("EXPIRED");
        assert_eq!(client.refresh().unwrap_err().code(), "EXPIRED", "what is in memory does too");
        lab.forge.expires(role, LATER);
        lab.forge.bump(role);
        let healthy = lab.forge.build();
        lab.recovers(&healthy);
        client.refresh().unwrap();
    }
}

#[test]
fn fz_08_an_expired_delegated_role_ends_the_search() {
    let mut forge = two_teams();
    forge.expires("first", PAST);
    let mut lab = Lab::of(forge);
    lab.refresh().expect("the refresh comes by none of them");
    lab.requests();
    lab.not_found("team/file", "EXPIRED");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json", "1.first.json"]);
    assert_eq!((lab.kept("first"), lab.kept("second")), (None, None));
    lab.forge.expires("first", LATER);
    lab.forge.bump("first");
    lab.serve();
    assert_eq!(lab.find("team/file").unwrap().unwrap().role().as_str(), "second");
}

#[test]
fn fz_08_a_delegated_role_that_expires_later_ends_the_search() {
    let mut forge = two_teams();
    forge.expires("timestamp", LATER);
    forge.expires("first", SOON);
    let lab = Lab::of(forge);
    let client = lab.repository();
    let name = TargetName::new("team/file").unwrap();
    client.find(&name).unwrap().unwrap();
    lab.clock.advance(DAY * 5);
    assert_eq!(client.find(&name).unwrap_err().code(), "EXPIRED", "in memory");
    lab.not_found("team/file", "EXPIRED");
}

/// A server before which time runs.
#[derive(Debug)]
struct Slow(Server, Clock);

impl Transport for Slow {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.1.advance(DAY * 5);
        self.0.fetch(what, max)
    }
}

#[test]
fn fz_11_all_files_are_judged_at_the_instant_of_the_start() {
    let mut forge = TufForge::new();
    for role in FOUR {
        forge.expires(role, SOON);
    }
    let lab = Lab::of(forge);
    let clock = lab.clock.clone();
    let client = Repository::builder(lab.shipped.clone())
        .transport(Slow(lab.server.clone(), clock.clone()))
        .clock(move || clock.now())
        .build();
    client.refresh().expect("all of it was valid at the start");
    assert_eq!(lab.clock.now(), TufForge::now() + DAY * 20);
    assert_eq!(client.refresh().unwrap_err().code(), "EXPIRED");
}

#[test]
fn fz_12_each_role_expires_at_the_very_instant() {
    for role in FOUR {
        let mut forge = TufForge::new();
        forge.expires(role, NOW);
        let lab = Lab::of(forge);
        lab.refused("EXPIRED");
        lab.clock.set(TufForge::now() - Duration::from_nanos(1));
        lab.refresh().unwrap_or_else(|error| panic!("{role}: {error}"));
    }
    let mut forge = two_teams();
    forge.expires("first", NOW);
    let lab = Lab::of(forge);
    lab.not_found("team/file", "EXPIRED");
}

#[test]
fn fz_13_no_cached_timestamp_replaces_one_that_does_not_come() {
    for (answer, code) in [
        (Answer::Status(404), "MISSING"),
        (Answer::Status(401), "UNAUTHORIZED"),
        (Answer::Status(403), "UNAUTHORIZED"),
        (Answer::Status(429), "SERVER_ERROR"),
        (Answer::Status(500), "SERVER_ERROR"),
        (Answer::Timeout, "NETWORK"),
        (Answer::Refused, "NETWORK"),
        (Answer::BreaksAfter(10), "NETWORK"),
    ] {
        let mut lab = Lab::trusting();
        lab.server.answer("timestamp.json", answer);
        lab.refused(code);
        assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"], "nothing is asked twice");
        let healthy = lab.forge.build();
        lab.refused_and_kept(code, &FOUR, &healthy);
    }
}

#[test]
fn fz_15_each_refresh_asks_the_server() {
    let lab = Lab::of(TufForge::new());
    let client = lab.repository();
    client.refresh().unwrap();
    lab.requests();
    for _ in 0..3 {
        client.refresh().unwrap();
        assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"]);
    }
}

#[test]
fn fz_15_offline_asks_nobody_and_ends_with_the_timestamp() {
    let mut lab = Lab::trusting();
    lab.freshness = Freshness::Offline;
    lab.clock.advance(DAY * 13);
    let set = lab.refresh().unwrap();
    assert_eq!(set.confirmed(), Some(TufForge::now()), "nobody has confirmed it since");
    lab.clock.advance(DAY);
    lab.refused("EXPIRED");
    assert!(lab.requests().is_empty());
}

#[test]
fn fz_16_far_expiries_are_accepted_and_shown() {
    let (mut forge, far) = (TufForge::new(), "9999-12-31T23:59:59Z");
    for role in FOUR {
        forge.expires(role, far);
    }
    let set = Lab::of(forge).refresh().unwrap();
    let shown = [
        set.root().body().expires,
        set.timestamp().body().expires,
        set.snapshot().body().expires,
        set.targets().body().expires,
    ];
    assert!(shown.iter().all(|expires| expires.to_string() == far));
}
