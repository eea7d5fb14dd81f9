//! What every key store promises.

use crate::{
    crypto::{KeyKind, PemBlock, PrivateKey, PublicKey, Signer},
    keys::{KeyError, KeyInfo, KeyRole, KeyStore},
    name::{Gun, KeyId},
    wire::notary::canonical_id,
};
use std::fmt::Debug;

const MESSAGE: &[u8] = b"a message";

/// Checks a store. `make` returns a new, empty one each time, which has a passphrase for every
/// role if it needs any.
///
/// # Panics
/// The store breaks a promise of [`KeyStore`].
pub fn key_store<S: KeyStore>(make: impl Fn() -> S) {
    an_empty_store_has_nothing(&make());
    a_generated_key_is_kept(&make());
    other_kinds_are_not_made(&make());
    an_imported_key_is_kept(&make());
    labels_do_not_change(&make());
    ids_match_exactly(&make());
    a_removed_key_is_gone(&make());
    the_list_is_ordered(&make());
    an_export_is_encrypted(&make());
}

fn an_empty_store_has_nothing(store: &impl KeyStore) {
    assert_eq!(list(store), [], "a new store has keys");
    let id = KeyId::from_digest(&[7; 32]);
    not_found(store.signer(&id), "a key that was never kept");
    not_found(store.remove(&id), "removing a key that was never kept");
}

fn a_generated_key_is_kept(store: &impl KeyStore) {
    let gun = gun("example.com/app");
    for (kind, role) in [(KeyKind::Ecdsa, KeyRole::Targets), (KeyKind::Ed25519, KeyRole::Snapshot)] {
        let signer = ok(store.generate(kind.clone(), &role, Some(&gun)), "generate");
        assert_eq!(signer.public_key().kind(), &kind, "a key of another kind was made");
        signs(&*signer);
        let id = canonical_id(signer.public_key());
        same_key(store, &id, signer.public_key());
        let info = KeyInfo::new(id, &role, Some(&gun));
        assert!(list(store).contains(&info), "{info} is not listed");
    }
    let root = ok(store.generate(KeyKind::Ecdsa, &KeyRole::Root, Some(&gun)), "generate");
    let info = KeyInfo::new(canonical_id(root.public_key()), &KeyRole::Root, None);
    assert!(list(store).contains(&info), "a root key is not listed, or with a collection");
}

fn other_kinds_are_not_made(store: &impl KeyStore) {
    for kind in ["rsa", "ecdsa-x509", "ECDSA", ""] {
        let made = store.generate(KeyKind::parse(kind), &KeyRole::Root, None);
        assert!(matches!(made, Err(KeyError::UnsupportedKind { .. })), "kind {kind:?}: {made:?}");
    }
    assert_eq!(list(store), [], "a key of an unsupported kind was kept");
}

fn an_imported_key_is_kept(store: &impl KeyStore) {
    for (key, role) in [(ecdsa(), KeyRole::Root), (ed25519(), label("alice"))] {
        let public = key.public_key().clone();
        let id = ok(store.import(key, &role, None), "import");
        assert_eq!(id, canonical_id(&public), "import gave an id that is not canonical");
        same_key(store, &id, &public);
    }
    assert_eq!(list(store).len(), 2, "two keys were imported");
}

fn labels_do_not_change(store: &impl KeyStore) {
    let key = ecdsa();
    let (pkcs8, gun) = (key.to_notary_pkcs8(), gun("example.com/app"));
    let again = || ok(PrivateKey::from_pkcs8_der(&pkcs8), "reading a key");
    let id = ok(store.import(key, &KeyRole::Targets, Some(&gun)), "import");
    let before = list(store);
    let same = ok(store.import(again(), &KeyRole::Targets, Some(&gun)), "importing a key twice");
    assert_eq!(same, id, "a key imported twice has two ids");
    for (role, gun) in [(KeyRole::Root, None), (KeyRole::Snapshot, Some(&gun)), (KeyRole::Targets, None)] {
        let refused = store.import(again(), &role, gun);
        assert!(matches!(refused, Err(KeyError::Conflict { .. })), "as {role}: {refused:?}");
    }
    assert_eq!(list(store), before, "a refused import changed the store");
}

