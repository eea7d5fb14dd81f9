//! CT: somebody changed what the client keeps.

use std::{fs, time::Duration};

use serde_json::json;
use tuf_notary::{
    name::{RoleName, Slot},
    store::{MetadataStore, RepositoryStore, StoreError, StoreLock},
    testkit::{TufForge, TufForgeKey},
    verify::{Notice, TrustedSet},
};

use crate::{
    crash::Faulty,
    facade::Repository,
    lab::{FOUR, Kept, Lab, keys, version},
};

pub fn client(lab: &Lab, store: impl MetadataStore + 'static) -> Repository {
    let clock = lab.clock.clone();
    Repository::builder(lab.shipped.clone())
        .transport(lab.server.clone())
        .targets(lab.server.clone())
        .store(store)
        .clock(move || clock.now())
        .build()
}

fn not_saved(set: &TrustedSet) -> usize {
    set.notices().iter().filter(|notice| matches!(notice, Notice::NotSaved { .. })).count()
}

fn with_team() -> Lab {
    let mut forge = TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"x");
    let lab = Lab::of(forge);
    lab.find("team/file").unwrap();
    lab.requests();
    lab
}

#[test]
fn ct_01_a_file_that_was_replaced_is_fetched_again_and_the_root_is_not() {
    let stranger = TufForge::new().build();
    for role in ["timestamp", "snapshot", "targets", "team"] {
        let name = if role == "timestamp" { "timestamp.json".to_owned() } else { format!("1.{role}.json") };
        for bytes in
            [vec![], vec![0xff; 64], b"{}".to_vec(), stranger.newest("targets"), stranger.newest(role)]
        {
            let lab = with_team();
            let genuine = lab.kept(role);
            lab.plant(role, &bytes);
            assert!(lab.find("team/file").unwrap().is_some(), "{role}");
            assert!(lab.requests().contains(&name), "{role}");
            assert_eq!(lab.kept(role), genuine, "{role}");
            if matches!(role, "timestamp" | "snapshot") {
                lab.plant(role, &bytes);
                let notice = Notice::CacheUnusable { role: RoleName::tuf(role).unwrap() };
                assert!(lab.refresh().unwrap().notices().contains(&notice), "{role}");
            }
        }
    }
}

#[test]
fn ct_01_a_root_that_was_damaged_is_an_error_until_it_is_given_up() {
    let genuine = Lab::trusting().kept("root").unwrap();
    let flipped: Vec<u8> = genuine.iter().map(|byte| if *byte == b'7' { b'8' } else { *byte }).collect();
    for bytes in [vec![], b"{}".to_vec(), genuine[..100].to_vec(), vec![0; 64], flipped] {
        let lab = Lab::trusting();
        lab.plant("root", &bytes);
        lab.refused("LOCAL_STATE");
        assert_eq!(lab.requests(), [""; 0], "nobody was asked");
        assert_eq!(lab.kept("root"), Some(bytes));
        lab.repository().dangerous().forget().unwrap();
        lab.refresh().unwrap();
        assert_eq!(lab.kept("root"), Some(lab.shipped.clone()));
    }
    let lab = Lab::trusting();
    lab.store.write(&Slot::Record, b"{}").unwrap();
    lab.refused("LOCAL_STATE");
}

/// What begins anew begins with the root that was shipped, and not with what somebody shows.
#[test]
fn ct_01_a_root_that_was_deleted_or_is_a_strangers_is_not_believed() {
    let stranger = TufForge::new().build();
    for planted in [None, Some(stranger.newest("root"))] {
        let lab = Lab::trusting();
        match &planted {
            Some(root) => lab.plant("root", root),
            None => lab.steal("root"),
        }
        lab.server.serve(&stranger);
        lab.refused("THRESHOLD");
        lab.server.serve(&lab.forge.clone().build());
        lab.refresh().unwrap();
        assert_eq!(lab.kept("root"), Some(lab.shipped.clone()));
    }
}

