//! Keys that `notary` rotates, and keys that we rotate.

use tuf_notary::{
    blocking::{Collection, Initialise, RootKey, SnapshotKey},
    edit::{KeyHolder, NewKey, Rotation},
    keys::{KeyRole, KeyStore},
    store::MemoryStore,
    verify::Trust,
};

use crate::{
    common::notary_cli::{NotaryCli, listed},
    lab::*,
};

const ROTATIONS: [(&str, bool); 6] = [
    ("root", false),
    ("targets", false),
    ("snapshot", false),
    ("snapshot", true),
    ("snapshot", false),
    ("timestamp", true),
];

#[test]
fn old_and_new_clients_follow_the_rotation_of_every_key() {
    let Some((server, notary)) = start("old_and_new_clients_follow_the_rotation_of_every_key") else {
        return;
    };
    notary.init(GUN).ok();
    notary_signs(&notary, "v0", b"zero");
    let ours = fresh(&server);
    let mut before = ours.refresh().unwrap();
    let mut expected = vec![row("v0", b"zero", "targets")];
    for (round, (role, managed)) in ROTATIONS.into_iter().enumerate() {
        let what = format!("{role}, managed by the server: {managed}");
        notary.key_rotate(GUN, role, managed).ok();
        let after = ours.refresh().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_ne!(key_ids(&before, role), key_ids(&after, role), "{what}");
        assert_eq!(version(&after, "root"), version(&before, "root") + 1, "{what}");
        agree(&notary, &after, &["targets"], &expected);
        agree(&notary, &fresh(&server).refresh().unwrap(), &["targets"], &expected);

        let tag = format!("v{}", round + 1);
        notary_signs(&notary, &tag, tag.as_bytes());
        expected.push(row(&tag, tag.as_bytes(), "targets"));
        before = ours.refresh().unwrap();
        agree(&notary, &before, &["targets"], &expected);
    }
}

#[test]
fn a_client_that_was_away_walks_several_root_rotations() {
    let test = "a_client_that_was_away_walks_several_root_rotations";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let home = tempfile::tempdir().unwrap();
    let away = ours(&server, home.path());
    let first = away.refresh().unwrap();
    let first_root = first.roles().into_iter().find(|status| status.role == role("root")).unwrap();
    for _ in 0..4 {
        notary.key_rotate(GUN, "root", false).ok();
    }
    notary_signs(&notary, "v2", b"two");
    let expected = [row("v1", b"one", "targets"), row("v2", b"two", "targets")];
    let view = away.refresh().unwrap();
    assert_eq!(version(&view, "root"), 5);
    agree(&notary, &view, &["targets"], &expected);
    agree(&notary, &fresh(&server).refresh().unwrap(), &["targets"], &expected);

    // A pin holds for rotated roots too: the first key signs the newest root no more.
    let key = &first_root.keys[0];
    for id in [&key.id, &key.canonical_id] {
        let pinned = trusting(&server, Trust::Certificates(vec![id.clone()]));
        assert_eq!(pinned.refresh().unwrap_err().code(), "PIN_MISMATCH");
    }
    let newest = view.roles().into_iter().find(|status| status.role == role("root")).unwrap();
    for id in [&newest.keys[0].id, &newest.keys[0].canonical_id] {
        let pinned = trusting(&server, Trust::Certificates(vec![id.clone()]));
        agree(&notary, &pinned.refresh().unwrap(), &["targets"], &expected);
    }
}

#[test]
fn a_root_that_is_no_successor_is_refused_and_trust_stays() {
    let test = "a_root_that_is_no_successor_is_refused_and_trust_stays";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let ours = fresh(&server);
    ours.refresh().unwrap();
    // The owner deletes the collection and begins again with another root key.
    notary.delete(GUN, true).ok();
    let Some(other) = crate::common::notary_cli::NotaryCli::new(test, &server) else { return };
    other.init(GUN).ok();
    notary_signs(&other, "v1", b"evil");
    let error = ours.refresh().unwrap_err();
    assert_eq!(error.code(), "ROOT_CHANGED", "{error}");
    assert!(fresh(&server).refresh().unwrap().target("v1").unwrap().verify(b"evil").is_ok());
    ours.dangerous().forget().unwrap();
    assert!(ours.refresh().unwrap().target("v1").unwrap().verify(b"evil").is_ok());
}

fn rotation(name: &str, managed: bool) -> Rotation {
    let holder = if managed { KeyHolder::Server } else { KeyHolder::Local };
    Rotation::new().role(&role(name), holder, []).unwrap()
}

