//! ED: many entries, signatures and keys. What is legitimate takes linear time; the rest is
//! refused by a bound.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use data_encoding::BASE64;
use serde_json::{Value, json};
use tuf_notary::{
    crypto::{KeyKind, PublicKey},
    testkit::ForgeKey,
    view::View,
};

use crate::{
    lab::Lab,
    signing::{ROLES, Trial, key, lab},
    spki,
};

const DIGEST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Members for an object, each with a pin or target behind it.
fn entries(prefix: &str, count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        write!(text, "\"{prefix}{at:06}\":{{\"hashes\":{{\"sha256\":\"{DIGEST}\"}},\"length\":{at}}},")
            .unwrap();
    }
    text
}

/// What a first contact shows, and how long it takes, when `role` has `count` more entries
/// behind `mark`.
fn first_contact(role: &str, mark: &'static str, prefix: &str, count: usize) -> (View, Duration) {
    let mut lab = Lab::new();
    let more = format!("{mark}{}", entries(prefix, count));
    lab.forge.before_sign(role, move |text| text.replacen(mark, &more, 1));
    lab.serve();
    let begin = Instant::now();
    let view = lab.refresh().unwrap();
    (view, begin.elapsed())
}

/// Eight times the entries take eight times the time, or somewhat more, and not 64 times.
fn is_linear(eighth: Duration, whole: Duration) -> bool {
    whole < eighth * 40 + Duration::from_millis(200)
}

#[test]
fn ed_09_a_targets_file_with_75_000_entries_is_accepted_in_linear_time() {
    let refresh = |count| first_contact("targets", "\"targets\":{", "tag-", count);
    let ((_, eighth), (view, whole)) = (refresh(75_000 / 8), refresh(75_000));
    assert!(is_linear(eighth, whole), "{eighth:?}, then {whole:?}");
    assert_eq!(view.trusted().targets().body().targets.len(), 75_001);
    assert_eq!(view.target("tag-074999").unwrap().length(), 74_999);
}

#[test]
fn ed_10_a_snapshot_with_100_000_delegations_is_accepted_in_linear_time() {
    let refresh = |count| first_contact("snapshot", "\"meta\":{", "targets/r", count);
    let ((_, eighth), (view, whole)) = (refresh(100_000 / 8), refresh(100_000));
    assert!(is_linear(eighth, whole), "{eighth:?}, then {whole:?}");
    // None of them is delegated to, so none is asked for.
    assert_eq!(view.trusted().snapshot().body().delegated.len(), 100_000);
    assert!(view.trusted().delegated().is_empty());
}

#[test]
fn ed_10_all_targets_files_together_are_bounded() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "targets/a", &[ForgeKey::ed25519()], 1, &[""]);
    let published = lab.serve();
    let total = |role| u64::try_from(published.newest(role).len()).unwrap();
    lab.limits.max_total = total("targets") + total("targets/a") - 1;
    lab.refused("TOO_LARGE");
    lab.limits.max_total += 1;
    lab.refresh().unwrap();
    lab.refresh().expect("from the cache it counts the same");
}

#[test]
fn ed_10_more_delegations_than_the_limit_are_refused() {
    let delegating = |count: usize| {
        let mut lab = Lab::new();
        let keys = [ForgeKey::ed25519()];
        for at in 0..count {
            lab.forge.delegate("targets", &format!("targets/r{at}"), &keys, 1, &[""]);
        }
        lab.limits.max_delegations = 50;
        lab.serve();
        lab
    };
    delegating(50).refresh().unwrap();
    let lab = delegating(51);
    lab.refused("TOO_LARGE");
    assert_eq!(lab.kept("targets"), None);
}

#[test]
fn ed_11_more_signatures_than_the_limit_are_refused() {
    for (count, outcome) in [(1023, Ok(())), (1024, Err("TOO_LARGE")), (20_000, Err("TOO_LARGE"))] {
        let mut lab = lab();
        let junk = format!("{{\"keyid\":\"{}\",\"method\":\"ecdsa\",\"sig\":\"\"}},", "0".repeat(64));
        lab.forge.after_sign("targets", move |file| {
            let file = String::from_utf8(file).unwrap();
            let list = "\"signatures\":[";
            file.replacen(list, &(list.to_owned() + &junk.repeat(count)), 1).into_bytes()
        });
        lab.forge.bump("targets");
        lab.serve();
        let before = lab.kept("targets");
        assert_eq!(lab.refresh().map(|_| ()).map_err(|error| error.code()), outcome, "{count}");
        assert_eq!(outcome.is_err(), lab.kept("targets") == before);
    }
}