#[test]
fn ct_04_a_huge_file_or_a_folder_is_fetched_again_or_refused() {
    let lab = Lab::on_disk();
    for role in ["timestamp", "snapshot", "targets"] {
        let path = lab.store.path().join(format!("{role}.json"));
        let genuine = fs::read(&path).unwrap();
        fs::File::create(&path).unwrap().set_len(10 << 30).unwrap();
        assert_eq!(not_saved(&lab.refresh().unwrap()), 0, "{role}");
        assert_eq!(fs::read(&path).unwrap(), genuine);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(not_saved(&lab.refresh().unwrap()), 1, "{role}");
        fs::remove_dir(&path).unwrap();
    }
    lab.refresh().unwrap();
    fs::File::create(lab.store.path().join("root.json")).unwrap().set_len(10 << 30).unwrap();
    lab.refused("LOCAL_STATE");
}

#[cfg(unix)]
#[test]
fn ct_04_a_pipe_in_the_cache_does_not_stop_a_refresh() {
    let lab = Lab::on_disk();
    for role in ["timestamp", "snapshot", "targets", "root"] {
        let path = lab.store.path().join(format!("{role}.json"));
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let code = lab.refresh().err().map(|error| error.code());
        assert_eq!(code, (role == "root").then_some("LOCAL_STATE"), "{role}");
    }
}

#[test]
fn ct_05_kept_targets_of_a_key_that_was_revoked_are_not_trusted() {
    for with_hashes in [true, false] {
        let mut forge = TufForge::new();
        forge.list_hashes(with_hashes);
        let mut lab = Lab::trusting_of(forge);
        let old = lab.kept("targets").unwrap();
        // The same version, signed by the new key only; snapshot and timestamp say nothing new.
        let new = keys::<1>();
        lab.forge.bump("root");
        lab.forge.list_keys("targets", &new, 1);
        let still_old = lab.serve();
        lab.refused("THRESHOLD");
        assert_eq!(lab.kept_version("root"), Some(2));
        assert_eq!(lab.kept("targets"), Some(old.clone()));
        lab.refused("THRESHOLD");
        drop(still_old);
        *lab.forge.keys("targets") = new.to_vec();
        if with_hashes {
            lab.forge.bump("snapshot");
        }
        let healthy = lab.serve();
        let set = lab.refresh().unwrap();
        assert_eq!((version(&set, "targets"), lab.kept("targets")), (1, Some(healthy.newest("targets"))));
        assert_ne!(lab.kept("targets"), Some(old), "fetched again");
    }
}

