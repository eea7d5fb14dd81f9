//! Where private keys live, looked up by their exact canonical id and by nothing else (KS-10).
//!
//! A key store keeps private keys with the labels of Notary v1's key files: a role, and for some
//! roles a collection. Labels are not signed. They help people to tell keys apart and choose the
//! passphrase to ask for; they never say what a key may sign (KS-11): only the root does.

mod asking;
#[cfg(feature = "directory")]
mod directory;
mod environment;
mod error;
mod import;
mod memory;
mod passphrase;
#[cfg(feature = "pkcs11")]
mod pkcs11;
mod role;

#[cfg(feature = "directory")]
pub use crate::disk::FileError;
#[cfg(feature = "directory")]
pub use directory::{DirectoryKeys, Export, IfExists, Migration};
pub use environment::EnvironmentPassphrases;
pub use error::KeyError;
pub use import::{ImportOptions, ImportReport, Imported, SkippedBlock};
pub use memory::MemoryKeys;
pub use passphrase::{FixedPassphrases, PassphraseRequest, Passphrases};
#[cfg(feature = "pkcs11")]
pub use pkcs11::Pkcs11Keys;
pub use role::{KeyLabel, KeyRole};

use crate::{
    crypto::{KeyKind, PrivateKey, Signer},
    name::{Gun, KeyId},
};
use std::fmt::{self, Debug};
use zeroize::Zeroizing;

/// Keeps private keys. Implementers run `testkit::suite::key_store` against
/// their store.
///
/// Ids are *canonical* ids, see [`canonical_id`](crate::wire::notary::canonical_id).
pub trait KeyStore: Debug + Send + Sync {
    /// All keys, root keys first, then by collection, role and id. No passphrase is asked for.
    ///
    /// # Errors
    /// The store can't be read. A single key that can't be read is left out.
    fn list(&self) -> Result<Vec<KeyInfo>, KeyError>;

    /// The signer of a key.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] if no key has exactly this id, other [`KeyError`]s if the key is
    /// there and can't be used.
    fn signer(&self, id: &KeyId) -> Result<Box<dyn Signer>, KeyError>;

    /// Makes a key of kind `ecdsa` (P-256) or `ed25519`, keeps it and gives its signer. The
    /// collection is kept only for roles that [have one](KeyRole::keeps_gun).
    ///
    /// # Errors
    /// [`KeyError::UnsupportedKind`] for other kinds, other [`KeyError`]s if the key could not be
    /// kept; then nothing is.
    fn generate(&self, kind: KeyKind, role: &KeyRole, gun: Option<&Gun>)
    -> Result<Box<dyn Signer>, KeyError>;

    /// Keeps a key, and gives its id. Keeping one again under the same labels succeeds.
    ///
    /// # Errors
    /// [`KeyError::Conflict`] if the key is there under other labels, other [`KeyError`]s if it
    /// could not be kept.
    fn import(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError>;

    /// Forgets a key for good. Signers given out before may go on working.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] if no key has exactly this id, other [`KeyError`]s if it could not
    /// be removed.
    fn remove(&self, id: &KeyId) -> Result<(), KeyError>;

    /// A key as one encrypted PEM block with a `path` header that names its id, as
    /// `notary key export` writes it. A store that only signs keeps this default.
    ///
    /// # Errors
    /// [`KeyError::NotExportable`] if keys can't leave the store, [`KeyError::NotFound`] if no key
    /// has exactly this id, other [`KeyError`]s if it could not be encrypted.
    fn export(&self, id: &KeyId) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Err(KeyError::NotExportable { id: id.clone() })
    }
}

/// What a store tells about a key without opening it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyInfo {
    /// The canonical id.
    pub id: KeyId,
    /// What the key is for, as its owner labelled it.
    pub role: KeyRole,
    /// The collection it is for, as its owner labelled it.
    pub gun: Option<Gun>,
}

impl KeyInfo {
    /// The labels of a key. The collection is dropped for roles that don't keep one.
    pub fn new(id: KeyId, role: &KeyRole, gun: Option<&Gun>) -> Self {
        let gun = gun.filter(|_| role.keeps_gun()).cloned();
        Self { id, role: role.clone(), gun }
    }

    /// Puts a list into the order of [`KeyStore::list`].
    pub fn sort(keys: &mut [Self]) {
        keys.sort_by(|a, b| a.order().cmp(&b.order()));
    }

    fn order(&self) -> impl Ord + '_ {
        (self.role != KeyRole::Root, &self.gun, &self.role, &self.id)
    }
}

impl fmt::Display for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} key {}", self.role, self.id)?;
        self.gun.iter().try_for_each(|gun| write!(f, " of {gun}"))
    }
}

/// A new key of a kind that stores make.
fn new_key(kind: &KeyKind) -> Result<PrivateKey, KeyError> {
    match kind {
        KeyKind::Ecdsa => Ok(PrivateKey::generate_ecdsa()?),
        KeyKind::Ed25519 => Ok(PrivateKey::generate_ed25519()?),
        other => Err(KeyError::UnsupportedKind { kind: other.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_begin_with_root_keys_and_go_by_collection() {
        let gun = |text| Gun::new(text).unwrap();
        let info =
            |id, role: &KeyRole, gun: Option<Gun>| KeyInfo::new(KeyId::new(id).unwrap(), role, gun.as_ref());
        let alice = KeyRole::new("alice").unwrap();
        let ordered = [
            info("8", &KeyRole::Root, Some(gun("z"))),
            info("9", &KeyRole::Root, None),
            info("7", &alice, Some(gun("b"))),
            info("6", &KeyRole::Snapshot, Some(gun("a"))),
            info("5", &KeyRole::Targets, Some(gun("a"))),
            info("4", &KeyRole::Snapshot, Some(gun("b"))),
        ];
        let mut keys = ordered.to_vec();
        keys.reverse();
        KeyInfo::sort(&mut keys);
        let ids = |keys: &[KeyInfo]| keys.iter().map(|key| key.id.to_string()).collect::<String>();
        assert_eq!(ids(&keys), ids(&ordered));
        assert!(keys.iter().take(3).all(|key| key.gun.is_none()), "root and delegation keys have no GUN");
    }
}
