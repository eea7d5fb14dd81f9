//! A new collection: keys, first metadata, first upload.

use std::time::SystemTime;

use super::{Core, Guard, keyring::Keyring, outgoing::Outgoing};
use crate::{
    crypto::digest,
    edit::{Changes, Draft, InitialKeys, RootKey},
    error::{Error, PublishError},
    keys::KeyRole,
    name::{Resource, RoleName, Slot, Version},
    transport::TransportError,
    verify::VerifyError,
    view::View,
    wire::{FirstUse, TrustRecord},
};

/// How a collection is to begin.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Initialise {
    root: Vec<RootKey>,
    snapshot: SnapshotKey,
    changes: Changes,
}

/// Who holds the snapshot key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotKey {
    /// We do: the server can't combine files on its own.
    #[default]
    Local,
    /// The server: needed where delegates publish on their own, and what Docker chooses.
    Server,
}

impl Initialise {
    /// A root key at hand or a new one, a local snapshot key, no targets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the root key.
    pub fn root_key(self, root: RootKey) -> Self {
        self.root_keys([root])
    }

    /// Chooses several root keys, each of which can sign the root. None at all is
    /// [`RootKey::Any`].
    pub fn root_keys(mut self, root: impl IntoIterator<Item = RootKey>) -> Self {
        self.root = root.into_iter().collect();
        self
    }

    /// Chooses who holds the snapshot key.
    pub const fn snapshot_key(mut self, snapshot: SnapshotKey) -> Self {
        self.snapshot = snapshot;
        self
    }

    /// Targets that are signed from the start, in the same upload.
    pub fn changes(mut self, changes: Changes) -> Self {
        self.changes = changes;
        self
    }
}

impl Core {
    /// Makes the keys that are missing, signs, uploads. Only the server's word that there is nothing
    /// begins a new collection. When it fails for good, the new keys are removed again.
    pub(crate) async fn initialise(&self, turn: Guard<'_>, plan: &Initialise) -> Result<View, Error> {
        turn.forget();
        self.check_writable()?;
        let _lock = self.lock().await?;
        let transport = self.transport()?;
        match transport.fetch(&Resource::latest(RoleName::Root), self.inner.limits.max_root).await {
            Err(TransportError::NotFound { .. }) => {}
            Ok(_) => return Err(Error::AlreadyExists { gun: self.inner.gun.clone() }),
            Err(error) => return Err(error.into()),
        }
        self.check_unused()?;
        let mut keyring = Keyring::new(self.keys()?);
        let outcome = self.begin(plan, &mut keyring).await;
        keyring.settle(outcome)
    }

    async fn begin(&self, plan: &Initialise, keyring: &mut Keyring<'_>) -> Result<View, Error> {
        let now = self.now();
        let initial = self.initial_keys(keyring, plan, now).await?;
        let held = keyring.held()?;
        let draft = Draft::initialise(&initial, &plan.changes, &held, now)?;
        self.check_delegations(&draft, None)?;
        let outgoing = self.sign(keyring, draft, &held, None)?;
        self.deliver_first(keyring, &outgoing).await?;
        let unkept = |error| PublishError::Unconfirmed { source: Box::new(error) };
        self.keep_own_root(&outgoing, now).map_err(unkept)?;
        self.confirm(&outgoing).await
    }

    /// A root that was trusted would not be succeeded by the new one, for us as for everybody who
    /// has it: that trust ends is said explicitly.
    fn check_unused(&self) -> Result<(), Error> {
        for slot in [Slot::Metadata(RoleName::Root), Slot::Record] {
            if self.inner.store.read(&slot, self.inner.limits.max_metadata)?.is_some() {
                let reason =
                    "the server does not know the collection, which was trusted before; forget it first";
                let (gun, reason) = (self.inner.gun.clone(), reason.to_owned());
                return Err(VerifyError::LocalState { gun, reason }.into());
            }
        }
        Ok(())
    }

    /// What we made is where our trust begins; what the server shows next is no first use.
    fn keep_own_root(&self, outgoing: &Outgoing, now: SystemTime) -> Result<(), Error> {
        let Some(root) = outgoing.file(&RoleName::Root) else { return Ok(()) };
        self.inner.store.write(&Slot::Metadata(RoleName::Root), root)?;
        let first_use = FirstUse { time: now, version: Version::ONE, sha256: digest::sha256(root) };
        let record = TrustRecord { first_use: Some(first_use), ..TrustRecord::new(self.inner.gun.clone()) };
        Ok(self.inner.store.write(&Slot::Record, &record.to_bytes())?)
    }

    async fn initial_keys(
        &self,
        keyring: &mut Keyring<'_>,
        plan: &Initialise,
        now: SystemTime,
    ) -> Result<InitialKeys, Error> {
        let gun = &self.inner.gun;
        let mut choice = plan.root.clone();
        if choice.is_empty() {
            choice.push(RootKey::Any);
        }
        for key in &mut choice {
            if let (RootKey::Any, Some(id)) = (&*key, keyring.any_root()?) {
                *key = RootKey::Existing(id);
            }
        }
        let choice = self.open_root_keys(keyring, &choice, now)?;
        // The server is asked before any key is made: when it refuses, none was made for nothing.
        let known = keyring.held()?;
        let timestamp = self.server_key(&RoleName::Timestamp, false, &known).await?;
        let server_snapshot = match plan.snapshot {
            SnapshotKey::Server => Some(self.server_key(&RoleName::Snapshot, false, &known).await?),
            SnapshotKey::Local => None,
        };
        let root = self.certify_root_keys(keyring, choice, now)?;
        let targets = keyring.make(&KeyRole::Targets, Some(gun))?;
        let (snapshot, server_snapshot) = match server_snapshot {
            Some(key) => (key, true),
            None => (keyring.make(&KeyRole::Snapshot, Some(gun))?, false),
        };
        Ok(InitialKeys { root, targets, snapshot, server_snapshot, timestamp })
    }
}
