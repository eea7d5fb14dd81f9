//! Changes to a repository that is published, by whomever.

use tuf_notary::{
    edit::{
        EditError,
        repository::{Lifetimes, RepositoryEditor, SigningRequest},
    },
    limits::Limits,
    name::RoleName,
};

use super::{
    building::delegation,
    lab::{DAY, Files, Lab, TOP, info, key, names, open, reader, role, target},
};

#[test]
fn a_repository_that_does_not_change_has_nothing_to_sign() {
    let lab = Lab::new();
    assert!(lab.open().stage(lab.now + DAY).unwrap().is_empty());
}

#[test]
fn only_what_changes_is_signed_anew() {
    let mut lab = Lab::new();
    let mut editor = lab.open();
    editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
    let publication = lab.publish(&editor);
    assert_eq!(names(&publication), ["2.targets.json", "2.snapshot.json", "timestamp.json"]);
    assert_eq!(publication.targets().len(), 1);
    let mut editor = publication.into_editor();
    assert!(editor.stage(lab.now).unwrap().is_empty());
    editor.remove_target(&RoleName::Targets, &target("v1")).unwrap();
    let publication = lab.publish(&editor);
    assert_eq!(names(&publication), ["3.targets.json", "3.snapshot.json", "timestamp.json"]);
    assert_eq!(publication.targets(), []);
    let targets = lab.client().targets().body().targets.clone();
    assert_eq!(targets.iter().map(|it| it.name.to_owned()).collect::<Vec<_>>(), ["v2"]);
    assert_eq!(lab.client().timestamp().body().version.get(), 3);
}

#[test]
fn what_expires_is_renewed_also_when_it_is_expired_already() {
    let mut lab = Lab::new();
    lab.now += DAY * 30;
    let mut editor = lab.open();
    let expiring: Vec<_> = editor.expiring(lab.now, DAY).into_iter().map(|(role, _)| role).collect();
    assert_eq!(expiring, [RoleName::Snapshot, RoleName::Timestamp]);
    editor.renew(&RoleName::Timestamp).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    lab.sign(&mut release, &[]);
    let error = release.complete(lab.now).unwrap_err();
    assert!(matches!(error, EditError::Rejected(_)), "clients would find the snapshot expired: {error}");
    editor.renew(&RoleName::Snapshot).unwrap();
    let publication = lab.publish(&editor);
    assert_eq!(names(&publication), ["2.snapshot.json", "timestamp.json"]);
    lab.client();
    assert_eq!(editor.renew(&role("team")), Err(EditError::UnknownRole { role: role("team") }));
}

#[test]
fn krot_04_a_root_changes_hands_by_the_old_and_the_new_keys() {
    let mut lab = Lab::new();
    let next = key();
    let mut editor = lab.open();
    editor.add_key(&RoleName::Root, next.public_key()).unwrap();
    editor.remove_key(&RoleName::Root, lab.offline.public_key()).unwrap();
    let staged = editor.stage(lab.now).unwrap();
    // KROT-01, KROT-02
    for only in [&next, &lab.offline] {
        let mut release = staged.clone();
        release.sign(only).unwrap();
        let error = release.complete(lab.now).unwrap_err();
        assert!(matches!(error, EditError::Unsigned { role: RoleName::Root, .. }), "{error}");
    }
    let publication = lab.publish_with(&editor, &[&next]);
    assert_eq!(names(&publication), ["2.root.json"], "targets keep the key that was the root's too");
    assert_eq!(lab.client().root().body().version.get(), 2);
    assert!(lab.client_from(&lab.files["2.root.json"].clone()).is_ok());
}

#[test]
fn krot_05_a_threshold_that_rises_binds_the_new_root() {
    let mut lab = Lab::new();
    let second = key();
    let mut editor = lab.open();
    editor.add_key(&RoleName::Root, second.public_key()).unwrap();
    editor.set_threshold(&RoleName::Root, 2).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    lab.sign(&mut release, &[]);
    assert!(matches!(release.complete(lab.now), Err(EditError::Unsigned { needed: 2, valid: 1, .. })));
    lab.publish_with(&editor, &[&second]);
    // KROT-06: one that falls as well.
    let mut editor = lab.open();
    editor.set_threshold(&RoleName::Root, 1).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    lab.sign(&mut release, &[]);
    assert!(matches!(release.complete(lab.now), Err(EditError::Unsigned { needed: 2, valid: 1, .. })));
}

