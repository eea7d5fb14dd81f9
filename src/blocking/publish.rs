//! Publishing: read, change, sign, upload in one step, read back.

use std::{collections::BTreeSet, time::SystemTime};

use super::{Collection, drive};
use crate::{
    crypto::{KeyKind, PublicKey, Signer, digest, self_signed},
    edit::{Changes, Draft, EditError, InitialKeys, ROOT_LIFETIME},
    error::Error,
    keys::{KeyRole, KeyStore},
    name::{KeyId, Resource, RoleName, Slot, Version},
    transport::{TransportError, Upload},
    verify::VerifyError,
    view::View,
    wire::{FirstUse, TrustRecord, notary},
};

/// How a collection is to begin.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Initialise {
    root: RootKey,
    snapshot: SnapshotKey,
    changes: Changes,
}

/// Which root key a new collection gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RootKey {
    /// The root key at hand with the lowest id, as Docker does; a new one when there is none.
    #[default]
    Any,
    /// A new one.
    New,
    /// The one with this canonical id.
    Existing(KeyId),
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
    pub fn root_key(mut self, root: RootKey) -> Self {
        self.root = root;
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

impl Collection {
    /// Creates the collection on the server: makes the keys that are missing, signs, uploads.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the server knows the collection; the server could not be
    /// asked (only its word that there is nothing begins a new collection); a key failed.
    pub fn initialise(&self, plan: &Initialise) -> Result<View, Error> {
        let _turn = self.turn();
        let _lock = drive::lock(&*self.inner.store, self.inner.lock_wait)?;
        let transport = self.transport()?;
        match transport.fetch(&Resource::latest(RoleName::Root), self.inner.limits.max_root) {
            Err(TransportError::NotFound { .. }) => {}
            Ok(_) => return Err(Error::AlreadyExists { gun: self.inner.gun.clone() }),
            Err(error) => return Err(error.into()),
        }
        let keys = self.keys()?;
        let now = self.now();
        let held = self.held()?;
        let (initial, mut signers) = self.initial_keys(keys, plan, now)?;
        let draft = Draft::initialise(&initial, &plan.changes, &held, now)?;
        let own: BTreeSet<_> =
            signers.iter().map(|signer| notary::canonical_id(signer.public_key())).collect();
        let others = draft.key_ids().into_iter().filter(|id| held.contains(id) && !own.contains(id));
        for id in others {
            signers.push(keys.signer(&id)?);
        }
        let upload = Upload::new(draft.sign(&signers)?);
        transport.publish(&upload)?;
        self.keep_own_root(&upload, now)?;
        self.refresh_locked()
    }

    /// What we made is where our trust begins; what the server shows next is no first use.
    fn keep_own_root(&self, upload: &Upload, now: SystemTime) -> Result<(), Error> {
        let (store, slot) = (&self.inner.store, Slot::Metadata(RoleName::Root));
        let root = upload.files.iter().find(|(role, _)| *role == RoleName::Root);
        let (Some((_, root)), None) = (root, store.read(&slot, self.inner.limits.max_metadata)?) else {
            return Ok(());
        };
        store.write(&slot, root)?;
        let first_use = FirstUse { time: now, version: Version::ONE, sha256: digest::sha256(root) };
        let record = TrustRecord { first_use: Some(first_use), ..TrustRecord::new(self.inner.gun.clone()) };
        Ok(store.write(&Slot::Record, &record.to_bytes())?)
    }

    /// Applies changes to the newest metadata, signs with the keys at hand and uploads all
    /// changed files in one step.
    ///
    /// # Errors
    /// The collection can't be read; a change is not possible; a key is missing; the server
    /// refused. The server holds either everything or nothing of it.
    pub fn publish(&self, changes: &Changes) -> Result<View, Error> {
        let _turn = self.turn();
        let _lock = drive::lock(&*self.inner.store, self.inner.lock_wait)?;
        let view = self.refresh_locked()?;
        let keys = self.keys()?;
        let held = self.held()?;
        let draft = self.draft(&view, changes, &held)?;
        if draft.is_empty() {
            return Ok(view);
        }
        let needed = draft.key_ids();
        let signers = held.intersection(&needed).map(|id| keys.signer(id)).collect::<Result<Vec<_>, _>>()?;
        self.upload(draft, &signers)
    }

    fn upload(&self, draft: Draft, signers: &[Box<dyn Signer>]) -> Result<View, Error> {
        let upload = Upload::new(draft.sign(signers)?);
        self.transport()?.publish(&upload)?;
        self.refresh_locked()
    }

    fn initial_keys(
        &self,
        keys: &dyn KeyStore,
        plan: &Initialise,
        now: SystemTime,
    ) -> Result<(InitialKeys, Vec<Box<dyn Signer>>), Error> {
        let gun = &self.inner.gun;
        // The server is asked first: when it refuses, no key was made for nothing.
        let timestamp = self.server_key(RoleName::Timestamp)?;
        let server_snapshot = match plan.snapshot {
            SnapshotKey::Server => Some(self.server_key(RoleName::Snapshot)?),
            SnapshotKey::Local => None,
        };
        let root = root_signer(keys, &plan.root)?;
        let expires = now.checked_add(ROOT_LIFETIME).unwrap_or(now);
        let certificate = self_signed(gun.as_str(), &*root, now, expires).map_err(EditError::from)?;
        let targets = keys.generate(KeyKind::Ecdsa, &KeyRole::Targets, Some(gun))?;
        let mut initial = InitialKeys {
            root: certificate,
            targets: targets.public_key().clone(),
            snapshot: targets.public_key().clone(),
            server_snapshot: server_snapshot.is_some(),
            timestamp,
        };
        let mut signers = vec![root, targets];
        initial.snapshot = match server_snapshot {
            Some(key) => key,
            None => {
                let snapshot = keys.generate(KeyKind::Ecdsa, &KeyRole::Snapshot, Some(gun))?;
                let key = snapshot.public_key().clone();
                signers.push(snapshot);
                key
            }
        };
        Ok((initial, signers))
    }

    fn server_key(&self, role: RoleName) -> Result<PublicKey, Error> {
        let bytes = self.transport()?.server_key(&role, false)?;
        let key = notary::read_public_key(&bytes)
            .map_err(|source| VerifyError::Malformed { role: role.clone(), source })?;
        InitialKeys::check_server_key(role, &key)?;
        Ok(key)
    }
}

fn root_signer(keys: &dyn KeyStore, choice: &RootKey) -> Result<Box<dyn Signer>, Error> {
    let id = match choice {
        RootKey::New => None,
        RootKey::Existing(id) => Some(id.clone()),
        RootKey::Any => {
            let roots = keys.list()?.into_iter().filter(|info| info.role == KeyRole::Root);
            roots.map(|info| info.id).min()
        }
    };
    Ok(match id {
        Some(id) => keys.signer(&id)?,
        None => keys.generate(KeyKind::Ecdsa, &KeyRole::Root, None)?,
    })
}
