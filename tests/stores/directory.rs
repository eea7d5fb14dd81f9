use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use tuf_notary::{
    name::{Gun, RoleName, Slot},
    store::{DirectoryStore, FileError, MetadataStore, StoreError},
    testkit::suite,
};

const MAX: u64 = 1 << 20;
const ROOT: Slot = Slot::Metadata(RoleName::Root);

fn gun() -> Gun {
    Gun::new("localhost:5000/test/app").unwrap()
}

struct Fixture {
    folder: tempfile::TempDir,
    store: DirectoryStore,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(folder.path(), &gun());
        Self { folder, store }
    }

    fn metadata(&self) -> PathBuf {
        self.folder.path().join("tuf/localhost:5000/test/app/metadata")
    }

    fn root(&self) -> PathBuf {
        self.metadata().join("root.json")
    }

    fn read_root(&self) -> Option<Vec<u8>> {
        self.store.read(&ROOT, MAX).unwrap()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_directory_store_keeps_its_promises() {
    let folders = std::cell::RefCell::new(Vec::new());
    suite::metadata_store(|| {
        let fixture = Fixture::new();
        folders.borrow_mut().push(fixture.folder);
        fixture.store
    });
}

#[test]
fn reading_creates_nothing() {
    let fixture = Fixture::new();
    assert_eq!(fixture.read_root(), None);
    assert_eq!(fixture.store.read(&Slot::Record, MAX).unwrap(), None);
    fixture.store.remove(&ROOT).unwrap();
    fixture.store.clear().unwrap();
    assert!(names(fixture.folder.path()).is_empty());
}

#[test]
fn files_that_notary_left_are_read_as_they_are() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.metadata().join("targets")).unwrap();
    fs::write(fixture.metadata().join("targets/releases.json"), b"releases").unwrap();
    let releases = Slot::Metadata(RoleName::releases());
    assert_eq!(fixture.store.read(&releases, MAX).unwrap().unwrap(), b"releases");
}

#[test]
fn the_record_outlives_notarys_own_deletion() {
    let fixture = Fixture::new();
    fixture.store.write(&ROOT, b"root").unwrap();
    fixture.store.write(&Slot::Record, b"record").unwrap();
    fs::remove_dir_all(fixture.folder.path().join("tuf/localhost:5000")).unwrap();
    assert_eq!(fixture.read_root(), None);
    assert_eq!(fixture.store.read(&Slot::Record, MAX).unwrap().unwrap(), b"record");
    let other = DirectoryStore::open(fixture.folder.path(), &Gun::new("localhost:5000/test").unwrap());
    assert_eq!(other.read(&Slot::Record, MAX).unwrap(), None, "one record a GUN");
}

#[test]
fn a_reset_leaves_what_is_not_metadata() {
    let fixture = Fixture::new();
    let delegation = Slot::Metadata(RoleName::new("targets/a/b").unwrap());
    for slot in [&ROOT, &delegation, &Slot::Record] {
        fixture.store.write(slot, b"x").unwrap();
    }
    let changes = fixture.folder.path().join("tuf/localhost:5000/test/app/changelist");
    fs::create_dir_all(&changes).unwrap();
    fs::write(changes.join("1.change"), b"staged").unwrap();
    fs::write(fixture.metadata().join("targets/NOTES.json"), b"no role").unwrap();
    fs::write(fixture.metadata().join("other.json"), b"no role").unwrap();
    let nested =
        DirectoryStore::open(fixture.folder.path(), &Gun::new("localhost:5000/test/app/metadata/x").unwrap());
    nested.write(&ROOT, b"another collection").unwrap();
    fixture.store.clear().unwrap();
    assert_eq!(fs::read(changes.join("1.change")).unwrap(), b"staged");
    assert_eq!(names(&fixture.metadata()), ["other.json", "targets", "x"]);
    assert_eq!(names(&fixture.metadata().join("targets")), ["NOTES.json"]);
    assert!(nested.read(&ROOT, MAX).unwrap().is_some());
}

#[test]
fn cr_01_a_write_that_fails_leaves_the_old_content_and_no_litter() {
    let fixture = Fixture::new();
    fixture.store.write(&ROOT, b"old").unwrap();
    // What a writer leaves when it is killed before its rename.
    fs::write(fixture.metadata().join(".tuf-notary-1a2b3c.tmp"), b"ne").unwrap();
    assert_eq!(fixture.read_root().unwrap(), b"old");

    let blocked = Slot::Metadata(RoleName::Targets);
    fs::create_dir_all(fixture.metadata().join("targets.json/x")).unwrap();
    assert!(fixture.store.write(&blocked, b"new").is_err());
    assert!(fixture.metadata().join("targets.json/x").is_dir());
    assert_eq!(names(&fixture.metadata()), [".tuf-notary-1a2b3c.tmp", "root.json", "targets.json"]);
}

