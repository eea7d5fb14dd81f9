//! The flat cache of a TUF 1.0 client.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tuf_notary::{
    name::{RoleName, Slot},
    store::{FileError, MetadataStore, RepositoryStore, StoreError},
    testkit::suite,
};

const MAX: u64 = 1 << 20;
const ROOT: Slot = Slot::Metadata(RoleName::Root);

struct Fixture {
    folder: tempfile::TempDir,
    store: RepositoryStore,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = RepositoryStore::open(folder.path().join("cache"));
        Self { folder, store }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn role(name: &str) -> Slot {
    Slot::Metadata(RoleName::new(name).unwrap())
}

#[test]
fn the_repository_store_keeps_its_promises() {
    let folders = std::cell::RefCell::new(Vec::new());
    suite::metadata_store(|| {
        let fixture = Fixture::new();
        folders.borrow_mut().push(fixture.folder);
        fixture.store
    });
}

#[test]
fn files_lie_flat_under_names_without_versions_as_received() {
    let fixture = Fixture::new();
    let content = b"{ \"signed\" :\t{}}\n\xff";
    for name in ["root", "timestamp", "snapshot", "targets", "targets/releases"] {
        fixture.store.write(&role(name), content).unwrap();
    }
    fixture.store.write(&Slot::Record, b"{}").unwrap();
    let _held = fixture.store.lock(Duration::ZERO).unwrap();
    let expected = [
        ".tuf-notary",
        "root.json",
        "snapshot.json",
        "targets%2Freleases.json",
        "targets.json",
        "timestamp.json",
    ];
    assert_eq!(names(&fixture.cache()), expected);
    assert_eq!(fs::read(fixture.cache().join("root.json")).unwrap(), content);
    assert_eq!(names(&fixture.cache().join(".tuf-notary")), ["lock", "record"]);
}

#[test]
fn pt_01_pt_02_pt_03_pt_04_roles_of_any_name_have_their_own_file_here() {
    let fixture = Fixture::new();
    let long = "x".repeat(1024);
    let roles = [
        "root",
        "Root",
        "%52oot",
        "timestamp",
        "TIMESTAMP",
        "../x",
        "..%2Fx",
        "/x",
        "x",
        ".",
        "..",
        "?",
        "#",
        "a/b",
        "a%2Fb",
        "%2e%2e",
        "nul",
        "a\0b\nc",
        ".tuf-notary",
        ".tuf-notary/record",
        "é",
        "my role",
        &long,
    ];
    let slot = |name: &str| Slot::Metadata(RoleName::tuf(name).unwrap());
    for name in roles {
        assert_eq!(fixture.store.read(&slot(name), MAX).unwrap(), None, "{name:?}");
        fixture.store.write(&slot(name), name.as_bytes()).unwrap();
    }
    fixture.store.write(&Slot::Record, b"record").unwrap();
    for name in roles {
        assert_eq!(fixture.store.read(&slot(name), MAX).unwrap().unwrap(), name.as_bytes(), "{name:?}");
    }
    assert_eq!(names(fixture.folder.path()), ["cache"], "nothing outside");
    let files = names(&fixture.cache());
    assert_eq!(files.len(), roles.len() + 1, "{files:?}");
    let is_plain = |name: &String| name == ".tuf-notary" || name.ends_with(".json");
    assert!(files.iter().all(is_plain), "{files:?}");
    // Where case does not count, no other role is root or timestamp.
    let folded = |name: &str| files.iter().filter(|it| it.eq_ignore_ascii_case(name)).count();
    assert_eq!((folded("root.json"), folded("timestamp.json")), (1, 1), "{files:?}");
    fixture.store.clear().unwrap();
    assert_eq!(names(&fixture.cache()), [".tuf-notary"]);
}

#[test]
fn reading_creates_nothing() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store.read(&ROOT, MAX).unwrap(), None);
    assert_eq!(fixture.store.read(&Slot::Record, MAX).unwrap(), None);
    fixture.store.remove(&ROOT).unwrap();
    fixture.store.clear().unwrap();
    assert!(names(fixture.folder.path()).is_empty());
}

