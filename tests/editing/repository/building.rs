//! What a new repository consists of, and what can't be put into one.

use tuf_notary::{
    crypto::{PrivateKey, Scheme},
    edit::{
        EditError,
        repository::{Lifetimes, NewDelegation, Pins, RepositoryEditor},
    },
    name::{HashBins, PathRule, RoleName, TargetName},
    wire::tuf1::key_id,
};

use super::lab::{DAY, Lab, TOP, info, key, names, role, target};

#[test]
fn pp_06_leaves_come_first_and_the_timestamp_last() {
    let mut lab = Lab::unpublished();
    let (mut editor, team, sub) = (lab.editor(), key(), key());
    editor.delegate(&RoleName::Targets, &delegation("team", &team, &["team/*"])).unwrap();
    editor.delegate(&role("team"), &delegation("sub", &sub, &["team/s*"])).unwrap();
    editor.add_target(&role("sub"), &target("team/s1"), &info(b"s1")).unwrap();
    let publication = lab.publish_with(&editor, &[&team, &sub]);
    let order =
        ["1.sub.json", "1.team.json", "1.targets.json", "1.snapshot.json", "1.root.json", "timestamp.json"];
    assert_eq!(names(&publication), order);
    let [upload] = publication.targets() else { panic!() };
    assert_eq!((upload.role.as_str(), upload.name.as_str()), ("sub", "team/s1"));
    let hex = data_encoding::HEXLOWER.encode(&upload.info.hashes.sha256.unwrap());
    assert_eq!(upload.paths[0].as_str(), format!("team/{hex}.s1"));
    assert_eq!(upload.paths.len(), 2, "one for each digest");
    let set = lab.client();
    assert_eq!(set.snapshot().body().delegated.len(), 2);
    assert_eq!(set.targets().body().delegations[0].name, role("team"));
}

#[test]
fn without_consistent_snapshots_names_are_plain() {
    let mut lab = Lab::unpublished();
    let mut editor = lab.editor();
    editor.set_consistent_snapshot(false);
    editor.add_target(&RoleName::Targets, &target("a/b"), &info(b"1")).unwrap();
    let publication = lab.publish(&editor);
    assert_eq!(names(&publication), ["targets.json", "snapshot.json", "1.root.json", "timestamp.json"]);
    assert_eq!(publication.targets()[0].paths[0].as_str(), "a/b");
    lab.client();

    let mut editor = lab.open();
    editor.set_consistent_snapshot(true);
    let publication = lab.publish(&editor);
    // Nothing says anything new but the root; the files need their other names all the same.
    assert_eq!(names(&publication), ["1.targets.json", "1.snapshot.json", "2.root.json"]);
    assert_eq!(publication.targets().len(), 1, "under another name too");
    lab.client();
}

#[test]
fn every_kind_of_key_signs() {
    let mut lab = Lab::unpublished();
    let p256 = PrivateKey::generate_ecdsa().unwrap();
    let mut editor = RepositoryEditor::new(Lifetimes::default());
    for role in TOP {
        editor.add_key(&role, p256.public_key()).unwrap();
    }
    assert_eq!(editor.root().keys.iter().count(), 1, "one key, filed once");
    let id = key_id(p256.public_key(), Scheme::EcdsaDer).unwrap();
    assert_eq!(editor.root().targets.key_ids, [id]);
    lab.publish_with(&editor, &[&p256]);
    lab.client();
    let key =
        &lab.read("1.root.json")["signed"]["keys"].as_object().unwrap().values().next().unwrap().clone();
    assert_eq!((&key["keytype"], &key["scheme"]), (&"ecdsa".into(), &"ecdsa-sha2-nistp256".into()));
}