#[test]
fn ct_05_a_kept_delegated_role_of_a_revoked_key_is_not_trusted() {
    let mut lab = with_team();
    let new = TufForgeKey::ed25519();
    let (id, listed) = (new.id().to_owned(), new.to_json().clone());
    lab.forge.doc("targets")["delegations"]["keys"] = json!({ id.clone(): listed });
    lab.forge.change_delegation("targets", "team", |entry| entry["keyids"] = json!([id]));
    lab.forge.bump("targets");
    lab.serve();
    lab.not_found("team/file", "THRESHOLD");
    *lab.forge.keys("team") = vec![new];
    lab.forge.bump("snapshot");
    lab.serve();
    assert!(lab.find("team/file").unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn ct_07_a_folder_that_everybody_may_write_to_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;

    let lab = Lab::on_disk();
    let warnings = |mode: u32| {
        fs::set_permissions(lab.store.path(), fs::Permissions::from_mode(mode)).unwrap();
        // Another store, for each warns once.
        let store = RepositoryStore::open(lab.store.path());
        let counter = warned::Warnings::default();
        let count = std::sync::Arc::clone(&counter.0);
        tracing::subscriber::with_default(counter, || {
            for _ in 0..2 {
                client(&lab, store.clone()).refresh().unwrap();
            }
        });
        count.load(std::sync::atomic::Ordering::SeqCst)
    };
    assert_eq!(warnings(0o700), 0);
    assert_eq!(warnings(0o777), 1);
    assert_eq!(warnings(0o700), 0);
}

#[cfg(unix)]
mod warned {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tracing::{
        Event, Level, Metadata, Subscriber,
        span::{Attributes, Id, Record},
    };

    #[derive(Default)]
    pub struct Warnings(pub Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == Level::WARN
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
}

/// Can be read, and refuses to write.
#[derive(Clone, Debug)]
struct ReadOnly(Kept);

fn read_only<T>() -> Result<T, StoreError> {
    Err(StoreError::Other("read-only file system".to_owned()))
}

impl MetadataStore for ReadOnly {
    fn read(&self, slot: &Slot, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(slot, max)
    }

    fn write(&self, _: &Slot, _: &[u8]) -> Result<(), StoreError> {
        read_only()
    }

    fn remove(&self, _: &Slot) -> Result<(), StoreError> {
        read_only()
    }

    fn clear(&self) -> Result<(), StoreError> {
        read_only()
    }

    fn lock(&self, _: Duration) -> Result<StoreLock, StoreError> {
        read_only()
    }
}

#[test]
fn ct_08_a_refresh_over_a_read_only_store_succeeds_in_memory_and_says_so() {
    let mut lab = Lab::trusting();
    let before = FOUR.map(|role| lab.kept(role));
    let first = lab.forge.clone().build();
    lab.forge.bump("root");
    lab.forge.bump("targets");
    let newer = lab.serve();
    let repository = client(&lab, ReadOnly(lab.store.clone()));
    let set = repository.refresh().unwrap();
    assert_eq!((version(&set, "root"), version(&set, "targets")), (2, 2));
    // The chain's root and the root, timestamp, snapshot, targets, the record.
    assert!(not_saved(&set) >= 6, "{:?}", set.notices());
    assert_eq!(FOUR.map(|role| lab.kept(role)), before);
    assert_eq!(repository.dangerous().forget().unwrap_err().code(), "LOCAL_STATE");
    // What can be read still counts, also when nothing that came since could be written.
    lab.server.serve(&TufForge::new().build());
    assert_eq!(repository.refresh().unwrap_err().code(), "THRESHOLD");
    lab.server.serve(&first);
    lab.refresh().unwrap();
    lab.recovers(&newer);
}

/// What the same client has seen binds it even where it could not be kept.
#[test]
fn ct_08_no_version_falls_within_one_client_whose_store_does_not_write() {
    let mut lab = Lab::trusting();
    let first = lab.forge.clone().build();
    lab.forge.bump("targets");
    lab.serve();
    let repository = client(&lab, ReadOnly(lab.store.clone()));
    assert_eq!(version(&repository.refresh().unwrap(), "targets"), 2);
    lab.server.serve(&first);
    let outcome = repository.refresh().map(|set| (version(&set, "timestamp"), not_saved(&set)));
    assert_eq!(outcome.unwrap_err().code(), "ROLLBACK");
}

#[cfg(target_os = "linux")]
#[test]
fn ct_08_a_folder_that_cannot_be_made_is_reported() {
    let lab = Lab::new();
    let set = client(&lab, RepositoryStore::open("/proc/no-such-folder")).refresh().unwrap();
    assert!(not_saved(&set) >= 4, "{:?}", set.notices());
}

#[test]
fn ct_09_a_root_that_could_not_be_kept_is_reached_again() {
    let mut lab = Lab::trusting();
    let first = lab.kept("root").unwrap();
    for role in ["targets", "snapshot", "timestamp"] {
        lab.forge.rotate(role, &keys::<1>(), 1);
    }
    lab.forge.rotate_root(&keys::<1>(), 1);
    let newest = lab.serve().newest("root");
    let root = Slot::Metadata(RoleName::Root);
    let set = client(&lab, Faulty::failing_on(lab.store.clone(), &root)).refresh().unwrap();
    assert!(not_saved(&set) >= 1, "{:?}", set.notices());
    assert_eq!(lab.kept("root"), Some(first));
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 5);
    assert_eq!(lab.kept("root"), Some(newest));
    // Without the server, from what lies there.
    lab.freshness = tuf_notary::view::Freshness::Offline;
    assert_eq!(version(&lab.refresh().unwrap(), "root"), 5);
}
