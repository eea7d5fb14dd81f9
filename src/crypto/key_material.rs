//! Two published keys are the same key when their material is the same, whatever wraps it: a
//! certificate, PEM or DER, a compressed or an uncompressed point (DK-05, DK-06, DK-08).
//!
//! SubjectPublicKeyInfo of RFC 5280 section 4.1, EC keys of RFC 5480, RSA keys of RFC 8017 A.1.1.

use super::asn1;
use super::ed25519_point;
use super::error::CryptoError;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader};
use std::fmt;

/// Smallest RSA modulus that verifies.
pub(super) const RSA_MIN_BITS: usize = 2048;
const RSA_MAX_BITS: usize = 8192;
/// Largest RSA exponent that verifies: 2^33 - 1.
const RSA_MAX_EXPONENT: u64 = (1 << 33) - 1;

/// An elliptic curve that verifies.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// NIST P-256, also secp256r1.
    P256,
    /// NIST P-384, also secp384r1.
    P384,
}

impl Curve {
    /// Bytes of one coordinate.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => asn1::P256,
            Self::P384 => asn1::P384,
        }
    }

    /// Curves that Notary knows and this library does not are refused by name (WK-15).
    pub(super) fn from_oid(oid: ObjectIdentifier) -> Result<Self, CryptoError> {
        let curve = match oid {
            asn1::P256 => return Ok(Self::P256),
            asn1::P384 => return Ok(Self::P384),
            asn1::P224 => "P-224".to_owned(),
            asn1::P521 => "P-521".to_owned(),
            other => other.to_string(),
        };
        let operation = "verifying";
        Err(CryptoError::UnsupportedCurve { curve, operation })
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        })
    }
}

/// The mathematical public key: what a threshold counts.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyMaterial {
    /// A point on a curve.
    #[non_exhaustive]
    Ec {
        /// The curve.
        curve: Curve,
        /// The point in compressed form (SEC 1 section 2.3.3).
        point: Vec<u8>,
    },
    /// An RSA modulus and exponent.
    #[non_exhaustive]
    Rsa {
        /// Big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// Big-endian, without leading zeros.
        exponent: Vec<u8>,
    },
    /// An Ed25519 point.
    #[non_exhaustive]
    Ed25519 {
        /// The 32 bytes of RFC 8032.
        point: [u8; 32],
    },
}

impl KeyMaterial {
    /// Name of the algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec { .. } => "EC",
            Self::Rsa { .. } => "RSA",
            Self::Ed25519 { .. } => "Ed25519",
        }
    }

    pub(super) fn ed25519(key: &[u8]) -> Result<Self, CryptoError> {
        ed25519_point::check(key).map(|point| Self::Ed25519 { point })
    }
}

/// Material together with the point as a verifier wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParsedKey {
    pub(super) material: KeyMaterial,
    /// Uncompressed; `None` for other keys and for points published in compressed form, which
    /// count as the same key but do not verify, as in the reference.
    pub(super) ec_point: Option<Vec<u8>>,
}

impl ParsedKey {
    /// Reads a DER SubjectPublicKeyInfo around an EC or RSA key.
    pub(super) fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        let spki = Spki::from_der(der)?;
        match spki.algorithm {
            asn1::EC_PUBLIC_KEY => spki.ec_key(),
            asn1::RSA_ENCRYPTION => spki.rsa_key(),
            other => Err(malformed(format!("algorithm {other} is not supported"))),
        }
    }

    /// A point in any of SEC 1's forms but the one at infinity (PX5-12).
    pub(super) fn from_ec_point(curve: Curve, encoded: &[u8]) -> Result<Self, CryptoError> {
        let width = curve.width();
        let (form, rest) = encoded.split_first().ok_or_else(infinity)?;
        let (x, y) = rest.split_at_checked(width).unwrap_or((rest, &[]));
        let parity = match (form, y.last()) {
            (0x00, _) => return Err(infinity()),
            (0x04, Some(last)) if y.len() == width => 2 | (last & 1),
            (0x02 | 0x03, None) if x.len() == width => *form,
            _ => return Err(malformed("the EC point has the wrong form or length")),
        };
        let mut point = vec![parity];
        point.extend_from_slice(x);
        Ok(Self {
            material: KeyMaterial::Ec { curve, point },
            ec_point: (*form == 0x04).then(|| encoded.to_vec()),
        })
    }

    /// Reads the RSAPublicKey of RFC 8017 A.1.1.
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, CryptoError> {
        let read = || {
            AnyRef::from_der(der)?.sequence(|numbers| {
                let modulus = numbers.decode::<UintRef<'_>>()?;
                Ok::<_, der::Error>((modulus, numbers.decode::<UintRef<'_>>()?))
            })
        };
        let (modulus, exponent) = read().map_err(malformed)?;
        Self::from_rsa(modulus.as_bytes(), exponent.as_bytes())
    }

    /// Modulus and exponent within the bounds that verify (WK-06, PX5-13).
    pub(super) fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, CryptoError> {
        let modulus = asn1::strip_leading_zeros(modulus);
        let exponent = asn1::strip_leading_zeros(exponent);
        let bits = bit_length(modulus);
        let (min, max) = (RSA_MIN_BITS, RSA_MAX_BITS);
        if !(min..=max).contains(&bits) {
            return Err(CryptoError::RsaModulusSize { bits, min, max });
        }
        if modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err(malformed("the RSA modulus is even"));
        }
        let value = (exponent.len() <= 8).then(|| {
            let shift = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
            exponent.iter().fold(0, shift)
        });
        if !value.is_some_and(|e| e % 2 == 1 && (3..=RSA_MAX_EXPONENT).contains(&e)) {
            return Err(malformed("the RSA exponent is even, below 3 or above 2^33-1"));
        }
        Ok(Self {
            material: KeyMaterial::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() },
            ec_point: None,
        })
    }
}

