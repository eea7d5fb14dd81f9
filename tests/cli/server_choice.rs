//! Which server is asked without `--server`, and whom TLS believes.

use std::net::TcpListener;

use crate::{
    common::{certificates::Tls, notary_server::NotaryServer},
    lab::*,
};

const HEX: &str = "abababababababababababababababababababababababababababababababab";

#[test]
fn the_server_is_docker_s_choice() {
    let test = "the_server_is_docker_s_choice";
    for tls in [Tls::Authority, Tls::SelfSigned] {
        let Some(server) = NotaryServer::start_tls(test, tls) else { return };
        let (address, ca) = (server.address(), server.authority().unwrap().to_str().unwrap());
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut user = User::new();

        // The registry itself.
        let image = format!("{address}/team/app:v1");
        let line = format!("{address}/team/app@sha256:{HEX}");
        user.run("push_sign", ["--tls-ca", ca, "--sha256", HEX, "--size", "1", &image]).prints(&line);
        user.run("verify_tag", ["--tls-ca", ca, &image]).prints(&line);
        user.run("verify_tag", [&image]).fails(3, "NETWORK");

        // The configured server, for any registry.
        let image = format!("{GUN}:v1");
        let line = format!("{GUN}@sha256:{HEX}");
        user.environment.push(("DOCKER_CONTENT_TRUST_SERVER", server.url()));
        user.run("push_sign", ["--tls-ca", ca, "--sha256", HEX, "--size", "1", &image]).prints(&line);
        user.run("verify_tag", ["--tls-ca", ca, &image]).prints(&line);
        let elsewhere = format!("https://{free}");
        user.run("verify_tag", ["--tls-ca", ca, "--server", &elsewhere, &image]).fails(3, "NETWORK");

        user.environment.pop();
        user.environment.push(("DOCKER_CONTENT_TRUST_SERVER", elsewhere));
        user.run("verify_tag", ["--tls-ca", ca, &image]).fails(3, "NETWORK");
        user.run("verify_tag", ["--tls-ca", ca, "--server", &server.url(), &image]).prints(&line);

        // Plain HTTP is never chosen by the environment, whatever else is allowed.
        user.environment.pop();
        user.environment.push(("DOCKER_CONTENT_TRUST_SERVER", format!("http://{address}")));
        user.run("verify_tag", ["--plain-http", &image]).fails(2, "USAGE");
    }
}

#[test]
fn plain_http_to_a_server_that_speaks_tls_is_no_answer() {
    let test = "plain_http_to_a_server_that_speaks_tls_is_no_answer";
    let Some(server) = NotaryServer::start_tls(test, Tls::Authority) else { return };
    let url = server.url().replace("https://", "http://");
    let outcome = User::new().run("verify_tag", ["--plain-http", "--server", &url, &format!("{GUN}:v1")]);
    outcome.fails(3, "SERVER_ERROR");
}
