//! Calls that are wrong: exit code 2, and nothing is asked or written.

use tuf_notary::testkit::Forge;

use crate::{common::static_server::StaticServer, lab::*};

#[test]
fn a_wrong_call_of_verify_tag_ends_with_2() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    let (url, image) = (server.url(), format!("{GUN}:v1"));
    let digest = format!("{GUN}@sha256:{}", "ab".repeat(31));
    let junk = user.write("junk.pem", "no certificate");
    let cases: &[&[&str]] = &[
        &[],
        &["--plain-http", "--server", &url],
        &["--plain-http", "--server", &url, &image, &image],
        &["--plain-http", "--server", &url, "--frobnicate", &image],
        &["--plain-http", "--server", &url, "-x", &image],
        &["--plain-http=yes", "--server", &url, &image],
        &["--server", &url, &image],
        &["--plain-http", "--server", "not a url", &image],
        &["--plain-http", "--server", "ftp://127.0.0.1", &image],
        &["--plain-http", "--server", "http://user:password@127.0.0.1", &image],
        &["--plain-http", "--server", &url, "UPPER/Case:v1"],
        &["--plain-http", "--server", &url, &digest],
        &["--plain-http", "--server", &url, ""],
        &["--plain-http", "--server", &url, "--at", "yesterday", &image],
        &["--plain-http", "--server", &url, "--role", "Targets/A", &image],
        &["--plain-http", "--server", &url, "--root-key", "", &image],
        &["--plain-http", "--server", &url, "--root-key", "abc", &image],
        &["--plain-http", "--server", &url, "--ca", "/nowhere", &image],
        &["--plain-http", "--server", &url, "--ca", &junk, &image],
        &["--plain-http", "--server", &url, "--tls-ca", "/nowhere", &image],
        &["--plain-http", "--server", &url, "--tls-ca", &junk, &image],
        &["--plain-http", "--server", &url, "--require-signer", "releases", &image],
        &["--plain-http", "--server", &url, "--min-signers", "1", &image],
        &["--plain-http", "--server", &url, "--require-signer", "alice", "--min-signers", "0", &image],
        &["--plain-http", "--server", &url, "--require-signer", "alice", "--min-signers", "2", &image],
        &["--plain-http", "--server", &url, "--freshness", "sometimes", &image],
        &["--plain-http", "--server", &url, "--freshness", "online", "--at", NOW, &image],
        &["--config", "/nowhere.toml", &image],
        &["--config", &junk, &image],
        &["--plain-http", "--server", &url, &image, "--trust-dir"],
        &["--plain-http", "--server", &url, &image, "--trust-dir", ""],
    ];
    for case in cases {
        let outcome = user.run("verify_tag", *case);
        assert_eq!(outcome.0.status, Some(2), "{case:?}: {:#?}", outcome.0);
        outcome.fails(2, "USAGE");
    }
    let id = "ab".repeat(32);
    user.verify(&server, &["--root-key", &id, "--ca", &junk], "v1").fails(2, "USAGE");
    assert!(server.requests().is_empty());
    assert!(!user.home().join(".docker").exists());
}

#[test]
fn a_wrong_call_of_the_others_ends_with_2() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let user = User::new();
    let (url, image, hex) = (server.url(), format!("{GUN}:v1"), "ab".repeat(32));
    let run = |example: &str, more: &[&str]| {
        let mut arguments = vec!["--plain-http", "--server", &url];
        arguments.extend(more);
        user.run(example, arguments).fails(2, "USAGE");
    };
    run("push_sign", &["--sha256", &hex, &image]);
    run("push_sign", &["--size", "1", &image]);
    run("push_sign", &["--sha256", &hex, "--size", "1"]);
    run("push_sign", &["--sha256", &hex[2..], "--size", "1", &image]);
    run("push_sign", &["--sha256", &hex, "--size", "-1", &image]);
    run("push_sign", &["--sha256", &hex, "--size", "1.5", &image]);
    run("revoke", &[]);
    run("revoke", &["--json", &image]);
    run("inspect", &[]);
    run("inspect", &["--size", "1", &image]);
    assert!(server.requests().is_empty());
}

#[test]
fn help_is_printed_and_ends_with_0() {
    for example in ["verify_tag", "push_sign", "revoke", "inspect"] {
        let help = User::new().run(example, ["--help"]).0.ok();
        assert!(help.stdout.contains(&format!("usage: {example} ")) && help.stderr.is_empty(), "{help:#?}");
    }
}