#[test]
fn cr_05_leftovers_of_crashes_are_ignored_and_the_old_ones_removed() {
    let fixture = Fixture::new();
    fixture.store.write(&ROOT, b"old").unwrap();
    let leave = |name: &str, age: u64| {
        let path = fixture.metadata().join(name);
        let file = fs::File::create(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age * 3600)).unwrap();
    };
    leave(".tuf-notary-fresh1.tmp", 1);
    leave(".tuf-notary-stale1.tmp", 25);
    leave(".somebody-elses.tmp", 25);
    leave("snapshot.json", 25);
    fs::create_dir(fixture.metadata().join(".tuf-notary-folder.tmp")).unwrap();
    fixture.store.write(&ROOT, b"new").unwrap();
    let expected = [
        ".somebody-elses.tmp",
        ".tuf-notary-folder.tmp",
        ".tuf-notary-fresh1.tmp",
        "root.json",
        "snapshot.json",
    ];
    assert_eq!(names(&fixture.metadata()), expected);
}

#[test]
fn ct_04_a_folder_or_a_huge_file_is_refused() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.root()).unwrap();
    assert!(matches!(fixture.store.read(&ROOT, MAX), Err(StoreError::File(FileError::NotAFile { .. }))));
    fs::remove_dir(fixture.root()).unwrap();
    let file = fs::File::create(fixture.root()).unwrap();
    file.set_len(10 << 30).unwrap();
    match fixture.store.read(&ROOT, MAX) {
        Err(StoreError::TooLarge { limit, found, .. }) => assert_eq!((limit, found), (MAX, 10 << 30)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pt_14_removal_unlinks_one_file_and_never_a_folder() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.root().join("kept")).unwrap();
    assert!(matches!(fixture.store.remove(&ROOT), Err(StoreError::File(FileError::NotAFile { .. }))));
    assert!(fixture.root().join("kept").is_dir());
}

#[test]
fn two_handles_of_one_process_exclude_each_other() {
    let fixture = Fixture::new();
    let twin = DirectoryStore::open(fixture.folder.path(), &gun());
    let other = DirectoryStore::open(fixture.folder.path(), &Gun::new("other").unwrap());
    let held = fixture.store.lock(Duration::ZERO).unwrap();
    assert!(matches!(twin.lock(Duration::from_millis(30)), Err(StoreError::Busy { .. })));
    other.lock(Duration::ZERO).expect("another collection is free");
    drop(held);
    twin.lock(Duration::ZERO).unwrap();
}

const CHILD: &str = "TUF_NOTARY_TEST_LOCKED_FOLDER";

/// Not a test of its own: the process that `cw_03` kills.
#[test]
fn cw_03_child() {
    let Some(folder) = env::var_os(CHILD) else { return };
    let folder = Path::new(&folder);
    let _held = DirectoryStore::open(folder, &gun()).lock(Duration::ZERO).unwrap();
    fs::write(folder.join("locked"), b"").unwrap();
    thread::sleep(Duration::from_secs(60));
}

