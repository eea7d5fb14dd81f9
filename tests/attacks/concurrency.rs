//! CW: several clients over one store.

use std::{
    io::Read,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use crate::facade::Collection;
use tuf_notary::{
    blocking::Initialise,
    crypto::PrivateKey,
    edit::Changes,
    error::Error,
    keys::{DirectoryKeys, FixedPassphrases, KeyRole, KeyStore as _, MemoryKeys},
    metadata::TargetInfo,
    name::{Hashes, KeyId, Resource, RoleName, Slot, TargetName},
    store::{DirectoryStore, MemoryStore, MetadataStore},
    testkit::{ForgeKey, Published, SimulatedTransport, TrustServer},
    transport::{Transport, TransportError},
};

use crate::lab::Lab;

/// Stops before one of its requests, says so, and goes on when told.
#[derive(Debug)]
struct Pausing {
    inner: SimulatedTransport,
    left: AtomicUsize,
    reached: Arc<Barrier>,
    resume: Arc<Barrier>,
}

impl Transport for Pausing {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        // Counts down and goes on below zero.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.reached.wait();
            self.resume.wait();
        }
        self.inner.fetch(what, max)
    }
}

fn client(lab: &Lab, transport: impl Transport + 'static, store: impl MetadataStore + 'static) -> Collection {
    Collection::builder(lab.gun(), lab.trust.clone())
        .transport(transport)
        .store(store)
        .lock_wait(Duration::from_secs(20))
        .clock({
            let now = lab.now;
            move || now
        })
        .build()
}

/// A server, a second one that lags behind, and how many requests an update from `first` takes.
fn two_servers() -> (Lab, Published, TrustServer) {
    let mut lab = Lab::new();
    let first = lab.serve();
    lab.forge.add_tag("targets", "v2", 2, 2);
    lab.forge.bump("targets");
    let lagging = TrustServer::new();
    lagging.serve(&lab.forge.build());
    lab.forge.add_tag("targets", "v3", 3, 3);
    lab.forge.bump("targets");
    lab.serve();
    (lab, first, lagging)
}

fn kept_version(store: &impl MetadataStore, role: &str) -> u64 {
    let bytes = store.read(&Slot::Metadata(RoleName::new(role).unwrap()), u64::MAX).unwrap().unwrap();
    serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()["signed"]["version"].as_u64().unwrap()
}

/// A client with the newer answer is stopped at each of its requests; another with the older one
/// is started then. Neither takes the other's work back.
fn interleaved<S: MetadataStore + Clone + 'static>(new_store: impl Fn(usize) -> S) {
    let (lab, first, lagging) = two_servers();
    for at in 0..3 {
        let store = new_store(at);
        let seen = TrustServer::new();
        seen.serve(&first);
        client(&lab, seen.transport(&lab.gun()), store.clone()).refresh().unwrap();
        let (reached, resume) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let inner = lab.server.transport(&lab.gun());
        let left = AtomicUsize::new(at);
        let pausing = Pausing { inner, left, reached: Arc::clone(&reached), resume: Arc::clone(&resume) };
        let ahead = client(&lab, pausing, store.clone());
        let behind = client(&lab, lagging.transport(&lab.gun()), store.clone());
        let ahead = thread::spawn(move || ahead.refresh());
        reached.wait();
        let (done, outcome) = mpsc::channel::<Result<_, Error>>();
        let behind = thread::spawn(move || done.send(behind.refresh()).unwrap());
        // It gets no answer while the other one is at work.
        assert!(outcome.recv_timeout(Duration::from_millis(100)).is_err(), "request {at}");
        resume.wait();
        let view = ahead.join().unwrap().unwrap();
        assert_eq!(Lab::version(&view, "targets"), Some(3));
        behind.join().unwrap();
        let error = outcome.recv().unwrap().expect_err("the older answer came second");
        assert_eq!(error.code(), "ROLLBACK", "request {at}");
        for role in ["timestamp", "snapshot", "targets"] {
            assert_eq!(kept_version(&store, role), 3, "request {at}");
        }
    }
}

#[test]
fn cw_01_the_older_of_two_answers_does_not_win_the_race_in_a_folder() {
    let (folder, lab) = (tempfile::tempdir().unwrap(), Lab::new());
    interleaved(|at| DirectoryStore::open(folder.path().join(at.to_string()), &lab.gun()));
}

#[test]
fn cw_01_the_older_of_two_answers_does_not_win_the_race_in_memory() {
    interleaved(|_| MemoryStore::new());
}

#[test]
fn cw_01_who_does_not_want_to_wait_is_told_that_the_store_is_busy() {
    let (lab, _, _) = two_servers();
    let store = MemoryStore::new();
    let held = store.lock(Duration::ZERO).unwrap();
    let client = Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .store(store)
        .lock_wait(Duration::from_millis(10))
        .clock({
            let now = lab.now;
            move || now
        })
        .build();
    let error = client.refresh().unwrap_err();
    assert_eq!((error.code(), error.is_retryable(), error.is_unanswered()), ("BUSY", true, true));
    assert_eq!(client.dangerous().forget().unwrap_err().code(), "BUSY");
    drop(held);
    client.refresh().unwrap();
}

