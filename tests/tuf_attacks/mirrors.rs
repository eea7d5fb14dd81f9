//! SO: servers that lag behind, and ones that change under a client.

use crate::{
    lab::{FOUR, Lab, keys, version},
    server::Answer,
};

#[test]
fn so_03_a_mirror_that_lags_behind_changes_nothing() {
    let mut lab = Lab::new();
    let late = lab.forge.build();
    lab.forge.bump("targets");
    let timely = lab.serve();
    let client = lab.repository();
    for _ in 0..3 {
        lab.server.serve(&timely);
        assert_eq!(version(&client.refresh().unwrap(), "targets"), 2);
        let before = FOUR.map(|role| lab.kept(role));
        lab.server.serve(&late);
        assert_eq!(client.refresh().unwrap_err().code(), "ROLLBACK");
        lab.refused("ROLLBACK");
        assert_eq!(FOUR.map(|role| lab.kept(role)), before);
    }
    // One that lags behind with its snapshot alone has not what it lists.
    lab.forge.bump("targets");
    let mut torn = lab.forge.build();
    torn.remove("3.snapshot.json");
    lab.server.serve(&torn);
    lab.refused("MISSING");
    lab.server.serve(&timely);
    lab.refused("ROLLBACK");
    lab.recovers(&lab.forge.clone().build());
}

#[test]
fn so_03_a_mirror_without_the_newest_root_does_not_bring_the_old_one_back() {
    let mut lab = Lab::trusting();
    let late = lab.forge.build();
    lab.forge.rotate("timestamp", &keys::<1>(), 1);
    let timely = lab.serve();
    lab.refresh().unwrap();
    lab.server.serve(&late);
    lab.refused("THRESHOLD");
    lab.refused_and_kept("THRESHOLD", &FOUR, &timely);
}

#[test]
fn so_05_a_root_that_appears_within_a_refresh_is_found_by_the_next_one() {
    let mut lab = Lab::trusting();
    lab.forge.rotate("timestamp", &keys::<1>(), 1);
    let next = lab.forge.build();
    lab.server.serve_after("2.root.json", &next);
    lab.refused("THRESHOLD");
    assert_eq!(lab.requests(), ["2.root.json", "timestamp.json"], "no loop");
    assert_eq!(lab.kept_version("timestamp"), Some(1));
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 2);
    assert_eq!(lab.kept_version("timestamp"), Some(2));
}

#[test]
fn so_05_a_snapshot_that_is_replaced_within_a_refresh_is_found_by_the_next_one() {
    // With consistent snapshots the old files stay; a server without them has only the new ones.
    let mut lab = Lab::new();
    lab.forge.consistent_snapshot(false);
    lab.shipped = lab.serve().newest("root");
    lab.refresh().unwrap();
    lab.forge.bump("targets");
    lab.serve();
    lab.forge.bump("targets");
    let next = lab.forge.build();
    lab.server.serve_after("timestamp.json", &next);
    lab.refused("HASH_MISMATCH");
    assert_eq!(lab.kept_version("timestamp"), Some(2));
    assert_eq!(version(&lab.refresh().unwrap(), "targets"), 3);
    lab.server.answer("timestamp.json", Answer::Refused);
    lab.refused("NETWORK");
}
