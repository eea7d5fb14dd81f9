//! Keys in a real PKCS#11 module: SoftHSM.
//!
//! The module finds its tokens through an environment variable that it reads once in a process, so
//! each test runs itself again in a process of its own.
#![cfg(feature = "pkcs11")]

#[path = "common/mod.rs"]
mod common;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use common::{process, programs};
use tuf_notary::{
    blocking::{Collection, Initialise},
    crypto::{CryptoError, KeyKind, PemBlock, PrivateKey, Scheme, Signer as _, TufKey},
    edit::Changes,
    keys::{FixedPassphrases, KeyError, KeyRole, KeyStore as _, Pkcs11Keys},
    metadata::TargetInfo,
    name::{Gun, Hashes, TargetName},
    testkit::{TrustServer, suite},
    verify::Trust,
    wire::notary::canonical_id,
};

const CHILD: &str = "TUF_NOTARY_TEST_TOKENS";
const CONFIGURATION: &str = "SOFTHSM2_CONF";
const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];
const PIN: &str = "correct pin";

/// The tokens of one test: `token-0`, `token-1` and so on.
struct Tokens {
    module: PathBuf,
    util: PathBuf,
    folder: PathBuf,
}

/// Runs `test` in a process of its own that has this many tokens.
fn with_tokens(name: &str, count: usize, test: impl FnOnce(&Tokens)) {
    let module = MODULES.iter().map(PathBuf::from).find(|path| path.is_file());
    let required = env::var(programs::REQUIRE).is_ok_and(|value| value == "1");
    let module = programs::decide(module, required, name, "SoftHSM's module");
    let (Some(module), Some(util)) = (module, programs::find(name, "softhsm2-util")) else { return };
    if let Some(folder) = env::var_os(CHILD) {
        return test(&Tokens { module, util, folder: folder.into() });
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens { module, util, folder: folder.path().to_owned() };
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.path().display());
    fs::write(tokens.configuration(), text).unwrap();
    for number in 0..count {
        let label = format!("token-{number}");
        tokens.util(&["--init-token", "--free", "--label", &label, "--pin", PIN, "--so-pin", "other pin"]);
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([name, "--exact", "--nocapture"]);
    child.env(CHILD, folder.path()).env(CONFIGURATION, tokens.configuration());
    let done = process::run(child, b"", Duration::from_secs(120)).ok();
    assert!(done.says("1 passed"), "{done:#?}");
}

impl Tokens {
    fn configuration(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    #[track_caller]
    fn util(&self, arguments: &[&str]) {
        let mut command = process::command(&self.util, &self.folder);
        command.env(CONFIGURATION, self.configuration()).args(arguments);
        process::run(command, b"", process::LONGEST).ok();
    }

    fn open(&self, number: usize, pin: &str) -> Pkcs11Keys {
        let pin = FixedPassphrases::new().otherwise(pin);
        Pkcs11Keys::open(&self.module, &format!("token-{number}"), pin).unwrap()
    }

    fn pem(&self, name: &str, key: &PrivateKey) -> String {
        let file = self.folder.join(name);
        let block = PemBlock::new("PRIVATE KEY", key.to_notary_pkcs8());
        fs::write(&file, block.to_text().unwrap()).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

#[test]
fn a_token_keeps_the_promises_of_a_store() {
    with_tokens("a_token_keeps_the_promises_of_a_store", 12, |tokens| {
        let next = AtomicUsize::new(0);
        suite::key_store(|| tokens.open(next.fetch_add(1, Ordering::SeqCst), PIN));
    });
}

#[test]
fn a_collection_is_signed_by_keys_in_a_token() {
    with_tokens("a_collection_is_signed_by_keys_in_a_token", 1, |tokens| {
        let (gun, server) = (Gun::new("example.com/app").unwrap(), TrustServer::new());
        let keys = tokens.open(0, PIN);
        let publisher = Collection::builder(gun.clone(), Trust::FirstUse)
            .transport(server.transport(&gun))
            .keys(keys.clone())
            .build();
        let hashes = Hashes::sha256([7; 32]);
        let info = TargetInfo { length: 3, hashes, custom: None };
        let changes = Changes::new().sign(TargetName::new("v1").unwrap(), info);
        publisher.initialise(&Initialise::new().changes(changes)).unwrap();
        let user =
            Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun)).build();
        assert_eq!(user.refresh().unwrap().target("v1").unwrap().length(), 3);
        let roots = keys.list().unwrap().into_iter().filter(|key| key.role == KeyRole::Root);
        assert_eq!(roots.count(), 1);
    });
}

#[test]
fn keys_of_other_tools_are_found_and_signed_with() {
    with_tokens("keys_of_other_tools_are_found_and_signed_with", 2, |tokens| {
        let keys = [PrivateKey::generate_ecdsa().unwrap(), PrivateKey::generate_ecdsa().unwrap()];
        let ids = keys.each_ref().map(|key| canonical_id(key.public_key()));
        let [one, two] = ["one.pem", "two.pem"]
            .map(|name| tokens.pem(name, if name == "one.pem" { &keys[0] } else { &keys[1] }));
        let import = |file: &str, id: &str, more: &[&str]| {
            let base = ["--import", file, "--token", "token-0", "--label", "alice", "--id", id, "--pin", PIN];
            tokens.util(&[&base, more].concat());
        };
        import(&one, "01", &[]);
        let store = tokens.open(0, PIN);
        let alice = KeyRole::new("alice").unwrap();
        let listed = store.list().unwrap();
        assert_eq!(listed.iter().map(|key| (&key.id, &key.role)).collect::<Vec<_>>(), [(&ids[0], &alice)]);
        let signer = store.signer(&ids[0]).unwrap();
        let signature = signer.sign(b"message").unwrap();
        assert_eq!(keys[0].public_key().verify(Scheme::EcdsaP1363, b"message", &signature), Ok(()));
        let der = signer.sign_with(Scheme::EcdsaDer, b"message").unwrap();
        assert_eq!(keys[0].public_key().verify(Scheme::EcdsaDer, b"message", &der), Ok(()));
        // Another private key under the same CKA_ID: which of the two would sign?
        import(&two, "01", &["--force", "--no-public-key"]);
        assert_eq!(store.signer(&ids[0]).unwrap_err().code(), "KEY_DAMAGED");
        assert!(signer.sign(b"message").is_err());
        assert_eq!(store.remove(&ids[0]).unwrap_err().code(), "KEY_DAMAGED");
        assert!(store.signer(&ids[1]).unwrap_err().is_not_found());
    });
}

/// OpenSSL made the RSA key; the others are ours.
#[test]
fn keys_of_every_kind_sign_for_tuf() {
    with_tokens("keys_of_every_kind_sign_for_tuf", 1, |tokens| {
        let rsa = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/crypto/testdata/rsa2048.pkcs8.pem");
        let block = PemBlock::read_all(&fs::read(&rsa).unwrap()).remove(0);
        let keys = [
            (PrivateKey::from_pem(&block, None).unwrap(), rsa.to_str().unwrap().to_owned()),
            (PrivateKey::generate_ecdsa().unwrap(), String::new()),
            (PrivateKey::generate_ecdsa_p384().unwrap(), String::new()),
        ];
        let store = tokens.open(0, PIN);
        for (number, (key, file)) in keys.iter().enumerate() {
            let name = format!("{number}.pem");
            let file = if file.is_empty() { &tokens.pem(&name, key) } else { file };
            let (id, base) = (format!("0{number}"), ["--import", file, "--token", "token-0"]);
            tokens.util(&[&base[..], &["--label", "alice", "--id", &id, "--pin", PIN]].concat());
            let public = key.public_key();
            let signer = store.signer(&canonical_id(public)).unwrap();
            assert_eq!(signer.public_key(), public);
            let scheme = public.tuf_scheme().unwrap();
            let texts = public.to_tuf(scheme).unwrap();
            let signature = signer.sign_with(scheme, b"message").unwrap();
            let read = TufKey::new(texts.keytype, texts.scheme, &texts.public);
            assert_eq!(read.verify(b"message", &signature), Ok(()));
            let signature = signer.sign(b"message").unwrap();
            assert_eq!(public.verify(signer.scheme(), b"message", &signature), Ok(()));
            for scheme in [Scheme::RsaPkcs1v15, Scheme::EcdsaDer, Scheme::EcdsaDerSha384] {
                match signer.sign_with(scheme, b"message") {
                    Ok(signature) => assert_eq!(public.verify(scheme, b"message", &signature), Ok(())),
                    Err(CryptoError::SchemeMismatch { .. }) => {
                        assert!(key.sign_with(scheme, b"message").is_err(), "{public:?} {scheme:?}");
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
        assert_eq!(store.list().unwrap().len(), 3);
        let refused = store.generate(KeyKind::Rsa, &KeyRole::Root, None).unwrap_err();
        assert_eq!(refused.code(), "KEY_UNSUPPORTED");
    });
}

#[test]
fn ks_13_a_key_does_not_leave_its_token() {
    with_tokens("ks_13_a_key_does_not_leave_its_token", 1, |tokens| {
        let store = tokens.open(0, PIN);
        let made = store.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
        let id = canonical_id(made.public_key());
        assert!(matches!(store.export(&id), Err(KeyError::NotExportable { .. })));
        let kept = store.import(PrivateKey::generate_ecdsa().unwrap(), &KeyRole::Root, None).unwrap();
        assert!(matches!(store.export(&kept), Err(KeyError::NotExportable { .. })));
        assert_eq!(store.list().unwrap().len(), 2);
    });
}

#[test]
fn ks_05_a_wrong_pin_is_told_and_locks_nothing() {
    with_tokens("ks_05_a_wrong_pin_is_told_and_locks_nothing", 1, |tokens| {
        let wrong = tokens.open(0, "wrong pin");
        assert_eq!(wrong.list().unwrap(), [], "the list needs no PIN");
        let make = |store: &Pkcs11Keys| store.generate(KeyKind::Ecdsa, &KeyRole::Root, None);
        for _ in 0..2 {
            let error = make(&wrong).unwrap_err();
            assert!(matches!(error, KeyError::WrongPin { attempts: 1, .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("wrong pin"));
        }
        let error = make(&wrong).unwrap_err();
        assert!(matches!(error, KeyError::PinAtRisk { .. }), "{error}");
        let right = tokens.open(0, PIN);
        let id = canonical_id(make(&right).unwrap().public_key());
        let none = Pkcs11Keys::open(&tokens.module, "token-0", FixedPassphrases::new()).unwrap();
        // Within one process a token is open to all of it once somebody has logged in.
        assert!(none.signer(&id).is_ok());
    });
}

#[test]
fn a_token_is_chosen_by_its_whole_label() {
    with_tokens("a_token_is_chosen_by_its_whole_label", 1, |tokens| {
        for label in ["token", "token-", "token-00", "TOKEN-0", ""] {
            let opened = Pkcs11Keys::open(&tokens.module, label, FixedPassphrases::new());
            assert_eq!(opened.unwrap_err().code(), "KEY_TOKEN", "{label:?}");
        }
        let relative = Path::new("libsofthsm2.so");
        assert!(Pkcs11Keys::open(relative, "token-0", FixedPassphrases::new()).is_err());
    });
}
