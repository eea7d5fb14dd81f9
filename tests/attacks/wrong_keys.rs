//! WK: signatures by other keys, in other schemes, and keys that are none.

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tuf_notary::{
    crypto::{Certificate, KeyKind, PrivateKey, PublicKey, Scheme},
    testkit::ForgeKey,
    verify::Trust,
};

use crate::{
    lab::{GUN, Lab},
    signing::{ROLES, Trial, key, lab},
    spki,
};

const METHODS: [&str; 6] = ["ecdsa", "rsapss", "rsapkcs1v15", "pycrypto-pkcs#1 pss", "eddsa", ""];

/// The verdict when the role's signatures are changed in their bytes.
fn verdict_with(
    trial: &Trial,
    change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> Result<(), &'static str> {
    let mut lab = lab();
    lab.forge.signatures(trial.role, move |list| {
        for signature in list.as_array_mut().unwrap() {
            let bytes = BASE64.decode(signature["sig"].as_str().unwrap().as_bytes()).unwrap();
            signature["sig"] = Value::String(BASE64.encode(&change(bytes)));
        }
    });
    trial.verdict(&mut lab)
}

/// A key that nobody can count on does no harm to the others.
fn counts_for_nothing(kind: KeyKind, published: &[u8]) {
    for role in ["timestamp", "targets", "targets/a"] {
        let unusable = ForgeKey::ecdsa().with_public(PublicKey::new(kind.clone(), published.to_vec()));
        let good = ForgeKey::ecdsa();
        Trial::new(role, &[&unusable, &good], 1, &[&unusable, &good]).accepted();
        Trial::new(role, &[&unusable, &good], 2, &[&unusable, &good]).refused();
    }
}

#[test]
fn wk_01_a_signature_by_a_key_of_nobody_is_refused() {
    for role in ROLES {
        let (a, stranger) = (key(role), key(role));
        Trial::new(role, &[&a], 1, &[&stranger]).refused();
        Trial::new(role, &[&a], 1, &[&stranger.with_id(&a.id())]).refused();
    }
}

#[test]
fn wk_01_signatures_by_keys_of_other_roles_are_refused() {
    for role in ROLES {
        let mut lab = lab();
        let others: Vec<_> = ROLES.iter().filter(|other| **other != role).collect();
        let signers = others.iter().flat_map(|other| lab.forge.keys(other).clone()).collect();
        let trial = Trial { role, listed: vec![key(role)], threshold: 1, signers };
        assert_eq!(trial.verdict(&mut lab), Err("THRESHOLD"), "{role}");
    }
}

#[test]
fn wk_02_the_method_does_not_choose_the_algorithm() {
    let keys = [(ForgeKey::ecdsa(), "ecdsa"), (ForgeKey::ed25519(), "eddsa"), (ForgeKey::rsa(), "rsapss")];
    for (key, own) in keys {
        for method in METHODS {
            let trial = |role| Trial::new(role, &[&key], 1, &[&key.with_method(method)]);
            if method == own {
                trial("targets").accepted();
            } else {
                trial("targets").refused();
                trial("targets/a").refused();
            }
        }
    }
    let pkcs1 = ForgeKey::rsa().with_scheme(Scheme::RsaPkcs1v15);
    Trial::new("targets", &[&pkcs1], 1, &[&pkcs1]).accepted();
}

#[test]
fn wk_03_the_method_is_read_in_any_case() {
    for (key, method) in
        [(ForgeKey::ecdsa(), "EcDsA"), (ForgeKey::ed25519(), "EDDSA"), (ForgeKey::rsa(), "RSAPSS")]
    {
        Trial::new("targets", &[&key], 1, &[&key.with_method(method)]).accepted();
    }
    // Only ASCII letters have two cases here.
    let key = ForgeKey::ecdsa();
    Trial::new("targets", &[&key], 1, &[&key.with_method("ecd\u{17f}a")]).refused();
}

#[test]
fn wk_04_an_ecdsa_signature_in_der_is_refused() {
    for role in ROLES {
        let a = key(role);
        let der = a.with_scheme(Scheme::EcdsaDer);
        Trial::new(role, &[&a], 1, &[&der.with_method("ecdsa")]).refused();
        Trial::new(role, &[&a], 1, &[&der]).refused();
    }
}

