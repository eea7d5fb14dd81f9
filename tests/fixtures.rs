//! What the real Notary and Docker wrote is read, verified and resolved as they do it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tuf_notary::{
    blocking::Collection,
    crypto::digest,
    name::{Form, Gun, Resource, RoleName, Slot, Version},
    store::{MemoryStore, MetadataStore},
    transport::MemoryTransport,
    verify::{DelegatedTargets, Notice, Trust},
    view::View,
};

/// The files that a server had of a collection.
struct Fixture {
    folder: PathBuf,
    gun: Gun,
    transport: MemoryTransport,
}

impl Fixture {
    /// `served` is the folder of the files below that of the collection.
    fn load(name: &str, served: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notary").join(name);
        let gun = Gun::new(fs::read_to_string(folder.join("gun.txt")).unwrap().trim()).unwrap();
        let transport = MemoryTransport::new();
        serve(&transport, &folder.join(served), "");
        Self { folder, gun, transport }
    }

    fn collection(&self, store: impl MetadataStore + 'static) -> Collection {
        Collection::builder(self.gun.clone(), Trust::FirstUse)
            .transport(self.transport.clone())
            .store(store)
            .clock({
                let now = now();
                move || now
            })
            .build()
    }

    fn refresh(&self, store: impl MetadataStore + 'static) -> View {
        self.collection(store).refresh().unwrap()
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap()
    }
}

/// 2026-11-24T12:00:00Z, when everything was fresh.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600)
}

/// Serves all files in a folder by role and digest, and those with a version in their name by it.
fn serve(transport: &MemoryTransport, folder: &Path, above: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{above}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            serve(transport, &path, &format!("{name}/"));
            continue;
        }
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let content = fs::read(&path).unwrap();
        match stem.split_once('.') {
            Some((version, "root")) => {
                let form = Form::Version(Version::new(version.parse().unwrap()).unwrap());
                transport.insert(Resource { role: RoleName::Root, form }, content);
            }
            _ => {
                let Ok(role) = RoleName::new(stem) else { continue };
                let form = Form::Sha256(digest::sha256(&content));
                transport.insert(Resource { role: role.clone(), form }, content.clone());
                transport.insert(Resource::latest(role), content);
            }
        }
    }
}

/// The tags with their roles, as `tag role`.
fn tags(view: &View) -> Vec<String> {
    let line = |target: &tuf_notary::view::SignedTarget| format!("{} {}", target.name(), target.role());
    view.targets().unwrap().iter().map(line).collect()
}

#[track_caller]
fn signs(view: &View, tag: &str, role: &str, sha256: &str, length: u64) {
    let target = view.target(tag).unwrap();
    assert_eq!(target.image_digest().unwrap(), format!("sha256:{sha256}"), "{tag}");
    assert_eq!((target.role().as_str(), target.length()), (role, length), "{tag}");
}

/// Only what a first contact brings along.
#[track_caller]
fn is_plain_first_use(view: &View) {
    assert!(matches!(view.notices(), [Notice::FirstUse { .. }]), "{:?}", view.notices());
    let states = view.trusted().delegated().values();
    assert!(states.into_iter().all(|state| matches!(state, DelegatedTargets::Usable(_))));
}

fn all_files(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all_files(&path, below, found),
            false => found.push(path.strip_prefix(below).unwrap().to_owned()),
        }
    }
}

#[test]
fn collections_of_many_tags() {
    let last = "38de237ed2eeb99b5a297124d16531a9c0628a03538ecfdab99a573bf732c802";
    let last_of_10k = "2ee638f48e314ce016268da90f16665748e1bd0b1b8789b54e5c2fdd3187e83c";
    let last_of_10 = "1b4d672a7290e5771e332b4202f1ae955416cf5e455179357fae9bdf85c77101";
    for (name, count, tag, digest, length) in [
        ("tags-10", 23, "v0.9-000009", last_of_10, 1009),
        ("tags-1k", 1013, "v9.99-000999", last, 1999),
        ("tags-10k", 10013, "v99.99-009999", last_of_10k, 1999),
    ] {
        let view = Fixture::load(name, "").refresh(MemoryStore::new());
        is_plain_first_use(&view);
        assert_eq!(view.targets().unwrap().len(), count, "{name}");
        signs(&view, tag, "targets", digest, length);
        assert_eq!(view.target("v").unwrap_err().code(), "NOT_SIGNED");
    }
}

#[test]
fn a_collection_of_many_delegations() {
    let view = Fixture::load("delegations", "").refresh(MemoryStore::new());
    is_plain_first_use(&view);
    assert_eq!(view.trusted().delegated().len(), 20);
    assert_eq!(view.targets().unwrap().len(), 1013, "those of targets/releases");
    let digest = "38de237ed2eeb99b5a297124d16531a9c0628a03538ecfdab99a573bf732c802";
    signs(&view, "v9.99-000999", "targets/releases", digest, 1999);
    let signer = RoleName::new("targets/signer19").unwrap();
    assert_eq!(view.targets_from(&[signer]).unwrap().len(), 1000);
}

