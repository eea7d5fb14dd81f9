//! Keys made by one program and used by the other.

use std::{ffi::OsStr, fs, process::Command};

use tuf_notary::crypto::{PemBlock, PrivateKey};

use crate::{common::process, lab::*};

#[cfg(unix)]
fn private(path: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn keys_of_one_are_the_others() {
    let test = "keys_of_one_are_the_others";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let (ours, dockers) = (alice.generate("ours"), alice.home().join("dockers.pub"));
    alice.docker_trust(&lab, &["key", "generate", "dockers"]).ok();
    let shape = |path: &std::path::Path| {
        let text = fs::read_to_string(path).unwrap();
        (
            text.lines().next().unwrap().to_owned(),
            text.lines().nth(1).unwrap().replace("dockers", "ours"),
            text.len(),
        )
    };
    let (a, b) = (shape(ours.as_ref()), shape(&dockers));
    assert_eq!((&a.0, &a.1, a.2 + 3), (&b.0, &b.1, b.2), "but for the name they are alike");
    #[cfg(unix)]
    for file in [ours.as_str(), dockers.to_str().unwrap()] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // Each adds the other's, and each signs with both: the images are in one folder.
    let repository = lab.image("app");
    alice.docker_trust(&lab, &["signer", "add", "--key", &ours, "ours", &repository]).ok();
    alice.ours(["signer", "add", "--key", dockers.to_str().unwrap(), "dockers", &repository]).ok();
    lab.registry.push("app", "v1", "first");
    alice.ours(["sign", &lab.image("app:v1")]).ok();
    assert_eq!(tags(&alice.inspect(&lab, &repository))[0].2, "ours dockers");
    alice.docker_trust(&lab, &["revoke", &lab.image("app:v1")]).ok();
    assert!(tags(&alice.inspect(&lab, &repository)).is_empty());
}

#[test]
fn keys_are_loaded_in_every_form_and_the_encrypted_ones_really_are() {
    let test = "keys_are_loaded_in_every_form_and_the_encrypted_ones_really_are";
    let Some(lab) = Lab::new(test) else { return };
    let Some(alice) = Person::new(test, &lab) else { return };
    let Some(program) = crate::common::programs::find(test, "openssl") else { return };
    let openssl = |arguments: &[&str]| {
        let mut command = process::command(&program, alice.home());
        command.args(arguments);
        process::run(command, b"", process::LONGEST).ok();
    };
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sec1.pem"]);
    openssl(&["genrsa", "-out", "rsa.pem", "2048"]);
    openssl(&["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "d.pem"]);
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "e-full.pem"]);
    openssl(&["ec", "-in", "e-full.pem", "-no_public", "-out", "e.pem"]);
    for (from, to) in [("sec1.pem", "a.pem"), ("rsa.pem", "b.pem")] {
        openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", from, "-out", to]);
    }
    let pass = "pass:secret of REPOSITORY";
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "c-plain.pem"]);
    openssl(&[
        "pkcs8",
        "-topk8",
        "-in",
        "c-plain.pem",
        "-v2",
        "aes-256-cbc",
        "-passout",
        pass,
        "-out",
        "c.pem",
    ]);
    let repository = lab.image("app");
    for (name, file) in [("a", "a.pem"), ("b", "b.pem"), ("c", "c.pem"), ("d", "d.pem"), ("e", "e.pem")] {
        let path = alice.home().join(file).into_os_string().into_string().unwrap();
        private(&path);
        let loaded = alice.ours(["key", "load", "--name", name, &path]).ok();
        assert_eq!(
            loaded.stdout,
            format!("Loading key from \"{path}\"...\nSuccessfully imported key from {path}\n")
        );
        let public = format!("{file}.pub");
        openssl(&["pkey", "-in", file, "-passin", pass, "-pubout", "-out", &public]);
        let public = alice.home().join(public);
        alice
            .docker_trust(&lab, &["signer", "add", "--key", public.to_str().unwrap(), name, &repository])
            .ok();
    }
    assert_eq!(fs::read_dir(alice.private()).unwrap().count(), 5 + 2, "and the root and targets keys");
    lab.registry.push("app", "v1", "first");
    alice.ours(["sign", &lab.image("app:v1")]).ok();
    assert_eq!(tags(&alice.inspect(&lab, &repository))[0].2, "a b c d e");
    // Docker opens what we keep.
    alice.docker_trust(&lab, &["revoke", &lab.image("app:v1")]).ok();
}

