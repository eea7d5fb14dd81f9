//! What comes back from others, and what delegated roles sign, may be made to do harm.

use serde_json::{Value, json};
use tuf_notary::{
    crypto::PrivateKey,
    edit::{
        EditError,
        repository::{Release, SigningRequest},
    },
    name::RoleName,
};

use super::{
    building::delegation,
    lab::{Lab, info, key, role, target},
};

/// `targets` delegates to `team-a`, then to `team`, each with a key of its own.
fn with_teams() -> (Lab, PrivateKey, PrivateKey) {
    let (mut lab, a, team) = (Lab::new(), key(), key());
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("team-a", &a, &["a/*"])).unwrap();
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["*"])).unwrap();
    lab.publish_with(&editor, &[&a, &team]);
    (lab, a, team)
}

/// A release of a new target of `targets`, whose documents of this kind are changed on the way.
fn tampered(lab: &Lab, kind: &str, edit: impl FnOnce(&mut Value)) -> Release {
    let mut editor = lab.open();
    editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
    let mut sent: Value =
        serde_json::from_slice(&editor.stage(lab.now).unwrap().request().to_bytes()).unwrap();
    let documents = sent["documents"].as_array_mut().unwrap();
    let file = documents.iter_mut().map(|it| &mut it["file"]["signed"]).find(|it| it["_type"] == kind);
    edit(file.unwrap());
    let request = SigningRequest::read(&serde_json::to_vec(&sent).unwrap()).unwrap();
    let mut release = lab.open().resume(&request).unwrap();
    lab.sign(&mut release, &[]);
    release
}

#[track_caller]
fn refused(release: Release, lab: &Lab, name: &str, expected: &str, found: &str) {
    match release.complete(lab.now).unwrap_err() {
        EditError::NotPinned { role, expected: wanted, found: seen } => {
            assert_eq!((role.as_str(), &*wanted, &*seen), (name, expected, found));
        }
        error => panic!("{error}"),
    }
}

#[test]
fn rb_06_a_snapshot_that_lost_a_role_on_the_way_is_not_published() {
    let (mut lab, _, team) = with_teams();
    let mut editor = lab.open();
    editor.renew(&role("team")).unwrap();
    lab.publish_with(&editor, &[&team]);
    let pin = |name: &str, version: u32| {
        let name = format!("{name}.json");
        move |it: &mut Value| it["meta"][&name]["version"] = version.into()
    };
    let dropped =
        tampered(&lab, "snapshot", |it| drop(it["meta"].as_object_mut().unwrap().remove("team.json")));
    refused(dropped, &lab, "team", "a pin of version 2", "no pin");
    for version in [1, 3] {
        let found = format!("a pin of version {version}");
        refused(tampered(&lab, "snapshot", pin("team", version)), &lab, "team", "a pin of version 2", &found);
    }
    refused(
        tampered(&lab, "snapshot", pin("targets", 2)),
        &lab,
        "targets",
        "a pin of version 3",
        "a pin of version 2",
    );
    let added = tampered(&lab, "snapshot", |it| it["meta"]["new.json"] = json!({"version": 1}));
    refused(added, &lab, "new", "no pin", "a pin of version 1");
    let stale = tampered(&lab, "timestamp", pin("snapshot", 3));
    refused(stale, &lab, "snapshot", "a pin of version 4", "a pin of version 3");
    let release = tampered(&lab, "snapshot", |_| {});
    let publication = release.complete(lab.now).unwrap();
    lab.upload(&publication);
    lab.client();
}

#[test]
fn rb_06_a_request_that_lost_its_snapshot_is_not_published() {
    let (lab, ..) = with_teams();
    let mut editor = lab.open();
    editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
    let mut sent: Value =
        serde_json::from_slice(&editor.stage(lab.now).unwrap().request().to_bytes()).unwrap();
    let documents = sent["documents"].as_array_mut().unwrap();
    documents.retain(|it| it["file"]["signed"]["_type"] == "targets");
    let request = SigningRequest::read(&serde_json::to_vec(&sent).unwrap()).unwrap();
    let mut release = lab.open().resume(&request).unwrap();
    lab.sign(&mut release, &[]);
    refused(release, &lab, "targets", "a pin of version 3", "a pin of version 2");
}

#[test]
fn signers_see_what_snapshot_and_timestamp_pin() {
    let (lab, ..) = with_teams();
    let mut editor = lab.open();
    editor.renew(&RoleName::Snapshot).unwrap();
    let release = editor.stage(lab.now).unwrap();
    let [snapshot, timestamp] = release.request().documents() else { panic!("{release:?}") };
    let pinned = snapshot.as_snapshot().unwrap().pin(&role("team")).unwrap().version.unwrap();
    assert_eq!(pinned.get(), 1);
    assert_eq!(timestamp.as_timestamp().unwrap().snapshot.version, Some(snapshot.version()));
    assert!(snapshot.as_timestamp().is_none() && timestamp.as_snapshot().is_none());
}

