//! Keys that live as long as the process: for tests, and for keys that come from elsewhere.
//!
//! A key is held once, in memory that is wiped when the last signer lets go of it (KS-13, KS-14).

use super::{
    ImportOptions, ImportReport, Imported, KeyError, KeyInfo, KeyRole, KeyStore, Passphrases, asking,
    import::{self, Candidate},
};
use crate::{
    crypto::{CryptoError, KeyKind, PrivateKey, PublicKey, Scheme, Signer},
    name::{Gun, KeyId},
    wire::notary::canonical_id,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use zeroize::Zeroizing;

/// Keeps keys in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryKeys {
    keys: Arc<Mutex<BTreeMap<KeyId, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    info: KeyInfo,
    key: Arc<PrivateKey>,
}

/// A signer that shares its key with the store.
#[derive(Debug)]
struct SharedKey(Arc<PrivateKey>);

impl MemoryKeys {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes every private key of a PEM text and reports what became of each block. Encrypted keys
    /// are opened with these passphrases.
    pub fn import_pem(
        &self,
        pem: &[u8],
        options: &ImportOptions,
        passphrases: &dyn Passphrases,
    ) -> ImportReport {
        import::each(pem, options, |candidate| self.take(&candidate, options.replace, passphrases))
    }

    /// A key as one PEM block with a `path` header, encrypted under a passphrase that is asked for.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] if no key has exactly this id, other [`KeyError`]s if there is no
    /// passphrase or the key could not be encrypted.
    pub fn export_encrypted(
        &self,
        id: &KeyId,
        passphrases: &dyn Passphrases,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let held = self.keys().get(id).map(|entry| (entry.info.clone(), Arc::clone(&entry.key)));
        let (info, key) = held.ok_or_else(|| KeyError::NotFound { id: id.clone() })?;
        let passphrase = asking::choose(passphrases, (&info).into())?;
        let gun = info.gun.as_ref().map(Gun::as_str);
        let mut block = key.to_encrypted_pem(&passphrase, info.role.as_str(), gun)?;
        import::mark(&mut block, id);
        Ok(block.to_text()?)
    }

    fn take(
        &self,
        candidate: &Candidate,
        replace: bool,
        passphrases: &dyn Passphrases,
    ) -> Result<(KeyInfo, Imported), KeyError> {
        let new = candidate.unlock(passphrases)?;
        // Memory needs none to keep a key.
        drop(new.passphrase);
        let there = self.keys().contains_key(&new.info.id);
        if there && replace {
            self.keys().insert(new.info.id.clone(), Entry { info: new.info.clone(), key: Arc::new(new.key) });
            return Ok((new.info, Imported::Replaced));
        }
        self.keep(new.key, &new.info.role, new.info.gun.as_ref())?;
        Ok((new.info, if there { Imported::AlreadyThere } else { Imported::Kept }))
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<KeyId, Entry>> {
        // Nothing panics between two changes of the map.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<Entry, KeyError> {
        let info = KeyInfo::new(canonical_id(key.public_key()), role, gun);
        let mut keys = self.keys();
        let entry =
            keys.entry(info.id.clone()).or_insert_with(|| Entry { info: info.clone(), key: Arc::new(key) });
        if entry.info != info {
            return Err(KeyError::Conflict { stored: entry.info.clone(), offered: info });
        }
        Ok(Entry { info, key: Arc::clone(&entry.key) })
    }
}

impl KeyStore for MemoryKeys {
    fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        let mut list: Vec<_> = self.keys().values().map(|entry| entry.info.clone()).collect();
        KeyInfo::sort(&mut list);
        Ok(list)
    }

    fn signer(&self, id: &KeyId) -> Result<Box<dyn Signer>, KeyError> {
        match self.keys().get(id) {
            Some(entry) => Ok(Box::new(SharedKey(Arc::clone(&entry.key)))),
            None => Err(KeyError::NotFound { id: id.clone() }),
        }
    }

    fn generate(
        &self,
        kind: KeyKind,
        role: &KeyRole,
        gun: Option<&Gun>,
    ) -> Result<Box<dyn Signer>, KeyError> {
        let entry = self.keep(super::new_key(&kind)?, role, gun)?;
        Ok(Box::new(SharedKey(entry.key)))
    }

    fn import(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError> {
        Ok(self.keep(key, role, gun)?.info.id)
    }

    fn remove(&self, id: &KeyId) -> Result<(), KeyError> {
        match self.keys().remove(id) {
            Some(_) => Ok(()),
            None => Err(KeyError::NotFound { id: id.clone() }),
        }
    }
}

impl Signer for SharedKey {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.sign(message)
    }

    fn scheme(&self) -> Scheme {
        self.0.scheme()
    }

    fn sign_with(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.sign_with(scheme, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "testkit")]
    #[test]
    fn it_keeps_the_promises_of_a_store() {
        crate::testkit::suite::key_store(MemoryKeys::new);
    }

    #[test]
    fn clones_share_and_debug_shows_no_secret() {
        let store = MemoryKeys::new();
        let key = PrivateKey::generate_ed25519().unwrap();
        let secret = key.to_notary_pkcs8();
        let id = store.clone().import(key, &KeyRole::Root, None).unwrap();
        assert!(store.signer(&id).is_ok());
        let seed = format!("{:?}", secret.get(52..84).unwrap());
        let shown = format!("{store:?} {:?}", store.signer(&id).unwrap());
        assert!(!shown.contains(seed.trim_matches(['[', ']'])));
    }

    #[test]
    fn keys_come_and_go_as_encrypted_blocks() {
        let passphrases = crate::keys::FixedPassphrases::new().otherwise("long enough");
        let (store, other) = (MemoryKeys::new(), MemoryKeys::new());
        let (gun, options) = (Gun::new("a/b").unwrap(), ImportOptions::new());
        let key = PrivateKey::generate_ecdsa().unwrap();
        let id = store.import(key, &KeyRole::Targets, Some(&gun)).unwrap();
        assert!(matches!(store.export(&id), Err(KeyError::NotExportable { .. })));
        let text = store.export_encrypted(&id, &passphrases).unwrap();
        let outcomes = |options: &ImportOptions| {
            let report = other.import_pem(&text, options, &passphrases).all().unwrap();
            report.imported.into_iter().map(|(_, how)| how).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&options), [Imported::Kept]);
        assert_eq!(outcomes(&options), [Imported::AlreadyThere]);
        assert_eq!(outcomes(&options.replace(true)), [Imported::Replaced]);
        assert_eq!(other.list().unwrap(), store.list().unwrap());
        assert!(other.signer(&id).is_ok());
    }
}
