//! Keys that leave the folder and come back, whole files of them and one by one.

use super::*;
use crate::{
    crypto::{KeyEncryption, PublicKey},
    keys::{ImportOptions, ImportReport, Imported},
};

const GOOD: &str = "long enough";

fn gun() -> Gun {
    Gun::new("example.com/app").unwrap()
}

fn import(folder: &Folder, text: &str) -> ImportReport {
    folder.keys.import_pem(text.as_bytes(), &ImportOptions::new())
}

fn reasons(report: &ImportReport) -> Vec<(usize, &'static str)> {
    report.skipped.iter().map(|block| (block.number, block.reason.code())).collect()
}

fn outcomes(report: &ImportReport) -> Vec<Imported> {
    report.imported.iter().map(|(_, how)| *how).collect()
}

/// A new key as an unencrypted block without headers, and its id.
fn loose() -> (String, KeyId) {
    let key = PrivateKey::generate_ecdsa().unwrap();
    let block = PemBlock::new("PRIVATE KEY", key.to_notary_pkcs8());
    (text(&block), canonical_id(key.public_key()))
}

/// A new key as an encrypted block, and its id.
fn sealed(passphrase: &str) -> (PemBlock, KeyId) {
    let key = PrivateKey::generate_ecdsa().unwrap();
    let mut block = key.to_encrypted_pem(passphrase, "x", None).unwrap();
    block.headers.clear();
    (block, canonical_id(key.public_key()))
}

fn text(block: &PemBlock) -> String {
    String::from_utf8(block.to_text().unwrap().to_vec()).unwrap()
}

fn with(block: &PemBlock, headers: &[(&str, &str)]) -> String {
    let mut block = block.clone();
    block.headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    text(&block)
}

#[test]
fn an_export_is_what_is_stored_and_the_id() {
    let folder = Folder::with("delgpass1");
    let id = folder.put(ALICE_ID, ALICE);
    let text = folder.keys.export(&id).unwrap();
    let expected = ALICE.replace("role: alice", &format!("path: {ALICE_ID}\nrole: alice"));
    assert_eq!(String::from_utf8_lossy(&text), expected);
    assert!(folder.keys.export(&KeyId::new(PLAIN_ID).unwrap()).unwrap_err().is_not_found());
}

#[test]
fn ks_16_a_key_that_is_stored_in_the_clear_is_exported_encrypted() {
    let folder = Folder::with(GOOD);
    let id = folder.put(PLAIN_ID, PLAIN);
    let text = folder.keys.export(&id).unwrap();
    let block = PemBlock::read_all(&text).remove(0);
    assert!(block.is_encrypted_key());
    assert_eq!(block.header("gun"), Some("g/x"));
    let key = PrivateKey::from_pem(&block, Some(GOOD)).unwrap();
    assert_eq!(canonical_id(key.public_key()), id);
}

#[test]
fn ks_16_a_backup_is_private_and_overwrites_nothing_unless_asked() {
    let folder = Folder::with("delgpass1");
    folder.put(ALICE_ID, ALICE);
    let root = folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
    let root = canonical_id(root.public_key());
    let bad = folder.put(&"1".repeat(64), "no PEM");
    let file = folder.outer.path().join("deep/backup.pem");
    let export = folder.keys.backup(&file, IfExists::Refuse).unwrap();
    let ids: Vec<_> = export.keys.iter().map(|info| info.id.as_str()).collect();
    assert_eq!(ids, [root.as_str(), ALICE_ID]);
    assert_eq!(export.left_out.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&bad]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    let before = fs::read(&file).unwrap();
    folder.keys.remove(&root).unwrap();
    let refused = folder.keys.backup(&file, IfExists::Refuse).unwrap_err();
    assert!(matches!(refused, KeyError::Exists { .. }), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), before);
    let again = folder.keys.backup(&file, IfExists::Replace).unwrap();
    assert_eq!(again.keys.len(), 1);
    assert_eq!(fs::read(&file).unwrap(), again.pem.as_slice());
}

