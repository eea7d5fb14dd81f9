//! What a publisher is told, and what he must not be led into.

use std::time::Duration;

use crate::facade::Collection;
use tuf_notary::{
    blocking::{Initialise, RootKey},
    crypto::KeyKind,
    edit::Changes,
    error::Error,
    keys::{KeyRole, KeyStore as _, MemoryKeys},
    metadata::TargetInfo,
    name::{Hashes, KeyId, RoleName, Slot, TargetName},
    store::{MemoryStore, MetadataStore},
    testkit::{Fault, ForgeAuthority, ForgeKey},
    transport::Transport as _,
    verify::{DelegatedTargets, Trust, VerifyError},
    wire::{
        json::canonicalise,
        notary::{canonical_id, read_public_key},
    },
};

use crate::lab::Lab;

/// A publisher with a store and keys of his own.
fn publisher(lab: &Lab, trust: Trust, store: &MemoryStore, keys: &MemoryKeys) -> Collection {
    lab.server.set_now(lab.now);
    Collection::builder(lab.gun(), trust)
        .transport(lab.server.transport(&lab.gun()))
        .store(store.clone())
        .keys(keys.clone())
        .limits(lab.limits)
        .lock_wait(Duration::ZERO)
        .clock({
            let now = lab.now;
            move || now
        })
        .build()
}

fn name(text: &str) -> TargetName {
    TargetName::new(text).unwrap()
}

fn info(byte: u8) -> TargetInfo {
    TargetInfo { length: 1, hashes: Hashes::sha256([byte; 32]), custom: None }
}

fn posts(lab: &Lab) -> usize {
    lab.server.requests().iter().filter(|request| request.starts_with("POST")).count()
}

/// The server says that it has stored what it dropped.
#[test]
fn an_upload_that_is_not_served_was_not_published() {
    let (lab, store, keys) = (Lab::new(), MemoryStore::new(), MemoryKeys::new());
    let ours = publisher(&lab, Trust::FirstUse, &store, &keys);
    let plan = Initialise::new().changes(Changes::new().sign(name("v1"), info(1)));
    ours.initialise(&plan).unwrap();
    for changes in [Changes::new().sign(name("v2"), info(2)), Changes::new().revoke(name("v1"))] {
        lab.server.misbehave(&lab.gun(), Fault::Pretend);
        let error = ours.publish(&changes).map(|view| view.targets()).unwrap_err();
        assert_eq!(error.code(), "STALE", "{error}");
        assert!(error.is_untrusted());
        lab.server.behave(&lab.gun());
        // It may come to light still, until that is given up.
        assert_eq!(ours.publish(&changes).unwrap_err().code(), "ROLLBACK");
        ours.dangerous().forget().unwrap();
        ours.publish(&changes).unwrap();
    }
}

/// A second collection beside a trusted one could not be read by the publisher himself.
#[test]
fn a_collection_that_was_used_is_not_begun_anew() {
    let (lab, store, keys) = (Lab::new(), MemoryStore::new(), MemoryKeys::new());
    let ours = publisher(&lab, Trust::FirstUse, &store, &keys);
    ours.initialise(&Initialise::new()).unwrap();
    let (root, held) = (Slot::Metadata(RoleName::Root), keys.list().unwrap().len());
    lab.server.transport(&lab.gun()).delete().unwrap();
    for lost in [false, true] {
        if lost {
            store.remove(&root).unwrap();
        }
        let kept = (store.read(&root, u64::MAX).unwrap(), store.read(&Slot::Record, u64::MAX).unwrap());
        let before = posts(&lab);
        let error = ours.initialise(&Initialise::new()).unwrap_err();
        assert_eq!(error.code(), "LOCAL_STATE", "{error}");
        assert_eq!(posts(&lab), before, "nothing is sent");
        assert_eq!(keys.list().unwrap().len(), held, "no key is made");
        let after = (store.read(&root, u64::MAX).unwrap(), store.read(&Slot::Record, u64::MAX).unwrap());
        assert_eq!(after, kept);
    }
    ours.dangerous().forget().unwrap();
    ours.initialise(&Initialise::new()).unwrap();
}

/// The pin is the publisher's own policy too.
#[test]
fn a_root_that_the_pin_refuses_is_not_published() {
    let (begin, end) = (Lab::new().now, Lab::new().now + Duration::from_secs(3600));
    let authority = ForgeAuthority::new("top", begin, end);
    let other = KeyId::new(&ForgeKey::ecdsa().canonical_id()).unwrap();
    let given = Lab::new().serve().newest("root");
    for (trust, code) in [
        (Trust::Certificates(vec![other]), "PIN_MISMATCH"),
        (Trust::Authority(vec![authority.certificate().clone()]), "PIN_MISMATCH"),
        (Trust::Root(given), "PIN_MISMATCH"),
    ] {
        let (lab, keys) = (Lab::new(), MemoryKeys::new());
        let ours = publisher(&lab, trust, &MemoryStore::new(), &keys);
        assert_eq!(ours.initialise(&Initialise::new()).unwrap_err().code(), code);
        assert_eq!(posts(&lab), 0);
    }
    let (lab, keys) = (Lab::new(), MemoryKeys::new());
    let root = keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
    let id = canonical_id(root.public_key());
    let ours = publisher(&lab, Trust::Certificates(vec![id.clone()]), &MemoryStore::new(), &keys);
    ours.initialise(&Initialise::new().root_key(RootKey::Existing(id))).unwrap();
}

