//! ED: files without end, and lengths that nobody could store.

use std::sync::Arc;

use serde_json::json;
use tuf_notary::{
    limits::Limits,
    name::RoleName,
    testkit::{Fault, Forge},
    verify::{Refresh, RefreshPlan, Reply, Step, VerifyError},
    wire::Dialect,
};

use crate::{
    lab::Lab,
    signing::{self, key},
};

const KIB: u64 = 1 << 10;

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

/// How many bytes of files the next refresh reads; it must fail for being too large.
fn read_until_refused(lab: &Lab) -> u64 {
    let before = lab.server.bytes_read();
    lab.refused("TOO_LARGE");
    lab.server.bytes_read() - before
}

/// A new version of the repository: snapshot and timestamp are fetched again.
fn lab_with_update() -> Lab {
    let mut lab = signing::lab();
    lab.forge.bump("targets");
    lab.forge.bump("targets/a");
    lab.serve();
    lab
}

/// Turns a refresh over a server that sends `extra` more bytes than it was asked for, without a
/// driver that would cut them off.
fn refresh_without_driver(lab: &mut Lab, victim: &str, extra: usize) -> Option<VerifyError> {
    let published = lab.serve();
    let mut machine = Refresh::new(RefreshPlan {
        gun: lab.gun(),
        trust: lab.trust.clone(),
        dialect: Dialect::Notary,
        limits: lab.limits,
        now: lab.now,
        as_of: true,
        offline: false,
    });
    loop {
        let reply = match machine.step() {
            Step::Fetch { resource, max } => {
                let mut file = published.file(&resource.notary_name()).unwrap().to_vec();
                if resource.role.as_str() == victim {
                    file.resize(usize::try_from(max).unwrap() + extra, b' ');
                }
                Reply::Found(file)
            }
            Step::Load(_) => Reply::Absent,
            Step::Save(..) => continue,
            _ => return None,
        };
        if let Err(error) = machine.supply(reply) {
            return Some(error);
        }
    }
}

#[test]
fn ed_01_an_endless_timestamp_is_cut_at_the_cap() {
    for cap in [64 * KIB, Limits::default().max_timestamp] {
        let mut lab = lab_with_update();
        lab.limits.max_timestamp = cap;
        lab.server.misbehave(&lab.gun(), Fault::Endless { role: RoleName::Timestamp });
        lab.server.clear_requests();
        assert_eq!(read_until_refused(&lab), cap + 1);
        assert_eq!(lab.server.requests(), ["GET timestamp.json"]);
        let healthy = lab.forge.build();
        lab.refused_and_kept("TOO_LARGE", &["timestamp", "snapshot", "targets"], &healthy);
    }
}

#[test]
fn ed_02_an_endless_first_root_is_cut_at_the_cap() {
    let mut lab = Lab::new();
    let healthy = lab.serve();
    lab.server.misbehave(&lab.gun(), Fault::Endless { role: RoleName::Root });
    assert_eq!(read_until_refused(&lab), lab.limits.max_root + 1);
    lab.refused_and_kept("TOO_LARGE", &["root"], &healthy);
}

