//! ED: many entries, signatures and keys. What is legitimate takes linear time; the rest is refused by a
//! bound.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use data_encoding::BASE64;
use serde_json::{Value, json};
use tuf_notary::{
    testkit::{TufForge, TufForgeKey},
    verify::TrustedSet,
};

use crate::{
    lab::{FOUR, Lab, keys},
    signing::{ROLES, Trial, load, with_team},
    spki,
};

/// What a first contact shows, and how long it takes, when `role` has `count` more entries behind `mark`.
fn first_contact(role: &str, mark: &'static str, suffix: &str, count: usize) -> (Lab, TrustedSet, Duration) {
    let mut more = mark.to_owned();
    for at in 0..count {
        let digest = "ab".repeat(32);
        write!(
            more,
            "\"r{at:06}{suffix}\":{{\"hashes\":{{\"sha256\":\"{digest}\"}},\"length\":{at},\"version\":1}},"
        )
        .unwrap();
    }
    let mut lab = Lab::new();
    lab.forge.before_sign(role, move |text| text.replacen(mark, &more, 1));
    lab.serve();
    let begin = Instant::now();
    let set = lab.refresh().unwrap();
    (lab, set, begin.elapsed())
}

/// Eight times the entries take eight times the time, or somewhat more, and not 64 times.
fn is_linear(eighth: Duration, whole: Duration) -> bool {
    whole < eighth * 40 + Duration::from_millis(200)
}

#[test]
fn ed_09_a_targets_file_with_75_000_entries_is_accepted_in_linear_time() {
    let refresh = |count| first_contact("targets", "\"targets\":{", "", count);
    let ((_, _, eighth), (lab, set, whole)) = (refresh(75_000 / 8), refresh(75_000));
    assert!(is_linear(eighth, whole), "{eighth:?}, then {whole:?}");
    assert_eq!(set.targets().body().targets.len(), 75_001);
    assert_eq!(lab.find("r074999").unwrap().unwrap().length(), 74_999);
}

#[test]
fn ed_10_a_snapshot_with_100_000_roles_is_accepted_in_linear_time() {
    let refresh = |count| first_contact("snapshot", "\"meta\":{", ".json", count);
    let ((_, _, eighth), (lab, set, whole)) = (refresh(100_000 / 8), refresh(100_000));
    assert!(is_linear(eighth, whole), "{eighth:?}, then {whole:?}");
    // None of them is delegated to, so none is asked for.
    assert_eq!(set.snapshot().body().delegated.len(), 100_000);
    assert!(lab.find("x").unwrap().is_none());
    assert!(lab.requests().iter().all(|name| !name.contains("r0")));
}

#[test]
fn ed_10_all_files_of_one_look_up_together_are_bounded() {
    let mut forge = TufForge::new();
    for role in ["one", "two"] {
        forge.delegate("targets", role, &keys::<1>(), 1, &["*"]);
    }
    forge.add_target("two", "found", b"x");
    let published = forge.build();
    let total: u64 = ["targets", "one", "two"].iter().map(|role| published.newest(role).len() as u64).sum();
    let mut lab = Lab::of(forge);
    lab.limits.max_total = total - 1;
    lab.not_found("found", "TOO_LARGE");
    lab.limits.max_total = total;
    lab.find("found").unwrap().unwrap();
    lab.find("found").expect("from the cache it counts the same").unwrap();
}

#[test]
fn ed_10_more_delegations_than_the_limit_are_refused() {
    let delegating = |count: usize| {
        let (mut forge, keys) = (TufForge::new(), keys::<1>());
        for at in 0..count {
            forge.delegate("targets", &format!("r{at}"), &keys, 1, &["*"]);
        }
        let mut lab = Lab::of(forge);
        lab.limits.max_listed_delegations = 50;
        lab
    };
    delegating(50).refresh().unwrap();
    let lab = delegating(51);
    lab.refused("TOO_LARGE");
    assert_eq!(lab.kept("targets"), None);
}

