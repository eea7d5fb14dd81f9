//! A private key is checked against its public half when it is read, and kept only in memory that
//! is wiped (KS-09, KS-13, PX5-13).
//!
//! The ring library does not wipe its own key types, so its key is built for each signature and
//! dropped at once; what it leaves on the stack is out of reach. It signs with P-256, Ed25519, RSA
//! of 2048 to 4096 bits, and P-384 as TUF 1.0 has it; Notary's P-384 is the matter of a feature.

use super::ec_private;
use super::error::CryptoError;
use super::key_material::{self, Curve, RSA_MIN_BITS};
use super::private_key_info::{self, Secret};
use super::public_key::PublicKey;
use super::scheme::{KeyKind, Scheme};
use super::signer::Signer;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use std::fmt;
use zeroize::Zeroizing;

const RSA_SIGNING_MAX_BITS: usize = 4096;

/// A private key in memory. `Debug` shows its public half only.
pub struct PrivateKey {
    secret: Secret,
    public: PublicKey,
}

impl PrivateKey {
    /// A new P-256 key, which is what Notary makes.
    ///
    /// # Errors
    /// [`CryptoError::Random`] if the operating system gives no random bytes.
    pub fn generate_ecdsa() -> Result<Self, CryptoError> {
        Self::generate_ec(&ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    /// A new P-384 key, for TUF 1.0: it signs with [`Scheme::EcdsaDerSha384`]. For Notary it signs
    /// only with the feature `p384`.
    ///
    /// # Errors
    /// [`CryptoError::Random`] if the operating system gives no random bytes.
    pub fn generate_ecdsa_p384() -> Result<Self, CryptoError> {
        Self::generate_ec(&ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    /// A new Ed25519 key. Notary's client reads such keys but does not make them.
    ///
    /// # Errors
    /// [`CryptoError::Random`] if the operating system gives no random bytes.
    pub fn generate_ed25519() -> Result<Self, CryptoError> {
        let mut seed = Zeroizing::new(vec![0; 32]);
        super::random(&mut seed)?;
        Self::new(Secret::Ed25519 { seed, point: None })
    }

    /// Reads an unencrypted PKCS#8 PrivateKeyInfo: Notary's forms, and those of RFC 5208 and 8410.
    ///
    /// # Errors
    /// [`CryptoError`] if it is malformed, of an algorithm, curve or size that is not supported, or
    /// if the public key in it is not that of the private key.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, CryptoError> {
        Self::new(Secret::from_pkcs8(der)?)
    }

    /// Reads the RSAPrivateKey of RFC 8017, the form of `RSA PRIVATE KEY` blocks.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pkcs8_der`].
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, CryptoError> {
        let pkcs1 = Zeroizing::new(der.to_vec());
        Self::new(Secret::Rsa { pkcs1 })
    }

    /// Reads the ECPrivateKey of RFC 5915, the form of `EC PRIVATE KEY` blocks.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pkcs8_der`].
    pub fn from_sec1_der(der: &[u8]) -> Result<Self, CryptoError> {
        Self::new(Secret::from_sec1(der, None)?)
    }

    /// Reads the 96 bytes of Notary's `ED25519 PRIVATE KEY` blocks: the public key, the seed, and
    /// the public key again.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pkcs8_der`].
    pub fn from_notary_ed25519(bytes: &[u8]) -> Result<Self, CryptoError> {
        Self::new(Secret::from_notary_ed25519(bytes)?)
    }

    /// The key in Notary's own PKCS#8 form, byte for byte.
    #[must_use]
    pub fn to_notary_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        match &self.secret {
            Secret::Ec { curve, scalar, point } => private_key_info::notary_ec(*curve, scalar, point),
            Secret::Rsa { pkcs1 } => private_key_info::notary_rsa(pkcs1),
            Secret::Ed25519 { seed, .. } => private_key_info::notary_ed25519(seed, self.public.published()),
        }
    }

    /// The public half, plain (`ecdsa`, `rsa` or `ed25519`).
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Secret and public point as a token takes them; `None` for kinds that tokens are not given.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn token_parts(&self) -> Option<(&[u8], &[u8])> {
        match &self.secret {
            Secret::Ec { curve: Curve::P256, scalar, point } => Some((scalar, point)),
            Secret::Ed25519 { seed, .. } => Some((seed, self.public.published())),
            _ => None,
        }
    }

    fn generate_ec(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Self, CryptoError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).map_err(|_| CryptoError::Random)?;
        Self::from_pkcs8_der(document.as_ref())
    }

    /// Builds ring's key once, which compares both halves.
    fn new(secret: Secret) -> Result<Self, CryptoError> {
        let public = match &secret {
            Secret::Ec { curve, scalar, point } => {
                ec_private::pair(*curve, scalar, point)?;
                PublicKey::new(KeyKind::Ecdsa, key_material::ec_spki(*curve, point))
            }
            Secret::Ed25519 { seed, point } => {
                let pair = ed25519_pair(seed, point.as_deref())?;
                let point = pair.public_key().as_ref().to_vec();
                PublicKey::new(KeyKind::Ed25519, point)
            }
            Secret::Rsa { pkcs1 } => {
                let pair = rsa_pair(pkcs1)?;
                let numbers = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                let spki = key_material::rsa_spki(&numbers.n, &numbers.e);
                PublicKey::new(KeyKind::Rsa, spki)
            }
        };
        public.material().map_err(Clone::clone)?;
        Ok(Self { secret, public })
    }

    fn sign_rsa(
        pkcs1: &[u8],
        padding: &'static dyn RsaEncoding,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let pair = rsa_pair(pkcs1)?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(padding, &SystemRandom::new(), message, &mut signature).map_err(signing)?;
        Ok(signature)
    }
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match &self.secret {
            Secret::Ec { curve, scalar, point } => ec_private::sign(*curve, scalar, point, message),
            Secret::Ed25519 { seed, .. } => {
                let pair = ed25519_pair(seed, Some(self.public.published()))?;
                Ok(pair.sign(message).as_ref().to_vec())
            }
            Secret::Rsa { pkcs1 } => Self::sign_rsa(pkcs1, &RSA_PSS_SHA256, message),
        }
    }

