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
/// What OWASP advises for HMAC-SHA-256 (2023).
const STRONG_ITERATIONS: u32 = 600_000;
/// Most iterations that a file may ask for; they cost a few seconds (KS-07).
const MAX_ITERATIONS: u32 = 10_000_000;
const SALT_LENGTH: usize = 8;
const BLOCK: usize = 16;

/// How the key that encrypts a key file is derived from the passphrase (KS-08).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyEncryption {
    /// As Notary v1 and Docker write and read it: PBKDF2 with HMAC-SHA-1 and 2048 iterations. A
    /// guess costs an attacker very little, so the passphrase has to carry the strength.
    #[default]
    Notary,
    /// PBKDF2 with HMAC-SHA-256 and 600,000 iterations, which this library and OpenSSL read.
    /// Notary and Docker can **not**: they report a wrong passphrase.
    Strong,
}

impl KeyEncryption {
    fn parameters(self) -> (Pbkdf2Prf, u32, usize) {
        match self {
            // The default of the format, so the field is left out, as Notary does.
            Self::Notary => (Pbkdf2Prf::HmacWithSha1, ITERATIONS, SALT_LENGTH),
            Self::Strong => (Pbkdf2Prf::HmacWithSha256, STRONG_ITERATIONS, BLOCK),
        }
    }
}

/// Encrypts a PrivateKeyInfo. Gives the DER of an EncryptedPrivateKeyInfo that Notary reads.
///
/// # Errors
/// [`CryptoError::Random`] if the operating system gives no random bytes.
pub fn encrypt(pkcs8_der: &[u8], passphrase: &str) -> Result<Vec<u8>, CryptoError> {
    encrypt_as(pkcs8_der, passphrase, KeyEncryption::Notary)
}

/// Encrypts a PrivateKeyInfo in a chosen way.
///
/// # Errors
/// [`CryptoError::Random`] if the operating system gives no random bytes.
pub fn encrypt_as(
    pkcs8_der: &[u8],
    passphrase: &str,
    encryption: KeyEncryption,
) -> Result<Vec<u8>, CryptoError> {
    let (prf, iterations, salt_length) = encryption.parameters();
    let (mut salt, mut iv) = (vec![0; salt_length], [0; BLOCK]);
    super::random(&mut salt)?;
    super::random(&mut iv)?;
    encrypt_with(pkcs8_der, passphrase, Pbkdf2Params { prf, ..kdf(iterations, &salt)? }, iv)
}

/// Decrypts the DER of an EncryptedPrivateKeyInfo. Gives a PrivateKeyInfo.
///
/// # Errors
/// [`CryptoError::WrongPassphrase`] if no private key comes out;
/// [`CryptoError::UnsupportedEncryption`] and [`CryptoError::Iterations`] without trying.
pub fn decrypt(der: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let info = read(der)?;
    let (parameters, kdf) = supported(&info)?;
    let ciphertext = info.encrypted_data.as_bytes();
    let named = try_decrypt(parameters, ciphertext, passphrase)?;
    if named.is_some() || kdf.prf == Pbkdf2Prf::HmacWithSha1 {
        return named.ok_or(CryptoError::WrongPassphrase);
    }
    let prf = Pbkdf2Prf::HmacWithSha1;
    let with_sha1 =
        Parameters { kdf: Kdf::Pbkdf2(Pbkdf2Params { prf, ..*kdf }), encryption: parameters.encryption };
    try_decrypt(&with_sha1, ciphertext, passphrase)?.ok_or(CryptoError::WrongPassphrase)
}

/// Whether [`decrypt`] would try at all, and how many iterations a passphrase would cost.
pub(super) fn check_supported(der: &[u8]) -> Result<u32, CryptoError> {
    supported(&read(der)?).map(|(_, kdf)| kdf.iteration_count)
}

fn read(der: &[u8]) -> Result<EncryptedPrivateKeyInfoRef<'_>, CryptoError> {
    EncryptedPrivateKeyInfoRef::from_der(der)
        .map_err(|error| CryptoError::malformed("encrypted private key", error))
}

fn supported<'a>(
    info: &'a EncryptedPrivateKeyInfoRef<'_>,
) -> Result<(&'a Parameters, &'a Pbkdf2Params), CryptoError> {
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(unsupported("PBES1, expected PBES2"));
    };
    let Kdf::Pbkdf2(kdf) = &parameters.kdf else {
        return Err(unsupported("scrypt, expected PBKDF2"));
    };
    check(kdf)?;
    Ok((parameters, kdf))
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

