//! PC and PP: what servers, other publishers and networks do to an upload.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use crate::facade::Collection;
use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::{Changes, Rotation},
    keys::{KeyRole, KeyStore as _, MemoryKeys},
    metadata::TargetInfo,
    name::{Hashes, RoleName, Slot},
    store::{MemoryStore, MetadataStore as _},
    testkit::{Fault, ForgeKey},
    verify::Trust,
};

use crate::{lab::Lab, publisher::*};

const BOTH: [SnapshotKey; 2] = [SnapshotKey::Local, SnapshotKey::Server];

fn reject(code: &str, message: &str) -> Fault {
    Fault::Reject { code: code.to_owned(), message: message.to_owned() }
}

#[test]
fn pc_01_whoever_was_faster_keeps_his_changes_and_ours_are_added() {
    for snapshot in BOTH {
        let publisher = Publisher::begun(snapshot);
        let other = publisher.other();
        publisher.server.before("POST", move || drop(other.publish(&sign("theirs", 2)).unwrap()));
        let view = publisher.ours().publish(&sign("ours", 3)).unwrap();
        assert_eq!(publisher.tags(), ["ours", "theirs", "v1"]);
        assert_eq!(Lab::version(&view, "targets"), Some(3));
        assert_eq!(publisher.posts().len(), 3, "theirs, ours refused, ours taken");
    }
}

#[test]
fn pc_01_what_others_have_done_already_is_not_done_again() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    for changes in [sign("v2", 2), Changes::new().revoke(tag("v1"))] {
        let (other, same) = (publisher.other(), changes.clone());
        publisher.server.before("POST", move || drop(other.publish(&same).unwrap()));
        publisher.server.clear_requests();
        let view = publisher.ours().publish(&changes).unwrap();
        assert_eq!(publisher.posts().len(), 2, "theirs, ours refused");
        assert_eq!(Lab::version(&view, "targets"), Lab::version(&publisher.seen(), "targets"));
    }
    assert_eq!(publisher.tags(), ["v2"]);
    // Without anybody else it is an error: there was nothing to revoke.
    let error = publisher.ours().publish(&Changes::new().revoke(tag("v1"))).unwrap_err();
    assert_eq!(error.code(), "NOT_SIGNED");
}

#[test]
fn pc_01_a_conflict_without_end_is_given_up() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.server.misbehave(&gun(), reject("VERSION", "targets"));
    let (before, state) = (publisher.server.checkpoint(&gun()), publisher.local().0);
    let error = publisher.ours().publish(&sign("v2", 2)).unwrap_err();
    assert!(error.code() == "CONFLICT" && error.is_retryable(), "{error}");
    assert_eq!(publisher.posts().len(), 5);
    assert_eq!((publisher.server.checkpoint(&gun()), publisher.local().0), (before, state));
    publisher.server.behave(&gun());
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    assert_eq!(publisher.tags(), ["v1", "v2"]);
}

#[test]
fn pc_02_a_refusal_is_shown_explained_and_not_repeated() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for (code, message, advice) in [
        ("INVALID_UPDATE", "ErrBadRoot: no  timestamp keys exist on the server", "rotate it"),
        ("INVALID_GUN", "prefix", "collections of this name"),
        ("TEAPOT", "short and stout", "nothing was stored"),
        ("400", "<html>", "nothing was stored"),
    ] {
        publisher.server.clear_requests();
        publisher.server.misbehave(&gun(), reject(code, message));
        let (before, local) = (publisher.server.checkpoint(&gun()), publisher.local().0);
        let error = publisher.ours().publish(&sign("v2", 2)).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.code(), "REJECTED");
        assert!([code, message, advice].iter().all(|part| text.contains(part)), "{text}");
        assert!(!error.is_unanswered() && !error.is_retryable());
        assert_eq!(publisher.posts().len(), 1, "{text}");
        assert_eq!((publisher.server.checkpoint(&gun()), publisher.local().0), (before, local));
        publisher.server.behave(&gun());
    }
}

