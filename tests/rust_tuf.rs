//! rust-tuf, the crate `tuf`, both ways: we read what it builds, through its own repositories, and its
//! client reads what we write and sign.

#![cfg(feature = "rust-tuf")]

use std::{sync::Arc, time::SystemTime};

use futures_util::io::{AsyncReadExt as _, Cursor};
use tuf::{
    client::{Client, Config},
    crypto::{Ed25519PrivateKey, HashAlgorithm, PrivateKey as _},
    metadata::{
        Delegation, Metadata as _, MetadataPath, MetadataVersion, RawSignedMetadata, SignedMetadata,
        TargetPath, TargetsMetadata, TargetsMetadataBuilder,
    },
    pouf::Pouf1,
    repo_builder::RepoBuilder,
    repository::{EphemeralRepository, FileSystemRepository, RepositoryProvider, RepositoryStorage},
};
use tuf_notary::{
    crypto::{PrivateKey, digest},
    edit::repository::{Lifetimes, Pins, Publication, RepositoryEditor},
    future::Repository,
    metadata::TargetInfo,
    name::{Form, Resource, RoleName, TargetName, Version},
    testkit::suite::{self, Served, ServedTargets},
    transport::{AsyncTransport as _, RustTufRepository},
};

const CONTENT: &[u8] = b"the content of a target";
/// A delegated one, which rust-tuf's own client does not find.
const LARGE: &str = "large/file.bin";

fn large() -> Vec<u8> {
    (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect()
}

fn key() -> Ed25519PrivateKey {
    Ed25519PrivateKey::from_pkcs8(&Ed25519PrivateKey::pkcs8().unwrap()).unwrap()
}

/// Writes version 1 of a repository with one target in the top-level role and one in a delegated
/// one; returns its root.
async fn build<R>(repository: &R) -> Vec<u8>
where
    R: RepositoryProvider<Pouf1> + RepositoryStorage<Pouf1> + Sync,
{
    let keys: [_; 5] = std::array::from_fn(|_| key());
    let [root, timestamp, snapshot, targets, delegated] = &keys;
    let path = TargetPath::new(LARGE).unwrap();
    let content = large();
    let signed = TargetsMetadataBuilder::new()
        .insert_target_from_slice(path.clone(), &content, &[HashAlgorithm::Sha256, HashAlgorithm::Sha512])
        .unwrap()
        .signed::<Pouf1>(delegated)
        .unwrap();
    store(repository, "large", &signed).await;
    let prefix = data_encoding::HEXLOWER.encode(&digest::sha512(&content));
    let place = TargetPath::new(format!("large/{prefix}.file.bin")).unwrap();
    repository.store_target(&place, &mut content.as_slice()).await.unwrap();
    let role = MetadataPath::new("large").unwrap();
    let delegation = Delegation::builder(role).key(delegated.public()).delegate_path(path).build().unwrap();
    let set = RepoBuilder::create(repository)
        .trusted_root_keys(&[root])
        .trusted_timestamp_keys(&[timestamp])
        .trusted_snapshot_keys(&[snapshot])
        .trusted_targets_keys(&[targets])
        .stage_root()
        .unwrap()
        .add_delegation_key(delegated.public().clone())
        .add_delegation_role(delegation)
        .add_target(TargetPath::new("dir/small.txt").unwrap(), Cursor::new(CONTENT))
        .await
        .unwrap()
        .stage_targets()
        .unwrap()
        .snapshot_includes_length(true)
        .snapshot_includes_hashes(&[HashAlgorithm::Sha256])
        .stage_snapshot_with_builder(|snapshot| {
            snapshot.insert_metadata_with_path("large", &signed, &[HashAlgorithm::Sha256]).unwrap()
        })
        .unwrap()
        .commit()
        .await
        .unwrap();
    set.root().unwrap().as_bytes().to_vec()
}

async fn store(
    repository: &impl RepositoryStorage<Pouf1>,
    role: &'static str,
    signed: &SignedMetadata<Pouf1, TargetsMetadata>,
) {
    let (raw, path) = (signed.to_raw().unwrap(), MetadataPath::new(role).unwrap());
    let version = MetadataVersion::Number(1);
    repository.store_metadata(&path, version, &mut raw.as_bytes()).await.unwrap();
}

/// We find and download, and the adapter keeps what transports promise.
async fn read_all<R: RepositoryProvider<Pouf1> + Send + Sync + 'static>(repository: R, root: Vec<u8>) {
    let transport = RustTufRepository::<Pouf1, _>::new(repository);
    let ours =
        Repository::builder(root.clone()).transport(transport.clone()).targets(transport.clone()).build();
    ours.refresh().await.unwrap();
    let mut present = Vec::new();
    for (name, content) in [("dir/small.txt", CONTENT.to_vec()), (LARGE, large())] {
        let found = ours.find(&TargetName::new(name).unwrap()).await.unwrap().expect(name);
        let mut downloaded = Vec::new();
        ours.download(&found, &mut downloaded).await.unwrap();
        assert!(downloaded == content, "{name}");
        present.push((found.paths().last().unwrap().clone(), content));
    }
    assert_eq!(ours.find(&TargetName::new("dir/other.txt").unwrap()).await.unwrap(), None);

    let targets = ServedTargets { present, absent: "dir/other.txt".to_owned() };
    suite::async_target_transport(&transport, &targets).await;
    let timestamp = transport.fetch(&Resource::latest(RoleName::Timestamp), 1 << 20).await.unwrap();
    let served = Served {
        present: vec![
            (versioned(RoleName::Root, 1), root),
            (Resource::latest(RoleName::Timestamp), timestamp),
        ],
        absent: versioned(RoleName::Root, 2),
    };
    suite::async_transport(&transport, &served).await;
}

