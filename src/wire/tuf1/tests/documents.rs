//! What every document must say, and how (TUF specification 4.2.1 to 4.6).

use super::{altered, fixture, read, rewritten};
use crate::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
    name::Hashes,
    wire::{Dialect, Envelope, WireError},
};

const SPEC: &str = "\"1.0.31\"";

#[track_caller]
fn refused(file: &str) -> WireError {
    match file.contains("\"_type\": \"timestamp\"") {
        true => read::<Timestamp>(file).map(drop).unwrap_err(),
        false => read::<Root>(file).map(drop).unwrap_err(),
    }
}

#[test]
fn dk_01_a_key_that_signs_twice_makes_the_file_invalid() {
    let signature = r#"{"keyid":"a","sig":"00"}"#;
    let file = |signatures: &str| {
        let text = fixture("timestamp.json");
        let start = text.find("\"signed\"").unwrap();
        format!("{{\"signatures\":[{signatures}],{}", &text[start..])
    };
    assert_eq!(read::<Timestamp>(&file(signature)).unwrap().signatures().len(), 1);
    for twice in [
        format!("{signature},{signature}"),
        format!("{signature},{}", signature.replace("00", "01")),
        format!("{signature},{}", signature.replace("00", "")),
        format!("{},{signature}", signature.replace("\"a\"", "\"\\u0061\"")),
    ] {
        let error = refused_timestamp(&file(&twice));
        assert!(error.to_string().contains("key a signs twice"), "{error}");
    }
}

#[track_caller]
fn refused_timestamp(file: &str) -> WireError {
    read::<Timestamp>(file).map(drop).unwrap_err()
}

#[test]
fn th_06_a_signature_that_says_nothing_counts_for_nothing() {
    let signatures = r#"[{"keyid":"a","sig":""},{"keyid":"b","sig":"0"},{"keyid":"c","sig":"0x"},{"keyid":"","sig":"00"},{"keyid":"d","sig":"aBcD","x":1}]"#;
    let text = fixture("timestamp.json");
    let start = text.find("\"signed\"").unwrap();
    let file = format!("{{\"signatures\":{signatures},{}", &text[start..]);
    let envelope = read::<Timestamp>(&file).unwrap();
    let [one] = envelope.signatures() else { panic!("{:?}", envelope.signatures()) };
    assert_eq!((one.key_id.as_str(), one.bytes.as_slice(), one.scheme), ("d", &[0xab, 0xcd][..], None));
    for (from, to) in [("\"sig\":\"\"", "\"sig\":null"), ("\"keyid\":\"a\",", ""), (",\"sig\":\"0x\"", "")] {
        assert!(read::<Timestamp>(&file.replacen(from, to, 1)).is_err(), "{to}");
    }
    let limits = Limits { max_signatures: 4, ..Limits::default() };
    let error = Envelope::<Timestamp>::read(Dialect::Tuf1, file.into_bytes(), &limits).unwrap_err();
    assert_eq!(error, WireError::TooMany { what: "signatures", limit: 4 });
}

#[test]
fn cj_14_digests_are_hex_in_any_case_and_of_full_length() {
    let lower = "ab".repeat(32);
    for digest in [lower.to_uppercase(), lower.replace('a', "A")] {
        let timestamp = read::<Timestamp>(&altered("timestamp.json", &lower, &digest)).unwrap();
        assert_eq!(timestamp.body().snapshot.hashes.sha256, Some([0xab; 32]));
        assert!(rewritten(&timestamp).contains(&lower), "written in one way");
    }
    for digest in
        [&lower[1..], &lower[2..], &format!("0x{}", &lower[2..]), &format!("{lower}ab"), &"gg".repeat(32)]
    {
        assert!(read::<Timestamp>(&altered("timestamp.json", &lower, digest)).is_err(), "{digest}");
    }
}

#[test]
fn cj_15_times_have_one_spelling() {
    for time in [
        "2046-01-02T03:04:05+00:00",
        "2046-01-02T03:04:05.5Z",
        "2046-01-02T03:04:05z",
        "2046-01-02t03:04:05Z",
        "2046-01-02 03:04:05Z",
        "2046-02-30T03:04:05Z",
        "2046-01-02T03:04:60Z",
        "0000-01-02T03:04:05Z",
        "10000-01-02T03:04:05Z",
        "+046-01-02T03:04:05Z",
        "2046-1-02T03:04:005Z",
        "",
    ] {
        refused(&altered("root.json", "2046-01-02T03:04:05Z", time));
    }
    refused(&altered("root.json", "\"2046-01-02T03:04:05Z\"", "2398302245"));
    refused(&altered("root.json", "\"expires\"", "\"Expires\""));
}