#[test]
fn what_docker_trust_signed_is_what_docker_trust_inspect_prints() {
    let fixture = Fixture::load("docker-trust", "served");
    let view = fixture.refresh(MemoryStore::new());
    is_plain_first_use(&view);
    let printed: serde_json::Value = serde_json::from_slice(&fixture.file("inspect.json")).unwrap();
    let printed = &printed[0];
    assert_eq!(printed["Name"], fixture.gun.as_str());
    let signed = printed["SignedTags"].as_array().unwrap();
    assert_eq!(signed.len(), view.targets().unwrap().len());
    for tag in signed {
        let name = tag["SignedTag"].as_str().unwrap();
        signs(&view, name, "targets/releases", tag["Digest"].as_str().unwrap(), 313);
        let alice = RoleName::new("targets/alice").unwrap();
        assert_eq!(view.target_from(name, &[alice]).unwrap().length(), 313);
    }
}

#[test]
fn a_collection_whose_keys_were_rotated_three_times() {
    let v1 = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806";
    let v2 = "27dd8ed44a83ff94d557f9fd0412ed5a8cbca69ea04922d88c01184a07300a5a";
    let fixture = Fixture::load("rotated", "served");
    let view = fixture.refresh(MemoryStore::new());
    is_plain_first_use(&view);
    assert_eq!(view.trusted().root().body().version.get(), 5);
    assert_eq!(tags(&view), ["v1 targets", "v2 targets", "v3 targets/releases"]);
    signs(&view, "v1", "targets", v1, 4);
    signs(&view, "v2", "targets", v2, 4);
    signs(&view, "v3", "targets/releases", v1, 4);
    // RSA vouches for this one, and Docker does not look there.
    assert_eq!(view.target("rc/1").unwrap_err().code(), "NOT_SIGNED");
    let rsa = RoleName::new("targets/rel-rsa").unwrap();
    let target = view.target_from("rc/1", &[rsa]).unwrap();
    assert_eq!(target.image_digest().unwrap(), format!("sha256:{v2}"));
}

#[test]
fn roots_are_walked_from_the_first_to_the_fifth() {
    let fixture = Fixture::load("rotated", "served");
    for first in 1..=4 {
        let store = MemoryStore::new();
        let root = fixture.file(&format!("served/{first}.root.json"));
        store.write(&Slot::Metadata(RoleName::Root), &root).unwrap();
        let view = fixture.refresh(store.clone());
        assert_eq!(view.trusted().root().body().version.get(), 5);
        // A root alone says that the collection was used, and not how far it had come.
        let lost = [RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets];
        assert_eq!(view.notices(), lost.map(|role| Notice::FloorLost { role }), "from {first}");
        let kept = store.read(&Slot::Metadata(RoleName::Root), u64::MAX).unwrap().unwrap();
        assert_eq!(kept, fixture.file("served/5.root.json"));
    }
}

#[test]
fn no_byte_of_a_timestamp_or_root_can_change() {
    let fixture = Fixture::load("tags-10", "");
    for role in [RoleName::Timestamp, RoleName::Root] {
        let resource = Resource::latest(role);
        let genuine = fixture.file(&resource.notary_name());
        for at in 0..genuine.len() {
            let mut changed = genuine.clone();
            changed[at] ^= 1;
            fixture.transport.insert(resource.clone(), changed);
            assert!(fixture.collection(MemoryStore::new()).refresh().is_err(), "{resource:?} byte {at}");
        }
        fixture.transport.insert(resource, genuine);
    }
    fixture.refresh(MemoryStore::new());
}

#[cfg(feature = "directory")]
mod folders {
    use tuf_notary::store::DirectoryStore;

    use super::*;

    /// A copy of a publisher's folder, as Notary or Docker left it.
    fn copy(fixture: &Fixture) -> tempfile::TempDir {
        let (copy, original) = (tempfile::tempdir().unwrap(), fixture.folder.join("trust-dir"));
        let mut files = Vec::new();
        all_files(&original, &original, &mut files);
        for file in files {
            fs::create_dir_all(copy.path().join(&file).parent().unwrap()).unwrap();
            fs::copy(original.join(&file), copy.path().join(&file)).unwrap();
        }
        copy
    }

    #[test]
    fn folders_of_notary_and_docker_are_used_as_they_are() {
        for name in ["rotated", "docker-trust"] {
            let fixture = Fixture::load(name, "served");
            let folder = copy(&fixture);
            let (mut before, mut after) = (Vec::new(), Vec::new());
            all_files(folder.path(), folder.path(), &mut before);
            let store = DirectoryStore::open(folder.path(), &fixture.gun);
            assert_eq!(store.read(&Slot::Record, u64::MAX).unwrap(), None);
            let view = fixture.refresh(store.clone());
            assert_eq!(view.notices(), [], "{name}: no first use, no lost floor");
            all_files(folder.path(), folder.path(), &mut after);
            // The record and its lock have come, nothing has gone, and all is what was served.
            assert_eq!(after.len(), before.len() + 2, "{name}: {after:?}");
            for role in ["root", "timestamp", "snapshot", "targets"] {
                let kept = store.read(&Slot::Metadata(RoleName::new(role).unwrap()), u64::MAX);
                let served = fixture.file(&format!("served/{role}.json"));
                assert_eq!(kept.unwrap(), Some(served), "{name} {role}");
            }
            assert_eq!(tags(&view), tags(&fixture.refresh(store)), "{name}");
        }
    }
}
