//! A release: documents that are to be signed, and what they will be published on top of.

use std::time::SystemTime;

use super::{
    EditError, Pins, Publication, RepositoryEditor, SigningDocument, SigningRequest, document::Body,
};
use crate::{
    crypto::Signer,
    metadata::Pin,
    name::{KeyId, RoleName, Version},
};

/// The next release of a repository while it is being signed.
#[derive(Clone, Debug)]
pub struct Release {
    /// The repository as it is published, with the changes.
    pub(super) before: RepositoryEditor,
    /// The same with the versions and times of this release.
    pub(super) after: RepositoryEditor,
    pub(super) request: SigningRequest,
}

impl Release {
    pub(super) fn new(
        before: RepositoryEditor,
        after: RepositoryEditor,
        documents: Vec<SigningDocument>,
    ) -> Self {
        let limits = before.limits;
        Self { before, after, request: SigningRequest { documents, limits } }
    }

    /// The documents, to be carried to where they are signed.
    pub const fn request(&self) -> &SigningRequest {
        &self.request
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.request.documents.is_empty()
    }

    /// Signs every document that the signer's key may sign and has not signed. Returns their roles.
    /// With [`Pins::Digests`], snapshot and timestamp can be signed when all before them are complete.
    ///
    /// # Errors
    /// The signer fails, or its signature doesn't verify.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<Vec<RoleName>, EditError> {
        let mut signed = Vec::new();
        for role in self.request.documents.iter().map(|it| it.role().clone()).collect::<Vec<_>>() {
            if matches!(role, RoleName::Snapshot | RoleName::Timestamp) && !self.settle(&role) {
                continue;
            }
            signed.extend(self.request.sign_some(signer, |document| *document.role() == role)?);
        }
        Ok(signed)
    }

    /// As [`SigningRequest::add_signature`].
    ///
    /// # Errors
    /// There is no such document, it is not for this key to sign, or the signature doesn't verify.
    pub fn add_signature(
        &mut self,
        role: &RoleName,
        id: &KeyId,
        signature: Vec<u8>,
    ) -> Result<(), EditError> {
        self.request.add_signature(role, id, signature)
    }

    /// Takes the signatures that come back. Returns how many are new.
    ///
    /// # Errors
    /// The request has a document that says something else.
    pub fn merge(&mut self, request: &SigningRequest) -> Result<usize, EditError> {
        self.request.merge(request)
    }

    /// Lets the validity of a document begin at `now`, for a timestamp would be expired when the
    /// signatures of a root have come together. Its own signatures are dropped.
    ///
    /// # Errors
    /// There is no such document.
    pub fn redate(&mut self, role: &RoleName, now: SystemTime) -> Result<(), EditError> {
        let expires = self.after.lifetimes.expiry(role, now)?;
        let document = self.document_mut(role)?;
        let mut body = document.body.clone();
        match &mut body {
            Body::Root(it) => it.expires = expires,
            Body::Timestamp(it) => it.expires = expires,
            Body::Snapshot(it) => it.expires = expires,
            Body::Targets(it) => it.expires = expires,
        }
        document.replace(body);
        Ok(())
    }

    /// The files to publish. The root, timestamp, snapshot and `targets` are judged as a client does
    /// that refreshes; delegated roles that are signed now by those who delegate to them. Those that
    /// are not signed now stay as they are, [expired](RepositoryEditor::expiring) or not.
    ///
    /// # Errors
    /// A threshold is not met; a client with the clock at `now` would refuse to refresh; a delegated role
    /// is signed and expired; or a pin is missing, or moves to another file than is signed.
    pub fn complete(mut self, now: SystemTime) -> Result<Publication, EditError> {
        // Signatures that came after a digest was taken have changed the file.
        for role in [RoleName::Snapshot, RoleName::Timestamp] {
            self.settle(&role);
        }
        self.request.documents.iter().try_for_each(|document| document.require(&self.after.limits))?;
        Publication::new(self, now)
    }

    fn document_mut(&mut self, role: &RoleName) -> Result<&mut SigningDocument, EditError> {
        let mut documents = self.request.documents.iter_mut();
        let found = documents.find(|document| document.role() == role);
        found.ok_or_else(|| EditError::UnknownRole { role: role.clone() })
    }

    /// Makes the pins of snapshot or timestamp those of the files as they are. Returns whether they
    /// can be signed.
    fn settle(&mut self, role: &RoleName) -> bool {
        if self.after.pins == Pins::Versions {
            return true;
        }
        let is_pinned = |document: &&SigningDocument| match role {
            RoleName::Snapshot => document.role().holds_targets(),
            _ => *document.role() == RoleName::Snapshot,
        };
        let mut pins = Vec::new();
        for document in self.request.documents.iter().filter(is_pinned) {
            if document.require(&self.after.limits).is_err() {
                return false;
            }
            pins.push((document.role().clone(), digests(document.version(), &document.file())));
        }
        let Ok(document) = self.document_mut(role) else { return true };
        let mut body = document.body.clone();
        for (pinned, pin) in pins {
            match (&mut body, &pinned) {
                (Body::Timestamp(it), _) => it.snapshot = pin,
                (Body::Snapshot(it), RoleName::Targets) => it.targets = pin,
                (Body::Snapshot(it), _) => drop(it.delegated.insert(pinned, pin)),
                _ => {}
            }
        }
        document.replace(body);
        true
    }
}

impl RepositoryEditor {
    /// Goes on with a release whose signatures were collected since this repository was opened: its
    /// documents must be the next ones. Only what the keys of this repository have signed counts.
    ///
    /// # Errors
    /// A document is not the next version of its file.
    pub fn resume(&self, request: &SigningRequest) -> Result<Release, EditError> {
        let mut after = self.clone();
        for document in &request.documents {
            let role = document.role();
            let (expected, found) = (self.next_of(role), document.version());
            if expected != Some(found) {
                let expected = expected.map_or_else(|| "nothing".to_owned(), |it| format!("version {it}"));
                let found = format!("version {found}");
                return Err(EditError::NotPinned { role: role.clone(), expected, found });
            }
            match &document.body {
                Body::Root(body) => after.root = (**body).clone(),
                Body::Targets(body) => {
                    after.roles.entry(role.clone()).or_insert_with(super::Role::new).body = (**body).clone();
                }
                Body::Snapshot(_) | Body::Timestamp(_) => {}
            }
        }
        let mut documents = request.documents.clone();
        for document in &mut documents {
            document.set_authorities(after.authorities(document.role()));
        }
        Ok(Release::new(self.clone(), after, documents))
    }

    fn next_of(&self, role: &RoleName) -> Option<Version> {
        let published = match role {
            RoleName::Root => self.published_root.as_ref().map(|it| it.body().version),
            RoleName::Timestamp => self.timestamp().map(|it| it.version),
            RoleName::Snapshot => self.newest_snapshot(),
            _ => {
                let file = self.roles.get(role).and_then(|it| Some(it.published.as_ref()?.body().version));
                file.max(self.snapshot().and_then(|it| it.pin(role)?.version))
            }
        };
        published.map_or(Some(Version::ONE), Version::next)
    }
}

fn digests(version: Version, file: &[u8]) -> Pin {
    let mut pin = Pin { version: Some(version), ..Pin::of(file) };
    pin.hashes.sha512 = None;
    pin
}
