//! Who the examples say that they are.

use std::fs;

use data_encoding::BASE64;

use crate::{
    common::{
        notary_server::NotaryServer,
        token_server::{ALICE, BOB, TokenServer},
    },
    lab::*,
};

fn push(user: &User, url: &str) -> Outcome {
    let (digest, image) = ("5e".repeat(32), format!("{GUN}:v1"));
    user.run("push_sign", ["--plain-http", "--server", url, "--sha256", &digest, "--size", "528", &image])
}

fn verify(user: &User, url: &str) -> Outcome {
    user.run("verify_tag", ["--plain-http", "--server", url, &format!("{GUN}:v1")])
}

#[test]
fn examples_are_whom_notary_auth_or_dockers_login_names() {
    let test = "examples_are_whom_notary_auth_or_dockers_login_names";
    let tokens = TokenServer::start();
    let Some(server) = NotaryServer::start_with_tokens(test, &tokens, &tokens.realm()) else { return };
    let url = server.url();
    let mut alice = User::new();
    push(&alice, &url).fails(3, "UNAUTHORIZED");
    let pair = |(name, password)| BASE64.encode(format!("{name}:{password}").as_bytes());
    alice.environment.push(("NOTARY_AUTH", pair(ALICE)));
    push(&alice, &url).0.ok();

    let bob = User::new();
    verify(&bob, &url).fails(3, "UNAUTHORIZED");
    fs::create_dir_all(bob.home().join(".docker")).unwrap();
    let auths = format!(r#"{{"auths":{{"registry.example.com":{{"auth":"{}"}}}}}}"#, pair(BOB));
    bob.write(".docker/config.json", auths.replace("registry.example.com", "other.example.com"));
    verify(&bob, &url).fails(3, "UNAUTHORIZED");
    bob.write(".docker/config.json", auths);
    verify(&bob, &url).verifies(0x5e);
}

#[test]
fn ta_12_a_malformed_notary_auth_is_said_and_not_shown() {
    let mut user = User::new();
    for wrong in ["hunter2", "hunter2=", &BASE64.encode(b"hunter2"), &BASE64.encode(b":hunter2")] {
        user.environment.push(("NOTARY_AUTH", wrong.to_owned()));
        let outcome = verify(&user, "http://127.0.0.1:1");
        outcome.fails(2, "USAGE");
        outcome.says("NOTARY_AUTH");
        assert!(!outcome.0.says(wrong) && !outcome.0.says("hunter2"), "{outcome:?}");
        user.environment.pop();
    }
}
