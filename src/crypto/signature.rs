//! One verification a scheme, over ring; the caller has already decided that the scheme fits the
//! key.
//!
//! ECDSA hashes with SHA-256, whatever the curve (Notary v1), but for the one scheme of TUF 1.0 on
//! P-384; PSS salts have 32 bytes.

use super::asn1;
use super::error::CryptoError;
use super::key_material::Curve;
use der::asn1::{AnyRef, UintRef};
use der::{Decode, Reader};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

const ED25519_SIGNATURE_LENGTH: usize = 64;

/// Verifies ECDSA with r and s side by side (WK-04).
pub(super) fn verify_p1363(
    curve: Curve,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let der = p1363_to_der(curve, signature)?;
    verify_ecdsa_der(curve, point, message, &der)
}

/// Verifies ECDSA with the ASN.1 sequence of r and s.
pub(super) fn verify_ecdsa_der(
    curve: Curve,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let algorithm: &'static dyn VerificationAlgorithm = match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1,
        Curve::P384 => &ECDSA_P384_SHA256_ASN1,
    };
    verify_point(algorithm, point, message, signature)
}

/// Verifies ECDSA on P-384 over SHA-384, with the ASN.1 sequence of r and s.
pub(super) fn verify_p384_sha384(point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    verify_point(&ECDSA_P384_SHA384_ASN1, point, message, signature)
}

pub(super) fn verify_pss(
    modulus: &[u8],
    exponent: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    verify_rsa(&RSA_PSS_2048_8192_SHA256, modulus, exponent, message, signature)
}

pub(super) fn verify_pkcs1v15(
    modulus: &[u8],
    exponent: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    verify_rsa(&RSA_PKCS1_2048_8192_SHA256, modulus, exponent, message, signature)
}

fn verify_rsa(
    parameters: &'static RsaParameters,
    modulus: &[u8],
    exponent: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    expect_length(modulus.len(), signature)?;
    let key = RsaPublicKeyComponents { n: modulus, e: exponent };
    key.verify(parameters, message, signature).map_err(|_| CryptoError::InvalidSignature)
}

pub(super) fn verify_ed25519(point: &[u8; 32], message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    expect_length(ED25519_SIGNATURE_LENGTH, signature)?;
    verify_point(&ED25519, point, message, signature)
}

fn verify_point(
    algorithm: &'static dyn VerificationAlgorithm,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    UnparsedPublicKey::new(algorithm, point)
        .verify(message, signature)
        .map_err(|_| CryptoError::InvalidSignature)
}

/// r and s side by side to the ASN.1 sequence.
pub(crate) fn p1363_to_der(curve: Curve, signature: &[u8]) -> Result<Vec<u8>, CryptoError> {
    expect_length(2 * curve.width(), signature)?;
    let (r, s) = signature.split_at_checked(curve.width()).ok_or(CryptoError::InvalidSignature)?;
    let numbers = [asn1::unsigned(r), asn1::unsigned(s)].concat();
    Ok(asn1::element(asn1::TAG_SEQUENCE, &[&numbers]))
}

/// The ASN.1 sequence to r and s side by side, for signers that know only the former.
pub(super) fn der_to_p1363(curve: Curve, signature: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let read = || {
        AnyRef::from_der(signature)?.sequence(|numbers| {
            let r = numbers.decode::<UintRef<'_>>()?;
            Ok::<_, der::Error>((r, numbers.decode::<UintRef<'_>>()?))
        })
    };
    let (r, s) = read().map_err(|error| CryptoError::malformed("ECDSA signature", error))?;
    let mut out = Vec::with_capacity(2 * curve.width());
    for number in [r.as_bytes(), s.as_bytes()] {
        let padding = curve
            .width()
            .checked_sub(number.len())
            .ok_or_else(|| CryptoError::malformed("ECDSA signature", "wider than the curve"))?;
        out.resize(out.len() + padding, 0);
        out.extend_from_slice(number);
    }
    Ok(out)
}

fn expect_length(expected: usize, signature: &[u8]) -> Result<(), CryptoError> {
    let got = signature.len();
    if got == expected { Ok(()) } else { Err(CryptoError::SignatureLength { expected, got }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ecdsa_forms_convert_into_each_other() {
        let mut raw = vec![0; 64];
        raw[31] = 0x80;
        raw[63] = 1;
        let der = p1363_to_der(Curve::P256, &raw).unwrap();
        assert_eq!(der, [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]);
        assert_eq!(der_to_p1363(Curve::P256, &der).unwrap(), raw);
    }

    #[test]
    fn numbers_wider_than_the_curve_are_refused() {
        let wide = p1363_to_der(Curve::P384, &[0x7f; 96]).unwrap();
        assert!(der_to_p1363(Curve::P256, &wide).is_err());
    }

    #[test]
    fn lengths_are_exact() {
        for length in [0, 63, 65, 96] {
            let (expected, got) = (64, length);
            assert_eq!(
                p1363_to_der(Curve::P256, &vec![1; length]),
                Err(CryptoError::SignatureLength { expected, got })
            );
        }
    }
}
