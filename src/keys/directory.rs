//! A folder of key files as Notary v1 keeps it (`private` below its trust folder): one file a
//! key, `<canonical id>.key`, a PEM block with `role` and `gun` headers, encrypted.
//!
//! A file's name and headers are claims. The id is computed again from the key that was read, and
//! a file that holds another key is refused (KS-09); headers are labels only (KS-11). Files are
//! written encrypted, always; unencrypted ones, which Notary writes under an empty passphrase,
//! are read.

mod folder;
mod old_layout;
#[cfg(test)]
mod tests;
mod transfer;

pub use old_layout::Migration;
pub use transfer::{Export, IfExists};

use super::{KeyError, KeyInfo, KeyRole, KeyStore, Passphrases, asking};
use crate::{
    crypto::{CryptoError, KeyEncryption, KeyKind, PemBlock, PrivateKey, Signer},
    disk,
    name::{Gun, KeyId},
    wire::notary::canonical_id,
};
use folder::KeyFolder;
use std::{collections::BTreeSet, path::Path, sync::Arc};
use zeroize::Zeroizing;

/// Keeps keys in a folder that Notary and Docker can share: `~/.notary/private` or
/// `~/.docker/trust/private`.
///
/// On Unix the folder is made with mode 0700 and files with 0600; a file that others may read is
/// warned about, through `tracing`. Links are not followed. The passphrase is asked for each time
/// a key is opened, and so is one for each key that is kept.
///
/// ```no_run
/// use tuf_notary::keys::{DirectoryKeys, EnvironmentPassphrases, KeyStore};
/// let keys = DirectoryKeys::open("/home/alice/.notary/private", EnvironmentPassphrases::notary());
/// for key in keys.list()? {
///     println!("{key}");
/// }
/// # Ok::<(), tuf_notary::keys::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DirectoryKeys {
    folder: KeyFolder,
    passphrases: Arc<dyn Passphrases>,
    encryption: KeyEncryption,
}

impl DirectoryKeys {
    /// The keys in `dir`. Nothing is read or made yet; reading makes nothing either.
    pub fn open(dir: impl AsRef<Path>, passphrases: impl Passphrases + 'static) -> Self {
        let encryption = KeyEncryption::Notary;
        Self { folder: KeyFolder::new(dir.as_ref()), passphrases: Arc::new(passphrases), encryption }
    }