/// The holder of `team-a` delegates to whatever he likes.
fn with_delegations(lab: &mut Lab, a: &PrivateKey, edit: impl FnOnce(&mut Value)) {
    lab.resign("1.team-a.json", Some(a), |signed| {
        let public = data_encoding::HEXLOWER.encode(a.public_key().published());
        let key = json!({"keytype": "ed25519", "keyval": {"public": public}, "scheme": "ed25519"});
        signed["delegations"] = json!({"keys": {"mine": key}});
        edit(&mut signed["delegations"]);
    });
}

fn to_team(threshold: u32) -> Value {
    json!([{
        "keyids": ["mine"], "name": "team", "paths": ["*"], "terminating": false, "threshold": threshold
    }])
}

#[test]
fn pd_07_bins_that_have_no_files_cost_nothing() {
    let (mut lab, a, team) = with_teams();
    with_delegations(&mut lab, &a, |it| {
        it["succinct_roles"] =
            json!({"bit_length": 32, "keyids": ["mine"], "name_prefix": "bin", "threshold": 1});
    });
    let mut editor = lab.open();
    editor.add_target(&role("team"), &target("t"), &info(b"t")).unwrap();
    lab.publish_with(&editor, &[&team]);
    lab.client();
    assert_eq!(lab.open().roles().count(), 3);
}

#[test]
fn th_02_a_delegate_whose_own_delegation_nobody_can_sign_blocks_nobody() {
    for threshold in [1, 5] {
        let (mut lab, a, team) = with_teams();
        with_delegations(&mut lab, &a, |it| it["roles"] = to_team(threshold));
        let mut editor = lab.open();
        assert!(editor.stage(lab.now).unwrap().is_empty(), "what did not fit before is not due");
        editor.add_target(&role("team"), &target("t"), &info(b"t")).unwrap();
        editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
        lab.publish_with(&editor, &[&team]);
        lab.client();
        assert_eq!(lab.open().targets(&role("team")).unwrap().version.get(), 2);
        let next = key();
        let mut editor = lab.open();
        editor.add_key(&role("team"), next.public_key()).unwrap();
        editor.set_threshold(&role("team"), 2).unwrap();
        lab.publish_with(&editor, &[&team, &next]);
        // Where only he is left, the rest goes on.
        let mut editor = lab.open();
        editor.undelegate(&RoleName::Targets, &role("team")).unwrap();
        lab.publish(&editor);
    }
}

#[test]
fn th_02_a_role_that_a_delegate_has_named_first_begins_all_the_same() {
    let (mut lab, a, team) = with_teams();
    with_delegations(&mut lab, &a, |it| {
        it["roles"] = to_team(5);
        it["roles"][0]["name"] = "new".into();
    });
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("new", &team, &["*"])).unwrap();
    editor.add_target(&role("new"), &target("n"), &info(b"n")).unwrap();
    lab.publish_with(&editor, &[&team]);
    assert_eq!(lab.open().targets(&role("new")).unwrap().targets.len(), 1);
}

#[test]
fn two_that_delegate_to_a_role_and_fit_both_vouch_for_it() {
    let (mut lab, a, team) = with_teams();
    let mut editor = lab.open();
    editor.delegate(&role("team-a"), &delegation("team", &a, &["*"])).unwrap();
    lab.publish_with(&editor, &[&a, &team]);
    let mut editor = lab.open();
    editor.add_target(&role("team"), &target("t"), &info(b"t")).unwrap();
    for only in [&a, &team] {
        let mut release = editor.stage(lab.now).unwrap();
        lab.sign(&mut release, &[only]);
        let error = release.complete(lab.now).unwrap_err();
        assert!(matches!(error, EditError::Unsigned { needed: 1, valid: 0, .. }), "{error}");
    }
    lab.publish_with(&editor, &[&a, &team]);
    assert_eq!(lab.open().targets(&role("team")).unwrap().targets.len(), 1);
}

#[test]
fn krot_03_a_file_that_only_another_delegate_has_signed_is_not_maintained() {
    let (mut lab, a, _) = with_teams();
    with_delegations(&mut lab, &a, |it| it["roles"] = to_team(1));
    let (honest, mut editor) = (lab.open(), lab.open());
    editor.renew(&role("team")).unwrap();
    editor.stage(lab.now).unwrap();
    lab.resign("1.team.json", Some(&a), |signed| signed["x-slipped"] = json!("in"));
    let mut file = lab.read("1.team.json");
    file["signatures"][0]["keyid"] = "mine".into();
    let file = serde_json::to_vec(&file).unwrap();
    lab.files.insert("1.team.json".to_owned(), file.clone());
    let unsigned =
        |error: &EditError| matches!(error, EditError::Unsigned { role, .. } if role.as_str() == "team");
    let error = super::lab::open(&lab.files).unwrap_err();
    assert!(unsigned(&error), "{error}");
    let error = honest.clone().load(&role("team"), file).unwrap_err();
    assert!(unsigned(&error), "{error}");
}
