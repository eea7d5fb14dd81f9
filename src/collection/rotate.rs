//! Replacing keys: ask the server for its new ones, make ours, publish, retire the old ones.
//!
//! What can be refused is refused before the server makes a key (KROT-18, PP-04). A key of ours
//! that was replaced is removed only when the server shows that it is; a root key never is.

use std::{collections::BTreeSet, time::SystemTime};

use super::{Core, Guard, drive, keyring::Keyring};
use crate::{
    crypto::{PublicKey, self_signed},
    edit::{
        Draft, EditError, NewKey, NewKeys, NewSnapshot, ROOT_LIFETIME, RootKey, Rotation, check_server_key,
    },
    error::Error,
    keys::KeyRole,
    metadata::{Authority, Root},
    name::{Form, KeyId, Resource, RoleName, Version},
    verify::{TrustedSet, VerifyError},
    view::View,
    wire::{
        Envelope,
        notary::{self, canonical_id},
    },
};

/// A root key that is ready: its canonical id or none for a new one, and its certificate if it
/// has one already.
pub(super) type ChosenRoot = (Option<KeyId>, Option<PublicKey>);

impl Core {
    /// Replaces keys and publishes that. Our former targets and snapshot keys are removed from the
    /// key store once the server shows the new ones; root keys stay. When it fails for good, the
    /// keys that were made are removed instead. After any failure the same call may be made again.
    pub(crate) async fn rotate(&self, turn: Guard<'_>, rotation: &Rotation) -> Result<View, Error> {
        turn.forget();
        self.check_writable()?;
        rotation.check()?;
        let _lock = self.lock().await?;
        let base = self.base().await?;
        let mut keyring = Keyring::new(self.keys()?);
        let mut replaced = base.trusted().root().body().clone();
        let outcome = self.rotate_with(rotation, base, &mut keyring, &mut replaced).await;
        let view = keyring.settle(outcome)?;
        for (role, label) in [(RoleName::Targets, KeyRole::Targets), (RoleName::Snapshot, KeyRole::Snapshot)]
        {
            let used = used(view.trusted());
            let old =
                replaced.authority(&role).iter().flat_map(ids).filter(|id| !used.contains(id)).collect();
            keyring.retire(&old, &label, &self.inner.gun);
        }
        Ok(view)
    }

    async fn rotate_with(
        &self,
        rotation: &Rotation,
        base: View,
        keyring: &mut Keyring<'_>,
        replaced: &mut Root,
    ) -> Result<View, Error> {
        let keys = self.new_keys(rotation, base.trusted(), keyring).await?;
        self.deliver(keyring, base, async |keyring, view, _| {
            *replaced = view.trusted().root().body().clone();
            let held = keyring.held()?;
            let draft = Draft::rotate(self.inner.dialect, view.trusted(), &keys, &held, self.now())?;
            if draft.is_empty() {
                return Ok(None);
            }
            Ok(Some(self.sign(keyring, draft, &held, Some(view.trusted().root()))?))
        })
        .await
    }

    /// All new keys: what exists is opened first, then the server is asked, then ours are made.
    async fn new_keys(
        &self,
        rotation: &Rotation,
        set: &TrustedSet,
        keyring: &mut Keyring<'_>,
    ) -> Result<NewKeys, Error> {
        let (held, now, root) = (keyring.held()?, self.now(), set.root().body());
        rotation.require_keys(set, &held)?;
        for id in root.authority(&RoleName::Root).iter().flat_map(ids).filter(|id| held.contains(id)) {
            keyring.open(&id)?;
        }
        let new_root = rotation.new_root().map(|keys| self.open_root_keys(keyring, keys, now)).transpose()?;
        let new_snapshot = match rotation.new_snapshot() {
            Some(NewSnapshot::Local(keys)) => Some(keys.as_slice()),
            _ => None,
        };
        for key in rotation.new_targets().into_iter().chain(new_snapshot).flatten() {
            if let NewKey::Existing(id) = key {
                keyring.open(id)?;
            }
        }
        let mut keys =
            NewKeys { legacy: self.legacy_roots(set, rotation.legacy()).await?, ..NewKeys::default() };
        let mut known = known(set);
        known.extend(held);
        for role in rotation.server_roles() {
            let key = self.server_key(&role, true, &known).await?;
            known.insert(canonical_id(&key));
            match role {
                RoleName::Snapshot => keys.snapshot = Some(vec![key]),
                _ => keys.timestamp = Some(key),
            }
        }
        keys.root = new_root.map(|chosen| self.certify_root_keys(keyring, chosen, now)).transpose()?;
        keys.targets = self.make_keys(keyring, &KeyRole::Targets, rotation.new_targets())?;
        if new_snapshot.is_some() {
            keys.snapshot = self.make_keys(keyring, &KeyRole::Snapshot, new_snapshot)?;
        }
        Ok(keys)
    }

    fn make_keys(
        &self,
        keyring: &mut Keyring<'_>,
        role: &KeyRole,
        keys: Option<&[NewKey]>,
    ) -> Result<Option<Vec<PublicKey>>, Error> {
        let Some(keys) = keys else { return Ok(None) };
        let made = keys.iter().map(|key| match key {
            NewKey::Existing(id) => Ok(keyring.open(id)?.public_key().clone()),
            NewKey::New => keyring.make(role, Some(&self.inner.gun)),
        });
        Ok(Some(made.collect::<Result<_, _>>()?))
    }