#[test]
fn hash_bins_take_each_target_by_its_name() {
    let (mut lab, bin) = (Lab::unpublished(), key());
    let mut editor = lab.editor();
    let bins = HashBins::new("bin", 3).unwrap();
    let keys = [bin.public_key().clone()];
    editor.delegate_bins(&RoleName::Targets, bins.clone(), &keys, 1).unwrap();
    for number in 0..20 {
        let name = target(&format!("file-{number}"));
        let bin = editor.bin_of(&RoleName::Targets, &name).unwrap();
        editor.add_target(&bin, &name, &info(b"x")).unwrap();
        let other = bins.names().find(|other| *other != bin.as_str()).unwrap();
        let error = editor.add_target(&role(&other), &name, &info(b"x")).unwrap_err();
        assert!(matches!(error, EditError::NotGranted { .. }), "{error}");
    }
    let publication = lab.publish_with(&editor, &[&bin]);
    assert_eq!(names(&publication).len(), 8 + 4);
    assert_eq!(lab.client().snapshot().body().delegated.len(), 8);
    // One more target changes one bin, snapshot and timestamp.
    let mut editor = lab.open();
    let bin_of = editor.bin_of(&RoleName::Targets, &target("more")).unwrap();
    editor.add_target(&bin_of, &target("more"), &info(b"y")).unwrap();
    let publication = lab.publish_with(&editor, &[&bin]);
    assert_eq!(
        names(&publication),
        [format!("2.{bin_of}.json"), "2.snapshot.json".into(), "timestamp.json".into()]
    );
    let again = editor.delegate_bins(&RoleName::Targets, bins, &keys, 1).unwrap_err();
    assert!(matches!(again, EditError::NotListed { .. }));
    let error = editor.delegate_bins(&bin_of, HashBins::new("b", 15).unwrap(), &keys, 1).unwrap_err();
    assert!(error.to_string().contains("at most 14"), "{error}");
    let error = editor.delegate(&RoleName::Targets, &delegation("team", &bin, &["*"])).unwrap_err();
    assert!(matches!(error, EditError::NotListed { .. }), "{error}");
}

#[test]
fn th_02_a_role_that_nobody_could_sign_is_not_staged() {
    let lab = Lab::unpublished();
    let mut editor = lab.editor();
    editor.set_threshold(&RoleName::Snapshot, 2).unwrap();
    let error = editor.stage(lab.now).unwrap_err();
    assert_eq!(error, EditError::TooFewKeys { role: RoleName::Snapshot, needed: 2, given: 1 });
    editor.add_key(&RoleName::Snapshot, lab.offline.public_key()).unwrap();
    editor.stage(lab.now).unwrap();
    editor.set_threshold(&RoleName::Snapshot, 0).unwrap_err();
    let mut keyless = delegation("team", &lab.online, &["*"]);
    keyless.keys.clear();
    editor.delegate(&RoleName::Targets, &keyless).unwrap();
    assert!(matches!(editor.stage(lab.now), Err(EditError::TooFewKeys { .. })));
}

#[test]
fn th_02_one_key_twice_is_one_key() {
    let lab = Lab::unpublished();
    let mut editor = lab.editor();
    let offline = lab.offline.public_key();
    let id = editor.add_key(&RoleName::Root, offline).unwrap();
    assert_eq!(editor.root().root.key_ids, [id]);
    editor.set_threshold(&RoleName::Root, 2).unwrap();
    editor.stage(lab.now).unwrap_err();
}

#[test]
fn dg_06_names_that_would_be_another_file_are_not_begun() {
    let lab = Lab::unpublished();
    let mut editor = lab.editor();
    for name in ["root", "Targets", "TIMESTAMP", "a/b", "../x", ".hidden", "1.root", "12.x", "a b", "é"] {
        let error = editor.delegate(&RoleName::Targets, &delegation(name, &lab.online, &["*"])).unwrap_err();
        assert!(matches!(error, EditError::Name(_)), "{name}: {error}");
    }
    for name in ["a", "v1.2", "A-b_c~d", "1", "rooted"] {
        editor.delegate(&RoleName::Targets, &delegation(name, &lab.online, &["*"])).unwrap();
    }
}

