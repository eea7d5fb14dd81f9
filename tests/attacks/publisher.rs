//! A publisher on the simulated server, and transports that do to uploads what networks do.

use std::{
    io::Read,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::facade::Collection;
use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Changes,
    keys::{KeyInfo, KeyRole, KeyStore as _, MemoryKeys},
    metadata::TargetInfo,
    name::{Gun, Hashes, KeyId, Resource, RoleName, Slot, TargetName},
    store::{MemoryStore, MetadataStore as _},
    testkit::{Fault, SimulatedTransport, TrustServer},
    transport::{Transport, TransportError, Upload},
    verify::Trust,
    view::View,
};

use crate::lab::GUN;

/// All slots that a publisher's store can fill here.
const ROLES: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// A publisher: server, keys, store.
#[derive(Clone, Debug)]
pub struct Publisher {
    pub server: TrustServer,
    pub keys: MemoryKeys,
    pub store: MemoryStore,
}

impl Publisher {
    /// Nothing is published yet.
    pub fn new() -> Self {
        Self { server: TrustServer::new(), keys: MemoryKeys::new(), store: MemoryStore::new() }
    }

    /// A collection with the tag `v1`.
    pub fn begun(snapshot: SnapshotKey) -> Self {
        let publisher = Self::new();
        publisher
            .ours()
            .initialise(&Initialise::new().snapshot_key(snapshot).changes(sign("v1", 1)))
            .unwrap();
        publisher.server.clear_requests();
        publisher
    }

    pub fn ours(&self) -> Collection {
        self.by(self.server.transport(&gun()))
    }

    /// The publisher behind another transport.
    pub fn by(&self, transport: impl Transport + 'static) -> Collection {
        Collection::builder(gun(), Trust::FirstUse)
            .transport(transport)
            .store(self.store.clone())
            .keys(self.keys.clone())
            .build()
    }

    /// Another publisher with the same keys, who knows nothing of this one.
    pub fn other(&self) -> Collection {
        Self { store: MemoryStore::new(), ..self.clone() }.ours()
    }

    /// What anybody sees who comes now.
    pub fn seen(&self) -> View {
        self.other().refresh().unwrap()
    }

    /// Which tags anybody sees who comes now.
    pub fn tags(&self) -> Vec<String> {
        self.seen().targets().unwrap().iter().map(|target| target.name().to_owned()).collect()
    }

    /// The uploads so far.
    pub fn posts(&self) -> Vec<String> {
        let requests = self.server.requests().into_iter();
        requests.filter(|request| request.starts_with("POST") && !request.ends_with(".key")).collect()
    }

    /// All local state: keys and trust data.
    pub fn local(&self) -> (Vec<KeyInfo>, Vec<Option<Vec<u8>>>) {
        let slots = ROLES.map(|role| Slot::Metadata(RoleName::new(role).unwrap()));
        let slots = slots.into_iter().chain([Slot::Record]);
        (self.keys.list().unwrap(), slots.map(|slot| self.store.read(&slot, u64::MAX).unwrap()).collect())
    }

    /// The keys at hand with a label.
    pub fn held(&self, role: &KeyRole) -> Vec<KeyId> {
        let keys = self.keys.list().unwrap().into_iter();
        keys.filter(|info| info.role == *role).map(|info| info.id).collect()
    }

    /// From the next upload on, the server misbehaves.
    pub fn since_upload(&self, fault: Fault) {
        let server = self.server.clone();
        self.server.before("POST", move || server.misbehave(&gun(), fault));
    }
}

pub fn gun() -> Gun {
    Gun::new(GUN).unwrap()
}

pub fn tag(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

pub fn sign(name: &str, byte: u8) -> Changes {
    let info = TargetInfo { length: 1, hashes: Hashes::sha256([byte; 32]), custom: None };
    Changes::new().sign(tag(name), info)
}

/// Canonical ids of a role's keys.
pub fn key_ids(view: &View, role: &str) -> Vec<KeyId> {
    let authority = view.trusted().authority(&RoleName::new(role).unwrap()).unwrap();
    authority.keys().map(|(_, key)| key.canonical_id.clone()).collect()
}

/// What a network does to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It gets lost before the server.
    Lost,
    /// It gets lost, and arrives when the next one is made.
    Late,
    /// A proxy sends it twice and hands on the second answer.
    Twice,
}

/// Mishaps on the way of the first uploads, as many as said.
#[derive(Clone, Debug)]
pub struct Unlucky {
    inner: SimulatedTransport,
    mishap: Mishap,
    left: Arc<AtomicUsize>,
    late: Arc<Mutex<Option<Upload>>>,
    pub made: Arc<AtomicUsize>,
}

impl Unlucky {
    pub fn new(publisher: &Publisher, mishap: Mishap, times: usize) -> Self {
        let inner = publisher.server.transport(&gun());
        Self { inner, mishap, left: Arc::new(times.into()), late: Arc::default(), made: Arc::default() }
    }
}

impl Transport for Unlucky {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.inner.fetch(what, max)
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        if let Some(late) = self.late.lock().unwrap().take() {
            self.inner.publish(&late).unwrap();
        }
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return self.inner.publish(upload);
        }
        self.left.store(left - 1, Ordering::Relaxed);
        match self.mishap {
            Mishap::Lost => {}
            Mishap::Late => *self.late.lock().unwrap() = Some(upload.clone()),
            Mishap::Twice => {
                self.inner.publish(upload)?;
                return self.inner.publish(upload);
            }
        }
        Err(TransportError::Connection { what: "upload".to_owned(), reason: "reset".to_owned() })
    }

    fn server_key(&self, role: &RoleName, rotate: bool) -> Result<Vec<u8>, TransportError> {
        self.inner.server_key(role, rotate)
    }
}