/// A SubjectPublicKeyInfo whose key is not looked at yet.
pub(super) struct Spki<'a> {
    pub(super) algorithm: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
    pub(super) key: &'a [u8],
}

impl<'a> Spki<'a> {
    pub(super) fn from_der(der: &'a [u8]) -> Result<Self, CryptoError> {
        let read = || {
            AnyRef::from_der(der)?.sequence(|outer| {
                let (algorithm, parameters) = outer.decode::<AnyRef<'_>>()?.sequence(|inner| {
                    let algorithm = inner.decode::<ObjectIdentifier>()?;
                    Ok::<_, der::Error>((algorithm, inner.decode::<Option<AnyRef<'_>>>()?))
                })?;
                let key = outer.decode::<BitStringRef<'_>>()?.as_bytes();
                Ok::<_, der::Error>((algorithm, parameters, key))
            })
        };
        let (algorithm, parameters, key) = read().map_err(malformed)?;
        let key = key.ok_or_else(|| malformed("the key is not a whole number of bytes"))?;
        Ok(Self { algorithm, parameters, key })
    }

    fn ec_key(&self) -> Result<ParsedKey, CryptoError> {
        let named = self.parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
        let curve = named.ok_or_else(|| malformed("the EC curve is not given by name"))?;
        ParsedKey::from_ec_point(Curve::from_oid(curve)?, self.key)
    }

    fn rsa_key(&self) -> Result<ParsedKey, CryptoError> {
        if !self.parameters.is_some_and(AnyRef::is_null) {
            return Err(malformed("the RSA algorithm lacks its NULL parameter"));
        }
        ParsedKey::from_pkcs1(self.key)
    }
}

/// DER SubjectPublicKeyInfo of an EC key.
pub(super) fn ec_spki(curve: Curve, point: &[u8]) -> Vec<u8> {
    let names = [asn1::oid(asn1::EC_PUBLIC_KEY), asn1::oid(curve.oid())].concat();
    let algorithm = asn1::element(asn1::TAG_SEQUENCE, &[&names]);
    let key = asn1::element(asn1::TAG_BIT_STRING, &[&[0], point]);
    asn1::element(asn1::TAG_SEQUENCE, &[&algorithm, &key])
}

/// The one DER SubjectPublicKeyInfo that a key has, whatever it was read from; `None` for Ed25519,
/// which both dialects publish bare, and for compressed points, which only a curve could undo.
pub(super) fn normal_spki(key: &ParsedKey) -> Option<Vec<u8>> {
    match &key.material {
        KeyMaterial::Ec { curve, .. } => Some(ec_spki(*curve, key.ec_point.as_deref()?)),
        KeyMaterial::Rsa { modulus, exponent } => Some(rsa_spki(modulus, exponent)),
        KeyMaterial::Ed25519 { .. } => None,
    }
}

/// DER SubjectPublicKeyInfo of an RSA key.
pub(super) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let name = asn1::oid(asn1::RSA_ENCRYPTION);
    let algorithm = asn1::element(asn1::TAG_SEQUENCE, &[&name, asn1::NULL]);
    let numbers = [asn1::unsigned(modulus), asn1::unsigned(exponent)].concat();
    let sequence = asn1::element(asn1::TAG_SEQUENCE, &[&numbers]);
    let key = asn1::element(asn1::TAG_BIT_STRING, &[&[0], &sequence]);
    asn1::element(asn1::TAG_SEQUENCE, &[&algorithm, &key])
}

pub(super) fn bit_length(big_endian: &[u8]) -> usize {
    let bytes = asn1::strip_leading_zeros(big_endian);
    let unused = bytes.first().map_or(0, |first| first.leading_zeros());
    (bytes.len() * 8).saturating_sub(usize::try_from(unused).unwrap_or_default())
}

fn infinity() -> CryptoError {
    malformed("the EC point is the one at infinity")
}