#[test]
fn ed_02_an_endless_next_root_is_cut_at_the_cap() {
    let mut lab = Lab::trusting();
    lab.forge.bump("root");
    let healthy = lab.serve();
    lab.server.misbehave(&lab.gun(), Fault::Endless { role: RoleName::Root });
    let others = (healthy.newest("timestamp").len() + healthy.newest("snapshot").len()) as u64;
    assert_eq!(read_until_refused(&lab), lab.limits.max_root + 1 + others);
    lab.refused_and_kept("TOO_LARGE", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn ed_03_a_file_longer_than_its_parent_lists_is_cut_there() {
    for victim in ["snapshot", "targets", "targets/a"] {
        let mut lab = lab_with_update();
        let healthy = lab.forge.build();
        lab.server.misbehave(&lab.gun(), Fault::Endless { role: role(victim) });
        let order = ["timestamp", "snapshot", "targets", "targets/a"];
        let upto = order.iter().position(|other| *other == victim).unwrap();
        let sizes = order[..=upto].iter().map(|role| healthy.newest(role).len() as u64);
        assert_eq!(read_until_refused(&lab), sizes.sum::<u64>() + 1, "{victim}");
        lab.refused_and_kept("TOO_LARGE", &[victim], &healthy);
    }
}

#[test]
fn ed_03_the_machine_refuses_more_than_it_asked_for() {
    for victim in ["root", "timestamp", "snapshot", "targets", "targets/a"] {
        for extra in [1, 100_000] {
            let mut lab = signing::lab();
            let error = refresh_without_driver(&mut lab, victim, extra).expect(victim);
            assert_eq!(error.code(), "TOO_LARGE", "{victim}: {error}");
        }
    }
    // White space up to the very cap is no attack.
    let error = refresh_without_driver(&mut signing::lab(), "timestamp", 0);
    assert_eq!(error, None);
}

#[test]
fn ed_04_an_absurd_length_is_refused_before_anything_is_asked() {
    let limit = Limits::default().max_metadata;
    for (length, code) in [
        (json!(limit + 1), "TOO_LARGE"),
        (json!(1_u64 << 53), "TOO_LARGE"),
        (json!(i64::MAX), "MALFORMED"),
        (json!(u64::MAX), "MALFORMED"),
        (json!(-1), "MALFORMED"),
    ] {
        for (victim, parent) in
            [("snapshot", "timestamp"), ("targets", "snapshot"), ("targets/a", "snapshot")]
        {
            let mut lab = lab_with_update();
            let healthy = lab.forge.build();
            let length = length.clone();
            lab.forge.pin(victim, move |pin| pin["length"] = length.clone());
            lab.serve();
            lab.server.clear_requests();
            let parent_is_kept = victim == "targets/a" && code == "TOO_LARGE";
            let kept = if parent_is_kept { victim } else { parent };
            // The healthy server's timestamp has to be as new as the attacker's.
            lab.refused_and_kept(code, &[kept, victim], &healthy);
            let asked = lab.server.requests();
            let attack = asked.iter().position(|request| request.contains(&format!("{victim}.")));
            let recovery = asked.iter().rposition(|request| request == "GET timestamp.json");
            assert!(attack > recovery, "{victim}: {asked:?}");
        }
    }
}

#[test]
fn ed_04_a_listed_length_at_the_limit_reserves_no_memory() {
    let mut lab = signing::lab();
    lab.limits.max_metadata = 1 << 53;
    for victim in ["snapshot", "targets", "targets/a"] {
        lab.forge.pin(victim, |pin| pin["length"] = (1_u64 << 53).into());
    }
    lab.forge.bump("targets");
    lab.serve();
    lab.refresh().unwrap();
}

#[test]
fn ed_05_a_listed_length_is_an_upper_bound_and_the_hash_decides() {
    for victim in ["snapshot", "targets", "targets/a"] {
        let mut lab = lab_with_update();
        lab.forge.pin(victim, |pin| pin["length"] = json!(pin["length"].as_u64().unwrap() + 1000));
        lab.serve();
        let change = Arc::new(|file: Vec<u8>| [&file[..], b"\n"].concat());
        lab.server.misbehave(&lab.gun(), Fault::Mutate { role: role(victim), change });
        lab.refused("HASH_MISMATCH");
        lab.server.behave(&lab.gun());
        lab.refresh().unwrap();
    }
}

#[test]
fn ed_05_a_file_one_byte_longer_than_listed_is_refused() {
    for victim in ["snapshot", "targets", "targets/a"] {
        // From the server, and from the cache.
        for mut lab in [lab_with_update(), signing::lab()] {
            lab.forge.pin(victim, |pin| pin["length"] = json!(pin["length"].as_u64().unwrap() - 1));
            lab.forge.bump("timestamp");
            lab.serve();
            lab.refused("TOO_LARGE");
        }
    }
}

#[test]
fn ed_16_the_version_that_an_unverified_root_claims_bounds_no_loop() {
    let mut lab = Lab::trusting();
    let mut healthy = lab.forge.clone();
    lab.forge.bump("root");
    lab.forge.version("root", 2_147_483_647);
    // Nobody who may sign roots has signed this one.
    *lab.forge.keys("root") = vec![key("root")];
    let published = lab.serve();
    for version in 2..100 {
        let name = format!("{version}.root.json");
        lab.server.misbehave(&lab.gun(), Fault::Serve { name, bytes: published.newest("root") });
    }
    lab.server.clear_requests();
    lab.refused("ROOT_CHANGED");
    let roots = |lab: &Lab| lab.server.requests().iter().filter(|name| name.contains("root.json")).count();
    assert_eq!(roots(&lab), 1);
    for _ in 0..2 {
        healthy.bump("snapshot");
    }
    let healthy = healthy.build();
    lab.refused_and_kept("ROOT_CHANGED", &["root", "targets"], &healthy);
}

#[test]
fn ed_16_a_long_chain_of_roots_is_walked_in_bounded_parts() {
    let mut lab = Lab::trusting();
    for _ in 0..7 {
        lab.forge.bump("root");
    }
    lab.serve();
    lab.limits.max_root_rotations = 3;
    for reached in [4, 7] {
        lab.server.clear_requests();
        lab.refused("TOO_LARGE");
        assert_eq!(lab.kept("root"), lab.server.file(&lab.gun(), &format!("{reached}.root.json")));
        let walked = lab.server.requests().iter().filter(|name| name.ends_with(".root.json")).count();
        assert_eq!(walked, 4, "three that count, and one more that shows that these are not all");
    }
    let view = lab.refresh().unwrap();
    assert_eq!(Lab::version(&view, "root"), Some(8));
}

#[test]
fn ed_16_the_highest_version_has_no_successor() {
    let mut lab = Lab::new();
    lab.forge.version("root", 2_147_483_647);
    lab.serve();
    lab.refresh().unwrap();
    let mut thief = Forge::new(crate::lab::GUN);
    for _ in 0..3 {
        thief.bump("snapshot");
    }
    lab.server.serve(&thief.build());
    lab.refused("ROOT_CHANGED");
}
