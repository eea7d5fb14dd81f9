//! The examples about keys: a backup goes round, a program signs, a token signs.

use std::fs;

use tuf_notary::{
    crypto::{KeyKind, PemBlock, PrivateKey},
    keys::{DirectoryKeys, EnvironmentPassphrases, FixedPassphrases, KeyInfo, KeyRole, KeyStore as _},
    name::Gun,
};

use crate::{
    common::{process, programs},
    lab::*,
};

/// Keys of three kinds in a user's folder, under the passphrases of [`User::new`].
fn keys_of(user: &User) -> Vec<KeyInfo> {
    let passphrases = FixedPassphrases::new()
        .with(KeyRole::Root, "secret of ROOT")
        .with(KeyRole::Targets, "secret of TARGETS")
        .otherwise("secret of DELEGATION");
    let keys = DirectoryKeys::open(user.trust_dir().join("private"), passphrases);
    let (gun, alice) = (Gun::new(GUN).unwrap(), KeyRole::new("alice").unwrap());
    keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap();
    keys.generate(KeyKind::Ecdsa, &KeyRole::Targets, Some(&gun)).unwrap();
    keys.generate(KeyKind::Ed25519, &alice, None).unwrap();
    keys.list().unwrap()
}

fn listed(folder: &std::path::Path) -> Vec<KeyInfo> {
    DirectoryKeys::open(folder, EnvironmentPassphrases::notary()).list().unwrap()
}

#[test]
fn a_backup_of_all_keys_goes_round() {
    let test = "a_backup_of_all_keys_goes_round";
    let user = User::new();
    let made = keys_of(&user);
    let private = user.trust_dir().join("private");
    let (folder, file) = (private.to_str().unwrap(), user.home().join("backup.pem"));
    let backup = file.to_str().unwrap();
    let saved = user.run("backup_keys", ["--keys", folder, backup]);
    saved.prints(&made.iter().map(|info| format!("saved {info}")).collect::<Vec<_>>().join("\n"));
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
    user.run("backup_keys", ["--keys", folder, backup]).fails(1, "FILE_EXISTS");
    user.run("backup_keys", ["--force", "--keys", folder, backup]);

    let elsewhere = user.home().join("elsewhere");
    let restore = ["--restore", "--keys", elsewhere.to_str().unwrap(), backup];
    let lines = |how: &str| made.iter().map(|info| format!("{info}: {how}")).collect::<Vec<_>>().join("\n");
    user.run("backup_keys", restore).prints(&lines("restored"));
    user.run("backup_keys", restore).prints(&lines("is there already"));
    assert_eq!(listed(&elsewhere), made);
    for info in &made {
        let file = format!("{}.key", info.id);
        assert_eq!(fs::read(elsewhere.join(&file)).unwrap(), fs::read(private.join(&file)).unwrap());
    }

    // Notary's own program takes the same file.
    if let Some(notary) = programs::find(test, "notary") {
        let theirs = user.home().join("notary");
        let mut command = process::command(&notary, user.home());
        command.args(["--trustDir", theirs.to_str().unwrap(), "key", "import", backup]);
        process::run(command, b"", process::LONGEST).ok();
        assert_eq!(listed(&theirs.join("private")), made);
    }

    // A backup without one of the keys is none, and says which key is missing.
    fs::write(private.join(format!("{}.key", made[0].id)), "junk").unwrap();
    let partial = user.run("backup_keys", ["--force", "--keys", folder, backup]);
    assert_eq!(partial.0.status, Some(1));
    partial.says(&format!("key {} is damaged", made[0].id));
    for wrong in [&["--keys", folder][..], &[backup], &["--keys", folder, backup, backup]] {
        user.run("backup_keys", wrong).fails(2, "USAGE");
    }
}

#[test]
fn a_key_in_the_clear_does_not_leave_so() {
    let user = User::new();
    let key = PrivateKey::generate_ecdsa().unwrap();
    let id = tuf_notary::wire::notary::canonical_id(key.public_key());
    let private = user.trust_dir().join("private");
    fs::create_dir_all(&private).unwrap();
    fs::write(private.join(format!("{id}.key")), &*key.to_plain_pem("bob", None).to_text().unwrap()).unwrap();
    let file = user.home().join("backup.pem");
    let arguments = ["--keys", private.to_str().unwrap(), file.to_str().unwrap()];
    user.run("backup_keys", arguments).says(&format!("saved bob key {id}"));
    let block = PemBlock::read_all(&fs::read(&file).unwrap()).remove(0);
    assert!(block.is_encrypted_key());
    let opened = PrivateKey::from_pem(&block, Some("secret of DELEGATION")).unwrap();
    assert_eq!(opened.public_key(), key.public_key());
}

#[test]
fn a_program_that_holds_the_root_key_signs() {
    if programs::find("a_program_that_holds_the_root_key_signs", "openssl").is_none() {
        return;
    }
    let outcome = User::new().run("custom_keystore", [""; 0]);
    outcome.says("The program signed the root; v1 is published.");
    outcome.says(&format!("A user verifies v1: sha256:{}", "07".repeat(32)));
    assert_eq!(outcome.0.status, Some(0));
}

#[cfg(feature = "pkcs11")]
#[test]
fn a_token_makes_and_lists_keys() {
    const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
    let test = "a_token_makes_and_lists_keys";
    let Some(util) = programs::find(test, "softhsm2-util") else { return };
    let mut user = User::new();
    let tokens = user.home().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let configuration = user.write("softhsm2.conf", format!("directories.tokendir = {}\n", tokens.display()));
    let mut command = process::command(&util, user.home());
    command.env("SOFTHSM2_CONF", &configuration);
    command.args("--init-token --free --label signing --pin 1234 --so-pin 5678".split(' '));
    process::run(command, b"", process::LONGEST).ok();
    user.environment.push(("SOFTHSM2_CONF", configuration));
    let token = ["--module", MODULE, "--token", "signing"];
    let generate = [&token[..], &["--generate", "alice"]].concat();

    user.run("pkcs11", generate.clone()).fails(1, "PASSPHRASE");
    user.environment.push(("TOKEN_PIN", "4321".to_owned()));
    let refused = user.run("pkcs11", generate.clone());
    refused.fails(1, "PASSPHRASE");
    assert!(!refused.0.says("4321"));
    user.environment.pop();
    user.environment.push(("TOKEN_PIN", "1234".to_owned()));
    let made = user.run("pkcs11", generate).0.ok();
    assert!(made.stdout.contains("-----BEGIN PUBLIC KEY-----\nrole: alice\n"), "{made:#?}");
    let line = made.stdout.lines().next().unwrap();
    assert!(line.starts_with("alice key "), "{made:#?}");
    user.environment.pop();
    user.run("pkcs11", token).prints(line);
    user.run("pkcs11", ["--module", MODULE, "--token", "other"]).fails(1, "KEY_TOKEN");
    user.run("pkcs11", ["--module", MODULE]).fails(2, "USAGE");
}
