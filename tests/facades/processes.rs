//! Two processes on one trust folder never roll back or tear each other's files.

use std::{
    env, fs,
    path::Path,
    process::{Child, Command},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use tuf_notary::{
    Trust, blocking, future,
    store::DirectoryStore,
    testkit::{Forge, Published, TrustServer},
    wire::TrustRecord,
};

use super::lab::*;

const FOLDER: &str = "TUF_NOTARY_TEST_FOLDER";
const VERSIONS: usize = 12;
const ROUNDS: usize = 60;
const FILES: [&str; 4] = ["root.json", "timestamp.json", "snapshot.json", "targets.json"];

/// Runs in a process of its own: refreshes against servers that are at one version or another.
#[test]
fn hammer() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let seed: usize = env::var("TUF_NOTARY_TEST_SEED").unwrap().parse().unwrap();
    let mut answered = 0;
    for round in 0..ROUNDS {
        let version = (round * VERSIONS / ROUNDS).saturating_sub((round * 7 + seed * 3) % 3);
        let transport = served_from(&folder.join(version.to_string()));
        let store = DirectoryStore::open(folder.join("trust"), &gun());
        let outcome = match seed % 2 {
            0 => {
                let builder = blocking::Collection::builder(gun(), Trust::FirstUse).transport(transport);
                builder.store(store).clock(now).build().refresh()
            }
            _ => {
                let transport = tuf_notary::transport::Blocking::new(transport);
                let builder = future::Collection::builder(gun(), Trust::FirstUse).transport(transport);
                block_on(builder.store(store).clock(now).build().refresh())
            }
        };
        match outcome {
            Ok(view) => {
                answered += 1;
                assert_eq!(view.trusted().targets().body().version.get(), version as u64 + 1);
            }
            Err(error) => assert_eq!(error.code(), "ROLLBACK", "{error}"),
        }
    }
    assert!(answered > 0);
}

fn served_from(folder: &Path) -> tuf_notary::transport::MemoryTransport {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (resource(&name), fs::read(path).unwrap())
        })
        .collect()
}

fn resource(name: &str) -> tuf_notary::name::Resource {
    use tuf_notary::name::{Form, Resource, Version};
    let parts: Vec<_> = name.split('.').collect();
    match parts[..] {
        [role, "json"] => Resource::latest(role.parse().unwrap()),
        [version, role, "json"] if version.parse::<u64>().is_ok() => Resource {
            role: role.parse().unwrap(),
            form: Form::Version(Version::new(version.parse().unwrap()).unwrap()),
        },
        [role, digest, "json"] => {
            let digest = data_encoding::HEXLOWER.decode(digest.as_bytes()).unwrap();
            Resource { role: role.parse().unwrap(), form: Form::Sha256(digest.try_into().unwrap()) }
        }
        _ => panic!("{name}"),
    }
}

fn write(published: &Published, folder: &Path) {
    let server = TrustServer::new();
    server.set_now(now());
    server.serve(published);
    fs::create_dir_all(folder).unwrap();
    let names = FILES.iter().map(|name| (*name).to_owned());
    let pinned = ["snapshot", "targets"].map(|role| {
        let file = published.file(&format!("{role}.json")).unwrap();
        let hex = data_encoding::HEXLOWER.encode(&tuf_notary::crypto::digest::sha256(file));
        format!("{role}.{hex}.json")
    });
    for name in names.chain(pinned) {
        let file = server.file(&gun(), &name).or_else(|| published.file(&name).map(<[u8]>::to_vec));
        fs::write(folder.join(&name), file.unwrap()).unwrap();
    }
}

fn child(folder: &Path, seed: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::hammer", "--nocapture"])
        .env(FOLDER, folder)
        .env("TUF_NOTARY_TEST_SEED", seed.to_string())
        .spawn()
        .unwrap()
}

#[test]
fn cw_02_processes_on_one_folder_roll_nothing_back_and_tear_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path();
    let mut forge = Forge::new(GUN);
    for version in 0..VERSIONS {
        write(&forge.build(), &folder.join(version.to_string()));
        for role in ["targets", "snapshot", "timestamp"] {
            forge.bump(role);
        }
    }
    let children: Vec<_> = (0..2).map(|seed| child(folder, seed)).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&folder.join("trust"), &done));
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        done.store(true, Ordering::SeqCst);
        assert!(watcher.join().unwrap() > 1, "several versions were seen");
    });
}

/// Reads the folder without any lock until all is done: what is there is whole, and never older than
/// what was there.
fn watch(trust: &Path, done: &AtomicBool) -> usize {
    let metadata = trust.join("tuf").join(GUN).join("metadata");
    let (mut newest, mut floors, mut seen) = (0, 0, 0);
    loop {
        let is_last = done.load(Ordering::SeqCst);
        if let Ok(bytes) = fs::read(metadata.join("targets.json")) {
            let file: serde_json::Value = serde_json::from_slice(&bytes).expect("a whole file");
            let version = file["signed"]["version"].as_u64().unwrap();
            assert!(version >= newest, "targets went from {newest} to {version}");
            seen += usize::from(version > newest);
            newest = version;
        }
        let own = fs::read_dir(trust.join("tuf-notary")).into_iter().flatten();
        for entry in own.map(|entry| entry.unwrap().path()) {
            if entry.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let record = TrustRecord::read(&fs::read(entry).unwrap()).expect("a whole record");
            let floor = record.floors.get(&"timestamp".parse().unwrap()).map_or(0, |it| it.version.get());
            assert!(floor >= floors, "the floor went from {floors} to {floor}");
            floors = floor;
        }
        if is_last {
            return seen;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