#[test]
fn our_rotation_of_every_key_is_followed_and_continued_by_notary() {
    let test = "our_rotation_of_every_key_is_followed_and_continued_by_notary";
    for snapshot in [SnapshotKey::Local, SnapshotKey::Server] {
        let Some((server, client)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        let (Some(publisher), ours) = (NotaryCli::new(test, &server), ours(&server, home.path())) else {
            return;
        };
        let publisher = publisher.with_trust_dir(home.path());
        let plan = Initialise::new().snapshot_key(snapshot).changes(signing([("v0", &b"zero"[..])]));
        let mut before = ours.initialise(&plan).unwrap();
        let mut expected = vec![row("v0", b"zero", "targets")];
        for (round, (name, managed)) in ROTATIONS.into_iter().enumerate() {
            let what = format!("{name}, managed by the server: {managed}");
            let after = ours.rotate(&rotation(name, managed)).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_ne!(key_ids(&before, name), key_ids(&after, name), "{what}");
            assert_eq!(version(&after, "root"), version(&before, "root") + 1, "{what}");
            // One who knows the keys before, and one who comes anew.
            agree(&client, &after, &["targets"], &expected);
            agree(&NotaryCli::new(test, &server).unwrap(), &after, &["targets"], &expected);

            let (by_notary, by_us) = (format!("v{}", round * 2 + 1), format!("v{}", round * 2 + 2));
            notary_signs(&publisher, &by_notary, by_notary.as_bytes());
            before = ours.publish(&signing([(by_us.as_str(), by_us.as_bytes())])).unwrap();
            expected.extend([&by_notary, &by_us].map(|tag| row(tag, tag.as_bytes(), "targets")));
            expected.sort_by(|a, b| a.name.cmp(&b.name));
            agree(&client, &before, &["targets"], &expected);
        }
        // Only keys that are in use are left, and all root keys.
        let kept = keys(home.path()).list().unwrap();
        let count = |role: KeyRole| kept.iter().filter(|info| info.role == role).count();
        let roots = 1 + ROTATIONS.iter().filter(|(name, _)| *name == "root").count();
        assert_eq!((count(KeyRole::Root), count(KeyRole::Targets), count(KeyRole::Snapshot)), (roots, 1, 1));
    }
}

#[test]
fn notary_and_we_rotate_in_turn() {
    let test = "notary_and_we_rotate_in_turn";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let ours = ours(&server, &notary.trust_dir);
    let (client, away) = (NotaryCli::new(test, &server).unwrap(), fresh(&server));
    client.list(GUN).ok();
    away.refresh().unwrap();
    let expected = [row("v1", b"one", "targets")];
    for (name, managed) in ROTATIONS {
        ours.rotate(&rotation(name, managed)).unwrap();
        notary.key_rotate(GUN, name, managed).ok();
        notary.key_rotate(GUN, name, managed).ok();
        let view = ours.rotate(&rotation(name, managed)).unwrap();
        agree(&client, &view, &["targets"], &expected);
    }
    let view = away.refresh().unwrap();
    assert_eq!(version(&view, "root"), 1 + 4 * u64::try_from(ROTATIONS.len()).unwrap());
    agree(&notary, &view, &["targets"], &expected);
}

#[test]
fn several_roles_and_keys_at_once_reach_notary() {
    let test = "several_roles_and_keys_at_once_reach_notary";
    let Some((server, client)) = start(test) else { return };
    let home = tempfile::tempdir().unwrap();
    let ours = ours(&server, home.path());
    let plan = Initialise::new().root_keys([RootKey::New, RootKey::New]);
    ours.initialise(&plan.changes(signing([("v1", &b"one"[..])]))).unwrap();
    let expected = [row("v1", b"one", "targets")];
    assert_eq!(listed(&client.list(GUN).ok()), expected);
    let two = || [NewKey::New, NewKey::New];
    let all =
        Rotation::new().root_keys([RootKey::New, RootKey::New]).targets_keys(two()).snapshot_keys(two());
    for rotation in
        [all.timestamp(), Rotation::new().root().snapshot_to_server().with_legacy_signatures(u32::MAX)]
    {
        let view = ours.rotate(&rotation).unwrap();
        agree(&client, &view, &["targets"], &expected);
        agree(&NotaryCli::new(test, &server).unwrap(), &view, &["targets"], &expected);
    }
    // Notary goes on with what is left, and so do we.
    let notary = client.with_trust_dir(home.path());
    notary.key_rotate(GUN, "root", false).ok();
    notary.key_rotate(GUN, "targets", false).ok();
    let view = ours.publish(&signing([("v2", &b"two"[..])])).unwrap();
    agree(&notary, &view, &["targets"], &[row("v1", b"one", "targets"), row("v2", b"two", "targets")]);
}

#[test]
fn publishers_and_rotations_at_the_same_time_all_succeed() {
    let test = "publishers_and_rotations_at_the_same_time_all_succeed";
    let Some((server, notary)) = start(test) else { return };
    let home = tempfile::tempdir().unwrap();
    ours(&server, home.path()).initialise(&Initialise::new()).unwrap();
    let another = || {
        Collection::builder(gun(), Trust::FirstUse)
            .transport(transport(&server, &gun()))
            .store(MemoryStore::new())
            .keys(keys(home.path()))
            .build()
    };
    std::thread::scope(|scope| {
        for tag in ["v1", "v2", "v3"] {
            let another = &another;
            scope.spawn(move || another().publish(&signing([(tag, &b"content"[..])])).unwrap());
        }
        scope.spawn(|| another().rotate(&Rotation::new().timestamp()).unwrap());
    });
    let expected = ["v1", "v2", "v3"].map(|tag| row(tag, b"content", "targets"));
    agree(&notary, &fresh(&server).refresh().unwrap(), &["targets"], &expected);
}

#[test]
fn pc_04_a_snapshot_that_nobody_can_sign_is_explained() {
    let test = "pc_04_a_snapshot_that_nobody_can_sign_is_explained";
    let Some((server, _notary)) = start(test) else { return };
    let home = tempfile::tempdir().unwrap();
    let ours = ours(&server, home.path());
    let view = ours.initialise(&Initialise::new()).unwrap();
    let keys = keys(home.path());
    for info in keys.list().unwrap().into_iter().filter(|info| info.role == KeyRole::Snapshot) {
        keys.remove(&info.id).unwrap();
    }
    let error = ours.publish(&signing([("v1", &b"one"[..])])).unwrap_err();
    assert_eq!(error.code(), "MISSING_KEYS", "{error}");
    assert!(error.to_string().contains("hand the snapshot to the server"), "{error}");
    let after = ours.refresh().unwrap();
    assert_eq!(after.trusted().timestamp().sha256(), view.trusted().timestamp().sha256());
}
