//! KROT and PP, the publisher's side: keys that are replaced by us.

use std::num::NonZeroUsize;

use crate::facade::Collection;
use data_encoding::BASE64;
use tuf_notary::{
    blocking::{Initialise, RootKey, SnapshotKey},
    crypto::{PrivateKey, PublicKey},
    edit::{KeyHolder, NewKey, Rotation},
    keys::{KeyRole, KeyStore as _},
    name::{KeyId, RoleName},
    testkit::{Fault, ForgeKey},
    verify::Trust,
    view::View,
    wire::notary,
};

use crate::{
    lab::{GUN, Lab},
    publisher::*,
};

/// A key that is kept as somebody's own.
fn kept(publisher: &Publisher, key: &ForgeKey, role: &KeyRole) -> KeyId {
    let private = PrivateKey::from_pkcs8_der(&key.private().to_notary_pkcs8()).unwrap();
    publisher.keys.import(private, role, Some(&gun())).unwrap()
}

fn versions(view: &View) -> [u64; 3] {
    ["root", "targets", "snapshot"].map(|role| Lab::version(view, role).unwrap())
}

#[test]
fn every_role_is_rotated_with_the_files_that_must_change_and_everybody_follows() {
    let (local, server) = (SnapshotKey::Local, SnapshotKey::Server);
    let all = Rotation::new().root().targets().snapshot().timestamp();
    for (begun, rotation, upload, rotated) in [
        (local, Rotation::new().root(), "root,snapshot", &["root"][..]),
        (server, Rotation::new().root(), "root", &["root"]),
        (local, Rotation::new().targets(), "root,targets,snapshot", &["targets"]),
        (server, Rotation::new().targets(), "root,targets", &["targets"]),
        (local, Rotation::new().snapshot(), "root,snapshot", &["snapshot"]),
        (local, Rotation::new().snapshot_to_server(), "root", &["snapshot"]),
        (server, Rotation::new().snapshot(), "root,snapshot", &["snapshot"]),
        (server, Rotation::new().snapshot_to_server(), "root", &["snapshot"]),
        (local, Rotation::new().timestamp(), "root,snapshot", &["timestamp"]),
        (server, Rotation::new().timestamp(), "root", &["timestamp"]),
        (local, all, "root,targets,snapshot", &["root", "targets", "snapshot", "timestamp"]),
    ] {
        let publisher = Publisher::begun(begun);
        let client = publisher.other();
        let before = client.refresh().unwrap();
        let view = publisher.ours().rotate(&rotation).unwrap_or_else(|e| panic!("{rotation:?}: {e}"));
        assert_eq!(publisher.posts(), [format!("POST {upload}")]);
        for role in ["root", "targets", "snapshot", "timestamp"] {
            let same = key_ids(&before, role) == key_ids(&view, role);
            assert_eq!(same, !rotated.contains(&role), "{rotation:?}: {role}");
        }
        for (role, keys) in [("targets", KeyRole::Targets), ("snapshot", KeyRole::Snapshot)] {
            let ours = role == "targets" || upload.contains("snapshot");
            let expected = if ours { key_ids(&view, role) } else { Vec::new() };
            assert_eq!(publisher.held(&keys), expected, "{rotation:?}: {role}");
        }
        let roots = publisher.held(&KeyRole::Root);
        assert!(roots.contains(&key_ids(&before, "root")[0]), "root keys stay");
        assert_eq!(versions(&client.refresh().unwrap())[0], 2);
        publisher.ours().publish(&sign("v2", 2)).unwrap();
        assert!(client.refresh().unwrap().target("v2").is_ok());
    }
}