#[test]
fn ed_11_more_signatures_than_the_limit_are_refused() {
    for role in ROLES {
        for (count, is_accepted) in [(1000, true), (1024, false), (20_000, false)] {
            let [a] = &keys();
            let junk = move |list: &mut Vec<Value>| {
                list.extend((0..count).map(|at| json!({ "keyid": format!("{at:064x}"), "sig": "00" })));
            };
            let trial = Trial::new(role, &[a], 1, &[a]).with_signatures(junk);
            if is_accepted { trial.accepted() } else { trial.refused("TOO_LARGE") }
        }
    }
}

#[test]
fn ed_11_failed_signatures_under_one_key_are_bounded_and_do_not_spend_it() {
    for role in ROLES {
        let [a, b] = &keys();
        let aliases: Vec<_> = (0..8).map(|at| a.with_id(&format!("alias {at}"))).collect();
        let garbled: Vec<_> = aliases.iter().map(TufForgeKey::garbled).collect();
        let after = |failures: usize| {
            let listed: Vec<_> = aliases.iter().chain([a, b]).collect();
            let signers: Vec<_> = garbled[..failures].iter().chain([a, b]).collect();
            Trial::new(role, &listed, 2, &signers)
        };
        after(7).accepted();
        after(8).refused("THRESHOLD");
    }
}

#[test]
fn ed_12_more_keys_in_a_role_than_the_limit_are_refused() {
    for role in FOUR {
        for (count, code) in [(1024, None), (1025, Some("TOO_LARGE")), (20_000, Some("TOO_LARGE"))] {
            let mut lab = Lab::trusting();
            lab.limits.max_root = 16 << 20;
            lab.forge.bump("root");
            let ids = lab.forge.doc("root")["roles"][role]["keyids"].as_array_mut().unwrap();
            ids.extend((1..count).map(|at| json!(format!("{at:064x}"))));
            lab.serve();
            match code {
                None => drop(lab.refresh().unwrap()),
                Some(code) => drop(lab.refused(code)),
            }
        }
    }
    let mut lab = Lab::of(with_team());
    lab.forge.change_delegation("targets", "team", |entry| {
        let ids = entry["keyids"].as_array_mut().unwrap();
        ids.extend((1..1025).map(|at| json!(format!("{at:064x}"))));
    });
    lab.serve();
    lab.refused("TOO_LARGE");
}

#[test]
fn ed_12_more_keys_in_a_file_than_the_limit_are_refused() {
    for (more, is_accepted) in [(96, true), (97, false)] {
        let mut forge = TufForge::new();
        let key = forge.keys("root")[0].to_json().clone();
        for at in 0..more {
            forge.doc("root")["keys"][format!("{at:064x}")] = key.clone();
        }
        let mut lab = Lab::of(forge);
        lab.limits.max_keys = 100;
        assert_eq!(lab.refresh().is_ok(), is_accepted);
    }
    for (more, is_accepted) in [(99, true), (100, false)] {
        let mut forge = with_team();
        for at in 0..more {
            forge.doc("targets")["delegations"]["keys"][format!("{at:064x}")] =
                json!({ "keytype": "x", "keyval": {}, "scheme": "x" });
        }
        let mut lab = Lab::of(forge);
        lab.limits.max_keys = 100;
        assert_eq!(load(&lab).map_err(|error| error.code()).err(), (!is_accepted).then_some("TOO_LARGE"));
    }
}

#[test]
fn ed_12_an_rsa_key_of_64_kbit_counts_for_nothing() {
    for bits in [8200, 16_384, 65_536] {
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            BASE64.encode(&spki::rsa(bits))
        );
        let listed = json!({ "keytype": "rsa", "keyval": { "public": pem }, "scheme": "rsassa-pss-sha256" });
        let (huge, good) = (&TufForgeKey::ed25519().listed_as(listed), &TufForgeKey::ed25519());
        for role in ["root", "team"] {
            Trial::new(role, &[huge, good], 1, &[huge, good]).accepted();
            Trial::new(role, &[huge, good], 2, &[huge, good]).refused("THRESHOLD");
        }
    }
}
