//! Key files, good and bad, against a folder on disk.

mod old_layout;
mod transfer;

use super::*;
use crate::keys::{FileError, FixedPassphrases, PassphraseRequest};
use std::{
    fs::{self, File},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

/// Made by Docker; passphrase `delgpass1`.
const ALICE: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
role: alice

MIHuMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAiC5qLZkeawOgICCAAw
HQYJYIZIAWUDBAEqBBB0GNqMtawRPJ6cEMeOaGTsBIGg6+g8iijYcer94xHzFBTD
l93nk/y9JsRMvhpPHzVxoVu+RslkKtWj+swhPZY0kT4JhDhxSlA4pSc/kQcRJMjf
Q7R+wkhWG1CXnRrtLQRCC1/l8bAmQhUvQ6HIREviwHOLU45Dcx6+tBpRhlbgwVqG
7QVRVmKKvzBwv66b+ueCRsbwOjSNPA2sC8xukxBPFexqONcL62MpgGf17WLdExbe
DQ==
-----END ENCRYPTED PRIVATE KEY-----
";
const ALICE_ID: &str = "987e1866a1ee699490e5fab96adc3673e2778d0ef81e205fe171175ea1231d10";
/// Made by Notary under an empty passphrase.
const PLAIN: &str = "-----BEGIN PRIVATE KEY-----
gun: g/x
role: snapshot

MHICAQAwCwYJKwYBBAHaRw8BBGDt53pr83vP6Kn3byzZtJ0iArzVonIGG1159Alm
JermvdlOw5f3WtvxHAMIiNjChmJavpVUxbpG0Z2nU166TpbM7ed6a/N7z+ip928s
2bSdIgK81aJyBhtdefQJZiXq5r0=
-----END PRIVATE KEY-----
";
const PLAIN_ID: &str = "bc4970abc75906250904e39c5fa20de8881fffb4dc9df3a1c6f37591be450fed";

struct Folder {
    outer: tempfile::TempDir,
    keys: DirectoryKeys,
}

impl Folder {
    fn new(passphrases: impl Passphrases + 'static) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let keys = DirectoryKeys::open(outer.path().join("trust/private"), passphrases);
        Self { outer, keys }
    }

    fn with(passphrase: &str) -> Self {
        Self::new(FixedPassphrases::new().otherwise(passphrase))
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.outer.path().join("trust/private").join(name)
    }

    fn put(&self, id: &str, text: &str) -> KeyId {
        let path = self.path(&format!("{id}.key"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        KeyId::new(id).unwrap()
    }

    fn code(&self, id: &KeyId) -> &'static str {
        self.keys.signer(id).unwrap_err().code()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// Gives the passphrases in turn and counts how often it was asked.
#[derive(Debug)]
struct Typed(&'static [&'static str], AtomicU32);

impl Typed {
    fn new(passphrases: &'static [&'static str]) -> Arc<Self> {
        Arc::new(Self(passphrases, AtomicU32::new(0)))
    }

    fn asked(&self) -> u32 {
        self.1.load(Ordering::SeqCst)
    }
}

impl Passphrases for Typed {
    fn passphrase(&self, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
        assert_eq!(self.1.fetch_add(1, Ordering::SeqCst) + 1, request.attempt);
        let index = usize::try_from(request.attempt - 1).unwrap();
        Some(Zeroizing::new((*self.0.get(index).or_else(|| self.0.last())?).to_owned()))
    }
}

#[cfg(feature = "testkit")]
#[test]
fn it_keeps_the_promises_of_a_store() {
    let outer = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    crate::testkit::suite::key_store(|| {
        let folder = outer.path().join(count.fetch_add(1, Ordering::SeqCst).to_string());
        DirectoryKeys::open(&folder, FixedPassphrases::new().otherwise("long enough"))
    });
}

#[test]
fn keys_that_notary_and_docker_wrote_are_read() {
    let folder = Folder::with("delgpass1");
    let (alice, plain) = (folder.put(ALICE_ID, ALICE), folder.put(PLAIN_ID, PLAIN));
    let gun = Gun::new("g/x").unwrap();
    let expected = [
        KeyInfo::new(alice.clone(), &KeyRole::new("alice").unwrap(), None),
        KeyInfo::new(plain.clone(), &KeyRole::Snapshot, Some(&gun)),
    ];
    assert_eq!(folder.keys.list().unwrap(), expected);
    for id in [alice, plain] {
        let signer = folder.keys.signer(&id).unwrap();
        assert_eq!(canonical_id(signer.public_key()), id);
    }
}

#[test]
fn a_key_outlives_the_store_and_is_encrypted_under_its_headers() {
    let folder = Folder::with("long enough");
    let gun = Gun::new("example.com/app").unwrap();
    let signer = folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Targets, Some(&gun)).unwrap();
    let id = canonical_id(signer.public_key());
    let text = fs::read_to_string(folder.path(&format!("{id}.key"))).unwrap();
    let head = "-----BEGIN ENCRYPTED PRIVATE KEY-----\ngun: example.com/app\nrole: targets\n\n";
    assert!(text.starts_with(head), "{text}");
    let root = folder.keys.generate(KeyKind::Ed25519, &KeyRole::Root, Some(&gun)).unwrap();
    let root = fs::read_to_string(folder.path(&format!("{}.key", canonical_id(root.public_key())))).unwrap();
    assert!(root.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\nrole: root\n\n"), "{root}");
    let later = DirectoryKeys::open(folder.path(""), FixedPassphrases::new().otherwise("long enough"));
    assert_eq!(later.signer(&id).unwrap().public_key(), signer.public_key());
    let stranger = DirectoryKeys::open(folder.path(""), FixedPassphrases::new().otherwise("else"));
    assert_eq!(stranger.signer(&id).unwrap_err().code(), "PASSPHRASE");
}

#[test]
fn reading_makes_nothing() {
    let folder = Folder::with("long enough");
    assert_eq!(folder.keys.list().unwrap(), []);
    let id = KeyId::new(ALICE_ID).unwrap();
    assert!(folder.keys.signer(&id).unwrap_err().is_not_found());
    assert!(!folder.outer.path().join("trust").exists());
}

#[cfg(unix)]
#[test]
fn ks_01_ks_02_folder_and_files_are_private_and_nothing_else_lies_there() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with("long enough");
    folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
    let mode = |path: std::path::PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(folder.outer.path().join("trust")), 0o700);
    assert_eq!(mode(folder.path("")), 0o700);
    let names = folder.names();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(mode(folder.path(&names[0])), 0o600);
}

