//! What every attack needs: a forge, a server that serves what it makes, and a client.

use std::time::SystemTime;

use crate::facade::Collection;
use tuf_notary::{
    crypto::PrivateKey,
    error::Error,
    keys::{KeyRole, KeyStore as _, MemoryKeys},
    limits::Limits,
    name::{Gun, RoleName, Slot},
    store::{MemoryStore, MetadataStore},
    testkit::{Forge, Published, TrustServer},
    transport::Transport,
    verify::Trust,
    view::View,
};

/// The collection that is attacked.
pub const GUN: &str = "registry.example.com/team/app";

/// A publisher's tools, a server, and a client with a store of its own.
pub struct Lab {
    pub forge: Forge,
    pub server: TrustServer,
    pub store: MemoryStore,
    pub trust: Trust,
    pub limits: Limits,
    pub now: SystemTime,
}

impl Lab {
    /// A correct repository that nobody has served or seen yet.
    pub fn new() -> Self {
        Self {
            forge: Forge::new(GUN),
            server: TrustServer::new(),
            store: MemoryStore::new(),
            trust: Trust::FirstUse,
            limits: Limits::default(),
            now: Forge::now(),
        }
    }

    /// A correct repository that the client has trusted before.
    pub fn trusting() -> Self {
        let mut lab = Self::new();
        lab.serve();
        lab.refresh().expect("a correct repository is trusted");
        lab
    }

    /// Serves what the forge makes now.
    pub fn serve(&mut self) -> Published {
        let published = self.forge.build();
        self.server.serve(&published);
        published
    }

    /// A client over the lab's store and server, at the lab's time.
    pub fn collection(&self) -> Collection {
        Collection::builder(self.gun(), self.trust.clone())
            .transport(self.server.transport(&self.gun()))
            .store(self.store.clone())
            .limits(self.limits)
            .clock({
                let now = self.now;
                move || now
            })
            .build()
    }

    /// One refresh by a new client over the lab's store.
    pub fn refresh(&self) -> Result<View, Error> {
        self.collection().refresh()
    }

    pub fn gun(&self) -> Gun {
        Gun::new(GUN).unwrap()
    }

    /// What the client keeps of a role.
    pub fn kept(&self, role: &str) -> Option<Vec<u8>> {
        self.store.read(&Slot::Metadata(RoleName::new(role).unwrap()), u64::MAX).unwrap()
    }

    /// Puts a file into the client's cache, as someone with write access would.
    pub fn plant(&self, role: &str, bytes: &[u8]) {
        self.store.write(&Slot::Metadata(RoleName::new(role).unwrap()), bytes).unwrap();
    }

    /// Takes a file out of the client's cache.
    pub fn steal(&self, role: &str) {
        self.store.remove(&Slot::Metadata(RoleName::new(role).unwrap())).unwrap();
    }

    /// The refresh fails for this reason.
    #[track_caller]
    pub fn refused(&self, code: &str) -> Error {
        let error = self.refresh().map(|view| format!("{view:?}")).expect_err("the attack succeeded");
        assert_eq!(error.code(), code, "{error}");
        error
    }

    /// The refresh fails for this reason, none of `roles` changes in the cache, and a healthy
    /// server is trusted again afterwards.
    #[track_caller]
    pub fn refused_and_kept(&self, code: &str, roles: &[&str], healthy: &Published) -> Error {
        let before: Vec<_> = roles.iter().map(|role| self.kept(role)).collect();
        let error = self.refused(code);
        for (role, before) in roles.iter().zip(before) {
            assert_eq!(self.kept(role), before, "{role} changed in the cache");
        }
        self.server.behave(&self.gun());
        self.server.serve(healthy);
        self.refresh().expect("a healthy server is trusted again");
        error
    }

    /// The version of a role's file in a view.
    pub fn version(view: &View, role: &str) -> Option<u64> {
        let role = RoleName::new(role).unwrap();
        view.roles().into_iter().find(|status| status.role == role)?.file.map(|(version, _)| version.get())
    }

    /// A publisher with a store of their own and the forge's keys for targets and snapshot.
    pub fn publisher(&mut self, transport: impl Transport + 'static) -> Collection {
        let (gun, keys) = (self.gun(), MemoryKeys::new());
        for (role, key_role) in [("targets", KeyRole::Targets), ("snapshot", KeyRole::Snapshot)] {
            for key in self.forge.keys(role) {
                let private = PrivateKey::from_pkcs8_der(&key.private().to_notary_pkcs8()).unwrap();
                keys.import(private, &key_role, Some(&gun)).unwrap();
            }
        }
        Collection::builder(gun, self.trust.clone())
            .transport(transport)
            .keys(keys)
            .clock({
                let now = self.now;
                move || now
            })
            .build()
    }
}
