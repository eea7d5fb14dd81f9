//! The keys of one operation: opened once each, and forgotten again when they were made in vain.

use std::collections::BTreeSet;

use super::outgoing::Outgoing;
use crate::{
    crypto::{KeyKind, PublicKey, Signer},
    edit::Draft,
    error::Error,
    keys::{KeyError, KeyRole, KeyStore},
    name::{Gun, KeyId},
    wire::notary::canonical_id,
};

/// Opens keys of a store, and knows which of them the operation has made.
#[derive(Debug)]
pub(super) struct Keyring<'a> {
    store: &'a dyn KeyStore,
    open: Vec<Box<dyn Signer>>,
    made: Vec<KeyId>,
}

impl<'a> Keyring<'a> {
    pub(super) const fn new(store: &'a dyn KeyStore) -> Self {
        Self { store, open: Vec::new(), made: Vec::new() }
    }

    /// Canonical ids of all keys at hand.
    pub(super) fn held(&self) -> Result<BTreeSet<KeyId>, KeyError> {
        Ok(self.store.list()?.into_iter().map(|info| info.id).collect())
    }

    /// The root key at hand with the lowest id.
    pub(super) fn any_root(&self) -> Result<Option<KeyId>, KeyError> {
        let roots = self.store.list()?.into_iter().filter(|info| info.role == KeyRole::Root);
        Ok(roots.map(|info| info.id).min())
    }

    /// A key, opened when it was not before: people are asked for each passphrase once.
    pub(super) fn open(&mut self, id: &KeyId) -> Result<&dyn Signer, KeyError> {
        if self.find(id).is_none() {
            let signer = self.store.signer(id)?;
            self.open.push(signer);
        }
        self.find(id).ok_or_else(|| KeyError::NotFound { id: id.clone() })
    }

    /// Makes a key.
    pub(super) fn make(&mut self, role: &KeyRole, gun: Option<&Gun>) -> Result<PublicKey, KeyError> {
        let signer = self.store.generate(KeyKind::Ecdsa, role, gun)?;
        let public = signer.public_key().clone();
        self.made.push(canonical_id(&public));
        self.open.push(signer);
        Ok(public)
    }

    /// Signs a draft with all of its keys among those at hand.
    pub(super) fn sign(&mut self, draft: Draft, held: &BTreeSet<KeyId>) -> Result<Outgoing, Error> {
        for id in held.intersection(&draft.key_ids()) {
            self.open(id)?;
        }
        Ok(Outgoing::sign(draft, &self.open)?)
    }

    /// Keeps the keys that were made, whatever comes of the operation: an upload that names them is
    /// stored or may be, so that they may be the only ones that the collection accepts.
    pub(super) fn keep(&mut self) {
        self.made.clear();
    }

    /// What came of the operation. When it failed, the keys that it made for nothing go again.
    pub(super) fn settle<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.is_err() {
            for id in std::mem::take(&mut self.made) {
                self.forget(&id);
            }
        }
        outcome
    }

    /// Removes keys of a role of one collection that nothing uses any more. Labels decide only what
    /// is kept: a key that serves elsewhere too is labelled otherwise.
    pub(super) fn retire(&self, ids: &BTreeSet<KeyId>, role: &KeyRole, gun: &Gun) {
        let Ok(list) = self.store.list() else { return };
        let retired = |info: &&crate::keys::KeyInfo| {
            ids.contains(&info.id) && info.role == *role && info.gun.as_ref() == Some(gun)
        };
        for info in list.iter().filter(retired) {
            self.forget(&info.id);
        }
    }

    fn forget(&self, id: &KeyId) {
        if let Err(error) = self.store.remove(id) {
            tracing::warn!(%id, %error, "a key that nothing uses is left behind");
        }
    }

    fn find(&self, id: &KeyId) -> Option<&dyn Signer> {
        let mut open = self.open.iter().filter(|signer| canonical_id(signer.public_key()) == *id);
        open.next().map(|signer| &**signer)
    }
}
