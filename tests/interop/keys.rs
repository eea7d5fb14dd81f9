//! Private keys that go between this crate, `notary` and `docker trust` in every direction.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tuf_notary::{
    crypto::{KeyEncryption, KeyKind, PemBlock, PrivateKey, PublicKey},
    keys::{DirectoryKeys, FixedPassphrases, IfExists, ImportOptions, Imported, KeyInfo, KeyRole, KeyStore},
    name::KeyId,
    wire::notary::canonical_id,
};

use crate::{
    common::{
        certificates::Tls,
        docker::Docker,
        notary_cli::{NotaryCli, passphrase},
    },
    lab,
};

const TLS: Option<Tls> = Some(Tls::Authority);

/// Rows of `notary key list`: role, GUN (empty if none) and id.
fn listed(notary: &NotaryCli) -> Vec<(String, String, String)> {
    let answer = notary.key_list().ok();
    let row = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let (role, gun, id) = match columns.as_slice() {
            [role, gun, id, _] => (role, *gun, id),
            [role, id, _] => (role, "", id),
            _ => return None,
        };
        (id.len() == 64).then(|| ((*role).to_owned(), gun.to_owned(), (*id).to_owned()))
    };
    let mut rows: Vec<_> = answer.stdout.lines().filter_map(row).collect();
    rows.sort();
    rows
}

/// The same of ours.
fn ours(keys: &DirectoryKeys) -> Vec<(String, String, String)> {
    let row = |info: KeyInfo| {
        let gun = info.gun.map(|gun| gun.to_string()).unwrap_or_default();
        // Notary shows the end of a longer one.
        let gun = if gun.len() > 25 { format!("...{}", &gun[gun.len() - 22..]) } else { gun };
        (info.role.to_string(), gun, info.id.to_string())
    };
    let mut rows: Vec<_> = keys.list().unwrap().into_iter().map(row).collect();
    rows.sort();
    rows
}

/// Opens a key and proves that it is the one of its id.
fn opens(keys: &DirectoryKeys, id: &KeyId) {
    let signer = keys.signer(id).unwrap();
    assert_eq!(canonical_id(signer.public_key()), *id);
    let signature = signer.sign(b"message").unwrap();
    assert_eq!(signer.public_key().verify(signer.scheme(), b"message", &signature), Ok(()));
}

fn store(trust_dir: &Path, passphrase: &str) -> DirectoryKeys {
    DirectoryKeys::open(trust_dir.join("private"), FixedPassphrases::new().otherwise(passphrase))
}

fn label(text: &str) -> KeyRole {
    KeyRole::new(text).unwrap()
}

