//! The DER around a private key is read with every form that Notary v1 and OpenSSL write, and
//! written as Notary does (RFC 5208, RFC 5915, RFC 8017 A.1.2, RFC 8410).
//!
//! Notary's own forms: EC keys say version 1 without the public key that it promises, RSA
//! algorithm identifiers lack their NULL, Ed25519 has an identifier and a body of its own.

use super::asn1;
use super::ec_private;
use super::error::CryptoError;
use super::key_material::{Curve, bit_length};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Reader, TagMode, TagNumber};
use zeroize::Zeroizing;

const ED25519_SEED_LENGTH: usize = 32;
/// Public key, then Go's private key, which is the seed and the public key again.
const ED25519_NOTARY_LENGTH: usize = 96;

/// The secret numbers of a private key.
pub(super) enum Secret {
    Ec {
        curve: Curve,
        scalar: Zeroizing<Vec<u8>>,
        point: Vec<u8>,
    },
    Ed25519 {
        seed: Zeroizing<Vec<u8>>,
        /// `None` where the file does not hold it; it follows from the seed.
        point: Option<Vec<u8>>,
    },
    /// An RSAPrivateKey.
    Rsa {
        pkcs1: Zeroizing<Vec<u8>>,
    },
}

impl Secret {
    /// Reads a PrivateKeyInfo of any version.
    pub(super) fn from_pkcs8(bytes: &[u8]) -> Result<Self, CryptoError> {
        let info = PrivateKeyInfo::from_der(bytes).map_err(malformed)?;
        match info.algorithm {
            asn1::EC_PUBLIC_KEY => {
                let named = info.parameters.and_then(|p| p.decode_as().ok());
                Self::from_sec1(info.body, named)
            }
            asn1::RSA_ENCRYPTION => Ok(Self::Rsa { pkcs1: Zeroizing::new(info.body.to_vec()) }),
            asn1::ED25519 => {
                let seed = <&OctetStringRef>::from_der(info.body).map_err(malformed)?;
                Self::ed25519(seed.as_bytes(), None)
            }
            asn1::ED25519_NOTARY => Self::from_notary_ed25519(info.body),
            other => Err(malformed(format!("algorithm {other} is not supported"))),
        }
    }

    /// Reads an ECPrivateKey; `curve` is that of the wrapper, if there is one.
    pub(super) fn from_sec1(bytes: &[u8], curve: Option<ObjectIdentifier>) -> Result<Self, CryptoError> {
        let read = || {
            AnyRef::from_der(bytes)?.sequence(|fields| {
                fields.decode::<UintRef<'_>>()?;
                let scalar = fields.decode::<&OctetStringRef>()?.as_bytes();
                let named = fields.context_specific(TagNumber(0), TagMode::Explicit)?;
                let point = fields
                    .context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit)?
                    .and_then(|point| point.as_bytes());
                Ok::<_, der::Error>((scalar, named, point))
            })
        };
        let (scalar, named, point) = read().map_err(malformed)?;
        if curve.is_some() && named.is_some() && curve != named {
            return Err(malformed("two different curves"));
        }
        let curve = curve.or(named).ok_or_else(|| malformed("no named curve"))?;
        let curve = Curve::from_oid(curve)?;
        let scalar = padded(scalar, curve.width())?;
        let point = ec_private::point(curve, &scalar, point)?;
        Ok(Self::Ec { curve, scalar, point })
    }

    pub(super) fn from_notary_ed25519(body: &[u8]) -> Result<Self, CryptoError> {
        let wrong = || CryptoError::KeyLength {
            what: "Ed25519 private key",
            expected: ED25519_NOTARY_LENGTH,
            got: body.len(),
        };
        if body.len() != ED25519_NOTARY_LENGTH {
            return Err(wrong());
        }
        let (point, private) = body.split_at_checked(32).ok_or_else(wrong)?;
        let (seed, again) = private.split_at_checked(32).ok_or_else(wrong)?;
        if point != again {
            return Err(CryptoError::InconsistentKey {
                reason: "the two copies of the Ed25519 public key differ".to_owned(),
            });
        }
        Self::ed25519(seed, Some(point.to_vec()))
    }

    fn ed25519(seed: &[u8], point: Option<Vec<u8>>) -> Result<Self, CryptoError> {
        if seed.len() != ED25519_SEED_LENGTH {
            return Err(CryptoError::KeyLength {
                what: "Ed25519 private key",
                expected: ED25519_SEED_LENGTH,
                got: seed.len(),
            });
        }
        let seed = Zeroizing::new(seed.to_vec());
        Ok(Self::Ed25519 { seed, point })
    }
}

