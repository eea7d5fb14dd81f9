//! RB: older files, validly signed.

use std::{slice, time::Duration};

use tuf_notary::{
    name::{KeyId, RoleName, Slot},
    store::MetadataStore,
    testkit::{Fault, Forge, ForgeKey},
    verify::{Notice, Trust},
    view::View,
};

use crate::lab::{GUN, Lab};

const RELEASES: &str = "targets/releases";
/// Expiries of three lengths: one file comes out smaller than, as large as, or larger than another.
const SHORT: &str = "2026-12-05T12:00:00Z";
const MIDDLE: &str = "2026-12-05T12:00:00.5Z";
const LONG: &str = "2026-12-05T12:00:00.555Z";

/// A collection with a delegation, as Docker makes it.
fn with_releases() -> Lab {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", RELEASES, &[ForgeKey::ecdsa()], 1, &[""]);
    lab.serve();
    lab
}

/// Notary's own client writes no record: its folders hold the files only.
fn lose_record(lab: &Lab) {
    lab.store.remove(&Slot::Record).unwrap();
}

/// Raises what pins a role's file, as a server does that holds the keys for it.
fn raise_above(forge: &mut Forge, role: &str) {
    let above = if matches!(role, "snapshot" | "timestamp") { "timestamp" } else { "snapshot" };
    for _ in 0..3 {
        forge.bump(above);
    }
}

fn equivocations(view: &View) -> Vec<&str> {
    view.notices()
        .iter()
        .filter_map(|notice| match notice {
            Notice::Equivocation { role, before, now, .. } => {
                assert_ne!(before, now);
                Some(role.as_str())
            }
            _ => None,
        })
        .collect()
}

/// The client knows version 3 of a role and is offered version 2, which expires at `expires`.
fn replay(role: &str, expires: &str, has_record: bool) {
    let mut lab = with_releases();
    lab.forge.expires(role, MIDDLE);
    lab.forge.bump(role);
    lab.serve();
    let mut old = lab.forge.clone();
    old.expires(role, expires);
    lab.forge.bump(role);
    let new = lab.serve();
    lab.refresh().unwrap();
    if !has_record {
        lose_record(&lab);
    }
    if role != "timestamp" {
        raise_above(&mut old, role);
        raise_above(&mut lab.forge, role);
    }
    let replayed = old.build();
    let sizes = [replayed.newest(role).len(), new.newest(role).len()];
    match expires {
        SHORT => assert!(sizes[0] < sizes[1]),
        MIDDLE => assert_eq!(sizes[0], sizes[1]),
        _ => assert!(sizes[0] > sizes[1]),
    }
    lab.server.serve(&replayed);
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &[role], &healthy);
}

fn replay_in_all_sizes(role: &str) {
    for expires in [SHORT, MIDDLE, LONG] {
        replay(role, expires, true);
        replay(role, expires, false);
    }
}

#[test]
fn rb_02_replayed_older_timestamp_is_refused() {
    let mut lab = Lab::new();
    let old = lab.serve();
    lab.forge.bump("timestamp");
    let new = lab.serve();
    lab.refresh().unwrap();
    lab.server.serve(&old);
    lab.server.clear_requests();
    lab.refused("ROLLBACK");
    assert_eq!(lab.server.requests(), ["GET timestamp.json"]);
    lab.refused_and_kept("ROLLBACK", &["timestamp", "snapshot", "targets"], &new);
}

#[test]
fn rb_02_older_timestamps_and_snapshots_of_any_size_are_refused() {
    replay_in_all_sizes("timestamp");
    replay_in_all_sizes("snapshot");
}

#[test]
fn rb_11_two_contents_of_one_version_are_accepted_and_reported() {
    let lab = Lab::trusting();
    let mut fork = lab.forge.clone();
    fork.add_tag("targets", "v1", 9, 9);
    lab.server.serve(&fork.build());
    let view = lab.refresh().unwrap();
    assert_eq!(equivocations(&view), ["timestamp", "snapshot", "targets"]);
    assert_eq!(view.target("v1").unwrap().length(), 9);
    assert_eq!(equivocations(&lab.refresh().unwrap()), [""; 0], "told once");
}

#[test]
fn rb_11_an_equivocating_delegation_is_reported() {
    let mut lab = with_releases();
    lab.refresh().unwrap();
    lab.forge.add_tag(RELEASES, "v1", 9, 9);
    lab.forge.bump("snapshot");
    lab.serve();
    assert_eq!(equivocations(&lab.refresh().unwrap()), [RELEASES]);
}

#[test]
fn rb_12_older_targets_of_any_size_are_refused() {
    replay_in_all_sizes("targets");
}

#[test]
fn rb_13_older_delegations_of_any_size_are_refused() {
    replay_in_all_sizes(RELEASES);
}

