//! WK: signatures by other keys, in other schemes, and keys that are none.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use tuf_notary::testkit::TufForgeKey;

use crate::{
    duplicate_keys::split,
    lab::{Lab, keys},
    signing::{ROLES, Trial, with_team},
    spki,
};

const SCHEMES: [&str; 7] = [
    "ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "rsassa-pss-sha256",
    "rsa-pkcs1v15-sha256",
    "ed448",
    "",
];

fn key_object(keytype: &str, scheme: &str, public: &str) -> Value {
    json!({ "keytype": keytype, "keyval": { "public": public }, "scheme": scheme })
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64.encode(der))
}

/// A key that nobody can count on does no harm to the others.
#[track_caller]
fn counts_for_nothing(listed: &Value) {
    for role in ["root", "timestamp", "team"] {
        let unusable = &TufForgeKey::ed25519().listed_as(listed.clone());
        let [good] = &keys();
        Trial::new(role, &[unusable, good], 1, &[unusable, good]).accepted();
        Trial::new(role, &[unusable, good], 2, &[unusable, good]).refused("THRESHOLD");
    }
}

/// No signature of this key is one, whatever its bytes are changed to.
#[track_caller]
fn no_signature(key: &TufForgeKey, change: fn(Vec<u8>) -> Vec<u8>) {
    for role in ROLES {
        let at = usize::from(role == "root");
        let change = move |list: &mut Vec<Value>| {
            let bytes = HEXLOWER.decode(list[at]["sig"].as_str().unwrap().as_bytes()).unwrap();
            list[at]["sig"] = HEXLOWER.encode(&change(bytes)).into();
        };
        Trial::new(role, &[key], 1, &[key]).with_signatures(change).refused("THRESHOLD");
    }
}

#[test]
fn wk_01_a_signature_by_a_key_of_nobody_is_refused() {
    for role in ROLES {
        let [a, stranger] = &keys();
        Trial::new(role, &[a], 1, &[stranger]).refused("THRESHOLD");
        Trial::new(role, &[a], 1, &[&stranger.with_id(a.id())]).refused("THRESHOLD");
    }
}

#[test]
fn wk_01_signatures_by_keys_of_other_roles_are_refused() {
    for role in ROLES {
        let mut forge = with_team();
        let others = ROLES.iter().filter(|other| **other != role);
        let signers: Vec<_> = others.flat_map(|other| forge.keys(other).clone()).collect();
        if role == "root" {
            let mut lab = Lab::trusting_of(forge);
            lab.forge.bump("root");
            let healthy = lab.forge.build();
            *lab.forge.keys("root") = signers;
            lab.serve();
            lab.refused_and_kept("ROOT_CHANGED", &["root"], &healthy);
            continue;
        }
        *forge.keys(role) = signers;
        let lab = Lab::of(forge);
        lab.not_found("team/file", "THRESHOLD");
        assert_eq!(lab.kept(role), None);
    }
}

#[test]
fn wk_05_an_ecdsa_signature_side_by_side_is_refused() {
    let key = TufForgeKey::ecdsa();
    no_signature(&key, |der| {
        let (r, s) = split(&der);
        [r, s].concat()
    });
    no_signature(&key, |der| der[..der.len() - 1].to_vec());
    no_signature(&key, |der| [&der[..], &[0]].concat());
    no_signature(&key, |_| vec![0x30, 6, 2, 1, 0, 2, 1, 0]);
    no_signature(&key, |_| vec![0x30, 6, 2, 1, 1, 2, 1, 1]);
}

#[test]
fn wk_06_an_rsa_key_of_unsound_size_counts_for_nothing() {
    for bits in [512, 1024, 2040, 8200] {
        for scheme in ["rsassa-pss-sha256", "rsa-pkcs1v15-sha256"] {
            counts_for_nothing(&key_object("rsa", scheme, &pem(&spki::rsa(bits))));
        }
    }
    let rsa = TufForgeKey::rsa();
    no_signature(&rsa, |bytes| bytes[1..].to_vec());
    no_signature(&rsa, |bytes| [&[0], &bytes[..]].concat());
    no_signature(&rsa, |_| vec![0; 256]);
    no_signature(&rsa, |_| [vec![0; 255], vec![1]].concat());
}

#[test]
fn wk_09_ed25519_keys_and_signatures_of_other_lengths_are_refused() {
    for length in [0, 31, 33, 64] {
        counts_for_nothing(&key_object("ed25519", "ed25519", &"09".repeat(length)));
    }
    counts_for_nothing(&key_object("ed25519", "ed25519", &"9".repeat(63)));
    counts_for_nothing(&key_object("ed25519", "ed25519", &BASE64.encode(&[9; 32])));
    let [key] = keys();
    no_signature(&key, |bytes| bytes[..63].to_vec());
    no_signature(&key, |bytes| [&bytes[..], &[0]].concat());
    no_signature(&key, |_| vec![0; 64]);
}

