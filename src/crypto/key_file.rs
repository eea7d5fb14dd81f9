//! A key file is one PEM block with the key's role, and its collection where that matters, as
//! headers (Notary v1). Headers are not signed: they are labels, and decide no trust (KS-11).

use super::error::CryptoError;
use super::pem::PemBlock;
use super::pkcs8;
use super::private_key::PrivateKey;
use zeroize::Zeroizing;

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN: &str = "PRIVATE KEY";

impl PrivateKey {
    /// Reads a block of a key file: `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, or the older
    /// `RSA PRIVATE KEY` and `EC PRIVATE KEY` without encryption.
    ///
    /// # Errors
    /// [`CryptoError::PassphraseNeeded`] if the block is encrypted and no passphrase is given,
    /// [`CryptoError::WrongPassphrase`] if no key comes out, other [`CryptoError`]s if the block is
    /// no private key or not a usable one.
    pub fn from_pem(block: &PemBlock, passphrase: Option<&str>) -> Result<Self, CryptoError> {
        let is_legacy_encrypted = block.header("DEK-Info").is_some();
        match block.label.as_str() {
            ENCRYPTED => {
                let passphrase = passphrase.ok_or(CryptoError::PassphraseNeeded)?;
                Self::from_pkcs8_der(&pkcs8::decrypt(&block.contents, passphrase)?)
            }
            _ if is_legacy_encrypted => {
                Err(CryptoError::UnsupportedEncryption { reason: "DEK-Info, expected PKCS#8".to_owned() })
            }
            PLAIN => Self::from_pkcs8_der(&block.contents),
            "RSA PRIVATE KEY" => Self::from_pkcs1_der(&block.contents),
            "EC PRIVATE KEY" => Self::from_sec1_der(&block.contents),
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
        let encrypted = pkcs8::encrypt(&self.to_notary_pkcs8(), passphrase)?;
        Ok(block(ENCRYPTED, Zeroizing::new(encrypted), role, gun))
    }

    /// The key as Notary stores it under an empty passphrase: not encrypted.
    #[must_use]
    pub fn to_plain_pem(&self, role: &str, gun: Option<&str>) -> PemBlock {
        block(PLAIN, self.to_notary_pkcs8(), role, gun)
    }
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
        let mut legacy = testing::block(testing::RSA_PRIVATE_PKCS1);
        legacy.headers = vec![("DEK-Info".into(), "AES-256-CBC,00".into())];
        let error = PrivateKey::from_pem(&legacy, Some("x")).unwrap_err();
        assert!(matches!(error, CryptoError::UnsupportedEncryption { .. }));
    }
}