#[test]
fn a_role_whose_keys_change_is_signed_anew() {
    let mut lab = Lab::new();
    for role in TOP.into_iter().filter(|role| *role != RoleName::Root) {
        let next = key();
        let mut editor = lab.open();
        let old = if role == RoleName::Targets { &lab.offline } else { &lab.online }.public_key().clone();
        editor.add_key(&role, next.public_key()).unwrap();
        editor.remove_key(&role, &old).unwrap();
        let publication = lab.publish_with(&editor, &[&next]);
        let signed = names(&publication);
        assert!(signed.iter().any(|name| name.contains(role.as_str())), "{role}: {signed:?}");
        lab.client();
        // Back again, so that the next role has the keys of the lab.
        let mut editor = lab.open();
        editor.add_key(&role, &old).unwrap();
        editor.remove_key(&role, next.public_key()).unwrap();
        lab.publish(&editor);
        assert_eq!(lab.client().root().body().keys.iter().count(), 2, "unused keys are gone");
    }
}

#[test]
fn a_delegated_role_whose_keys_change_is_signed_anew() {
    let (mut lab, old, next) = (Lab::new(), key(), key());
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("team", &old, &["*"])).unwrap();
    editor.add_target(&role("team"), &target("t"), &info(b"t")).unwrap();
    lab.publish_with(&editor, &[&old]);
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("team", &next, &["t*"])).unwrap();
    let publication = lab.publish_with(&editor, &[&next]);
    assert_eq!(names(&publication)[..2], ["2.team.json", "3.targets.json"]);
    assert_eq!(lab.open().targets(&role("team")).unwrap().targets.len(), 1);
    assert_eq!(lab.open().targets(&RoleName::Targets).unwrap().keys.iter().count(), 1);
}

#[test]
fn a_file_that_is_not_at_hand_keeps_its_pin_and_its_keys() {
    let (mut lab, team, other) = (Lab::new(), key(), key());
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["*"])).unwrap();
    lab.publish_with(&editor, &[&team]);
    let open_top = |files: &Files| {
        tuf_notary::edit::repository::RepositoryEditor::open_top_level(
            Default::default(),
            super::lab::reader(files),
        )
    };
    let mut editor = open_top(&lab.files).unwrap();
    let name = target("x");
    assert!(matches!(editor.add_target(&role("team"), &name, &info(b"")), Err(EditError::NotAtHand { .. })));
    editor.add_target(&RoleName::Targets, &name, &info(b"")).unwrap();
    lab.publish(&editor);
    assert_eq!(lab.client().snapshot().body().pin(&role("team")).unwrap().version.unwrap().get(), 1);

    let mut editor = open_top(&lab.files).unwrap();
    editor.delegate(&RoleName::Targets, &delegation("team", &other, &["*"])).unwrap();
    assert!(
        matches!(editor.stage(lab.now), Err(EditError::NotAtHand { .. })),
        "its signatures no longer suffice"
    );
    let file = lab.files["1.team.json"].clone();
    let mut editor = open_top(&lab.files).unwrap();
    editor.load(&role("team"), file).unwrap();
    editor.delegate(&RoleName::Targets, &delegation("team", &other, &["*"])).unwrap();
    lab.publish_with(&editor, &[&other]);
}

#[test]
fn rb_06_a_role_that_goes_stays_pinned_and_comes_back_newer() {
    let (mut lab, team) = (Lab::new(), key());
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["*"])).unwrap();
    editor.add_target(&role("team"), &target("old"), &info(b"old")).unwrap();
    lab.publish_with(&editor, &[&team]);
    let mut editor = lab.open();
    editor.undelegate(&RoleName::Targets, &role("team")).unwrap();
    let error = editor.undelegate(&RoleName::Targets, &role("team")).unwrap_err();
    let what = "delegation to team".to_owned();
    assert_eq!(error, EditError::NotListed { role: RoleName::Targets, what });
    lab.publish(&editor);
    assert!(lab.client().snapshot().body().pin(&role("team")).is_some(), "none may vanish");
    let mut editor = lab.open();
    assert!(editor.targets(&role("team")).is_none());
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["*"])).unwrap();
    lab.publish_with(&editor, &[&team]);
    let editor = lab.open();
    let body = editor.targets(&role("team")).unwrap();
    assert_eq!((body.version.get(), body.targets.len()), (2, 0));
}

