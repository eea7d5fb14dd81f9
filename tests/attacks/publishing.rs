//! What a publisher is told, and what he must not be led into.

use std::time::Duration;

use tuf_notary::{
    blocking::{Collection, Initialise, RootKey},
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
    view::Freshness,
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
        .lock_wait(Duration::ZERO)
        .freshness(Freshness::AsOf(lab.now))
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