#[test]
fn wk_10_a_key_of_small_order_is_refused() {
    // For the neutral element as key, this signature verifies over every message.
    let neutral = [vec![1], vec![0; 31]].concat();
    let forged = [neutral.clone(), vec![0; 32]].concat();
    let weak =
        &TufForgeKey::ed25519().listed_as(key_object("ed25519", "ed25519", &HEXLOWER.encode(&neutral)));
    for role in ROLES {
        let (forged, at) = (HEXLOWER.encode(&forged), usize::from(role == "root"));
        let sign = move |list: &mut Vec<Value>| list[at]["sig"] = forged.clone().into();
        Trial::new(role, &[weak], 1, &[weak]).with_signatures(sign).refused("THRESHOLD");
    }
    // Not canonical: above the prime of the field.
    counts_for_nothing(&key_object("ed25519", "ed25519", &"ff".repeat(32)));
}

#[test]
fn wk_10_an_ed25519_signature_with_its_order_added_is_refused() {
    let [key] = keys();
    no_signature(&key, |mut bytes| {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut carry = 0;
        for (digit, order) in bytes[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*digit) + u16::from(order);
            [*digit, _] = carry.to_le_bytes();
            carry >>= 8;
        }
        bytes
    });
}

#[test]
fn wk_11_keys_of_unknown_types_do_no_harm() {
    for listed in [
        key_object("ml-dsa-65", "ml-dsa-65", "anything"),
        key_object("sigstore-oidc", "Fulcio", "https://issuer.example.com"),
        json!({ "keytype": "new", "keyval": { "identity": "x", "public": { "a": 1 } }, "scheme": "new" }),
        json!({ "keytype": "new", "keyval": {}, "scheme": "new", "more": [1, { "b": null }] }),
    ] {
        counts_for_nothing(&listed);
    }
}

#[test]
fn wk_12_both_names_of_ecdsa_keys_are_read() {
    let key = TufForgeKey::ecdsa();
    let pem = key.to_json()["keyval"]["public"].as_str().unwrap().to_owned();
    let hex = HEXLOWER.encode(key.public().published());
    for keytype in ["ecdsa", "ecdsa-sha2-nistp256"] {
        for public in [&pem, &hex] {
            let key = &key.listed_as(key_object(keytype, "ecdsa-sha2-nistp256", public));
            for role in ROLES {
                Trial::new(role, &[key], 1, &[key]).accepted();
            }
        }
    }
    for keytype in ["ecdsa-sha2-nistp384", "ECDSA", "rsa", ""] {
        let key = &key.listed_as(key_object(keytype, "ecdsa-sha2-nistp256", &pem));
        Trial::new("targets", &[key], 1, &[key]).refused("THRESHOLD");
    }
}

#[test]
fn wk_13_a_scheme_of_other_keys_makes_a_key_unusable() {
    for key in [TufForgeKey::ed25519(), TufForgeKey::ecdsa(), TufForgeKey::rsa()] {
        let own = key.to_json()["scheme"].clone();
        for scheme in SCHEMES.iter().filter(|scheme| own != **scheme) {
            let mut listed = key.to_json().clone();
            listed["scheme"] = json!(scheme);
            let wrong = &key.listed_as(listed);
            // RSA has two schemes. It signs in one of them here.
            for role in ["timestamp", "team"] {
                Trial::new(role, &[wrong], 1, &[wrong]).refused("THRESHOLD");
            }
        }
        for keytype in ["ed25519", "ecdsa", "rsa"] {
            let mut listed = key.to_json().clone();
            if listed["keytype"] != keytype {
                listed["keytype"] = json!(keytype);
                let wrong = &key.listed_as(listed);
                Trial::new("targets", &[wrong], 1, &[wrong]).refused("THRESHOLD");
            }
        }
    }
}

#[test]
fn wk_13_a_key_without_a_scheme_spoils_the_file() {
    for member in ["scheme", "keytype", "keyval"] {
        let mut lab = Lab::trusting();
        lab.forge.bump("root");
        let healthy = lab.forge.build();
        let root = lab.forge.doc("root");
        for key in root["keys"].as_object_mut().unwrap().values_mut() {
            key.as_object_mut().unwrap().remove(member);
        }
        lab.serve();
        lab.refused_and_kept("MALFORMED", &["root"], &healthy);
    }
}
