//! One `~/.docker/trust`, used by Docker and by the examples in turn.

use std::fs;

use crate::{
    common::{certificates::Tls, docker::Docker, notary_server::NotaryServer},
    lab::*,
};

#[test]
fn docker_continues_what_we_sign_and_we_continue_what_docker_signs() {
    let test = "docker_continues_what_we_sign_and_we_continue_what_docker_signs";
    let Some(server) = NotaryServer::start_tls(test, Tls::SelfSigned) else { return };
    let mut user = User::new();
    let Some(docker) = Docker::new(test, user.home(), &server) else { return };
    for (_, passphrase) in &mut user.environment {
        docker.passphrase.clone_into(passphrase);
    }
    let (url, ca) = (server.url(), server.authority().unwrap().to_str().unwrap());
    let run = |user: &User, example: &str, more: &[&str]| {
        user.run(example, ["--server", &url, "--tls-ca", ca].iter().chain(more))
    };
    let sign = |user: &User, byte: &str, tag: &str| {
        let (image, digest) = (format!("{GUN}:{tag}"), byte.repeat(32));
        let more = ["--server-snapshot", "--sha256", &digest, "--size", "528", &image];
        run(user, "push_sign", &more).prints(&format!("{GUN}@sha256:{digest}"));
    };
    let signed = |user: &User, byte: &str, tag: &str| {
        let image = format!("{GUN}:{tag}");
        run(user, "verify_tag", &[&image]).prints(&format!("{GUN}@sha256:{}", byte.repeat(32)));
    };
    sign(&user, "a1", "v1");
    sign(&user, "a2", "v2");

    // Docker finds our keys in its own folder and opens them.
    let v2 = format!("{GUN}:v2");
    docker.trust(&server, &["revoke", "--yes", &v2]).ok();
    run(&user, "verify_tag", &[&v2]).fails(1, "NOT_SIGNED");
    docker.trust(&server, &["key", "generate", "alice", "--dir", user.home().to_str().unwrap()]).ok();
    let key = user.home().join("alice.pub");
    assert!(fs::metadata(&key).is_ok());
    docker.trust(&server, &["signer", "add", "--key", key.to_str().unwrap(), "alice", GUN]).ok();

    // We sign where Docker would, with the key that it has made.
    sign(&user, "a3", "v3");
    signed(&user, "a1", "v1");
    signed(&User::new(), "a3", "v3");
    let roles = run(&user, "verify_tag", &["--role", "targets/alice", &format!("{GUN}:v3")]);
    roles.prints(&format!("{GUN}@sha256:{}", "a3".repeat(32)));
    assert!(docker.trust(&server, &["inspect", "--pretty", GUN]).ok().stdout.contains("alice"));

    let v3 = format!("{GUN}:v3");
    docker.trust(&server, &["revoke", "--yes", &v3]).ok();
    run(&User::new(), "verify_tag", &[&v3]).fails(1, "NOT_SIGNED");
    // What lies in targets, Docker does not reach once there are signers; we do.
    run(&user, "revoke", &[&format!("{GUN}:v1")]).0.ok();
    assert!(!docker.trust(&server, &["inspect", GUN]).ok().stdout.contains("SignedTag\":"));
    sign(&user, "a4", "v4");
    signed(&User::new(), "a4", "v4");
}
