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
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The year 10000, which no certificate can express.
const END_OF_DATES: Duration = Duration::from_secs(253_402_300_800);

/// Makes the certificate of a root key for the collection `gun`.
///
/// Gives a key of kind `ecdsa-x509` or `rsa-x509` around the certificate in PEM.
///
/// # Errors
/// [`CryptoError::SchemeMismatch`] for Ed25519, which Notary refuses in certificates;
/// [`CryptoError::UnsupportedCurve`] for other curves than P-256; what the signer returns.
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
        if !date
            .duration_since(UNIX_EPOCH)
            .is_ok_and(|since| since < END_OF_DATES)
        {
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
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
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
            KeyMaterial::Ec {
                curve: Curve::P256, ..
            } => (
                KeyKind::EcdsaX509,
                Scheme::EcdsaDer,
                &rcgen::PKCS_ECDSA_P256_SHA256,
            ),
            KeyMaterial::Ec { curve, .. } => {
                return Err(CryptoError::UnsupportedCurve {
                    curve: curve.to_string(),
                    operation: "signing",
                });
            }
            KeyMaterial::Rsa { .. } => (
                KeyKind::RsaX509,
                Scheme::RsaPkcs1v15,
                &rcgen::PKCS_RSA_SHA256,
            ),
            KeyMaterial::Ed25519 { .. } => {
                return Err(CryptoError::SchemeMismatch {
                    kind: KeyKind::EcdsaX509.as_str().to_owned(),
                    scheme: Scheme::Ed25519,
                });
            }
        };
        Ok(Self {
            signer,
            kind,
            scheme,
            algorithm,
            bits: Spki::from_der(public.published())?.key.to_vec(),
        })
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
        self.signer
            .sign_with(self.scheme, msg)
            .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