#[test]
fn dg_16_targets_that_clients_would_not_fetch_are_refused() {
    let lab = Lab::unpublished();
    let mut editor = lab.editor();
    for name in ["/a", "a/", "a//b", "../a", "a/./b", "a\\b"] {
        let error = editor.add_target(&RoleName::Targets, &target(name), &info(b"")).unwrap_err();
        assert!(matches!(error, EditError::Name(_)), "{name}: {error}");
    }
    let name = target("a");
    let mut bad = info(b"");
    bad.custom = Some("{\"a\":1.5}".to_owned());
    assert!(matches!(editor.add_target(&RoleName::Targets, &name, &bad), Err(EditError::NotPortable { .. })));
    let bad = tuf_notary::metadata::TargetInfo { hashes: Default::default(), ..info(b"") };
    assert!(matches!(editor.add_target(&RoleName::Targets, &name, &bad), Err(EditError::NoDigest { .. })));
    let bad = tuf_notary::metadata::TargetInfo { length: 1 << 54, ..info(b"") };
    assert!(matches!(editor.add_target(&RoleName::Targets, &name, &bad), Err(EditError::NotPortable { .. })));
    let error = editor.add_target(&role("team"), &name, &info(b"")).unwrap_err();
    assert_eq!(error, EditError::UnknownRole { role: role("team") });
    let error = editor.remove_target(&RoleName::Targets, &TargetName::new("a").unwrap()).unwrap_err();
    assert!(matches!(error, EditError::NotSigned { .. }));
}

#[test]
fn times_and_specification_are_as_chosen() {
    let mut lab = Lab::unpublished();
    let mut editor = lab.editor();
    editor.set_spec_version("1.0.0").unwrap();
    editor.set_spec_version("2.0").unwrap_err();
    lab.now += std::time::Duration::from_millis(700);
    lab.publish(&editor);
    for (name, days) in
        [("1.root.json", 365), ("1.targets.json", 90), ("1.snapshot.json", 7), ("timestamp.json", 1)]
    {
        let signed = &lab.read(name)["signed"];
        assert_eq!(signed["spec_version"], "1.0.0");
        let expires = tuf_notary::name::Expiry::parse(signed["expires"].as_str().unwrap()).unwrap();
        assert_eq!(expires.to_system_time() + std::time::Duration::from_millis(700), lab.now + DAY * days);
    }
    assert_eq!(Lab::new().read("1.root.json")["signed"]["spec_version"], "1.0.34");
}

#[test]
fn pins_with_digests_are_those_of_the_files() {
    let mut lab = Lab::unpublished();
    let mut editor = lab.editor();
    editor.set_pins(Pins::Digests);
    let mut release = editor.stage(lab.now).unwrap();
    assert!(release.sign(&lab.online).unwrap().is_empty(), "nothing that can be pinned is signed");
    release.sign(&lab.offline).unwrap();
    let signed = release.sign(&lab.online).unwrap();
    assert_eq!(signed, [RoleName::Snapshot, RoleName::Timestamp]);
    let publication = release.complete(lab.now).unwrap();
    lab.upload(&publication);
    let set = lab.client();
    assert_eq!(set.timestamp().body().snapshot.length.unwrap(), lab.files["1.snapshot.json"].len() as u64);
    let sha256 = tuf_notary::crypto::digest::sha256(&lab.files["1.targets.json"]);
    assert_eq!(set.snapshot().body().targets.hashes.sha256, Some(sha256));
    let mut editor = lab.open();
    editor.renew(&RoleName::Timestamp).unwrap();
    lab.publish(&editor);
    assert!(lab.client().timestamp().body().snapshot.length.is_some(), "what was pinned stays so");
}

pub fn delegation(name: &str, key: &PrivateKey, paths: &[&str]) -> NewDelegation {
    NewDelegation {
        role: role(name),
        keys: vec![key.public_key().clone()],
        threshold: 1,
        paths: PathRule::Globs(paths.iter().map(|path| (*path).to_owned()).collect()),
        terminating: false,
    }
}