#[test]
fn pc_03_a_rotation_that_was_overtaken_by_another_takes_the_next_number() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let away = publisher.other();
    away.refresh().unwrap();
    let other = publisher.other();
    publisher.server.before("POST root", move || drop(other.rotate(&Rotation::new().root()).unwrap()));
    let view = publisher.ours().rotate(&Rotation::new().timestamp()).unwrap();
    assert_eq!(Lab::version(&view, "root"), Some(3));
    let requests = publisher.server.requests();
    assert_eq!(requests.iter().filter(|request| *request == "POST timestamp.key").count(), 1);
    assert_eq!(Lab::version(&away.refresh().unwrap(), "root"), Some(3), "step by step");
    assert_eq!(key_ids(&view, "root").len(), 1);
}

#[test]
fn pc_04_without_anybody_who_holds_the_snapshot_key_nothing_changes() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for id in publisher.held(&KeyRole::Snapshot) {
        publisher.keys.remove(&id).unwrap();
    }
    let before = publisher.server.checkpoint(&gun());
    let error = publisher.ours().publish(&sign("v2", 2)).unwrap_err();
    assert_eq!(error.code(), "MISSING_KEYS", "{error}");
    assert!(
        error.to_string().contains("hand the snapshot to the server") && publisher.posts().is_empty(),
        "{error}"
    );
    assert_eq!(publisher.server.checkpoint(&gun()), before);
    // Which is what helps.
    publisher.ours().rotate(&Rotation::new().snapshot_to_server()).unwrap();
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    assert_eq!(publisher.tags(), ["v1", "v2"]);
}

#[test]
fn pc_05_a_snapshot_of_the_server_is_not_sent() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    assert_eq!(publisher.posts(), ["POST targets"]);
}

#[test]
fn pc_06_without_the_delegation_s_key_nothing_is_sent() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "targets/a", &[ForgeKey::ecdsa()], 1, &[""]);
    lab.serve();
    let publisher = lab.publisher(lab.server.transport(&lab.gun()));
    let info = TargetInfo { length: 1, hashes: Hashes::sha256([2; 32]), custom: None };
    let role = RoleName::new("targets/a").unwrap();
    for changes in [Changes::new().sign_as(role, tag("v2"), info), sign("v2", 2)] {
        assert_eq!(publisher.publish(&changes).unwrap_err().code(), "MISSING_KEYS");
    }
    assert!(!lab.server.requests().iter().any(|request| request.starts_with("POST")));
}

#[test]
fn pc_07_a_damaged_cache_is_fetched_again_and_a_damaged_root_stops_everything() {
    for role in ["timestamp", "snapshot", "targets"] {
        let publisher = Publisher::begun(SnapshotKey::Local);
        publisher.store.write(&Slot::Metadata(RoleName::new(role).unwrap()), b"{damaged").unwrap();
        publisher.ours().publish(&sign("v2", 2)).unwrap();
        assert_eq!(publisher.tags(), ["v1", "v2"], "{role}");
    }
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.store.write(&Slot::Metadata(RoleName::Root), b"{damaged").unwrap();
    let local = publisher.local();
    assert_eq!(publisher.ours().publish(&sign("v2", 2)).unwrap_err().code(), "LOCAL_STATE");
    assert_eq!(publisher.ours().rotate(&Rotation::new().targets()).unwrap_err().code(), "LOCAL_STATE");
    assert!(publisher.posts().is_empty() && publisher.local() == local);
}

#[test]
fn pc_08_a_collection_of_somebody_else_is_not_overwritten() {
    let theirs = Publisher::begun(SnapshotKey::Server);
    let ours = Publisher { keys: MemoryKeys::new(), store: MemoryStore::new(), ..theirs.clone() };
    let before = ours.server.checkpoint(&gun());
    assert_eq!(ours.ours().initialise(&Initialise::new()).unwrap_err().code(), "ALREADY_EXISTS");
    assert_eq!(ours.server.checkpoint(&gun()), before);

    // Not even when it comes to be while we make ours; and our keys were made for nothing.
    let (theirs, ours) = (Publisher::new(), Publisher::new());
    let theirs = Publisher { server: ours.server.clone(), ..theirs };
    let other = theirs.ours();
    ours.server.before("POST", move || drop(other.initialise(&Initialise::new()).unwrap()));
    assert_eq!(ours.ours().initialise(&Initialise::new()).unwrap_err().code(), "ALREADY_EXISTS");
    assert_eq!(ours.local(), Publisher::new().local());
    assert_eq!(theirs.ours().publish(&sign("v1", 1)).unwrap().targets().unwrap().len(), 1);
}

