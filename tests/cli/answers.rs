//! No answer: exit code 3.

use std::net::TcpListener;

use tuf_notary::testkit::Forge;

use crate::{
    common::static_server::{Fault, StaticServer},
    lab::*,
};

/// For a first use and for one that trusts already, each file in turn.
fn each_file(fault: &dyn Fn(&StaticServer) -> Fault, reason: &str) {
    let mut forge = Forge::new(GUN);
    let server = StaticServer::start(&forge.build());
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let user = User::new();
        server.fault(role, fault(&server));
        user.verify(&server, &[], "v1").fails(3, reason);
        server.heal();
        user.verify(&server, &[], "v1").verifies(1);

        forge.bump("targets");
        server.serve(&forge.build());
        server.fault(role, fault(&server));
        match role {
            "root" => user.verify(&server, &[], "v1").verifies(1),
            _ => user.verify(&server, &[], "v1").fails(3, reason),
        }
        server.heal();
        user.verify(&server, &[], "v1").verifies(1);
    }
}

#[test]
fn authorisation_that_is_refused_is_no_answer() {
    for status in [401, 403] {
        each_file(&|_| Fault::Status(status), "UNAUTHORIZED");
    }
}

#[test]
fn a_server_that_fails_is_no_answer() {
    for status in [204, 400, 429, 500, 502, 503] {
        each_file(&|_| Fault::Status(status), "SERVER_ERROR");
    }
}

#[test]
fn a_redirect_is_not_followed_and_no_answer() {
    let aside = StaticServer::start(&Forge::new(GUN).build());
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let server = StaticServer::start(&Forge::new(GUN).build());
        let to = format!("{}/v2/{GUN}/_trust/tuf/{role}.json", aside.url());
        server.fault(role, Fault::Redirect(to));
        User::new().verify(&server, &[], "v1").fails(3, "SERVER_ERROR");
    }
    assert!(aside.requests().is_empty());
}

#[test]
fn a_body_that_ends_early_is_no_answer() {
    each_file(&|_| Fault::Truncate, "NETWORK");
}

#[test]
fn a_refused_connection_is_no_answer() {
    let user = User::new();
    let server = StaticServer::start(&Forge::new(GUN).build());
    user.verify(&server, &[], "v1").verifies(1);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for user in [&user, &User::new()] {
        let server = format!("http://{free}");
        let image = format!("{GUN}:v1");
        user.run("verify_tag", ["--plain-http", "--server", &server, "--clock", NOW, &image])
            .fails(3, "NETWORK");
    }
}

#[test]
fn https_to_a_server_without_tls_is_no_answer() {
    let server = StaticServer::start(&Forge::new(GUN).build());
    let url = server.url().replace("http://", "https://");
    User::new()
        .run("verify_tag", ["--server", &url, "--clock", NOW, &format!("{GUN}:v1")])
        .fails(3, "NETWORK");
}
