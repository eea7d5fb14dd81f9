//! Keys and their ids (TUF specification 4.2.1, 4.3).

use super::{altered, fixture, read, rewritten};
use crate::{
    crypto::{PrivateKey, Scheme},
    limits::Limits,
    metadata::{KeyRing, Root},
    name::KeyId,
    wire::{
        Dialect, Envelope, WireError,
        tuf1::{file, key_id},
    },
};

fn key_ids(root: &Root) -> Vec<&KeyId> {
    root.keys.iter().map(|(id, _)| id).collect()
}

#[test]
fn our_key_ids_are_those_of_python_tuf() {
    let root = read::<Root>(&fixture("root.json")).unwrap();
    for (id, filed) in root.body().keys.iter() {
        assert_eq!(key_id(&filed.key, filed.scheme.unwrap()).unwrap(), *id);
    }
}

#[test]
fn dk_09_a_key_id_that_a_role_lists_twice_is_refused() {
    let root = read::<Root>(&fixture("root.json")).unwrap();
    let id = &root.body().timestamp.key_ids[0];
    let file = altered("root.json", "\"keyids\": [", &format!("\"keyids\": [\"{id}\","));
    let error = read::<Root>(&file).map(drop).unwrap_err();
    assert!(error.to_string().contains("listed twice"), "{error}");
}

#[test]
fn dk_10_key_ids_are_opaque() {
    let text = fixture("root.json");
    let id = read::<Root>(&text).unwrap().body().timestamp.key_ids[0].clone();
    for other in ["A", "ÄÖ/..", "my key", &id.as_str().to_uppercase(), &"x".repeat(255)] {
        let root = read::<Root>(&text.replace(id.as_str(), other)).unwrap();
        let other = KeyId::new(other).unwrap();
        assert!(root.body().keys.get(&other).unwrap().genuine);
        assert_eq!(root.body().timestamp.key_ids, [other]);
    }
}

#[test]
fn dk_05_one_key_under_two_ids_has_one_canonical_id() {
    let text = fixture("root.json");
    let body = read::<Root>(&text).unwrap().body().clone();
    let (id, filed) = body.keys.iter().find(|(_, filed)| filed.scheme == Some(Scheme::Ed25519)).unwrap();
    let again = format!("\"keys\": {{\"again\":{},", filed.text.as_deref().unwrap().replace("md5", "sha256"));
    let root = read::<Root>(&text.replacen("\"keys\": {", &again, 1)).unwrap();
    let again = root.body().keys.get(&KeyId::new("again").unwrap()).unwrap();
    assert_eq!(again.canonical_id, root.body().keys.get(id).unwrap().canonical_id);
}

#[test]
fn dk_11_deprecated_fields_of_keys_are_kept_and_mean_nothing() {
    let root = read::<Root>(&fixture("root.json")).unwrap();
    assert!(rewritten(&root).contains("\"keyid_hash_algorithms\":[\"md5\"],\"keytype\":\"ed25519\""));
}

#[test]
fn wk_11_keys_of_unknown_types_are_kept() {
    for value in [r#"{"public":"x"}"#, r#"{"public":{"a":1}}"#, "{}"] {
        let strange =
            format!(r#""keys": {{"new":{{"keytype":"future","keyval":{value},"scheme":"f1","x":[]}},"#);
        let root = read::<Root>(&altered("root.json", "\"keys\": {", &strange)).unwrap();
        let filed = root.body().keys.get(&KeyId::new("new").unwrap()).unwrap();
        assert!(filed.key.material().is_err() && filed.scheme.is_none());
        assert!(rewritten(&root).contains(strange[9..].trim_end_matches(',')), "{value}");
    }
    for broken in [
        r#"{"keyval":{},"scheme":""}"#,
        r#"{"keytype":"","scheme":""}"#,
        r#"{"keytype":"","keyval":{}}"#,
        "[]",
    ] {
        let file = altered("root.json", "\"keys\": {", &format!("\"keys\": {{\"new\":{broken},"));
        assert!(read::<Root>(&file).is_err(), "{broken}");
    }
}

#[test]
fn wk_12_ecdsa_keys_under_either_type_name_are_one_key() {
    let text = fixture("root.json");
    let ec = |root: &Root| {
        let (_, filed) = root.keys.iter().find(|(_, filed)| filed.scheme == Some(Scheme::EcdsaDer)).unwrap();
        filed.clone()
    };
    let plain = ec(read::<Root>(&text).unwrap().body());
    let file = altered("root.json", "\"keytype\": \"ecdsa\"", "\"keytype\": \"ecdsa-sha2-nistp256\"");
    let root = read::<Root>(&file).unwrap();
    let named = ec(root.body());
    assert_eq!((named.canonical_id, named.key), (plain.canonical_id, plain.key));
    assert!(rewritten(&root).contains("\"keytype\":\"ecdsa-sha2-nistp256\""), "spelled as received");
}

#[test]
fn a_role_may_list_no_key_or_an_unknown_one() {
    let text = fixture("root.json");
    let id = read::<Root>(&text).unwrap().body().timestamp.key_ids[0].clone();
    let listed = format!("\"keyids\": [\n     \"{id}\"\n    ]");
    for ids in ["\"keyids\": []", "\"keyids\": [\"nobody\"]"] {
        let root = read::<Root>(&altered("root.json", &listed, ids)).unwrap();
        assert_eq!(root.body().keys.authority(&root.body().timestamp).keys().count(), 0);
    }
}

#[test]
fn limits_hold() {
    let read = |limits| Envelope::<Root>::read(Dialect::Tuf1, fixture("root.json").into_bytes(), &limits);
    let error = read(Limits { max_keys: 2, ..Limits::default() }).unwrap_err();
    assert_eq!(error, WireError::TooMany { what: "keys", limit: 2 });
    let error = read(Limits { max_keys_per_role: 1, ..Limits::default() }).unwrap_err();
    assert_eq!(error, WireError::TooMany { what: "keyids", limit: 1 });
    read(Limits { max_keys: 3, max_keys_per_role: 2, max_signatures: 2, ..Limits::default() }).unwrap();
}

#[test]
fn a_key_of_our_own_is_filed_once_and_read_back() {
    let mut root = read::<Root>(&fixture("root.json")).unwrap().body().clone();
    let ec = PrivateKey::generate_ecdsa().unwrap();
    let mut ring = KeyRing::default();
    let id = file(&mut ring, ec.public_key(), Scheme::EcdsaDer).unwrap();
    assert_eq!(file(&mut root.keys, ec.public_key(), Scheme::EcdsaDer).unwrap(), id);
    assert_eq!(file(&mut root.keys, ec.public_key(), Scheme::EcdsaDer).unwrap(), id);
    assert_eq!(key_ids(&root).len(), 4);
    let known = root.keys.iter().next().map(|(id, filed)| (id.clone(), filed.clone())).unwrap();
    let scheme = known.1.scheme.unwrap();
    assert_eq!(file(&mut root.keys, &known.1.key, scheme).unwrap(), known.0, "under the id that it has");
    file(&mut root.keys, ec.public_key(), Scheme::Ed25519).unwrap_err();
    let text = crate::wire::seal(Dialect::Tuf1, &crate::wire::canonical(Dialect::Tuf1, &root), &[]);
    let back = read::<Root>(std::str::from_utf8(&text).unwrap()).unwrap();
    let filed = back.body().keys.get(&id).unwrap();
    assert_eq!((&filed.key, filed.scheme), (ec.public_key(), Some(Scheme::EcdsaDer)));
    assert_eq!(filed.canonical_id, crate::wire::notary::canonical_id(ec.public_key()));
}