fn ids_match_exactly(store: &impl KeyStore) {
    let id = ok(store.import(ecdsa(), &KeyRole::Root, None), "import").to_string();
    let prefix = |length| id.get(..length).unwrap_or_default().to_owned();
    let suffix = id.get(1..).unwrap_or_default().to_owned();
    let upper = id.to_uppercase();
    let near = [prefix(1), prefix(7), prefix(63), suffix, format!("{id}0"), format!("./{id}"), upper];
    for text in near.into_iter().filter(|text| *text != id) {
        let near = ok(KeyId::new(&text), "making an id");
        not_found(store.signer(&near), "an id that is only similar");
        not_found(store.remove(&near), "removing by an id that is only similar");
    }
    assert_eq!(list(store).len(), 1, "the key is gone");
}

fn a_removed_key_is_gone(store: &impl KeyStore) {
    let (kept, removed) = (ecdsa(), ecdsa());
    let public = kept.public_key().clone();
    let kept = ok(store.import(kept, &KeyRole::Root, None), "import");
    let removed = ok(store.import(removed, &KeyRole::Root, None), "import");
    ok(store.remove(&removed), "remove");
    not_found(store.signer(&removed), "a removed key");
    not_found(store.remove(&removed), "removing a key twice");
    assert_eq!(list(store), [KeyInfo::new(kept.clone(), &KeyRole::Root, None)], "another key changed");
    same_key(store, &kept, &public);
}

fn the_list_is_ordered(store: &impl KeyStore) {
    let (one, two) = (gun("a/one"), gun("b/two"));
    for (role, gun) in [(KeyRole::Targets, &two), (KeyRole::Snapshot, &one), (label("alice"), &one)] {
        ok(store.import(ecdsa(), &role, Some(gun)), "import");
    }
    ok(store.import(ecdsa(), &KeyRole::Root, None), "import");
    let roles: Vec<_> = list(store).into_iter().map(|key| key.role).collect();
    let expected = [KeyRole::Root, label("alice"), KeyRole::Snapshot, KeyRole::Targets];
    assert_eq!(roles, expected, "the list is not in the order of the trait");
}

fn an_export_is_encrypted(store: &impl KeyStore) {
    let gun = gun("example.com/app");
    let id = ok(store.import(ecdsa(), &KeyRole::Targets, Some(&gun)), "import");
    let text = match store.export(&id) {
        Err(KeyError::NotExportable { .. }) => return,
        text => ok(text, "export"),
    };
    let blocks = PemBlock::read_all(&text);
    let [block] = blocks.as_slice() else { panic!("an export has {} blocks, not one", blocks.len()) };
    assert!(block.is_encrypted_key(), "a key left in the clear: {block:?}");
    for (name, value) in [("path", id.as_str()), ("role", "targets"), ("gun", gun.as_str())] {
        assert_eq!(block.header(name), Some(value), "header {name} of an export");
    }
    let missing = store.export(&KeyId::from_digest(&[7; 32])).map(drop);
    not_found(missing, "exporting a key that was never kept");
}

fn same_key(store: &impl KeyStore, id: &KeyId, public: &PublicKey) {
    let signer = ok(store.signer(id), "the signer of a key that is kept");
    assert_eq!(signer.public_key(), public, "the store gave another key");
    signs(&*signer);
}

fn signs(signer: &dyn Signer) {
    let signature = ok(signer.sign(MESSAGE), "signing");
    ok(signer.public_key().verify(signer.scheme(), MESSAGE, &signature), "the signature");
}

fn list(store: &impl KeyStore) -> Vec<KeyInfo> {
    ok(store.list(), "list")
}

fn not_found<T: Debug>(result: Result<T, KeyError>, what: &str) {
    assert!(matches!(result, Err(KeyError::NotFound { .. })), "{what}: {result:?}");
}

fn ok<T, E: Debug>(result: Result<T, E>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what} failed: {error:?}"),
    }
}

fn ecdsa() -> PrivateKey {
    ok(PrivateKey::generate_ecdsa(), "making a key")
}

fn ed25519() -> PrivateKey {
    ok(PrivateKey::generate_ed25519(), "making a key")
}

fn label(text: &str) -> KeyRole {
    ok(KeyRole::new(text), "making a label")
}

fn gun(text: &str) -> Gun {
    ok(Gun::new(text), "making a GUN")
}
