//! rust-tuf, the crate `tuf`, both ways: we read what it builds, through its own repositories, and its
//! client reads what we write and sign.

#![cfg(feature = "rust-tuf")]

use std::{fmt::Write as _, sync::Arc};

use futures_util::io::Cursor;
use tuf::{
    client::{Client, Config},
    crypto::{Ed25519PrivateKey, HashAlgorithm, PrivateKey as _},
    metadata::{
        Delegation, MetadataPath, MetadataVersion, RawSignedMetadata, SignedMetadata, TargetPath,
        TargetsMetadata, TargetsMetadataBuilder,
    },
    pouf::Pouf1,
    repo_builder::RepoBuilder,
    repository::{EphemeralRepository, FileSystemRepository, RepositoryProvider, RepositoryStorage},
};
use tuf_notary::{
    crypto::{PrivateKey, Scheme, Signer as _, digest},
    future::Repository,
    name::{Form, Resource, RoleName, TargetName, Version},
    testkit::suite::{self, Served, ServedTargets},
    transport::{AsyncTransport as _, RustTufRepository},
    wire::{Dialect, Signature, seal, tuf1},
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

/// A key of ours as TUF 1.0 lists it.
struct Ours {
    key: PrivateKey,
    id: String,
    json: String,
}

impl Ours {
    fn new() -> Self {
        let key = PrivateKey::generate_ed25519().unwrap();
        let texts = key.public_key().to_tuf(Scheme::Ed25519).unwrap();
        let json = format!(
            r#"{{"keytype":"{}","keyval":{{"public":"{}"}},"scheme":"{}"}}"#,
            texts.keytype, texts.public, texts.scheme
        );
        let id = tuf1::key_id(key.public_key(), Scheme::Ed25519).unwrap().as_str().to_owned();
        Self { key, id, json }
    }

    fn sign(&self, body: &str) -> Vec<u8> {
        let bytes = self.key.sign(body.as_bytes()).unwrap();
        let signature = Signature::new(self.id.parse().unwrap(), Scheme::Ed25519, bytes);
        seal(Dialect::Tuf1, body.as_bytes(), &[signature])
    }
}

/// The files of a repository of ours, each with its role and version.
fn written(content: &[u8]) -> [(&'static str, MetadataVersion, Vec<u8>); 4] {
    let key = Ours::new();
    let head = |role: &str| format!(r#"{{"_type":"{role}","expires":"2090-01-01T00:00:00Z""#);
    let tail = r#""spec_version":"1.0.0""#;
    let digest = |bytes: &[u8]| data_encoding::HEXLOWER.encode(&digest::sha256(bytes));
    let info =
        |bytes: &[u8]| format!(r#"{{"hashes":{{"sha256":"{}"}},"length":{}"#, digest(bytes), bytes.len());
    let listing = |role: &str, name: &str, bytes: &[u8]| {
        let mut body = head(role);
        write!(body, r#","meta":{{"{name}.json":{},"version":1}}}},{tail},"version":1}}"#, info(bytes))
            .unwrap();
        key.sign(&body)
    };
    let mut body = head("targets");
    write!(body, r#",{tail},"targets":{{"app.tar":{}}}}},"version":1}}"#, info(content)).unwrap();
    let targets = key.sign(&body);
    let snapshot = listing("snapshot", "targets", &targets);
    let timestamp = listing("timestamp", "snapshot", &snapshot);
    let keys = format!(r#""keyids":["{}"],"threshold":1"#, key.id);
    let roles = ["root", "snapshot", "targets", "timestamp"].map(|role| format!(r#""{role}":{{{keys}}}"#));
    let root = key.sign(&format!(
        r#"{{"_type":"root","consistent_snapshot":true,"expires":"2090-01-01T00:00:00Z","keys":{{"{}":{}}},"roles":{{{}}},{tail},"version":1}}"#,
        key.id,
        key.json,
        roles.join(",")
    ));
    let one = MetadataVersion::Number(1);
    let timestamp = ("timestamp", MetadataVersion::None, timestamp);
    [("root", one, root), timestamp, ("snapshot", one, snapshot), ("targets", one, targets)]
}

#[tokio::test]
async fn it_reads_what_we_write() {
    let remote = EphemeralRepository::<Pouf1>::new();
    let files = written(CONTENT);
    for (role, version, file) in &files {
        let path = MetadataPath::new(*role).unwrap();
        remote.store_metadata(&path, *version, &mut file.as_slice()).await.unwrap();
    }
    let prefix = data_encoding::HEXLOWER.encode(&digest::sha256(CONTENT));
    let place = TargetPath::new(format!("{prefix}.app.tar")).unwrap();
    remote.store_target(&place, &mut &CONTENT[..]).await.unwrap();

    let (local, root) = (EphemeralRepository::<Pouf1>::new(), RawSignedMetadata::new(files[0].2.clone()));
    let mut theirs = Client::with_trusted_root(Config::default(), &root, local, &remote).await.unwrap();
    theirs.update().await.unwrap();
    let target = TargetPath::new("app.tar").unwrap();
    let found = theirs.fetch_target_description(&target).await.unwrap();
    assert_eq!(found.length(), u64::try_from(CONTENT.len()).unwrap());
    theirs.fetch_target_to_local(&target).await.unwrap();

    // And so do we, from the same place.
    let transport = RustTufRepository::<Pouf1, _>::new(remote);
    let ours =
        Repository::builder(files[0].2.clone()).transport(transport.clone()).targets(transport).build();
    let found = ours.find(&TargetName::new("app.tar").unwrap()).await.unwrap().unwrap();
    let mut content = Vec::new();
    ours.download(&found, &mut content).await.unwrap();
    assert_eq!(content, CONTENT);
}