#[test]
fn a_backup_restores_every_key_without_a_passphrase() {
    let folder = Folder::with(GOOD);
    for (kind, role) in [(KeyKind::Ecdsa, KeyRole::Root), (KeyKind::Ed25519, KeyRole::Targets)] {
        folder.keys.generate(kind, &role, Some(&gun())).unwrap();
    }
    let file = folder.outer.path().join("backup.pem");
    folder.keys.backup(&file, IfExists::Refuse).unwrap().left_out.is_empty().then_some(()).unwrap();
    let other = Folder::new(FixedPassphrases::new());
    let report = other.keys.restore(&file, &ImportOptions::new()).unwrap().all().unwrap();
    assert_eq!(outcomes(&report), [Imported::KeptUnopened; 2]);
    assert_eq!(other.keys.list().unwrap(), folder.keys.list().unwrap());
    let opened = DirectoryKeys::open(other.path(""), FixedPassphrases::new().otherwise(GOOD));
    for info in opened.list().unwrap() {
        assert_eq!(canonical_id(opened.signer(&info.id).unwrap().public_key()), info.id);
    }
    let again = other.keys.restore(&file, &ImportOptions::new()).unwrap();
    assert_eq!(outcomes(&again), [Imported::AlreadyThere; 2]);
    let missing = other.keys.restore(&folder.outer.path().join("none"), &ImportOptions::new());
    assert_eq!(missing.unwrap_err().code(), "KEY_STORE");
}

#[test]
fn ks_12_every_valid_key_is_taken_and_every_other_block_is_reported() {
    let folder = Folder::with(GOOD);
    let ((one, one_id), (two, two_id)) = (loose(), loose());
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let broken = "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n";
    let no_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let file =
        format!("junk\n{one}more junk\n{certificate}{broken}{no_key}{two}-----BEGIN PRIVATE KEY-----\n");
    let report = import(&folder, &file);
    let ids: Vec<_> = report.imported.iter().map(|(info, _)| &info.id).collect();
    assert_eq!(ids, [&one_id, &two_id]);
    assert_eq!(reasons(&report), [2, 3, 4, 6].map(|number| (number, "KEY_FILE")));
    for id in [one_id, two_id] {
        let stored = fs::read_to_string(folder.path(&format!("{id}.key"))).unwrap();
        let head = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nrole: delegation\n\n";
        assert!(stored.starts_with(head), "{stored}");
        assert!(folder.keys.signer(&id).is_ok());
    }
    assert!(report.all().is_err());
    assert!(import(&folder, "").some().unwrap_err().to_string().contains("no PEM block"));
}

#[test]
fn an_encrypted_key_without_a_path_is_opened_for_its_id() {
    let typed = Typed::new(&["wrong", "of the file"]);
    let folder = Folder::new(Arc::clone(&typed));
    let (block, id) = sealed("of the file");
    let options = ImportOptions::new().role(KeyRole::new("alice").unwrap());
    let report = folder.keys.import_pem(text(&block).as_bytes(), &options).all().unwrap();
    assert_eq!(report.imported[0].0, KeyInfo::new(id.clone(), &KeyRole::new("alice").unwrap(), None));
    assert_eq!(typed.asked(), 2, "no other passphrase is chosen");
    let stored = DirectoryKeys::open(folder.path(""), FixedPassphrases::new().otherwise("of the file"));
    assert!(stored.signer(&id).is_ok());

    let nobody = Folder::new(FixedPassphrases::new());
    let report = import(&nobody, &text(&block));
    assert_eq!(reasons(&report), [(1, "PASSPHRASE")]);
    assert_eq!(nobody.names(), [""; 0]);
}