#[test]
fn krot_03_files_that_do_not_fit_are_not_maintained() {
    let [mut lab, mut other] = [Lab::new(), Lab::new()];
    for lab in [&mut lab, &mut other] {
        let mut editor = lab.open();
        editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
        editor.renew(&RoleName::Root).unwrap();
        lab.publish(&editor);
    }
    open(&lab.files).unwrap();
    for name in ["2.root.json", "1.root.json", "2.targets.json", "2.snapshot.json", "timestamp.json"] {
        let mut files = lab.files.clone();
        files.insert(name.to_owned(), other.files[name].clone());
        let error = open(&files).unwrap_err();
        assert!(matches!(error, EditError::Unsigned { .. }), "{name} of another repository: {error}");
    }
    for (name, older) in [
        ("2.targets.json", "1.targets.json"),
        ("2.snapshot.json", "1.snapshot.json"),
        ("2.root.json", "1.root.json"),
    ] {
        let mut files = lab.files.clone();
        files.insert(name.to_owned(), files[older].clone());
        let error = open(&files).unwrap_err();
        assert!(matches!(error, EditError::NotPinned { .. }), "{name}: {error}");
        if name != "2.root.json" {
            files.remove(name);
            assert!(matches!(open(&files), Err(EditError::NotAtHand { .. })));
        }
    }
}

#[test]
fn cj_04_unknown_members_stay_when_a_repository_is_maintained() {
    let (mut lab, team) = (Lab::new(), key());
    let mut editor = lab.open();
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["*"])).unwrap();
    lab.publish_with(&editor, &[&team]);
    let unknown = || serde_json::json!({"kept": [1, "x"]});
    lab.resign("1.root.json", None, |signed| signed["x-root"] = unknown());
    lab.resign("2.targets.json", None, |signed| {
        signed["x-targets"] = unknown();
        let delegations = &mut signed["delegations"];
        delegations["roles"][0]["x-delegation"] = unknown();
        let keys = delegations["keys"].as_object_mut().unwrap();
        keys.values_mut().for_each(|key| key["x-key"] = unknown());
    });
    let mut editor = lab.open();
    editor.add_target(&RoleName::Targets, &target("v2"), &info(b"two")).unwrap();
    editor.renew(&RoleName::Root).unwrap();
    let publication = lab.publish(&editor);
    assert_eq!(names(&publication)[0], "3.targets.json");
    assert_eq!(lab.read("2.root.json")["signed"]["x-root"], unknown());
    let targets = lab.read("3.targets.json")["signed"].take();
    assert_eq!(targets["x-targets"], unknown());
    assert_eq!(targets["delegations"]["roles"][0]["x-delegation"], unknown());
    let keys = targets["delegations"]["keys"].as_object().unwrap();
    assert_eq!(keys.values().map(|key| key["x-key"].clone()).collect::<Vec<_>>(), [unknown()]);
    lab.client();
}

#[test]
fn a_delegated_role_that_is_expired_before_it_is_published_is_refused() {
    let (mut lab, team) = (Lab::unpublished(), key());
    let lifetimes = Lifetimes { delegated: DAY / 2, ..Lifetimes::default() };
    let mut editor = RepositoryEditor::new(lifetimes);
    for role in TOP {
        editor.add_key(&role, lab.offline.public_key()).unwrap();
    }
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["*"])).unwrap();
    let mut release = editor.stage(lab.now).unwrap();
    lab.sign(&mut release, &[&team]);
    release.clone().complete(lab.now).unwrap();
    lab.now += DAY * 3 / 4;
    match release.complete(lab.now).unwrap_err() {
        EditError::Rejected(error) => assert_eq!(error.code(), "EXPIRED", "{error}"),
        error => panic!("{error}"),
    }
}

#[test]
fn limits_hold_for_what_is_opened_and_for_what_is_made() {
    let lab = Lab::new();
    let narrow = || Limits { max_keys: 1, ..Limits::default() };
    let error = RepositoryEditor::open_with(Lifetimes::default(), narrow(), reader(&lab.files)).unwrap_err();
    assert!(matches!(error, EditError::Wire(_)), "{error}");
    let mut editor = lab.open();
    editor.renew(&RoleName::Root).unwrap();
    editor.set_limits(narrow());
    let mut release = editor.stage(lab.now).unwrap();
    lab.sign(&mut release, &[]);
    let error = release.complete(lab.now).unwrap_err();
    assert!(matches!(error, EditError::Wire(_)), "{error}");
    let sent = editor.stage(lab.now).unwrap().request().to_bytes();
    assert!(matches!(SigningRequest::read_with(&sent, narrow()), Err(EditError::Wire(_))));
}