#[test]
fn root_certificates_stay_in_the_root_and_other_keys_go() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let first = publisher.ours().refresh().unwrap();
    let view = publisher.ours().rotate(&Rotation::new().root().targets().snapshot().timestamp()).unwrap();
    let (before, after) = (first.trusted().root().body(), view.trusted().root().body());
    assert!(after.keys.get(&before.root.key_ids[0]).is_some());
    for role in [&before.targets, &before.snapshot, &before.timestamp] {
        assert!(after.keys.get(&role.key_ids[0]).is_none());
    }
    assert_eq!(after.keys.iter().count(), 5);
    // The next one is signed by its predecessor and itself, and by nobody older.
    let view = publisher.ours().rotate(&Rotation::new().root()).unwrap();
    assert_eq!(signatures(&view).len(), 2);
    let view = publisher.ours().rotate(&Rotation::new().timestamp()).unwrap();
    assert_eq!(signatures(&view).len(), 1);
}

/// Ids under which the root is signed.
fn signatures(view: &View) -> Vec<String> {
    let root: serde_json::Value = serde_json::from_slice(view.trusted().root().bytes()).unwrap();
    let signatures = root["signatures"].as_array().unwrap().iter();
    signatures.map(|signature| signature["keyid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn earlier_root_keys_sign_too_for_clients_that_do_not_walk() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    let mut certificates = Vec::new();
    for _ in 0..3 {
        let view = publisher.ours().refresh().unwrap();
        certificates.push(view.trusted().root().body().root.key_ids[0].to_string());
        publisher.ours().rotate(&Rotation::new().root()).unwrap();
    }
    // The present root is version 4; its predecessors had the three certificates.
    for (versions, older) in [(0, 0), (1, 1), (2, 2), (u32::MAX, 3)] {
        let publisher = Publisher { store: Default::default(), ..publisher.clone() };
        let before = publisher.server.checkpoint(&gun());
        let rotation = Rotation::new().timestamp().with_legacy_signatures(versions);
        let view = publisher.ours().rotate(&rotation).unwrap();
        let signed = signatures(&view);
        let found: Vec<_> = certificates.iter().map(|id| signed.contains(id)).collect();
        let expected: Vec<_> = (0..3).map(|at| 3 - at <= older).collect();
        assert_eq!((found, signed.len()), (expected, older + 1), "{versions}");
        publisher.server.restore(&gun(), before);
    }
}

#[test]
fn a_hostile_history_gets_no_signature_of_another_key() {
    let publisher = Publisher::begun(SnapshotKey::Server);
    publisher.ours().rotate(&Rotation::new().root()).unwrap();
    // The server claims that the targets key was once the root's.
    let earlier = publisher.server.file(&gun(), "1.root.json").unwrap();
    let mut earlier: serde_json::Value = serde_json::from_slice(&earlier).unwrap();
    let targets = earlier["signed"]["roles"]["targets"]["keyids"].clone();
    earlier["signed"]["roles"]["root"]["keyids"] = targets;
    let bytes = serde_json::to_vec(&earlier).unwrap();
    publisher.server.misbehave(&gun(), Fault::Serve { name: "1.root.json".to_owned(), bytes });
    let view = publisher.ours().rotate(&Rotation::new().timestamp().with_legacy_signatures(1)).unwrap();
    assert_eq!(signatures(&view).len(), 1);
}

#[test]
fn several_keys_serve_a_role_together() {
    let publisher = Publisher::new();
    let plan = Initialise::new().root_keys([RootKey::New, RootKey::New]);
    let view = publisher.ours().initialise(&plan).unwrap();
    assert_eq!((key_ids(&view, "root").len(), signatures(&view).len()), (2, 2));
    let own = [NewKey::New, NewKey::New];
    let rotation = Rotation::new().root_keys([RootKey::New, RootKey::New, RootKey::New]);
    let rotation = rotation.targets_keys(own.clone()).snapshot_keys(own);
    let view = publisher.ours().rotate(&rotation).unwrap();
    assert_eq!((key_ids(&view, "root").len(), signatures(&view).len()), (3, 5));
    assert_eq!((key_ids(&view, "targets").len(), key_ids(&view, "snapshot").len()), (2, 2));
    // One of several is enough, and which does not matter.
    let gone = publisher.held(&KeyRole::Targets).remove(0);
    publisher.keys.remove(&gone).unwrap();
    publisher.ours().publish(&sign("v2", 2)).unwrap();
    // The others' keys are somebody else's to remove.
    publisher.ours().rotate(&Rotation::new().targets()).unwrap();
    assert_eq!(publisher.held(&KeyRole::Targets).len(), 1);
}

#[test]
fn existing_keys_and_certificates_are_taken() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let (root, targets) = (ForgeKey::certificate(GUN), ForgeKey::ed25519());
    let certificate = || RootKey::Certificate(root.public().clone());
    let id = kept(&publisher, &targets, &KeyRole::Targets);
    // Without the private key it is refused before anything is asked or made.
    let keys = publisher.keys.list().unwrap();
    let rotation = || Rotation::new().root_keys([certificate()]).timestamp().targets();
    assert_eq!(publisher.ours().rotate(&rotation()).unwrap_err().code(), "KEY_NOT_FOUND");
    assert!(!publisher.server.requests().iter().any(|request| request.starts_with("POST")));
    assert_eq!(publisher.keys.list().unwrap(), keys);

    let root_id = kept(&publisher, &root, &KeyRole::Root);
    let rotation = Rotation::new().root_keys([certificate()]).targets_keys([NewKey::Existing(id.clone())]);
    let view = publisher.ours().rotate(&rotation).unwrap();
    assert_eq!((key_ids(&view, "root"), key_ids(&view, "targets")), (vec![root_id.clone()], vec![id]));
    let filed = &view.trusted().root().body().root.key_ids[0];
    assert_eq!(*filed, notary::key_id(root.public()), "the certificate as it was given");

    let beginner = Publisher::new();
    let plan = || Initialise::new().root_key(certificate());
    assert_eq!(beginner.ours().initialise(&plan()).unwrap_err().code(), "KEY_NOT_FOUND");
    assert_eq!(beginner.server.requests(), ["GET root.json"]);
    kept(&beginner, &root, &KeyRole::Root);
    let view = beginner.ours().initialise(&plan()).unwrap();
    assert_eq!(key_ids(&view, "root"), [root_id]);
}

#[test]
fn certificates_that_no_client_would_take_are_refused_before_anything_happens() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for key in [ForgeKey::certificate("example.com/other"), ForgeKey::ecdsa()] {
        kept(&publisher, &key, &KeyRole::Root);
        let rotation = Rotation::new().root_keys([RootKey::Certificate(key.public().clone())]).timestamp();
        assert_eq!(publisher.ours().rotate(&rotation).unwrap_err().code(), "CERTIFICATE");
    }
    assert!(!publisher.server.requests().iter().any(|request| request.starts_with("POST")));
}