    /// Chooses how keys are encrypted that are written from now on; Notary's way is the default,
    /// and the only one that Notary and Docker can read. Keys are read whatever their encryption.
    #[must_use]
    pub fn encryption(mut self, encryption: KeyEncryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// The ids that have a file, at its place or at an old one.
    fn ids(&self) -> Result<BTreeSet<KeyId>, KeyError> {
        let mut ids: BTreeSet<_> = self.folder.ids()?.into_iter().collect();
        ids.extend(old_layout::find(self.folder.as_path())?.into_iter().map(|old| old.id));
        Ok(ids)
    }

    /// What is stored under an id, unopened.
    fn stored(&self, id: &KeyId) -> Result<Option<(KeyInfo, PemBlock)>, KeyError> {
        // No other id has a file, and none may become part of a path.
        if !id.is_sha256() {
            return Ok(None);
        }
        if let Some(text) = self.folder.read(id)? {
            let block = single_block(id, &text)?;
            return Ok(Some((labels(id, &block)?, block)));
        }
        let old = old_layout::find(self.folder.as_path())?.into_iter().find(|old| old.id == *id);
        Ok(old.map(|old| old.read()).transpose()?.flatten())
    }

    fn unlock(&self, info: &KeyInfo, block: &PemBlock) -> Result<PrivateKey, KeyError> {
        let read = match PrivateKey::from_pem(block, None) {
            Err(CryptoError::PassphraseNeeded) => {
                asking::decrypt(&*self.passphrases, info.into(), block)?.map(|(key, _)| key)
            }
            read => read,
        };
        let key = read.map_err(|e| damaged(&info.id, e))?;
        let found = canonical_id(key.public_key());
        if found != info.id {
            return Err(KeyError::IdMismatch { id: info.id.clone(), found });
        }
        Ok(key)
    }

    /// Whether the key is there under these labels and opens: only then is there nothing to do.
    fn has(&self, offered: &KeyInfo) -> Result<bool, KeyError> {
        let Some((stored, block)) = self.stored(&offered.id)? else { return Ok(false) };
        if stored != *offered {
            return Err(KeyError::Conflict { stored, offered: offered.clone() });
        }
        self.unlock(&stored, &block)?;
        Ok(true)
    }

    fn keep(&self, key: &PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError> {
        let info = KeyInfo::new(canonical_id(key.public_key()), role, gun);
        if self.has(&info)? {
            return Ok(info.id);
        }
        let passphrase = asking::choose(&*self.passphrases, (&info).into())?;
        let text = self.sealed(key, &info, &passphrase)?.to_text()?;
        // Another process may have been faster; then its file counts.
        if self.folder.create(&info.id, &text)? || self.has(&info)? {
            return Ok(info.id);
        }
        Err(not_found(&info.id))
    }

    /// The block of a key as it is stored.
    fn sealed(&self, key: &PrivateKey, info: &KeyInfo, passphrase: &str) -> Result<PemBlock, KeyError> {
        let gun = info.gun.as_ref().map(Gun::as_str);
        Ok(key.to_encrypted_pem_as(self.encryption, passphrase, info.role.as_str(), gun)?)
    }

    /// Removes what lies at old places under an id, so that it does not come to light again.
    fn forget_old(&self, id: &KeyId) -> Result<bool, KeyError> {
        let mut removed = false;
        for old in old_layout::find(self.folder.as_path())?.into_iter().filter(|old| old.id == *id) {
            removed |= disk::remove(&old.path)?;
        }
        Ok(removed)
    }
}

impl KeyStore for DirectoryKeys {
    fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        let mut list = Vec::new();
        for id in self.ids()? {
            match self.stored(&id) {
                Ok(stored) => list.extend(stored.map(|(info, _)| info)),
                Err(error) => tracing::warn!(%id, %error, "a key file is left out"),
            }
        }
        KeyInfo::sort(&mut list);
        Ok(list)
    }

    fn signer(&self, id: &KeyId) -> Result<Box<dyn Signer>, KeyError> {
        let (info, block) = self.stored(id)?.ok_or_else(|| not_found(id))?;
        Ok(Box::new(self.unlock(&info, &block)?))
    }

    fn generate(
        &self,
        kind: KeyKind,
        role: &KeyRole,
        gun: Option<&Gun>,
    ) -> Result<Box<dyn Signer>, KeyError> {
        let key = super::new_key(&kind)?;
        self.keep(&key, role, gun)?;
        Ok(Box::new(key))
    }

    fn import(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError> {
        self.keep(&key, role, gun)
    }

    fn remove(&self, id: &KeyId) -> Result<(), KeyError> {
        if !id.is_sha256() {
            return Err(not_found(id));
        }
        // The old ones first: what is left when this is interrupted is what was in use.
        let old = self.forget_old(id)?;
        if self.folder.remove(id)? || old { Ok(()) } else { Err(not_found(id)) }
    }

    fn export(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (info, block) = self.stored(id)?.ok_or_else(|| not_found(id))?;
        self.exported(&info, block)
    }
}

/// The headers of a key file. Notary's older files may have none; their keys are filed as
/// Notary's import files them.
fn labels(id: &KeyId, block: &PemBlock) -> Result<KeyInfo, KeyError> {
    let role = block.header("role").map(KeyRole::new).transpose().map_err(|e| damaged(id, e))?;
    let role = role.unwrap_or_else(KeyRole::delegation);
    let gun = block.header("gun").filter(|_| role.keeps_gun());
    let gun = gun.map(Gun::new).transpose().map_err(|e| damaged(id, e))?;
    Ok(KeyInfo::new(id.clone(), &role, gun.as_ref()))
}

/// The first block of a key file.
fn single_block(id: &KeyId, text: &[u8]) -> Result<PemBlock, KeyError> {
    let block = PemBlock::blocks(text).next();
    block.ok_or_else(|| damaged(id, "no PEM block"))?.map_err(|e| damaged(id, e))
}

fn damaged(id: &KeyId, reason: impl ToString) -> KeyError {
    KeyError::Damaged { id: id.clone(), reason: reason.to_string() }
}

fn not_found(id: &KeyId) -> KeyError {
    KeyError::NotFound { id: id.clone() }
}
