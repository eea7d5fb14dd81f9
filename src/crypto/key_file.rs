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
                Self::from_pkcs8_der(&*pkcs8::decrypt(&block.contents, passphrase)?)
            }
            _ if is_legacy_encrypted => Err(CryptoError::UnsupportedEncryption {
                reason: "DEK-Info, expected PKCS#8".to_owned(),
            }),
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
