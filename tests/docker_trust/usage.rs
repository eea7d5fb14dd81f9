//! Arguments, help and exit codes, as Docker's: no server is needed.

use crate::{
    common::process::{self, Finished},
    lab::program,
};

fn run(arguments: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    let mut command = process::command(&program(), home.path());
    command.args(arguments);
    process::run(command, b"", process::LONGEST)
}

#[test]
fn help_lists_every_command_and_ends_well() {
    for arguments in [&[][..], &["--help"], &["trust", "--help"], &["trust"]] {
        let help = run(arguments).ok();
        for command in ["inspect", "view", "sign", "revoke", "key", "signer"] {
            let begins = |line: &str| line.trim_start().starts_with(command);
            assert!(help.stdout.lines().any(begins), "{command}: {help:#?}");
        }
        assert!(!help.stdout.contains("metadata") && help.stderr.is_empty(), "{help:#?}");
    }
    for (arguments, flag) in [
        (&["inspect", "--help"][..], "--pretty"),
        (&["sign", "--help"], "--local"),
        (&["revoke", "--help"], "-y, --yes"),
        (&["key", "generate", "--help"], "--dir"),
        (&["key", "load", "--help"], "--name"),
        (&["trust", "signer", "add", "--help"], "--key"),
        (&["signer", "remove", "--help"], "-f, --force"),
    ] {
        assert!(run(arguments).ok().stdout.contains(flag), "{arguments:?}");
    }
    assert!(run(&["trust", "sign", "--help"]).ok().stdout.contains("Usage: docker trust sign"));
    assert!(run(&["sign", "--help"]).ok().stdout.contains("Usage: docker-trust sign"));
}

#[test]
fn the_docker_cli_learns_what_it_asks_of_plugins() {
    let answer = run(&["docker-cli-plugin-metadata"]).ok().stdout;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["SchemaVersion"], "0.1.0");
    for member in ["Vendor", "Version", "ShortDescription"] {
        assert!(answer[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
}

#[test]
fn wrong_calls_end_with_dockers_codes() {
    for (arguments, code) in [
        (&["sign"][..], 1),
        (&["inspect"], 1),
        (&["view"], 1),
        (&["nonsense"], 1),
        (&["sign", "a:1", "b:1"], 1),
        (&["view", "a:1", "b:1"], 1),
        (&["key", "load", "a", "b"], 1),
        (&["key", "--nonsense"], 125),
        (&["sign", "--nonsense", "a:1"], 125),
        (&["sign", "--local=maybe", "a:1"], 125),
        (&["signer", "add", "alice"], 1),
    ] {
        let failed = run(arguments);
        assert_eq!((failed.status, failed.stdout.as_str()), (Some(code), ""), "{failed:#?}");
        assert!(!failed.stderr.is_empty(), "{failed:#?}");
    }
}

#[test]
fn what_can_not_be_meant_is_refused_before_anything_is_asked() {
    let digest = format!("app@sha256:{}", "ab".repeat(32));
    for (arguments, text) in [
        (&["sign", "app"][..], "no tag specified for app"),
        (&["sign", &digest], "cannot use a digest reference for IMAGE:TAG"),
        (&["revoke", &digest], "cannot use a digest reference for IMAGE:TAG"),
        (
            &["signer", "add", "--key", "k", "releases", "app"],
            "releases is a reserved keyword, use a different",
        ),
        (&["signer", "add", "alice", "app"], "path to a public key must be provided using the `--key` flag"),
        (
            &["signer", "add", "--key", "none.pub", "alice", "app"],
            "unable to read public key from file: open",
        ),
        (&["signer", "remove", "releases", "app"], "releases is a reserved keyword and cannot be removed"),
        (&["key", "generate", "Alice"], "key name \"Alice\" must start with lowercase alphanumeric"),
        (&["key", "generate", "--dir", "/none", "alice"], "public key path does not exist: \"/none\""),
        (&["key", "load", "--name", "Alice", "file"], "key name \"Alice\" must start with lowercase"),
        (&["key", "load", "none.pem"], "refusing to load key from none.pem: stat none.pem: "),
        (&["inspect", "App"], "no image reference"),
    ] {
        let failed = run(arguments);
        assert_eq!(failed.status, Some(1), "{failed:#?}");
        assert!(failed.stderr.contains(text), "{text}: {failed:#?}");
    }
}

/// A trust server is never asked in the clear, wherever it is.
#[test]
fn ta_01_a_trust_server_speaks_https() {
    let home = tempfile::tempdir().unwrap();
    let mut command = process::command(&program(), home.path());
    command.env("DOCKER_CONTENT_TRUST_SERVER", "http://127.0.0.1:4443").args(["inspect", "127.0.0.1:1/app"]);
    let failed = process::run(command, b"", process::LONGEST);
    assert_eq!((failed.status, failed.stdout.as_str()), (Some(1), "[]\n"));
    let expected = "the trust server is not an https:// URL: got http://127.0.0.1:4443";
    assert!(failed.stderr.contains(expected), "{failed:#?}");
}
