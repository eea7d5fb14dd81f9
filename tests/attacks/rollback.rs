//! RB: older files, validly signed.

use crate::lab::Lab;

#[test]
fn rb_02_replayed_older_timestamp_is_refused() {
    let mut lab = Lab::new();
    let old = lab.serve();
    lab.forge.bump("timestamp");
    let new = lab.serve();
    lab.refresh().unwrap();
    lab.server.serve(&old);
    lab.server.clear_requests();
    lab.refused_and_kept("ROLLBACK", &["timestamp", "snapshot", "targets"], &new);
}

#[test]
fn rb_12_smaller_older_targets_is_refused() {
    let mut lab = Lab::trusting();
    let mut old = lab.forge.clone();
    lab.forge.add_tag("targets", "v2", 2, 2);
    lab.forge.bump("targets");
    let new = lab.serve();
    lab.refresh().unwrap();
    // The old targets under a fresh snapshot and timestamp, as a server with both keys makes them.
    old.bump("snapshot");
    old.bump("snapshot");
    lab.server.serve(&old.build());
    lab.refused_and_kept("ROLLBACK", &["targets"], &new);
}
