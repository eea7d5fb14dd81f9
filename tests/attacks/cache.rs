//! CT: somebody changed what the client keeps.

use std::{fs, time::Duration};

use crate::facade::Collection;
use tuf_notary::{
    name::{RoleName, Slot},
    store::{DirectoryStore, MemoryStore, MetadataStore, StoreError, StoreLock},
    testkit::{Checkpoint, Forge, ForgeKey, Published},
    verify::{Notice, Trust},
    view::View,
};

use crate::lab::{GUN, Lab};

/// A client over a folder.
fn in_folder(lab: &Lab, folder: &std::path::Path) -> Collection {
    over(lab, DirectoryStore::open(folder, &lab.gun()))
}

fn over(lab: &Lab, store: impl MetadataStore + 'static) -> Collection {
    Collection::builder(lab.gun(), lab.trust.clone())
        .transport(lab.server.transport(&lab.gun()))
        .store(store)
        .clock({
            let now = lab.now;
            move || now
        })
        .build()
}

fn not_saved(view: &View) -> usize {
    view.notices().iter().filter(|notice| matches!(notice, Notice::NotSaved { .. })).count()
}

#[test]
fn ct_02_a_corrupt_cached_root_is_never_fetched_again() {
    let genuine = Lab::trusting().kept("root").unwrap();
    let stranger = Forge::new("registry.example.com/team/other").build().newest("root");
    let flipped: Vec<u8> = genuine.iter().map(|byte| if *byte == b'7' { b'8' } else { *byte }).collect();
    for bytes in [b"".to_vec(), b"{}".to_vec(), genuine[..100].to_vec(), vec![0; 64], flipped, stranger] {
        let lab = Lab::trusting();
        let anchor = lab.kept("root").unwrap();
        lab.plant("root", &bytes);
        lab.server.clear_requests();
        lab.refused("LOCAL_STATE");
        assert_eq!(lab.server.requests(), [""; 0], "nobody was asked");
        assert_eq!(lab.kept("root"), Some(bytes));
        lab.plant("root", &anchor);
        lab.refresh().unwrap();
    }
}

#[test]
fn ct_02_a_corrupt_record_is_an_error_and_not_a_first_use() {
    for bytes in [&b""[..], b"{}", b"null", b"\xff"] {
        let lab = Lab::trusting();
        lab.store.write(&Slot::Record, bytes).unwrap();
        lab.server.clear_requests();
        lab.refused("LOCAL_STATE");
        assert_eq!(lab.server.requests(), [""; 0]);
    }
}

#[test]
fn ct_02_the_record_of_another_collection_is_an_error() {
    let mut other = Lab::trusting();
    let record = other.store.read(&Slot::Record, u64::MAX).unwrap().unwrap();
    let record = String::from_utf8(record).unwrap().replace(GUN, "registry.example.com/team/other");
    other.store.write(&Slot::Record, record.as_bytes()).unwrap();
    other.serve();
    other.refused("LOCAL_STATE");
}

/// A client that has seen every key replaced, the first root, and the present repository. The
/// server shows what somebody made who holds all the first keys.
fn rotated_away(trust: impl Fn(Vec<u8>) -> Trust) -> (Lab, Vec<u8>, Published) {
    let mut lab = Lab::new();
    let first = lab.serve().newest("root");
    lab.trust = trust(first.clone());
    lab.refresh().unwrap();
    let mut thief = lab.forge.clone();
    for role in ["timestamp", "snapshot", "targets"] {
        lab.forge.rotate(role, &[ForgeKey::ecdsa()], 1);
    }
    // Twice, so that the first root vouches for the last one only through those between.
    for _ in 0..2 {
        lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    }
    let healthy = lab.serve();
    lab.refresh().unwrap();
    thief.add_tag("targets", "evil", 6, 6);
    for _ in 0..9 {
        thief.bump("targets");
    }
    lab.server.restore(&lab.gun(), Checkpoint::default());
    lab.server.serve(&thief.build());
    (lab, first, healthy)
}

#[test]
fn ct_02_an_older_root_in_the_cache_is_walked_up_before_it_is_used() {
    let (lab, first, healthy) = rotated_away(|_| Trust::FirstUse);
    lab.plant("root", &first);
    lab.refused("ROLLBACK");
    assert_eq!(lab.server.requests().last().unwrap(), "GET 2.root.json");
    lab.server.serve(&healthy);
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(6));
}

#[test]
fn rb_16_a_given_root_does_not_bring_back_what_was_rotated_away() {
    let (lab, _, healthy) = rotated_away(Trust::Root);
    lab.refused_and_kept("ROLLBACK", &["root", "timestamp", "snapshot", "targets"], &healthy);
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(6));
}

#[test]
fn ct_03_a_deleted_root_is_not_replaced_by_whatever_the_server_shows() {
    let mut lab = Lab::trusting();
    lab.steal("root");
    lab.forge = Forge::new(GUN);
    lab.serve();
    lab.server.clear_requests();
    lab.refused("LOCAL_STATE");
    assert_eq!(lab.server.requests(), [""; 0]);
    assert_eq!(lab.kept("root"), None);
    // Nor when all of the cache is gone.
    for role in ["timestamp", "snapshot", "targets"] {
        lab.steal(role);
    }
    lab.refused("LOCAL_STATE");
    lab.collection().dangerous().forget().unwrap();
    let view = lab.refresh().unwrap();
    assert!(matches!(view.notices(), [Notice::FirstUse { .. }]), "{:?}", view.notices());
}

