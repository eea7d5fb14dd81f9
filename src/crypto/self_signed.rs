//! A root key is published inside a certificate that it signs itself, made as Notary v1 makes it
//! (RFC 5280): the collection as common name, code signing as its use.

use super::certificate::LABEL;
use super::error::CryptoError;
use super::key_material::{Curve, KeyMaterial, Spki};
use super::pem;
use super::public_key::PublicKey;
use super::scheme::{KeyKind, Scheme};
use super::signer::Signer;
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];
/// The year 10000, which no certificate can express.
const END_OF_DATES: Duration = Duration::from_secs(253_402_300_800);

/// Makes the certificate of a root key for the collection `gun`.
///
/// Gives a key of kind `ecdsa-x509` or `rsa-x509` around the certificate in PEM.
///
/// # Errors
/// [`CryptoError::SchemeMismatch`] for Ed25519, which Notary refuses in certificates;
/// [`CryptoError::UnsupportedCurve`] for other curves than P-256, whose certificates have to be made
/// elsewhere; what the signer returns.
pub fn self_signed(
    gun: &str,
    signer: &dyn Signer,
    not_before: SystemTime,
    not_after: SystemTime,
) -> Result<PublicKey, CryptoError> {
    let key = CertificateKey::new(signer)?;
    let params = parameters(gun, not_before, not_after)?;
    let certificate = params.self_signed(&key).map_err(|error| {
        let reason = error.to_string();
        CryptoError::Signing { reason }
    })?;
    let text = pem::plain_text(LABEL, certificate.der()).to_vec();
    let public = PublicKey::new(key.kind, text);
    public.material().map_err(Clone::clone)?;
    Ok(public)
}

fn parameters(
    gun: &str,
    not_before: SystemTime,
    not_after: SystemTime,
) -> Result<CertificateParams, CryptoError> {
    for date in [not_before, not_after] {
        if !date.duration_since(UNIX_EPOCH).is_ok_and(|since| since < END_OF_DATES) {
            let reason = "a date outside the years 1970 to 9999";
            return Err(CryptoError::malformed("certificate", reason));
        }
    }
    let mut serial = [0; 16];
    super::random(&mut serial)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, name_value(gun));
    let mut params = CertificateParams::default();
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = name;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    // rcgen's own way to say CA:FALSE adds a key identifier, which Notary does not.
    let mut not_a_ca = CustomExtension::from_oid_content(BASIC_CONSTRAINTS, vec![0x30, 0]);
    not_a_ca.set_criticality(true);
    params.custom_extensions = vec![not_a_ca];
    Ok(params)
}

/// Go writes a PrintableString where the characters allow it.
fn name_value(gun: &str) -> DnValue {
    match gun.try_into() {
        Ok(printable) => DnValue::PrintableString(printable),
        Err(_) => DnValue::Utf8String(gun.to_owned()),
    }
}

/// A signer in the terms of the certificate writer.
struct CertificateKey<'a> {
    signer: &'a dyn Signer,
    kind: KeyKind,
    scheme: Scheme,
    algorithm: &'static SignatureAlgorithm,
    bits: Vec<u8>,
}

impl<'a> CertificateKey<'a> {
    fn new(signer: &'a dyn Signer) -> Result<Self, CryptoError> {
        let public = signer.public_key().to_plain();
        let (kind, scheme, algorithm) = match public.material().map_err(Clone::clone)? {
            KeyMaterial::Ec { curve: Curve::P256, .. } => {
                (KeyKind::EcdsaX509, Scheme::EcdsaDer, &rcgen::PKCS_ECDSA_P256_SHA256)
            }
            KeyMaterial::Ec { curve, .. } => {
                return Err(CryptoError::UnsupportedCurve {
                    curve: curve.to_string(),
                    operation: "certifying",
                });
            }
            KeyMaterial::Rsa { .. } => (KeyKind::RsaX509, Scheme::RsaPkcs1v15, &rcgen::PKCS_RSA_SHA256),
            KeyMaterial::Ed25519 { .. } => {
                return Err(CryptoError::SchemeMismatch {
                    kind: KeyKind::EcdsaX509.as_str().to_owned(),
                    scheme: Scheme::Ed25519,
                });
            }
        };
        Ok(Self { signer, kind, scheme, algorithm, bits: Spki::from_der(public.published())?.key.to_vec() })
    }
}

