//! DK: one key in the place of several.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tuf_notary::{crypto::Scheme, testkit::TufForgeKey};

use crate::{
    lab::{FOUR, Kept, Lab, keys},
    signing::{ROLES, Trial, load, with_team},
    spki,
};

/// The order of P-256.
const ORDER: [u8; 32] = *b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\
    \xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";

/// Two listings of one key never are two keys, and each of them is one.
#[track_caller]
fn is_one_key(one: &TufForgeKey, other: &TufForgeKey) {
    assert_ne!(one.id(), other.id());
    for role in ["root", "snapshot", "team"] {
        let [friend] = &keys();
        Trial::new(role, &[one, other], 2, &[one, other]).refused("THRESHOLD");
        Trial::new(role, &[other, one], 2, &[one, other]).refused("THRESHOLD");
        Trial::new(role, &[one, other, friend], 2, &[one, other, friend]).accepted();
        Trial::new(role, &[one, other], 1, &[one]).accepted();
        Trial::new(role, &[one, other], 1, &[other]).accepted();
    }
}

/// The same key under another id, with its `public` changed.
fn relisted(key: &TufForgeKey, change: impl Fn(&str) -> String) -> TufForgeKey {
    let mut listed = key.to_json().clone();
    listed["keyval"]["public"] = change(listed["keyval"]["public"].as_str().unwrap()).into();
    key.listed_as(listed).with_id("twin")
}