#[test]
fn krot_17_a_server_key_that_can_not_serve_is_not_published() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let view = publisher.ours().refresh().unwrap();
    let published = |key: &PublicKey| {
        let public = BASE64.encode(key.published());
        format!(r#"{{"keytype":"{}","keyval":{{"public":"{public}","private":null}}}}"#, key.kind().as_str())
    };
    let root = view.trusted().root().body();
    let filed =
        |role: &RoleName| published(&root.keys.get(&root.role(role).unwrap().key_ids[0]).unwrap().key);
    let elsewhere = ForgeKey::ecdsa();
    kept(&publisher, &elsewhere, &KeyRole::delegation());
    let unknown = published(ForgeKey::ed25519().public()).replace("ed25519", "unheard-of");
    let short = r#"{"keytype":"ed25519","keyval":{"public":"AAAA","private":null}}"#.to_owned();
    let keys = publisher.keys.list().unwrap();
    let before = publisher.server.checkpoint(&gun());
    for (what, key) in [
        ("malformed", "{}".to_owned()),
        ("truncated", published(elsewhere.public())[..40].to_owned()),
        ("of an unknown kind", unknown),
        ("too short", short),
        ("a certificate", published(ForgeKey::certificate(GUN).public())),
        ("the one replaced", filed(&RoleName::Timestamp)),
        ("our snapshot key", filed(&RoleName::Snapshot)),
        ("our targets key", filed(&RoleName::Targets)),
        ("our root key", published(&root.keys.get(&root.root.key_ids[0]).unwrap().key.to_plain())),
        ("our key for something else", published(elsewhere.public())),
    ] {
        publisher.server.misbehave(&gun(), Fault::Key(key.into_bytes()));
        for rotation in [
            Rotation::new().timestamp(),
            Rotation::new().snapshot_to_server(),
            Rotation::new().root().targets().timestamp(),
        ] {
            let error = publisher.ours().rotate(&rotation).expect_err(what);
            assert!(matches!(error.code(), "SERVER_KEY" | "MALFORMED"), "{what}: {error}");
        }
        publisher.server.behave(&gun());
    }
    // One key for two roles is one key too many.
    publisher.server.misbehave(&gun(), Fault::Key(published(ForgeKey::ed25519().public()).into_bytes()));
    let both = Rotation::new().timestamp().snapshot_to_server();
    assert_eq!(publisher.ours().rotate(&both).unwrap_err().code(), "SERVER_KEY");
    assert!(publisher.posts().is_empty());
    assert_eq!(publisher.keys.list().unwrap(), keys, "no key was made for nothing");
    assert_eq!(publisher.server.checkpoint(&gun()), before);
}

