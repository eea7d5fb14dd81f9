//! Our transports keep what `Transport` promises, whatever the server does.

#[cfg(feature = "http-blocking")]
#[path = "transports/http.rs"]
mod http;
#[cfg(feature = "http-blocking")]
#[path = "transports/server.rs"]
mod server;
#[cfg(feature = "http-blocking")]
#[path = "transports/slow.rs"]
mod slow;
#[cfg(feature = "http-blocking")]
#[path = "transports/tls.rs"]
mod tls;

use tuf_notary::{
    name::{Form, Resource, RoleName, Version},
    testkit::suite::{self, Served},
    transport::MemoryTransport,
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
fn the_memory_transport_keeps_its_promises() {
    let served = served();
    let transport: MemoryTransport = served.present.iter().cloned().collect();
    suite::transport(&transport, &served);
    transport.remove(&served.present[0].0).expect("it was there");
    transport.insert(served.absent.clone(), "xx");
    let swapped =
        Served { present: vec![(served.absent, b"xx".to_vec())], absent: served.present[0].0.clone() };
    suite::transport(&transport, &swapped);
}