#[test]
fn ks_11_headers_go_before_options_and_are_checked() {
    let folder = Folder::with(GOOD);
    let options = ImportOptions::new().role(KeyRole::Targets).gun(gun());
    let (block, _) = sealed(GOOD);
    let labels = |headers: &[(&str, &str)]| {
        let target = Folder::with(GOOD);
        let report = target.keys.import_pem(with(&block, headers).as_bytes(), &options);
        let info = report.all()?.imported.remove(0).0;
        Ok::<_, KeyError>(format!(
            "{} {}",
            info.role,
            info.gun.map(|gun| gun.to_string()).unwrap_or_default()
        ))
    };
    assert_eq!(labels(&[]).unwrap(), "targets example.com/app");
    assert_eq!(labels(&[("role", "snapshot"), ("gun", "a/b")]).unwrap(), "snapshot a/b");
    assert_eq!(labels(&[("role", "root"), ("gun", "a/b")]).unwrap(), "root ");
    assert_eq!(labels(&[("role", "bob"), ("role", "alice")]).unwrap(), "alice ", "the last one counts");
    for bad in [("role", "a\u{202e}b"), ("gun", "../../x"), ("gun", "UPPER case")] {
        assert_eq!(labels(&[bad]).unwrap_err().code(), "KEY_FILE", "{bad:?}");
    }
    let homeless =
        folder.keys.import_pem(with(&block, &[("role", "targets")]).as_bytes(), &ImportOptions::new());
    assert!(matches!(homeless.skipped[0].reason, KeyError::NoGun { .. }));
}

#[test]
fn paths_of_older_exports_are_understood() {
    let (block, id) = sealed(GOOD);
    let label = |path: String| {
        let folder = Folder::new(FixedPassphrases::new());
        let (info, how) =
            import(&folder, &with(&block, &[("path", &path)])).all().unwrap().imported.remove(0);
        assert_eq!((&info.id, how), (&id, Imported::KeptUnopened), "{path}");
        let stored = fs::read_to_string(folder.path(&format!("{id}.key"))).unwrap();
        assert!(!stored.contains("path:"), "{stored}");
        info.to_string().replace(id.as_str(), "ID")
    };
    assert_eq!(label(id.to_string()), "delegation key ID");
    assert_eq!(label(format!("root_keys/{id}_root")), "root key ID");
    assert_eq!(label(format!("tuf_keys/a.example/b/{id}_targets")), "targets key ID of a.example/b");
    assert_eq!(label(format!("../../{id}")), "delegation key ID");
}

#[test]
fn ks_09_a_path_that_names_another_key_is_refused_once_it_is_opened() {
    let folder = Folder::with(GOOD);
    let (block, id) = sealed(GOOD);
    let liar = "2".repeat(64);
    let report = import(&folder, &with(&block, &[("path", &liar)]));
    assert_eq!(outcomes(&report), [Imported::KeptUnopened]);
    assert_eq!(folder.code(&KeyId::new(&liar).unwrap()), "KEY_DAMAGED");
    // In the place of a good key nothing is put unopened.
    folder.put(ALICE_ID, ALICE);
    let replace = ImportOptions::new().replace(true);
    let report = folder.keys.import_pem(with(&block, &[("path", ALICE_ID)]).as_bytes(), &replace);
    assert!(matches!(report.skipped[0].reason, KeyError::IdMismatch { .. }), "{report:?}");
    assert_eq!(fs::read_to_string(folder.path(&format!("{ALICE_ID}.key"))).unwrap(), ALICE);
    assert!(folder.keys.signer(&id).unwrap_err().is_not_found());
}