/// `None` if what comes out is no private key.
fn try_decrypt(
    parameters: &Parameters,
    ciphertext: &[u8],
    passphrase: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, CryptoError> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = match parameters.decrypt_in_place(passphrase, &mut buffer) {
        Ok(plain) => plain.len(),
        Err(pkcs8::pkcs5::Error::DecryptFailed) => return Ok(None),
        Err(other) => return Err(unsupported(other)),
    };
    buffer.truncate(length);
    let is_key = PrivateKeyInfo::from_der(&buffer).is_ok();
    Ok(is_key.then_some(buffer))
}

fn encrypt_with(
    pkcs8_der: &[u8],
    passphrase: &str,
    kdf: Pbkdf2Params,
    iv: [u8; BLOCK],
) -> Result<Vec<u8>, CryptoError> {
    let parameters =
        Parameters { kdf: Kdf::Pbkdf2(kdf), encryption: pbes2::EncryptionScheme::Aes256Cbc { iv } };
    let mut buffer = Zeroizing::new(Vec::with_capacity(pkcs8_der.len() + BLOCK));
    buffer.extend_from_slice(pkcs8_der);
    buffer.resize(pkcs8_der.len() + BLOCK, 0);
    let ciphertext =
        parameters.encrypt_in_place(passphrase, &mut buffer, pkcs8_der.len()).map_err(unsupported)?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: EncryptionScheme::Pbes2(parameters),
        encrypted_data: OctetStringRef::new(ciphertext).map_err(unsupported)?,
    };
    info.to_der().map_err(unsupported)
}

fn kdf(iteration_count: u32, salt: &[u8]) -> Result<Pbkdf2Params, CryptoError> {
    Ok(Pbkdf2Params {
        salt: salt.try_into().map_err(unsupported)?,
        iteration_count,
        key_length: None,
        prf: Pbkdf2Prf::HmacWithSha1,
    })
}