#[test]
fn pc_08_an_anchor_of_a_collection_that_is_gone_is_given_up_explicitly() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.other().delete_remote().unwrap();
    let local = publisher.local();
    let error = publisher.ours().initialise(&Initialise::new()).unwrap_err();
    assert!(error.code() == "LOCAL_STATE" && error.to_string().contains("forget"), "{error}");
    assert_eq!(publisher.local(), local);
    assert!(publisher.posts().is_empty());
    publisher.ours().dangerous().forget().unwrap();
    publisher.ours().initialise(&Initialise::new()).unwrap();
}

#[test]
fn pc_09_who_may_not_publish_keeps_everything_as_it_is() {
    for (status, words) in [(401, "log in"), (403, "may not publish")] {
        let publisher = Publisher::begun(SnapshotKey::Local);
        publisher.ours().refresh().unwrap();
        let (before, keys) = (publisher.server.checkpoint(&gun()), publisher.local().0);
        for rotation in [None, Some(Rotation::new().root().targets())] {
            publisher.server.behave(&gun());
            publisher.since_upload(Fault::Fail { role: None, status });
            publisher.server.clear_requests();
            let error = match rotation {
                None => publisher.ours().publish(&sign("v2", 2)).unwrap_err(),
                Some(rotation) => publisher.ours().rotate(&rotation).unwrap_err(),
            };
            assert_eq!(error.code(), "UNAUTHORIZED");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(publisher.posts().len(), 1);
            assert_eq!(publisher.server.requests().len(), 2, "the timestamp, the upload");
            assert_eq!(publisher.server.checkpoint(&gun()), before);
            assert_eq!(publisher.local().0, keys);
        }
    }
}

#[test]
fn pc_10_what_the_server_did_not_delete_is_not_forgotten_here() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let local = publisher.local();
    for (status, code) in [(401, "UNAUTHORIZED"), (404, "MISSING"), (500, "SERVER_ERROR")] {
        publisher.server.misbehave(&gun(), Fault::Fail { role: None, status });
        assert_eq!(publisher.ours().delete_remote().unwrap_err().code(), code);
        publisher.server.behave(&gun());
        assert_eq!(publisher.local(), local);
    }
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    // The local side can be forgotten by itself, and goes with the server's.
    publisher.ours().dangerous().forget().unwrap();
    assert_eq!(publisher.tags(), ["v1", "v2"]);
    publisher.ours().refresh().unwrap();
    publisher.ours().delete_remote().unwrap();
    assert_eq!(publisher.local().1, Publisher::new().local().1);
    assert!(publisher.ours().refresh().unwrap_err().is_not_found());
}

#[test]
fn pc_11_a_root_near_its_expiry_does_not_hold_up_targets() {
    let publisher = Publisher::new();
    let at = |years: f64| SystemTime::now() + Duration::from_secs_f64(years * 365.0 * 86_400.0);
    let ours = |years| {
        publisher.server.set_now(at(years));
        Collection::builder(gun(), Trust::FirstUse)
            .transport(publisher.server.transport(&gun()))
            .store(publisher.store.clone())
            .keys(publisher.keys.clone())
            .clock({
                let now = at(years);
                move || now
            })
            .build()
    };
    ours(0.0).initialise(&Initialise::new()).unwrap();
    for id in publisher.held(&KeyRole::Root) {
        publisher.keys.remove(&id).unwrap();
    }
    for (years, name) in [(2.9, "a"), (5.8, "b"), (8.7, "c"), (9.9, "d")] {
        let view = ours(years).publish(&sign(name, 1)).unwrap();
        assert_eq!(Lab::version(&view, "root"), Some(1));
    }
    assert_eq!(ours(10.1).publish(&sign("e", 1)).unwrap_err().code(), "EXPIRED");
}

