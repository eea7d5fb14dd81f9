//! `initialise`, `signers` and `delegate_sign`: an owner and two signers, each on their own machine.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use tuf_notary::{
    crypto::{KeyKind, self_signed},
    keys::{DirectoryKeys, FixedPassphrases, KeyRole, KeyStore as _},
    wire::notary::{canonical_id, key_id},
};

use crate::{
    common::{notary_cli::NotaryCli, notary_server::NotaryServer},
    lab::*,
};

/// A signer with a key of their own, and the file that they give to the owner.
fn signer(name: &str) -> (User, String) {
    let user = User::new();
    let passphrases = FixedPassphrases::new().otherwise("secret of DELEGATION");
    let keys = DirectoryKeys::open(user.trust_dir().join("private"), passphrases);
    let signer = keys.generate(KeyKind::Ecdsa, &KeyRole::new(name).unwrap(), None).unwrap();
    let file = user.write(&format!("{name}.pub"), signer.public_key().to_pem(name).unwrap());
    (user, file)
}

struct Desk {
    server: NotaryServer,
    owner: User,
}

impl Desk {
    #[track_caller]
    fn run(&self, user: &User, example: &str, arguments: &[&str]) -> Outcome {
        let url = self.server.url();
        user.run(example, [&["--plain-http", "--server", &url], arguments].concat())
    }

    #[track_caller]
    fn sign(&self, user: &User, byte: &str, tag: &str) -> Outcome {
        let (digest, image) = (byte.repeat(32), format!("{GUN}:{tag}"));
        self.run(user, "delegate_sign", &["--sha256", &digest, "--size", "528", &image])
    }

    #[track_caller]
    fn tag(&self, tag: &str) -> Outcome {
        self.run(&User::new(), "verify_tag", &[&format!("{GUN}:{tag}")])
    }
}

#[test]
fn signers_sign_alone_and_one_who_leaves_takes_only_their_own_tags_along() {
    let test = "signers_sign_alone_and_one_who_leaves_takes_only_their_own_tags_along";
    let Some(server) = NotaryServer::start(test) else { return };
    let Some(notary) = NotaryCli::new(test, &server) else { return };
    let desk = Desk { server, owner: User::new() };
    let pin = desk.run(&desk.owner, "initialise", &["--server-snapshot", GUN]).0;
    let pin = pin.stdout.trim_end().strip_prefix(&format!("{GUN} --root-key ")).unwrap().to_owned();
    desk.run(&desk.owner, "initialise", &["--server-snapshot", GUN]).fails(1, "ALREADY_EXISTS");

    let (alice, alice_file) = signer("alice");
    let (bob, bob_file) = signer("bob");
    desk.sign(&alice, "a1", "v1").fails(1, "MISSING_KEYS");
    desk.run(&desk.owner, "signers", &["add", "--key", &alice_file, GUN, "alice"]);
    let added = desk.run(&desk.owner, "signers", &["add", "--key", &bob_file, GUN, "bob"]).0;
    let names: Vec<_> = added.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["alice", "bob"], "{added:#?}");

    let line = |byte: &str, role| format!("{GUN}@sha256:{} {role}", byte.repeat(32));
    let by = |name, byte| {
        [line(byte, format!("targets/{name}")), line(byte, "targets/releases".into())].join("\n")
    };
    desk.sign(&alice, "a1", "v1").prints(&by("alice", "a1"));
    desk.sign(&bob, "b2", "v2").prints(&by("bob", "b2"));
    desk.sign(&bob, "b2", "v2").prints(&format!("{GUN}:v2 is signed so already"));
    let image = format!("{GUN}:v1");
    let pinned = desk.run(&User::new(), "verify_tag", &["--root-key", &pin, &image]);
    pinned.prints(&format!("{GUN}@sha256:{}", "a1".repeat(32)));
    assert_eq!(notary.lookup(GUN, "v2").ok().stdout, format!("v2 sha256:{} 528\n", "b2".repeat(32)));

    // The owner can't sign what is released; with a signer's key, it works.
    desk.run(&desk.owner, "signers", &["remove", GUN, "alice"]).fails(1, "MISSING_KEYS");
    let private = |user: &User| user.trust_dir().join("private");
    for entry in fs::read_dir(private(&bob)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), private(&desk.owner).join(entry.file_name())).unwrap();
    }
    let foreseen = desk.run(&desk.owner, "signers", &["--dry-run", "remove", GUN, "alice"]);
    foreseen.prints(
        "targets would be signed as version 4\n\
         targets/releases would be signed as version 3\n\
         v1 would not be signed by targets/alice any more\n\
         v1 would not be signed by targets/releases any more",
    );
    desk.tag("v1").prints(&format!("{GUN}@sha256:{}", "a1".repeat(32)));
    let left = desk.run(&desk.owner, "signers", &["remove", GUN, "alice"]).0;
    assert!(left.stdout.starts_with("bob ") && left.stdout.lines().count() == 1, "{left:#?}");
    desk.tag("v1").fails(1, "NOT_SIGNED");
    desk.tag("v2").prints(&format!("{GUN}@sha256:{}", "b2".repeat(32)));
    desk.sign(&alice, "a1", "v3").fails(1, "MISSING_KEYS");
}

