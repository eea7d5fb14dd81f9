//! The trusted key decides which scheme may verify, never the signature (Notary v1; WK-02,
//! WK-08, WK-13, WK-14): anything that does not fit is an error even where the bytes would verify.

use super::bundle::CertificateBundle;
use super::certificate::Certificate;
use super::error::CryptoError;
use super::key_material::{KeyMaterial, ParsedKey};
use super::pem::PemBlock;
use super::scheme::{KeyKind, Scheme};
use super::signature;

/// A published public key.
///
/// Keeps the bytes as published, for they make the key id, and the key inside when it is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    published: Vec<u8>,
    parsed: Result<ParsedKey, CryptoError>,
    /// An `rsa` key published as PEM: the historic form that only the PyCrypto scheme verifies.
    is_pem: bool,
    certificate: Option<Box<Certificate>>,
    bundle: Option<CertificateBundle>,
}

impl PublicKey {
    /// Takes a key as published. Never fails: a key that is not usable remembers why, for it is
    /// part of signed bytes and does no harm until a signature counts on it (WK-11).
    #[must_use]
    pub fn new(kind: KeyKind, published: Vec<u8>) -> Self {
        let mut key = Self {
            parsed: Err(CryptoError::UnknownKeyKind { kind: kind.as_str().to_owned() }),
            kind,
            published,
            is_pem: false,
            certificate: None,
            bundle: None,
        };
        key.parsed = match &key.kind {
            KeyKind::Ecdsa => ParsedKey::from_spki(&key.published),
            KeyKind::Ed25519 => {
                KeyMaterial::ed25519(&key.published).map(|material| ParsedKey { material, ec_point: None })
            }
            KeyKind::Rsa => key.parse_rsa(),
            KeyKind::EcdsaX509 | KeyKind::RsaX509 => key.parse_certificates(),
            KeyKind::Unknown(_) => return key,
        }
        .and_then(|parsed| key.expect_algorithm(parsed));
        key
    }

    /// The published type.
    #[must_use]
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// The published bytes, which make the key id.
    #[must_use]
    pub fn published(&self) -> &[u8] {
        &self.published
    }

    /// The key itself, to count distinct keys by: the same for a plain key and any certificate
    /// around it, for PEM and DER, for a compressed and an uncompressed point.
    ///
    /// # Errors
    /// Why the key is not usable. Such a key verifies nothing.
    pub fn material(&self) -> Result<&KeyMaterial, &CryptoError> {
        self.parsed.as_ref().map(|parsed| &parsed.material)
    }

    /// The certificates of an x509 key, if they form a bundle fit for a root role: one leaf first,
    /// then CA certificates only. Delegation keys verify without.
    #[must_use]
    pub fn certificates(&self) -> Option<&CertificateBundle> {
        self.bundle.as_ref()
    }

    /// The certificate whose key counts: the first in the PEM text that has no headers and can be
    /// read. `None` for other than x509 keys.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_deref()
    }

    /// The plain key (`ecdsa` or `rsa`, DER) inside the certificate, or the key itself if there is
    /// none. Its id is what Notary calls the canonical id.
    #[must_use]
    pub fn to_plain(&self) -> Self {
        let inside = self.certificate().map(Certificate::public_key);
        match inside {
            Some(key) if matches!(key.kind, KeyKind::Ecdsa | KeyKind::Rsa) => key,
            _ => self.clone(),
        }
    }

    /// Checks a signature over a message, which is hashed here.
    ///
    /// # Errors
    /// Why the key is not usable; [`CryptoError::SchemeMismatch`] if the scheme does not belong to
    /// this key; [`CryptoError::SignatureLength`] or [`CryptoError::InvalidSignature`] otherwise.
    pub fn verify(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let parsed = self.parsed.as_ref().map_err(Clone::clone)?;
        match (&parsed.material, scheme, self.is_pem) {
            (KeyMaterial::Ec { curve, .. }, Scheme::EcdsaP1363, _) => {
                signature::verify_p1363(*curve, parsed.point()?, message, signature)
            }
            (KeyMaterial::Ec { curve, .. }, Scheme::EcdsaDer, _) => {
                signature::verify_ecdsa_der(*curve, parsed.point()?, message, signature)
            }
            (KeyMaterial::Rsa { modulus, exponent }, Scheme::RsaPss, false)
            | (KeyMaterial::Rsa { modulus, exponent }, Scheme::RsaPssPycrypto, true) => {
                signature::verify_pss(modulus, exponent, message, signature)
            }
            (KeyMaterial::Rsa { modulus, exponent }, Scheme::RsaPkcs1v15, false) => {
                signature::verify_pkcs1v15(modulus, exponent, message, signature)
            }
            (KeyMaterial::Ed25519 { point }, Scheme::Ed25519, _) => {
                signature::verify_ed25519(point, message, signature)
            }
            _ => Err(CryptoError::SchemeMismatch { kind: self.kind.as_str().to_owned(), scheme }),
        }
    }

    /// DER as Notary publishes it, or a PEM block as the historic form has it.
    fn parse_rsa(&mut self) -> Result<ParsedKey, CryptoError> {
        let first = PemBlock::blocks(&self.published).find_map(Result::ok);
        match first {
            Some(block) if block.label == "PUBLIC KEY" => {
                self.is_pem = true;
                ParsedKey::from_spki(&block.contents)
            }
            _ => ParsedKey::from_spki(&self.published),
        }
    }

    fn parse_certificates(&mut self) -> Result<ParsedKey, CryptoError> {
        let certificate = Certificate::first_in_pem(&self.published)?;
        let parsed = ParsedKey::from_spki(certificate.subject_public_key_info());
        self.certificate = Some(Box::new(certificate));
        self.bundle = CertificateBundle::parse(&self.published).ok();
        parsed
    }

    /// The algorithm inside must be the one that the type names.
    fn expect_algorithm(&self, parsed: ParsedKey) -> Result<ParsedKey, CryptoError> {
        let fits = match &parsed.material {
            KeyMaterial::Ec { .. } => matches!(self.kind, KeyKind::Ecdsa | KeyKind::EcdsaX509),
            KeyMaterial::Rsa { .. } => matches!(self.kind, KeyKind::Rsa | KeyKind::RsaX509),
            KeyMaterial::Ed25519 { .. } => self.kind == KeyKind::Ed25519,
        };
        if fits {
            return Ok(parsed);
        }
        Err(CryptoError::WrongKeyAlgorithm {
            kind: self.kind.as_str().to_owned(),
            found: parsed.material.algorithm().to_owned(),
        })
    }
}

impl ParsedKey {
    fn point(&self) -> Result<&[u8], CryptoError> {
        self.ec_point
            .as_deref()
            .ok_or_else(|| CryptoError::malformed("public key", "a compressed EC point does not verify"))
    }
}