#[test]
fn what_another_client_left_is_read() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.cache()).unwrap();
    fs::write(fixture.cache().join("targets%2Freleases.json"), b"x").unwrap();
    assert_eq!(fixture.store.read(&role("targets/releases"), MAX).unwrap().unwrap(), b"x");
}

#[test]
fn a_reset_leaves_what_no_role_could_have() {
    let fixture = Fixture::new();
    for slot in [&ROOT, &role("targets"), &role("targets/a/b"), &Slot::Record] {
        fixture.store.write(slot, b"x").unwrap();
    }
    // What our store writes for roles of any name.
    let hashed = format!("%sha256%{}.json", "0".repeat(64));
    for ours in ["%2E%2Ex.json", "%52oot.json", &hashed] {
        fs::write(fixture.cache().join(ours), b"x").unwrap();
    }
    for kept in ["NOTES", "my role.json", "a.json.bak", "%zz.json"] {
        fs::write(fixture.cache().join(kept), b"kept").unwrap();
    }
    fs::create_dir_all(fixture.cache().join("folder.json/x")).unwrap();
    fs::write(fixture.folder.path().join("other.json"), b"kept").unwrap();
    fixture.store.clear().unwrap();
    let expected = ["%zz.json", ".tuf-notary", "NOTES", "a.json.bak", "folder.json", "my role.json"];
    assert_eq!(names(&fixture.cache()), expected);
    assert_eq!(names(fixture.folder.path()), ["cache", "other.json"]);
    assert_eq!(fixture.store.read(&Slot::Record, MAX).unwrap(), None);
}

#[test]
fn a_reset_that_fails_halfway_keeps_the_anchor() {
    let fixture = Fixture::new();
    for slot in [&ROOT, &Slot::Record, &role("targets")] {
        fixture.store.write(slot, b"x").unwrap();
    }
    fs::remove_file(fixture.cache().join("root.json")).unwrap();
    fs::create_dir_all(fixture.cache().join("root.json/x")).unwrap();
    assert!(fixture.store.clear().is_err());
    assert!(fixture.store.read(&Slot::Record, MAX).unwrap().is_some(), "not a first use");
}

#[test]
fn two_folders_are_two_repositories() {
    let fixture = Fixture::new();
    let (twin, other) =
        (RepositoryStore::open(fixture.cache()), RepositoryStore::open(fixture.folder.path().join("other")));
    fixture.store.write(&ROOT, b"x").unwrap();
    assert_eq!((twin.read(&ROOT, 1).unwrap(), other.read(&ROOT, 1).unwrap()), (Some(b"x".to_vec()), None));
    let held = fixture.store.lock(Duration::ZERO).unwrap();
    assert!(matches!(twin.lock(Duration::from_millis(30)), Err(StoreError::Busy { .. })));
    other.lock(Duration::ZERO).unwrap();
    drop(held);
    // A process that is being started beside us may hold it for a moment.
    twin.lock(Duration::from_secs(10)).unwrap();
}

#[test]
fn ct_04_a_folder_or_a_huge_file_is_refused() {
    let fixture = Fixture::new();
    let root = fixture.cache().join("root.json");
    fs::create_dir_all(&root).unwrap();
    assert!(matches!(fixture.store.read(&ROOT, MAX), Err(StoreError::File(FileError::NotAFile { .. }))));
    fs::remove_dir(&root).unwrap();
    fs::File::create(&root).unwrap().set_len(10 << 30).unwrap();
    assert!(matches!(fixture.store.read(&ROOT, MAX), Err(StoreError::TooLarge { .. })));
}

const WRITER: &str = "TUF_NOTARY_TEST_WRITER";
const DRIVER: &str = "TUF_NOTARY_TEST_DRIVER";

/// Whole contents that differ in every byte and in length.
fn roots() -> [Vec<u8>; 2] {
    [vec![b'a'; 60_000], vec![b'b'; 90_000]]
}