/// Custom data that others spelled in another way than the canonical one, and signed well.
#[test]
fn custom_data_in_another_spelling_survives_the_next_signature() {
    for custom in [r#"{"b":1,"a":2}"#, r#"{"a":"\u003c\u0026"}"#, r#"{ "a" : "\u00e9" }"#] {
        let mut lab = Lab::new();
        lab.forge.doc("targets")["targets"]["v1"]["custom"] = "HERE".into();
        lab.forge.before_sign("targets", move |text| text.replace("\"HERE\"", custom));
        let mut lab = uploaded(lab, &["root", "targets", "snapshot"]);
        let before = lab.refresh().unwrap().target("v1").unwrap();
        let ours = lab.publisher(lab.server.transport(&lab.gun()));
        let view = ours.publish(&Changes::new().sign(name("v2"), info(2))).expect(custom);
        let canonical = |text: &str| canonicalise(text).unwrap();
        let after = view.target("v1").unwrap();
        assert_eq!(canonical(after.custom().unwrap()), canonical(before.custom().unwrap()));
        view.target("v2").unwrap();
    }
}

/// Whoever leaves the role out of the snapshot could bring its entry back after the revocation.
#[test]
fn a_tag_is_not_revoked_while_a_role_that_may_hold_it_is_withheld() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "targets/a", &[ForgeKey::ecdsa()], 1, &[""]);
    lab.forge.add_tag("targets/a", "v1", 1, 1);
    let mut lab = uploaded(lab, &["root", "targets", "targets/a", "snapshot"]);
    let ours = lab.publisher(lab.server.transport(&lab.gun()));
    ours.refresh().unwrap();
    lab.forge.pin("targets/a", |pin| *pin = serde_json::Value::Null);
    lab.forge.bump("snapshot");
    lab.server.transport(&lab.gun()).publish(&lab.forge.build().upload(&["snapshot"])).unwrap();
    let state = ours.refresh().unwrap();
    let state = state.trusted().delegated().get(&RoleName::new("targets/a").unwrap()).cloned();
    assert!(matches!(state, Some(DelegatedTargets::Unusable(VerifyError::Withheld { .. }))), "{state:?}");
    let error = ours.publish(&Changes::new().revoke(name("v1"))).unwrap_err();
    assert_eq!(error.code(), "ROLE_UNUSABLE", "{error}");
    ours.publish(&Changes::new().revoke_as(RoleName::Targets, name("v1"))).unwrap();
}

/// The server is not asked to delete what could not be forgotten here then.
#[test]
fn nothing_is_deleted_while_the_store_is_busy() {
    let (lab, store, keys) = (Lab::new(), MemoryStore::new(), MemoryKeys::new());
    let ours = publisher(&lab, Trust::FirstUse, &store, &keys);
    ours.initialise(&Initialise::new()).unwrap();
    let held = store.lock(Duration::ZERO).unwrap();
    assert_eq!(ours.delete_remote().unwrap_err().code(), "BUSY");
    assert!(lab.server.file(&lab.gun(), "root.json").is_some());
    drop(held);
    ours.delete_remote().unwrap();
    assert!(matches!(ours.refresh(), Err(Error::Verify(VerifyError::NotSigned { .. }))));
}

/// Damage on this side is no answer of the server.
#[test]
fn local_damage_is_not_blamed_on_the_server() {
    let lab = Lab::trusting();
    lab.plant("root", b"{");
    let error = lab.refused("LOCAL_STATE");
    assert!(!error.is_untrusted() && !error.is_unanswered(), "{error}");
}

/// A repository whose timestamp the server signs, with these roles' files uploaded.
fn uploaded(mut lab: Lab, roles: &[&str]) -> Lab {
    lab.server.set_now(lab.now);
    let transport = lab.server.transport(&lab.gun());
    let key = read_public_key(&transport.server_key(&RoleName::Timestamp, false).unwrap()).unwrap();
    lab.forge.list_keys("timestamp", &[ForgeKey::ed25519().with_public(key)], 1);
    transport.publish(&lab.forge.build().upload(roles)).unwrap();
    lab
}

/// Nobody could read it, and so nobody could replace it.
#[test]
fn a_file_that_is_too_large_to_be_read_back_is_not_published() {
    let (mut lab, store, keys) = (Lab::new(), MemoryStore::new(), MemoryKeys::new());
    publisher(&lab, Trust::FirstUse, &store, &keys).initialise(&Initialise::new()).unwrap();
    lab.limits.max_metadata = 4096;
    let long = TargetInfo { custom: Some(format!("\"{}\"", "x".repeat(4096))), ..info(1) };
    let before = posts(&lab);
    let ours = publisher(&lab, Trust::FirstUse, &store, &keys);
    let error = ours.publish(&Changes::new().sign(name("v1"), long)).unwrap_err();
    assert_eq!(error.code(), "TOO_LARGE", "{error}");
    assert_eq!(posts(&lab), before);
    ours.publish(&Changes::new().sign(name("v1"), info(1))).unwrap();
}