fn versioned(role: RoleName, version: u64) -> Resource {
    Resource { role, form: Form::Version(Version::new(version).unwrap()) }
}

#[tokio::test]
async fn we_read_what_it_builds_in_memory() {
    let repository = Arc::new(EphemeralRepository::<Pouf1>::new());
    let root = build(&*repository).await;
    read_all(repository, root).await;
}

#[tokio::test]
async fn we_read_what_it_builds_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = build(&FileSystemRepository::<Pouf1>::new(folder.path())).await;
    read_all(FileSystemRepository::<Pouf1>::new(folder.path()), root).await;
}

#[tokio::test]
async fn what_its_repository_holds_is_not_believed() {
    let repository = Arc::new(EphemeralRepository::<Pouf1>::new());
    let root = build(&*repository).await;
    let place = data_encoding::HEXLOWER.encode(&digest::sha256(CONTENT));
    let place = TargetPath::new(format!("dir/{place}.small.txt")).unwrap();
    let forged = CONTENT.to_ascii_uppercase();
    repository.store_target(&place, &mut forged.as_slice()).await.unwrap();
    let transport = RustTufRepository::<Pouf1, _>::new(Arc::clone(&repository));
    let ours = Repository::builder(root).transport(transport.clone()).targets(transport).build();
    let found = ours.find(&TargetName::new("dir/small.txt").unwrap()).await.unwrap().unwrap();
    ours.download(&found, Vec::new()).await.unwrap_err();

    let path = MetadataPath::targets();
    let signed = TargetsMetadataBuilder::new().signed::<Pouf1>(&key()).unwrap();
    let (raw, version) = (signed.to_raw().unwrap(), MetadataVersion::Number(1));
    repository.store_metadata(&path, version, &mut raw.as_bytes()).await.unwrap();
    let error = ours.refresh().await.map(drop);
    assert!(error.is_ok(), "what is pinned is kept: {error:?}");
    ours.dangerous().forget().await.unwrap();
    assert!(ours.refresh().await.unwrap_err().is_untrusted());
}

/// A release as its authors upload it to a repository of rust-tuf's.
async fn upload(repository: &impl RepositoryStorage<Pouf1>, publication: &Publication, content: &[u8]) {
    for path in publication.targets().iter().flat_map(|target| &target.paths) {
        let path = TargetPath::new(path.as_str()).unwrap();
        repository.store_target(&path, &mut &*content).await.unwrap();
    }
    for (what, file) in publication.resources() {
        let path = MetadataPath::new(what.role.as_str().to_owned()).unwrap();
        let version = match &what.form {
            Form::Version(version) => MetadataVersion::Number(version.get().try_into().unwrap()),
            _ => MetadataVersion::None,
        };
        repository.store_metadata(&path, version, &mut &**file).await.unwrap();
    }
}

