//! PP and CW, as far as changes are staged on disk: what was staged is published whole, once, and
//! nobody else's changes are lost.

use std::{fs, num::NonZeroU32, sync::Barrier, thread};

use crate::facade::Collection;
use tempfile::TempDir;
use tuf_notary::{
    blocking::Initialise,
    crypto::PrivateKey,
    edit::{Change, Changes},
    keys::MemoryKeys,
    metadata::TargetInfo,
    name::{Gun, Hashes, PathRule, RoleName, TargetName},
    staged::{DirectoryChangelist, StagedError},
    testkit::{Fault, TrustServer},
    verify::Trust,
};

use crate::lab::{GUN, Lab};

/// A server, a publisher who has signed `v0`, and the changelist in their trust folder.
fn publisher() -> (TrustServer, Collection, TempDir, DirectoryChangelist) {
    let (server, gun) = (TrustServer::new(), Gun::new(GUN).unwrap());
    let builder = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun));
    let collection = builder.keys(MemoryKeys::new()).build();
    collection.initialise(&Initialise::new().changes(sign("v0"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let changelist = DirectoryChangelist::open(folder.path(), &gun);
    (server, collection, folder, changelist)
}

fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

fn sign(name: &str) -> Changes {
    let info = TargetInfo { length: 3, hashes: Hashes::sha256([3; 32]), custom: None };
    Changes::new().sign_as(RoleName::Targets, target(name), info)
}

fn revoke(name: &str) -> Changes {
    Changes::new().revoke_as(RoleName::Targets, target(name))
}

/// Names of the staged targets, in order.
fn staged(changelist: &DirectoryChangelist) -> Vec<String> {
    let changes = changelist.load().unwrap().0;
    let name = |change: &Change| match change {
        Change::Sign { name, .. } | Change::Revoke { name, .. } => name.to_string(),
        other => panic!("{other:?}"),
    };
    changes.iter().map(name).collect()
}

#[test]
fn pp_02_what_was_published_before_a_crash_is_not_applied_twice() {
    let (server, collection, _folder, changelist) = publisher();
    changelist.stage(&sign("v1")).unwrap();
    changelist.stage(&revoke("v0")).unwrap();
    let (changes, _lost) = changelist.load().unwrap();
    let published = collection.publish(&changes).unwrap();
    assert_eq!(Lab::version(&published, "targets"), Some(2));

    // The process died here; the next one finds everything staged still.
    let uploads = || server.requests().iter().filter(|request| request.starts_with("POST")).count();
    let before = uploads();
    let (changes, receipt) = changelist.load().unwrap();
    let again = collection.publish(&changes).unwrap();
    changelist.clear(&receipt).unwrap();
    assert_eq!(Lab::version(&again, "targets"), Some(2), "nothing was signed again");
    assert_eq!(uploads(), before, "nor sent");
    assert!(staged(&changelist).is_empty());
    again.target("v1").unwrap();

    // Whoever asks for a removal here and now is told that there is nothing to remove.
    assert_eq!(collection.publish(&revoke("v0")).unwrap_err().code(), "NOT_SIGNED");
}

#[test]
fn pp_02_a_crash_leaves_the_changes_that_were_staged_behind_the_published_ones() {
    let (_server, collection, _folder, changelist) = publisher();
    changelist.stage(&revoke("v0")).unwrap();
    collection.publish(&changelist.load().unwrap().0).unwrap();
    changelist.stage(&sign("v1")).unwrap();
    let (changes, receipt) = changelist.load().unwrap();
    let view = collection.publish(&changes).unwrap();
    changelist.clear(&receipt).unwrap();
    assert!(view.target("v1").is_ok() && view.target("v0").is_err());
}

#[test]
fn pp_02_one_removal_that_was_made_already_keeps_no_other_from_being_made() {
    let (_server, collection, _folder, changelist) = publisher();
    let alice = || RoleName::new("targets/alice").unwrap();
    let paths = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let key = PrivateKey::generate_ecdsa().unwrap().public_key().clone();
    let delegate = Changes::new().delegate(alice(), vec![key], NonZeroU32::MIN, paths(&["a/", "b/", "c/"]));
    collection.publish(&delegate).unwrap();
    let both = || Changes::new().remove_paths(alice(), paths(&["a/", "b/"]));
    changelist.stage(&both()).unwrap();
    collection.publish(&Changes::new().remove_paths(alice(), paths(&["a/"]))).unwrap();
    assert_eq!(collection.publish(&both()).unwrap_err().code(), "ROLE", "not staged, it is an error");
    let view = collection.publish(&changelist.load().unwrap().0).unwrap();
    let left = &view.trusted().targets().body().delegation(&alice()).unwrap().paths;
    assert_eq!(*left, PathRule::Prefixes(paths(&["c/"])));
    changelist.stage(&Changes::new().undelegate(alice())).unwrap();
    for _ in 0..2 {
        collection.publish(&changelist.load().unwrap().0).unwrap();
    }
}

#[test]
fn pp_05_a_bad_file_is_named_and_nothing_is_published() {
    let good = br#"{"action":"delete","role":"targets","type":"target","path":"v0","data":null}"#;
    let text = std::str::from_utf8(good).unwrap();
    for bad in [
        &good[..good.len() - 9],
        b"",
        b"not JSON",
        text.replace("delete", "destroy").as_bytes(),
        text.replace("\"target\"", "\"tarball\"").as_bytes(),
        text.replace("\"targets\"", "\"root\"").as_bytes(),
        text.replace("\"v0\"", "\"v0\",\"path\":\"v1\"").as_bytes(),
        text.replace("null", "\"e30=\"").as_bytes(),
    ] {
        let (_server, collection, _folder, changelist) = publisher();
        changelist.stage(&sign("v1")).unwrap();
        changelist.stage(&sign("v2")).unwrap();
        let first = changelist.list().unwrap().remove(0).file;
        let file = first.with_file_name("01_a.change");
        fs::write(&file, bad).unwrap();
        let error = changelist.load().unwrap_err();
        assert!(matches!(error, StagedError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
        let listed = changelist.list().unwrap();
        let bad: Vec<_> = listed.iter().filter(|staged| staged.change.is_err()).collect();
        assert!(listed.len() == 3 && bad.len() == 1 && bad[0].file == file, "status shows it as well");

        // Dropping the bad one by its number frees the others.
        let at = listed.iter().position(|staged| staged.change.is_err()).unwrap();
        changelist.reset(&[at]).unwrap();
        let (changes, receipt) = changelist.load().unwrap();
        let view = collection.publish(&changes).unwrap();
        changelist.clear(&receipt).unwrap();
        assert!(view.target("v1").is_ok() && view.target("v2").is_ok());
    }
}

#[test]
fn cw_05_what_is_staged_during_a_publish_stays_staged() {
    let (server, collection, _folder, changelist) = publisher();
    changelist.stage(&sign("v1")).unwrap();
    let (changes, receipt) = changelist.load().unwrap();
    let other = changelist.clone();
    server.before("POST", move || drop(other.stage(&sign("v2")).unwrap()));
    let view = collection.publish(&changes).unwrap();
    changelist.clear(&receipt).unwrap();
    assert!(view.target("v1").is_ok() && view.target("v2").is_err());
    assert_eq!(staged(&changelist), ["v2"]);
    assert!(collection.publish(&changelist.load().unwrap().0).unwrap().target("v2").is_ok());
}

#[test]
fn cw_05_two_publishers_stage_at_once_and_nothing_is_lost_or_half_there() {
    let (_server, _collection, _folder, changelist) = publisher();
    let start = Barrier::new(3);
    thread::scope(|scope| {
        let write = |writer| {
            let (changelist, start) = (&changelist, &start);
            scope.spawn(move || {
                start.wait();
                for number in 0..50 {
                    changelist.stage(&sign(&format!("{writer}-{number:02}"))).unwrap();
                }
            })
        };
        let writers = [0, 1].map(write);
        start.wait();
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let _changes = changelist.load().expect("no file is ever seen unfinished");
        }
    });
    let names = staged(&changelist);
    assert_eq!(names.len(), 100);
    for writer in ["0-", "1-"] {
        let own: Vec<_> = names.iter().filter(|name| name.starts_with(writer)).collect();
        assert!(own.len() == 50 && own.is_sorted(), "each writer's changes keep their order");
    }
}

#[test]
fn cw_05_a_file_that_another_publisher_clears_meanwhile_is_no_error() {
    let (_server, _collection, _folder, changelist) = publisher();
    let names: Vec<_> = (0..200).map(|number| format!("{number:03}")).collect();
    let changes = names
        .iter()
        .fold(Changes::new(), |changes, name| sign(name).iter().cloned().fold(changes, Changes::with));
    changelist.stage(&changes).unwrap();
    thread::scope(|scope| {
        let clearing = scope.spawn(|| changelist.reset_all().unwrap());
        while !clearing.is_finished() {
            let left = changelist.load().unwrap().0;
            assert!(left.iter().count() <= names.len());
            assert!(changelist.list().unwrap().iter().all(|staged| staged.change.is_ok()));
        }
    });
    assert!(staged(&changelist).is_empty());
}

#[test]
fn pp_02_a_failed_publish_leaves_the_staged_changes_and_no_others() {
    let (server, collection, _folder, changelist) = publisher();
    changelist.stage(&sign("v1")).unwrap();
    let fault = Fault::Reject { code: "INVALID_UPDATE".to_owned(), message: "no".to_owned() };
    server.misbehave(collection.gun(), fault);
    collection.publish(&sign("v2")).unwrap_err();
    let (changes, _receipt) = changelist.load().unwrap();
    collection.publish(&changes).unwrap_err();
    server.behave(collection.gun());
    assert_eq!(staged(&changelist), ["v1"]);
    let view = collection.publish(&changelist.load().unwrap().0).unwrap();
    assert!(view.target("v1").is_ok() && view.target("v2").is_err());
}