#[test]
fn ed_11_failed_signatures_under_one_key_are_bounded_and_do_not_spend_it() {
    for role in ROLES {
        let (a, b) = (key(role), key(role));
        let garbled = a.garbled();
        let after = |failures: usize| {
            let mut signers = vec![garbled.clone(); failures];
            signers.extend([a.clone(), b.clone()]);
            Trial { role, listed: vec![a.clone(), b.clone()], threshold: 2, signers }
        };
        after(7).accepted();
        after(8).refused();
    }
}

#[test]
fn ed_12_more_keys_in_a_role_than_the_limit_are_refused() {
    for role in ["root", "targets"] {
        for count in [1024, 20_000] {
            let mut lab = lab();
            let mut healthy = lab.forge.clone();
            lab.forge.bump("root");
            let ids = &mut lab.forge.doc("root")["roles"][role]["keyids"];
            let own = ids[0].clone();
            *ids = vec![own; count + 1].into();
            // Room for the larger one: it is the count that is refused.
            lab.limits.max_root = 16 << 20;
            lab.serve();
            for _ in 0..2 {
                healthy.bump("snapshot");
            }
            lab.refused_and_kept("TOO_LARGE", &["root"], &healthy.build());
        }
    }
    let mut lab = lab();
    lab.forge.bump("targets");
    let ids = &mut lab.forge.doc("targets")["delegations"]["roles"][0]["keyids"];
    let own = ids[0].clone();
    *ids = vec![own; 1025].into();
    lab.serve();
    lab.refused("TOO_LARGE");
}

#[test]
fn ed_12_more_keys_in_a_file_than_the_limit_are_refused() {
    let refresh = |count: usize| {
        let mut lab = lab();
        lab.limits.max_keys = 1_000;
        let ring = lab.forge.doc("targets")["delegations"]["keys"].as_object_mut().unwrap();
        for at in 1..count {
            // Nobody lists these, and reading them costs all the same.
            let public = BASE64.encode(&[[7; 24].as_slice(), &at.to_be_bytes()].concat());
            let key = json!({ "keytype": "ed25519", "keyval": { "private": null, "public": public } });
            ring.insert(format!("{at:064x}"), key);
        }
        lab.forge.bump("targets");
        lab.serve();
        lab.refresh().map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(refresh(1_000), Ok(()));
    assert_eq!(refresh(1_001), Err("TOO_LARGE"));
}

#[test]
fn ed_12_a_root_with_more_keys_than_the_limit_is_refused() {
    let root = |count: usize| {
        let mut lab = Lab::new();
        let root = lab.forge.doc("root");
        let key: Value = root["keys"].as_object().unwrap().values().next().unwrap().clone();
        for at in 4..count {
            root["keys"][format!("{at:064x}")] = key.clone();
        }
        lab.serve();
        lab
    };
    let mut lab = root(100);
    lab.limits.max_keys = 100;
    lab.refresh().unwrap();
    let mut lab = root(101);
    lab.limits.max_keys = 100;
    lab.refused("TOO_LARGE");
    // As many as this don't fit into a root by their size.
    let lab = root(7_000);
    lab.refused("TOO_LARGE");
    assert_eq!(lab.server.bytes_read(), lab.limits.max_root + 1);
    assert_eq!(lab.kept("root"), None);
}

#[test]
fn ed_12_an_rsa_key_of_64_kbit_counts_for_nothing() {
    for bits in [8200, 16_384, 65_536] {
        let public = PublicKey::new(KeyKind::Rsa, spki::rsa(bits));
        let (huge, good) = (ForgeKey::ecdsa().with_public(public), ForgeKey::ecdsa());
        Trial::new("targets", &[&huge, &good], 1, &[&huge.with_method("rsapss"), &good]).accepted();
        Trial::new("targets", &[&huge, &good], 2, &[&huge.with_method("rsapss"), &good]).refused();
    }
}
