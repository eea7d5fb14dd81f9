//! Keys leave the folder and enter it as Notary v1's bundles of PEM blocks: encrypted on both
//! sides, in files that are private from the moment they are made (KS-12, KS-16).

use super::{DirectoryKeys, folder, not_found};
use crate::{
    crypto::{KeyKind, PemBlock, PublicKey},
    disk::{self, FileError},
    keys::{
        self, ImportOptions, ImportReport, Imported, KeyError, KeyInfo, KeyRole, KeyStore as _, Passphrases,
        asking,
        import::{self, Candidate, Unlocked},
    },
    name::{Gun, KeyId},
};
use std::path::Path;
use zeroize::Zeroizing;

/// The largest bundle that is read, some thousands of keys.
const MAX_BUNDLE: u64 = 4 << 20;

/// What to do with a file that is there already.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Leave it and fail.
    #[default]
    Refuse,
    /// Put the new one in its place.
    Replace,
}

/// Keys on their way out.
#[non_exhaustive]
#[must_use]
#[derive(Debug)]
pub struct Export {
    /// The blocks one after the other, as `notary key export` writes them. Every one is encrypted.
    pub pem: Zeroizing<Vec<u8>>,
    /// The keys in it.
    pub keys: Vec<KeyInfo>,
    /// The keys that could not be exported, and why.
    pub left_out: Vec<(KeyId, KeyError)>,
}

impl DirectoryKeys {
    /// All keys as one bundle that [`DirectoryKeys::import_pem`] and `notary key import` take.
    ///
    /// Keys are copied as they are stored, under their passphrases. One that is stored without is
    /// encrypted first, under a passphrase that is asked for.
    ///
    /// # Errors
    /// The folder can't be listed. A single key that can't be exported is reported.
    pub fn export_all(&self) -> Result<Export, KeyError> {
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        for id in self.ids()? {
            match self.stored(&id).and_then(|stored| stored.ok_or_else(|| not_found(&id))) {
                Ok(stored) => found.push(stored),
                Err(error) => left_out.push((id, error)),
            }
        }
        found.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
        let (mut blocks, mut keys) = (Vec::new(), Vec::new());
        for (info, block) in found {
            match self.exported(&info, block) {
                Ok(text) => {
                    blocks.push(text);
                    keys.push(info);
                }
                Err(error) => left_out.push((info.id, error)),
            }
        }
        let mut pem = Zeroizing::new(Vec::with_capacity(blocks.iter().map(|block| block.len()).sum()));
        blocks.iter().for_each(|block| pem.extend_from_slice(block));
        Ok(Export { pem, keys, left_out })
    }

    /// Writes [`DirectoryKeys::export_all`] into one file that only its owner can read.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if the file is there and was not to be replaced; other [`KeyError`]s
    /// if nothing could be written. A single key that can't be exported is reported.
    pub fn backup(&self, file: &Path, if_exists: IfExists) -> Result<Export, KeyError> {
        let export = self.export_all()?;
        write(file, &export.pem, if_exists)?;
        Ok(export)
    }

    /// Takes the keys of a file, see [`DirectoryKeys::import_pem`].
    ///
    /// # Errors
    /// The file can't be read. What becomes of each key is in the report.
    pub fn restore(&self, file: &Path, options: &ImportOptions) -> Result<ImportReport, KeyError> {
        let secret = read(file)?;
        folder::warn_of_readers(file, &secret.opened);
        Ok(self.import_pem(&secret.content, options))
    }

    /// Takes a private key's file as `docker trust key load` does: the file must be closed to
    /// other users, and without any key in it that is an error.
    ///
    /// Unlike Docker's, this loads encrypted keys that have no `path` header.
    ///
    /// # Errors
    /// [`KeyError::OpenToOthers`], or why no key could be taken.
    pub fn load(&self, file: &Path, options: &ImportOptions) -> Result<ImportReport, KeyError> {
        let secret = read(file)?;
        if let Some(mode) = folder::open_to_others(&secret.opened) {
            return Err(KeyError::OpenToOthers { path: file.display().to_string(), mode });
        }
        self.import_pem(&secret.content, options).some()
    }

    /// Takes every private key of a PEM text, as `notary key import` does, and reports what became
    /// of each block.
    ///
    /// An encrypted block with a `path` header that ends in an id is stored as it is; any other is
    /// opened, which tells its id, and encrypted again: under its own passphrase, or if it had none
    /// under one that is asked for.
    pub fn import_pem(&self, pem: &[u8], options: &ImportOptions) -> ImportReport {
        import::each(pem, options, |candidate| self.take(candidate, options.replace))
    }

    /// Makes a key for a delegation, as `docker trust key generate` does: the private key is
    /// stored, the public key written to a new file under a `role` header.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if the file is there; other [`KeyError`]s if either half could not be
    /// kept, then neither is.
    pub fn generate_with_public_file(
        &self,
        kind: KeyKind,
        role: &KeyRole,
        gun: Option<&Gun>,
        public_file: &Path,
    ) -> Result<KeyInfo, KeyError> {
        if public_file.symlink_metadata().is_ok() {
            return Err(exists(public_file));
        }
        let key = keys::new_key(&kind)?;
        let id = self.keep(&key, role, gun)?;
        let written = public_text(key.public_key(), role)
            .and_then(|text| write(public_file, text.as_bytes(), IfExists::Refuse));
        if let Err(error) = written {
            self.remove(&id)?;
            return Err(error);
        }
        Ok(KeyInfo::new(id, role, gun))
    }