#[test]
fn what_is_no_safe_private_key_is_not_loaded() {
    let test = "what_is_no_safe_private_key_is_not_loaded";
    let Some(lab) = Lab::new(test) else { return };
    let mut alice = Person::without_docker(&lab.trust);
    let public = alice.generate("alice");
    let refused = alice.ours(["key", "load", &public]).failed();
    assert!(refused.stderr.contains("is not a supported private key"), "{refused:#?}");
    let stored = fs::read_dir(alice.private()).unwrap().next().unwrap().unwrap().path();
    let copy = alice.write("copy.pem", fs::read(&stored).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = alice.ours(["key", "load", &copy]).failed();
        assert!(refused.stderr.contains("must not be readable or writable by others"), "{refused:#?}");
    }
    private(&copy);
    fs::remove_file(&stored).unwrap();
    for (_, value) in &mut alice.environment {
        if value.starts_with("secret of REPO") {
            "another secret".clone_into(value);
        }
    }
    let refused = alice.ours(["key", "load", &copy]).failed();
    assert!(refused.stderr.contains("could not decrypt key"), "{refused:#?}");
    assert!(!refused.says("Successfully") && fs::read_dir(alice.private()).unwrap().next().is_none());

    // Without variables a person is asked, and the key stays under its passphrase.
    alice.environment.retain(|(name, _)| !name.contains("PASSPHRASE"));
    let answers = "wrong one\nsecret of REPOSITORY\n";
    let loaded = alice.ours_told(["key", "load", &copy], answers).ok();
    assert!(loaded.stderr.contains("Passphrase incorrect"), "{loaded:#?}");
    assert!(!loaded.says("secret of"), "{loaded:#?}");
    let text = fs::read_to_string(&stored).unwrap();
    assert!(text.contains("role: alice") && text.contains("ENCRYPTED"), "{text}");
    // A name that is given counts, also for a key that is there.
    alice.ours_told(["key", "load", "--name", "bob", &copy], "secret of REPOSITORY\n").ok();
    assert!(fs::read_to_string(&stored).unwrap().contains("role: bob"));
    assert!(alice.ours(["key", "load", "--name", "bob", &copy]).failed().says("could not decrypt key"));
}

/// What a person types for new keys: long enough, twice the same, and then it serves again.
#[test]
fn a_person_chooses_passphrases() {
    let test = "a_person_chooses_passphrases";
    let Some(lab) = Lab::new(test) else { return };
    let mut alice = Person::without_docker(&lab.trust);
    alice.environment.retain(|(name, _)| !name.contains("PASSPHRASE"));
    let refused = alice.ours(["key", "generate", "alice"]).failed();
    assert!(refused.says("DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"), "{refused:#?}");
    let answers = "short\nlong enough\nother words\nlong enough\nlong enough\n";
    let made = alice.ours_told(["key", "generate", "alice"], answers).ok();
    assert!(made.says("too short") && made.says("do not match"), "{made:#?}");
    lab.registry.push("app", "v1", "first");
    let (repository, image) = (lab.image("app"), lab.image("app:v1"));
    let answers = "passphrase of root\npassphrase of root\nof repository\nof repository\n";
    let key = alice.home().join("alice.pub");
    let add = ["signer", "add", "--key", key.to_str().unwrap(), "alice", &repository];
    let added = alice.ours_told(add, answers).ok();
    assert!(added.says("new root key"), "people are told what it is: {added:#?}");
    alice.ours_told(["sign", &image], "long enough\n").ok();
}

/// As from `<(gpg -d key)`: what was never on a disk in the clear.
#[cfg(unix)]
#[test]
fn a_private_key_comes_through_a_pipe() {
    let test = "a_private_key_comes_through_a_pipe";
    let Some(lab) = Lab::new(test) else { return };
    let alice = Person::without_docker(&lab.trust);
    let key = PrivateKey::generate_ecdsa().unwrap();
    let text = PemBlock::new("PRIVATE KEY", key.to_notary_pkcs8()).to_text().unwrap();
    let pipe = alice.home().join("pipe");
    let make = Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap();
    assert!(make.success());
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, &*text).unwrap()
    });
    alice.ours([OsStr::new("key"), "load".as_ref(), "--name".as_ref(), "".as_ref(), pipe.as_ref()]).ok();
    writer.join().unwrap();
    let stored = fs::read_dir(alice.private()).unwrap().next().unwrap().unwrap().path();
    assert!(
        fs::read_to_string(stored).unwrap().contains("role: signer\n"),
        "an empty name is none, as for Docker"
    );
    // What never ends is not waited for.
    assert!(alice.ours(["key", "load", "/dev/zero"]).failed().says("is not a file"));
    alice.ours(["key", "generate", "--dir", "", "bob"]).ok();
    assert!(alice.home().join("bob.pub").is_file());
}
