//! Signatures are collected in steps, by people who never meet (TUF specification 6.1).
//!
//! Rule: whoever signs sees what he signs; whoever collects takes nothing on trust: a signature that
//! comes back counts only for the very message that was sent, under a key that the collector himself
//! knows the role to have.

use super::{EditError, SigningDocument, document::Body};
use crate::{
    crypto::Signer,
    limits::Limits,
    metadata::Authority,
    name::{KeyId, RoleName},
    wire::tuf1::{self, Carried, Carry},
};

/// Documents that are to be signed: what goes to the machine of a signer and comes back.
///
/// ```
/// # use tuf_notary::{crypto::{PrivateKey, Signer as _}, edit::repository::{Lifetimes, RepositoryEditor}, name::RoleName};
/// use tuf_notary::edit::repository::SigningRequest;
/// # let (key, now) = (PrivateKey::generate_ed25519()?, std::time::SystemTime::now());
/// # let mut editor = RepositoryEditor::new(Lifetimes::default());
/// # for role in [RoleName::Root, RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp] {
/// #     editor.add_key(&role, key.public_key())?;
/// # }
/// # let mut release = editor.stage(now)?;
/// let carried = release.request().to_bytes();
///
/// // On another machine, after a look at what it is that is to be signed:
/// let mut request = SigningRequest::read(&carried)?;
/// request.sign(&key)?;
/// let back = request.to_bytes();
///
/// release.merge(&SigningRequest::read(&back)?)?;
/// release.complete(now)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SigningRequest {
    pub(super) documents: Vec<SigningDocument>,
    pub(super) limits: Limits,
}

/// Signatures that a document lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// Whose document.
    pub role: RoleName,
    /// How many distinct keys must sign.
    pub needed: u32,
    /// How many of them have.
    pub valid: usize,
    /// The ids of those that could.
    pub keys: Vec<KeyId>,
}

impl SigningRequest {
    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// The bytes are something else.
    pub fn read(bytes: &[u8]) -> Result<Self, EditError> {
        Self::read_with(bytes, Limits::default())
    }

    /// The same with other bounds on what is read.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with(bytes: &[u8], limits: Limits) -> Result<Self, EditError> {
        let mut documents = Vec::new();
        for Carried { role, authorities, file } in tuf1::read_carried(bytes, &limits)? {
            let (body, signatures) = Body::read(&role, file.into(), &limits)?;
            let mut document = SigningDocument::new(role, body, authorities);
            document.set_signatures(signatures);
            documents.push(document);
        }
        Ok(Self { documents, limits })
    }

    /// The documents with their signatures so far, and with the keys that may sign, as JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        tuf1::write_carried(self.documents.iter().map(|document| Carry {
            role: document.role(),
            authorities: document.authorities(),
            message: document.message(),
            signatures: document.signatures(),
        }))
    }

    /// The documents, in the order in which they will be uploaded.
    pub fn documents(&self) -> &[SigningDocument] {
        &self.documents
    }

    /// Signs every document that the signer's key may sign and has not signed. Returns their roles.
    ///
    /// # Errors
    /// The signer fails, or its signature doesn't verify.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<Vec<RoleName>, EditError> {
        self.sign_some(signer, |_| true)
    }

    /// The same for the documents that `choose` says yes to.
    ///
    /// # Errors
    /// The signer fails, or its signature doesn't verify.
    pub fn sign_some(
        &mut self,
        signer: &dyn Signer,
        mut choose: impl FnMut(&SigningDocument) -> bool,
    ) -> Result<Vec<RoleName>, EditError> {
        let mut signed = Vec::new();
        for document in &mut self.documents {
            if choose(document) && document.sign(signer)? {
                signed.push(document.role().clone());
            }
        }
        Ok(signed)
    }

    /// Adds a signature of [`message`](SigningDocument::message) that another program made, in the
    /// scheme that the key names.
    ///
    /// # Errors
    /// There is no such document, it is not for this key to sign, or the signature doesn't verify.
    pub fn add_signature(
        &mut self,
        role: &RoleName,
        id: &KeyId,
        signature: Vec<u8>,
    ) -> Result<(), EditError> {
        let document = self.documents.iter_mut().find(|document| document.role() == role);
        document.ok_or_else(|| EditError::UnknownRole { role: role.clone() })?.add(id, signature)
    }

    /// What is lacking.
    ///
    /// # Errors
    /// A document can't be read back.
    pub fn missing(&self) -> Result<Vec<Missing>, EditError> {
        let mut missing = Vec::new();
        for document in &self.documents {
            for (authority, signed) in document.authorities().iter().zip(document.counts(&self.limits)?) {
                let (needed, valid) = (authority.threshold().get(), signed.len());
                if u32::try_from(valid).is_ok_and(|valid| valid < needed) {
                    let keys = unsigned(authority, &signed);
                    missing.push(Missing { role: document.role().clone(), needed, valid, keys });
                }
            }
        }
        Ok(missing)
    }

    /// Takes the signatures that are in another copy of the same documents. Returns how many are new.
    ///
    /// # Errors
    /// The other has a document of the same role that says something else.
    pub fn merge(&mut self, other: &Self) -> Result<usize, EditError> {
        let mut added = 0_usize;
        for theirs in &other.documents {
            let ours = self.documents.iter_mut().find(|document| document.role() == theirs.role());
            let ours = ours.ok_or_else(|| EditError::UnknownRole { role: theirs.role().clone() })?;
            if ours.message() != theirs.message() {
                let (expected, found) = ("the document that was sent", "another one");
                return Err(EditError::NotPinned {
                    role: ours.role().clone(),
                    expected: expected.to_owned(),
                    found: found.to_owned(),
                });
            }
            let before = ours.signatures().len();
            ours.add_all(theirs.signatures());
            added = added.saturating_add(ours.signatures().len().saturating_sub(before));
        }
        Ok(added)
    }
}

fn unsigned(authority: &Authority, signed: &[KeyId]) -> Vec<KeyId> {
    let left = authority.keys().filter(|(_, filed)| !signed.contains(&filed.canonical_id));
    left.map(|(id, _)| id.clone()).collect()
}