/// The other ECDSA signature that the same key has made with it, in DER.
fn twin(der: &[u8]) -> Vec<u8> {
    let (r, s) = split(der);
    let mut borrow = 0_i16;
    let mut other = [0; 32];
    for at in (0..32).rev() {
        let difference = i16::from(ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(difference < 0);
        other[at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    let numbers = [integer(&r), integer(&other)].concat();
    [&[0x30, u8::try_from(numbers.len()).unwrap()], &numbers[..]].concat()
}

/// Both numbers of a signature, in 32 bytes each.
pub fn split(der: &[u8]) -> ([u8; 32], [u8; 32]) {
    let number = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits = &der[at + 2..at + 2 + length];
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        let mut wide = [0; 32];
        wide[32 - digits.len()..].copy_from_slice(digits);
        (wide, at + 2 + length)
    };
    let (r, next) = number(2);
    (r, number(next).0)
}

fn integer(number: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = number.iter().copied().skip_while(|digit| *digit == 0).collect();
    let sign = if digits.first().is_none_or(|digit| digit & 0x80 != 0) { &[0][..] } else { &[] };
    let content = [sign, &digits].concat();
    [&[2, u8::try_from(content.len()).unwrap()], &content[..]].concat()
}

#[test]
fn dk_01_a_key_that_signs_twice_spoils_the_file() {
    for role in ROLES {
        let [a, b] = &keys();
        for threshold in [1, 2] {
            Trial::new(role, &[a, b], threshold, &[a, a]).refused("MALFORMED");
            Trial::new(role, &[a, b], threshold, &[a, b, &a.garbled()]).refused("MALFORMED");
        }
        // Whoever it is.
        let twice = |list: &mut Vec<Value>| list.extend([1, 2].map(|_| json!({ "keyid": "x", "sig": "" })));
        Trial::new(role, &[a], 1, &[a]).with_signatures(twice).refused("MALFORMED");
    }
}

#[test]
fn dk_03_two_different_signatures_by_one_key_count_once() {
    for role in ROLES {
        let key = &TufForgeKey::ecdsa();
        Trial::new(role, &[key], 2, &[key, key]).refused("MALFORMED");
        // Under two ids, which hides it.
        let twin = &key.with_id("twin");
        Trial::new(role, &[key, twin], 2, &[key, twin]).refused("THRESHOLD");
    }
}

#[test]
fn dk_04_a_delegated_role_counts_a_key_once_as_well() {
    let [a] = &keys();
    Trial::new("team", &[a], 2, &[a, a]).refused("MALFORMED");
    Trial::new("team", &[a, &a.with_id("twin")], 2, &[a, &a.with_id("twin")]).refused("THRESHOLD");
    // As an id that is listed twice for it.
    let mut lab = Lab::of(with_team());
    let id = lab.forge.keys("team")[0].id().to_owned();
    lab.forge.change_delegation("targets", "team", |entry| {
        (entry["keyids"], entry["threshold"]) = (json!([id, id]), json!(2));
    });
    lab.serve();
    lab.refused("MALFORMED");
    assert_eq!(lab.kept("targets"), None);
}

#[test]
fn dk_05_one_key_under_two_ids_counts_once() {
    for key in [TufForgeKey::ed25519(), TufForgeKey::ecdsa(), TufForgeKey::rsa()] {
        let mut listed = key.to_json().clone();
        listed["x-note"] = json!("changes the hash");
        is_one_key(&key, &key.listed_as(listed).with_id(&"ab".repeat(32)));
    }
}

#[test]
fn dk_06_one_key_in_two_spellings_counts_once() {
    for key in [TufForgeKey::ecdsa(), TufForgeKey::rsa()] {
        is_one_key(&key, &relisted(&key, |pem| pem.replace('\n', "\r\n")));
        is_one_key(&key, &relisted(&key, |pem| format!("{pem}\n")));
        is_one_key(&key, &relisted(&key, |pem| pem.trim_end().to_owned()));
    }
    let ed25519 = TufForgeKey::ed25519();
    is_one_key(&ed25519, &relisted(&ed25519, str::to_uppercase));
    let ecdsa = TufForgeKey::ecdsa();
    let published = ecdsa.public().published().to_vec();
    is_one_key(&ecdsa, &relisted(&ecdsa, |_| HEXLOWER.encode(&published)));
    is_one_key(&ecdsa, &relisted(&ecdsa, |_| HEXLOWER.encode(&published[published.len() - 65..])));
    let mut named = ecdsa.to_json().clone();
    named["keytype"] = json!("ecdsa-sha2-nistp256");
    is_one_key(&ecdsa, &ecdsa.listed_as(named).with_id("twin"));
}

#[test]
fn dk_06_a_compressed_point_is_no_second_key() {
    let key = &TufForgeKey::ecdsa();
    let compressed = spki::compressed(key.public().published());
    for public in [HEXLOWER.encode(&compressed), HEXLOWER.encode(&compressed[compressed.len() - 33..])] {
        let twin = &relisted(key, |_| public.clone());
        for role in ROLES {
            Trial::new(role, &[key, twin], 2, &[key, twin]).refused("THRESHOLD");
            Trial::new(role, &[key, twin], 1, &[key, twin]).accepted();
        }
    }
}

#[test]
fn dk_07_one_rsa_key_in_two_schemes_counts_once() {
    let pss = TufForgeKey::rsa();
    is_one_key(&pss, &pss.with_scheme(Scheme::RsaPkcs1v15));
}

#[test]
fn dk_09_a_root_that_lists_an_id_twice_is_refused() {
    for role in FOUR {
        let mut lab = Lab::trusting();
        lab.forge.bump("root");
        let healthy = lab.forge.build();
        let entry = &mut lab.forge.doc("root")["roles"][role];
        let id = entry["keyids"][0].clone();
        (entry["keyids"], entry["threshold"]) = (vec![id; 9].into(), json!(6));
        lab.serve();
        lab.refused("MALFORMED");
        lab.refused_and_kept("MALFORMED", &FOUR, &healthy);
    }
}

#[test]
fn dk_10_an_id_is_any_text() {
    for role in ROLES {
        for id in ["x", "ABCDEF", "a/b.json", "sha256:00", &"0".repeat(64)] {
            let [key] = keys();
            let key = &key.with_id(id);
            Trial::new(role, &[key], 1, &[key]).accepted();
        }
    }
    // The same text is one id only byte by byte.
    let [a] = keys();
    Trial::new("targets", &[&a.with_id("ab")], 1, &[&a.with_id("AB")]).refused("THRESHOLD");
}

#[test]
fn dk_11_members_that_a_key_had_once_are_covered_and_without_meaning() {
    for role in ROLES {
        for value in [json!(["md5"]), json!(["sha256", "sha512"]), json!("md5"), json!(7)] {
            let [key] = keys();
            let mut listed = key.to_json().clone();
            listed["keyid_hash_algorithms"] = value;
            let key = &key.listed_as(listed);
            Trial::new(role, &[key], 1, &[key]).accepted();
        }
    }
    // They are part of what is signed.
    let mut lab = Lab::new();
    let mut listed = lab.forge.keys("targets")[0].to_json().clone();
    listed["keyid_hash_algorithms"] = json!(["sha256"]);
    let key = lab.forge.keys("targets")[0].listed_as(listed);
    lab.forge.set_keys("targets", &[key], 1);
    let root = String::from_utf8(lab.serve().newest("root")).unwrap();
    lab.shipped = root.replace("[\"sha256\"]", "[\"md5\"]").into();
    lab.refused("PIN_INVALID");
    lab.shipped = root.into();
    lab.refresh().unwrap();
}

#[test]
fn dk_12_two_delegations_to_one_role_are_refused() {
    let mut lab = Lab::trusting_of(with_team());
    lab.forge.bump("targets");
    let mut attack = lab.forge.clone();
    attack.delegate("targets", "team", &keys::<1>(), 1, &["*"]);
    lab.server.serve(&attack.build());
    lab.refused("MALFORMED");
    lab.forge.bump("targets");
    let healthy = lab.forge.build();
    lab.refused_and_kept("MALFORMED", &["root", "targets"], &healthy);
    // One level below as well.
    let mut forge = with_team();
    for _ in 0..2 {
        forge.delegate("team", "below", &keys::<1>(), 1, &["team/*"]);
    }
    let mut lab = Lab::of(forge);
    lab.store = Kept::memory();
    assert_eq!(load(&lab).unwrap_err().code(), "MALFORMED");
    assert_eq!(lab.kept("team"), None);
}

#[test]
fn dk_13_an_ecdsa_signature_and_its_twin_count_once() {
    let key = &TufForgeKey::ecdsa();
    let other = &key.with_id("twin");
    for role in ROLES {
        let at = usize::from(role == "root");
        let forge_twin = move |list: &mut Vec<Value>| {
            let mut copy = list[at].clone();
            let der = HEXLOWER.decode(copy["sig"].as_str().unwrap().as_bytes()).unwrap();
            copy["sig"] = HEXLOWER.encode(&twin(&der)).into();
            copy["keyid"] = json!("twin");
            list.push(copy);
        };
        Trial::new(role, &[key, other], 2, &[key]).with_signatures(forge_twin).refused("THRESHOLD");
        // The twin alone is as good as the other one.
        let alone = move |list: &mut Vec<Value>| {
            forge_twin(list);
            list.remove(at);
        };
        Trial::new(role, &[key, other], 1, &[key]).with_signatures(alone).accepted();
    }
}
