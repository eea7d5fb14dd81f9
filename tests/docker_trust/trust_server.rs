//! The trust server's certificate, and ours.

use std::fs;

use crate::{
    common::{
        certificates::{self, Tls},
        notary_server::NotaryServer,
    },
    lab::*,
};

/// What an unknown collection looks like once the server was asked.
const ASKED: &str = "is not signed: the server has no trust data for it";

/// Docker would not verify it here, for the registry is on this machine.
#[test]
fn ta_02_a_local_registry_does_not_excuse_the_trust_servers_certificate() {
    let test = "ta_02_a_local_registry_does_not_excuse_the_trust_servers_certificate";
    let Some(trust) = NotaryServer::start_tls(test, Tls::Authority) else { return };
    let alice = Person::without_docker(&trust);
    let inspect = |alice: &Person| alice.ours(["inspect", "127.0.0.1:5000/app"]).failed();
    assert!(inspect(&alice).says(ASKED));
    let configured = alice.tls(&trust).join("ca.crt");
    fs::remove_file(&configured).unwrap();
    let refused = inspect(&alice);
    assert!(!refused.says(ASKED) && refused.says("certificate"), "{refused:#?}");
    // A stranger's authority in the folder vouches for nothing.
    let stranger = certificates::delegation(alice.home(), "stranger");
    fs::copy(&stranger.authority, &configured).unwrap();
    assert!(!inspect(&alice).says(ASKED));
}

#[test]
fn ta_03_the_systems_authorities_count_besides_the_folder() {
    let test = "ta_03_the_systems_authorities_count_besides_the_folder";
    let Some(trust) = NotaryServer::start_tls(test, Tls::Authority) else { return };
    let mut alice = Person::without_docker(&trust);
    let configured = alice.tls(&trust).join("ca.crt");
    let stranger = certificates::delegation(alice.home(), "stranger");
    let system = alice.home().join("system.pem");
    fs::copy(&configured, &system).unwrap();
    fs::copy(&stranger.authority, &configured).unwrap();
    let inspect = |alice: &Person| alice.ours(["inspect", "127.0.0.1:5000/app"]).failed();
    assert!(!inspect(&alice).says(ASKED));
    alice.environment.push(("SSL_CERT_FILE".to_owned(), system.to_str().unwrap().to_owned()));
    let asked = inspect(&alice);
    assert!(asked.says(ASKED), "{asked:#?}");
}

#[test]
fn ta_04_a_server_that_asks_learns_who_we_are() {
    let test = "ta_04_a_server_that_asks_learns_who_we_are";
    let home = tempfile::tempdir().unwrap();
    let me = certificates::server(home.path(), Tls::Authority);
    let Some(trust) = NotaryServer::start_tls_for(test, &me.authority) else { return };
    let alice = Person::without_docker(&trust);
    let inspect = || alice.ours(["inspect", "127.0.0.1:5000/app"]).failed();
    assert!(!inspect().says(ASKED), "nobody knows us");
    let folder = alice.tls(&trust);
    fs::copy(&me.certificate, folder.join("client.cert")).unwrap();
    let half = inspect();
    assert!(half.says("client.cert has no ") && half.says("client.key"), "{half:#?}");
    fs::copy(&me.key, folder.join("client.key")).unwrap();
    let asked = inspect();
    assert!(asked.says(ASKED), "{asked:#?}");
    // A key of another certificate is told before anything is sent.
    let stranger = certificates::delegation(alice.home(), "stranger");
    fs::copy(&stranger.key, folder.join("client.key")).unwrap();
    let refused = inspect();
    assert!(refused.says("TLS client certificate"), "{refused:#?}");
}