#[cfg(unix)]
#[test]
fn ks_01_what_others_can_get_at_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with("long enough");
    let id = folder.put(PLAIN_ID, PLAIN);
    let set = |name: &str, mode| fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode));
    let file = format!("{id}.key");
    for (mode, expected) in [(0o600, 0), (0o640, 1), (0o604, 1), (0o400, 0)] {
        set(&file, mode).unwrap();
        let warnings = warnings_of(|| drop(folder.keys.signer(&id).unwrap()));
        assert_eq!(warnings, expected, "{mode:o}");
    }
    for (mode, expected) in [(0o700, 0), (0o755, 0), (0o770, 1), (0o777, 1)] {
        set("", mode).unwrap();
        let make = || drop(folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap());
        assert_eq!(warnings_of(make), expected, "{mode:o}");
    }
}

/// Counts what `work` warns about.
#[cfg(unix)]
fn warnings_of(work: impl FnOnce()) -> u32 {
    use tracing::{Event, Level, Metadata, Subscriber, span};
    struct Counter(Arc<AtomicU32>);
    impl Subscriber for Counter {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, event: &Event<'_>) {
            if *event.metadata().level() == Level::WARN {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }
    let count = Arc::new(AtomicU32::new(0));
    tracing::subscriber::with_default(Counter(Arc::clone(&count)), work);
    count.load(Ordering::SeqCst)
}

#[cfg(unix)]
#[test]
fn ks_03_links_are_neither_listed_nor_read_nor_written_through() {
    let folder = Folder::with("long enough");
    let elsewhere = folder.outer.path().join("elsewhere");
    let plain = KeyId::new(PLAIN_ID).unwrap();
    fs::write(&elsewhere, PLAIN).unwrap();
    fs::create_dir_all(folder.path("")).unwrap();
    let link = folder.path(&format!("{PLAIN_ID}.key"));
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    assert_eq!(folder.keys.folder.ids().unwrap(), []);
    assert_eq!(folder.keys.list().unwrap(), []);
    let refused = folder.keys.signer(&plain).unwrap_err();
    assert!(matches!(refused, KeyError::File(FileError::NotAFile { .. })), "{refused}");
    let block = PemBlock::read_all(PLAIN.as_bytes()).remove(0);
    let key = PrivateKey::from_pem(&block, None).unwrap();
    let gun = Gun::new("g/x").unwrap();
    assert!(folder.keys.import(key, &KeyRole::Snapshot, Some(&gun)).is_err());
    assert!(folder.keys.remove(&plain).is_err());
    // What creates the file would not follow the link either.
    assert!(!folder.keys.folder.create(&plain, b"other").unwrap());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), PLAIN);
    assert_eq!(folder.names().len(), 1);
}

