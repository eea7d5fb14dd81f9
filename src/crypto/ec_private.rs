//! What an EC private key can do, by curve and hash: ring signs with P-256 over SHA-256 and P-384
//! over SHA-384, the pairs of TUF 1.0; P-384 over SHA-256, which Notary v1 asks for, needs the
//! feature `p384`, and so does a file without the public point (RFC 5915 makes it optional, and
//! `openssl ec -no_public` leaves it out).

use super::error::CryptoError;
use super::key_material::{Curve, ParsedKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
};

/// ring's key, for which both halves are compared.
pub(super) fn pair(curve: Curve, scalar: &[u8], point: &[u8]) -> Result<EcdsaKeyPair, CryptoError> {
    let algorithm: &'static EcdsaSigningAlgorithm = match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
    };
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &SystemRandom::new())
        .map_err(|reason| CryptoError::InconsistentKey { reason: reason.to_string() })
}

/// r and s side by side, over SHA-256 whatever the curve.
pub(super) fn sign(
    curve: Curve,
    scalar: &[u8],
    point: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    match curve {
        Curve::P256 => sign_native(curve, scalar, point, message),
        Curve::P384 => rustcrypto::sign_p384(scalar, message),
    }
}

/// r and s side by side, over the hash as wide as the curve.
pub(super) fn sign_native(
    curve: Curve,
    scalar: &[u8],
    point: &[u8],
    message: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let signature = pair(curve, scalar, point)?.sign(&SystemRandom::new(), message);
    let signature = signature.map_err(|e| CryptoError::Signing { reason: e.to_string() })?;
    Ok(signature.as_ref().to_vec())
}

/// The uncompressed point of a key whose file holds it in any form, or not at all. That it belongs
/// to the key is for [`pair`] to find out where the file has it in full.
pub(super) fn point(curve: Curve, scalar: &[u8], stored: Option<&[u8]>) -> Result<Vec<u8>, CryptoError> {
    let Some(stored) = stored else { return rustcrypto::point(curve, scalar) };
    if stored.first() == Some(&4) {
        return Ok(stored.to_vec());
    }
    let expected = ParsedKey::from_ec_point(curve, stored)?.material;
    let point = rustcrypto::point(curve, scalar)?;
    if ParsedKey::from_ec_point(curve, &point)?.material != expected {
        let reason = "the public point is that of another key".to_owned();
        return Err(CryptoError::InconsistentKey { reason });
    }
    Ok(point)
}

#[cfg(feature = "p384")]
mod rustcrypto {
    use super::{CryptoError, Curve};
    use p384::{
        ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _},
        elliptic_curve::sec1::ToSec1Point as _,
    };
    use sha2::{Digest as _, Sha256};
    use std::fmt::Display;

    /// The nonce comes from key and digest (RFC 6979). The key is wiped when it goes.
    pub(super) fn sign_p384(scalar: &[u8], message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = SigningKey::from_slice(scalar).map_err(inconsistent)?;
        let signature = key.sign_prehash(&Sha256::digest(message));
        let signature: Signature = signature.map_err(|e| CryptoError::Signing { reason: e.to_string() })?;
        Ok(signature.to_bytes().to_vec())
    }

    pub(super) fn point(curve: Curve, scalar: &[u8]) -> Result<Vec<u8>, CryptoError> {
        Ok(match curve {
            Curve::P256 => {
                let key = p256::SecretKey::from_slice(scalar).map_err(inconsistent)?;
                key.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
            Curve::P384 => {
                let key = p384::SecretKey::from_slice(scalar).map_err(inconsistent)?;
                key.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
        })
    }

    fn inconsistent(reason: impl Display) -> CryptoError {
        CryptoError::InconsistentKey { reason: reason.to_string() }
    }
}

#[cfg(not(feature = "p384"))]
mod rustcrypto {
    use super::{CryptoError, Curve};

    pub(super) fn sign_p384(_: &[u8], _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let operation = "signing without the feature \"p384\"";
        Err(CryptoError::UnsupportedCurve { curve: Curve::P384.to_string(), operation })
    }

    pub(super) fn point(_: Curve, _: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let reason = "an EC key without its public point in full, which only the feature \"p384\" computes \
                      (openssl ec writes it)";
        Err(CryptoError::malformed("private key", reason))
    }
}

// With the feature: every test is built with it, for the crate's dev-dependency on itself says so.
#[cfg(all(test, feature = "p384"))]
mod tests {
    use super::super::testing::{self, MESSAGE};
    use super::super::{CryptoError, PrivateKey, Signer as _};

    fn from_pem(pem: &[u8]) -> Result<PrivateKey, CryptoError> {
        PrivateKey::from_pem(&testing::block(pem), None)
    }

    /// Each key in full, and as `openssl ec` writes it with `-no_public` and with
    /// `-conv_form compressed`.
    const FORMS: [(&[u8], [&[u8]; 2]); 2] = [
        (testing::P256_PRIVATE, [testing::P256_NO_PUBLIC, testing::P256_COMPRESSED]),
        (testing::P384_PRIVATE, [testing::P384_NO_PUBLIC, testing::P384_COMPRESSED]),
    ];

    #[test]
    fn p384_signs_the_digest_that_notary_takes() {
        use super::super::Scheme;
        let key = from_pem(testing::P384_PRIVATE).unwrap();
        let signature = key.sign(MESSAGE).unwrap();
        assert_eq!(signature.len(), 96);
        let public = key.public_key();
        assert_eq!(public.verify(Scheme::EcdsaP1363, MESSAGE, &signature), Ok(()));
        let der = key.sign_with(Scheme::EcdsaDer, MESSAGE).unwrap();
        assert_eq!(public.verify(Scheme::EcdsaDer, MESSAGE, &der), Ok(()));
        let other = public.verify(Scheme::EcdsaP1363, b"other", &signature);
        assert_eq!(other, Err(CryptoError::InvalidSignature));
        let again = PrivateKey::from_pkcs8_der(&key.to_notary_pkcs8()).unwrap();
        assert_eq!(again.public_key(), public);
    }

    #[test]
    fn a_missing_or_compressed_point_is_computed() {
        for (full, forms) in FORMS {
            let full = from_pem(full).unwrap();
            for form in forms {
                let key = from_pem(form).unwrap();
                assert_eq!(key.public_key(), full.public_key());
                assert_eq!(key.to_notary_pkcs8(), full.to_notary_pkcs8());
                assert!(key.sign(MESSAGE).is_ok());
            }
        }
    }

    #[test]
    fn ks_09_a_compressed_point_of_another_key_is_refused() {
        for (_, [_, compressed]) in FORMS {
            let mut der = testing::block(compressed).contents;
            let point = der.windows(2).rposition(|w| w == [0, 2] || w == [0, 3]).unwrap();
            der[point + 1] ^= 1;
            let error = PrivateKey::from_sec1_der(&der).unwrap_err();
            assert!(matches!(error, CryptoError::InconsistentKey { .. }), "{error}");
        }
    }

    #[test]
    fn numbers_that_are_no_keys_are_refused() {
        for (_, [no_public, _]) in FORMS {
            let der = testing::block(no_public).contents;
            for filler in [0, 0xff] {
                let mut der = der.clone();
                let width = usize::from(der[6]);
                der[7..7 + width].fill(filler);
                let error = PrivateKey::from_sec1_der(&der).unwrap_err();
                assert!(matches!(error, CryptoError::InconsistentKey { .. }), "{error}");
            }
        }
    }
}