/// What both clients find and download.
async fn is_read(theirs: &mut TheirClient<'_>, ours: &Repository, content: &[u8]) {
    theirs.update().await.unwrap();
    let target = TargetPath::new("dir/app.tar").unwrap();
    theirs.fetch_target_to_local(&target).await.unwrap();
    let mut downloaded = Vec::new();
    let mut stored = theirs.local_repo().fetch_target(&target).await.unwrap();
    stored.read_to_end(&mut downloaded).await.unwrap();
    assert_eq!(downloaded, content, "theirs");

    ours.refresh().await.unwrap();
    let found = ours.find(&TargetName::new("dir/app.tar").unwrap()).await.unwrap().unwrap();
    downloaded.clear();
    ours.download(&found, &mut downloaded).await.unwrap();
    assert_eq!(downloaded, content, "ours");
}

type TheirClient<'a> = Client<Pouf1, EphemeralRepository<Pouf1>, &'a EphemeralRepository<Pouf1>>;

/// With another root key and another content in the second release.
async fn both_read_what_we_publish(pins: Pins) {
    let keys: [_; 5] = std::array::from_fn(|_| PrivateKey::generate_ed25519().unwrap());
    let [root, targets, snapshot, timestamp, next_root] = &keys;
    let mut editor = RepositoryEditor::new(Lifetimes::default());
    // It reads no other.
    editor.set_spec_version("1.0.0").unwrap();
    editor.set_pins(pins);
    for (role, key) in [
        (RoleName::Root, root),
        (RoleName::Targets, targets),
        (RoleName::Snapshot, snapshot),
        (RoleName::Timestamp, timestamp),
    ] {
        editor.add_key(&role, key.public_key()).unwrap();
    }
    let publish = |mut editor: RepositoryEditor, content: &[u8]| {
        let (name, info) = (TargetName::new("dir/app.tar").unwrap(), TargetInfo::from_bytes(content));
        editor.add_target(&RoleName::Targets, &name, &info).unwrap();
        let mut release = editor.stage(SystemTime::now()).unwrap();
        // In this order, as files are signed before those that pin them.
        for key in [root, next_root, targets, snapshot, timestamp] {
            release.sign(key).unwrap();
        }
        release.complete(SystemTime::now()).unwrap()
    };

    let remote = Arc::new(EphemeralRepository::<Pouf1>::new());
    let first = publish(editor, CONTENT);
    upload(&*remote, &first, CONTENT).await;
    let (_, trusted) = first.resources().find(|(what, _)| what.role == RoleName::Root).unwrap();
    let trusted = trusted.to_vec();
    let (local, raw) = (EphemeralRepository::<Pouf1>::new(), RawSignedMetadata::new(trusted.clone()));
    let mut theirs = Client::with_trusted_root(Config::default(), &raw, local, &*remote).await.unwrap();
    let transport = RustTufRepository::<Pouf1, _>::new(Arc::clone(&remote));
    let ours = Repository::builder(trusted).transport(transport.clone()).targets(transport).build();
    is_read(&mut theirs, &ours, CONTENT).await;

    let mut editor = first.into_editor();
    editor.add_key(&RoleName::Root, next_root.public_key()).unwrap();
    editor.remove_key(&RoleName::Root, root.public_key()).unwrap();
    upload(&*remote, &publish(editor, b"another content"), b"another content").await;
    is_read(&mut theirs, &ours, b"another content").await;
    assert_eq!(theirs.database().trusted_root().version(), 2);
}

#[tokio::test]
async fn it_reads_what_we_publish_with_versions_alone() {
    both_read_what_we_publish(Pins::Versions).await;
}

#[tokio::test]
async fn it_reads_what_we_publish_with_digests() {
    both_read_what_we_publish(Pins::Digests).await;
}