#[test]
fn cj_15_what_we_write_is_in_whole_seconds_of_utc() {
    let mut root = read::<Root>(&fixture("root.json")).unwrap().body().clone();
    for (time, written) in [
        ("2029-11-23T02:22:19.999999999Z", "2029-11-23T02:22:19Z"),
        ("2029-11-23T02:22:19+02:00", "2029-11-23T00:22:19Z"),
        ("1969-11-23T02:22:19Z", "1969-11-23T02:22:19Z"),
    ] {
        root.expires = crate::name::Expiry::parse(time).unwrap();
        let text = String::from_utf8(crate::wire::canonical(Dialect::Tuf1, &root)).unwrap();
        assert!(text.contains(&format!("\"expires\":\"{written}\"")), "{time}");
    }
}

#[test]
fn cj_16_the_major_version_of_the_specification_decides() {
    for spec in ["1", "1.0", "1.0.0", "1.99.7", "1.0.0-rc", "1.x"] {
        let root = read::<Root>(&altered("root.json", SPEC, &format!("\"{spec}\""))).unwrap();
        assert!(rewritten(&root).contains(&format!("\"spec_version\":\"{spec}\"")), "{spec}");
    }
    for spec in
        ["\"2.0\"", "\"10.0\"", "\"0.9\"", "\"\"", "\" 1.0\"", "\"v1.0\"", "\"01.0\"", "1", "1.0", "null"]
    {
        refused(&altered("root.json", SPEC, spec));
    }
    let error = refused(&altered("root.json", "\"spec_version\"", "\"spec\""));
    assert_eq!(error, WireError::Missing { member: "spec_version" });
}

#[test]
fn th_10_a_document_without_a_required_member_is_refused() {
    for member in ["_type", "expires", "keys", "roles", "spec_version", "version", "signatures", "signed"] {
        let error = refused(&altered("root.json", &format!("\"{member}\":"), "\"other\":"));
        assert_eq!(error, WireError::Missing { member }, "{member}");
    }
    for role in ["root", "timestamp", "snapshot", "targets"] {
        refused(&altered("root.json", &format!("\"{role}\": {{"), "\"other\": {"));
    }
    for (name, member) in
        [("targets.json", "targets"), ("targets.json", "hashes"), ("targets.json", "length")]
    {
        let file = altered(name, &format!("\"{member}\": "), "\"other\": ");
        assert_eq!(read::<Targets>(&file).map(drop).unwrap_err(), WireError::Missing { member }, "{member}");
    }
    for member in ["targets.json", "version"] {
        assert!(
            read::<Snapshot>(&altered("snapshot.json", &format!("\"{member}\": "), "\"other\": ")).is_err()
        );
    }
    assert!(read::<Timestamp>(&altered("timestamp.json", "snapshot.json", "snapshot")).is_err());
    let without = altered("root.json", "\"consistent_snapshot\": true,", "");
    assert!(!read::<Root>(&without).unwrap().body().consistent_snapshot);
}

#[test]
fn the_type_is_exact() {
    for other in ["Root", "ROOT", "targets", ""] {
        let error = refused(&altered("root.json", "\"_type\": \"root\"", &format!("\"_type\": \"{other}\"")));
        assert_eq!(error, WireError::WrongType { expected: "root", found: other.to_owned() });
    }
}

#[test]
fn pd_03_versions_are_integers_of_1_and_more() {
    for version in ["0", "-1", "1.0", "1e0", "\"3\"", "9007199254740993", "18446744073709551616", "null"] {
        refused(&altered("root.json", "\"version\": 3", &format!("\"version\": {version}")));
        let snapshot = altered("snapshot.json", "\"version\": 9", &format!("\"version\": {version}"));
        assert!(read::<Snapshot>(&snapshot).is_err(), "{version}");
    }
}

#[test]
fn pd_05_lengths_are_integers_of_0_and_more() {
    for length in ["-1", "1.5", "9007199254740993", "\"100\"", "null"] {
        let file = altered("timestamp.json", "\"length\": 100", &format!("\"length\": {length}"));
        assert!(read::<Timestamp>(&file).is_err(), "{length}");
    }
    let file = altered("timestamp.json", "\"length\": 100", "\"length\": 0");
    assert_eq!(read::<Timestamp>(&file).unwrap().body().snapshot.length, Some(0));
}

#[test]
fn of_listed_digests_one_must_be_known() {
    let known = read::<Timestamp>(&altered("timestamp.json", "\"sha256\"", "\"sha3\"")).unwrap();
    assert_eq!(known.body().snapshot.hashes, Hashes { sha256: None, sha512: Some([0xcd; 64]) });
    let file = altered("timestamp.json", "\"sha", "\"unknown");
    assert!(read::<Timestamp>(&file).is_err());
    assert!(read::<Targets>(&altered("targets.json", "\"sha", "\"unknown")).is_err());
    assert!(read::<Timestamp>(&altered("timestamp.json", "\"hashes\"", "\"other\"")).is_ok(), "none is fine");
}

#[test]
fn entries_that_no_targets_file_has_are_passed_over() {
    let others = r#""meta": {"root.json":{"version":1},"timestamp.json":[],"x":0,".json":{},"#;
    let snapshot = read::<Snapshot>(&altered("snapshot.json", "\"meta\": {", others)).unwrap();
    assert_eq!(snapshot.body(), read::<Snapshot>(&fixture("snapshot.json")).unwrap().body());
}