    /// Encrypts a key under another passphrase. The file is replaced whole, so that one of the two
    /// opens it whatever happens.
    ///
    /// The present passphrase comes from where the store's passphrases come from, the new one from
    /// `new`.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] if no key has exactly this id, other [`KeyError`]s if it can't be
    /// opened or written; then it stays as it was.
    pub fn change_passphrase(&self, id: &KeyId, new: &dyn Passphrases) -> Result<(), KeyError> {
        let (info, block) = self.stored(id)?.ok_or_else(|| not_found(id))?;
        let key = self.unlock(&info, &block)?;
        let passphrase = asking::choose(new, (&info).into())?;
        self.rewrite(&info, &self.sealed(&key, &info, &passphrase)?)
    }

    /// A stored block as it leaves: with its id, and never in the clear.
    pub(super) fn exported(
        &self,
        info: &KeyInfo,
        mut block: PemBlock,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if !block.is_encrypted_key() {
            let key = self.unlock(info, &block)?;
            let passphrase = asking::choose(&*self.passphrases, info.into())?;
            block = self.sealed(&key, info, &passphrase)?;
        }
        import::mark(&mut block, &info.id);
        Ok(block.to_text()?)
    }

    fn take(&self, candidate: Candidate, replace: bool) -> Result<(KeyInfo, Imported), KeyError> {
        let unopened = candidate.unopened();
        let there = unopened.as_ref().map(|info| self.is_there(info, replace)).transpose()?;
        match (unopened, there) {
            (Some(info), Some(true)) if !replace => Ok((info, Imported::AlreadyThere)),
            (Some(info), Some(false)) => self.keep_unopened(info, candidate.block),
            _ => self.keep_opened(&candidate.unlock(&*self.passphrases)?, replace),
        }
    }

    fn keep_unopened(&self, info: KeyInfo, mut block: PemBlock) -> Result<(KeyInfo, Imported), KeyError> {
        import::label(&mut block, &info);
        self.create(&info, &block, Imported::KeptUnopened)
    }

    fn keep_opened(&self, new: &Unlocked, replace: bool) -> Result<(KeyInfo, Imported), KeyError> {
        let there = self.is_there(&new.info, replace)?;
        if there && !replace {
            return Ok((new.info.clone(), Imported::AlreadyThere));
        }
        let passphrase = match &new.passphrase {
            Some(passphrase) => passphrase.clone(),
            None => asking::choose(&*self.passphrases, (&new.info).into())?,
        };
        let block = self.sealed(&new.key, &new.info, &passphrase)?;
        if there {
            self.rewrite(&new.info, &block)?;
            return Ok((new.info.clone(), Imported::Replaced));
        }
        self.create(&new.info, &block, Imported::Kept)
    }

    /// Whether the key is there, which it may be under these labels only unless it is replaced.
    fn is_there(&self, offered: &KeyInfo, replace: bool) -> Result<bool, KeyError> {
        match self.stored(&offered.id) {
            Ok(None) => Ok(false),
            Ok(Some((stored, _))) if !replace && stored != *offered => {
                Err(KeyError::Conflict { stored, offered: offered.clone() })
            }
            Ok(Some(_)) => Ok(true),
            // A damaged file is what a replacement is for.
            Err(KeyError::Damaged { .. }) if replace => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn create(
        &self,
        info: &KeyInfo,
        block: &PemBlock,
        how: Imported,
    ) -> Result<(KeyInfo, Imported), KeyError> {
        // Another process may have been faster; then its file counts.
        let created = self.folder.create(&info.id, &block.to_text()?)?;
        let how = if created { how } else { Imported::AlreadyThere };
        if created || self.is_there(info, false)? {
            Ok((info.clone(), how))
        } else {
            Err(not_found(&info.id))
        }
    }

    /// Puts a block of the same key in the place of the stored one.
    fn rewrite(&self, info: &KeyInfo, block: &PemBlock) -> Result<(), KeyError> {
        self.folder.replace(&info.id, &block.to_text()?)?;
        self.forget_old(&info.id)?;
        Ok(())
    }
}

fn public_text(key: &PublicKey, role: &KeyRole) -> Result<String, KeyError> {
    Ok(key.to_pem(role.as_str())?)
}

fn read(file: &Path) -> Result<disk::Secret, KeyError> {
    let secret = disk::read_secret(file, MAX_BUNDLE)?;
    secret.ok_or_else(|| {
        let missing = std::io::ErrorKind::NotFound.into();
        FileError::Io { action: "read", path: file.display().to_string(), source: missing }.into()
    })
}

fn write(file: &Path, text: &[u8], if_exists: IfExists) -> Result<(), KeyError> {
    match if_exists {
        IfExists::Refuse => {
            if !disk::create(file, text)? {
                return Err(exists(file));
            }
        }
        IfExists::Replace => disk::replace(file, text, |_| ())?,
    }
    Ok(())
}

fn exists(file: &Path) -> KeyError {
    KeyError::Exists { path: file.display().to_string() }
}