#[test]
fn keys_that_are_there_stay_unless_they_are_to_be_replaced() {
    let folder = Folder::with("delgpass1");
    let id = folder.put(ALICE_ID, ALICE);
    let exported = String::from_utf8(folder.keys.export(&id).unwrap().to_vec()).unwrap();
    assert_eq!(outcomes(&import(&folder, &exported)), [Imported::AlreadyThere]);
    let renamed = exported.replace("role: alice", "role: bob");
    assert_eq!(reasons(&import(&folder, &renamed)), [(1, "KEY_CONFLICT")]);
    let replace = ImportOptions::new().replace(true);
    let report = folder.keys.import_pem(renamed.as_bytes(), &replace);
    assert_eq!(outcomes(&report), [Imported::Replaced]);
    assert_eq!(folder.keys.list().unwrap()[0].role.as_str(), "bob");
    assert!(folder.keys.signer(&id).is_ok());
    folder.put(ALICE_ID, "damaged");
    assert_eq!(reasons(&import(&folder, &exported)), [(1, "KEY_DAMAGED")]);
    let report = folder.keys.import_pem(exported.as_bytes(), &replace);
    assert_eq!(outcomes(&report), [Imported::Replaced]);
    assert!(folder.keys.signer(&id).is_ok());
}

#[test]
fn ks_07_keys_that_could_never_be_opened_are_not_taken() {
    let folder = Folder::new(FixedPassphrases::new());
    let (mut block, id) = sealed(GOOD);
    // No iterations at all: an INTEGER that is a byte shorter, as is all that holds it.
    let at = block.contents.windows(4).position(|w| w == [2, 2, 8, 0]).unwrap();
    block.contents.splice(at..at + 4, [2, 1, 0]);
    for length in [2, 4, 17, 19, 32] {
        block.contents[length] -= 1;
    }
    let report = import(&folder, &with(&block, &[("path", id.as_str())]));
    assert!(report.skipped[0].reason.to_string().contains("iterations"), "{report:?}");
    let old = "-----BEGIN EC PRIVATE KEY-----\nDEK-Info: CAMELLIA-128-CBC,00\n\nMAA=\n-----END EC PRIVATE KEY-----\n";
    assert!(import(&folder, old).skipped[0].reason.to_string().contains("CAMELLIA"));
    assert_eq!(folder.names(), [""; 0]);
}

/// Each of them may be opened; all together would take hours.
#[test]
fn ks_07_the_iterations_of_a_whole_file_are_bounded() {
    let folder = Folder::new(FixedPassphrases::new());
    let (mut block, id) = sealed(GOOD);
    // 10,000,000 iterations: an INTEGER that is two bytes longer, as is all that holds it.
    let at = block.contents.windows(4).position(|w| w == [2, 2, 8, 0]).unwrap();
    block.contents.splice(at..at + 4, [2, 4, 0, 0x98, 0x96, 0x80]);
    for length in [2, 4, 17, 19, 32] {
        block.contents[length] += 2;
    }
    let reasons = |text: &str| -> Vec<_> {
        let skipped = import(&folder, &text.repeat(52)).skipped;
        skipped.into_iter().map(|block| block.reason.to_string().contains("too many iterations")).collect()
    };
    // Nobody knows a passphrase here, so that nothing is computed.
    let refused = reasons(&with(&block, &[]));
    assert_eq!((refused.len(), refused.iter().position(|it| *it)), (52, Some(50)));
    // What names its id is kept as it is and costs nothing.
    assert_eq!(reasons(&with(&block, &[("path", id.as_str())])), [false; 0]);
}

#[cfg(unix)]
#[test]
fn ks_01_a_file_that_others_can_read_is_not_loaded() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with(GOOD);
    let (loose, id) = loose();
    let file = folder.outer.path().join("loose.pem");
    fs::write(&file, loose).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let refused = folder.keys.load(&file, &ImportOptions::new()).unwrap_err();
        assert!(matches!(refused, KeyError::OpenToOthers { mode: found, .. } if found == mode), "{refused}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let signer = ImportOptions::new().role(KeyRole::new("signer").unwrap());
    let report = folder.keys.load(&file, &signer).unwrap();
    assert_eq!(report.imported[0].0.to_string(), format!("signer key {id}"));
    fs::write(&file, "nothing").unwrap();
    assert_eq!(folder.keys.load(&file, &signer).unwrap_err().code(), "KEY_FILE");
}

