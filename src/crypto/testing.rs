//! Keys and signatures that the real programs and OpenSSL made.

use super::{KeyKind, PemBlock, PublicKey};
use data_encoding::BASE64;

/// What the OpenSSL signatures are over.
pub(super) const MESSAGE: &[u8] = b"message";

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("testdata/", $name))
    };
}

pub(super) const P384_PUBLIC: &[u8] = file!("p384.pub.pem");
pub(super) const P384_PRIVATE: &[u8] = file!("p384.pkcs8.pem");
pub(super) const P384_NO_PUBLIC: &[u8] = file!("p384.no_public.pem");
pub(super) const P384_COMPRESSED: &[u8] = file!("p384.compressed.pem");
pub(super) const P256_NO_PUBLIC: &[u8] = file!("p256.no_public.pem");
pub(super) const P256_COMPRESSED: &[u8] = file!("p256.compressed.pem");
pub(super) const P384_SHA256: &[u8] = file!("p384.sha256.der.sig");
pub(super) const P384_SHA384: &[u8] = file!("p384.sha384.der.sig");
pub(super) const P256_PRIVATE: &[u8] = file!("p256.pkcs8.pem");
pub(super) const P256_ENCRYPTED_SHA256_PRF: &[u8] = file!("p256.sha256prf.enc.pem");
pub(super) const ED25519_PRIVATE: &[u8] = file!("ed25519.pkcs8.pem");
pub(super) const RSA_PUBLIC: &[u8] = file!("rsa2048.pub.pem");
pub(super) const RSA_PRIVATE: &[u8] = file!("rsa2048.pkcs8.pem");
pub(super) const RSA_PRIVATE_PKCS1: &[u8] = file!("rsa2048.pkcs1.pem");
/// A P-256 key under five ciphers, then RSA, P-384 and Notary's Ed25519; passphrase `secret99`.
pub(super) const LEGACY_ENCRYPTED: &[u8] = file!("legacy_encrypted.pem");
pub(super) const RSA_PSS_32: &[u8] = file!("rsa2048.pss32.sig");
pub(super) const RSA_PSS_20: &[u8] = file!("rsa2048.pss20.sig");
pub(super) const RSA_PKCS1V15: &[u8] = file!("rsa2048.pkcs1v15.sig");
pub(super) const RSA_CERTIFICATE: &[u8] = file!("rsa2048.cert.pem");
pub(super) const RSA_1024_CERTIFICATE: &[u8] = file!("rsa1024.pem");
pub(super) const RSA_1024_PRIVATE: &[u8] = file!("rsa1024.pkcs8.pem");
pub(super) const CA: &[u8] = file!("ca.pem");
pub(super) const CA_NAMESAKE: &[u8] = file!("ca_namesake.pem");
pub(super) const INTERMEDIATE: &[u8] = file!("intermediate.pem");
pub(super) const LEAF: &[u8] = file!("leaf.pem");
pub(super) const LONG_LEAF: &[u8] = file!("longleaf.pem");
pub(super) const LEAF_SERVER: &[u8] = file!("leafserver.pem");
pub(super) const LEAF_NO_USAGE: &[u8] = file!("leafnone.pem");
pub(super) const LEAF_EMAIL: &[u8] = file!("leafemail.pem");
pub(super) const LEAF_CRITICAL: &[u8] = file!("leafcrit.pem");
pub(super) const LEAF_SHA1: &[u8] = file!("sha1.pem");
pub(super) const LEAF_TWO_NAMES: &[u8] = file!("two_names.pem");

/// Collection of the leaf certificates.
pub(super) const GUN: &str = "example.com/app";

/// A root key that Notary made for `example.com/one`.
pub(super) fn notary_root() -> PublicKey {
    let text = include_str!("testdata/notary_root_key.base64");
    let pem = BASE64.decode(text.trim().as_bytes()).unwrap();
    PublicKey::new(KeyKind::EcdsaX509, pem)
}

/// Key, signed bytes and signature of a targets file that Notary made.
pub(super) fn notary_targets() -> (PublicKey, Vec<u8>, Vec<u8>) {
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENltGYCoXF95Ov4Wtce9y1QynreNvE7a6C1Ye6kXGb0/2d8TSKCHranouv7h1wC0X5+9lbYbhqJ9CtsxXE6Wf3g==";
    let key = PublicKey::new(KeyKind::Ecdsa, BASE64.decode(key.as_bytes()).unwrap());
    let file = include_bytes!("testdata/notary_targets.json");
    let end = file.windows(15).position(|w| w == b",\"signatures\":[").unwrap();
    let signature =
        "o/vyTDrsj46sA3CxxGTOfowr8clr+4DBIjZ3WIY+TfSmj4ZU7tpewgjGgNnJLSl3qZZi8OhkoPUOQcjL5JPGnQ==";
    let signature = BASE64.decode(signature.as_bytes()).unwrap();
    (key, file[b"{\"signed\":".len()..end].to_vec(), signature)
}

/// The only block of a PEM text.
pub(super) fn block(pem: &[u8]) -> PemBlock {
    let mut blocks = PemBlock::read_all(pem);
    assert_eq!(blocks.len(), 1);
    blocks.remove(0)
}

pub(super) fn public_key_from_pem(kind: KeyKind, pem: &[u8]) -> PublicKey {
    PublicKey::new(kind, block(pem).contents.to_vec())
}

/// A delegation key that docker made; its passphrase is `delgpass1`.
pub(super) const NOTARY_ALICE: &[u8] = file!("notary_alice.key");
/// A snapshot key of Notary's server, not encrypted.
pub(super) const NOTARY_SNAPSHOT: &[u8] = file!("notary_snapshot.key");
