//! Files of public keys, as Notary v1 reads them for signers and delegations: one `PUBLIC KEY` or
//! one `CERTIFICATE` (RFC 7468). Headers are labels and decide nothing (KS-11).

use super::asn1;
use super::certificate::Certificate;
use super::error::CryptoError;
use super::key_material::{KeyMaterial, Spki};
use super::pem::{self, PemBlock};
use super::public_key::PublicKey;
use super::scheme::KeyKind;
use zeroize::Zeroizing;

const PUBLIC_KEY: &str = "PUBLIC KEY";
const CERTIFICATE: &str = "CERTIFICATE";

impl PublicKey {
    /// Reads the first block of a file: a `PUBLIC KEY` gives a plain key, a `CERTIFICATE` the key
    /// `ecdsa-x509` or `rsa-x509` of that certificate alone. A certificate's dates are for whoever
    /// uses it to judge.
    ///
    /// # Errors
    /// [`CryptoError`] if there is no such block, or if its key is not usable.
    pub fn from_pem(text: &[u8]) -> Result<Self, CryptoError> {
        let block = PemBlock::blocks(text).next();
        let block = block.ok_or_else(|| CryptoError::malformed("public key", "no PEM block"))??;
        let key = match block.label.as_str() {
            PUBLIC_KEY => Self::from_spki(&block.contents)?,
            CERTIFICATE => {
                let certificate = Certificate::from_der(&block.contents)?;
                certificate.check_algorithm()?;
                Self::of_certificate(&certificate)?
            }
            other => {
                let reason = format!("PEM block {other:?} found, expected {PUBLIC_KEY:?} or {CERTIFICATE:?}");
                return Err(CryptoError::malformed("public key", reason));
            }
        };
        key.material().map_err(Clone::clone)?;
        Ok(key)
    }

    /// The plain key as a `PUBLIC KEY` block under a `role` header, as Docker and Notary write it
    /// beside a new private key. Their readers take EC and RSA keys, Ed25519 keys they do not.
    ///
    /// # Errors
    /// The key is not usable, or the label does not fit a PEM header.
    pub fn to_pem(&self, role: &str) -> Result<String, CryptoError> {
        let plain = self.to_plain();
        let spki = match plain.material().map_err(Clone::clone)? {
            KeyMaterial::Ed25519 { point } => ed25519_spki(point),
            _ => plain.published().to_vec(),
        };
        let mut block = PemBlock::new(PUBLIC_KEY, Zeroizing::new(spki));
        block.headers.push(("role".to_owned(), role.to_owned()));
        Ok(String::from_utf8_lossy(&block.to_text()?).into_owned())
    }

    /// The key of a point in uncompressed form.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn from_ec_point(curve: super::Curve, point: &[u8]) -> Self {
        Self::new(KeyKind::Ecdsa, super::key_material::ec_spki(curve, point))
    }

    /// The key of a modulus and an exponent, big-endian.
    #[cfg(feature = "pkcs11")]
    pub(crate) fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::new(KeyKind::Rsa, super::key_material::rsa_spki(modulus, exponent))
    }

    /// A SubjectPublicKeyInfo under the type of the key inside.
    fn from_spki(der: &[u8]) -> Result<Self, CryptoError> {
        let spki = Spki::from_der(der)?;
        Ok(match spki.algorithm {
            asn1::RSA_ENCRYPTION => Self::new(KeyKind::Rsa, der.to_vec()),
            asn1::ED25519 => Self::new(KeyKind::Ed25519, spki.key.to_vec()),
            _ => Self::new(KeyKind::Ecdsa, der.to_vec()),
        })
    }

    fn of_certificate(certificate: &Certificate) -> Result<Self, CryptoError> {
        let kind = match certificate.public_key().kind() {
            KeyKind::Rsa => KeyKind::RsaX509,
            _ => KeyKind::EcdsaX509,
        };
        Ok(Self::new(kind, pem::plain_text(CERTIFICATE, certificate.der()).to_vec()))
    }
}

/// DER SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 section 4).
fn ed25519_spki(point: &[u8]) -> Vec<u8> {
    let algorithm = asn1::element(asn1::TAG_SEQUENCE, &[&asn1::oid(asn1::ED25519)]);
    let key = asn1::element(asn1::TAG_BIT_STRING, &[&[0], point]);
    asn1::element(asn1::TAG_SEQUENCE, &[&algorithm, &key])
}

#[cfg(test)]
mod tests {
    use super::super::{PrivateKey, testing};
    use super::*;

    #[test]
    fn public_keys_are_read_under_the_type_of_the_key_inside() {
        let rsa = PublicKey::from_pem(testing::RSA_PUBLIC).unwrap();
        assert_eq!(rsa, testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC));
        let ec = PublicKey::from_pem(testing::P384_PUBLIC).unwrap();
        assert_eq!(ec, testing::public_key_from_pem(KeyKind::Ecdsa, testing::P384_PUBLIC));
    }

    #[test]
    fn a_certificate_gives_its_own_text_as_the_key() {
        let key = PublicKey::from_pem(testing::LEAF).unwrap();
        assert_eq!(key.kind(), &KeyKind::EcdsaX509);
        assert_eq!(key.published(), testing::LEAF.trim_ascii_start());
        assert_eq!(PublicKey::from_pem(testing::RSA_CERTIFICATE).unwrap().kind(), &KeyKind::RsaX509);
    }

    #[test]
    fn keys_are_written_so_that_they_read_back() {
        for key in [PrivateKey::generate_ecdsa().unwrap(), PrivateKey::generate_ed25519().unwrap()] {
            let public = key.public_key();
            let text = public.to_pem("alice").unwrap();
            assert!(text.starts_with("-----BEGIN PUBLIC KEY-----\nrole: alice\n\nM"), "{text}");
            assert_eq!(&PublicKey::from_pem(text.as_bytes()).unwrap(), public);
        }
        let leaf = PublicKey::from_pem(testing::LEAF).unwrap();
        let plain = PublicKey::from_pem(leaf.to_pem("x").unwrap().as_bytes()).unwrap();
        assert_eq!(plain, leaf.to_plain());
    }

    #[test]
    fn px5_03_certificates_over_broken_hashes_and_small_keys_are_refused() {
        for pem in [testing::LEAF_SHA1, testing::RSA_1024_CERTIFICATE] {
            assert!(matches!(PublicKey::from_pem(pem), Err(CryptoError::Certificate(_))));
        }
    }

    #[test]
    fn px5_08_other_blocks_are_told_by_their_name() {
        let with_text = [b"a note\r\n".as_slice(), testing::P384_PUBLIC].concat();
        let crlf = String::from_utf8(with_text).unwrap().replace('\n', "\r\n");
        assert!(PublicKey::from_pem(crlf.as_bytes()).is_ok());
        for (label, expected) in [("RSA PUBLIC KEY", "RSA PUBLIC KEY"), ("PRIVATE KEY", "PRIVATE KEY")] {
            let block = PemBlock::new(label, Zeroizing::new(vec![0x30, 0]));
            let error = PublicKey::from_pem(&block.to_text().unwrap()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(PublicKey::from_pem(b"").is_err());
    }
}
