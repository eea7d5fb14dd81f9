//! KROT, TP: another root of a version that was trusted already.

use tuf_notary::{
    testkit::{Forge, ForgeKey, Published},
    verify::Trust,
};

use crate::lab::{GUN, Lab};

/// A client that trusts root version 3, whose record says so, and a thief who holds the root key of
/// version 1, which is revoked, or a key of his own: he makes other versions 2, 3 and so on.
fn other_roots(is_stolen: bool, count: usize) -> (Lab, Published, Published) {
    let mut lab = Lab::new();
    let first = lab.serve();
    let mut thief = if is_stolen { lab.forge.clone() } else { Forge::new(GUN) };
    let begin = thief.build();
    lab.refresh().unwrap();
    for _ in 0..2 {
        lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    }
    lab.serve();
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(3));
    for role in ["timestamp", "snapshot", "targets"].into_iter().cycle().take(count) {
        thief.rotate(role, &[ForgeKey::ecdsa()], 1);
    }
    thief.version("timestamp", 9);
    lab.server.serve(&thief.build());
    let begin = if is_stolen { first } else { begin };
    (lab, begin, thief.build())
}

#[test]
fn tp_12_a_revoked_root_key_does_not_come_back_through_the_given_root() {
    for count in 2..5 {
        let (mut lab, first, _) = other_roots(true, count);
        lab.trust = Trust::Root(first.newest("root"));
        lab.refused("ROOT_CHANGED");
    }
}

/// Our record is held to, although other programs share the cache.
#[test]
fn tp_11_a_cached_root_is_not_exchanged_behind_the_record() {
    let (lab, _, other) = other_roots(false, 2);
    lab.plant("root", &other.newest("root"));
    lab.refused("LOCAL_STATE");
    for count in 2..5 {
        let (lab, begin, _) = other_roots(false, count);
        lab.plant("root", &begin.newest("root"));
        lab.refused("ROOT_CHANGED");
    }
}

/// A newer one may be Docker's, who shares the folder, or a stranger's: it must be reached from ours.
#[test]
fn tp_11_a_newer_cached_root_is_reached_from_the_recorded_one_or_refused() {
    for count in 3..6 {
        let (lab, _, other) = other_roots(false, count);
        lab.plant("root", &other.newest("root"));
        lab.refused("LOCAL_STATE");
        assert_eq!(lab.server.requests().last().unwrap(), "GET 3.root.json");
    }
    let (mut lab, _, _) = other_roots(false, 3);
    for _ in 0..2 {
        lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
        lab.forge.bump("snapshot");
    }
    let published = lab.serve();
    lab.plant("root", &published.newest("root"));
    lab.server.clear_requests();
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(5));
    assert_eq!(lab.server.requests()[..2], ["GET 3.root.json", "GET 4.root.json"]);
    // A server that shows less than the cache holds is not believed.
    lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    lab.forge.bump("snapshot");
    lab.serve();
    lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    let newest = lab.forge.build().newest("root");
    lab.plant("root", &newest);
    lab.refused("LOCAL_STATE");
}

#[test]
fn tp_12_nor_through_a_cached_root_that_it_has_signed() {
    let mut lab = Lab::new();
    lab.trust = Trust::Root(lab.serve().newest("root"));
    let mut thief = lab.forge.clone();
    lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    thief.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    let (healthy, other) = (lab.serve(), thief.build());
    lab.refresh().unwrap();
    lab.plant("root", &other.newest("root"));
    lab.server.serve(&other);
    lab.refused("ROOT_CHANGED");
    lab.server.serve(&healthy);
    lab.refresh().unwrap();
    assert_eq!(lab.kept("root"), Some(healthy.newest("root")));
}
