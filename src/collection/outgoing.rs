//! Files that are ready to be sent: one upload, all or nothing (Notary v1).

use crate::{
    crypto::{Signer, digest},
    edit::{Draft, EditError, Sealed},
    name::RoleName,
    transport::Upload,
};

/// Files that are ready to be sent, and what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) upload: Upload,
    /// What was promised of each file, and its SHA-256.
    sealed: Vec<(Sealed, [u8; 32])>,
}

/// One file of an upload.
pub(super) struct Sent<'a> {
    pub(super) seal: &'a Sealed,
    pub(super) sha256: [u8; 32],
    pub(super) file: &'a [u8],
}

impl Outgoing {
    pub(super) fn sign(draft: Draft, signers: &[Box<dyn Signer>]) -> Result<Self, EditError> {
        let seals = draft.seals(signers);
        let upload = Upload::new(draft.sign(signers)?);
        let digest_of = |seal: Sealed| {
            let (_, file) = upload.files.iter().find(|(role, _)| *role == seal.role)?;
            Some((seal, digest::sha256(file)))
        };
        let sealed = seals.into_iter().filter_map(digest_of).collect();
        Ok(Self { upload, sealed })
    }

    pub(super) fn file(&self, role: &RoleName) -> Option<&[u8]> {
        self.upload.files.iter().find(|(of, _)| of == role).map(|(_, file)| file.as_slice())
    }

    pub(super) fn files(&self) -> impl Iterator<Item = Sent<'_>> {
        self.sealed.iter().filter_map(|(seal, sha256)| {
            let file = self.file(&seal.role)?;
            Some(Sent { seal, sha256: *sha256, file })
        })
    }
}