/// A PrivateKeyInfo whose key is not looked at yet.
pub(super) struct PrivateKeyInfo<'a> {
    algorithm: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
    body: &'a [u8],
}

impl<'a> PrivateKeyInfo<'a> {
    /// Whatever follows the key, attributes or a public key, is passed over.
    pub(super) fn from_der(bytes: &'a [u8]) -> Result<Self, der::Error> {
        AnyRef::from_der(bytes)?.sequence(|fields| {
            fields.decode::<UintRef<'_>>()?;
            let (algorithm, parameters) = fields.decode::<AnyRef<'_>>()?.sequence(|inner| {
                let algorithm = inner.decode::<ObjectIdentifier>()?;
                Ok::<_, der::Error>((algorithm, inner.decode::<Option<AnyRef<'_>>>()?))
            })?;
            let body = fields.decode::<&OctetStringRef>()?.as_bytes();
            while !fields.is_finished() {
                fields.decode::<AnyRef<'_>>()?;
            }
            Ok(Self { algorithm, parameters, body })
        })
    }
}

/// Notary's EC form: version 1, and the curve named inside once more.
pub(super) fn notary_ec(curve: Curve, scalar: &[u8], point: &[u8]) -> Zeroizing<Vec<u8>> {
    let curve = asn1::oid(curve.oid());
    let version = asn1::unsigned(&[1]);
    let secret = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[scalar]));
    let named = asn1::element(0xa0, &[&curve]);
    let bits = asn1::element(asn1::TAG_BIT_STRING, &[&[0], point]);
    let public = asn1::element(0xa1, &[&bits]);
    let sec1 = [&version[..], &secret, &named, &public];
    let sec1 = Zeroizing::new(asn1::element(asn1::TAG_SEQUENCE, &sec1));
    let parts = [&asn1::oid(asn1::EC_PUBLIC_KEY)[..], &curve];
    private_key_info(1, &asn1::element(asn1::TAG_SEQUENCE, &parts), &sec1)
}

/// Notary's RSA form: no NULL beside the algorithm.
pub(super) fn notary_rsa(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    let name = asn1::oid(asn1::RSA_ENCRYPTION);
    private_key_info(0, &asn1::element(asn1::TAG_SEQUENCE, &[&name]), pkcs1)
}

/// Notary's Ed25519 form: an identifier of its own, and 96 bytes.
pub(super) fn notary_ed25519(seed: &[u8], point: &[u8]) -> Zeroizing<Vec<u8>> {
    let name = asn1::oid(asn1::ED25519_NOTARY);
    let mut body = Zeroizing::new(Vec::with_capacity(ED25519_NOTARY_LENGTH));
    for part in [point, seed, point] {
        body.extend_from_slice(part);
    }
    private_key_info(0, &asn1::element(asn1::TAG_SEQUENCE, &[&name]), &body)
}

fn private_key_info(version: u8, algorithm: &[u8], body: &[u8]) -> Zeroizing<Vec<u8>> {
    let version = asn1::unsigned(&[version]);
    let body = Zeroizing::new(asn1::element(asn1::TAG_OCTET_STRING, &[body]));
    let parts = [&version[..], algorithm, &body];
    Zeroizing::new(asn1::element(asn1::TAG_SEQUENCE, &parts))
}

/// Some writers drop leading zeros of the scalar, or put one too many.
fn padded(scalar: &[u8], width: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let scalar = asn1::strip_leading_zeros(scalar);
    let padding = width.checked_sub(scalar.len());
    let padding = padding.ok_or_else(|| malformed("the EC scalar is wider than its curve"))?;
    let mut out = Zeroizing::new(Vec::with_capacity(width));
    out.resize(padding, 0);
    out.extend_from_slice(scalar);
    Ok(out)
}

fn malformed(reason: impl ToString) -> CryptoError {
    CryptoError::malformed("private key", reason)
}

/// Size of the modulus in an RSAPrivateKey.
pub(super) fn rsa_modulus_bits(pkcs1: &[u8]) -> Result<usize, CryptoError> {
    let read = || {
        AnyRef::from_der(pkcs1)?.sequence(|numbers| {
            numbers.decode::<UintRef<'_>>()?;
            let modulus = numbers.decode::<UintRef<'_>>()?;
            while !numbers.is_finished() {
                numbers.decode::<AnyRef<'_>>()?;
            }
            Ok::<_, der::Error>(bit_length(modulus.as_bytes()))
        })
    };
    read().map_err(malformed)
}