fn private_file(path: PathBuf, content: &[u8]) -> PathBuf {
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Whether `notary` can open a key; it writes it anew under the same passphrase.
fn notary_opens(notary: &NotaryCli, id: &KeyId) -> bool {
    notary.run(["key", "passwd", id.as_str()], b"").succeeded()
}

#[test]
fn keys_that_notary_generates_are_ours() {
    let Some((_server, notary)) = lab::start("keys_that_notary_generates_are_ours") else { return };
    notary.run(["key", "generate", "--role", "root"], b"").ok();
    notary.run(["key", "generate", "--role", "delegation"], b"").ok();
    let keys = lab::keys(&notary.trust_dir);
    assert_eq!(ours(&keys).len(), 2);
    assert_eq!(ours(&keys), listed(&notary));
    keys.list().unwrap().iter().for_each(|info| opens(&keys, &info.id));

    // Into files: Notary's own import takes no key without a path, ours does.
    notary.run(["key", "generate", "--role", "delegation", "--output", "alice"], b"").ok();
    let file = notary.home().join("alice-key.pem");
    let public = PublicKey::from_pem(&fs::read(notary.home().join("alice.pem")).unwrap()).unwrap();
    notary.run(["key", "import", file.to_str().unwrap()], b"").failed();
    let report = keys.load(&file, &ImportOptions::new()).unwrap();
    assert_eq!(
        report.imported[0],
        (KeyInfo::new(canonical_id(&public), &label("delegation"), None), Imported::Kept)
    );
    assert_eq!(ours(&keys), listed(&notary));
    assert!(notary_opens(&notary, &canonical_id(&public)));
}

#[test]
fn our_keys_are_listed_and_opened_by_notary() {
    let Some((_server, notary)) = lab::start("our_keys_are_listed_and_opened_by_notary") else { return };
    let keys = lab::keys(&notary.trust_dir);
    let gun = lab::gun();
    let made = [
        keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap(),
        keys.generate(KeyKind::Ecdsa, &KeyRole::Targets, Some(&gun)).unwrap(),
        keys.generate(KeyKind::Ed25519, &KeyRole::Snapshot, Some(&gun)).unwrap(),
        keys.generate(KeyKind::Ecdsa, &label("alice"), None).unwrap(),
    ];
    assert_eq!(listed(&notary), ours(&keys));
    for signer in made {
        let id = canonical_id(signer.public_key());
        assert!(notary_opens(&notary, &id), "{id}");
        opens(&keys, &id);
    }
}

#[test]
fn a_bundle_goes_both_ways() {
    let Some((_server, notary)) = lab::start("a_bundle_goes_both_ways") else { return };
    let keys = lab::keys(&notary.trust_dir);
    keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
    keys.generate(KeyKind::Ecdsa, &KeyRole::Targets, Some(&lab::gun())).unwrap();
    notary.run(["key", "generate", "--role", "delegation"], b"").ok();
    let before = ours(&keys);
    assert_eq!(before.len(), 3);

    let bundle = notary.home().join("ours.pem");
    assert!(keys.backup(&bundle, IfExists::Refuse).unwrap().left_out.is_empty());
    let theirs = notary.home().join("theirs.pem");
    notary.run(["key", "export", "--output", theirs.to_str().unwrap()], b"").ok();
    let blocks = |file: &Path| {
        let mut blocks: Vec<_> = PemBlock::read_all(&fs::read(file).unwrap())
            .iter()
            .map(|block| block.to_text().unwrap().to_vec())
            .collect();
        blocks.sort();
        blocks
    };
    assert_eq!(blocks(&bundle), blocks(&theirs), "to the byte");

    let notary = notary.with_trust_dir(&bundle.with_extension("imported"));
    notary.run(["key", "import", bundle.to_str().unwrap()], b"").ok();
    assert_eq!(listed(&notary), before);
    let again = lab::keys(&theirs.with_extension("restored"));
    let report = again.restore(&theirs, &ImportOptions::new()).unwrap().all().unwrap();
    assert!(report.imported.iter().all(|(_, how)| *how == Imported::KeptUnopened));
    assert_eq!(ours(&again), before);
    again.list().unwrap().iter().for_each(|info| opens(&again, &info.id));
}

#[test]
fn a_changed_passphrase_is_the_others_too() {
    let Some((_server, mut notary)) = lab::start("a_changed_passphrase_is_the_others_too") else { return };
    let keys = lab::keys(&notary.trust_dir);
    let id = canonical_id(keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap().public_key());
    keys.change_passphrase(&id, &FixedPassphrases::new().otherwise("something else")).unwrap();
    assert!(!notary_opens(&notary, &id));
    notary.environment.insert("NOTARY_ROOT_PASSPHRASE".to_owned(), "something else".to_owned());
    assert!(notary_opens(&notary, &id));
    opens(&store(&notary.trust_dir, "something else"), &id);
}

/// What the documentation of the option says.
#[test]
fn ks_08_the_stronger_derivation_is_not_for_notary() {
    let Some((_server, notary)) = lab::start("ks_08_the_stronger_derivation_is_not_for_notary") else {
        return;
    };
    let keys = lab::keys(&notary.trust_dir);
    let strong = keys.clone().encryption(KeyEncryption::Strong);
    let id = canonical_id(strong.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap().public_key());
    assert!(!notary_opens(&notary, &id));
    keys.change_passphrase(&id, &FixedPassphrases::new().otherwise(&passphrase("root"))).unwrap();
    assert!(notary_opens(&notary, &id));
}

#[test]
fn loose_keys_get_the_same_id_everywhere() {
    let Some((_server, notary)) = lab::start("loose_keys_get_the_same_id_everywhere") else { return };
    let keys = lab::keys(&notary.trust_dir.with_extension("ours"));
    let rsa = fs::read("src/crypto/testdata/rsa2048.pkcs1.pem").unwrap();
    let p384 = fs::read("src/crypto/testdata/p384.pkcs8.pem").unwrap();
    let fresh = PrivateKey::generate_ecdsa().unwrap();
    let fresh = PemBlock::new("PRIVATE KEY", fresh.to_notary_pkcs8()).to_text().unwrap();
    for (name, text) in [("rsa.pem", rsa.as_slice()), ("p384.pem", &p384), ("p256.pem", &fresh)] {
        let file = private_file(notary.home().join(name), text);
        notary.key_import(&file, "bob").ok();
        let report = keys.load(&file, &ImportOptions::new().role(label("bob"))).unwrap().all().unwrap();
        assert_eq!(report.imported.len(), 1);
    }
    assert_eq!(listed(&notary).len(), 3);
    assert_eq!(listed(&notary), ours(&keys));
    // What notary stored of them, ours opens.
    let theirs = lab::keys(&notary.trust_dir);
    for info in theirs.list().unwrap() {
        assert_eq!(canonical_id(theirs.signer(&info.id).unwrap().public_key()), info.id);
    }
}

#[test]
fn old_encrypted_blocks_are_read_as_stored_keys() {
    let Some((_server, mut notary)) = lab::start("old_encrypted_blocks_are_read_as_stored_keys") else {
        return;
    };
    notary.environment.insert("NOTARY_DELEGATION_PASSPHRASE".to_owned(), "secret99".to_owned());
    let blocks = PemBlock::read_all(&fs::read("src/crypto/testdata/legacy_encrypted.pem").unwrap());
    let private = notary.trust_dir.join("private");
    fs::create_dir_all(&private).unwrap();
    for mut block in blocks {
        let key = PrivateKey::from_pem(&block, Some("secret99")).unwrap();
        let id = canonical_id(key.public_key());
        block.headers.retain(|(name, _)| name != "role");
        block.headers.push(("role".to_owned(), "bob".to_owned()));
        private_file(private.join(format!("{id}.key")), &block.to_text().unwrap());
        let keys = store(&notary.trust_dir, "secret99");
        assert!(keys.signer(&id).is_ok());
        assert!(notary_opens(&notary, &id), "{:?}", block.headers);
        opens(&keys, &id);
    }
}

#[test]
fn keys_go_both_ways_with_docker() {
    let test = "keys_go_both_ways_with_docker";
    let Some((server, notary)) = lab::start_as(test, TLS) else { return };
    let Some(docker) = Docker::new(test, notary.home(), &server) else { return };
    let keys = store(&docker.config.join("trust"), &docker.passphrase);

    docker.trust(&server, &["key", "generate", "alice"]).ok();
    let public = fs::read(notary.home().join("alice.pub")).unwrap();
    let alice = canonical_id(&PublicKey::from_pem(&public).unwrap());
    assert_eq!(keys.list().unwrap(), [KeyInfo::new(alice.clone(), &label("alice"), None)]);
    opens(&keys, &alice);

    // Ours, made as Docker makes them, differ in the key only.
    let file = notary.home().join("bob.pub");
    let bob = keys.generate_with_public_file(KeyKind::Ecdsa, &label("alice"), None, &file).unwrap();
    let (ours, theirs) = (fs::read(&file).unwrap(), public);
    assert_eq!((ours.len(), &ours[..60]), (theirs.len(), &theirs[..60]));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);

    let elsewhere = store(&notary.home().join("elsewhere"), &docker.passphrase);
    elsewhere.generate(KeyKind::Ecdsa, &label("carol"), None).unwrap();
    let carol = elsewhere.list().unwrap().remove(0);
    let exported = private_file(notary.home().join("carol.pem"), &elsewhere.export(&carol.id).unwrap());
    docker.trust(&server, &["key", "load", exported.to_str().unwrap()]).ok();
    let loose = PrivateKey::generate_ecdsa().unwrap();
    let dave = canonical_id(loose.public_key());
    let text = PemBlock::new("PRIVATE KEY", loose.to_notary_pkcs8()).to_text().unwrap();
    let loose = private_file(notary.home().join("dave.pem"), &text);
    docker.trust(&server, &["key", "load", "--name", "dave", loose.to_str().unwrap()]).ok();
    let roles: Vec<_> = keys.list().unwrap().iter().map(|info| info.role.to_string()).collect();
    assert_eq!(roles, ["alice", "alice", "carol", "dave"]);
    [bob.id, carol.id, dave].iter().for_each(|id| opens(&keys, id));
}

/// Docker says so and stores nothing.
#[test]
fn an_encrypted_key_without_a_path_is_loaded() {
    let test = "an_encrypted_key_without_a_path_is_loaded";
    let Some((server, notary)) = lab::start_as(test, TLS) else { return };
    let Some(docker) = Docker::new(test, notary.home(), &server) else { return };
    let key = PrivateKey::generate_ecdsa().unwrap();
    let id = canonical_id(key.public_key());
    let mut block = key.to_encrypted_pem(&docker.passphrase, "x", None).unwrap();
    block.headers.clear();
    let file = private_file(notary.home().join("key.pem"), &block.to_text().unwrap());
    let keys = store(&docker.config.join("trust"), &docker.passphrase);
    let said = docker.trust(&server, &["key", "load", file.to_str().unwrap()]).ok();
    assert!(said.says("Successfully imported key"), "{said:?}");
    assert_eq!(keys.list().unwrap(), [], "Docker has learnt it: the note in the documentation is stale");
    let report = keys.load(&file, &ImportOptions::new().role(label("signer"))).unwrap();
    assert_eq!(report.imported[0].0.id, id);
    opens(&keys, &id);
}
