use super::*;
use crate::{crypto::KeyKind, name::Hashes};
use data_encoding::BASE64;

const ID: &str = "0123456789012345678901234567890123456789012345678901234567890123";

fn read(file: &str) -> Result<StagedChange, WireError> {
    StagedChange::read(file.as_bytes(), &Limits::default())
}

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

/// A change file around a payload.
fn file(action: &str, role: &str, kind: &str, path: &str, payload: Option<&str>) -> String {
    let data = payload
        .map_or_else(|| "null".to_owned(), |payload| format!("{:?}", BASE64.encode(payload.as_bytes())));
    format!(r#"{{"action":"{action}","role":"{role}","type":"{kind}","path":"{path}","data":{data}}}"#)
}

/// The same bytes that Notary 0.7.0 wrote for the operation.
fn notary_wrote() -> Vec<(String, StagedChange)> {
    let alice = || role("targets/alice");
    let (length, sha256) = (3, "mOpuTyFvL7S2n/+bOkSELDhobKaF8/VdxIxdP7EQe+Q=");
    let sha512 = "14q7BUJzaGX5RwRSFgnCMNrAOi82nQQ6whLWkzuRQQ4GOZ43+cXMiENqMXNzMMHI7MssL583TWL3FkMqMtUPrA==";
    let bytes = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
    let hashes = Hashes {
        sha256: Some(bytes(sha256).try_into().unwrap()),
        sha512: Some(bytes(sha512).try_into().unwrap()),
    };
    let info = TargetInfo { length, hashes, custom: Some(r#"{"a":"<x&>","b":1}"#.to_owned()) };
    let target = format!(
        r#"{{"length":3,"hashes":{{"sha256":"{sha256}","sha512":"{sha512}"}},"custom":{{"a":"\u003cx\u0026\u003e","b":1}}}}"#
    );
    let key = PublicKey::new(KeyKind::Ed25519, vec![7; 32]);
    let keys = format!(
        r#"{{"threshold":1,"add_keys":[{{"keytype":"ed25519","keyval":{{"public":"{}","private":null}}}}]}}"#,
        BASE64.encode(&[7; 32])
    );
    let ids = format!(r#"{{"remove_keys":["{ID}"]}}"#);
    let id = || vec![KeyId::new(ID).unwrap()];
    let restrict = |keys, paths: &[&str], clear_paths| StagedChange::Restrict {
        role: alice(),
        keys,
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
        clear_paths,
    };
    let delegate = |threshold, keys, paths: &[&str]| StagedChange::Delegate {
        role: alice(),
        threshold,
        keys,
        paths: paths.iter().map(|&path| path.to_owned()).collect(),
    };
    let delegation = |action, payload| file(action, "targets/alice", "delegation", "", payload);
    let name = TargetName::new("v<2>&é").unwrap();
    let revoked = TargetName::new("v1").unwrap();
    vec![
        (
            file("create", "targets", "target", r"v\u003c2\u003e\u0026é", Some(&target)),
            StagedChange::Sign { role: RoleName::Targets, name, info },
        ),
        (
            file("delete", "targets", "target", "v1", None),
            StagedChange::Revoke { role: RoleName::Targets, name: revoked },
        ),
        (delegation("create", Some(&keys)), delegate(Some(NonZeroU32::MIN), vec![key], &[])),
        (
            delegation("create", Some(r#"{"add_paths":["a/","b\u003c"]}"#)),
            delegate(None, vec![], &["a/", "b<"]),
        ),
        (delegation("create", Some(r#"{"add_paths":[""]}"#)), delegate(None, vec![], &[""])),
        (delegation("update", Some(&ids)), restrict(id(), &[], false)),
        (delegation("update", Some(r#"{"remove_paths":["a/"]}"#)), restrict(vec![], &["a/"], false)),
        (delegation("update", Some(r#"{"clear_paths":true}"#)), restrict(vec![], &[], true)),
        (delegation("delete", None), StagedChange::Undelegate { role: alice() }),
        (
            file("update", "targets/*", "delegation", "", Some(&ids)),
            StagedChange::Purge { below: RoleName::Targets, keys: id() },
        ),
        (file("update", "targets/alice", "witness", "", None), StagedChange::Witness { role: alice() }),
    ]
}

#[test]
fn what_notary_writes_is_read_and_written_back_to_the_byte() {
    for (file, change) in notary_wrote() {
        assert_eq!(read(&file).as_ref(), Ok(&change), "{file}");
        let written = change.to_bytes(&Limits::default()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), file);
    }
}

#[test]
fn custom_data_is_read_in_canonical_form() {
    let custom = |custom: &str| {
        let payload = format!(
            r#"{{"length":1,"hashes":{{"sha256":"{}"}},"custom":{custom}}}"#,
            BASE64.encode(&[1; 32])
        );
        match read(&file("create", "targets", "target", "v1", Some(&payload)))? {
            StagedChange::Sign { info, .. } => Ok::<_, WireError>(info.custom),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(custom(r#"{ "b":1, "a":"\u003c" }"#), Ok(Some(r#"{"a":"<","b":1}"#.to_owned())));
    assert_eq!(custom("null"), Ok(None));
    assert!(custom("1.5").is_err(), "signed, it would verify nowhere");
    assert!(custom(r#""\n""#).is_err());
}

#[test]
fn pp_05_a_file_that_says_something_else_is_refused() {
    let sha256 = BASE64.encode(&[1; 32]);
    let target = format!(r#"{{"length":1,"hashes":{{"sha256":"{sha256}"}}}}"#);
    let good = file("create", "targets", "target", "v1", Some(&target));
    assert!(read(&good).is_ok());
    let half = &good[..good.len() / 2];
    let paths = r#"{"add_paths":[""]}"#;
    let delegation = |action, payload| file(action, "targets/a", "delegation", "", Some(payload));
    for file in [
        String::new(),
        half.to_owned(),
        format!("{good}{good}"),
        good.replace(r#""type""#, r#""Type""#),
        good.replace(r#""path":"v1","#, ""),
        good.replace(r#""path":"v1","#, r#""path":"v1","path":"v2","#),
        good.replace(r#""data":""#, r#""extra":1,"data":""#),
        good.replace(r#""data":""#, r#""data":"!"#),
        file("create", "targets", "target", "v1", None),
        file("create", "targets", "target", "v1", Some("{}")),
        file("create", "targets", "target", "v1", Some(r#"{"length":1,"hashes":{}}"#)),
        file("create", "targets", "target", "v1", Some(&target.replace("length", "Length"))),
        file("create", "targets", "target", "v1", Some(&target.replace("{\"length", "{\"mode\":1,\"length"))),
        file("create", "targets", "target", "v1", Some(&format!("{target} {target}"))),
        file("create", "targets", "target", "", Some(&target)),
        file("create", "root", "target", "v1", Some(&target)),
        file("create", "targets/*", "target", "v1", Some(&target)),
        file("update", "targets", "target", "v1", Some(&target)),
        file("delete", "targets", "target", "v1", Some(&target)),
        file("create", "targets", "delegation", "", Some(paths)),
        file("create", "targets/a", "delegation", "v1", Some(paths)),
        file("create", "targets/a", "delegation", "", None),
        delegation("create", "{}"),
        delegation("create", r#"{"threshold":1}"#),
        delegation("create", r#"{"threshold":0,"add_paths":[""]}"#),
        delegation("create", r#"{"add_paths":[""],"remove_paths":["a"]}"#),
        delegation("create", r#"{"add_paths":[""],"new_name":"targets/b"}"#),
        delegation("create", r#"{"add_path":[""]}"#),
        delegation("update", paths),
        delegation("update", r#"{"clear_paths":false}"#),
        delegation("delete", paths),
        delegation("rename", paths),
        file("update", "targets/*", "delegation", "", Some(r#"{"remove_paths":["a"]}"#)),
        file("update", "root/*", "delegation", "", Some(&format!(r#"{{"remove_keys":["{ID}"]}}"#))),
        file("update", "root", "witness", "", None),
        file("update", "snapshot", "witness", "", None),
        file("create", "root", "role", "targets", Some(r#"{"keys":[],"role":"targets"}"#)),
        file("create", "targets", "tarball", "v1", Some(&target)),
    ] {
        assert!(read(&file).is_err(), "{file}: {:?}", read(&file));
    }
}

#[test]
fn what_would_be_read_as_something_else_is_not_written() {
    let limits = Limits::default();
    let info = |custom: &str| TargetInfo {
        length: 1,
        hashes: Hashes::sha256([1; 32]),
        custom: Some(custom.to_owned()),
    };
    let sign = |role, info| StagedChange::Sign { role, name: TargetName::new("v1").unwrap(), info };
    sign(RoleName::Targets, info(r#"{"a":1}"#)).to_bytes(&limits).unwrap();
    for change in [
        sign(RoleName::Root, info("{}")),
        sign(RoleName::Targets, info("null")),
        sign(RoleName::Targets, info(r#"{"b":1,"a":1}"#)),
        sign(RoleName::Targets, info(r#"{}},"x":{"#)),
        sign(RoleName::Targets, info("\"\n\"")),
        StagedChange::Witness { role: RoleName::Snapshot },
        StagedChange::Undelegate { role: RoleName::Targets },
        StagedChange::Purge { below: RoleName::Targets, keys: Vec::new() },
        StagedChange::Delegate {
            role: role("targets/a"),
            threshold: None,
            keys: Vec::new(),
            paths: Vec::new(),
        },
    ] {
        assert!(change.to_bytes(&limits).is_err(), "{change:?}");
    }
    let odd = "\u{1}\n\r\t\"\\<\u{2028}".to_owned();
    let change = StagedChange::Restrict {
        role: role("targets/a"),
        keys: Vec::new(),
        paths: vec![odd],
        clear_paths: false,
    };
    change.to_bytes(&limits).unwrap();
}
