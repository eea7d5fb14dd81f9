//! Key files are encrypted as Notary v1 encrypts them: PBES2 with PBKDF2-HMAC-SHA-1, 2048
//! iterations and AES-256-CBC (RFC 8018). Reading takes any PBES2 with PBKDF2 (KS-06 to KS-08).
//!
//! Notary's reader uses HMAC-SHA-1 whatever the file says, so a file may name one function and
//! need another: the one it names is tried first. There is no tag over the ciphertext; only a
//! result that is a private key counts, and [`super::PrivateKey`] compares both its halves.

use super::error::CryptoError;
use super::private_key_info::PrivateKeyInfo;
use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Parameters, Pbkdf2Params, Pbkdf2Prf};
use zeroize::Zeroizing;

/// What Notary writes.
const ITERATIONS: u32 = 2048;
/// Most iterations that a file may ask for; they cost a few seconds (KS-07).
const MAX_ITERATIONS: u32 = 10_000_000;
const SALT_LENGTH: usize = 8;
const BLOCK: usize = 16;

/// Encrypts a PrivateKeyInfo. Gives the DER of an EncryptedPrivateKeyInfo that Notary reads.
///
/// # Errors
/// [`CryptoError::Random`] if the operating system gives no random bytes.
pub fn encrypt(pkcs8_der: &[u8], passphrase: &str) -> Result<Vec<u8>, CryptoError> {
    let (mut salt, mut iv) = ([0; SALT_LENGTH], [0; BLOCK]);
    super::random(&mut salt)?;
    super::random(&mut iv)?;
    encrypt_with(pkcs8_der, passphrase, &salt, iv)
}

/// Decrypts the DER of an EncryptedPrivateKeyInfo. Gives a PrivateKeyInfo.
///
/// # Errors
/// [`CryptoError::WrongPassphrase`] if no private key comes out;
/// [`CryptoError::UnsupportedEncryption`] and [`CryptoError::Iterations`] without trying.
pub fn decrypt(der: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der)
        .map_err(|error| CryptoError::malformed("encrypted private key", error))?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(unsupported("PBES1, expected PBES2"));
    };
    let Kdf::Pbkdf2(kdf) = &parameters.kdf else {
        return Err(unsupported("scrypt, expected PBKDF2"));
    };
    check(kdf)?;
    let ciphertext = info.encrypted_data.as_bytes();
    let named = try_decrypt(parameters, ciphertext, passphrase);
    if named.is_some() || kdf.prf == Pbkdf2Prf::HmacWithSha1 {
        return named.ok_or(CryptoError::WrongPassphrase);
    }
    let prf = Pbkdf2Prf::HmacWithSha1;
    let with_sha1 = Parameters {
        kdf: Kdf::Pbkdf2(Pbkdf2Params { prf, ..*kdf }),
        encryption: parameters.encryption,
    };
    try_decrypt(&with_sha1, ciphertext, passphrase).ok_or(CryptoError::WrongPassphrase)
}

fn check(kdf: &Pbkdf2Params) -> Result<(), CryptoError> {
    let got = kdf.iteration_count;
    if !(1..=MAX_ITERATIONS).contains(&got) {
        let max = MAX_ITERATIONS;
        return Err(CryptoError::Iterations { got, max });
    }
    if kdf.salt.as_bytes().is_empty() {
        return Err(unsupported("an empty salt"));
    }
    Ok(())
}

fn try_decrypt(
    parameters: &Parameters,
    ciphertext: &[u8],
    passphrase: &str,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = parameters
        .decrypt_in_place(passphrase, &mut buffer)
        .ok()?
        .len();
    buffer.truncate(length);
    PrivateKeyInfo::from_der(&buffer).ok()?;
    Some(buffer)
}

fn encrypt_with(
    pkcs8_der: &[u8],
    passphrase: &str,
    salt: &[u8],
    iv: [u8; BLOCK],
) -> Result<Vec<u8>, CryptoError> {
    let kdf = Pbkdf2Params {
        salt: salt
            .try_into()
            .map_err(|_| unsupported("a salt too long"))?,
        iteration_count: ITERATIONS,
        key_length: None,
        // The default of the format, so the field is left out, as Notary does.
        prf: Pbkdf2Prf::HmacWithSha1,
    };
    let parameters = Parameters {
        kdf: Kdf::Pbkdf2(kdf),
        encryption: pbes2::EncryptionScheme::Aes256Cbc { iv },
    };
    let mut buffer = Zeroizing::new(Vec::with_capacity(pkcs8_der.len() + BLOCK));
    buffer.extend_from_slice(pkcs8_der);
    buffer.resize(pkcs8_der.len() + BLOCK, 0);
    let ciphertext = parameters
        .encrypt_in_place(passphrase, &mut buffer, pkcs8_der.len())
        .map_err(unsupported)?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: EncryptionScheme::Pbes2(parameters),
        encrypted_data: OctetStringRef::new(ciphertext).map_err(unsupported)?,
    };
    info.to_der().map_err(unsupported)
}

fn unsupported(reason: impl ToString) -> CryptoError {
    CryptoError::UnsupportedEncryption {
        reason: reason.to_string(),
    }
}