fn run(test: &str, variable: &str, folder: &Path) -> std::process::Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(variable, folder).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Not a test of its own: the process that is killed.
#[test]
fn cr_01_writer() {
    let Some(folder) = env::var_os(WRITER) else { return };
    let (store, begun) = (RepositoryStore::open(&folder), Instant::now());
    while begun.elapsed() < Duration::from_secs(60) {
        for root in roots() {
            store.write(&ROOT, &root).unwrap();
        }
    }
}

/// Not a test of its own: the process that kills. It has no other test's locks to hand down.
#[test]
fn cr_01_driver() {
    let Some(folder) = env::var_os(DRIVER) else { return };
    let folder = Path::new(&folder);
    let store = RepositoryStore::open(folder);
    store.write(&ROOT, &roots()[0]).unwrap();
    let mut seen = [0, 0];
    for round in 0..12 {
        let mut writer = run("repository::cr_01_writer", WRITER, folder);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(150 + 13 * round) {
            let root = store.read(&ROOT, MAX).unwrap().expect("never absent");
            seen[roots().iter().position(|it| *it == root).expect("never torn")] += 1;
            thread::sleep(Duration::from_millis(1));
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let root = store.read(&ROOT, MAX).unwrap().expect("never absent");
        assert!(roots().contains(&root), "round {round}: {} bytes", root.len());
    }
    assert!(seen[1] > 0, "the writer wrote: {seen:?}");
    let is_known = |name: &String| name.starts_with(".tuf-notary-") || name == "root.json";
    assert!(names(folder).iter().all(is_known), "{:?}", names(folder));
}

#[test]
fn cr_01_whenever_a_writer_is_killed_the_root_loads() {
    let fixture = Fixture::new();
    let status = run("repository::cr_01_driver", DRIVER, &fixture.cache()).wait().unwrap();
    assert!(status.success());
    assert!(fixture.store.read(&ROOT, MAX).unwrap().is_some());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn files_and_folders_are_their_owners_alone() {
        let fixture = Fixture::new();
        fixture.store.write(&role("targets/a/b"), b"x").unwrap();
        fixture.store.write(&Slot::Record, b"x").unwrap();
        let _held = fixture.store.lock(Duration::ZERO).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
        let (cache, own) = (fixture.cache(), fixture.cache().join(".tuf-notary"));
        assert_eq!([mode(cache.clone()), mode(own.clone())], [0o700; 2]);
        let files = [cache.join("targets%2Fa%2Fb.json"), own.join("record"), own.join("lock")];
        assert_eq!(files.map(mode), [0o600; 3]);
    }

    #[test]
    fn pt_12_no_link_leads_out_of_the_folder() {
        let fixture = Fixture::new();
        let elsewhere = fixture.folder.path().join("elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        fs::create_dir(fixture.cache()).unwrap();
        fs::write(elsewhere.join("mine"), b"mine").unwrap();
        let root = fixture.cache().join("root.json");
        symlink(elsewhere.join("mine"), &root).unwrap();
        assert!(fixture.store.read(&ROOT, MAX).is_err());
        fixture.store.write(&ROOT, b"new").unwrap();
        assert_eq!(fixture.store.read(&ROOT, MAX).unwrap().unwrap(), b"new");
        assert_eq!(fs::read(elsewhere.join("mine")).unwrap(), b"mine");

        symlink(&elsewhere, fixture.cache().join(".tuf-notary")).unwrap();
        assert!(fixture.store.write(&Slot::Record, b"x").is_err());
        assert!(fixture.store.read(&Slot::Record, MAX).is_err());
        assert!(fixture.store.lock(Duration::ZERO).is_err());
        symlink(&elsewhere, fixture.cache().join("folder.json")).unwrap();
        assert!(fixture.store.clear().is_err(), "the record can't be removed");
        assert_eq!(names(&elsewhere), ["mine"]);
    }
}