#[test]
fn ct_03_a_collection_that_notary_deleted_from_the_folder_is_not_a_first_use() {
    let (mut lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    lab.serve();
    in_folder(&lab, folder.path()).refresh().unwrap();
    fs::remove_dir_all(folder.path().join("tuf")).unwrap();
    let client = in_folder(&lab, folder.path());
    assert_eq!(client.refresh().unwrap_err().code(), "LOCAL_STATE");
    client.dangerous().forget().unwrap();
    client.refresh().unwrap();
}

#[test]
fn ct_04_a_huge_file_or_a_folder_is_fetched_again_or_refused() {
    let (mut lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    lab.serve();
    let client = in_folder(&lab, folder.path());
    client.refresh().unwrap();
    let metadata = folder.path().join("tuf").join(GUN).join("metadata");
    for role in ["timestamp", "snapshot", "targets"] {
        let path = metadata.join(format!("{role}.json"));
        let genuine = fs::read(&path).unwrap();
        fs::File::create(&path).unwrap().set_len(10 << 30).unwrap();
        assert_eq!(not_saved(&client.refresh().unwrap()), 0, "{role}");
        assert_eq!(fs::read(&path).unwrap(), genuine);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(not_saved(&client.refresh().unwrap()), 1, "{role}");
        fs::remove_dir(&path).unwrap();
    }
    client.refresh().unwrap();
    let root = metadata.join("root.json");
    fs::File::create(&root).unwrap().set_len(10 << 30).unwrap();
    assert_eq!(client.refresh().unwrap_err().code(), "LOCAL_STATE");
}

#[cfg(unix)]
#[test]
fn ct_04_a_pipe_in_the_cache_does_not_stop_a_refresh() {
    let (mut lab, folder) = (Lab::new(), tempfile::tempdir().unwrap());
    lab.serve();
    let client = in_folder(&lab, folder.path());
    client.refresh().unwrap();
    for role in ["timestamp", "snapshot", "targets", "root"] {
        let path = folder.path().join("tuf").join(GUN).join("metadata").join(format!("{role}.json"));
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let code = client.refresh().err().map(|error| error.code());
        assert_eq!(code, (role == "root").then_some("LOCAL_STATE"), "{role}");
    }
}

/// Can be read, and refuses to write.
#[derive(Clone, Debug)]
struct ReadOnly(MemoryStore);

impl MetadataStore for ReadOnly {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(slot, max)
    }

    fn write(&self, _: &Slot, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Other("read-only file system".to_owned()))
    }

    fn remove(&self, _: &Slot) -> Result<(), StoreError> {
        Err(StoreError::Other("read-only file system".to_owned()))
    }

    fn clear(&self) -> Result<(), StoreError> {
        Err(StoreError::Other("read-only file system".to_owned()))
    }

    fn lock(&self, _: Duration) -> Result<StoreLock, StoreError> {
        Err(StoreError::Other("read-only file system".to_owned()))
    }
}

#[test]
fn ct_08_a_refresh_over_a_read_only_store_succeeds_in_memory_and_says_so() {
    let mut lab = Lab::trusting();
    let before = lab.kept("timestamp");
    lab.forge.add_tag("targets", "v2", 2, 2);
    lab.forge.bump("targets");
    let newer = lab.serve();
    let client = over(&lab, ReadOnly(lab.store.clone()));
    let view = client.refresh().unwrap();
    assert_eq!(view.target("v2").unwrap().length(), 2);
    // Timestamp, snapshot, targets, record.
    assert_eq!(not_saved(&view), 4, "{:?}", view.notices());
    assert_eq!(lab.kept("timestamp"), before);
    assert!(client.dangerous().forget().is_err());
    // What can be read still counts.
    lab.server.serve(&Forge::new(GUN).build());
    assert!(client.refresh().is_err());
    lab.server.serve(&newer);
    lab.refresh().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn ct_08_a_folder_that_cannot_be_made_is_reported() {
    let mut lab = Lab::new();
    lab.serve();
    let view = in_folder(&lab, std::path::Path::new("/proc/no-such-folder")).refresh().unwrap();
    assert!(not_saved(&view) >= 4, "{:?}", view.notices());
    assert_eq!(view.target("v1").unwrap().length(), 1);
}

#[test]
fn ct_09_a_root_that_could_not_be_kept_is_reached_again() {
    let mut lab = Lab::trusting();
    let first = lab.kept("root").unwrap();
    for role in ["targets", "snapshot", "timestamp"] {
        lab.forge.rotate(role, &[ForgeKey::ecdsa()], 1);
    }
    lab.forge.rotate_root(&[ForgeKey::certificate(GUN)], 1);
    lab.serve();
    let full = crate::crash::Faulty::failing_on(lab.store.clone(), &Slot::Metadata(RoleName::Root));
    let view = over(&lab, full).refresh().unwrap();
    assert_eq!(not_saved(&view), 1);
    assert_eq!(lab.kept("root"), Some(first));
    assert_eq!(Lab::version(&lab.refresh().unwrap(), "root"), Some(5));
    assert_ne!(lab.kept("root"), Some(Forge::new(GUN).build().newest("root")));
    assert_eq!(lab.kept("root"), lab.server.file(&lab.gun(), "root.json"));
}