#[test]
fn no_key_file_is_ever_overwritten() {
    let folder = Folder::with("long enough");
    let id = folder.put(ALICE_ID, ALICE);
    assert!(!folder.keys.folder.create(&id, b"other").unwrap());
    assert_eq!(fs::read_to_string(folder.path(&format!("{id}.key"))).unwrap(), ALICE);
    assert_eq!(folder.names().len(), 1, "the unfinished file is gone");
}

#[test]
fn ks_09_a_file_that_holds_another_key_is_refused() {
    let folder = Folder::with("delgpass1");
    for (id, text, real) in [(PLAIN_ID, ALICE, ALICE_ID), (ALICE_ID, PLAIN, PLAIN_ID)] {
        let id = folder.put(id, text);
        let error = folder.keys.signer(&id).unwrap_err();
        assert_eq!(error.code(), "KEY_DAMAGED");
        let message = error.to_string();
        assert!(message.contains(id.as_str()) && message.contains(real), "{message}");
    }
}

#[test]
fn damaged_files_are_told_from_missing_ones_and_hide_no_other_key() {
    let folder = Folder::with("delgpass1");
    let id = |digit: &str| digit.repeat(64);
    let bad = [
        folder.put(&id("1"), ""),
        folder.put(&id("2"), "no PEM"),
        folder.put(&id("3"), &ALICE[..200]),
        folder.put(&id("4"), &ALICE.replace("role: alice", "role: a\u{202e}lice")),
        folder.put(&id("5"), &PLAIN.replace("g/x", "../x")),
    ];
    for id in &bad {
        assert_eq!(folder.code(id), "KEY_DAMAGED", "{id}");
    }
    assert_eq!(folder.code(&folder.put(&id("6"), &"x".repeat(40_000))), "KEY_STORE");
    folder.put("1234", PLAIN);
    folder.put(&id("A"), PLAIN);
    let alice = folder.put(ALICE_ID, ALICE);
    let listed: Vec<_> = folder.keys.list().unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(listed, [alice]);
}

#[test]
fn ks_06_an_altered_file_gives_no_other_key() {
    let folder = Folder::with("delgpass1");
    let id = folder.put(ALICE_ID, &ALICE.replace("7QVRVm", "7QVRVn"));
    assert!(matches!(folder.code(&id), "PASSPHRASE" | "KEY_DAMAGED"));
}

