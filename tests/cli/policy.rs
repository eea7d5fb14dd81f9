//! What `verify_tag` requires besides signatures: signers, digests, a configuration, a mode.

use tuf_notary::testkit::{Forge, ForgeKey};

use crate::{
    common::{
        certificates::Tls,
        notary_server::NotaryServer,
        static_server::{Fault, StaticServer},
    },
    lab::*,
    pins::certified,
};

/// `targets/releases`, alice and bob sign `v2`, releases and alice sign `v3`.
fn team() -> Forge {
    let mut forge = Forge::new(GUN);
    for name in ["releases", "alice", "bob"] {
        let role = format!("targets/{name}");
        forge.delegate("targets", &role, &[ForgeKey::ecdsa()], 1, &[""]);
        forge.add_tag(&role, "v2", 2, 20);
        if name != "bob" {
            forge.add_tag(&role, "v3", 3, 30);
        }
    }
    forge
}

fn digest(byte: u8) -> String {
    format!("sha256:{}", format!("{byte:02x}").repeat(32))
}

#[test]
fn signers_who_are_required_must_vouch() {
    let server = StaticServer::start(&team().build());
    let user = User::new();
    let both = ["--require-signer", "alice", "--require-signer", "bob"];
    user.verify(&server, &both, "v2").verifies(2);
    let outcome = user.verify(&server, &both, "v3");
    outcome.fails(1, "SIGNERS_REQUIRED");
    outcome.says("needs 2 of the signers alice, bob, has 1: alice vouches; bob does not sign the tag");
    user.verify(&server, &[&both[..], &["--min-signers", "1"]].concat(), "v3").verifies(3);
    user.verify(&server, &["--require-signer", "mallory"], "v2").fails(1, "SIGNERS_REQUIRED");
    user.verify(&server, &["--require-signer", "alice"], "v1").fails(1, "SIGNERS_REQUIRED");
}

#[test]
fn a_digest_must_be_signed() {
    let server = StaticServer::start(&team().build());
    let user = User::new();
    user.verify(&server, &[], &format!("v2@{}", digest(2))).verifies(2);
    user.verify(&server, &[], &format!("v2@{}", digest(3))).fails(1, "OTHER_DIGEST");
    let run = |byte, more: &[&str]| {
        let (url, image) = (server.url(), format!("{GUN}@{}", digest(byte)));
        let fixed = ["--plain-http", "--server", &url, "--clock", NOW, &image];
        user.run("verify_tag", [&fixed[..], more].concat())
    };
    run(3, &[]).verifies(3);
    run(4, &[]).fails(1, "DIGEST_NOT_SIGNED");
    run(2, &["--require-signer", "bob"]).verifies(2);
    run(3, &["--require-signer", "bob"]).fails(1, "SIGNERS_REQUIRED");
}

fn config(user: &User, server: &StaticServer, key: &str, more: &str) -> String {
    let url = server.url();
    user.write(
        "trust.toml",
        format!(
            "[[image]]\nmatch = \"registry.example.com/team\"\nserver = \"{url}\"\ndangerous-plain-http = true\n\
             root-keys = [\"{key}\"]\n{more}\n\
             [[mirror]]\nfrom = \"mirror.example/hub/*\"\nto = \"registry.example.com/team/*\"\n"
        ),
    )
}

#[test]
fn a_configuration_says_whom_to_ask_and_to_believe() {
    let mut forge = team();
    let key = forge.keys("root")[0].id();
    let server = StaticServer::start(&forge.build());
    let user = User::new();
    let demands =
        "required-roles = [\"targets/releases\"]\nrequired-signers = [{ of = [\"alice\", \"bob\"] }]";
    let file = config(&user, &server, &key, demands);
    let run = |image: &str, more: &[&str]| {
        user.run("verify_tag", [&["--config", &file, "--clock", NOW, image], more].concat())
    };
    run(&format!("{GUN}:v2"), &[]).verifies(2);
    run(&format!("{GUN}:v3"), &[]).fails(1, "SIGNERS_REQUIRED");
    run(&format!("{GUN}:v1"), &[]).fails(1, "ROLE_REQUIRED");
    run(&format!("{GUN}:v2"), &["--require-signer", "ci"]).fails(1, "SIGNERS_REQUIRED");
    run("mirror.example/hub/app:v2", &[]).prints(&format!("mirror.example/hub/app@{}", digest(2)));
    server.requests();
    run("registry.example.com/teams/app:v2", &[]).fails(1, "UNLISTED");
    run("alpine", &[]).fails(1, "UNLISTED");
    for more in [
        &["--server", "https://127.0.0.1:1"][..],
        &["--plain-http"],
        &["--root-key", &key],
        &["--ca", "x"],
        &["--tls-ca", "x"],
        &["--role", "targets"],
        &["--freshness", "offline"],
    ] {
        run(&format!("{GUN}:v2"), more).fails(2, "USAGE");
    }
    assert!(server.requests().is_empty());

    // The pin is the file's, and first use is not what an entry without one means.
    let wrong = "ab".repeat(32);
    config(&user, &server, &wrong, "");
    run(&format!("{GUN}:v2"), &[]).fails(1, "PIN_MISMATCH");
    config(&user, &server, &key, "root-kays = []");
    let outcome = run(&format!("{GUN}:v2"), &[]);
    outcome.fails(2, "USAGE");
    outcome.says("trust.toml: line 6, column 1: unknown field `root-kays`");
}

