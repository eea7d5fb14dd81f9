//! The one place that asks for passphrases: a bounded number of times, then the last reason is
//! the error (KS-04, KS-05). Nothing is counted beyond that, so nobody is ever locked out.

use super::{KeyError, KeyInfo, KeyRole, PassphraseRequest, Passphrases};
use crate::{
    crypto::{CryptoError, PemBlock, PrivateKey},
    name::KeyId,
};
use zeroize::Zeroizing;

/// Whatever a source of passphrases says, a key is tried no more often than this.
const MAX_ATTEMPTS: u32 = 10;

/// The key that a passphrase is asked for.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// `None` when only the opened key will tell.
    pub(super) id: Option<&'a KeyId>,
    pub(super) role: &'a KeyRole,
}

/// A key, and the passphrase that opened it.
pub(super) type Opened = (PrivateKey, Zeroizing<String>);

impl<'a> From<&'a KeyInfo> for Subject<'a> {
    fn from(info: &'a KeyInfo) -> Self {
        Self { id: Some(&info.id), role: &info.role }
    }
}

/// Asks until a passphrase opens the block. The inner error is about the key, not a passphrase.
pub(super) fn decrypt(
    passphrases: &dyn Passphrases,
    subject: Subject<'_>,
    block: &PemBlock,
) -> Result<Result<Opened, CryptoError>, KeyError> {
    let mut tried = 0;
    ask(passphrases, subject, false, |passphrase| {
        if passphrase.is_empty() {
            return Err(empty(passphrases, subject));
        }
        match PrivateKey::from_pem(block, Some(&passphrase)) {
            Err(CryptoError::WrongPassphrase) => {
                tried += 1;
                Err(KeyError::WrongPassphrase { id: subject.id.cloned(), attempts: tried })
            }
            read => Ok(read.map(|key| (key, passphrase))),
        }
    })
}

/// Asks until a passphrase is good enough for a new key.
pub(super) fn choose(
    passphrases: &dyn Passphrases,
    subject: Subject<'_>,
) -> Result<Zeroizing<String>, KeyError> {
    ask(passphrases, subject, true, |passphrase| {
        if passphrase.trim().is_empty() {
            return Err(empty(passphrases, subject));
        }
        let (got, min) = (passphrase.chars().count(), passphrases.min_characters());
        if got < min {
            return Err(KeyError::ShortPassphrase { role: subject.role.clone(), min, got });
        }
        Ok(passphrase)
    })
}

fn ask<T>(
    passphrases: &dyn Passphrases,
    subject: Subject<'_>,
    new: bool,
    mut attempt: impl FnMut(Zeroizing<String>) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let (id, role) = (subject.id.cloned(), subject.role.clone());
    let mut refused = KeyError::NoPassphrase { origin: passphrases.origin(&role), id, role };
    for number in 1..=passphrases.attempts().min(MAX_ATTEMPTS) {
        let request = PassphraseRequest { id: subject.id, role: subject.role, new, attempt: number };
        let Some(passphrase) = passphrases.passphrase(&request) else { break };
        match attempt(passphrase) {
            Ok(done) => return Ok(done),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn empty(passphrases: &dyn Passphrases, subject: Subject<'_>) -> KeyError {
    let (id, role) = (subject.id.cloned(), subject.role.clone());
    KeyError::EmptyPassphrase { origin: passphrases.origin(&role), id, role }
}