#[test]
fn wk_04_an_ecdsa_signature_of_another_length_is_refused() {
    let a = ForgeKey::ecdsa();
    let trial = Trial::new("targets", &[&a], 1, &[&a]);
    assert_eq!(verdict_with(&trial, |bytes| bytes), Ok(()));
    let refused = |change: fn(Vec<u8>) -> Vec<u8>| assert_eq!(verdict_with(&trial, change), Err("THRESHOLD"));
    refused(|_| Vec::new());
    refused(|bytes| bytes[..63].to_vec());
    refused(|bytes| [&bytes[..], &[0]].concat());
    refused(|bytes| [&[0], &bytes[..]].concat());
    // Each number widened to the width of P-384.
    refused(|bytes| [&[0; 16], &bytes[..32], &[0; 16], &bytes[32..]].concat());
    refused(|bytes| bytes.repeat(2));
    refused(|_| vec![0; 64]);
}

#[test]
fn wk_06_an_rsa_key_of_unsound_size_counts_for_nothing() {
    for bits in [512, 1024, 2040, 8200] {
        counts_for_nothing(KeyKind::Rsa, &spki::rsa(bits));
    }
    let rsa = ForgeKey::rsa();
    let trial = Trial::new("targets", &[&rsa], 1, &[&rsa]);
    assert_eq!(verdict_with(&trial, |bytes| bytes[1..].to_vec()), Err("THRESHOLD"));
    assert_eq!(verdict_with(&trial, |bytes| [&[0], &bytes[..]].concat()), Err("THRESHOLD"));
}

#[test]
fn wk_08_the_historic_rsa_method_is_for_plain_keys_only() {
    for rsa in [ForgeKey::rsa(), ForgeKey::rsa().certified(GUN)] {
        let historic = rsa.with_method("pycrypto-pkcs#1 pss");
        Trial::new("targets", &[&rsa], 1, &[&historic]).refused();
    }
    let root = ForgeKey::rsa().certified(GUN);
    Trial::new("root", &[&root], 1, &[&root.with_method("pycrypto-pkcs#1 pss")]).refused();
    Trial::new("root", &[&root], 1, &[&root]).accepted();
}

#[test]
fn wk_09_ed25519_keys_and_signatures_of_other_lengths_are_refused() {
    for length in [0, 31, 33, 64] {
        counts_for_nothing(KeyKind::Ed25519, &vec![9; length]);
    }
    let a = ForgeKey::ed25519();
    let trial = Trial::new("targets", &[&a], 1, &[&a]);
    assert_eq!(verdict_with(&trial, |bytes| bytes[..63].to_vec()), Err("THRESHOLD"));
    assert_eq!(verdict_with(&trial, |bytes| [&bytes[..], &[0]].concat()), Err("THRESHOLD"));
    assert_eq!(verdict_with(&trial, |_| Vec::new()), Err("THRESHOLD"));
}

#[test]
fn wk_10_a_key_of_small_order_is_refused() {
    // For the neutral element as key, this signature verifies over every message.
    let neutral = [vec![1], vec![0; 31]].concat();
    let forged = [neutral.clone(), vec![0; 32]].concat();
    let weak = ForgeKey::ed25519().with_public(PublicKey::new(KeyKind::Ed25519, neutral));
    for role in ["timestamp", "targets", "targets/a"] {
        let forged = forged.clone();
        let trial = Trial::new(role, &[&weak], 1, &[&weak]);
        assert_eq!(verdict_with(&trial, move |_| forged.clone()), Err("THRESHOLD"), "{role}");
    }
}

#[test]
fn wk_10_an_ed25519_signature_with_its_order_added_is_refused() {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let a = ForgeKey::ed25519();
    let added = |mut bytes: Vec<u8>| {
        let mut carry = 0;
        for (digit, order) in bytes[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*digit) + u16::from(order);
            [*digit, _] = carry.to_le_bytes();
            carry >>= 8;
        }
        bytes
    };
    assert_eq!(verdict_with(&Trial::new("targets", &[&a], 1, &[&a]), added), Err("THRESHOLD"));
}