#[test]
fn krot_17_a_new_collection_takes_no_key_of_ours_from_the_server() {
    let publisher = Publisher::new();
    let key = ForgeKey::ecdsa();
    kept(&publisher, &key, &KeyRole::Root);
    let public = BASE64.encode(key.public().published());
    let json = format!(r#"{{"keytype":"ecdsa","keyval":{{"public":"{public}","private":null}}}}"#);
    publisher.server.misbehave(&gun(), Fault::Key(json.into_bytes()));
    assert_eq!(publisher.ours().initialise(&Initialise::new()).unwrap_err().code(), "SERVER_KEY");
    assert_eq!(publisher.keys.list().unwrap().len(), 1);
    assert!(publisher.posts().is_empty());
}

#[test]
fn krot_18_what_can_not_be_is_refused_before_any_traffic() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for (role, holder) in [
        ("root", KeyHolder::Server),
        ("targets", KeyHolder::Server),
        ("timestamp", KeyHolder::Local),
        ("targets/releases", KeyHolder::Local),
        ("targets/releases", KeyHolder::Server),
    ] {
        let error = Rotation::new().role(&RoleName::new(role).unwrap(), holder, []).unwrap_err();
        assert_eq!(error.code(), "ROTATION", "{role}");
    }
    for (rotation, code) in [
        (Rotation::new(), "ROTATION"),
        (Rotation::new().targets_keys([]), "TOO_FEW_KEYS"),
        (Rotation::new().root_keys([]), "TOO_FEW_KEYS"),
    ] {
        assert_eq!(publisher.ours().rotate(&rotation).unwrap_err().code(), code);
    }
    assert!(publisher.server.requests().is_empty());
}