/// A root key that exists already, by itself and in a certificate made elsewhere.
#[test]
fn a_collection_begins_with_the_root_key_that_is_named() {
    let test = "a_collection_begins_with_the_root_key_that_is_named";
    let Some(server) = NotaryServer::start(test) else { return };
    let desk = Desk { server, owner: User::new() };
    let passphrases = FixedPassphrases::new().otherwise("secret of ROOT");
    let keys = DirectoryKeys::open(desk.owner.trust_dir().join("private"), passphrases);
    let roots = [0; 3].map(|_| keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None).unwrap());
    for (at, root) in roots.iter().enumerate() {
        let gun = format!("{GUN}-{at}");
        let id = canonical_id(root.public_key()).to_string();
        let now = SystemTime::now();
        let certificate = self_signed(&gun, &**root, now, now + Duration::from_secs(86_400 * 3650)).unwrap();
        let file = desk.owner.write("root.crt", certificate.published());
        let choice = if at == 0 { ["--existing-root", &id] } else { ["--root-cert", &file] };
        desk.run(&desk.owner, "initialise", &[choice[0], choice[1], &gun]);
        let pinned = desk.run(&User::new(), "inspect", &["--root-key", &id, &gun]);
        assert!(pinned.0.says(&id), "{pinned:#?}");
        let by_us = key_id(&certificate).to_string();
        let own = desk.run(&User::new(), "inspect", &["--root-key", &by_us, &gun]).0.status;
        assert_eq!(own == Some(0), at > 0, "the certificate is the one that was given");
    }
}

#[test]
fn wrong_calls_end_with_2() {
    let Some(server) = NotaryServer::start("wrong_calls_end_with_2") else { return };
    let desk = Desk { server, owner: User::new() };
    let junk = desk.owner.write("junk.pem", "no key");
    for (example, arguments) in [
        ("initialise", &[][..]),
        ("initialise", &["--existing-root"]),
        ("initialise", &["--existing-root", "", GUN]),
        ("initialise", &["--root-cert", &junk, GUN]),
        ("signers", &["list"]),
        ("signers", &["add", GUN, "alice"]),
        ("signers", &["add", "--key", "/nowhere", GUN, "alice"]),
        ("signers", &["add", "--key", &junk, GUN, "alice"]),
        ("signers", &["remove", GUN, "releases"]),
        ("signers", &["remove", GUN]),
        ("delegate_sign", &[GUN]),
        ("delegate_sign", &["--sha256", "ab", "--size", "1", GUN]),
        ("delegate_sign", &["--role", "x", GUN]),
    ] {
        desk.run(&desk.owner, example, arguments).fails(2, "USAGE");
    }
    assert!(!desk.owner.trust_dir().exists());
}
