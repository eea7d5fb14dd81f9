//! KS: the rows about stored keys that are promises of every store. Those about files on disk are
//! tested beside the store that has them.

use crate::facade::Collection;
use tuf_notary::{
    blocking::Initialise,
    crypto::PrivateKey,
    keys::{
        DirectoryKeys, EnvironmentPassphrases, FixedPassphrases, ImportOptions, KeyError, KeyRole, KeyStore,
        MemoryKeys,
    },
    name::{Gun, KeyId},
    testkit::TrustServer,
    verify::Trust,
    wire::notary::canonical_id,
};

use crate::lab::GUN;

const PASSPHRASE: &str = "long enough";

fn folder() -> (tempfile::TempDir, DirectoryKeys) {
    let folder = tempfile::tempdir().unwrap();
    let passphrases = FixedPassphrases::new().otherwise(PASSPHRASE);
    let keys = DirectoryKeys::open(folder.path().join("private"), passphrases);
    (folder, keys)
}

fn keep(keys: &impl KeyStore, role: KeyRole) -> KeyId {
    keys.import(PrivateKey::generate_ecdsa().unwrap(), &role, None).unwrap()
}

#[test]
fn ks_10_a_short_or_empty_id_finds_nothing() {
    let (_folder, directory) = folder();
    for keys in [Box::new(MemoryKeys::new()) as Box<dyn KeyStore>, Box::new(directory)] {
        let id = keys.import(PrivateKey::generate_ecdsa().unwrap(), &KeyRole::Root, None).unwrap();
        assert!(KeyId::new("").is_err(), "there is no empty id");
        for near in [&id.as_str()[..1], &id.as_str()[..7], &id.as_str()[..63], &id.as_str()[1..], "*", "."] {
            let Ok(near) = KeyId::new(near) else { continue };
            assert!(keys.signer(&near).unwrap_err().is_not_found(), "{near}");
            assert!(keys.remove(&near).unwrap_err().is_not_found(), "{near}");
            assert!(keys.export(&near).is_err(), "{near}");
        }
        assert!(keys.signer(&id).is_ok());
    }
}

#[test]
fn ks_12_a_root_key_that_comes_in_the_clear_lies_encrypted() {
    let (folder, keys) = folder();
    let key = PrivateKey::generate_ecdsa().unwrap();
    let id = canonical_id(key.public_key());
    let text = key.to_plain_pem("root", None).to_text().unwrap();
    let report = keys.import_pem(&text, &ImportOptions::new()).all().unwrap();
    assert_eq!(report.imported[0].0.role, KeyRole::Root);
    let stored = std::fs::read_to_string(folder.path().join(format!("private/{id}.key"))).unwrap();
    assert!(stored.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\nrole: root\n"), "{stored}");
}

#[test]
fn ks_13_no_error_and_no_debug_text_shows_a_secret() {
    let (_folder, keys) = folder();
    let id = keep(&keys, KeyRole::Root);
    let export = keys.export(&id).unwrap();
    let wrong = MemoryKeys::new();
    let report =
        wrong.import_pem(&export, &ImportOptions::new(), &FixedPassphrases::new().otherwise("gue55"));
    let shown = format!("{report:?} {:?} {:?} {keys:?}", keys.signer(&id).unwrap(), keys.list().unwrap());
    assert!(!report.skipped.is_empty());
    for secret in ["gue55", PASSPHRASE] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn ks_14_a_removed_root_key_is_gone_and_the_others_stay() {
    let (folder, keys) = folder();
    let (root, other) = (keep(&keys, KeyRole::Root), keep(&keys, KeyRole::delegation()));
    let file = folder.path().join(format!("private/{root}.key"));
    assert!(file.exists());
    let clone = keys.clone();
    keys.remove(&root).unwrap();
    assert!(!file.exists());
    for keys in [keys, clone] {
        assert!(keys.signer(&root).unwrap_err().is_not_found(), "nothing is remembered");
        assert!(keys.list().unwrap().iter().map(|info| &info.id).eq([&other]));
    }
}

/// A publisher whose only targets key is gone is told so, and nothing else happens.
#[test]
fn ks_14_without_its_last_key_a_collection_can_not_be_signed() {
    let (gun, server, keys) = (Gun::new(GUN).unwrap(), TrustServer::new(), MemoryKeys::new());
    let publisher = || {
        Collection::builder(gun.clone(), Trust::FirstUse)
            .transport(server.transport(&gun))
            .keys(keys.clone())
            .build()
    };
    publisher().initialise(&Initialise::new()).unwrap();
    let targets = keys.list().unwrap().into_iter().find(|info| info.role == KeyRole::Targets).unwrap();
    keys.remove(&targets.id).unwrap();
    server.clear_requests();
    let name = tuf_notary::name::TargetName::new("v1").unwrap();
    let hashes = tuf_notary::name::Hashes::sha256([7; 32]);
    let info = tuf_notary::metadata::TargetInfo { length: 1, hashes, custom: None };
    let changes = tuf_notary::edit::Changes::new().sign(name, info);
    let error = publisher().publish(&changes).map(drop).unwrap_err();
    assert!(error.to_string().contains(targets.id.as_str()), "{error}");
    assert!(server.requests().iter().all(|request| request.starts_with("GET")), "nothing was sent");
}

/// Notary keeps keys in the clear under an empty passphrase.
#[test]
fn ks_04_an_empty_variable_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = DirectoryKeys::open(folder.path(), FixedPassphrases::new().otherwise(""));
    let made = keys.import(PrivateKey::generate_ecdsa().unwrap(), &KeyRole::Root, None);
    assert!(matches!(made, Err(KeyError::EmptyPassphrase { .. })), "{made:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let unset = DirectoryKeys::open(folder.path(), EnvironmentPassphrases::notary());
    let made = unset.import(PrivateKey::generate_ecdsa().unwrap(), &KeyRole::Timestamp, None);
    assert!(matches!(made, Err(KeyError::NoPassphrase { .. })), "{made:?}");
}