#[test]
fn cw_03_the_lock_of_a_killed_process_is_free() {
    let fixture = Fixture::new();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "directory::cw_03_child", "--nocapture"])
        .env(CHILD, fixture.folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !fixture.folder.path().join("locked").exists() {
        assert!(start.elapsed() < Duration::from_secs(30), "the child never took the lock");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(fixture.store.lock(Duration::ZERO), Err(StoreError::Busy { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    fixture.store.lock(Duration::ZERO).expect("a stale lock file means nothing");
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{MetadataExt, PermissionsExt, symlink},
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
        thread,
        time::Instant,
    };

    use tracing::{
        Event, Id, Metadata, Subscriber,
        span::{Attributes, Record},
    };

    use super::*;

    #[test]
    fn files_and_folders_are_their_owners_alone() {
        let fixture = Fixture::new();
        let delegation = Slot::Metadata(RoleName::new("targets/a/b").unwrap());
        fixture.store.write(&delegation, b"x").unwrap();
        fixture.store.write(&Slot::Record, b"x").unwrap();
        let _held = fixture.store.lock(Duration::ZERO).unwrap();
        let mut folders = vec![fixture.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let is_dir = path.is_dir();
                let mode = fs::metadata(&path).unwrap().mode() & 0o777;
                assert_eq!(mode, if is_dir { 0o700 } else { 0o600 }, "{path:?}");
                folders.extend(is_dir.then_some(path));
            }
        }
    }

    #[test]
    fn ct_04_a_pipe_is_refused_without_waiting_for_its_writer() {
        let fixture = Fixture::new();
        fs::create_dir_all(fixture.metadata()).unwrap();
        assert!(Command::new("mkfifo").arg(fixture.root()).status().unwrap().success());
        assert!(matches!(fixture.store.read(&ROOT, MAX), Err(StoreError::File(FileError::NotAFile { .. }))));
        fs::remove_file(fixture.root()).unwrap();
        symlink("/dev/zero", fixture.root()).unwrap();
        assert!(matches!(fixture.store.read(&ROOT, MAX), Err(StoreError::File(FileError::NotAFile { .. }))));
    }

    #[test]
    fn pt_12_a_link_at_the_destination_is_replaced_not_followed() {
        let fixture = Fixture::new();
        let victim = fixture.folder.path().join("bashrc");
        fs::write(&victim, b"mine").unwrap();
        fs::create_dir_all(fixture.metadata()).unwrap();
        symlink(&victim, fixture.root()).unwrap();
        fixture.store.write(&ROOT, b"new").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert_eq!(fixture.read_root().unwrap(), b"new");

        fixture.store.remove(&ROOT).unwrap();
        symlink(&victim, fixture.root()).unwrap();
        fixture.store.remove(&ROOT).unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
    }

    #[test]
    fn pt_13_a_file_swapped_for_a_link_after_it_was_looked_at_is_not_read() {
        let fixture = Fixture::new();
        fixture.store.write(&ROOT, b"ours").unwrap();
        let (root, folder) = (fixture.root(), fixture.metadata());
        let victim = fixture.folder.path().join("secret");
        fs::write(&victim, b"theirs").unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let (file, link) = (folder.join("file"), folder.join("link"));
                while !done.load(Ordering::Relaxed) {
                    symlink(&victim, &link).and_then(|()| fs::rename(&link, &root)).unwrap();
                    fs::write(&file, b"ours").and_then(|()| fs::rename(&file, &root)).unwrap();
                }
            });
            let deadline = Instant::now() + Duration::from_secs(2);
            let looks = (0..60_000).take_while(|_| Instant::now() < deadline);
            let mut seen: Vec<_> =
                looks.filter_map(|_| fixture.store.read(&ROOT, MAX).ok().flatten()).collect();
            done.store(true, Ordering::Relaxed);
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, [b"ours"]);
        });
    }

    #[test]
    fn pt_12_a_link_in_place_of_the_lock_or_of_a_folder_to_clear_is_not_followed() {
        let fixture = Fixture::new();
        fixture.store.write(&ROOT, b"x").unwrap();
        let elsewhere = fixture.folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("releases.json"), b"mine").unwrap();
        symlink(&elsewhere, fixture.metadata().join("targets")).unwrap();
        fixture.store.clear().unwrap();
        assert_eq!(fs::read(elsewhere.join("releases.json")).unwrap(), b"mine");

        drop(fixture.store.lock(Duration::ZERO).unwrap());
        let own = fixture.folder.path().join("tuf-notary");
        let lock = own.join(names(&own).into_iter().find(|name| name.ends_with(".lock")).unwrap());
        fs::remove_file(&lock).unwrap();
        symlink(elsewhere.join("new"), &lock).unwrap();
        assert!(matches!(
            fixture.store.lock(Duration::ZERO),
            Err(StoreError::File(FileError::NotAFile { .. }))
        ));
        assert!(!elsewhere.join("new").exists());
    }

    #[test]
    fn a_trust_folder_that_is_itself_a_link_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::create_dir(&real).unwrap();
        symlink(&real, folder.path().join("trust")).unwrap();
        let store = DirectoryStore::open(folder.path().join("trust"), &gun());
        store.write(&ROOT, b"x").unwrap();
        assert_eq!(store.read(&ROOT, MAX).unwrap().unwrap(), b"x");
        assert!(real.join("tuf").is_dir());
    }

    #[test]
    fn ct_07_a_folder_that_everybody_may_write_to_is_warned_about_once() {
        let fixture = Fixture::new();
        let warnings = Warnings::default();
        let count = Arc::clone(&warnings.0);
        tracing::subscriber::with_default(warnings, || {
            fixture.store.write(&ROOT, b"x").unwrap();
            assert_eq!(count.load(Ordering::SeqCst), 0, "a private folder is fine");
            fs::set_permissions(fixture.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
            fixture.read_root();
            fixture.read_root();
            fixture.store.clone().write(&ROOT, b"x").unwrap();
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn ct_07_a_folder_of_another_user_is_warned_about() {
        let fixture = Fixture::new();
        // Only root can give a folder away, and only root could still write to it.
        if std::os::unix::fs::chown(fixture.folder.path(), Some(12345), None).is_err() {
            return;
        }
        let warnings = Warnings::default();
        let count = Arc::clone(&warnings.0);
        tracing::subscriber::with_default(warnings, || fixture.store.write(&ROOT, b"x").unwrap());
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[derive(Default)]
    struct Warnings(Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == tracing::Level::WARN
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
