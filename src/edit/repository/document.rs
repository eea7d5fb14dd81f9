//! One document on its way to be signed (TUF specification 4.2.1): what is signed is the canonical
//! form, whatever the file around it looks like.

use super::EditError;
use crate::{
    crypto::Signer,
    limits::Limits,
    metadata::{Authority, Root, Snapshot, Targets, Timestamp},
    name::{Expiry, KeyId, RoleName, Version},
    verify::signers,
    wire::{self, Bytes, Dialect, Document, Envelope, Signature, WireError, notary::canonical_id},
};

/// A document that is to be signed, and the signatures that it has so far.
#[derive(Clone, Debug)]
pub struct SigningDocument {
    role: RoleName,
    pub(super) body: Body,
    message: Vec<u8>,
    authorities: Vec<Authority>,
    signatures: Vec<Signature>,
}

/// What a document says.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Root(Box<Root>),
    Timestamp(Box<Timestamp>),
    Snapshot(Box<Snapshot>),
    Targets(Box<Targets>),
}

/// Does the same for each kind of body.
macro_rules! each {
    ($body:expr, $it:ident => $do:expr) => {
        match $body {
            Body::Root($it) => $do,
            Body::Timestamp($it) => $do,
            Body::Snapshot($it) => $do,
            Body::Targets($it) => $do,
        }
    };
}

impl Body {
    pub(super) fn canonical(&self) -> Vec<u8> {
        each!(self, it => wire::canonical(Dialect::Tuf1, &**it))
    }

    /// Reads a file of the kind that the role has, with its signatures.
    pub(super) fn read(
        role: &RoleName,
        file: Bytes,
        limits: &Limits,
    ) -> Result<(Self, Vec<Signature>), WireError> {
        fn parts<T: Document + Clone>(
            file: Bytes,
            limits: &Limits,
        ) -> Result<(Box<T>, Vec<Signature>), WireError> {
            let envelope = Envelope::<T>::read(Dialect::Tuf1, file, limits)?;
            let signatures = envelope.signatures().to_vec();
            Ok((Box::new(envelope.into_parts().1), signatures))
        }
        Ok(match role {
            RoleName::Root => parts(file, limits).map(|(body, it)| (Self::Root(body), it))?,
            RoleName::Timestamp => parts(file, limits).map(|(body, it)| (Self::Timestamp(body), it))?,
            RoleName::Snapshot => parts(file, limits).map(|(body, it)| (Self::Snapshot(body), it))?,
            _ => parts(file, limits).map(|(body, it)| (Self::Targets(body), it))?,
        })
    }
}

impl SigningDocument {
    pub(super) fn new(role: RoleName, body: Body, authorities: Vec<Authority>) -> Self {
        let message = body.canonical();
        Self { role, body, message, authorities, signatures: Vec::new() }
    }

    /// Whose document this is.
    pub const fn role(&self) -> &RoleName {
        &self.role
    }

    /// Its version.
    pub fn version(&self) -> Version {
        each!(&self.body, it => it.version)
    }

    /// When it will expire.
    pub fn expires(&self) -> Expiry {
        each!(&self.body, it => it.expires)
    }

    /// What is to be signed, byte for byte, for keys that are used by other programs.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The root, if it is one: what a signer should look at.
    pub fn as_root(&self) -> Option<&Root> {
        if let Body::Root(root) = &self.body { Some(root) } else { None }
    }

    /// The targets file, if it is one: what a signer should look at.
    pub fn as_targets(&self) -> Option<&Targets> {
        if let Body::Targets(targets) = &self.body { Some(targets) } else { None }
    }

    /// The snapshot, if it is one: what a signer should look at.
    pub fn as_snapshot(&self) -> Option<&Snapshot> {
        if let Body::Snapshot(snapshot) = &self.body { Some(snapshot) } else { None }
    }

    /// The timestamp, if it is one: what a signer should look at.
    pub fn as_timestamp(&self) -> Option<&Timestamp> {
        if let Body::Timestamp(timestamp) = &self.body { Some(timestamp) } else { None }
    }

    /// Each of these has to be met.
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The signatures so far. Those of one's own making verify; those that came in a file may not, and
    /// don't count.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The file with the signatures so far.
    pub fn file(&self) -> Vec<u8> {
        wire::seal(Dialect::Tuf1, &self.message, &self.signatures)
    }

