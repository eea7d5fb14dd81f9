//! A server, an administrator, and signers with a key each.

use std::{
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use tuf_notary::{
    blocking::{Collection, Initialise, SnapshotKey},
    crypto::{KeyKind, PrivateKey, PublicKey, Signer, digest},
    edit::Changes,
    keys::{KeyError, KeyInfo, KeyRole, KeyStore, MemoryKeys},
    metadata::TargetInfo,
    name::{Gun, Hashes, KeyId, RoleName, SignerName, TargetName},
    store::MemoryStore,
    testkit::{Forge, TrustServer},
    verify::Trust,
    view::View,
    wire::notary,
};

pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A server and the administrator's keys.
pub struct Lab {
    pub server: TrustServer,
    pub keys: MemoryKeys,
    pub now: SystemTime,
}

/// Someone with one key.
#[derive(Clone, Debug)]
pub struct Person {
    pub keys: MemoryKeys,
    pub public: PublicKey,
    pub id: KeyId,
}

impl Lab {
    /// A collection with the tag `v0` in `targets`.
    pub fn new(snapshot: SnapshotKey) -> Self {
        let lab = Self { server: TrustServer::new(), keys: MemoryKeys::new(), now: Forge::now() };
        let plan = Initialise::new().snapshot_key(snapshot).changes(tag("v0"));
        lab.admin().initialise(&plan).unwrap();
        lab
    }

    /// A client with these keys that has seen nothing before.
    pub fn client(&self, keys: &MemoryKeys) -> Collection {
        self.client_with(keys, MemoryStore::new())
    }

    pub fn client_with(&self, keys: &MemoryKeys, store: MemoryStore) -> Collection {
        self.build(keys.clone(), store)
    }

    pub fn admin(&self) -> Collection {
        self.client(&self.keys)
    }

    /// The administrator with the keys of others at hand too.
    pub fn admin_with(&self, people: &[&Person]) -> Collection {
        let people = people.iter().map(|person| person.keys.clone());
        self.build(Joined([self.keys.clone()].into_iter().chain(people).collect()), MemoryStore::new())
    }

    fn build(&self, keys: impl KeyStore + 'static, store: MemoryStore) -> Collection {
        let gun = gun();
        self.server.set_now(self.now);
        Collection::builder(gun.clone(), Trust::FirstUse)
            .transport(self.server.transport(&gun))
            .store(store)
            .keys(keys)
            .clock({
                let now = self.now;
                move || now
            })
            .build()
    }

    /// What a new reader sees.
    pub fn view(&self) -> View {
        self.client(&MemoryKeys::new()).refresh().unwrap()
    }

    /// The change fails for this reason, and no file on the server changes.
    #[track_caller]
    pub fn refused(&self, by: &Collection, changes: &Changes, code: &str) -> String {
        let before = self.server.checkpoint(&gun());
        let error = by.publish(changes).map(|_| ()).expect_err("the change went through");
        assert_eq!(error.code(), code, "{error}");
        assert!(self.server.checkpoint(&gun()) == before, "something was published");
        error.to_string()
    }
}

impl Person {
    pub fn new(name: &str) -> Self {
        Self::of_kind(name, KeyKind::Ecdsa)
    }

    pub fn of_kind(name: &str, kind: KeyKind) -> Self {
        let keys = MemoryKeys::new();
        let signer = keys.generate(kind, &KeyRole::new(name).unwrap(), None).unwrap();
        let public = signer.public_key().clone();
        Self { keys, id: notary::canonical_id(&public), public }
    }
}

/// The keys of several people at one place.
#[derive(Debug)]
struct Joined(Vec<MemoryKeys>);

impl KeyStore for Joined {
    fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        Ok(self.0.iter().flat_map(|keys| keys.list().unwrap()).collect())
    }

    fn signer(&self, id: &KeyId) -> Result<Box<dyn Signer>, KeyError> {
        self.0.iter().find_map(|keys| keys.signer(id).ok()).ok_or(KeyError::NotFound { id: id.clone() })
    }

    fn generate(
        &self,
        kind: KeyKind,
        role: &KeyRole,
        gun: Option<&Gun>,
    ) -> Result<Box<dyn Signer>, KeyError> {
        self.0[0].generate(kind, role, gun)
    }

    fn import(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError> {
        self.0[0].import(key, role, gun)
    }

    fn remove(&self, id: &KeyId) -> Result<(), KeyError> {
        self.0[0].remove(id)
    }
}

pub fn gun() -> Gun {
    Gun::new("registry.example.com/team/app").unwrap()
}

pub fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

pub fn signer(name: &str) -> SignerName {
    SignerName::new(name).unwrap()
}

pub fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

pub fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// Everything.
pub fn all() -> Vec<String> {
    vec![String::new()]
}

/// What is signed about a content.
pub fn info(content: &str) -> TargetInfo {
    let hashes = Hashes::sha256(digest::sha256(content.as_bytes()));
    TargetInfo { length: content.len().try_into().unwrap(), hashes, custom: None }
}

/// Signs a tag, whose content is its own name.
pub fn tag(name: &str) -> Changes {
    Changes::new().sign(target(name), info(name))
}

/// Names in a role that a reader would trust there.
pub fn tags(view: &View, name: &str) -> Vec<String> {
    let targets = view.targets_from(&[role(name)]).unwrap();
    targets.iter().map(|target| target.name().to_owned()).collect()
}
