//! A key file is one PEM block with the key's role, and its collection where that matters, as
//! headers (Notary v1). Headers are not signed: they are labels, and decide no trust (KS-11).

use super::error::CryptoError;
use super::legacy;
use super::pem::PemBlock;
use super::pkcs8::{self, KeyEncryption};
use super::private_key::PrivateKey;
use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};
use zeroize::Zeroizing;

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN: &str = "PRIVATE KEY";
const DEK_INFO: &str = "DEK-Info";

const LEGACY_RSA: &str = "RSA PRIVATE KEY";
const LEGACY_EC: &str = "EC PRIVATE KEY";
const LEGACY_ED25519: &str = "ED25519 PRIVATE KEY";

impl PemBlock {
    /// Whether the label is one of a private key, in a form that [`PrivateKey::from_pem`] reads.
    #[must_use]
    pub fn is_private_key(&self) -> bool {
        matches!(self.label.as_str(), ENCRYPTED | PLAIN | LEGACY_RSA | LEGACY_EC | LEGACY_ED25519)
    }

    /// Whether the block is a private key that needs a passphrase.
    #[must_use]
    pub fn is_encrypted_key(&self) -> bool {
        self.label == ENCRYPTED || self.is_private_key() && self.header(DEK_INFO).is_some()
    }

    /// Whether an encrypted key could be opened by its passphrase, as far as can be told without
    /// one (KS-07). Gives the iterations that each passphrase costs, 1 where no count is asked for.
    ///
    /// # Errors
    /// [`CryptoError`] if the encryption is of another kind, or asks for too many iterations.
    pub fn check_encryption(&self) -> Result<u32, CryptoError> {
        match self.header(DEK_INFO) {
            _ if self.label == ENCRYPTED => pkcs8::check_supported(&self.contents),
            Some(dek_info) => legacy::supported(dek_info).map(|_| 1),
            None => Ok(1),
        }
    }
}

impl PrivateKey {
    /// Reads a block of a key file: `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, or the older
    /// `RSA PRIVATE KEY`, `EC PRIVATE KEY` and `ED25519 PRIVATE KEY`, encrypted or not.
    ///
    /// # Errors
    /// [`CryptoError::PassphraseNeeded`] if the block is encrypted and no passphrase is given,
    /// [`CryptoError::WrongPassphrase`] if no key comes out, other [`CryptoError`]s if the block is
    /// no private key or not a usable one.
    pub fn from_pem(block: &PemBlock, passphrase: Option<&str>) -> Result<Self, CryptoError> {
        if block.label == ENCRYPTED {
            let passphrase = passphrase.ok_or(CryptoError::PassphraseNeeded)?;
            return Self::from_pkcs8_der(&pkcs8::decrypt(&block.contents, passphrase)?);
        }
        let Some(dek_info) = block.header(DEK_INFO).filter(|_| block.is_private_key()) else {
            return Self::from_plain(&block.label, &block.contents);
        };
        let passphrase = passphrase.ok_or(CryptoError::PassphraseNeeded)?;
        let plain = legacy::decrypt(dek_info, &block.contents, passphrase)?;
        // Nothing but its form tells a key from what a wrong passphrase yields.
        match Self::from_plain(&block.label, &plain) {
            Err(_) if !is_key_shaped(&block.label, &plain) => Err(CryptoError::WrongPassphrase),
            read => read,
        }
    }

    fn from_plain(label: &str, contents: &[u8]) -> Result<Self, CryptoError> {
        match label {
            PLAIN => Self::from_pkcs8_der(contents),
            LEGACY_RSA => Self::from_pkcs1_der(contents),
            LEGACY_EC => Self::from_sec1_der(contents),
            LEGACY_ED25519 => Self::from_notary_ed25519(contents),
            other => Err(CryptoError::malformed(
                "private key",
                format!("PEM block {other:?} found, expected {PLAIN:?} or {ENCRYPTED:?}"),
            )),
        }
    }

    /// The key as Notary stores it, encrypted.
    ///
    /// # Errors
    /// [`CryptoError::Random`] if the operating system gives no random bytes.
    pub fn to_encrypted_pem(
        &self,
        passphrase: &str,
        role: &str,
        gun: Option<&str>,
    ) -> Result<PemBlock, CryptoError> {
        self.to_encrypted_pem_as(KeyEncryption::Notary, passphrase, role, gun)
    }

    /// The same, encrypted in a chosen way.
    ///
    /// # Errors
    /// As [`PrivateKey::to_encrypted_pem`].
    pub fn to_encrypted_pem_as(
        &self,
        encryption: KeyEncryption,
        passphrase: &str,
        role: &str,
        gun: Option<&str>,
    ) -> Result<PemBlock, CryptoError> {
        let encrypted = pkcs8::encrypt_as(&self.to_notary_pkcs8(), passphrase, encryption)?;
        Ok(block(ENCRYPTED, Zeroizing::new(encrypted), role, gun))
    }

    /// The key as Notary stores it under an empty passphrase: not encrypted.
    #[must_use]
    pub fn to_plain_pem(&self, role: &str, gun: Option<&str>) -> PemBlock {
        block(PLAIN, self.to_notary_pkcs8(), role, gun)
    }
}

/// Whether the bytes are one whole SEQUENCE.
fn is_key_shaped(label: &str, plain: &[u8]) -> bool {
    // Two copies of the public key that differ can be nothing else than noise.
    label != LEGACY_ED25519 && AnyRef::from_der(plain).is_ok_and(|any| any.tag() == Tag::Sequence)
}