#[cfg(unix)]
#[test]
fn ks_03_bundles_are_not_read_or_written_through_links() {
    let folder = Folder::with(GOOD);
    folder.put(ALICE_ID, ALICE);
    let (target, link) = (folder.outer.path().join("target"), folder.outer.path().join("link"));
    fs::write(&target, ALICE).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(folder.keys.restore(&link, &ImportOptions::new()).is_err());
    assert!(folder.keys.load(&link, &ImportOptions::new()).is_err());
    assert!(folder.keys.backup(&link, IfExists::Refuse).is_err());
    folder.keys.backup(&link, IfExists::Replace).unwrap().left_out.clear();
    assert_eq!(fs::read_to_string(&target).unwrap(), ALICE);
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[test]
fn a_passphrase_changes_and_the_labels_stay() {
    let folder = Folder::with("delgpass1");
    let id = folder.put(ALICE_ID, ALICE);
    let new = FixedPassphrases::new().otherwise("another one");
    folder.keys.change_passphrase(&id, &new).unwrap();
    assert_eq!(folder.code(&id), "PASSPHRASE");
    let later = DirectoryKeys::open(folder.path(""), new);
    assert_eq!(later.signer(&id).unwrap().public_key().kind(), &KeyKind::Ecdsa);
    assert_eq!(later.list().unwrap()[0].role.as_str(), "alice");
    let before = fs::read(folder.path(&format!("{id}.key"))).unwrap();
    let short = FixedPassphrases::new().otherwise("short");
    assert_eq!(later.change_passphrase(&id, &short).unwrap_err().code(), "PASSPHRASE");
    let good = FixedPassphrases::new().otherwise(GOOD);
    assert_eq!(folder.keys.change_passphrase(&id, &good).unwrap_err().code(), "PASSPHRASE");
    assert_eq!(fs::read(folder.path(&format!("{id}.key"))).unwrap(), before);
    assert_eq!(folder.names().len(), 1);
}

#[test]
fn ks_08_the_stronger_derivation_is_a_choice() {
    let folder = Folder::with(GOOD);
    let strong = folder.keys.clone().encryption(KeyEncryption::Strong);
    let key = PrivateKey::generate_ecdsa().unwrap();
    let id = strong.import(key, &KeyRole::Root, None).unwrap();
    let stored = fs::read(folder.path(&format!("{id}.key"))).unwrap();
    let block = PemBlock::read_all(&stored).remove(0);
    assert!(block.contents.windows(3).any(|w| w == [0x09, 0x27, 0xc0]), "600,000 iterations");
}

#[test]
fn a_signers_public_half_is_written_beside() {
    let folder = Folder::with(GOOD);
    let (file, alice) = (folder.outer.path().join("alice.pub"), KeyRole::new("alice").unwrap());
    let make = || folder.keys.generate_with_public_file(KeyKind::Ecdsa, &alice, None, &file);
    let info = make().unwrap();
    let text = fs::read(&file).unwrap();
    assert!(text.starts_with(b"-----BEGIN PUBLIC KEY-----\nrole: alice\n\n"));
    assert_eq!(canonical_id(&PublicKey::from_pem(&text).unwrap()), info.id);
    assert_eq!(folder.keys.list().unwrap(), [info]);
    assert!(matches!(make(), Err(KeyError::Exists { .. })));
    let unwritable = folder.path("").join("file").join("x.pub");
    fs::write(folder.path("file"), "").unwrap();
    let failed = folder.keys.generate_with_public_file(KeyKind::Ecdsa, &alice, None, &unwritable);
    assert!(failed.is_err());
    assert_eq!(folder.keys.list().unwrap().len(), 1, "no key without its public half");
    assert_eq!(fs::read(&file).unwrap(), text);
}