impl PublicKeyData for CertificateKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for CertificateKey<'_> {
    fn sign(&self, msg: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign_with(self.scheme, msg).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CertificateError, PrivateKey, testing};
    use super::*;

    const YEARS: Duration = Duration::from_secs(3_650 * 86_400);

    fn begin() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_521_600)
    }

    fn private_key(pem: &[u8]) -> PrivateKey {
        PrivateKey::from_pem(&testing::block(pem), None).unwrap()
    }

    fn certify(gun: &str, signer: &PrivateKey) -> Result<PublicKey, CryptoError> {
        self_signed(gun, signer, begin(), begin() + YEARS)
    }

    #[test]
    fn a_certificate_is_good_for_its_collection_and_around_its_key() {
        for (pem, kind) in
            [(testing::P256_PRIVATE, KeyKind::EcdsaX509), (testing::RSA_PRIVATE, KeyKind::RsaX509)]
        {
            let signer = private_key(pem);
            let key = certify(testing::GUN, &signer).unwrap();
            assert_eq!(key.kind(), &kind);
            assert_eq!(key.to_plain(), *signer.public_key());
            let bundle = key.certificates().unwrap();
            assert_eq!(bundle.to_pem(), key.published());
            assert_eq!(bundle.leaf().not_before(), begin());
            assert_eq!(bundle.leaf().not_after(), begin() + YEARS);
            assert!(bundle.valid_for(testing::GUN, begin(), true).is_ok());
            let signature = signer.sign(b"root").unwrap();
            assert_eq!(key.verify(signer.scheme(), b"root", &signature), Ok(()));
        }
    }

    /// All but serial, dates, name, key and signature equals the certificate that Notary made.
    #[test]
    fn the_certificate_has_the_form_that_notary_gives_it() {
        let reference = testing::notary_root();
        let reference = reference.certificate().unwrap().der();
        let extensions = reference.windows(2).position(|w| w == [0xa3, 0x35]).unwrap();
        let extensions = &reference[extensions..extensions + 0x37];
        let ours = certify("example.com/one", &private_key(testing::P256_PRIVATE)).unwrap();
        let ours = ours.certificate().unwrap().der().to_vec();
        assert!(ours.windows(extensions.len()).any(|w| w == extensions));
        let name = b"\x30\x1a\x31\x18\x30\x16\x06\x03\x55\x04\x03\x13\x0fexample.com/one";
        assert_eq!(ours.windows(name.len()).filter(|w| w == name).count(), 2);
    }

    #[test]
    fn a_certificate_that_ends_before_it_begins_is_good_for_nothing() {
        let signer = private_key(testing::P256_PRIVATE);
        let key = self_signed("a/b", &signer, begin() + YEARS, begin()).unwrap();
        let bundle = key.certificates().unwrap();
        for check_dates in [true, false] {
            let refused = bundle.valid_for("a/b", begin(), check_dates).unwrap_err();
            let (not_before, not_after) = (begin() + YEARS, begin());
            let inverted = CertificateError::DatesInverted { not_before, not_after };
            assert_eq!(refused, inverted);
        }
    }

    #[test]
    fn serials_differ() {
        let signer = private_key(testing::P256_PRIVATE);
        let (one, two) = (certify("a/b", &signer), certify("a/b", &signer));
        assert_ne!(one.unwrap().published(), two.unwrap().published());
    }

    #[test]
    fn keys_that_notary_refuses_get_no_certificate() {
        let ed25519 = certify("a/b", &private_key(testing::ED25519_PRIVATE));
        assert!(matches!(ed25519, Err(CryptoError::SchemeMismatch { .. })));
        let p384 = certify("a/b", &private_key(testing::P384_PRIVATE));
        assert!(matches!(p384, Err(CryptoError::UnsupportedCurve { .. })));
    }

    #[test]
    fn dates_that_cannot_be_written_are_refused() {
        let signer = private_key(testing::P256_PRIVATE);
        for date in [UNIX_EPOCH - YEARS, UNIX_EPOCH + END_OF_DATES] {
            assert!(self_signed("a/b", &signer, begin(), date).is_err());
            assert!(self_signed("a/b", &signer, date, begin()).is_err());
        }
    }

    #[test]
    fn any_name_can_be_written() {
        let signer = private_key(testing::P256_PRIVATE);
        for gun in ["a_b/ü", "x*", "a@b"] {
            let key = certify(gun, &signer).unwrap();
            assert_eq!(key.certificate().unwrap().common_name(), Some(gun));
        }
    }
}
