//! The asynchronous HTTP transport keeps what the blocking one promises, and to the same tests.

#![cfg(feature = "http-async")]

#[allow(dead_code)] // as much as the blocking one has
mod adapter;
#[path = "../transports/auth.rs"]
mod auth;
mod client;
#[path = "../transports/faults.rs"]
mod faults;
#[path = "../transports/http.rs"]
mod http;
#[path = "../transports/proxies.rs"]
mod proxies;
#[path = "../transports/server.rs"]
mod server;
#[path = "../transports/slow.rs"]
mod slow;
#[path = "../transports/tls.rs"]
mod tls;

use tuf_notary::{
    name::{Form, Resource, RoleName, Version},
    testkit::suite::{self, Served},
    transport::{Blocking, MemoryTransport},
};

fn served() -> Served {
    let releases = RoleName::releases();
    Served {
        present: vec![
            (Resource::latest(RoleName::Root), b"{\"root\":1}".to_vec()),
            (Resource { role: RoleName::Root, form: Form::Version(Version::ONE) }, b"one".to_vec()),
            (Resource::latest(releases.clone()), vec![b'x'; 100_000]),
            (Resource { role: releases, form: Form::Sha256([0xab; 32]) }, b"pinned".to_vec()),
        ],
        absent: Resource::latest(RoleName::Targets),
    }
}

#[test]
fn a_blocking_transport_keeps_its_promises_as_an_asynchronous_one() {
    let served = served();
    let transport = Blocking::new(served.present.iter().cloned().collect::<MemoryTransport>());
    adapter::runtime().block_on(suite::async_transport(&transport, &served));
}
