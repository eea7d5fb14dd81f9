//! `push_sign` and `revoke`.

use std::{fs, path::Path};

use tuf_notary::testkit::Forge;

use crate::{
    common::{
        notary_cli::NotaryCli,
        notary_server::NotaryServer,
        static_server::{Fault, StaticServer},
    },
    lab::*,
};

fn hex(byte: &str) -> String {
    byte.repeat(32)
}

fn push(user: &User, url: &str, more: &[&str], digest: &str, tag: &str) -> Outcome {
    let image = format!("{GUN}:{tag}");
    let mut arguments = vec!["--plain-http", "--server", url, "--sha256", digest, "--size", "528"];
    arguments.extend(more);
    arguments.push(&image);
    user.run("push_sign", arguments)
}

fn ask(user: &User, example: &str, url: &str, tag: &str) -> Outcome {
    user.run(example, ["--plain-http", "--server", url, &format!("{GUN}:{tag}")])
}

/// Role headers of the key files, which are all that the folder holds.
#[cfg(unix)]
fn roles_in(keys: &Path) -> Vec<String> {
    assert_eq!(mode(keys), 0o700);
    let mut roles: Vec<_> = fs::read_dir(keys)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), 0o600);
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let id = name.strip_suffix(".key").unwrap_or_else(|| panic!("{name}"));
            assert!(id.len() == 64 && id.bytes().all(|c| c.is_ascii_hexdigit()), "{name}");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{name}");
            text.lines().find_map(|line| line.strip_prefix("role: ")).unwrap().to_owned()
        })
        .collect();
    roles.sort();
    roles
}

#[test]
#[cfg(unix)]
fn a_tag_is_signed_in_a_new_and_in_a_known_collection_and_revoked() {
    let test = "a_tag_is_signed_in_a_new_and_in_a_known_collection_and_revoked";
    for (snapshot, roles) in
        [(&[][..], &["root", "snapshot", "targets"][..]), (&["--server-snapshot"], &["root", "targets"])]
    {
        let Some(server) = NotaryServer::start(test) else { return };
        let Some(notary) = NotaryCli::new(test, &server) else { return };
        let (url, user) = (server.url(), User::new());
        let keys = user.home().join("keys");
        let mut more = vec!["--keys", keys.to_str().unwrap()];
        more.extend(snapshot);

        push(&user, &url, &more, &hex("a1"), "v1").prints(&format!("{GUN}@sha256:{}", hex("a1")));
        assert_eq!(roles_in(&keys), roles);
        push(&user, &url, &more, &hex("a2"), "v2").prints(&format!("{GUN}@sha256:{}", hex("a2")));
        push(&user, &url, &more, &hex("a3"), "v1").prints(&format!("{GUN}@sha256:{}", hex("a3")));
        assert_eq!(roles_in(&keys), roles, "no further keys");
        assert!(!user.trust_dir().join("private").exists());
        assert_eq!(notary.lookup(GUN, "v1").ok().stdout, format!("v1 sha256:{} 528\n", hex("a3")));
        ask(&User::new(), "verify_tag", &url, "v2").prints(&format!("{GUN}@sha256:{}", hex("a2")));

        let image = format!("{GUN}:v1");
        let revoke =
            |user: &User| user.run("revoke", ["--plain-http", "--server", &url, "--keys", more[1], &image]);
        revoke(&user).prints(&format!("revoked {image}"));
        revoke(&user).fails(1, "NOT_SIGNED");
        ask(&user, "verify_tag", &url, "v1").fails(1, "NOT_SIGNED");
        notary.lookup(GUN, "v1").failed();
        notary.lookup(GUN, "v2").ok();
    }
}

#[test]
fn keys_and_passphrases_that_are_missing_or_wrong_are_named() {
    let test = "keys_and_passphrases_that_are_missing_or_wrong_are_named";
    let Some(server) = NotaryServer::start(test) else { return };
    let (url, mut user) = (server.url(), User::new());
    let all = std::mem::take(&mut user.environment);
    let outcome = push(&user, &url, &[], &hex("a1"), "v1");
    outcome.fails(1, "PASSPHRASE");
    outcome.says("NOTARY_ROOT_PASSPHRASE");
    ask(&user, "verify_tag", &url, "v1").fails(1, "NOT_SIGNED");

    user.environment = all;
    push(&user, &url, &[], &hex("a1"), "v1").prints(&format!("{GUN}@sha256:{}", hex("a1")));
    for (name, value) in &mut user.environment {
        if *name == "NOTARY_TARGETS_PASSPHRASE" {
            value.push('!');
        }
    }
    push(&user, &url, &[], &hex("a2"), "v2").fails(1, "PASSPHRASE");
    let stranger = User::new();
    push(&stranger, &url, &[], &hex("a2"), "v2").fails(1, "MISSING_KEYS");
    ask(&stranger, "revoke", &url, "v1").fails(1, "MISSING_KEYS");
    ask(&User::new(), "verify_tag", &url, "v1").prints(&format!("{GUN}@sha256:{}", hex("a1")));
}