#[test]
fn fz_14_the_mode_decides_what_a_silent_server_means() {
    let server = StaticServer::start(&team().build());
    let (user, url) = (User::new(), server.url());
    let image = format!("{GUN}:v2");
    let run = |server: &str, mode: &str| {
        let fixed = ["--plain-http", "--clock", NOW, "--server", server, &image];
        user.run(
            "verify_tag",
            if mode.is_empty() { fixed.to_vec() } else { [&fixed[..], &["--freshness", mode]].concat() },
        )
    };
    run(&url, "offline").fails(3, "NOT_CACHED");
    run(&url, "").verifies(2);
    server.requests();
    let nobody = "http://127.0.0.1:1";
    run(nobody, "").fails(3, "NETWORK");
    run(nobody, "online").fails(3, "NETWORK");
    for (server, mode) in [(nobody, "prefer-cache"), (nobody, "offline"), (&url, "offline")] {
        let outcome = run(server, mode).0;
        assert_eq!(outcome.stdout, format!("{GUN}@{}\n", digest(2)), "{outcome:#?}");
        assert!(outcome.stderr.contains("the cache answers"), "{outcome:#?}");
    }
    assert!(server.requests().is_empty(), "offline asks nobody");
    // An answer that is a refusal is no silence.
    server.fault("timestamp", Fault::Status(404));
    assert_ne!(run(&url, "prefer-cache").0.status, Some(0));
}

#[test]
fn a_configuration_pins_an_authority_or_a_root_or_names_first_use() {
    let ((key, authority), (_, other)) = (certified(), certified());
    let mut forge = Forge::new(GUN);
    forge.set_keys("root", &[key], 1);
    let (published, stranger) = (forge.build(), Forge::new(GUN).build());
    let server = StaticServer::start(&published);
    let run = |pin: &str| {
        let user = User::new();
        user.write("right.pem", &authority);
        user.write("wrong.pem", &other);
        user.write("right.json", published.newest("root"));
        user.write("wrong.json", stranger.newest("root"));
        let url = server.url();
        let entry =
            format!("[[image]]\nmatch = \"*\"\nserver = \"{url}\"\ndangerous-plain-http = true\n{pin}\n");
        let file = user.write("trust.toml", format!("trust-dir = \"kept\"\n{entry}"));
        user.run("verify_tag", ["--config", &file, "--clock", NOW, &format!("{GUN}:v1")])
    };
    run("root-ca = [\"wrong.pem\"]").fails(1, "PIN_MISMATCH");
    run("root-ca = [\"wrong.pem\", \"right.pem\"]").verifies(1);
    assert_ne!(run("root-file = \"wrong.json\"").0.status, Some(0));
    run("root-file = \"right.json\"").verifies(1);
    run("first-use = true").verifies(1);
}

#[test]
fn a_configuration_says_whom_tls_believes() {
    let test = "a_configuration_says_whom_tls_believes";
    let Some(server) = NotaryServer::start_tls(test, Tls::Authority) else { return };
    let (user, hex) = (User::new(), "ab".repeat(32));
    let (address, ca) = (server.address(), server.authority().unwrap().to_str().unwrap());
    let image = format!("{address}/team/app:v1");
    user.run("push_sign", ["--tls-ca", ca, "--sha256", &hex, "--size", "1", &image]).0.ok();
    let run = |tls: &str| {
        let entry =
            format!("trust-dir = \"kept\"\n[[image]]\nmatch = \"{address}\"\nfirst-use = true\n{tls}\n");
        let file = user.write("trust.toml", entry);
        user.run("verify_tag", ["--config", &file, &image])
    };
    run("").fails(3, "NETWORK");
    run(&format!("tls-ca = [\"{ca}\"]")).prints(&format!("{address}/team/app@sha256:{hex}"));
    assert!(user.home().join("kept/tuf").is_dir(), "the file says where first use is remembered");
}
