//! Signing a draft.

use super::{Draft, EditError, draft::ids};
use crate::{
    crypto::Signer,
    limits::Limits,
    metadata::{Authority, Pin, Snapshot},
    name::{KeyId, RoleName, Version},
    wire::{self, Dialect, Document, Envelope, Signature, WireError, notary::canonical_id},
};

impl Draft {
    /// Signs every role with all of its keys among `signers`, and returns the files to publish.
    ///
    /// # Errors
    /// A role lacks keys, a signer fails, or a file would not survive the server.
    pub fn sign(mut self, signers: &[Box<dyn Signer>]) -> Result<Vec<(RoleName, Vec<u8>)>, EditError> {
        let mut files = Vec::new();
        if let Some(root) = &self.root {
            files.push((RoleName::Root, self.seal(&RoleName::Root, root.body.clone(), signers)?));
        }
        for (role, targets) in std::mem::take(&mut self.targets) {
            let file = self.seal(&role, targets, signers)?;
            files.push((role, file));
        }
        if let Some(mut snapshot) = self.snapshot.take() {
            for (role, file) in &files {
                pin(&mut snapshot, role, file);
            }
            let file = self.seal(&RoleName::Snapshot, snapshot, signers)?;
            files.push((RoleName::Snapshot, file));
        }
        Ok(files)
    }

    /// Takes the body, for a large one is in memory often enough.
    fn seal<T: Document>(
        &self,
        role: &RoleName,
        body: T,
        signers: &[Box<dyn Signer>],
    ) -> Result<Vec<u8>, EditError> {
        let message = wire::canonical(Dialect::Notary, &body);
        drop(body);
        let signatures = self.signatures(role, &message, signers)?;
        let file = wire::seal(Dialect::Notary, &message, &signatures);
        checked_fixpoint::<T>(role, &message, &signatures, file)
    }

    /// All signatures of a role: a root is vouched for by its predecessor's keys too.
    fn signatures(
        &self,
        role: &RoleName,
        message: &[u8],
        signers: &[Box<dyn Signer>],
    ) -> Result<Vec<Signature>, EditError> {
        let Some(authority) = self.authorities.get(role) else {
            return Err(EditError::UnknownRole { role: role.clone() });
        };
        let mut signatures = signed(role, authority, message, signers)?;
        require(role, authority, signatures.len())?;
        let Some(root) = self.root.as_ref().filter(|_| *role == RoleName::Root) else {
            return Ok(signatures);
        };
        if let Some(before) = &root.before {
            let vouching = signed(role, before, message, signers)?;
            require(role, before, vouching.len())?;
            add(&mut signatures, vouching);
        }
        if let Some(legacy) = &root.legacy {
            add(&mut signatures, signed(role, legacy, message, signers)?);
        }
        Ok(signatures)
    }

    /// What these signers will vouch for: the promise that a publisher holds servers to.
    pub fn seals(&self, signers: &[Box<dyn Signer>]) -> Vec<Sealed> {
        let ids: Vec<_> = signers.iter().map(|signer| canonical_id(signer.public_key())).collect();
        let root = self.root.iter().map(|root| (RoleName::Root, root.body.version));
        let targets = self.targets.iter().map(|(role, targets)| (role.clone(), targets.version));
        let snapshot = self.snapshot.iter().map(|snapshot| (RoleName::Snapshot, snapshot.version));
        let sealed = |(role, version)| {
            let authority = self.authorities.get(&role);
            let signs = |id: &&KeyId| authority.is_some_and(|it| it.has_canonical(id));
            Sealed { signers: ids.iter().filter(signs).cloned().collect(), role, version }
        };
        root.chain(targets).chain(snapshot).map(sealed).collect()
    }
}

/// What is known of a file that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Sealed {
    /// Whose file.
    pub role: RoleName,
    /// Its version.
    pub version: Version,
    /// Canonical ids of the role's keys that have signed it.
    pub signers: Vec<KeyId>,
}

/// The signatures of those keys of a role that are at hand.
fn signed(
    role: &RoleName,
    authority: &Authority,
    message: &[u8],
    signers: &[Box<dyn Signer>],
) -> Result<Vec<Signature>, EditError> {
    let mut signatures = Vec::new();
    for (id, filed) in authority.keys() {
        let mut held = signers.iter().filter(|it| canonical_id(it.public_key()) == filed.canonical_id);
        let Some(signer) = held.next() else { continue };
        let scheme = signer.scheme().published();
        let signature = signer.sign_with(scheme, message)?;
        if filed.key.verify(scheme, message, &signature).is_err() {
            return Err(EditError::BadSignature { role: role.clone(), key: filed.canonical_id.clone() });
        }
        signatures.push(Signature::new(id.clone(), scheme, signature));
    }
    Ok(signatures)
}

fn require(role: &RoleName, authority: &Authority, available: usize) -> Result<(), EditError> {
    let needed = authority.threshold().get();
    if u32::try_from(available).is_ok_and(|available| available >= needed) {
        return Ok(());
    }
    Err(EditError::MissingKeys { role: role.clone(), needed, available, ids: ids(Some(authority)) })
}

/// Each key signs once.
fn add(signatures: &mut Vec<Signature>, more: Vec<Signature>) {
    for signature in more {
        if !signatures.iter().any(|made| made.key_id == signature.key_id) {
            signatures.push(signature);
        }
    }
}

/// Pins a file with both digests, as Notary does.
fn pin(snapshot: &mut Snapshot, role: &RoleName, file: &[u8]) {
    let pin = Pin::of(file);
    match role {
        RoleName::Root => snapshot.root = Some(pin),
        RoleName::Targets => snapshot.targets = pin,
        RoleName::Delegated(_) => drop(snapshot.delegated.insert(role.clone(), pin)),
        RoleName::Snapshot | RoleName::Timestamp => {}
    }
}

/// Reading the file and writing it again must give the same bytes, or the server would sign the
/// hash of a file that nobody has; and what its readers verify must be what was signed.
fn checked_fixpoint<T: Document>(
    role: &RoleName,
    message: &[u8],
    signatures: &[Signature],
    file: Vec<u8>,
) -> Result<Vec<u8>, EditError> {
    let broken = || WireError::NotFixpoint { role: role.to_string() };
    let read = Envelope::<T>::read(Dialect::Notary, file, &Limits::default()).map_err(|_| broken())?;
    let verifies = *read.message().map_err(|_| broken())? == *message;
    // `file` was made of this message and these signatures, and would be again.
    if !verifies
        || read.signatures() != signatures
        || wire::canonical(Dialect::Notary, read.body()) != message
    {
        return Err(broken().into());
    }
    Ok(read.into_parts().0.into_vec())
}