fn unsupported(reason: impl ToString) -> CryptoError {
    CryptoError::UnsupportedEncryption { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::PrivateKey;
    use super::super::testing;
    use super::*;
    use data_encoding::HEXLOWER;

    /// What the key of [`testing::NOTARY_ALICE`] decrypts to.
    const ALICE: &str = "308193020101301306072a8648ce3d020106082a8648ce3d030107047930770201010420342c340633ea5549790c609559bee85db329b4f4cc9977072a4e1923fec2f7b0a00a06082a8648ce3d030107a144034200041718c93a3e0a838c1e82cf10da1ba7b8dc584401173a6f797775ea6eaefc2df3bb176bb790e5c091fef58b5d11951167b87c2e52d39619dbf4a3b76f9d49f04b";

    /// A key under one iteration, for tests that try many times.
    fn quick() -> Vec<u8> {
        let plain = HEXLOWER.decode(ALICE.as_bytes()).unwrap();
        encrypt_with(&plain, "delgpass1", kdf(1, b"salt").unwrap(), [7; BLOCK]).unwrap()
    }

    fn replaced(der: &[u8], from: &str, to: &str) -> Vec<u8> {
        let hex = HEXLOWER.encode(der);
        assert_eq!(hex.matches(from).count(), 1, "{from}");
        HEXLOWER.decode(hex.replace(from, to).as_bytes()).unwrap()
    }

    #[test]
    fn a_key_that_notary_wrote_decrypts_and_encrypts_to_the_same_bytes() {
        let stored = testing::block(testing::NOTARY_ALICE).contents;
        let plain = decrypt(&stored, "delgpass1").unwrap();
        assert_eq!(HEXLOWER.encode(&plain), ALICE);
        let at = |from: &[u8], length: usize| {
            let at = stored.windows(from.len()).position(|w| w == from).unwrap() + from.len();
            stored[at..at + length].to_vec()
        };
        let salt = at(&[0x04, 8], 8);
        let iv = at(&[0x2a, 0x04, 16], 16).try_into().unwrap();
        let again = encrypt_with(&plain, "delgpass1", kdf(2048, &salt).unwrap(), iv).unwrap();
        assert_eq!(again, *stored);
    }

    #[test]
    fn a_wrong_passphrase_is_told_and_never_gives_a_key() {
        let stored = quick();
        // One in 256 wrong passphrases yields sound padding, so several are tried.
        for attempt in 0..2_000 {
            let result = decrypt(&stored, &format!("wrong{attempt}"));
            assert_eq!(result, Err(CryptoError::WrongPassphrase));
        }
    }

    #[test]
    fn ks_08_the_stronger_derivation_is_what_it_says_and_notarys_the_default() {
        let plain = HEXLOWER.decode(ALICE.as_bytes()).unwrap();
        let strong = encrypt_as(&plain, "p", KeyEncryption::Strong).unwrap();
        let named = HEXLOWER.encode(&strong);
        // A salt of 16 bytes, 600,000 iterations, HMAC-SHA-256.
        assert!(named.contains("02030927c0") && named.contains("06082a864886f70d0209"), "{named}");
        assert_eq!(*decrypt(&strong, "p").unwrap(), plain);
        let notarys = HEXLOWER.encode(&encrypt(&plain, "p").unwrap());
        assert!(notarys.contains("02020800301d0609"), "2048 iterations, no function named: {notarys}");
        assert_eq!(KeyEncryption::default(), KeyEncryption::Notary);
    }

    #[test]
    fn fresh_salts_are_drawn() {
        let plain = HEXLOWER.decode(ALICE.as_bytes()).unwrap();
        let (one, two) = (encrypt(&plain, "p").unwrap(), encrypt(&plain, "p").unwrap());
        assert_ne!(one, two);
        assert_eq!(*decrypt(&one, "p").unwrap(), plain);
    }

    #[test]
    fn the_function_that_the_file_names_is_tried_and_then_notarys() {
        let stored = testing::block(testing::P256_ENCRYPTED_SHA256_PRF).contents;
        assert!(decrypt(&stored, "secret99").is_ok());
        // HMAC-SHA-256 (…02.09) renamed HMAC-SHA-512 (…02.0b): neither that nor SHA-1 fits.
        let renamed = replaced(&stored, "06082a864886f70d0209", "06082a864886f70d020b");
        let refused = decrypt(&renamed, "secret99");
        assert_eq!(refused, Err(CryptoError::WrongPassphrase));
        let alice = testing::block(testing::NOTARY_ALICE).contents;
        let lying = replaced(
            &alice,
            "3081ee304906092a864886f70d01050d303c301b06092a864886f70d01050c300e",
            "3081fc305706092a864886f70d01050d304a302906092a864886f70d01050c301c",
        );
        let lying = replaced(&lying, "02020800", "02020800300c06082a864886f70d02090500");
        assert_eq!(HEXLOWER.encode(&decrypt(&lying, "delgpass1").unwrap()), ALICE);
    }

    #[test]
    fn ks_07_iterations_are_bounded_and_salt_is_needed() {
        let alice = testing::block(testing::NOTARY_ALICE).contents;
        let max = MAX_ITERATIONS;
        let grow = |by: u8, iterations: &str| {
            let mut hex = HEXLOWER.encode(&alice);
            for (length, at) in [(0xeeu8, 4), (0x49, 8), (0x3c, 34), (0x1b, 38), (0x0e, 64)] {
                let grown = format!("{:02x}", length.wrapping_add(by));
                assert_eq!(&hex[at..at + 2], format!("{length:02x}"));
                hex.replace_range(at..at + 2, &grown);
            }
            HEXLOWER.decode(hex.replace("02020800", iterations).as_bytes()).unwrap()
        };
        let got = 0;
        let zero = decrypt(&grow(255, "020100"), "delgpass1");
        assert_eq!(zero, Err(CryptoError::Iterations { got, max }));
        let got = 10_000_001;
        let many = decrypt(&grow(2, "020400989681"), "delgpass1");
        assert_eq!(many, Err(CryptoError::Iterations { got, max }));
        let got = 1 << 31;
        let far_too_many = decrypt(&grow(3, "02050080000000"), "delgpass1");
        assert_eq!(far_too_many, Err(CryptoError::Iterations { got, max }));
        let mut params = Pbkdf2Params::hmac_sha256(1, b"").unwrap();
        assert!(check(&params).is_err());
        params.salt = b"salt".as_slice().try_into().unwrap();
        assert!(check(&params).is_ok());
    }

    #[test]
    fn ks_06_an_altered_bit_never_gives_another_key() {
        let stored = quick();
        let genuine = decrypt(&stored, "delgpass1").unwrap();
        let public = PrivateKey::from_pkcs8_der(&genuine).unwrap();
        let ciphertext_begins = stored.len() - 160;
        for (at, bit) in (ciphertext_begins..stored.len()).flat_map(|at| [(at, 1), (at, 0x10)]) {
            let mut altered = stored.clone();
            altered[at] ^= bit;
            let key = decrypt(&altered, "delgpass1").and_then(|der| PrivateKey::from_pkcs8_der(&der));
            if let Ok(key) = key {
                assert_eq!(key.public_key(), public.public_key(), "byte {at}");
            }
        }
    }
}
