//! CR: the client dies, the disk is full, or the connection breaks, at every point.

use std::{
    collections::BTreeMap,
    io::Read,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::facade::Collection;
use tuf_notary::{
    name::{Resource, RoleName, Slot},
    store::{DirectoryStore, MemoryStore, MetadataStore, StoreError, StoreLock},
    testkit::{Fault, Forge, ForgeKey},
    transport::{Transport, TransportError},
};

use crate::lab::{GUN, Lab};

const ROLES: [&str; 5] = ["root", "timestamp", "snapshot", "targets", "targets/releases"];

/// What happens to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It is refused; the old content stays.
    Refused,
    /// It is refused, and so are all later ones.
    RefusedFromThereOn,
    /// It is done, and reported as not durable.
    NotDurable,
    /// The process dies before it.
    DeadBefore,
    /// The process dies behind it.
    DeadBehind,
}

/// A store to which something happens.
#[derive(Debug)]
pub struct Faulty {
    inner: MemoryStore,
    harm: Harm,
    /// The write that it happens to, counted from 0; or all writes of a slot.
    at: usize,
    slot: Option<Slot>,
    writes: AtomicUsize,
}

impl Faulty {
    fn new(inner: MemoryStore, harm: Harm, at: usize) -> Self {
        Self { inner, harm, at, slot: None, writes: AtomicUsize::new(0) }
    }

    /// Refuses all writes of one slot.
    pub fn failing_on(inner: MemoryStore, slot: &Slot) -> Self {
        Self { slot: Some(slot.clone()), ..Self::new(inner, Harm::Refused, usize::MAX) }
    }
}

impl MetadataStore for Faulty {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.read(slot, max)
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        let count = self.writes.fetch_add(1, Ordering::Relaxed);
        let from_there_on = self.harm == Harm::RefusedFromThereOn && count > self.at;
        if count != self.at && !from_there_on && self.slot.as_ref() != Some(slot) {
            return self.inner.write(slot, content);
        }
        if matches!(self.harm, Harm::NotDurable | Harm::DeadBehind) {
            self.inner.write(slot, content)?;
        }
        match self.harm {
            Harm::DeadBefore | Harm::DeadBehind => panic!("power loss"),
            _ => Err(StoreError::Other("disk full".to_owned())),
        }
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        self.inner.remove(slot)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.inner.clear()
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        self.inner.lock(wait)
    }
}

fn slots() -> Vec<Slot> {
    let metadata = ROLES.iter().map(|role| Slot::Metadata(RoleName::new(role).unwrap()));
    metadata.chain([Slot::Record]).collect()
}

type Content = BTreeMap<Slot, Vec<u8>>;

fn content(store: &impl MetadataStore) -> Content {
    let read = |slot: Slot| store.read(&slot, u64::MAX).unwrap().map(|bytes| (slot, bytes));
    slots().into_iter().filter_map(read).collect()
}

fn store_with(content: &Content) -> MemoryStore {
    let store = MemoryStore::new();
    for (slot, bytes) in content {
        store.write(slot, bytes).unwrap();
    }
    store
}

/// The versions of the files that are kept.
fn versions(content: &Content) -> BTreeMap<Slot, u64> {
    let files = content.iter().filter(|(slot, _)| **slot != Slot::Record);
    let version = |bytes: &[u8]| {
        let file: serde_json::Value = serde_json::from_slice(bytes).expect("whole files only");
        file["signed"]["version"].as_u64().unwrap()
    };
    files.map(|(slot, bytes)| (slot.clone(), version(bytes))).collect()
}

#[track_caller]
fn no_version_fell(before: &Content, after: &Content, what: &str) {
    let after = versions(after);
    for (slot, version) in versions(before) {
        assert!(after.get(&slot).is_some_and(|now| *now >= version), "{what}: {slot:?}");
    }
}

fn client(lab: &Lab, store: impl MetadataStore + 'static) -> Collection {
    Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .store(store)
        .clock({
            let now = lab.now;
            move || now
        })
        .build()
}

/// A server, and what clients keep before a refresh and after an undisturbed one: at first contact,
/// and across new tags, keys, delegated files and two root versions.
fn scenarios() -> Vec<(&'static str, Lab, Content, Content)> {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
    lab.serve();
    lab.refresh().unwrap();
    let first = content(&lab.store);
    let mut later = Lab { forge: lab.forge.clone(), store: store_with(&first), ..Lab::new() };
    later.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    later.forge.rotate("timestamp", &[ForgeKey::ecdsa()], 1);
    later.forge.add_tag("targets/releases", "v2", 2, 2);
    later.forge.bump("targets/releases");
    later.forge.bump("targets");
    later.serve();
    later.refresh().unwrap();
    let second = content(&later.store);
    assert_eq!((first.len(), second.len()), (6, 6));
    vec![("first contact", lab, Content::new(), first.clone()), ("update", later, first, second)]
}

#[test]
fn cr_01_cr_03_whatever_happens_to_any_write_the_next_refresh_completes_it() {
    for (name, lab, before, undisturbed) in scenarios() {
        for harm in
            [Harm::Refused, Harm::RefusedFromThereOn, Harm::NotDurable, Harm::DeadBefore, Harm::DeadBehind]
        {
            let mut at = 0;
            loop {
                let what = format!("{name}, {harm:?}, write {at}");
                let store = store_with(&before);
                let faulty = Arc::new(Faulty::new(store.clone(), harm, at));
                let client_that_fails = client(&lab, Shared(Arc::clone(&faulty)));
                let died = panic::catch_unwind(AssertUnwindSafe(|| client_that_fails.refresh()));
                let wounded = content(&store);
                no_version_fell(&before, &wounded, &what);
                if let Ok(outcome) = died {
                    outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
                }
                client(&lab, store.clone()).refresh().unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(content(&store) == undisturbed, "{what}");
                if faulty.writes.load(Ordering::Relaxed) <= at {
                    break;
                }
                at += 1;
            }
            assert!(at >= 5, "{name}: {at} writes");
        }
    }
}