#[test]
fn wk_13_a_key_of_another_algorithm_than_its_type_counts_for_nothing() {
    let (ecdsa, ed25519, rsa) = (ForgeKey::ecdsa(), ForgeKey::ed25519(), ForgeKey::rsa());
    let wrong = [
        (&ecdsa, [KeyKind::Rsa, KeyKind::Ed25519, KeyKind::EcdsaX509, KeyKind::parse("ECDSA")]),
        (&rsa, [KeyKind::Ecdsa, KeyKind::Ed25519, KeyKind::RsaX509, KeyKind::parse("rsa ")]),
        (&ed25519, [KeyKind::Ecdsa, KeyKind::Rsa, KeyKind::EcdsaX509, KeyKind::parse("Ed25519")]),
    ];
    for (key, kinds) in wrong {
        for kind in kinds {
            let misnamed = key.with_public(PublicKey::new(kind.clone(), key.public().published().to_vec()));
            Trial::new("targets", &[&misnamed], 1, &[&misnamed]).refused();
            counts_for_nothing(kind, key.public().published());
        }
    }
}

#[test]
fn wk_14_a_certificate_of_another_algorithm_than_its_type_is_refused() {
    let (ec, rsa) = (ForgeKey::certificate(GUN), ForgeKey::rsa().certified(GUN));
    for (key, kind) in [(ec, KeyKind::RsaX509), (rsa, KeyKind::EcdsaX509)] {
        let wrong = key.with_public(PublicKey::new(kind, key.public().published().to_vec()));
        for role in ["root", "targets", "targets/a"] {
            Trial::new(role, &[&wrong], 1, &[&wrong]).refused();
        }
        let mut lab = Lab::new();
        lab.forge.set_keys("root", &[wrong], 1);
        lab.serve();
        lab.refused("THRESHOLD");
        assert_eq!(lab.kept("root"), None);
    }
}

#[test]
fn wk_15_a_key_on_an_unsupported_curve_counts_for_nothing() {
    let point = |width: usize| [vec![4], vec![1; 2 * width]].concat();
    counts_for_nothing(KeyKind::Ecdsa, &spki::ec(spki::P224, &point(28)));
    counts_for_nothing(KeyKind::Ecdsa, &spki::ec(spki::P521, &point(66)));
    // Not on the curve, too short, at infinity.
    for point in [point(32), point(31), vec![0], Vec::new()] {
        counts_for_nothing(KeyKind::Ecdsa, &spki::ec(spki::P256, &point));
    }
}

/// A publisher's public certificate with a header, which readers of keys pass over, and behind it
/// a thief's own, which gives the key.
#[test]
fn a_certificate_that_does_not_hold_the_signing_key_vouches_for_nothing() {
    let made = |name: &str, is_ca: bool| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        (params, KeyPair::generate().unwrap())
    };
    let (authority, authority_key) = made("authority", true);
    let pinned = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let (publisher, publisher_key) = made(GUN, false);
    let published = publisher.signed_by(&publisher_key, &issuer).unwrap();
    let (thief, thief_key) = made("thief", true);
    let stolen = thief.self_signed(&thief_key).unwrap();

    let text = |der: &[u8], header: &str| {
        format!("-----BEGIN CERTIFICATE-----\n{header}{}\n-----END CERTIFICATE-----\n", BASE64.encode(der))
    };
    let root_key = |key: &KeyPair, text: String| {
        let private = PrivateKey::from_pkcs8_der(key.serialized_der()).unwrap();
        let public = PublicKey::new(KeyKind::EcdsaX509, text.into_bytes());
        ForgeKey::from_private_key(private).with_public(public)
    };
    let attempt = |key: ForgeKey| {
        let mut lab = Lab::new();
        lab.trust = Trust::Authority(vec![Certificate::from_der(pinned.der()).unwrap()]);
        lab.forge.set_keys("root", &[key], 1);
        lab.serve();
        lab.refresh().map(|_| ()).map_err(|error| error.code())
    };
    let sound = root_key(&publisher_key, text(published.der(), ""));
    assert_eq!(attempt(sound), Ok(()));
    for header in ["a: b\n\n", "a: b\n", ":\n"] {
        let both = text(published.der(), header) + &text(stolen.der(), "");
        assert_eq!(attempt(root_key(&thief_key, both)), Err("CERTIFICATE"), "{header:?}");
    }
}
