//! KROT: who may replace the root, and what a replaced key is still good for.

use std::time::Duration;

use crate::facade::Collection;
use data_encoding::BASE64;
use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    crypto::KeyKind,
    keys::{KeyRole, KeyStore as _, MemoryKeys},
    name::Slot,
    store::MetadataStore as _,
    testkit::{Fault, Forge, ForgeKey},
};

use crate::lab::{GUN, Lab};

const DAY: Duration = Duration::from_secs(86_400);

fn keys(count: usize) -> Vec<ForgeKey> {
    (0..count).map(|_| ForgeKey::certificate(GUN)).collect()
}

/// A client that trusts a root with these keys, of which `threshold` have signed.
fn trusting(keys: &[ForgeKey], threshold: u32) -> Lab {
    let mut lab = Lab::new();
    lab.forge.set_keys("root", keys, threshold);
    lab.serve();
    lab.refresh().unwrap();
    lab
}

fn version_of_root(lab: &Lab) -> Option<u64> {
    Lab::version(&lab.refresh().unwrap(), "root")
}

#[test]
fn krot_01_root_signed_by_new_keys_only_is_refused() {
    let mut lab = Lab::trusting();
    lab.forge.rotate_root(&keys(1), 1);
    let healthy = lab.forge.build();
    lab.forge.keys("root").remove(0);
    lab.serve();
    lab.refused_and_kept("ROOT_CHANGED", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn krot_02_root_signed_by_old_keys_only_is_refused() {
    let mut lab = Lab::trusting();
    lab.forge.rotate_root(&keys(1), 1);
    let healthy = lab.forge.build();
    lab.forge.keys("root").pop();
    lab.serve();
    lab.refused_and_kept("THRESHOLD", &["root", "snapshot", "targets"], &healthy);
}

#[test]
fn krot_04_all_keys_replaced_by_three_of_five_is_accepted() {
    let (old, new) = (keys(5), keys(5));
    let mut lab = trusting(&old, 3);
    lab.forge.rotate_root(&new, 3);
    let signers = |of_old: usize| [&old[5 - of_old..], &new[2..]].concat();
    *lab.forge.keys("root") = signers(3);
    let healthy = lab.forge.build();
    *lab.forge.keys("root") = signers(2);
    lab.serve();
    lab.refused_and_kept("ROOT_CHANGED", &["root"], &healthy);
    assert_eq!(version_of_root(&lab), Some(2));
}

#[test]
fn krot_05_raised_threshold_that_is_not_met_is_refused() {
    let key = keys(1);
    let mut lab = trusting(&key, 1);
    lab.forge.rotate_root(&[key[0].clone(), ForgeKey::certificate(GUN)], 2);
    let healthy = lab.forge.build();
    *lab.forge.keys("root") = key;
    lab.serve();
    lab.refused_and_kept("THRESHOLD", &["root"], &healthy);
}

#[test]
fn krot_06_lowered_threshold_does_not_lower_that_of_the_old_root() {
    let two = keys(2);
    let mut lab = trusting(&two, 2);
    lab.forge.rotate_root(&two[..1], 1);
    let healthy = lab.forge.build();
    lab.forge.keys("root").truncate(1);
    lab.serve();
    lab.refused_and_kept("ROOT_CHANGED", &["root"], &healthy);
}

#[test]
fn krot_07_skipped_versions_are_walked_one_by_one() {
    let mut lab = Lab::trusting();
    for _ in 0..4 {
        lab.forge.rotate_root(&keys(1), 1);
    }
    let published = lab.serve();
    lab.server.clear_requests();
    assert_eq!(version_of_root(&lab), Some(5));
    assert_eq!(lab.kept("root"), Some(published.newest("root")));
    let roots: Vec<_> = lab.server.requests().into_iter().filter(|it| it.contains("root")).collect();
    assert_eq!(roots, (2..=6).map(|version| format!("GET {version}.root.json")).collect::<Vec<_>>());
}

#[test]
fn krot_07_a_root_under_another_number_is_refused() {
    for served in [1, 3] {
        let mut lab = Lab::trusting();
        let before = lab.forge.build();
        // Each is signed by the keys of version 1, so that only the number is wrong.
        for _ in 0..2 {
            lab.forge.bump("root");
        }
        let healthy = lab.serve();
        let bytes = match served {
            1 => before.newest("root"),
            _ => healthy.newest("root"),
        };
        lab.server.misbehave(&lab.gun(), Fault::Serve { name: "2.root.json".to_owned(), bytes });
        lab.refused_and_kept("ROOT_CHANGED", &["root"], &healthy);
    }
}

#[test]
fn krot_08_a_bad_link_is_not_jumped_over() {
    let first = keys(1);
    let mut lab = trusting(&first, 1);
    lab.forge.rotate_root(&keys(1), 1);
    lab.forge.rotate_root(&keys(1), 1);
    let mut good = lab.forge.clone();
    good.rotate_root(&first, 1);
    let healthy = good.build();
    // Version 3 without the keys of version 2; version 4 with those of 1 and 3.
    lab.forge.keys("root").remove(0);
    lab.forge.rotate_root(&first, 1);
    lab.serve();
    lab.server.clear_requests();
    lab.refused("ROOT_CHANGED");
    assert_eq!(lab.server.requests().last().unwrap(), "GET 3.root.json");
    lab.refused_and_kept("ROOT_CHANGED", &["root"], &healthy);
    assert_eq!(version_of_root(&lab), Some(4));
}

#[test]
fn krot_09_signatures_of_former_and_unknown_keys_do_no_harm() {
    let first = keys(1);
    let mut lab = trusting(&first, 1);
    lab.forge.rotate_root(&keys(1), 1);
    lab.forge.rotate_root(&keys(1), 1);
    let signers = lab.forge.keys("root");
    signers.insert(0, first[0].clone());
    signers.insert(0, ForgeKey::certificate(GUN));
    lab.serve();
    assert_eq!(version_of_root(&lab), Some(3));
}

#[test]
fn krot_10_cached_file_of_a_revoked_key_is_refused_though_it_is_pinned() {
    for role in ["targets", "snapshot", "timestamp"] {
        let mut lab = Lab::trusting();
        let key = ForgeKey::ecdsa();
        lab.forge.bump("root");
        lab.forge.list_keys(role, std::slice::from_ref(&key), 1);
        lab.serve();
        lab.server.clear_requests();
        let mut good = lab.forge.clone();
        good.set_keys(role, &[key], 1);
        good.bump(role);
        lab.refused_and_kept("THRESHOLD", &["targets"], &good.build());
        let asked = lab.server.requests();
        assert!(asked.contains(&"GET 2.root.json".to_owned()), "{asked:?}");
    }
}

/// Notary's servers store 31 bits: no version comes after it.
const LAST: u64 = (1 << 31) - 1;

#[test]
fn krot_16_locked_out_by_the_last_version_until_the_stolen_key_is_replaced() {
    for role in ["timestamp", "snapshot"] {
        let mut lab = Lab::trusting();
        let mut thief = lab.forge.clone();
        thief.bump(role);
        thief.version(role, LAST);
        lab.server.serve(&thief.build());
        lab.refresh().unwrap();
        for _ in 0..3 {
            lab.forge.bump(role);
        }
        lab.serve();
        lab.refused("ROLLBACK");
        let mut beyond = thief.clone();
        beyond.version(role, LAST + 1);
        beyond.version("timestamp", if role == "timestamp" { LAST + 1 } else { 4 });
        lab.server.serve(&beyond.build());
        lab.refused("MALFORMED");
        lab.forge.rotate(role, &[ForgeKey::ecdsa()], 1);
        lab.forge.bump(role);
        lab.serve();
        let view = lab.refresh().unwrap();
        assert!(Lab::version(&view, role).is_some_and(|version| version < 10), "{role}");
        // The way back is open once: the new key's versions are floors again.
        lab.forge.version(role, 1);
        lab.forge.version("timestamp", if role == "timestamp" { 1 } else { 20 });
        lab.serve();
        lab.refused("ROLLBACK");
    }
}

#[test]
fn krot_16_another_key_beside_the_stolen_one_does_not_lower_the_floor() {
    let mut lab = Lab::trusting();
    let stolen = lab.forge.keys("timestamp").clone();
    for _ in 0..5 {
        lab.forge.bump("timestamp");
    }
    lab.serve();
    lab.refresh().unwrap();
    lab.forge.rotate("timestamp", &[stolen[0].clone(), ForgeKey::ecdsa()], 1);
    lab.forge.version("timestamp", 2);
    lab.serve();
    lab.refused("ROLLBACK");
}

/// The file names the revoked key first, so that it alone was counted for the threshold.
#[test]
fn krot_16_a_version_that_a_remaining_key_has_signed_too_stays_the_floor() {
    for recorded in [true, false] {
        let (revoked, remaining) = (ForgeKey::ecdsa(), ForgeKey::ecdsa());
        let mut lab = Lab::new();
        lab.forge.set_keys("targets", &[revoked, remaining.clone()], 1);
        lab.forge.version("targets", 5);
        lab.serve();
        lab.refresh().unwrap();
        if !recorded {
            lab.store.remove(&Slot::Record).unwrap();
        }
        lab.forge.bump("root");
        lab.forge.list_keys("targets", &[remaining], 1);
        lab.forge.build();
        let mut good = lab.forge.clone();
        lab.forge.version("targets", 4);
        lab.serve();
        for _ in 0..2 {
            good.bump("snapshot");
        }
        lab.refused_and_kept("ROLLBACK", &["targets"], &good.build());
    }
}

/// The answer to a question for a key.
fn answer(kind: &str, public: &[u8]) -> Vec<u8> {
    let public = BASE64.encode(public);
    format!(r#"{{"keytype":"{kind}","keyval":{{"public":"{public}","private":null}}}}"#).into_bytes()
}

/// Where the server's key may come into a root.
#[test]
fn krot_17_a_bad_key_of_the_server_publishes_nothing() {
    let ours = MemoryKeys::new();
    let root = ours.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap().public_key().clone();
    let (ed25519, ecdsa) = (ForgeKey::ed25519(), ForgeKey::ecdsa());
    let certificate = ForgeKey::certificate(GUN);
    let short = &ed25519.public().published()[1..];
    for (what, key, code) in [
        ("nothing", Vec::new(), "MALFORMED"),
        ("no key", b"{}".to_vec(), "MALFORMED"),
        ("a page", b"<html></html>".to_vec(), "MALFORMED"),
        ("two", [answer("ecdsa", ecdsa.public().published()), b"{}".to_vec()].concat(), "MALFORMED"),
        ("an unknown kind", answer("dilithium", ed25519.public().published()), "SERVER_KEY"),
        ("a byte too few", answer("ed25519", short), "SERVER_KEY"),
        ("another kind's bytes", answer("ed25519", ecdsa.public().published()), "SERVER_KEY"),
        ("no point", answer("ecdsa", &[0; 91]), "SERVER_KEY"),
        ("a certificate", answer("ecdsa-x509", certificate.public().published()), "SERVER_KEY"),
        ("our own key", answer("ecdsa", root.published()), "SERVER_KEY"),
    ] {
        for snapshot in [SnapshotKey::Local, SnapshotKey::Server] {
            let lab = Lab::new();
            lab.server.misbehave(&lab.gun(), Fault::Key(key.clone()));
            let collection = Collection::builder(lab.gun(), lab.trust.clone())
                .transport(lab.server.transport(&lab.gun()))
                .keys(ours.clone())
                .clock({
                    let now = lab.now;
                    move || now
                });
            let plan = Initialise::new().snapshot_key(snapshot);
            let error = collection.build().initialise(&plan).unwrap_err();
            assert_eq!(error.code(), code, "{what}: {error}");
            let asked = lab.server.requests();
            assert!(asked.iter().all(|it| !it.starts_with("POST")), "{what}: {asked:?}");
        }
    }
}

/// No call asks for more: only timestamp and snapshot can be the server's, and timestamp always is.
#[test]
fn krot_18_root_and_targets_are_never_the_servers() {
    for (snapshot, asked, made) in
        [(SnapshotKey::Local, vec!["timestamp"], 3), (SnapshotKey::Server, vec!["timestamp", "snapshot"], 2)]
    {
        let (lab, keys) = (Lab::new(), MemoryKeys::new());
        let collection = Collection::builder(lab.gun(), lab.trust.clone())
            .transport(lab.server.transport(&lab.gun()))
            .keys(keys.clone())
            .clock({
                let now = lab.now;
                move || now
            })
            .build();
        let view = collection.initialise(&Initialise::new().snapshot_key(snapshot)).unwrap();
        let requests = lab.server.requests();
        let mut of_server: Vec<_> =
            requests.iter().filter_map(|it| it.strip_prefix("GET ")?.strip_suffix(".key")).collect();
        of_server.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(of_server, asked, "{requests:?}");
        let ours: Vec<_> = keys.list().unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(ours.len(), made);
        for status in view.roles() {
            let is_ours = status.keys.iter().all(|key| ours.contains(&key.canonical_id));
            assert_eq!(is_ours, !asked.contains(&status.role.as_str()), "{}", status.role);
        }
    }
}

#[test]
fn an_anchor_whose_certificate_has_expired_still_vouches_for_its_successor() {
    let short = ForgeKey::certificate_with(Forge::now() - DAY, Forge::now() + DAY, GUN);
    let mut lab = trusting(std::slice::from_ref(&short), 1);
    lab.now = Forge::now() + 3 * DAY;
    lab.refresh().expect("the anchor is still trusted");
    lab.forge.rotate_root(&keys(1), 1);
    lab.serve();
    assert_eq!(version_of_root(&lab), Some(2));
}

#[test]
fn a_new_key_in_an_expired_certificate_is_refused_and_an_old_one_goes_on() {
    let expired = |key: &ForgeKey| key.certified_with(Forge::now() - 2 * DAY, Forge::now() - DAY, GUN);
    let old = keys(1);
    let mut lab = trusting(&old, 1);
    let mut good = lab.forge.clone();
    good.rotate_root(&[expired(&old[0])], 1);
    lab.forge.rotate_root(&[expired(&ForgeKey::ecdsa())], 1);
    lab.serve();
    lab.refused_and_kept("EXPIRED", &["root"], &good.build());
}

/// Its holder could not sign this root, so he can't replace it either.
#[test]
fn a_key_certified_for_another_collection_does_not_vouch_for_a_successor() {
    let stranger = ForgeKey::certificate("registry.example.com/team/other");
    let plain = ForgeKey::ecdsa();
    for holder in [stranger, plain] {
        let owner = ForgeKey::certificate(GUN);
        let mut lab = Lab::new();
        lab.forge.list_keys("root", &[owner.clone(), holder.clone()], 1);
        *lab.forge.keys("root") = vec![owner];
        lab.serve();
        lab.refresh().unwrap();
        let mut good = lab.forge.clone();
        good.rotate_root(&keys(1), 1);
        lab.forge.rotate_root(&keys(1), 1);
        lab.forge.keys("root").remove(0);
        lab.serve();
        lab.refused_and_kept("ROOT_CHANGED", &["root"], &good.build());
    }
}
