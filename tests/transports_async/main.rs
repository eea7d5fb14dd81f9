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
#[path = "../transports/realms.rs"]
mod realms;
#[path = "../transports/redirects.rs"]
mod redirects;
#[path = "../transports/repository.rs"]
mod repository;
#[path = "../transports/served.rs"]
mod served;
#[path = "../transports/server.rs"]
mod server;
#[path = "../transports/slow.rs"]
mod slow;
#[path = "../transports/tls.rs"]
mod tls;

use served::served;
use tuf_notary::{
    testkit::suite,
    transport::{Blocking, MemoryTransport},
};

#[test]
fn a_blocking_transport_keeps_its_promises_as_an_asynchronous_one() {
    let served = served();
    let transport = Blocking::new(served.present.iter().cloned().collect::<MemoryTransport>());
    adapter::runtime().block_on(suite::async_transport(&transport, &served));
}