    /// Opens the root keys that exist, and checks certificates that are given.
    pub(super) fn open_root_keys(
        &self,
        keyring: &mut Keyring<'_>,
        keys: &[RootKey],
        now: SystemTime,
    ) -> Result<Vec<ChosenRoot>, Error> {
        let mut chosen = Vec::new();
        for key in keys {
            let (id, certificate) = match key {
                RootKey::Any | RootKey::New => (None, None),
                RootKey::Existing(id) => (Some(id.clone()), None),
                RootKey::Certificate(certificate) => {
                    self.check_certificate(certificate, now)?;
                    (Some(canonical_id(certificate)), Some(certificate.clone()))
                }
            };
            if let Some(id) = &id {
                keyring.open(id)?;
            }
            chosen.push((id, certificate));
        }
        Ok(chosen)
    }

    /// A certificate that no client would take must not get into a root.
    fn check_certificate(&self, certificate: &PublicKey, now: SystemTime) -> Result<(), EditError> {
        let refuse = |reason: String| EditError::RootCertificate { reason };
        let bundle = certificate.certificates().ok_or_else(|| refuse("it is a plain key".to_owned()))?;
        certificate.material().map_err(|error| refuse(error.to_string()))?;
        bundle.valid_for(self.inner.gun.as_str(), now, true).map_err(|error| refuse(error.to_string()))?;
        Ok(())
    }

    /// Makes root keys and certificates where there are none.
    pub(super) fn certify_root_keys(
        &self,
        keyring: &mut Keyring<'_>,
        chosen: Vec<ChosenRoot>,
        now: SystemTime,
    ) -> Result<Vec<PublicKey>, Error> {
        let expires = now.checked_add(ROOT_LIFETIME).unwrap_or(now);
        let certify = |(id, certificate): ChosenRoot| {
            if let Some(certificate) = certificate {
                return Ok(certificate);
            }
            let id = match id {
                Some(id) => id,
                None => canonical_id(&keyring.make(&KeyRole::Root, None)?),
            };
            let signer = keyring.open(&id)?;
            let certificate = self_signed(self.inner.gun.as_str(), signer, now, expires);
            certificate.map_err(|error| EditError::from(error).into())
        };
        chosen.into_iter().map(certify).collect()
    }

    /// The server's key for a role, or a new one; usable, and none of `known`.
    pub(super) async fn server_key(
        &self,
        role: &RoleName,
        rotate: bool,
        known: &BTreeSet<KeyId>,
    ) -> Result<PublicKey, Error> {
        let bytes = self.transport()?.server_key(role, rotate).await?;
        let key = notary::read_public_key(&bytes)
            .map_err(|source| VerifyError::Malformed { role: role.clone(), source })?;
        check_server_key(role, &key, known)?;
        Ok(key)
    }

    /// The root keys of this many versions before the present one, as far as the server has them.
    /// They are not verified: only those count that the present root itself knows.
    async fn legacy_roots(&self, set: &TrustedSet, versions: u32) -> Result<BTreeSet<KeyId>, Error> {
        let (mut found, mut version) = (BTreeSet::new(), set.root().body().version.get());
        for _ in 0..versions.min(self.inner.limits.max_root_rotations) {
            let Some(earlier) = version.checked_sub(1).and_then(|number| Version::new(number).ok()) else {
                break;
            };
            version = earlier.get();
            let resource = Resource { role: RoleName::Root, form: Form::Version(earlier) };
            let Some(bytes) = drive::read(self.transport()?, &resource, self.inner.limits.max_root).await?
            else {
                break;
            };
            match Envelope::<Root>::read(self.inner.dialect, bytes, &self.inner.limits) {
                Ok(root) => found.extend(root.body().root.key_ids.iter().cloned()),
                Err(error) => tracing::warn!(%error, %earlier, "an earlier root can't be read"),
            }
        }
        Ok(found)
    }
}

fn ids(authority: &Authority) -> Vec<KeyId> {
    authority.keys().map(|(_, key)| key.canonical_id.clone()).collect()
}

/// The keys of all roles of a set.
fn used(set: &TrustedSet) -> BTreeSet<KeyId> {
    let top = [RoleName::Root, RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp];
    let children = set.targets().body().delegations.iter().map(|child| child.name.clone());
    let loaded = set.delegated().keys().filter_map(|role| set.targets_of(role));
    let below = loaded.flat_map(|it| it.body().delegations.iter().map(|child| child.name.clone()));
    let roles = top.into_iter().chain(children).chain(below);
    roles.filter_map(|role| set.authority(&role)).flat_map(|authority| ids(&authority)).collect()
}

/// All keys that a set knows, used or not.
fn known(set: &TrustedSet) -> BTreeSet<KeyId> {
    let root = set.root().body().keys.iter();
    let targets = set.targets().body().keys.iter();
    root.chain(targets).map(|(_, filed)| filed.canonical_id.clone()).chain(used(set)).collect()
}