#[test]
fn pp_01_a_lost_reply_is_settled_by_reading_back() {
    for snapshot in BOTH {
        let publisher = Publisher::begun(snapshot);
        publisher.server.misbehave(&gun(), Fault::LoseReply);
        for (changes, version) in [(sign("v2", 2), 2), (Changes::new().revoke(tag("v1")), 3)] {
            let view = publisher.ours().publish(&changes).unwrap();
            assert_eq!(Lab::version(&view, "targets"), Some(version));
        }
        assert_eq!(publisher.posts().len(), 2, "each was sent once");
        assert_eq!(publisher.tags(), ["v2"]);
        let view = publisher.ours().rotate(&Rotation::new().targets().root()).unwrap();
        assert_eq!((Lab::version(&view, "root"), publisher.posts().len()), (Some(2), 3));
        assert_eq!(publisher.held(&KeyRole::Targets), key_ids(&view, "targets"));
    }
    let publisher = Publisher::new();
    publisher.server.misbehave(&gun(), Fault::LoseReply);
    publisher.ours().initialise(&Initialise::new()).unwrap();
    assert_eq!(publisher.posts().len(), 1);
}

#[test]
fn pp_01_a_lost_reply_is_settled_although_others_have_published_since() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    publisher.server.misbehave(&gun(), Fault::LoseReply);
    let (server, other) = (publisher.server.clone(), publisher.other());
    publisher.server.before("GET 2.targets.json", move || {
        server.behave(&gun());
        other.publish(&sign("theirs", 3)).unwrap();
    });
    let view = publisher.ours().publish(&sign("ours", 2)).unwrap();
    assert_eq!(Lab::version(&view, "targets"), Some(3));
    assert_eq!(publisher.posts().len(), 2, "ours, theirs");
    assert_eq!(publisher.tags(), ["ours", "theirs", "v1"]);
}

#[test]
fn pp_01_an_upload_that_got_lost_is_made_once_more() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let unlucky = Unlucky::new(&publisher, Mishap::Lost, 1);
    let view = publisher.by(unlucky.clone()).publish(&sign("v2", 2)).unwrap();
    assert_eq!((Lab::version(&view, "targets"), unlucky.made.load(Ordering::Relaxed)), (Some(2), 2));
    assert_eq!(publisher.tags(), ["v1", "v2"]);
}

#[test]
fn pp_01_an_upload_that_arrives_late_is_not_applied_twice() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for (changes, version) in [(sign("v2", 2), 2), (Changes::new().revoke(tag("v1")), 3)] {
        let unlucky = Unlucky::new(&publisher, Mishap::Late, 1);
        let view = publisher.by(unlucky.clone()).publish(&changes).unwrap();
        assert_eq!(
            (Lab::version(&view, "targets"), unlucky.made.load(Ordering::Relaxed)),
            (Some(version), 2)
        );
    }
    assert_eq!(publisher.tags(), ["v2"]);
    let unlucky = Unlucky::new(&publisher, Mishap::Late, 1);
    let view = publisher.by(unlucky).rotate(&Rotation::new().root().timestamp()).unwrap();
    assert_eq!(Lab::version(&view, "root"), Some(2));
}

#[test]
fn pp_01_an_upload_that_arrived_late_and_was_taken_back_by_others_is_not_made_again() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let (server, other) = (publisher.server.clone(), publisher.other());
    // The first upload to arrive is the late one; others act before the next.
    publisher.server.before("POST", move || {
        server.before("POST", move || drop(other.publish(&Changes::new().revoke(tag("v2"))).unwrap()));
    });
    let unlucky = Unlucky::new(&publisher, Mishap::Late, 1);
    publisher.by(unlucky.clone()).publish(&sign("v2", 2)).unwrap();
    assert_eq!((publisher.tags(), unlucky.made.load(Ordering::Relaxed)), (vec!["v1".to_owned()], 2));
}

