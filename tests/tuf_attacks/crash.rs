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

use tuf_notary::{
    name::{Resource, RoleName, Slot, TargetName, Version},
    store::{MetadataStore, RepositoryStore, StoreError, StoreLock},
    testkit::TufForge,
    transport::{Transport, TransportError},
};

use crate::{
    cache::client,
    lab::{FOUR, Kept, Lab, keys, version},
    server::Server,
};

/// What happens to a change of the store.
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

/// A store to which something happens. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Kept,
    harm: Harm,
    /// The change that it happens to, counted from 0; or all writes of a slot.
    at: usize,
    slot: Option<Slot>,
    changes: Arc<AtomicUsize>,
}

impl Faulty {
    fn new(inner: Kept, harm: Harm, at: usize) -> Self {
        Self { inner, harm, at, slot: None, changes: Arc::default() }
    }

    /// Refuses all writes of one slot.
    pub fn failing_on(inner: Kept, slot: &Slot) -> Self {
        Self { slot: Some(slot.clone()), ..Self::new(inner, Harm::Refused, usize::MAX) }
    }

    fn change(&self, slot: &Slot, make: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let count = self.changes.fetch_add(1, Ordering::Relaxed);
        let from_there_on = self.harm == Harm::RefusedFromThereOn && count > self.at;
        if count != self.at && !from_there_on && self.slot.as_ref() != Some(slot) {
            return make();
        }
        if matches!(self.harm, Harm::NotDurable | Harm::DeadBehind) {
            make()?;
        }
        match self.harm {
            Harm::DeadBefore | Harm::DeadBehind => panic!("power loss"),
            _ => Err(StoreError::Other("disk full".to_owned())),
        }
    }
}

impl MetadataStore for Faulty {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.read(slot, max)
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.change(slot, || self.inner.write(slot, content))
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        self.change(slot, || self.inner.remove(slot))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.inner.clear()
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        self.inner.lock(wait)
    }
}

type Content = BTreeMap<Slot, Vec<u8>>;

fn slots() -> Vec<Slot> {
    let roles = FOUR.into_iter().chain(["team"]).map(|role| Slot::Metadata(RoleName::tuf(role).unwrap()));
    let chain = (1..9).map(|version| Slot::Root(Version::new(version).unwrap()));
    roles.chain(chain).chain([Slot::Record]).collect()
}

fn content(store: &impl MetadataStore) -> Content {
    let read = |slot: Slot| store.read(&slot, u64::MAX).unwrap().map(|bytes| (slot, bytes));
    slots().into_iter().filter_map(read).collect()
}

fn fill(store: &impl MetadataStore, content: &Content) {
    for (slot, bytes) in content {
        store.write(slot, bytes).unwrap();
    }
}

fn store_with(content: &Content) -> Kept {
    let store = Kept::memory();
    fill(&store, content);
    store
}

/// The versions of the roles' files that are kept.
fn versions(content: &Content) -> BTreeMap<Slot, u64> {
    let files = content.iter().filter(|(slot, _)| **slot != Slot::Record);
    let version = |bytes: &[u8]| {
        let file: serde_json::Value = serde_json::from_slice(bytes).expect("whole files only");
        file["signed"]["version"].as_u64().unwrap()
    };
    files.map(|(slot, bytes)| (slot.clone(), version(bytes))).collect()
}

/// Files that a newer root has given up may be gone; what is there is not older.
#[track_caller]
fn no_version_fell(before: &Content, after: &Content, what: &str) {
    let after = versions(after);
    for (slot, version) in versions(before) {
        let given_up = matches!(&slot, Slot::Metadata(RoleName::Timestamp | RoleName::Snapshot));
        match after.get(&slot) {
            Some(now) => assert!(*now >= version, "{what}: {slot:?}"),
            None => assert!(given_up, "{what}: {slot:?} is gone"),
        }
    }
}

fn find(repository: &crate::facade::Repository) -> Result<bool, tuf_notary::Error> {
    Ok(repository.find(&TargetName::new("team/file").unwrap())?.is_some())
}