fn block(label: &str, contents: Zeroizing<Vec<u8>>, role: &str, gun: Option<&str>) -> PemBlock {
    let mut block = PemBlock::new(label, contents);
    if let Some(gun) = gun {
        block.headers.push(("gun".to_owned(), gun.to_owned()));
    }
    block.headers.push(("role".to_owned(), role.to_owned()));
    block
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn keys_that_notary_stored_are_read() {
        let block = testing::block(testing::NOTARY_ALICE);
        assert_eq!(block.header("role"), Some("alice"));
        let key = PrivateKey::from_pem(&block, Some("delgpass1")).unwrap();
        assert_eq!(key.public_key().kind().as_str(), "ecdsa");
        let needed = PrivateKey::from_pem(&block, None).unwrap_err();
        assert_eq!(needed, CryptoError::PassphraseNeeded);
        let wrong = PrivateKey::from_pem(&block, Some("delgpass2")).unwrap_err();
        assert_eq!(wrong, CryptoError::WrongPassphrase);
    }

    #[test]
    fn a_plain_key_is_stored_byte_for_byte_as_notary_does() {
        let block = testing::block(testing::NOTARY_SNAPSHOT);
        let key = PrivateKey::from_pem(&block, None).unwrap();
        let text = key.to_plain_pem("snapshot", Some("g/x")).to_text().unwrap();
        assert_eq!(text.as_slice(), testing::NOTARY_SNAPSHOT);
    }

    #[test]
    fn an_encrypted_key_reads_back() {
        let key = PrivateKey::generate_ecdsa().unwrap();
        let block = key.to_encrypted_pem("secret", "root", None).unwrap();
        let text = block.to_text().unwrap();
        assert!(text.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nrole: root\n\nMIHuME"));
        let again = PrivateKey::from_pem(&testing::block(&text), Some("secret")).unwrap();
        assert_eq!(again.public_key(), key.public_key());
    }

    #[test]
    fn other_blocks_are_no_private_keys() {
        for pem in [testing::RSA_PUBLIC, testing::LEAF] {
            assert!(PrivateKey::from_pem(&testing::block(pem), Some("x")).is_err());
        }
    }

    #[test]
    fn old_encrypted_blocks_hold_the_keys_that_were_put_in() {
        let read =
            |pem: &[u8]| PrivateKey::from_pem(&testing::block(pem), None).unwrap().public_key().clone();
        let ec = read(testing::P256_PRIVATE);
        let mut expected = vec![ec; 5];
        expected.extend([testing::RSA_PRIVATE, testing::P384_PRIVATE, testing::NOTARY_SNAPSHOT].map(read));
        let blocks = PemBlock::read_all(testing::LEGACY_ENCRYPTED);
        assert_eq!(blocks.len(), expected.len());
        for (block, expected) in blocks.iter().zip(&expected) {
            let cipher = block.header("DEK-Info").unwrap();
            assert!(block.is_encrypted_key());
            let needed = PrivateKey::from_pem(block, None).unwrap_err();
            assert_eq!(needed, CryptoError::PassphraseNeeded, "{cipher}");
            let key = PrivateKey::from_pem(block, Some("secret99")).unwrap();
            assert_eq!(key.public_key(), expected, "{cipher}");
            let again = PemBlock::read_all(&block.to_text().unwrap()).remove(0);
            assert_eq!((&again.contents, again.header("DEK-Info")), (&block.contents, Some(cipher)));
            assert_eq!(again.headers[0].0, "Proc-Type", "OpenSSL wants it first");
        }
    }

    #[test]
    fn ks_06_old_encrypted_blocks_yield_nothing_under_a_wrong_passphrase() {
        for block in PemBlock::read_all(testing::LEGACY_ENCRYPTED) {
            // One in 256 wrong passphrases yields sound padding.
            for attempt in 0..600 {
                let error = PrivateKey::from_pem(&block, Some(&format!("wrong{attempt}"))).unwrap_err();
                assert_eq!(error, CryptoError::WrongPassphrase, "{:?}", block.headers);
            }
        }
    }

    #[test]
    fn old_encryption_that_is_unknown_or_incomplete_is_told() {
        let vector = "00112233445566778899AABBCCDDEEFF";
        let with = |text: String| {
            let mut legacy = testing::block(testing::RSA_PRIVATE_PKCS1);
            legacy.headers = vec![("DEK-Info".into(), text)];
            PrivateKey::from_pem(&legacy, Some("x")).unwrap_err()
        };
        for bad in [
            "AES-256-GCM,",
            "AES-256-CBC,00",
            "DES-CBC,",
            "AES-256-CBC",
            "AES-128-CBC,xy",
            "",
            "DES-EDE3-CBC,",
        ] {
            let text = if bad.ends_with("GCM,") || bad.starts_with("DES") {
                format!("{bad}{vector}")
            } else {
                bad.into()
            };
            let error = with(text);
            assert!(matches!(error, CryptoError::UnsupportedEncryption { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn notarys_plain_ed25519_block_is_read() {
        let key = PrivateKey::from_pem(&testing::block(testing::NOTARY_SNAPSHOT), None).unwrap();
        let der = key.to_notary_pkcs8();
        let mut contents = Zeroizing::new(der[der.len() - 96..].to_vec());
        let read = |contents| PrivateKey::from_pem(&PemBlock::new(LEGACY_ED25519, contents), None);
        assert_eq!(read(contents.clone()).unwrap().public_key(), key.public_key());
        contents.pop();
        assert!(matches!(read(contents), Err(CryptoError::KeyLength { .. })));
    }
}
