//! PEM blocks that OpenSSL encrypted before PKCS#8 are read and never written, for their key comes
//! from one round of MD5 (RFC 1421 section 4.6; OpenSSL's `EVP_BytesToKey`).
//!
//! The `DEK-Info` header names the cipher and its initialisation vector, whose first eight bytes
//! are the salt too. Nothing authenticates the ciphertext: whether what comes out is a private key
//! is for the caller to find out.

use super::error::CryptoError;
use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use des::{Des, TdesEde3};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

const SALT_LENGTH: usize = 8;

type Cipher = fn(&[u8], &str, &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>;

/// Decrypts the contents of a block with a `DEK-Info` header.
pub(super) fn decrypt(
    dek_info: &str,
    ciphertext: &[u8],
    passphrase: &str,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (cipher, iv) = supported(dek_info)?;
    cipher(ciphertext, passphrase, &iv)
}

/// What a `DEK-Info` header names.
pub(super) fn supported(dek_info: &str) -> Result<(Cipher, Vec<u8>), CryptoError> {
    let (name, iv) = dek_info.split_once(',').ok_or_else(|| unsupported("DEK-Info without a comma"))?;
    let iv = data_encoding::HEXLOWER_PERMISSIVE.decode(iv.trim().as_bytes());
    let iv = iv.map_err(|_| unsupported("DEK-Info without a vector in hex"))?;
    let (cipher, block): (Cipher, _) = match name.trim() {
        "AES-128-CBC" => (cbc::<Aes128>, 16),
        "AES-192-CBC" => (cbc::<Aes192>, 16),
        "AES-256-CBC" => (cbc::<Aes256>, 16),
        "DES-EDE3-CBC" => (cbc::<TdesEde3>, 8),
        "DES-CBC" => (cbc::<Des>, 8),
        other => return Err(unsupported(&format!("DEK-Info {other:?}, expected AES or DES in mode CBC"))),
    };
    if iv.len() != block {
        return Err(unsupported(&format!("a vector of {} bytes, expected {block}", iv.len())));
    }
    Ok((cipher, iv))
}

fn cbc<C: BlockCipherDecrypt + KeyInit>(
    ciphertext: &[u8],
    passphrase: &str,
    iv: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let salt = iv.get(..SALT_LENGTH).ok_or_else(|| unsupported("a vector without room for the salt"))?;
    let key = derive(passphrase, salt, C::key_size());
    let decryptor = Decryptor::<C>::new_from_slices(&key, iv)
        .map_err(|_| unsupported("a vector of another length than the cipher's block"))?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let plain = decryptor.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| CryptoError::WrongPassphrase)?;
    let length = plain.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Digests of the passphrase and the salt, each over the one before, until the key is long enough.
fn derive(passphrase: &str, salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + Md5::output_size()));
    let mut digest = Zeroizing::new([0; 16]);
    while key.len() < length {
        let mut hasher = Md5::new();
        if !key.is_empty() {
            hasher.update(digest.as_slice());
        }
        hasher.update(passphrase);
        hasher.update(salt);
        digest.copy_from_slice(&hasher.finalize());
        key.extend_from_slice(digest.as_slice());
    }
    key.truncate(length);
    key
}

fn unsupported(reason: &str) -> CryptoError {
    CryptoError::UnsupportedEncryption { reason: reason.to_owned() }
}