fn malformed(reason: impl ToString) -> CryptoError {
    CryptoError::malformed("public key", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<ParsedKey, CryptoError>) -> String {
        result.unwrap_err().to_string()
    }

    fn odd_modulus(bits: usize) -> Vec<u8> {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        modulus
    }

    #[test]
    fn compressed_and_uncompressed_points_are_the_same_material() {
        for last in [6, 7] {
            let mut uncompressed = [[4].as_slice(), &[0x11; 32], &[0x22; 32]].concat();
            *uncompressed.last_mut().unwrap() = last;
            let compressed = [[2 | (last & 1)].as_slice(), &[0x11; 32]].concat();
            let plain = ParsedKey::from_ec_point(Curve::P256, &uncompressed).unwrap();
            let short = ParsedKey::from_ec_point(Curve::P256, &compressed).unwrap();
            assert_eq!(plain.material, short.material);
            assert_eq!(short.ec_point, None);
        }
    }

    #[test]
    fn points_of_wrong_form_are_refused() {
        let at_infinity = reason(ParsedKey::from_ec_point(Curve::P256, &[0]));
        assert!(at_infinity.contains("infinity"), "{at_infinity}");
        for (form, length) in [(4, 63), (4, 65), (2, 64), (3, 31), (6, 64), (5, 32), (4, 0)] {
            let encoded = [[form].as_slice(), &vec![1; length]].concat();
            let error = reason(ParsedKey::from_ec_point(Curve::P256, &encoded));
            assert!(error.contains("wrong form or length"), "{form} {length}");
        }
    }

    #[test]
    fn curves_are_refused_by_name() {
        for (oid, name) in [(asn1::P224, "P-224"), (asn1::P521, "P-521")] {
            let names = [asn1::oid(asn1::EC_PUBLIC_KEY), asn1::oid(oid)].concat();
            let algorithm = asn1::element(asn1::TAG_SEQUENCE, &[&names]);
            let key = asn1::element(asn1::TAG_BIT_STRING, &[&[0, 4], &[1; 56]]);
            let spki = asn1::element(asn1::TAG_SEQUENCE, &[&algorithm, &key]);
            let error = ParsedKey::from_spki(&spki).unwrap_err();
            let matches = matches!(&error, CryptoError::UnsupportedCurve { curve, .. } if curve == name);
            assert!(matches, "{error}");
        }
    }

    #[test]
    fn explicit_curve_parameters_are_refused() {
        let explicit = asn1::element(asn1::TAG_SEQUENCE, &[&asn1::unsigned(&[1])]);
        let name = asn1::oid(asn1::EC_PUBLIC_KEY);
        let algorithm = asn1::element(asn1::TAG_SEQUENCE, &[&name, &explicit]);
        let key = asn1::element(asn1::TAG_BIT_STRING, &[&[0, 4], &[1; 64]]);
        let spki = asn1::element(asn1::TAG_SEQUENCE, &[&algorithm, &key]);
        assert!(reason(ParsedKey::from_spki(&spki)).contains("not given by name"));
    }

    #[test]
    fn an_rsa_algorithm_has_its_null() {
        let numbers = [asn1::unsigned(&odd_modulus(2048)), asn1::unsigned(&[3])].concat();
        let numbers = asn1::element(asn1::TAG_SEQUENCE, &[&numbers]);
        let key = asn1::element(asn1::TAG_BIT_STRING, &[&[0], &numbers]);
        let name = asn1::oid(asn1::RSA_ENCRYPTION);
        for (parameters, fits) in [(asn1::NULL, true), (&[][..], false), (&[4, 0], false)] {
            let algorithm = asn1::element(asn1::TAG_SEQUENCE, &[&name, parameters]);
            let spki = asn1::element(asn1::TAG_SEQUENCE, &[&algorithm, &key]);
            assert_eq!(ParsedKey::from_spki(&spki).is_ok(), fits, "{parameters:?}");
        }
    }

    #[test]
    fn rsa_sizes_are_bounded_to_the_bit() {
        for (bits, fits) in [(2047, false), (2048, true), (8192, true), (8193, false)] {
            let result = ParsedKey::from_rsa(&odd_modulus(bits), &[1, 0, 1]);
            assert_eq!(result.is_ok(), fits, "{bits}");
        }
    }

    #[test]
    fn rsa_numbers_that_cannot_be_keys_are_refused() {
        let modulus = odd_modulus(2048);
        let mut even = modulus.clone();
        even[255] = 0xfe;
        assert!(reason(ParsedKey::from_rsa(&even, &[3])).contains("modulus is even"));
        for exponent in [&[][..], &[1], &[2], &[4], &[2, 0, 0, 0, 1], &[1; 9]] {
            assert!(reason(ParsedKey::from_rsa(&modulus, exponent)).contains("exponent"));
        }
        for exponent in [&[3][..], &[0, 1, 0, 1], &[1, 0xff, 0xff, 0xff, 0xff]] {
            assert!(ParsedKey::from_rsa(&modulus, exponent).is_ok());
        }
    }

    #[test]
    fn written_keys_read_back_and_trailing_bytes_do_not() {
        let modulus = odd_modulus(2048);
        let mut rsa = rsa_spki(&modulus, &[1, 0, 1]);
        let parsed = ParsedKey::from_spki(&rsa).unwrap();
        assert_eq!(parsed, ParsedKey::from_rsa(&modulus, &[1, 0, 1]).unwrap());
        rsa.push(0);
        assert!(ParsedKey::from_spki(&rsa).is_err());
    }
}