#[test]
fn pp_01_a_request_that_a_proxy_repeats_is_not_a_conflict() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for (changes, version) in [(sign("v2", 2), 2), (Changes::new().revoke(tag("v1")), 3)] {
        let unlucky = Unlucky::new(&publisher, Mishap::Twice, 1);
        let view = publisher.by(unlucky.clone()).publish(&changes).unwrap();
        assert_eq!(
            (Lab::version(&view, "targets"), unlucky.made.load(Ordering::Relaxed)),
            (Some(version), 1)
        );
    }
    let unlucky = Unlucky::new(&publisher, Mishap::Twice, 1);
    let view = publisher.by(unlucky).rotate(&Rotation::new().root()).unwrap();
    assert_eq!(Lab::version(&view, "root"), Some(2));
    let publisher = Publisher::new();
    let unlucky = Unlucky::new(&publisher, Mishap::Twice, 1);
    publisher.by(unlucky).initialise(&Initialise::new()).unwrap();
}

#[test]
fn pp_01_an_upload_that_was_stored_and_rolled_back_is_made_again() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let before = publisher.server.checkpoint(&gun());
    publisher.server.misbehave(&gun(), Fault::LoseReply);
    let server = publisher.server.clone();
    publisher.server.before("GET 2.targets.json", move || {
        server.behave(&gun());
        server.restore(&gun(), before);
    });
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    assert_eq!((publisher.tags().len(), publisher.posts().len()), (2, 2));
}

#[test]
fn pp_01_an_outcome_that_nobody_can_tell_is_reported_as_such() {
    // The server is gone for good after the upload.
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.since_upload(Fault::Disconnect { role: None });
    let error = publisher.ours().publish(&sign("v2", 2)).unwrap_err();
    assert_eq!(error.code(), "OUTCOME_UNKNOWN");
    assert!(error.is_unanswered() && error.to_string().contains("try again"), "{error}");
    assert_eq!(publisher.posts().len(), 1, "never repeated blindly (TE-12)");
    publisher.server.behave(&gun());
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    assert_eq!(publisher.tags(), ["v1", "v2"]);

    // The server is there and does not show it, ever: it may still arrive.
    let unlucky = Unlucky::new(&publisher, Mishap::Lost, usize::MAX);
    let made = publisher.held(&KeyRole::Targets).len();
    let error = publisher.by(unlucky.clone()).rotate(&Rotation::new().targets()).unwrap_err();
    assert_eq!((error.code(), unlucky.made.load(Ordering::Relaxed)), ("OUTCOME_UNKNOWN", 2));
    assert_eq!(publisher.held(&KeyRole::Targets).len(), made + 1, "it may be the one that counts");
    publisher.ours().publish(&sign("v3", 3)).unwrap();
}

#[test]
fn pp_02_what_was_published_is_not_published_again() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    let key = publisher.held(&KeyRole::Targets).remove(0);
    let existing = || Rotation::new().targets_keys([tuf_notary::edit::NewKey::Existing(key.clone())]);
    let before = publisher.server.checkpoint(&gun());
    publisher.server.clear_requests();
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    publisher.ours().rotate(&existing()).unwrap();
    publisher.ours().publish(&Changes::new()).unwrap();
    assert_eq!(publisher.held(&KeyRole::Targets), std::slice::from_ref(&key));
    assert!(publisher.posts().is_empty() && publisher.server.checkpoint(&gun()) == before);
}

#[test]
fn pp_03_all_files_of_a_change_go_in_one_request() {
    let publisher = Publisher::new();
    publisher.ours().initialise(&Initialise::new().changes(sign("v1", 1))).unwrap();
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    publisher.ours().rotate(&Rotation::new().root().targets().snapshot().timestamp()).unwrap();
    let all = "POST root,targets,snapshot";
    assert_eq!(publisher.posts(), [all, "POST targets,snapshot", all]);
}
