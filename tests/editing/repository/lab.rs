//! A repository in a map, whose files are uploaded one by one.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, SystemTime},
};

use tuf_notary::{
    crypto::{PemBlock, PrivateKey, Signer as _},
    edit::{
        EditError,
        repository::{Lifetimes, Publication, Release, RepositoryEditor},
    },
    limits::Limits,
    metadata::TargetInfo,
    name::{Gun, Resource, RoleName, TargetName},
    verify::{Refresh, RefreshPlan, Reply, Step, Trust, TrustedSet},
    wire::Dialect,
};

pub const DAY: Duration = Duration::from_secs(86_400);
pub const TOP: [RoleName; 4] = [RoleName::Root, RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets];

pub type Files = BTreeMap<String, Vec<u8>>;

/// A repository with one offline and one online key.
pub struct Lab {
    pub offline: PrivateKey,
    pub online: PrivateKey,
    pub files: Files,
    pub now: SystemTime,
}

impl Lab {
    /// Published with the target `v1`.
    pub fn new() -> Self {
        let mut lab = Self::unpublished();
        let mut editor = lab.editor();
        editor.add_target(&RoleName::Targets, &target("v1"), &info(b"one")).unwrap();
        lab.publish(&editor);
        lab
    }

    pub fn unpublished() -> Self {
        Self {
            offline: key(),
            online: key(),
            files: Files::new(),
            now: SystemTime::UNIX_EPOCH + DAY * 20_000,
        }
    }

    /// A repository that begins, with all its keys.
    pub fn editor(&self) -> RepositoryEditor {
        let mut editor = RepositoryEditor::new(Lifetimes::default());
        for (role, key) in [
            (RoleName::Root, &self.offline),
            (RoleName::Targets, &self.offline),
            (RoleName::Snapshot, &self.online),
            (RoleName::Timestamp, &self.online),
        ] {
            editor.add_key(&role, key.public_key()).unwrap();
        }
        editor
    }

    pub fn open(&self) -> RepositoryEditor {
        open(&self.files).unwrap()
    }

    /// Signs with both keys and uploads.
    pub fn publish(&mut self, editor: &RepositoryEditor) -> Publication {
        self.publish_with(editor, &[])
    }

    pub fn publish_with(&mut self, editor: &RepositoryEditor, more: &[&PrivateKey]) -> Publication {
        let mut release = editor.stage(self.now).unwrap();
        self.sign(&mut release, more);
        let publication = release.complete(self.now).unwrap();
        self.upload(&publication);
        publication
    }

    pub fn sign(&self, release: &mut Release, more: &[&PrivateKey]) {
        for key in [&self.offline, &self.online].iter().chain(more) {
            release.sign(*key).unwrap();
        }
    }

    pub fn upload(&mut self, publication: &Publication) {
        for (name, file) in publication.files() {
            self.files.insert(name, file.to_vec());
        }
    }

    /// What a client that trusts the first root makes of the files.
    pub fn client(&self) -> TrustedSet {
        self.client_from(&self.files["1.root.json"]).unwrap()
    }

    pub fn client_from(&self, root: &[u8]) -> Result<TrustedSet, tuf_notary::verify::VerifyError> {
        let mut machine = Refresh::new(RefreshPlan {
            gun: Gun::new("repository").unwrap(),
            trust: Trust::Root(root.to_vec()),
            dialect: Dialect::Tuf1,
            limits: Limits::default(),
            now: self.now,
            as_of: false,
            offline: false,
        });
        loop {
            let found = match machine.step() {
                Step::Fetch { resource, .. } => self.files.get(&resource.tuf_name()).cloned(),
                Step::Load(_) => None,
                Step::Done => return machine.finish(),
                _ => continue,
            };
            machine.supply(found.map_or(Reply::Absent, Reply::Found))?;
        }
    }

    /// Changes a published file, which its first signer signs anew: with the offline key, unless another
    /// is named.
    pub fn resign(
        &mut self,
        name: &str,
        key: Option<&PrivateKey>,
        edit: impl FnOnce(&mut serde_json::Value),
    ) {
        let mut file = self.read(name);
        edit(&mut file["signed"]);
        // Keys in order and no blanks: the canonical form of what stands in these files.
        let key = key.unwrap_or(&self.offline);
        let signature = key.sign(&serde_json::to_vec(&file["signed"]).unwrap()).unwrap();
        let keyid = file["signatures"][0]["keyid"].take();
        let sig = data_encoding::HEXLOWER.encode(&signature);
        file["signatures"] = serde_json::json!([{"keyid": keyid, "sig": sig}]);
        self.files.insert(name.to_owned(), serde_json::to_vec(&file).unwrap());
    }

    pub fn read(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.files[name]).unwrap()
    }
}

pub fn open(files: &Files) -> Result<RepositoryEditor, EditError> {
    RepositoryEditor::open(Lifetimes::default(), reader(files))
}

pub fn reader(files: &Files) -> impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>> + '_ {
    |what| Ok(files.get(&what.tuf_name()).cloned())
}

pub fn key() -> PrivateKey {
    PrivateKey::generate_ed25519().unwrap()
}

/// A key of the repository in the fixtures.
pub fn fixture_key(name: &str) -> PrivateKey {
    let pem = std::fs::read(crate::common::fixture("tuf/maintained").join(name)).unwrap();
    PrivateKey::from_pem(&PemBlock::read_all(&pem)[0], None).unwrap()
}

pub fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

pub fn role(name: &str) -> RoleName {
    RoleName::tuf(name).unwrap()
}

pub fn info(content: &[u8]) -> TargetInfo {
    TargetInfo::from_bytes(content)
}

pub fn names(publication: &Publication) -> Vec<String> {
    publication.files().map(|(name, _)| name).collect()
}