/// A server, and what clients keep before an update and after an undisturbed one: at first contact, and
/// across two roots, a new key of the timestamp, and newer files of all roles.
fn scenarios() -> Vec<(&'static str, Lab, Content, Content)> {
    let mut forge = TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"x");
    let lab = Lab::of(forge);
    lab.find("team/file").unwrap();
    let first = content(&lab.store);
    let mut later = Lab::of(lab.forge.clone());
    fill(&later.store, &first);
    later.shipped = lab.shipped.clone();
    later.forge.rotate_root(&keys::<1>(), 1);
    later.forge.rotate("timestamp", &keys::<1>(), 1);
    later.forge.add_target("team", "team/another", b"y");
    later.forge.bump("team");
    later.forge.bump("targets");
    later.serve();
    later.find("team/file").unwrap();
    let second = content(&later.store);
    assert_eq!((first.len(), second.len()), (6, 8));
    vec![("first contact", lab, Content::new(), first.clone()), ("update", later, first, second)]
}

#[test]
fn cr_01_cr_03_whatever_happens_to_any_write_the_next_run_completes_it() {
    for (name, lab, before, undisturbed) in scenarios() {
        for harm in
            [Harm::Refused, Harm::RefusedFromThereOn, Harm::NotDurable, Harm::DeadBefore, Harm::DeadBehind]
        {
            let mut at = 0;
            loop {
                let what = format!("{name}, {harm:?}, change {at}");
                let store = store_with(&before);
                let faulty = Faulty::new(store.clone(), harm, at);
                let one_that_fails = client(&lab, faulty.clone());
                let died = panic::catch_unwind(AssertUnwindSafe(|| find(&one_that_fails)));
                no_version_fell(&before, &content(&store), &what);
                if let Ok(outcome) = died {
                    outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
                }
                // The same one, if it lives, and another.
                if matches!(harm, Harm::Refused | Harm::NotDurable) {
                    one_that_fails.refresh().unwrap_or_else(|error| panic!("{what}: {error}"));
                }
                find(&client(&lab, store.clone())).unwrap_or_else(|error| panic!("{what}: {error}"));
                // Roots of the chain that could not be kept are fetched again when they are needed.
                let mut after = content(&store);
                after.retain(|slot, _| !matches!(slot, Slot::Root(_)));
                let mut expected = undisturbed.clone();
                expected.retain(|slot, _| !matches!(slot, Slot::Root(_)));
                assert!(after == expected, "{what}");
                if faulty.changes.load(Ordering::Relaxed) <= at {
                    break;
                }
                at += 1;
            }
            assert!(at >= 5, "{name}: {at} changes");
        }
    }
}

/// Looks at the folder whenever something is about to change in it and when it has.
#[derive(Clone, Debug)]
struct Watched(Kept, Arc<AtomicUsize>);

impl Watched {
    fn look(&self) {
        if let Ok(root) = std::fs::read(self.0.path().join("root.json")) {
            serde_json::from_slice::<serde_json::Value>(&root).expect("a whole root");
            self.1.fetch_add(1, Ordering::Relaxed);
        } else {
            assert_eq!(self.1.load(Ordering::Relaxed), 0, "the anchor is gone");
        }
    }
}

impl MetadataStore for Watched {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(slot, max)
    }

    fn write(&self, slot: &Slot, content: &[u8]) -> Result<(), StoreError> {
        self.look();
        self.0.write(slot, content)?;
        self.look();
        Ok(())
    }

    fn remove(&self, slot: &Slot) -> Result<(), StoreError> {
        assert_ne!(*slot, Slot::Metadata(RoleName::Root));
        self.look();
        self.0.remove(slot)?;
        self.look();
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.0.clear()
    }

    fn lock(&self, wait: Duration) -> Result<StoreLock, StoreError> {
        self.0.lock(wait)
    }
}

#[test]
fn cr_02_the_anchor_is_there_at_every_moment() {
    for (name, lab, before, undisturbed) in scenarios() {
        let store = Kept::folder();
        fill(&store, &before);
        let looks = Arc::new(AtomicUsize::new(0));
        find(&client(&lab, Watched(store.clone(), Arc::clone(&looks)))).unwrap();
        assert!(looks.load(Ordering::Relaxed) >= 8, "{name}");
        assert!(content(&store) == undisturbed, "{name}");
        let file = std::fs::symlink_metadata(store.path().join("root.json")).unwrap();
        assert!(file.is_file(), "no link that could lead nowhere");
    }
}