#[test]
fn only_the_server_s_word_that_there_is_nothing_begins_a_collection() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    for (status, code, reason) in [
        (401, 3, "UNAUTHORIZED"),
        (403, 3, "UNAUTHORIZED"),
        (301, 3, "SERVER_ERROR"),
        (410, 3, "SERVER_ERROR"),
        (500, 3, "SERVER_ERROR"),
        (503, 3, "SERVER_ERROR"),
    ] {
        server.fault("root", Fault::Status(status));
        let user = User::new();
        push(&user, &server.url(), &[], &hex("a1"), "v1").fails(code, reason);
        assert_eq!(server.requests(), ["GET root.json"]);
        assert!(!user.trust_dir().join("private").exists(), "no key was made");
    }
    // Another file that is missing is damage, not a new collection.
    server.heal();
    server.fault("timestamp", Fault::Status(404));
    let user = User::new();
    push(&user, &server.url(), &["--clock", NOW], &hex("a1"), "v1").fails(1, "MISSING");
    assert!(server.requests().iter().all(|request| request.starts_with("GET ") && !request.contains(".key")));

    // A server that knows nothing and gives no key, or does not take the upload.
    let server = StaticServer::empty(GUN);
    let user = User::new();
    push(&user, &server.url(), &[], &hex("a1"), "v1").fails(1, "MISSING");
    server.fault("timestamp.key", Fault::Status(401));
    push(&user, &server.url(), &[], &hex("a1"), "v1").fails(3, "UNAUTHORIZED");
    assert!(!user.trust_dir().join("private").exists(), "no key was made");
}

#[test]
fn an_upload_that_fails_is_reported_and_the_next_one_succeeds() {
    let test = "an_upload_that_fails_is_reported_and_the_next_one_succeeds";
    let Some(real) = NotaryServer::start(test) else { return };
    let server = StaticServer::empty(GUN);
    let key = br#"{"keytype":"ed25519","keyval":{"public":"QjT+Oh4kXEmTYlOLn0Tpa513mD96x20Pufsp+5soUNo=","private":null}}"#;
    server.fault("timestamp.key", Fault::Content(key.to_vec()));
    let user = User::new();
    for (status, code, reason) in
        [(400, 1, "REJECTED"), (401, 3, "UNAUTHORIZED"), (500, 3, "SERVER_ERROR"), (201, 3, "SERVER_ERROR")]
    {
        server.fault("", Fault::Status(status));
        push(&user, &server.url(), &[], &hex("a1"), "v1").fails(code, reason);
    }
    assert!(!user.metadata("root.json").exists(), "nothing is trusted that was not published");
    push(&user, &real.url(), &[], &hex("a1"), "v1").prints(&format!("{GUN}@sha256:{}", hex("a1")));
}

/// The lock on the trust folder lets each build on what the one before has published.
#[test]
fn publishers_that_share_a_trust_folder_wait_for_each_other() {
    let test = "publishers_that_share_a_trust_folder_wait_for_each_other";
    let Some(server) = NotaryServer::start(test) else { return };
    let (url, user) = (server.url(), User::new());
    push(&user, &url, &[], &hex("a0"), "v0").prints(&format!("{GUN}@sha256:{}", hex("a0")));
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let (url, user) = (&url, &user);
            scope.spawn(move || {
                let digest = hex(&format!("a{number}"));
                let line = format!("{GUN}@sha256:{digest}");
                push(user, url, &[], &digest, &format!("v{number}")).prints(&line);
            });
        }
    });
    for number in 0..=4 {
        let line = format!("{GUN}@sha256:{}", hex(&format!("a{number}")));
        ask(&User::new(), "verify_tag", &url, &format!("v{number}")).prints(&line);
    }
}