    /// Signs under every id that the signer's key has. Returns whether it has any that had not signed.
    pub(super) fn sign(&mut self, signer: &dyn Signer) -> Result<bool, EditError> {
        let canonical = canonical_id(signer.public_key());
        let keys = self.authorities.iter().flat_map(Authority::keys);
        let own: Vec<_> = keys
            .filter(|(_, filed)| filed.canonical_id == canonical)
            .filter_map(|(id, filed)| Some((id.clone(), filed.scheme?)))
            .collect();
        let mut signed = false;
        for (id, scheme) in own {
            if !self.signatures.iter().any(|made| made.key_id == id) {
                let bytes = signer.sign_with(scheme, &self.message)?;
                self.add(&id, bytes)?;
                signed = true;
            }
        }
        Ok(signed)
    }

    /// Takes a signature that verifies, in place of one by this key that is there.
    pub(super) fn add(&mut self, id: &KeyId, bytes: Vec<u8>) -> Result<(), EditError> {
        let mut keys = self.authorities.iter().filter_map(|it| it.key(id)).peekable();
        if keys.peek().is_none() {
            return Err(EditError::NotListed { role: self.role.clone(), what: format!("key {id}") });
        }
        let verifies = |filed: &crate::metadata::FiledKey| {
            filed.scheme.is_some_and(|scheme| filed.key.verify(scheme, &self.message, &bytes).is_ok())
        };
        if !keys.any(verifies) {
            return Err(EditError::BadSignature { role: self.role.clone(), key: id.clone() });
        }
        self.signatures.retain(|made| made.key_id != *id);
        self.signatures.push(Signature { key_id: id.clone(), scheme: None, bytes });
        self.signatures.sort_by(|one, other| one.key_id.cmp(&other.key_id));
        Ok(())
    }

    /// Takes those signatures that verify.
    pub(super) fn add_all(&mut self, signatures: &[Signature]) {
        for Signature { key_id, bytes, .. } in signatures {
            let _ = self.add(key_id, bytes.clone());
        }
    }

    /// Another body, which nobody has signed; the signatures stay when it is the same.
    pub(super) fn replace(&mut self, body: Body) {
        let message = body.canonical();
        if message != self.message {
            (self.message, self.body) = (message, body);
            self.signatures.clear();
        }
    }

    /// Canonical ids of the keys of each authority that have signed, counted as clients count.
    pub(super) fn counts(&self, limits: &Limits) -> Result<Vec<Vec<KeyId>>, WireError> {
        let file = Bytes::from(self.file());
        fn count<T: Document>(
            file: Bytes,
            authorities: &[Authority],
            limits: &Limits,
        ) -> Result<Vec<Vec<KeyId>>, WireError> {
            let envelope = Envelope::<T>::read(Dialect::Tuf1, file, limits)?;
            Ok(authorities.iter().map(|authority| signers(authority, &envelope)).collect())
        }
        match &self.body {
            Body::Root(_) => count::<Root>(file, &self.authorities, limits),
            Body::Timestamp(_) => count::<Timestamp>(file, &self.authorities, limits),
            Body::Snapshot(_) => count::<Snapshot>(file, &self.authorities, limits),
            Body::Targets(_) => count::<Targets>(file, &self.authorities, limits),
        }
    }

    /// # Errors
    /// A threshold is not met, or the document can't be read back as it was meant.
    pub(super) fn require(&self, limits: &Limits) -> Result<(), EditError> {
        if self.authorities.is_empty() {
            return Err(EditError::UnknownRole { role: self.role.clone() });
        }
        for (authority, valid) in self.authorities.iter().zip(self.counts(limits)?) {
            let (needed, valid) = (authority.threshold().get(), valid.len());
            if u32::try_from(valid).is_ok_and(|valid| valid < needed) {
                let ids = crate::edit::draft::ids(Some(authority));
                return Err(EditError::Unsigned { role: self.role.clone(), needed, valid, ids });
            }
        }
        let (back, _) = Body::read(&self.role, self.file().into(), limits)?;
        match back.canonical() == self.message {
            true => Ok(()),
            false => Err(WireError::NotFixpoint { role: self.role.to_string() }.into()),
        }
    }

    pub(super) fn set_authorities(&mut self, authorities: Vec<Authority>) {
        self.authorities = authorities;
        let signatures = std::mem::take(&mut self.signatures);
        self.add_all(&signatures);
    }

    pub(super) fn set_signatures(&mut self, signatures: Vec<Signature>) {
        self.signatures = signatures;
    }
}
