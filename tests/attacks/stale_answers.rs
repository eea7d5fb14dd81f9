//! SO: the server shows older data than what was published.

use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Rotation,
    keys::KeyRole,
    testkit::{Fault, TrustServer},
};

use crate::{lab::Lab, publisher::*};

/// The server shows an older state, until it has been asked `reads` times for a file.
fn lag_until(server: &TrustServer, file: &'static str, reads: usize) {
    let next = server.clone();
    server.before(file, move || match reads {
        0 => next.behave(&gun()),
        _ => lag_until(&next, file, reads - 1),
    });
}

#[test]
fn so_01_a_replica_that_catches_up_is_waited_for() {
    for (rotation, upload, asked) in [
        (None, "POST targets", "GET timestamp.json"),
        (Some(Rotation::new().targets()), "POST root", "GET 2.root.json"),
        (Some(Rotation::new().root().timestamp()), "POST root", "GET 2.root.json"),
    ] {
        let publisher = Publisher::begun(SnapshotKey::Server);
        let (old, server) = (publisher.server.checkpoint(&gun()), publisher.server.clone());
        publisher.server.before(upload, move || {
            server.misbehave(&gun(), Fault::Replay(old));
            lag_until(&server, asked, 2);
        });
        match rotation {
            None => publisher.ours().publish(&sign("v2", 2)).unwrap(),
            Some(rotation) => publisher.ours().rotate(&rotation).unwrap(),
        };
        assert_eq!(publisher.posts().len(), 1);
    }
}

#[test]
fn so_01_a_replica_that_lags_for_long_is_reported_and_never_believed() {
    for snapshot in [SnapshotKey::Local, SnapshotKey::Server] {
        let publisher = Publisher::begun(snapshot);
        publisher.since_upload(Fault::Replay(publisher.server.checkpoint(&gun())));
        let error = publisher.ours().publish(&sign("v2", 2)).unwrap_err();
        assert_eq!(error.code(), "STALE");
        assert!(error.to_string().contains("version 2 was published"), "{error}");
        // What was published is the least from now on, for whoever uses this store.
        assert_eq!(publisher.ours().refresh().unwrap_err().code(), "ROLLBACK");
        publisher.server.behave(&gun());
        assert!(publisher.ours().refresh().unwrap().target("v2").is_ok());
    }
}

#[test]
fn so_01_keys_are_retired_only_when_the_server_shows_that_they_are_replaced() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let (targets, snapshot) = (publisher.held(&KeyRole::Targets), publisher.held(&KeyRole::Snapshot));
    publisher.since_upload(Fault::Replay(publisher.server.checkpoint(&gun())));
    let error = publisher.ours().rotate(&Rotation::new().targets().snapshot()).unwrap_err();
    assert_eq!(error.code(), "STALE");
    let (all, some) = (publisher.held(&KeyRole::Targets), publisher.held(&KeyRole::Snapshot));
    assert!(all.len() == 2 && all.contains(&targets[0]) && some.len() == 2 && some.contains(&snapshot[0]));
    publisher.server.behave(&gun());
    publisher.ours().publish(&sign("v2", 2)).unwrap();
}

#[test]
fn so_01_a_server_that_only_says_that_it_has_stored_is_found_out() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.server.misbehave(&gun(), Fault::Pretend);
    assert_eq!(publisher.ours().publish(&sign("v2", 2)).unwrap_err().code(), "STALE");
    assert_eq!(publisher.posts().len(), 1);

    let publisher = Publisher::new();
    publisher.server.misbehave(&gun(), Fault::Pretend);
    let error = publisher.ours().initialise(&Initialise::new()).unwrap_err();
    assert_eq!(error.code(), "UNCONFIRMED");
    assert_eq!(publisher.held(&KeyRole::Root).len(), 1, "the server said that it is in use");
}

#[test]
fn so_02_the_second_of_two_quick_publishes_is_not_built_on_an_older_state() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    let old = publisher.server.checkpoint(&gun());
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    publisher.server.misbehave(&gun(), Fault::Replay(old.clone()));
    lag_until(&publisher.server, "GET timestamp.json", 2);
    let view = publisher.ours().publish(&sign("v3", 3)).unwrap();
    assert_eq!(Lab::version(&view, "targets"), Some(3));
    assert_eq!(publisher.tags(), ["v1", "v2", "v3"]);

    publisher.server.misbehave(&gun(), Fault::Replay(old));
    publisher.server.clear_requests();
    assert_eq!(publisher.ours().publish(&sign("v4", 4)).unwrap_err().code(), "ROLLBACK");
    assert!(publisher.posts().is_empty());
}

#[test]
fn so_02_a_publisher_who_has_seen_nothing_newer_meets_a_conflict_and_an_end() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    let old = publisher.server.checkpoint(&gun());
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    publisher.server.misbehave(&gun(), Fault::Replay(old));
    publisher.server.clear_requests();
    assert_eq!(publisher.other().publish(&sign("v3", 3)).unwrap_err().code(), "CONFLICT");
    assert_eq!(publisher.posts().len(), 5);
}

#[test]
fn so_03_a_mirror_that_lags_changes_nothing() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    let old = publisher.server.checkpoint(&gun());
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    let local = |publisher: &Publisher| publisher.local().1[..4].to_vec();
    let before = local(&publisher);
    for _ in 0..2 {
        publisher.server.misbehave(&gun(), Fault::Replay(old.clone()));
        assert_eq!(publisher.ours().refresh().unwrap_err().code(), "ROLLBACK");
        assert_eq!(local(&publisher), before);
        publisher.server.behave(&gun());
        publisher.ours().refresh().unwrap();
        assert_eq!(local(&publisher), before);
    }
}

#[test]
fn so_04_a_server_restored_from_a_backup_is_refused_until_its_keys_are_rotated() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let old = publisher.server.checkpoint(&gun());
    let client = publisher.other();
    for tag in ["v2", "v3", "v4"] {
        publisher.ours().publish(&sign(tag, 2)).unwrap();
    }
    client.refresh().unwrap();
    publisher.server.restore(&gun(), old);
    for _ in 0..2 {
        assert_eq!(client.refresh().unwrap_err().code(), "ROLLBACK");
        assert_eq!(publisher.ours().publish(&sign("v5", 5)).unwrap_err().code(), "ROLLBACK");
    }
    // The publisher gives up what he knows, and new keys end the old floors for everybody.
    publisher.ours().dangerous().forget().unwrap();
    publisher.ours().rotate(&Rotation::new().targets().snapshot().timestamp()).unwrap();
    assert!(client.refresh().unwrap().target("v1").is_ok());
}

#[test]
fn so_05_a_root_that_appears_in_the_middle_of_a_refresh_is_found() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    let other = publisher.other();
    publisher.server.before("GET timestamp.json", move || {
        other.rotate(&Rotation::new().timestamp().root()).unwrap();
    });
    let view = publisher.ours().refresh().unwrap();
    assert_eq!(Lab::version(&view, "root"), Some(2));
}

#[test]
fn so_04_a_server_that_lost_what_it_took_and_took_something_else_is_found_out() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    let (old, server, other) =
        (publisher.server.checkpoint(&gun()), publisher.server.clone(), publisher.other());
    publisher.server.before("POST", move || {
        let next = server.clone();
        server.before("GET timestamp.json", move || {
            next.restore(&gun(), old);
            other.publish(&sign("theirs", 3)).unwrap();
        });
    });
    let error = publisher.ours().publish(&sign("ours", 2)).unwrap_err();
    assert!(error.code() == "ALTERED" && error.is_untrusted() && !error.is_retryable(), "{error}");
}