#[test]
fn rb_13_an_older_delegation_below_a_new_parent_is_refused() {
    for has_record in [true, false] {
        let mut lab = with_releases();
        let mut old = lab.forge.clone();
        lab.forge.bump(RELEASES);
        lab.serve();
        lab.refresh().unwrap();
        if !has_record {
            lose_record(&lab);
        }
        // The cached targets file is replaced first; that of the delegation still counts.
        old.add_tag("targets", "v2", 2, 2);
        for _ in 0..3 {
            old.bump("targets");
            lab.forge.bump("targets");
        }
        lab.server.serve(&old.build());
        let healthy = lab.forge.build();
        lab.refused_and_kept("ROLLBACK", &[RELEASES], &healthy);
    }
}

#[test]
fn rb_13_a_delegation_that_needs_more_keys_now_is_still_held_to_its_floor() {
    let (one, two) = (ForgeKey::ecdsa(), ForgeKey::ecdsa());
    let mut lab = Lab::new();
    lab.forge.delegate("targets", RELEASES, slice::from_ref(&one), 1, &[""]);
    lab.serve();
    let mut old = lab.forge.clone();
    lab.forge.bump(RELEASES);
    lab.serve();
    lab.refresh().unwrap();
    lose_record(&lab);
    // Only the outdated parent can vouch for the cached file, which has one signature.
    for forge in [&mut old, &mut lab.forge] {
        forge.set_keys(RELEASES, &[one.clone(), two.clone()], 2);
        forge.bump("targets");
        forge.bump("targets");
    }
    lab.server.serve(&old.build());
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &[RELEASES], &healthy);
}

/// The client knows targets version 2; the server goes back to version 1.
fn rolled_back_targets() -> Lab {
    let mut lab = Lab::new();
    lab.serve();
    let mut old = lab.forge.clone();
    lab.forge.bump("targets");
    lab.serve();
    lab.refresh().unwrap();
    raise_above(&mut old, "targets");
    raise_above(&mut lab.forge, "targets");
    lab.server.serve(&old.build());
    lab
}

#[test]
fn rb_14_the_record_holds_the_floor_of_damaged_and_deleted_files() {
    let mut damaged = rolled_back_targets();
    damaged.plant("targets", b"{}");
    let healthy = damaged.forge.build();
    damaged.refused_and_kept("ROLLBACK", &["targets"], &healthy);

    let mut deleted = rolled_back_targets();
    deleted.steal("targets");
    let healthy = deleted.forge.build();
    deleted.refused_and_kept("ROLLBACK", &["targets"], &healthy);
}

#[test]
fn rb_14_a_lost_floor_is_reported() {
    for content in [None, Some(b"{}")] {
        let lab = rolled_back_targets();
        lose_record(&lab);
        match content {
            Some(bytes) => lab.plant("targets", bytes),
            None => lab.steal("targets"),
        }
        let view = lab.refresh().unwrap();
        assert_eq!(Lab::version(&view, "targets"), Some(1));
        assert!(
            view.notices().contains(&Notice::FloorLost { role: RoleName::Targets }),
            "{:?}",
            view.notices()
        );
    }
}

#[test]
fn rb_14_the_lost_floor_of_a_delegation_is_reported() {
    let lab = with_releases();
    lab.refresh().unwrap();
    lose_record(&lab);
    lab.plant(RELEASES, b"{}");
    let view = lab.refresh().unwrap();
    assert!(
        view.notices().contains(&Notice::FloorLost { role: RoleName::releases() }),
        "{:?}",
        view.notices()
    );
}

#[test]
fn rb_14_a_first_use_that_was_broken_off_loses_no_floor() {
    let mut lab = Lab::new();
    lab.serve();
    lab.server.misbehave(&lab.gun(), Fault::Fail { role: Some(RoleName::Timestamp), status: 503 });
    lab.refused("SERVER_ERROR");
    lab.server.behave(&lab.gun());
    lab.now += Duration::from_secs(60);
    assert_eq!(lab.refresh().unwrap().notices(), []);
}

#[test]
fn rb_15_a_rotated_key_frees_from_the_floor_of_its_own_role_only() {
    for has_record in [true, false] {
        let mut lab = rolled_back_targets();
        if !has_record {
            lose_record(&lab);
        }
        lab.forge.rotate("targets", &[ForgeKey::ecdsa()], 1);
        lab.forge.version("targets", 1);
        lab.serve();
        assert_eq!(Lab::version(&lab.refresh().unwrap(), "targets"), Some(1), "targets was rotated");
    }
}

/// The record of before the crash names a higher version, by a key that was revoked since: it binds
/// nobody, and the cached file does.
#[test]
fn rb_14_a_crash_before_the_record_does_not_free_from_the_floor_of_a_new_key() {
    let mut lab = Lab::new();
    lab.forge.version("targets", 10);
    lab.serve();
    lab.refresh().unwrap();
    let record = lab.store.read(&Slot::Record, u64::MAX).unwrap().unwrap();
    lab.forge.rotate("targets", &[ForgeKey::ecdsa()], 1);
    lab.forge.version("targets", 2);
    lab.forge.build(); // both have the same root
    let mut older = lab.forge.clone();
    lab.forge.version("targets", 3);
    lab.forge.bump("snapshot");
    lab.serve();
    lab.refresh().unwrap();
    lab.store.write(&Slot::Record, &record).unwrap();
    raise_above(&mut older, "targets");
    lab.server.serve(&older.build());
    lab.refused("ROLLBACK");
}

