//! Keys of TUF 1.0, as OpenSSL and this library write them.

use super::super::{PrivateKey, Signer as _, signature, testing};
use super::*;
use testing::MESSAGE;

const P256: &str = "ecdsa-sha2-nistp256";
const P384: &str = "ecdsa-sha2-nistp384";
const PSS: &str = "rsassa-pss-sha256";

fn unusable(keytype: &str, scheme: &str, public: &str) -> CryptoError {
    let key = TufKey::new(keytype, scheme, public);
    assert_eq!(key.scheme(), None);
    assert_eq!(key.key().kind(), &KeyKind::Unknown(keytype.to_owned()));
    assert_eq!(key.key().published(), public.as_bytes());
    assert_eq!(key.key().tuf_scheme(), None);
    let error = key.key().material().unwrap_err().clone();
    for signature in [&[][..], &[0; 64], testing::P384_SHA384, testing::RSA_PSS_32] {
        assert_eq!(key.verify(MESSAGE, signature), Err(error.clone()));
    }
    error
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn point(key: &PublicKey) -> Vec<u8> {
    ParsedKey::from_spki(key.published()).unwrap().ec_point.unwrap()
}

fn compressed(key: &PublicKey) -> Vec<u8> {
    match key.material() {
        Ok(KeyMaterial::Ec { point, .. }) => point.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn wk_12_pem_and_hex_under_both_names_are_one_key() {
    for (private, name) in [(PrivateKey::generate_ecdsa(), P256), (PrivateKey::generate_ecdsa_p384(), P384)] {
        let private = private.unwrap();
        let public = private.public_key();
        let scheme = public.tuf_scheme().unwrap();
        let signature = private.sign_with(scheme, MESSAGE).unwrap();
        let pem = public.to_tuf(scheme).unwrap().public;
        let spki = HEXLOWER.encode(public.published());
        let bare = HEXLOWER.encode(&point(public)).to_uppercase();
        for text in [&pem, &pem.replace('\n', "\r\n"), pem.trim_end(), &spki, &bare] {
            for keytype in ["ecdsa", name] {
                let key = TufKey::new(keytype, name, text);
                assert_eq!(key.key(), public, "{keytype} {text}");
                assert_eq!(key.scheme(), Some(scheme));
                assert_eq!(key.verify(MESSAGE, &signature), Ok(()));
                assert_eq!(key.verify(b"other", &signature), Err(CryptoError::InvalidSignature));
            }
        }
    }
}

#[test]
fn wk_13_a_scheme_of_other_keys_makes_a_key_unusable() {
    let p256 = PrivateKey::generate_ecdsa().unwrap().public_key().to_tuf(Scheme::EcdsaDer).unwrap();
    let (p384, rsa) = (text(testing::P384_PUBLIC), text(testing::RSA_PUBLIC));
    let bare = "04".repeat(65);
    for (keytype, scheme, public) in [
        ("rsa", "ed25519", rsa.as_str()),
        ("rsa", P256, &rsa),
        ("ed25519", PSS, &rsa),
        ("ed25519", "Ed25519", &"11".repeat(32)),
        ("ecdsa", PSS, &p256.public),
        ("ecdsa", "ecdsa", &p256.public),
        (P256, P384, &p384),
        (P384, P256, &p256.public),
        ("rsa", "rsassa-pss-sha512", &rsa),
        ("ecdsa", "", &p256.public),
    ] {
        let error = unusable(keytype, scheme, public);
        assert!(matches!(error, CryptoError::KeyScheme { .. }), "{keytype} {scheme} {error}");
    }
    for (keytype, scheme, public) in [
        ("ecdsa", P256, p384.as_str()),
        ("ecdsa", P384, &p256.public),
        ("ecdsa", P256, &rsa),
        ("rsa", PSS, &p256.public),
    ] {
        let error = unusable(keytype, scheme, public);
        assert!(matches!(error, CryptoError::WrongKeyAlgorithm { .. }), "{keytype} {scheme} {error}");
    }
    assert!(unusable("ecdsa", P384, &bare).to_string().contains("wrong form or length"));
}

#[test]
fn wk_11_keys_that_this_build_does_not_know_are_kept() {
    for keytype in ["sigstore-oidc", "ml-dsa-65", "ECDSA", "Ed25519", "rsa-x509", ""] {
        let error = unusable(keytype, "Fulcio", "anything\n\u{1f511}");
        assert_eq!(error, CryptoError::UnknownKeyKind { kind: keytype.to_owned() });
    }
}

#[test]
fn wk_05_side_by_side_is_no_signature_of_tuf() {
    for private in [PrivateKey::generate_ecdsa().unwrap(), PrivateKey::generate_ecdsa_p384().unwrap()] {
        let scheme = private.public_key().tuf_scheme().unwrap();
        let texts = private.public_key().to_tuf(scheme).unwrap();
        let key = TufKey::new(texts.keytype, texts.scheme, &texts.public);
        let der = private.sign_with(scheme, MESSAGE).unwrap();
        assert_eq!(key.verify(MESSAGE, &der), Ok(()));
        let curve = if scheme == Scheme::EcdsaDer { Curve::P256 } else { Curve::P384 };
        let raw = signature::der_to_p1363(curve, &der).unwrap();
        assert_eq!(key.verify(MESSAGE, &raw), Err(CryptoError::InvalidSignature));
    }
}

#[test]
fn wk_06_rsa_keys_are_pem_of_either_form_and_large_enough() {
    let expected = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
    let spki = text(testing::RSA_PUBLIC);
    let Ok(KeyMaterial::Rsa { modulus, exponent }) = expected.material() else { panic!("RSA") };
    let numbers = [asn1::unsigned(modulus), asn1::unsigned(exponent)];
    let pkcs1 = asn1::element(0x30, &[&numbers[0], &numbers[1]]);
    let pkcs1 = text(&pem::plain_text(RSA_PUBLIC_KEY, &pkcs1));
    for public in [&spki, &pkcs1] {
        let key = TufKey::new("rsa", PSS, public);
        assert_eq!(key.key(), &expected);
        assert_eq!(key.verify(MESSAGE, testing::RSA_PSS_32), Ok(()));
        assert!(key.verify(MESSAGE, testing::RSA_PKCS1V15).is_err(), "the key names the scheme");
        assert!(key.verify(MESSAGE, &testing::RSA_PSS_32[1..]).is_err());
        assert!(key.verify(MESSAGE, testing::RSA_PSS_20).is_err());
        let key = TufKey::new("rsa", "rsa-pkcs1v15-sha256", public);
        assert_eq!(key.verify(MESSAGE, testing::RSA_PKCS1V15), Ok(()));
        assert!(key.verify(MESSAGE, testing::RSA_PSS_32).is_err());
    }
    let small = pem_text(&key_material::rsa_spki(&[0xff; 128], &[1, 0, 1]));
    let (bits, min, max) = (1024, 2048, 8192);
    assert_eq!(unusable("rsa", PSS, &small), CryptoError::RsaModulusSize { bits, min, max });
    let hex = HEXLOWER.encode(expected.published());
    assert!(unusable("rsa", PSS, &hex).to_string().contains("PEM"));
}

#[test]
fn wk_09_wk_10_ed25519_keys_are_32_sound_bytes_in_hex() {
    let private = PrivateKey::generate_ed25519().unwrap();
    let texts = private.public_key().to_tuf(Scheme::Ed25519).unwrap();
    assert_eq!((texts.keytype, texts.scheme), ("ed25519", "ed25519"));
    let signature = private.sign(MESSAGE).unwrap();
    for public in [&texts.public, &texts.public.to_uppercase()] {
        let key = TufKey::new("ed25519", "ed25519", public);
        assert_eq!(key.key(), private.public_key());
        assert_eq!(key.verify(MESSAGE, &signature), Ok(()));
        assert!(key.verify(MESSAGE, &signature[..63]).is_err());
    }
    for weak in ["00".repeat(32), "ff".repeat(32), format!("01{}80", "00".repeat(30))] {
        assert!(matches!(unusable("ed25519", "ed25519", &weak), CryptoError::WeakKey { .. }));
    }
    for length in [0, 31, 33, 64] {
        let (what, expected, got) = ("Ed25519 public key", 32, length);
        let error = unusable("ed25519", "ed25519", &"11".repeat(length));
        assert_eq!(error, CryptoError::KeyLength { what, expected, got });
    }
    for odd in [&texts.public[1..], &format!(" {}", texts.public), "zz"] {
        unusable("ed25519", "ed25519", odd);
    }
}

#[test]
fn dk_13_a_signature_and_its_twin_are_of_one_key() {
    const ORDER: [u8; 32] = *b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\
        \xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    let private = PrivateKey::generate_ecdsa().unwrap();
    let mut twin = private.sign(MESSAGE).unwrap();
    let mut borrow = 0i16;
    for (byte, order) in twin[32..].iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let twin = signature::p1363_to_der(Curve::P256, &twin).unwrap();
    let signature = private.sign_with(Scheme::EcdsaDer, MESSAGE).unwrap();
    assert_ne!(twin, signature);
    let texts = private.public_key().to_tuf(Scheme::EcdsaDer).unwrap();
    let key = TufKey::new(texts.keytype, texts.scheme, &texts.public);
    for signature in [&twin, &signature] {
        assert_eq!(key.verify(MESSAGE, signature), Ok(()));
    }
    assert_eq!(key.key().material(), private.public_key().material());
}

#[test]
fn dk_06_a_compressed_point_never_counts_as_a_second_key() {
    let private = PrivateKey::generate_ecdsa().unwrap();
    let public = HEXLOWER.encode(&compressed(private.public_key()));
    assert!(unusable("ecdsa", P256, &public).to_string().contains("compressed"));
}

#[test]
fn texts_that_are_no_key_are_refused() {
    let pem = text(testing::P384_PUBLIC);
    assert!(unusable("ecdsa", P384, &pem.repeat(2)).to_string().contains("more than one"));
    let label = pem.replace("PUBLIC KEY", "CERTIFICATE");
    assert!(unusable("ecdsa", P384, &label).to_string().contains("CERTIFICATE"));
    assert!(unusable("ecdsa", P384, &pem[..100]).to_string().contains("without end"));
    assert!(unusable("ecdsa", P384, "").to_string().contains("neither"));
    assert!(unusable("ecdsa", P384, "key").to_string().contains("neither"));
}

#[test]
fn keys_are_written_so_that_they_read_back() {
    let rsa = testing::public_key_from_pem(KeyKind::Rsa, testing::RSA_PUBLIC);
    let historic = PublicKey::new(KeyKind::Rsa, testing::RSA_PUBLIC.to_vec());
    let certified = PublicKey::new(KeyKind::RsaX509, testing::RSA_CERTIFICATE.to_vec());
    for (key, schemes) in [
        (&rsa, [Scheme::RsaPss, Scheme::RsaPkcs1v15]),
        (&historic, [Scheme::RsaPss, Scheme::RsaPkcs1v15]),
        (&certified, [Scheme::RsaPss, Scheme::RsaPkcs1v15]),
        (PrivateKey::generate_ecdsa().unwrap().public_key(), [Scheme::EcdsaDer; 2]),
        (PrivateKey::generate_ecdsa_p384().unwrap().public_key(), [Scheme::EcdsaDerSha384; 2]),
        (PrivateKey::generate_ed25519().unwrap().public_key(), [Scheme::Ed25519; 2]),
    ] {
        assert_eq!(key.tuf_scheme(), Some(schemes[0]));
        for scheme in schemes {
            let texts = key.to_tuf(scheme).unwrap();
            let again = TufKey::new(texts.keytype, texts.scheme, &texts.public);
            assert_eq!(again.key().material(), key.material());
            assert_eq!(again.into_parts().1, Some(scheme));
        }
        for scheme in [Scheme::EcdsaP1363, Scheme::RsaPssPycrypto] {
            assert!(matches!(key.to_tuf(scheme), Err(CryptoError::SchemeMismatch { .. })));
        }
    }
    assert_eq!(rsa.to_tuf(Scheme::RsaPss).unwrap().public.as_bytes(), testing::RSA_PUBLIC);
    assert!(TufKey::new("x", "y", "z").key().to_tuf(Scheme::Ed25519).is_err());
}