#[test]
fn ks_05_a_wrong_passphrase_is_asked_for_again_but_not_for_ever() {
    let typed = Typed::new(&["wrong", "delgpass1"]);
    let folder = Folder::new(Arc::clone(&typed));
    let id = folder.put(ALICE_ID, ALICE);
    assert!(folder.keys.signer(&id).is_ok());
    assert_eq!(typed.asked(), 2);

    let typed = Typed::new(&["wrong-1", "", "wrong-3"]);
    let folder = Folder::new(Arc::clone(&typed));
    folder.put(ALICE_ID, ALICE);
    let error = folder.keys.signer(&id).unwrap_err();
    assert!(matches!(error, KeyError::WrongPassphrase { attempts: 2, .. }), "{error}");
    assert_eq!(typed.asked(), 3);
    assert!(!format!("{error} {error:?}").contains("wrong-"));
}

#[test]
fn a_source_that_never_gives_up_is_not_asked_for_ever() {
    #[derive(Debug)]
    struct Stubborn(Arc<AtomicU32>);
    impl Passphrases for Stubborn {
        fn passphrase(&self, _: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Some(Zeroizing::new(" ".to_owned()))
        }
        fn attempts(&self) -> u32 {
            u32::MAX
        }
    }
    let asked = Arc::new(AtomicU32::new(0));
    let folder = Folder::new(Stubborn(Arc::clone(&asked)));
    assert!(folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).is_err());
    assert_eq!(asked.load(Ordering::SeqCst), 10);
}

#[test]
fn ks_04_short_and_blank_passphrases_make_no_key() {
    for bad in [&["short"][..], &["1234567", "äöüß"], &["", "          "]] {
        let typed = Typed::new(bad);
        let folder = Folder::new(Arc::clone(&typed));
        let error = folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap_err();
        assert_eq!(error.code(), "PASSPHRASE");
        assert_eq!(typed.asked(), 3);
        assert_eq!(folder.names(), [""; 0]);
    }
    let folder = Folder::new(Typed::new(&["short", "long enough"]));
    assert!(folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).is_ok());
}

#[test]
fn a_missing_passphrase_names_its_origin() {
    let folder = Folder::new(FixedPassphrases::new().with(KeyRole::Root, "of root"));
    let error = folder.keys.signer(&folder.put(ALICE_ID, ALICE)).unwrap_err();
    assert!(matches!(error, KeyError::NoPassphrase { .. }), "{error}");
    assert!(error.to_string().contains("passphrases for role alice"), "{error}");
}

#[test]
fn importing_again_opens_what_is_stored() {
    let folder = Folder::with("delgpass1");
    let key = || {
        let block = PemBlock::read_all(ALICE.as_bytes()).remove(0);
        PrivateKey::from_pem(&block, Some("delgpass1")).unwrap()
    };
    let alice = KeyRole::new("alice").unwrap();
    let id = folder.put(ALICE_ID, ALICE);
    assert_eq!(folder.keys.import(key(), &alice, None).unwrap(), id);
    assert_eq!(fs::read_to_string(folder.path(&format!("{id}.key"))).unwrap(), ALICE);
    folder.put(ALICE_ID, &ALICE.replace("DQ==\n", ""));
    assert!(folder.keys.import(key(), &alice, None).is_err());
}

#[test]
fn unfinished_files_of_dead_writers_are_swept() {
    let folder = Folder::with("long enough");
    fs::create_dir_all(folder.path("")).unwrap();
    let age = |name: &str, days: u64| {
        let old = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        File::create(folder.path(name)).unwrap().set_modified(old).unwrap();
    };
    age(".tuf-notary-dead.tmp", 3);
    age(".tuf-notary-busy.tmp", 0);
    age("other.tmp", 3);
    folder.keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
    let mut names = folder.names();
    names.retain(|name| name.ends_with(".tmp"));
    names.sort();
    assert_eq!(names, [".tuf-notary-busy.tmp", "other.tmp"]);
}
