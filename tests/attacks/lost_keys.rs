//! PC, PP, SO: whatever becomes of an upload, no key is lost that the collection may depend on.

use std::{
    io::Read,
    sync::{Arc, Mutex},
};

use crate::facade::Collection;
use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Rotation,
    keys::KeyRole,
    name::{Resource, RoleName, Slot},
    store::MemoryStore,
    testkit::{Fault, SimulatedTransport},
    transport::{Transport, TransportError, Upload},
    verify::Trust,
};

use crate::{crash::Faulty, publisher::*};

/// The first upload gets lost on the way, every other one is answered in another way.
#[derive(Clone, Debug)]
struct Delayed {
    inner: SimulatedTransport,
    first: Arc<Mutex<Option<Upload>>>,
    then: fn() -> TransportError,
}

impl Delayed {
    fn new(publisher: &Publisher, then: fn() -> TransportError) -> Self {
        Self { inner: publisher.server.transport(&gun()), first: Arc::default(), then }
    }

    /// The first upload arrives after all.
    fn arrive(&self) {
        self.inner.publish(&self.first.lock().unwrap().take().unwrap()).unwrap();
    }
}

impl Transport for Delayed {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.inner.fetch(what, max)
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let mut first = self.first.lock().unwrap();
        if first.is_some() {
            return Err((self.then)());
        }
        *first = Some(upload.clone());
        Err(TransportError::Connection { what: "upload".to_owned(), reason: "reset".to_owned() })
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        self.inner.server_key(role, rotate)
    }
}

fn denied() -> TransportError {
    TransportError::Unauthorized { what: "upload".to_owned(), status: 401 }
}

fn rejected() -> TransportError {
    TransportError::Rejected { code: "INVALID_GUN".to_owned(), message: String::new() }
}

fn gateway() -> TransportError {
    TransportError::Status {
        what: "upload".to_owned(),
        status: 524,
        message: String::new(),
        retry_after: None,
    }
}

/// Everything that is needed to go on is still there.
#[track_caller]
fn can_go_on(publisher: &Publisher) {
    publisher.server.behave(&gun());
    let held = publisher.held(&KeyRole::Targets);
    assert!(key_ids(&publisher.seen(), "targets").iter().all(|id| held.contains(id)), "a key is lost");
    publisher.ours().publish(&sign("next", 9)).unwrap();
    publisher.ours().rotate(&Rotation::new().root().targets()).unwrap();
}

#[test]
fn pp_01_a_first_upload_that_arrives_after_a_refusal_of_the_second_finds_its_keys() {
    for then in [denied, rejected, gateway] {
        let publisher = Publisher::new();
        let delayed = Delayed::new(&publisher, then);
        let error = publisher.by(delayed.clone()).initialise(&Initialise::new()).unwrap_err();
        delayed.arrive();
        can_go_on(&publisher);
        assert_eq!(error.code(), "OUTCOME_UNKNOWN", "{error}");
    }
}

#[test]
fn pp_01_a_rotation_that_arrives_after_a_refusal_of_the_second_finds_its_keys() {
    for then in [denied, rejected, gateway] {
        let publisher = Publisher::begun(SnapshotKey::Local);
        let delayed = Delayed::new(&publisher, then);
        let error = publisher.by(delayed.clone()).rotate(&Rotation::new().targets()).unwrap_err();
        delayed.arrive();
        can_go_on(&publisher);
        assert_eq!(error.code(), "OUTCOME_UNKNOWN", "{error}");
    }
}

/// A proxy repeats the upload, hands on the refusal of the second, and what is read is old.
#[test]
fn pp_01_keys_of_a_repeated_upload_stay_while_the_server_shows_an_older_state() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    publisher.server.misbehave(&gun(), Fault::Replay(publisher.server.checkpoint(&gun())));
    let twice = Unlucky::new(&publisher, Mishap::Twice, usize::MAX);
    let error = publisher.by(twice).rotate(&Rotation::new().targets()).unwrap_err();
    can_go_on(&publisher);
    assert_eq!(error.code(), "CONFLICT", "{error}");

    let publisher = Publisher::new();
    publisher.server.misbehave(&gun(), Fault::Replay(publisher.server.checkpoint(&gun())));
    let twice = Unlucky::new(&publisher, Mishap::Twice, usize::MAX);
    let error = publisher.by(twice).initialise(&Initialise::new()).unwrap_err();
    can_go_on(&publisher);
    assert_eq!(error.code(), "OUTCOME_UNKNOWN", "{error}");
}

/// The same, and the server is gone when it is asked.
#[test]
fn pp_01_keys_of_a_repeated_upload_stay_while_the_server_is_gone() {
    for begun in [true, false] {
        let publisher = if begun { Publisher::begun(SnapshotKey::Local) } else { Publisher::new() };
        let (server, first) = (publisher.server.clone(), if begun { "GET 2.root" } else { "GET 1.root" });
        publisher.server.before(first, move || server.misbehave(&gun(), Fault::Disconnect { role: None }));
        let ours = publisher.by(Unlucky::new(&publisher, Mishap::Twice, usize::MAX));
        let error = match begun {
            true => ours.rotate(&Rotation::new().targets()).unwrap_err(),
            false => ours.initialise(&Initialise::new()).unwrap_err(),
        };
        assert!(publisher.server.requests().iter().any(|it| it.starts_with(first)), "it was asked");
        can_go_on(&publisher);
        assert!(error.is_unanswered(), "{error}");
    }
}

/// The server has stored the first upload, and the disk here is full.
#[test]
fn cr_01_a_full_disk_after_the_first_upload_takes_no_key() {
    for slot in [Slot::Metadata(RoleName::Root), Slot::Record] {
        let publisher = Publisher::new();
        let ours = Collection::builder(gun(), Trust::FirstUse)
            .transport(publisher.server.transport(&gun()))
            .store(Faulty::failing_on(MemoryStore::new(), &slot))
            .keys(publisher.keys.clone())
            .build();
        drop(ours.initialise(&Initialise::new()));
        can_go_on(&publisher);
    }
}
