//! How many requests an answer costs.

use tuf_notary::{
    blocking::{Collection, Initialise},
    keys::MemoryKeys,
    testkit::TrustServer,
    verify::Trust,
};

use crate::lab::*;

#[test]
fn a_cold_answer_takes_four_requests_an_unchanged_one_one_and_a_new_tag_three() {
    let server = TrustServer::new();
    let collection = || Collection::builder(gun(), Trust::FirstUse).transport(server.transport(&gun()));
    let publisher = collection().keys(MemoryKeys::new()).build();
    publisher.initialise(&Initialise::new().changes(signing([("v1", &b"one"[..])]))).unwrap();
    let ours = collection().build();
    let requests = || {
        server.clear_requests();
        ours.refresh().unwrap();
        server.requests()
    };
    let cold = requests();
    assert_eq!(cold.len(), 4, "{cold:?}");
    let unchanged = requests();
    assert_eq!(unchanged.len(), 1, "{unchanged:?}");
    assert!(unchanged[0].contains("timestamp.json"), "{unchanged:?}");
    publisher.publish(&signing([("v2", &b"two"[..])])).unwrap();
    let changed = requests();
    assert_eq!(changed.len(), 3, "{changed:?}");
}

#[test]
fn each_root_rotation_that_was_missed_takes_one_request_more() {
    let mut forge = tuf_notary::testkit::Forge::new(GUN);
    let server = TrustServer::new();
    server.set_now(tuf_notary::testkit::Forge::now());
    server.serve(&forge.build());
    let ours = Collection::builder(gun(), Trust::FirstUse)
        .transport(server.transport(&gun()))
        .clock({
            let now = tuf_notary::testkit::Forge::now();
            move || now
        })
        .build();
    ours.refresh().unwrap();
    for _ in 0..3 {
        let key = tuf_notary::testkit::ForgeKey::certificate(GUN);
        forge.rotate_root(&[key], 1);
    }
    for role in ["targets", "snapshot", "timestamp"] {
        forge.bump(role);
    }
    server.serve(&forge.build());
    server.clear_requests();
    assert_eq!(version(&ours.refresh().unwrap(), "root"), 4);
    let requests = server.requests();
    let of = |name: &str| requests.iter().filter(|request| request.contains(name)).count();
    assert_eq!(of("root.json"), 4, "three roots, and a question for a fifth: {requests:?}");
    // The new root judges timestamp and snapshot anew.
    assert!(of("timestamp") <= 2 && of("snapshot") <= 2 && of("targets") == 1, "{requests:?}");
}