    fn scheme(&self) -> Scheme {
        match &self.secret {
            Secret::Ec { .. } => Scheme::EcdsaP1363,
            Secret::Ed25519 { .. } => Scheme::Ed25519,
            Secret::Rsa { .. } => Scheme::RsaPss,
        }
    }

    fn sign_with(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match (&self.secret, scheme) {
            (Secret::Rsa { pkcs1 }, Scheme::RsaPkcs1v15) => Self::sign_rsa(pkcs1, &RSA_PKCS1_SHA256, message),
            (Secret::Ec { curve, .. }, Scheme::EcdsaDer) => {
                super::signature::p1363_to_der(*curve, &self.sign(message)?)
            }
            (Secret::Ec { curve: Curve::P384, scalar, point }, Scheme::EcdsaDerSha384) => {
                let signature = ec_private::sign_native(Curve::P384, scalar, point, message)?;
                super::signature::p1363_to_der(Curve::P384, &signature)
            }
            _ if scheme == self.scheme() => self.sign(message),
            _ => Err(CryptoError::SchemeMismatch { kind: self.public.kind().as_str().to_owned(), scheme }),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

fn ed25519_pair(seed: &[u8], point: Option<&[u8]>) -> Result<Ed25519KeyPair, CryptoError> {
    match point {
        Some(point) => Ed25519KeyPair::from_seed_and_public_key(seed, point),
        None => Ed25519KeyPair::from_seed_unchecked(seed),
    }
    .map_err(inconsistent)
}

/// The size is looked at first, for ring's own error does not tell it.
fn rsa_pair(pkcs1: &[u8]) -> Result<RsaKeyPair, CryptoError> {
    let bits = private_key_info::rsa_modulus_bits(pkcs1)?;
    let (min, max) = (RSA_MIN_BITS, RSA_SIGNING_MAX_BITS);
    if !(min..=max).contains(&bits) {
        return Err(CryptoError::RsaModulusSize { bits, min, max });
    }
    RsaKeyPair::from_der(pkcs1).map_err(inconsistent)
}

fn inconsistent(reason: ring::error::KeyRejected) -> CryptoError {
    CryptoError::InconsistentKey { reason: reason.to_string() }
}

fn signing(error: ring::error::Unspecified) -> CryptoError {
    CryptoError::Signing { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, MESSAGE};
    use super::*;

    fn from_pem(pem: &[u8]) -> PrivateKey {
        PrivateKey::from_pem(&testing::block(pem), None).unwrap()
    }

    fn signs(key: &PrivateKey) {
        let signature = key.sign(MESSAGE).unwrap();
        let public = key.public_key();
        assert_eq!(public.verify(key.scheme(), MESSAGE, &signature), Ok(()));
        let other = public.verify(key.scheme(), b"other", &signature);
        assert_eq!(other, Err(CryptoError::InvalidSignature));
        let again = PrivateKey::from_pkcs8_der(&key.to_notary_pkcs8()).unwrap();
        assert_eq!(again.public_key(), public);
    }

    #[test]
    fn generated_keys_sign_and_survive_their_own_form() {
        signs(&PrivateKey::generate_ecdsa().unwrap());
        signs(&PrivateKey::generate_ed25519().unwrap());
        let (one, two) = (PrivateKey::generate_ecdsa(), PrivateKey::generate_ecdsa());
        assert_ne!(one.unwrap().public_key(), two.unwrap().public_key());
    }

    #[test]
    fn standard_keys_sign() {
        signs(&from_pem(testing::P256_PRIVATE));
        signs(&from_pem(testing::ED25519_PRIVATE));
        signs(&from_pem(testing::RSA_PRIVATE));
    }

    #[test]
    fn rsa_keys_are_one_whatever_wraps_them() {
        let expected = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
        let pkcs8 = from_pem(testing::RSA_PRIVATE);
        let pkcs1 = from_pem(testing::RSA_PRIVATE_PKCS1);
        // Notary's own form lacks the NULL of the algorithm.
        let notary = PrivateKey::from_pkcs8_der(&pkcs8.to_notary_pkcs8()).unwrap();
        let null = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
        assert!(!notary.to_notary_pkcs8().windows(11).any(|w| w == null));
        for key in [&pkcs8, &pkcs1, &notary] {
            assert_eq!(key.public_key(), &expected);
        }
        let signature = pkcs1.sign_with(Scheme::RsaPkcs1v15, MESSAGE).unwrap();
        assert_eq!(signature, testing::RSA_PKCS1V15);
    }

    #[test]
    fn notarys_ed25519_form_reads_and_writes_byte_for_byte() {
        let stored = testing::block(testing::NOTARY_SNAPSHOT);
        let key = PrivateKey::from_pem(&stored, None).unwrap();
        let hex = data_encoding::HEXLOWER.encode(key.public_key().published());
        assert_eq!(hex, "ede77a6bf37bcfe8a9f76f2cd9b49d2202bcd5a272061b5d79f4096625eae6bd");
        assert_eq!(key.to_notary_pkcs8(), stored.contents);
        signs(&key);
    }

    #[test]
    fn halves_that_do_not_match_are_refused() {
        for pem in [testing::P256_PRIVATE, testing::RSA_PRIVATE] {
            let mut der = testing::block(pem).contents;
            // The end is the public point of the EC key, the CRT coefficient of the RSA key.
            *der.last_mut().unwrap() ^= 2;
            let error = PrivateKey::from_pkcs8_der(&der).unwrap_err();
            assert!(matches!(error, CryptoError::InconsistentKey { .. }), "{error}");
        }
        let genuine = testing::block(testing::NOTARY_SNAPSHOT).contents;
        for at in [genuine.len() - 1, genuine.len() - 33, genuine.len() - 65] {
            let mut der = genuine.clone();
            der[at] ^= 1;
            let error = PrivateKey::from_pkcs8_der(&der).unwrap_err();
            assert!(matches!(error, CryptoError::InconsistentKey { .. }), "{at} {error}");
        }
    }

    #[test]
    fn p384_keys_are_read_and_sign_over_sha_384_without_a_feature() {
        let key = from_pem(testing::P384_PRIVATE);
        let expected = testing::public_key_from_pem(KeyKind::Ecdsa, testing::P384_PUBLIC);
        assert_eq!(key.public_key(), &expected);
        for key in [key, PrivateKey::generate_ecdsa_p384().unwrap()] {
            let signature = key.sign_with(Scheme::EcdsaDerSha384, MESSAGE).unwrap();
            let verify = |scheme| key.public_key().verify(scheme, MESSAGE, &signature);
            assert_eq!(verify(Scheme::EcdsaDerSha384), Ok(()));
            assert_eq!(verify(Scheme::EcdsaDer), Err(CryptoError::InvalidSignature));
            let again = PrivateKey::from_pkcs8_der(&key.to_notary_pkcs8()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
        }
    }

    #[test]
    fn small_rsa_keys_are_refused_by_their_size() {
        let block = testing::block(testing::RSA_1024_PRIVATE);
        let (bits, min, max) = (1024, 2048, 4096);
        let too_small = CryptoError::RsaModulusSize { bits, min, max };
        assert_eq!(PrivateKey::from_pem(&block, None).unwrap_err(), too_small);
    }

    #[test]
    fn two_different_curves_are_refused() {
        let key = PrivateKey::generate_ecdsa().unwrap();
        let mut der = key.to_notary_pkcs8();
        let p256 = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
        let inner = der.windows(8).rposition(|w| w == p256).unwrap();
        der[inner + 7] = 6;
        let error = PrivateKey::from_pkcs8_der(&der).unwrap_err().to_string();
        assert!(error.contains("two different curves"), "{error}");
    }

    #[test]
    fn schemes_of_other_keys_are_refused() {
        let key = PrivateKey::generate_ecdsa().unwrap();
        let der = key.sign_with(Scheme::EcdsaDer, MESSAGE).unwrap();
        let public = key.public_key();
        assert_eq!(public.verify(Scheme::EcdsaDer, MESSAGE, &der), Ok(()));
        for scheme in [Scheme::RsaPss, Scheme::Ed25519, Scheme::RsaPkcs1v15, Scheme::EcdsaDerSha384] {
            assert!(key.sign_with(scheme, MESSAGE).is_err());
        }
    }

    /// s plus the order of the group verifies in lax implementations (WK-10).
    #[test]
    fn an_ed25519_signature_has_one_form_only() {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = PrivateKey::generate_ed25519().unwrap();
        let mut signature = key.sign(MESSAGE).unwrap();
        let mut carry = 0u16;
        for (byte, add) in signature[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        let result = key.public_key().verify(Scheme::Ed25519, MESSAGE, &signature);
        assert_eq!(result, Err(CryptoError::InvalidSignature));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = from_pem(testing::NOTARY_SNAPSHOT);
        let Secret::Ed25519 { seed, .. } = &key.secret else {
            panic!("an Ed25519 key was read");
        };
        let bytes = format!("{:?}", seed.as_slice());
        let inner = bytes.trim_matches(['[', ']']);
        assert!(!format!("{key:?}").contains(inner));
    }
}
