//! Keys in a PKCS#11 token sign there and never leave it (PKCS#11 2.40, sections 4 and 6).
//!
//! A token's object ids and labels are claims: a key is known by the canonical id of its public
//! half, and each signature is verified with it before it is given out (KS-09, KS-10).

mod mechanism;
mod objects;
#[cfg(test)]
mod tests;
mod token;

use super::{KeyError, KeyInfo, KeyRole, KeyStore, Passphrases};
use crate::{
    crypto::{CryptoError, KeyKind, PrivateKey, PublicKey, Scheme, Signer},
    name::{Gun, KeyId},
    wire::notary::canonical_id,
};
use cryptoki::session::Session;
use objects::{Algorithm, Stored};
use std::{
    path::Path,
    sync::{Arc, MutexGuard},
};
use token::Token;

/// Keeps keys in a PKCS#11 token: P-256, and Ed25519 where the token has it. Made for root and
/// delegation keys, which outlive a machine; other keys may be kept as well.
///
/// Keys that this store makes can't be extracted. It also finds keys that other tools made, as long
/// as the token holds a public key object under the same `CKA_ID`; the object's label counts as the
/// key's role. Such keys may be P-384 and RSA (2048 bits and more) too. Reading the list needs no PIN.
///
/// For Notary and for TUF 1.0 alike: [`Signer::sign_with`] gives every form that the key has.
///
/// A wrong PIN brings a token closer to locking itself. This store tries two at most in its life,
/// and none when the token says that the next one would be the last.
///
/// ```no_run
/// use tuf_notary::keys::{FixedPassphrases, KeyStore, Pkcs11Keys};
/// let module = std::path::Path::new("/usr/lib/softhsm/libsofthsm2.so");
/// let keys = Pkcs11Keys::open(module, "signing", FixedPassphrases::new().otherwise("1234"))?;
/// for key in keys.list()? {
///     println!("{key}");
/// }
/// # Ok::<(), tuf_notary::keys::KeyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pkcs11Keys {
    token: Arc<Token>,
}

/// Signs inside the token.
#[derive(Debug)]
struct TokenSigner {
    token: Arc<Token>,
    key: Stored,
}

impl Pkcs11Keys {
    /// The keys in the token with this label, through the module (a shared library) of its maker.
    ///
    /// The PIN is asked for once it is needed, as the passphrase of a key with the role
    /// `token <label>`.
    ///
    /// A module is code that runs inside this process: load none that others can write to.
    ///
    /// # Errors
    /// [`KeyError::Token`] if the module can't be loaded, or has no such token or several.
    pub fn open(module: &Path, label: &str, pin: impl Passphrases + 'static) -> Result<Self, KeyError> {
        Ok(Self { token: Arc::new(Token::open(module, label, Arc::new(pin))?) })
    }

    fn find(session: &Session, id: &KeyId) -> Result<Stored, KeyError> {
        let found = objects::all(session)?.into_iter().find(|stored| stored.info.id == *id);
        found.ok_or_else(|| KeyError::NotFound { id: id.clone() })
    }

    /// The signer of a key whose private half is there.
    fn signer_of(&self, session: &Session, key: Stored) -> Result<Box<dyn Signer>, KeyError> {
        objects::private(session, &key)?;
        Ok(Box::new(TokenSigner { token: Arc::clone(&self.token), key }))
    }

    /// Whether the key is there under these labels.
    fn has(session: &Session, offered: &KeyInfo) -> Result<bool, KeyError> {
        match Self::find(session, &offered.id) {
            Ok(stored) if stored.info == *offered => Ok(true),
            Ok(stored) => Err(KeyError::Conflict { stored: stored.info, offered: offered.clone() }),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn logged_in(&self) -> Result<MutexGuard<'_, Session>, KeyError> {
        self.token.logged_in()
    }
}

impl KeyStore for Pkcs11Keys {
    fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        let stored = objects::all(&self.token.session())?;
        let mut list: Vec<_> = stored.into_iter().map(|stored| stored.info).collect();
        KeyInfo::sort(&mut list);
        list.dedup_by(|a, b| a.id == b.id);
        Ok(list)
    }

    fn signer(&self, id: &KeyId) -> Result<Box<dyn Signer>, KeyError> {
        let key = Self::find(&self.token.session(), id)?;
        self.signer_of(&*self.logged_in()?, key)
    }

    fn generate(
        &self,
        kind: KeyKind,
        role: &KeyRole,
        gun: Option<&Gun>,
    ) -> Result<Box<dyn Signer>, KeyError> {
        let algorithm = Algorithm::of(&kind)?;
        let label = objects::label(role, gun)?;
        let session = self.logged_in()?;
        let key = objects::generate(&session, algorithm, &label)?;
        self.signer_of(&session, key)
    }

    fn import(&self, key: PrivateKey, role: &KeyRole, gun: Option<&Gun>) -> Result<KeyId, KeyError> {
        let info = KeyInfo::new(canonical_id(key.public_key()), role, gun);
        let label = objects::label(role, gun)?;
        let session = self.logged_in()?;
        if !Self::has(&session, &info)? {
            objects::import(&session, &key, &label)?;
        }
        Ok(info.id)
    }

    fn remove(&self, id: &KeyId) -> Result<(), KeyError> {
        let session = self.logged_in()?;
        let key = Self::find(&session, id)?;
        objects::remove(&session, &key)
    }
}

impl TokenSigner {
    /// Signs, and verifies what the token says: its own word on which private key belongs to which
    /// public one is not enough.
    fn checked(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature = mechanism::sign(&self.token, &self.key, scheme, message)?;
        self.public_key().verify(scheme, message, &signature)?;
        Ok(signature)
    }
}

impl Signer for TokenSigner {
    fn public_key(&self) -> &PublicKey {
        &self.key.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.checked(self.scheme(), message)
    }

    fn scheme(&self) -> Scheme {
        match self.key.algorithm {
            Algorithm::P256 | Algorithm::P384 => Scheme::EcdsaP1363,
            Algorithm::Ed25519 => Scheme::Ed25519,
            Algorithm::Rsa => Scheme::RsaPss,
        }
    }

    fn sign_with(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.checked(scheme, message)
    }
}