#[test]
fn cw_02_threads_that_share_a_client_take_turns() {
    let (lab, _, _) = two_servers();
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(folder.path(), &lab.gun());
    let shared = client(&lab, lab.server.transport(&lab.gun()), store.clone());
    thread::scope(|scope| {
        let refresh = || scope.spawn(|| shared.refresh().unwrap());
        let views: Vec<_> = (0..8).map(|_| refresh()).collect();
        for view in views {
            assert_eq!(view.join().unwrap().targets().unwrap().len(), 3);
        }
    });
    // One of them fetched everything. Who came meanwhile had its answer, who came later asked anew.
    let requests = lab.server.requests();
    assert!((4..=4 + 7).contains(&requests.len()), "{requests:?}");
    assert!(requests.iter().skip(4).all(|it| it == "GET timestamp.json"), "{requests:?}");
    assert_eq!(kept_version(&store, "targets"), 3);
}

#[test]
fn cw_02_clients_of_two_servers_over_one_folder_end_with_the_newest() {
    let (lab, _, lagging) = two_servers();
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(folder.path(), &lab.gun());
    thread::scope(|scope| {
        for turn in 0..8 {
            let server = if turn % 2 == 0 { &lab.server } else { &lagging };
            let client = client(&lab, server.transport(&lab.gun()), store.clone());
            scope.spawn(move || {
                for _ in 0..4 {
                    if let Err(error) = client.refresh() {
                        // First contact may be with either; what is older than that is refused.
                        assert_eq!(error.code(), "ROLLBACK", "{error}");
                    }
                }
            });
        }
    });
    assert_eq!(kept_version(&store, "timestamp"), 3);
    assert_eq!(kept_version(&store, "targets"), 3);
}

#[test]
fn cw_04_who_reads_beside_a_writer_sees_one_whole_file_or_the_other() {
    let (folder, lab) = (tempfile::tempdir().unwrap(), Lab::new());
    let store = DirectoryStore::open(folder.path(), &lab.gun());
    let slot = Slot::Metadata(RoleName::Targets);
    let contents = [vec![b'a'; 300_000], vec![b'b'; 200_000]];
    store.write(&slot, &contents[0]).unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 1..=100 {
                store.write(&slot, &contents[turn % 2]).unwrap();
            }
        });
        while !writer.is_finished() {
            let read = store.read(&slot, 1 << 20).unwrap().expect("it is never away");
            assert!(contents.contains(&read), "{} bytes of both", read.len());
        }
    });
}

/// There is no folder of staged changes: each publisher holds their own.
#[test]
fn cw_05_a_publisher_sends_their_own_changes_and_no_others() {
    let (lab, keys) = (Lab::new(), MemoryKeys::new());
    let info = |byte| TargetInfo { length: 1, hashes: Hashes::sha256([byte; 32]), custom: None };
    let sign = |tag, byte| Changes::new().sign(TargetName::new(tag).unwrap(), info(byte));
    let (alices, bobs) = (sign("alice", 1), sign("bob", 2));
    let publisher = || {
        Collection::builder(lab.gun(), lab.trust.clone())
            .transport(lab.server.transport(&lab.gun()))
            .keys(keys.clone())
            .build()
    };
    let (alice, bob) = (publisher(), publisher());
    alice.initialise(&Initialise::new().changes(sign("v1", 0))).unwrap();
    let view = alice.publish(&alices).unwrap();
    assert!(view.target("alice").is_ok() && view.target("bob").is_err());
    let view = bob.publish(&bobs).unwrap();
    assert!(view.target("alice").is_ok() && view.target("bob").is_ok() && view.target("v1").is_ok());
}

#[test]
fn cw_06_one_key_imported_by_several_at_once_is_stored_whole() {
    let folder = tempfile::tempdir().unwrap();
    let key = ForgeKey::ecdsa();
    let der = key.private().to_notary_pkcs8();
    let open = || DirectoryKeys::open(folder.path(), FixedPassphrases::new().otherwise("passw0rd for tests"));
    thread::scope(|scope| {
        let import = |role: KeyRole| {
            let (open, der) = (&open, &der);
            scope.spawn(move || open().import(PrivateKey::from_pkcs8_der(der).unwrap(), &role, None))
        };
        let same: Vec<_> = (0..4).map(|_| import(KeyRole::Root)).collect();
        for outcome in same {
            assert_eq!(outcome.join().unwrap().unwrap().as_str(), key.canonical_id());
        }
    });
    assert_eq!(open().list().unwrap().len(), 1);
    let signer = open().signer(&KeyId::new(&key.canonical_id()).unwrap()).unwrap();
    assert_eq!(signer.public_key(), key.private().public_key());
}