/// The new root is kept, and what the revoked keys had signed last lies beside it, in the highest of
/// versions: it must not hold up what their successors sign.
#[test]
fn cr_04_a_death_between_a_new_root_and_the_rest_is_recovered_from() {
    for there_and_back in [false, true] {
        let mut forge = TufForge::new();
        forge.version("snapshot", 1_000);
        forge.version("timestamp", 1_000);
        let mut lab = Lab::trusting_of(forge);
        let before = content(&lab.store);
        for role in ["timestamp", "snapshot"] {
            let old = lab.forge.keys(role).clone();
            lab.forge.rotate(role, &keys::<1>(), 1);
            if there_and_back {
                lab.forge.rotate(role, &old, 1);
            }
        }
        lab.forge.version("snapshot", 2);
        lab.forge.version("timestamp", 2);
        lab.serve();
        let root = if there_and_back { 5 } else { 3 };
        let mut died_at = 0;
        for harm in [Harm::DeadBefore, Harm::DeadBehind] {
            for at in 0..40 {
                let store = store_with(&before);
                let faulty = client(&lab, Faulty::new(store.clone(), harm, at));
                let died = panic::catch_unwind(AssertUnwindSafe(|| faulty.refresh())).is_err();
                let what = format!("{there_and_back}, {harm:?}, change {at}");
                let set = client(&lab, store).refresh().unwrap_or_else(|error| panic!("{what}: {error}"));
                let found = ["root", "snapshot", "timestamp"].map(|role| version(&set, role));
                assert_eq!(found, [root, 2, 2], "{what}");
                if !died {
                    died_at = at;
                    break;
                }
            }
            assert!(died_at >= 6, "{died_at} changes");
        }
    }
}

#[test]
fn cr_05_unfinished_files_of_a_dead_client_are_not_read() {
    let mut lab = Lab::new();
    lab.store = Kept::folder();
    let folder = lab.store.path();
    std::fs::create_dir_all(folder.join(".tuf-notary")).unwrap();
    // A stranger's files under the names that an interrupted write could leave.
    let stranger = TufForge::new().build();
    for role in FOUR {
        for name in [format!(".tuf-notary-{role}.tmp"), format!("{role}.json.tmp"), format!(".{role}.json")] {
            std::fs::write(folder.join(&name), stranger.newest(role)).unwrap();
            std::fs::write(folder.join(".tuf-notary").join(name), &stranger.newest(role)[..50]).unwrap();
        }
    }
    let set = lab.refresh().unwrap();
    assert_eq!(set.notices(), []);
    assert_eq!(std::fs::read(folder.join("root.json")).unwrap(), lab.shipped);
    lab.repository().dangerous().forget().unwrap();
    lab.refresh().unwrap();
}

/// Panics at a request, as a caller's own code might.
#[derive(Debug)]
struct Panicking(Server, AtomicUsize);

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
        for at in 0..=4 {
            let store = RepositoryStore::open(folder.path().join(at.to_string()));
            fill(&store, &before);
            let clock = lab.clock.clone();
            let repository = crate::facade::Repository::builder(lab.shipped.clone())
                .transport(Panicking(lab.server.clone(), AtomicUsize::new(at)))
                .store(store.clone())
                .lock_wait(Duration::ZERO)
                .clock(move || clock.now())
                .build();
            assert!(panic::catch_unwind(AssertUnwindSafe(|| find(&repository))).is_err(), "{name} {at}");
            no_version_fell(&before, &content(&store), name);
            // The same client goes on, and so does another one.
            assert!(find(&repository).unwrap_or_else(|error| panic!("{name} {at}: {error}")));
            assert!(find(&client(&lab, store.clone())).unwrap());
            assert!(content(&store) == undisturbed, "{name} {at}");
            drop(store.lock(Duration::ZERO).unwrap());
        }
    }
}

#[test]
fn cr_08_a_panic_while_a_content_is_written_leaves_nothing() {
    let lab = Lab::on_disk();
    let repository = lab.repository();
    let found = repository.find(&TargetName::new("file.txt").unwrap()).unwrap().unwrap();
    let mut content = Vec::new();
    let panics = |_: u64| panic!("a caller's callback");
    let died =
        panic::catch_unwind(AssertUnwindSafe(|| repository.download_with(&found, &mut content, panics)));
    assert!(died.is_err());
    drop(lab.store.lock(Duration::ZERO).unwrap());
    repository.refresh().unwrap();
    assert_eq!(lab.download("file.txt").unwrap(), b"content");
}