/// Two keys vouched for the newer file, and one of them is revoked: the other one still does.
#[test]
fn rb_15_the_floor_holds_while_another_signer_is_left() {
    let keys = [ForgeKey::ecdsa(), ForgeKey::ecdsa()];
    for stays in 0..2 {
        let mut lab = Lab::new();
        lab.forge.set_keys("targets", &keys, 1);
        lab.forge.version("targets", 2);
        lab.serve();
        lab.refresh().unwrap();
        lab.forge.bump("root");
        lab.forge.set_keys("targets", &keys[stays..=stays], 1);
        lab.forge.version("targets", 1);
        raise_above(&mut lab.forge, "targets");
        lab.serve();
        lab.refused("ROLLBACK");
    }
}

#[test]
fn rb_15_new_roots_that_keep_the_key_keep_the_floor() {
    for has_record in [true, false] {
        for change in 0..3 {
            let mut lab = Lab::new();
            lab.serve();
            let mut old = lab.forge.clone();
            lab.forge.bump("targets");
            lab.serve();
            lab.refresh().unwrap();
            if !has_record {
                lose_record(&lab);
            }
            let mut keys = old.keys("targets").clone();
            if change == 0 {
                old.rotate("snapshot", &[ForgeKey::ecdsa()], 1);
            } else {
                // Another key beside the old one; in the last case both must sign.
                old.bump("root");
                keys.push(ForgeKey::ecdsa());
                old.set_keys("targets", &keys, change);
            }
            raise_above(&mut old, "targets");
            lab.server.serve(&old.build());
            lab.refused("ROLLBACK");
        }
    }
}

#[test]
fn rb_16_an_older_root_in_place_of_the_next_is_refused() {
    let mut lab = Lab::trusting();
    let first = lab.kept("root").unwrap();
    lab.forge.bump("root");
    let healthy = lab.serve();
    lab.server.misbehave(&lab.gun(), Fault::Serve { name: "2.root.json".to_owned(), bytes: first });
    lab.refused_and_kept("ROOT_CHANGED", &["root"], &healthy);
}

#[test]
fn rb_16_an_older_root_at_a_second_first_contact_is_refused() {
    let mut lab = Lab::new();
    let id = KeyId::new(&lab.forge.keys("root")[0].id()).unwrap();
    lab.trust = Trust::Certificates(vec![id]);
    let old = lab.serve();
    lab.forge.bump("root");
    lab.serve();
    lab.refresh().unwrap();
    lab.steal("root");
    lab.server.serve(&old);
    let healthy = lab.forge.build();
    lab.refused_and_kept("ROLLBACK", &["root", "timestamp"], &healthy);
}

/// A client that trusted root version 3; the keys of timestamp, snapshot and targets in version 1
/// are revoked. Returns also what the thief of those keys serves.
fn rotated_twice() -> (Lab, Forge) {
    let mut lab = Lab::new();
    lab.serve();
    let stolen = lab.forge.clone();
    for _ in 0..2 {
        let key = ForgeKey::certificate(GUN);
        lab.forge.rotate_root(&[key], 1);
    }
    for role in ["timestamp", "snapshot", "targets"] {
        lab.forge.set_keys(role, &[ForgeKey::ecdsa()], 1);
    }
    (lab, stolen)
}

#[test]
fn rb_16_an_older_root_put_into_the_cache_is_left_behind() {
    for withheld in ["2.root.json", "3.root.json"] {
        let (mut lab, mut stolen) = rotated_twice();
        lab.server.serve(&stolen.build());
        lab.refresh().unwrap();
        let first = lab.kept("root").unwrap();
        let healthy = lab.serve();
        lab.refresh().unwrap();
        lab.plant("root", &first);
        stolen.bump("targets");
        lab.server.serve(&stolen.build());
        lab.server.misbehave(&lab.gun(), Fault::Withhold { name: withheld.to_owned() });
        lab.refused_and_kept("ROLLBACK", &["timestamp", "snapshot", "targets"], &healthy);
        assert_eq!(lab.kept("root").unwrap(), healthy.newest("root"));
    }
}

#[test]
fn rb_16_a_given_root_does_not_undo_later_ones() {
    for (withheld, has_record) in
        [("2.root.json", true), ("3.root.json", true), ("2.root.json", false), ("3.root.json", false)]
    {
        let (mut lab, mut stolen) = rotated_twice();
        lab.trust = Trust::Root(stolen.build().newest("root"));
        let healthy = lab.serve();
        assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(3));
        if !has_record {
            lose_record(&lab);
        }
        stolen.bump("targets");
        lab.server.serve(&stolen.build());
        lab.server.misbehave(&lab.gun(), Fault::Withhold { name: withheld.to_owned() });
        lab.refused_and_kept("ROLLBACK", &["root", "timestamp", "snapshot", "targets"], &healthy);
    }
}