#[test]
fn pp_04_a_rotation_that_failed_after_the_server_made_its_key_can_be_run_again() {
    for rotation in [Rotation::new().timestamp(), Rotation::new().snapshot_to_server().timestamp().root()] {
        let publisher = Publisher::begun(SnapshotKey::Local);
        let client = publisher.other();
        client.refresh().unwrap();
        let keys = publisher.keys.list().unwrap();
        let code = "INVALID_UPDATE".to_owned();
        publisher.server.misbehave(&gun(), Fault::Reject { code, message: "ErrBadRoot".to_owned() });
        assert_eq!(publisher.ours().rotate(&rotation).unwrap_err().code(), "REJECTED");
        assert_eq!(publisher.keys.list().unwrap(), keys);
        // The collection goes on as it was, and the same rotation succeeds.
        publisher.server.behave(&gun());
        publisher.ours().publish(&sign("v2", 2)).unwrap();
        let view = publisher.ours().rotate(&rotation).unwrap();
        assert_eq!(versions(&view)[0], 2);
        publisher.ours().publish(&sign("v3", 3)).unwrap();
        assert!(client.refresh().unwrap().target("v3").is_ok());
    }
}

#[test]
fn pp_04_without_the_root_key_the_server_is_not_asked_for_a_new_one() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    for id in publisher.held(&KeyRole::Root) {
        publisher.keys.remove(&id).unwrap();
    }
    let keys = publisher.keys.list().unwrap();
    for rotation in [Rotation::new().timestamp(), Rotation::new().root(), Rotation::new().targets()] {
        assert_eq!(publisher.ours().rotate(&rotation).unwrap_err().code(), "MISSING_KEYS");
    }
    assert!(!publisher.server.requests().iter().any(|request| request.starts_with("POST")));
    assert_eq!(publisher.keys.list().unwrap(), keys);
}

#[test]
fn keys_that_were_made_for_nothing_are_removed() {
    let publisher = Publisher::new();
    let code = "INVALID_GUN".to_owned();
    publisher.server.misbehave(&gun(), Fault::Reject { code, message: String::new() });
    assert_eq!(publisher.ours().initialise(&Initialise::new()).unwrap_err().code(), "REJECTED");
    assert_eq!(publisher.local(), Publisher::new().local());
    // A root key that was there stays.
    let root = kept(&publisher, &ForgeKey::ecdsa(), &KeyRole::Root);
    publisher.ours().initialise(&Initialise::new()).unwrap_err();
    assert_eq!(publisher.keys.list().unwrap().len(), NonZeroUsize::MIN.get());
    publisher.server.behave(&gun());
    assert_eq!(key_ids(&publisher.ours().initialise(&Initialise::new()).unwrap(), "root"), [root]);
}

#[test]
fn a_key_that_serves_elsewhere_too_is_not_removed() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let shared = kept(&publisher, &ForgeKey::ecdsa(), &KeyRole::delegation());
    publisher.ours().rotate(&Rotation::new().targets_keys([NewKey::Existing(shared.clone())])).unwrap();
    publisher.ours().rotate(&Rotation::new().targets()).unwrap();
    assert_eq!(publisher.held(&KeyRole::delegation()), [shared]);
}

#[test]
fn a_root_that_our_own_pin_refuses_is_not_published() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    let pinned = |publisher: &Publisher, trust| {
        Collection::builder(gun(), trust)
            .transport(publisher.server.transport(&gun()))
            .keys(publisher.keys.clone())
            .build()
    };
    let first = key_ids(&publisher.seen(), "root");
    let ours = || pinned(&publisher, Trust::Certificates(first.clone()));
    let keys = publisher.keys.list().unwrap();
    assert_eq!(ours().rotate(&Rotation::new().root()).unwrap_err().code(), "PIN_MISMATCH");
    assert!(publisher.posts().is_empty() && publisher.keys.list().unwrap() == keys);
    ours().rotate(&Rotation::new().targets()).unwrap();
    ours().rotate(&Rotation::new().root_keys([RootKey::Existing(first[0].clone()), RootKey::New])).unwrap();

    let beginner = Publisher::new();
    let error = pinned(&beginner, Trust::Certificates(first)).initialise(&Initialise::new()).unwrap_err();
    assert_eq!(error.code(), "PIN_MISMATCH");
    assert!(beginner.posts().is_empty() && beginner.keys.list().unwrap().is_empty());
}