/// A store that is watched from outside.
#[derive(Debug)]
struct Shared(Arc<Faulty>);

impl MetadataStore for Shared {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(slot, max)
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.0.write(slot, content)
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        self.0.remove(slot)
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.clear()
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        self.0.lock(wait)
    }
}

#[test]
fn cr_03_a_connection_that_breaks_at_any_byte_leaves_what_the_next_refresh_completes() {
    for (name, lab, before, undisturbed) in scenarios() {
        for role in ROLES {
            let length = lab.server.file(&lab.gun(), &format!("{role}.json")).unwrap().len();
            // Every offset would take minutes; what came so far is dropped at each of them.
            for at in (0..length).step_by(131).chain([length - 1]) {
                let what = format!("{name}, {role} after {at} bytes");
                let store = store_with(&before);
                let role = RoleName::new(role).unwrap();
                lab.server.misbehave(&lab.gun(), Fault::Truncate { role, length: at });
                let outcome = client(&lab, store.clone()).refresh();
                assert_eq!(outcome.err().map(|error| error.code()), Some("NETWORK"), "{what}");
                no_version_fell(&before, &content(&store), &what);
                lab.server.behave(&lab.gun());
                client(&lab, store.clone()).refresh().unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(content(&store) == undisturbed, "{what}");
            }
        }
    }
}

#[test]
fn cr_03_a_file_that_ends_early_without_a_word_is_refused() {
    for (name, lab, before, undisturbed) in scenarios() {
        for role in ROLES {
            let length = lab.server.file(&lab.gun(), &format!("{role}.json")).unwrap().len();
            for at in (0..length).step_by(131).chain([length - 1]) {
                let store = store_with(&before);
                let cut = move |mut file: Vec<u8>| {
                    file.truncate(at);
                    file
                };
                let role = RoleName::new(role).unwrap();
                lab.server.misbehave(&lab.gun(), Fault::Mutate { role, change: Arc::new(cut) });
                let error = client(&lab, store.clone()).refresh().unwrap_err();
                assert!(["MALFORMED", "HASH_MISMATCH"].contains(&error.code()), "{error}");
                no_version_fell(&before, &content(&store), name);
                lab.server.behave(&lab.gun());
                client(&lab, store.clone()).refresh().unwrap();
                assert!(content(&store) == undisturbed, "{name}, {at} bytes");
            }
        }
    }
}

/// Panics at a request, as a caller's own code might.
#[derive(Debug)]
struct Panicking(tuf_notary::testkit::SimulatedTransport, AtomicUsize);

impl Transport for Panicking {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        // Counts down and goes on below zero.
        assert_ne!(self.1.fetch_sub(1, Ordering::Relaxed), 0, "a caller's callback");
        self.0.fetch(what, max)
    }
}

#[test]
fn cr_08_a_panic_in_a_callers_code_leaves_locks_free_and_files_whole() {
    for (name, lab, before, undisturbed) in scenarios() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..=3 {
            let store = DirectoryStore::open(folder.path().join(at.to_string()), &lab.gun());
            for (slot, bytes) in &before {
                store.write(slot, bytes).unwrap();
            }
            let transport = Panicking(lab.server.transport(&lab.gun()), AtomicUsize::new(at));
            let client = Collection::builder(lab.gun(), lab.trust.clone())
                .transport(transport)
                .store(store.clone())
                .lock_wait(Duration::ZERO)
                .clock({
                    let now = lab.now;
                    move || now
                })
                .build();
            assert!(panic::catch_unwind(AssertUnwindSafe(|| client.refresh())).is_err(), "{name} {at}");
            no_version_fell(&before, &content(&store), name);
            // The same client goes on, and so does another one.
            client.refresh().unwrap_or_else(|error| panic!("{name} {at}: {error}"));
            assert!(content(&store) == undisturbed, "{name} {at}");
            drop(store.lock(Duration::ZERO).unwrap());
        }
    }
}

#[test]
fn cr_05_unfinished_files_of_a_dead_client_are_not_read() {
    let (mut lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    let published = lab.serve();
    let metadata = folder.path().join("tuf").join(GUN).join("metadata");
    std::fs::create_dir_all(&metadata).unwrap();
    // A stranger's files under the names that an interrupted write could leave.
    let stranger = Forge::new(GUN).build();
    for role in ["root", "timestamp", "snapshot", "targets"] {
        for name in [format!(".tuf-notary-{role}.tmp"), format!("{role}.json.tmp"), format!(".{role}.json")] {
            std::fs::write(metadata.join(name), &stranger.newest(role)[..50]).unwrap();
        }
    }
    let store = DirectoryStore::open(folder.path(), &lab.gun());
    let view = client(&lab, store).refresh().unwrap();
    assert_eq!(view.notices().len(), 1, "{:?}", view.notices());
    assert_eq!(std::fs::read(metadata.join("root.json")).unwrap(), published.newest("root"));
}
