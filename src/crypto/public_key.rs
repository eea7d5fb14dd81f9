//! The trusted key decides which scheme may verify, never the signature (Notary v1; WK-02,
//! WK-08, WK-13, WK-14): anything that does not fit is an error even where the bytes would verify.

use super::bundle::CertificateBundle;
use super::certificate::Certificate;
use super::error::CryptoError;
use super::key_material::{Curve, KeyMaterial, ParsedKey};
use super::pem::PemBlock;
use super::scheme::{KeyKind, Scheme};
use super::signature;
use std::fmt;

/// A published public key.
///
/// Keeps the bytes as published, for they make the key id, and the key inside when it is usable.
#[derive(Clone, PartialEq, Eq)]
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
        let unknown = CryptoError::UnknownKeyKind { kind: kind.as_str().to_owned() };
        let mut key = Self::unusable(kind, published, unknown);
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

    /// A key that is kept as published and verifies nothing, for the reason given.
    pub(super) fn unusable(kind: KeyKind, published: Vec<u8>, reason: CryptoError) -> Self {
        Self { parsed: Err(reason), kind, published, is_pem: false, certificate: None, bundle: None }
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
            (KeyMaterial::Ec { curve: Curve::P384, .. }, Scheme::EcdsaDerSha384, _) => {
                signature::verify_p384_sha384(parsed.point()?, message, signature)
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
        // Names, dates and pins are judged by the leaf: a leaf that this reader passed over would
        // vouch for the key of whoever wrote the next certificate.
        let bundle = CertificateBundle::parse(&self.published).ok();
        self.bundle = bundle.filter(|bundle| *bundle.leaf() == certificate);
        self.certificate = Some(Box::new(certificate));
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

/// Whole certificates would drown everything else.
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kind", &self.kind)
            .field("common_name", &self.certificate().and_then(Certificate::common_name))
            .field("published", &format_args!("{} bytes", self.published.len()))
            .field("unusable", &self.parsed.as_ref().err())
            .finish_non_exhaustive()
    }
}

