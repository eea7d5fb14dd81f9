//! The one place that asks for passphrases: a bounded number of times, then the last reason is
//! the error (KS-04, KS-05).

use crate::{
    crypto::{CryptoError, PemBlock, PrivateKey},
    keys::{KeyError, KeyInfo, PassphraseRequest, Passphrases},
};
use zeroize::Zeroizing;

/// Whatever a source of passphrases says, a key is tried no more often than this.
const MAX_ATTEMPTS: u32 = 10;

/// Asks until a passphrase opens the block. The inner error is about the key, not a passphrase.
pub(super) fn decrypt(
    passphrases: &dyn Passphrases,
    info: &KeyInfo,
    block: &PemBlock,
) -> Result<Result<PrivateKey, CryptoError>, KeyError> {
    let mut tried = 0;
    ask(passphrases, info, false, |passphrase| {
        if passphrase.is_empty() {
            return Err(empty(passphrases, info));
        }
        match PrivateKey::from_pem(block, Some(&passphrase)) {
            Err(CryptoError::WrongPassphrase) => {
                tried += 1;
                Err(KeyError::WrongPassphrase { id: info.id.clone(), attempts: tried })
            }
            read => Ok(read),
        }
    })
}

/// Asks until a passphrase is good enough for a new key.
pub(super) fn choose(passphrases: &dyn Passphrases, info: &KeyInfo) -> Result<Zeroizing<String>, KeyError> {
    ask(passphrases, info, true, |passphrase| {
        if passphrase.trim().is_empty() {
            return Err(empty(passphrases, info));
        }
        let (got, min) = (passphrase.chars().count(), passphrases.min_characters());
        if got < min {
            return Err(KeyError::ShortPassphrase { role: info.role.clone(), min, got });
        }
        Ok(passphrase)
    })
}

fn ask<T>(
    passphrases: &dyn Passphrases,
    info: &KeyInfo,
    new: bool,
    mut attempt: impl FnMut(Zeroizing<String>) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let (id, role) = (info.id.clone(), info.role.clone());
    let mut refused = KeyError::NoPassphrase { origin: passphrases.origin(&role), id, role };
    for number in 1..=passphrases.attempts().min(MAX_ATTEMPTS) {
        let existing = PassphraseRequest::existing(&info.id, &info.role, number);
        let Some(passphrase) = passphrases.passphrase(&PassphraseRequest { new, ..existing }) else {
            break;
        };
        match attempt(passphrase) {
            Ok(done) => return Ok(done),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn empty(passphrases: &dyn Passphrases, info: &KeyInfo) -> KeyError {
    let (id, role) = (info.id.clone(), info.role.clone());
    KeyError::EmptyPassphrase { origin: passphrases.origin(&role), id, role }
}
