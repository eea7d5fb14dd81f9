//! One job, done by each client: from a trusted root to the length that is signed for one target.

use std::{path::Path, sync::Arc};

use sigstore_tuf::{Updater, UpdaterConfig};
use tokio::runtime::{Builder, Runtime};
use tough::{FilesystemTransport, RepositoryLoader};
use tuf::{
    client::{Client, Config},
    metadata::{MetadataPath, MetadataVersion, RawSignedMetadata},
    pouf::Pouf1,
    repository::{EphemeralRepository, FileSystemRepository, RepositoryProvider, RepositoryStorage as _},
};
use tuf_notary::{
    blocking::Repository,
    name::{Form, Resource, RoleName, TargetName, Version},
    store::RepositoryStore,
    transport::{MemoryTransport, RepositoryDirectory, Transport},
};
use url::Url;

use crate::{
    files::Files,
    transports::{ForSigstore, ForTough},
};

/// Everything that is made once and serves each run.
pub struct Clients {
    files: Files,
    runtime: Runtime,
    ours: MemoryTransport,
    sigstore: Arc<std::collections::BTreeMap<String, Vec<u8>>>,
    tough: ForTough,
    rust_tuf: EphemeralRepository<Pouf1>,
}

impl Clients {
    /// Puts the files where each client finds them without any input or output.
    pub fn new(files: Files) -> Self {
        let runtime = runtime();
        let ours = files.metadata.iter().map(|(name, file)| (resource(name), file.clone()));
        let tough = files.metadata.iter().map(|(name, file)| (name.clone(), file.clone().into()));
        let rust_tuf = EphemeralRepository::new();
        for (name, file) in &files.metadata {
            let (path, version) = metadata_path(name);
            runtime.block_on(rust_tuf.store_metadata(&path, version, &mut file.as_slice())).expect("stored");
        }
        Self {
            ours: ours.collect(),
            sigstore: Arc::new(files.metadata.clone()),
            tough: ForTough(Arc::new(tough.collect())),
            rust_tuf,
            runtime,
            files,
        }
    }

    /// This crate's blocking client, which keeps what it has verified in memory.
    pub fn ours(&self) -> u64 {
        look_up(&repository(self.files.root(), self.ours.clone()), &self.files.target)
    }

    /// A client of ours that has refreshed once.
    pub fn refreshed(&self) -> Repository {
        let repository = repository(self.files.root(), self.ours.clone());
        repository.refresh().expect("trusted");
        repository
    }

    /// sigstore-tuf without a store, which is its fastest.
    pub fn sigstore(&self) -> u64 {
        let repository = ForSigstore(Arc::clone(&self.sigstore));
        self.runtime.block_on(sigstore(self.files.root(), repository, &self.files.target))
    }

    /// tough, which can't do without its folder: `store` is new and empty.
    pub fn tough(&self, store: &Path) -> u64 {
        let base: Url = "memory:///".parse().expect("a URL");
        let loader = RepositoryLoader::new(&self.files.metadata["1.root.json"], base.clone(), base)
            .transport(self.tough.clone())
            .datastore(store);
        self.runtime.block_on(tough(loader, &self.files.target))
    }

    /// rust-tuf with a local repository in memory, which it can't do without.
    pub fn rust_tuf(&self) -> u64 {
        let local = EphemeralRepository::<Pouf1>::new();
        self.runtime.block_on(rust_tuf(self.files.root(), local, &self.rust_tuf, &self.files.target))
    }
}

/// The same job on files in a folder, by the client of this name, in a process that does nothing else.
pub fn run(client: &str, folder: &Path, target: &str) -> u64 {
    let metadata = folder.join("metadata");
    let root = std::fs::read(metadata.join("1.root.json")).expect("a root");
    match client {
        "ours" => {
            let store = RepositoryStore::open(folder.join("store"));
            let transport = RepositoryDirectory::new(folder);
            look_up(&Repository::builder(root).transport(transport).store(store).build(), target)
        }
        "ours in memory" => look_up(&repository(&root, RepositoryDirectory::new(folder)), target),
        "sigstore-tuf" => {
            let names = ["timestamp.json", "1.snapshot.json", "1.targets.json"];
            let files = names.map(|name| (name.to_owned(), metadata.join(name)));
            runtime().block_on(sigstore(&root, crate::transports::FromFolder(files.into()), target))
        }
        "tough" => {
            let url = |name: &str| Url::from_directory_path(folder.join(name)).expect("an absolute path");
            let loader = RepositoryLoader::new(&root, url("metadata"), url("targets"));
            runtime().block_on(tough(loader.transport(FilesystemTransport), target))
        }
        "rust-tuf" => {
            let (local, remote) = (EphemeralRepository::new(), FileSystemRepository::<Pouf1>::new(folder));
            runtime().block_on(rust_tuf(&root, local, &remote, target))
        }
        _ => 0,
    }
}

fn repository(root: &[u8], transport: impl Transport + 'static) -> Repository {
    Repository::builder(root).transport(transport).build()
}

fn look_up(repository: &Repository, target: &str) -> u64 {
    let name = TargetName::new(target).expect("a name");
    repository.find(&name).expect("trusted").expect("signed").length()
}

async fn sigstore(root: &[u8], repository: impl sigstore_tuf::Repository + 'static, target: &str) -> u64 {
    let mut config = UpdaterConfig::default();
    config.targets_max_length = 1 << 30;
    let mut updater = Updater::new(repository, root).expect("a root").with_config(config);
    let now = jiff::Timestamp::now();
    updater.refresh(now).await.expect("trusted");
    updater.get_target_info(target, now).await.expect("trusted").expect("signed").length
}

async fn tough(loader: RepositoryLoader<'_>, target: &str) -> u64 {
    let repository = loader.load().await.expect("trusted");
    let name = tough::TargetName::new(target).expect("a name");
    repository.targets().signed.find_target(&name, false).expect("signed").length
}

async fn rust_tuf(
    root: &[u8],
    local: EphemeralRepository<Pouf1>,
    remote: &(impl RepositoryProvider<Pouf1> + Sync),
    target: &str,
) -> u64 {
    let config = Config::build().max_targets_length(None).finish().expect("a configuration");
    let root = RawSignedMetadata::new(root.to_vec());
    let mut client = Client::with_trusted_root(config, &root, local, remote).await.expect("a root");
    client.update().await.expect("trusted");
    let target = tuf::metadata::TargetPath::new(target).expect("a name");
    client.fetch_target_description(&target).await.expect("signed").length()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

/// The role and the version in a file's name.
fn parts(name: &str) -> (&str, Option<u32>) {
    let name = name.trim_end_matches(".json");
    match name.split_once('.') {
        Some((version, role)) => (role, version.parse().ok()),
        None => (name, None),
    }
}

fn resource(name: &str) -> Resource {
    let (role, version) = parts(name);
    let role = RoleName::tuf(role).expect("a role");
    match version {
        Some(version) => {
            Resource { role, form: Form::Version(Version::new(version.into()).expect("a version")) }
        }
        None => Resource::latest(role),
    }
}

fn metadata_path(name: &str) -> (MetadataPath, MetadataVersion) {
    let (role, version) = parts(name);
    let version = version.map_or(MetadataVersion::None, MetadataVersion::Number);
    (MetadataPath::new(role.to_owned()).expect("a role"), version)
}