impl ParsedKey {
    fn point(&self) -> Result<&[u8], CryptoError> {
        self.ec_point
            .as_deref()
            .ok_or_else(|| CryptoError::malformed("public key", "a compressed EC point does not verify"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, MESSAGE};
    use super::*;

    const ALL_SCHEMES: [Scheme; 7] = [
        Scheme::EcdsaP1363,
        Scheme::EcdsaDer,
        Scheme::EcdsaDerSha384,
        Scheme::RsaPss,
        Scheme::RsaPkcs1v15,
        Scheme::RsaPssPycrypto,
        Scheme::Ed25519,
    ];

    fn expect_only(key: &PublicKey, scheme: Scheme, signature: &[u8]) {
        assert_eq!(key.verify(scheme, MESSAGE, signature), Ok(()));
        let altered = key.verify(scheme, b"other", signature);
        assert_eq!(altered, Err(CryptoError::InvalidSignature));
        for other in ALL_SCHEMES.into_iter().filter(|other| *other != scheme) {
            assert!(key.verify(other, MESSAGE, signature).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_notary_signature_verifies() {
        let (key, message, signature) = testing::notary_targets();
        assert_eq!(key.verify(Scheme::EcdsaP1363, &message, &signature), Ok(()));
        let der = signature::p1363_to_der(Curve::P256, &signature).unwrap();
        assert_eq!(key.verify(Scheme::EcdsaDer, &message, &der), Ok(()));
        let raw_as_der = key.verify(Scheme::EcdsaDer, &message, &signature);
        assert_eq!(raw_as_der, Err(CryptoError::InvalidSignature));
        let der_as_raw = key.verify(Scheme::EcdsaP1363, &message, &der);
        assert!(matches!(der_as_raw, Err(CryptoError::SignatureLength { .. })));
    }

    #[test]
    fn bytes_that_would_verify_do_not_under_a_scheme_of_other_keys() {
        let (ec, message, signature) = testing::notary_targets();
        let der = signature::p1363_to_der(Curve::P256, &signature).unwrap();
        let kind = "ecdsa".to_owned();
        for scheme in [Scheme::RsaPss, Scheme::RsaPkcs1v15, Scheme::Ed25519] {
            for signature in [&signature, &der] {
                let kind = kind.clone();
                let mismatch = Err(CryptoError::SchemeMismatch { kind, scheme });
                assert_eq!(ec.verify(scheme, &message, signature), mismatch);
            }
        }
        let ed25519 = super::super::PrivateKey::generate_ed25519().unwrap();
        let signature = super::super::Signer::sign(&ed25519, MESSAGE).unwrap();
        expect_only(ed25519.public_key(), Scheme::Ed25519, &signature);
        for length in [0, 63, 65] {
            let mut wrong = signature.clone();
            wrong.resize(length, 0);
            let (expected, got) = (64, length);
            let result = ed25519.public_key().verify(Scheme::Ed25519, MESSAGE, &wrong);
            assert_eq!(result, Err(CryptoError::SignatureLength { expected, got }));
        }
    }

    #[test]
    fn certificates_with_headers_are_passed_over() {
        let with_header = String::from_utf8_lossy(testing::RSA_CERTIFICATE);
        let with_header = with_header.replacen("-----\n", "-----\nrole: root\n\n", 1);
        let text = [with_header.as_bytes(), testing::LEAF].concat();
        let key = PublicKey::new(KeyKind::EcdsaX509, text);
        let leaf = Certificate::from_pem(testing::LEAF).unwrap();
        assert_eq!(key.certificate(), Some(&leaf));
        assert!(key.material().is_ok());
    }

    #[test]
    fn a_bundle_whose_leaf_is_not_the_key_is_none() {
        let sound = [testing::LEAF, testing::CA].concat();
        assert!(PublicKey::new(KeyKind::EcdsaX509, sound.clone()).certificates().is_some());
        let text = String::from_utf8_lossy(&sound).replacen("-----\n", "-----\na: b\n\n", 1);
        let key = PublicKey::new(KeyKind::EcdsaX509, text.into_bytes());
        assert_eq!(key.certificate(), Some(&Certificate::from_pem(testing::CA).unwrap()));
        assert_eq!(key.certificates(), None);
    }

    #[test]
    fn p384_verifies_with_the_hash_of_the_scheme_only() {
        let key = testing::public_key_from_pem(KeyKind::Ecdsa, testing::P384_PUBLIC);
        assert_eq!(key.verify(Scheme::EcdsaDer, MESSAGE, testing::P384_SHA256), Ok(()));
        let raw = signature::der_to_p1363(Curve::P384, testing::P384_SHA256).unwrap();
        expect_only(&key, Scheme::EcdsaP1363, &raw);
        let sha384 = key.verify(Scheme::EcdsaDer, MESSAGE, testing::P384_SHA384);
        assert_eq!(sha384, Err(CryptoError::InvalidSignature));
        expect_only(&key, Scheme::EcdsaDerSha384, testing::P384_SHA384);
        let sha256 = key.verify(Scheme::EcdsaDerSha384, MESSAGE, testing::P384_SHA256);
        assert_eq!(sha256, Err(CryptoError::InvalidSignature));
    }

    #[test]
    fn zero_is_no_part_of_an_ecdsa_signature() {
        let (key, message, signature) = testing::notary_targets();
        for half in [0..32, 32..64] {
            let mut zeroed = signature.clone();
            zeroed[half].fill(0);
            let result = key.verify(Scheme::EcdsaP1363, &message, &zeroed);
            assert_eq!(result, Err(CryptoError::InvalidSignature));
        }
    }

    #[test]
    fn an_rsa_key_in_der_verifies_pss_and_pkcs1() {
        let key = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
        expect_only(&key, Scheme::RsaPss, testing::RSA_PSS_32);
        expect_only(&key, Scheme::RsaPkcs1v15, testing::RSA_PKCS1V15);
    }

    #[test]
    fn wk_07_a_pss_salt_of_another_length_is_refused() {
        let key = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
        let result = key.verify(Scheme::RsaPss, MESSAGE, testing::RSA_PSS_20);
        assert_eq!(result, Err(CryptoError::InvalidSignature));
    }

    #[test]
    fn short_and_long_rsa_signatures_are_refused() {
        let key = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
        let long = [&[0], testing::RSA_PSS_32].concat();
        for signature in [&testing::RSA_PSS_32[1..], &long, &[]] {
            let (expected, got) = (256, signature.len());
            let result = key.verify(Scheme::RsaPss, MESSAGE, signature);
            assert_eq!(result, Err(CryptoError::SignatureLength { expected, got }));
        }
    }

    #[test]
    fn an_rsa_key_in_pem_verifies_pycrypto_only() {
        let pem = testing::RSA_PUBLIC.to_vec();
        let key = PublicKey::new(KeyKind::Rsa, pem.clone());
        expect_only(&key, Scheme::RsaPssPycrypto, testing::RSA_PSS_32);
        let mismatch = key.verify(Scheme::RsaPkcs1v15, MESSAGE, testing::RSA_PKCS1V15);
        assert!(matches!(mismatch, Err(CryptoError::SchemeMismatch { .. })));
        let x509 = PublicKey::new(KeyKind::RsaX509, testing::RSA_CERTIFICATE.to_vec());
        let result = x509.verify(Scheme::RsaPssPycrypto, MESSAGE, testing::RSA_PSS_32);
        assert!(matches!(result, Err(CryptoError::SchemeMismatch { .. })));
    }

    #[test]
    fn an_rsa_certificate_verifies_and_is_the_same_key() {
        let certified = PublicKey::new(KeyKind::RsaX509, testing::RSA_CERTIFICATE.to_vec());
        let plain = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
        let pem = PublicKey::new(KeyKind::Rsa, testing::RSA_PUBLIC.to_vec());
        let crlf = String::from_utf8_lossy(testing::RSA_PUBLIC).replace('\n', "\r\n");
        let crlf = PublicKey::new(KeyKind::Rsa, crlf.into_bytes());
        expect_only(&certified, Scheme::RsaPss, testing::RSA_PSS_32);
        assert_eq!(certified.to_plain(), plain);
        for other in [&certified, &pem, &crlf] {
            assert_eq!(other.material(), plain.material());
        }
    }

    #[test]
    fn the_algorithm_inside_must_fit_the_type() {
        let ec = testing::LEAF.to_vec();
        let rsa = testing::RSA_CERTIFICATE.to_vec();
        let rsa_spki = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
        let rsa_spki = rsa_spki.published().to_vec();
        for (kind, published) in
            [(KeyKind::RsaX509, ec.clone()), (KeyKind::EcdsaX509, rsa), (KeyKind::Ecdsa, rsa_spki)]
        {
            let key = PublicKey::new(kind, published);
            let error = key.material().unwrap_err();
            assert!(matches!(error, CryptoError::WrongKeyAlgorithm { .. }), "{error}");
        }
        let certificate_as_plain = PublicKey::new(KeyKind::Ecdsa, ec);
        assert!(certificate_as_plain.material().is_err());
    }

    #[test]
    fn unknown_kinds_are_kept_and_verify_nothing() {
        let key = PublicKey::new(KeyKind::parse("Ed25519"), vec![1; 32]);
        assert_eq!(key.published(), [1; 32]);
        assert_eq!(key.to_plain(), key);
        for scheme in ALL_SCHEMES {
            let kind = "Ed25519".to_owned();
            let result = key.verify(scheme, b"", &[0; 64]);
            assert_eq!(result, Err(CryptoError::UnknownKeyKind { kind }));
        }
    }

    #[test]
    fn a_point_off_the_curve_verifies_nothing() {
        let (key, message, signature) = testing::notary_targets();
        let mut published = key.published().to_vec();
        *published.last_mut().unwrap() ^= 1;
        let off = PublicKey::new(KeyKind::Ecdsa, published);
        assert!(off.verify(Scheme::EcdsaP1363, &message, &signature).is_err());
    }

    /// The id that Notary gives a key: the digest of its canonical JSON.
    fn id(key: &PublicKey) -> String {
        let public = data_encoding::BASE64.encode(key.published());
        let kind = key.kind().as_str();
        let json = format!(r#"{{"keytype":"{kind}","keyval":{{"private":null,"public":"{public}"}}}}"#);
        let digest = super::super::digest::sha256(json.as_bytes());
        data_encoding::HEXLOWER.encode(&digest)
    }

    #[test]
    fn published_and_plain_bytes_make_notarys_ids() {
        let root = testing::notary_root();
        let tuf_id = "6679c25b21256016abf261fedac8219b965db5e80a44d3834b5bfd286eed6f80";
        let canonical_id = "614bf8e374df144d4dfb20ef80b04c82ecc3622138906f8461ce4303dcaa6de7";
        assert_eq!(id(&root), tuf_id);
        assert_eq!(id(&root.to_plain()), canonical_id);
        assert_eq!(root.material(), root.to_plain().material());
        let (targets, ..) = testing::notary_targets();
        let targets_id = "20b9477db9d47484f9f766f3112e74a77953c6aa1a9c3c1ecc6d812f72601880";
        assert_eq!(id(&targets), targets_id);
        let snapshot = testing::block(testing::NOTARY_SNAPSHOT);
        let snapshot = super::super::PrivateKey::from_pem(&snapshot, None).unwrap();
        let snapshot_id = "bc4970abc75906250904e39c5fa20de8881fffb4dc9df3a1c6f37591be450fed";
        assert_eq!(id(snapshot.public_key()), snapshot_id);
    }

    #[test]
    fn a_ca_certificate_verifies_for_delegations_but_is_no_root_key() {
        let key = PublicKey::new(KeyKind::EcdsaX509, testing::CA.to_vec());
        assert!(key.material().is_ok());
        assert!(key.certificates().is_none());
        assert!(key.certificate().is_some());
    }
}
