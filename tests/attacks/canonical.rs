//! CJ: one text, one meaning. What the signature covers is what is read, and nothing else is.

use std::{
    io::Read,
    sync::{Arc, Mutex},
};

use serde::de::IgnoredAny;
use serde_json::Value;
use tuf_notary::{
    edit::Changes,
    metadata::TargetInfo,
    name::{Hashes, Resource, TargetName},
    testkit::SimulatedTransport,
    transport::{Transport, TransportError, Upload},
    view::View,
};

use crate::lab::Lab;

const ROLES: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// Replaces one spot in a file after it was signed.
fn replaced(from: &'static str, to: &'static str) -> impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync {
    move |file| {
        let text = String::from_utf8(file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        text.replacen(from, to, 1).into_bytes()
    }
}

/// The refresh of a new client, after one change to a file that its parents pin.
fn changed(
    role: &str,
    change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> (Lab, Result<View, &'static str>) {
    let mut lab = Lab::new();
    lab.forge.after_sign(role, change);
    lab.serve();
    let outcome = lab.refresh().map_err(|error| error.code());
    (lab, outcome)
}

/// The refresh of a new client, after one change to what a role signs.
fn signed(
    role: &str,
    change: impl Fn(String) -> String + Send + Sync + 'static,
) -> Result<View, &'static str> {
    let mut lab = Lab::new();
    lab.forge.before_sign(role, change);
    lab.serve();
    lab.refresh().map_err(|error| error.code())
}

/// The first member of each object that has one: where it begins, and its text.
fn first_members(file: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let starts = (1..file.len()).filter(|at| file[at - 1] == b'{' && file[*at] == b'"');
    let text = |at: usize| {
        let value = at + file[at..].windows(2).position(|pair| pair == b"\":").unwrap() + 2;
        let mut values = serde_json::Deserializer::from_slice(&file[value..]).into_iter::<IgnoredAny>();
        values.next().unwrap().unwrap();
        file[at..value + values.byte_offset()].to_vec()
    };
    starts.map(|at| (at, text(at))).collect()
}

#[test]
fn cj_01_a_server_cannot_add_tags_beside_the_signed_ones() {
    let mut lab = Lab::trusting();
    let mut server = lab.forge.clone();
    lab.forge.bump("snapshot");
    server.bump("snapshot");
    // Notary takes the signature of the second list and the entries of both.
    let evil = r#""targets":{"evil":{"hashes":{"sha256":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="},"length":1}},"targets":{"#;
    server.after_sign("targets", replaced("\"targets\":{", evil));
    lab.server.serve(&server.build());
    let healthy = lab.forge.build();
    lab.refused_and_kept("MALFORMED", &["targets"], &healthy);
    let view = lab.refresh().unwrap();
    assert_eq!(view.target("evil").unwrap_err().code(), "NOT_SIGNED");
    assert_eq!(view.target("v1").unwrap().length(), 1);
}

#[test]
fn cj_01_a_name_twice_in_any_object_of_any_file_is_refused() {
    for role in ROLES {
        let objects = first_members(&Lab::new().forge.build().newest(role)).len();
        assert!(objects >= 5, "{role}");
        for index in 0..objects {
            let (_, outcome) = changed(role, move |file| {
                let (at, member) = first_members(&file).swap_remove(index);
                [&file[..at], &member, b",", &file[at..]].concat()
            });
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role}, object {index}");
        }
    }
}

#[test]
fn cj_02_names_that_are_equal_behind_an_escape_are_refused() {
    for role in ROLES {
        let (_, outcome) = changed(role, replaced("\"version\":", r#""\u0076ersion":9,"version":"#));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{role}");
    }
    let (_, outcome) = changed("targets", replaced("\"v1\":", r#""\u00761":{"hashes":{},"length":2},"v1":"#));
    assert_eq!(outcome.err(), Some("MALFORMED"));
}

#[test]
fn cj_02_case_variants_of_members_are_refused_even_when_signed() {
    let variants = [
        ("root", "\"_type\":", "\"_Type\":\"Root\",\"_type\":"),
        ("root", "\"keys\":", "\"Keys\":{},\"keys\":"),
        ("targets", "\"targets\":", "\"Targets\":{},\"targets\":"),
        ("targets", "\"length\":", "\"LENGTH\":9,\"length\":"),
        ("targets", "\"roles\":", "\"roleſ\":[],\"roles\":"),
        ("snapshot", "\"meta\":", "\"Meta\":{},\"meta\":"),
        ("timestamp", "\"version\":", "\"Version\":9,\"version\":"),
        ("timestamp", "\"expires\":", "\"EXPIRES\":\"2036-11-24T12:00:00Z\",\"expires\":"),
    ];
    for (role, from, to) in variants {
        let outcome = signed(role, move |text| text.replacen(from, to, 1));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{to}");
    }
    for (from, to) in [
        ("{\"signed\":", "{\"Signed\":{},\"signed\":"),
        ("\"signatures\":", "\"SIGNATURES\":[],\"signatures\":"),
        ("\"sig\":", "\"Sig\":\"\",\"sig\":"),
    ] {
        let (_, outcome) = changed("targets", replaced(from, to));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{to}");
    }
}

#[test]
fn cj_02_tags_that_differ_in_case_are_different_tags() {
    let mut lab = Lab::new();
    lab.forge.add_tag("targets", "V1", 2, 2);
    lab.serve();
    let view = lab.refresh().unwrap();
    assert_eq!(view.target("v1").unwrap().length(), 1);
    assert_eq!(view.target("V1").unwrap().length(), 2);
}

#[test]
fn cj_03_the_signature_covers_everything_that_is_read() {
    let edits = [
        ("targets", "\"v1\"", "\"v3\""),
        ("targets", "\"length\":1", "\"length\":2"),
        ("targets", "\"roles\":[]", "\"roles\":null"),
        ("snapshot", "2029", "2030"),
        ("timestamp", "\"version\":1", "\"version\":2"),
        ("root", "\"consistent_snapshot\":false", "\"consistent_snapshot\":true"),
    ];
    for (role, from, to) in edits {
        let (_, outcome) = changed(role, replaced(from, to));
        assert_eq!(outcome.err(), Some("THRESHOLD"), "{to}");
    }
}

#[test]
fn cj_03_another_spelling_of_the_same_document_verifies() {
    for role in ROLES {
        let (_, outcome) = changed(role, |file| {
            let value: Value = serde_json::from_slice(&file).unwrap();
            serde_json::to_vec_pretty(&value).unwrap()
        });
        outcome.unwrap_or_else(|code| panic!("{role}: {code}"));
    }
    let (_, outcome) = changed("targets", replaced("\"v1\"", r#""\u0076\u0031""#));
    assert_eq!(outcome.unwrap().target("v1").unwrap().length(), 1);
}

#[test]
fn cj_04_unknown_members_are_signed_and_mean_nothing() {
    let spots = [
        ("root", "\"_type\"", "\"x\":1,\"_type\""),
        ("root", "\"keytype\"", "\"x\":1,\"keytype\""),
        ("root", "\"threshold\"", "\"x\":1,\"threshold\""),
        ("targets", "\"roles\"", "\"x\":[{\"b\":null,\"a\":{}}],\"roles\""),
        ("targets", "\"hashes\"", "\"x\":{\"length\":7},\"hashes\""),
        ("snapshot", "\"meta\":{", "\"meta\":{\"x\":{\"length\":-1},"),
        ("timestamp", "\"meta\":{", "\"meta\":{\"x\":7,"),
    ];
    for (role, from, to) in spots {
        let view = signed(role, move |text| text.replacen(from, to, 1));
        assert_eq!(view.unwrap_or_else(|code| panic!("{to}: {code}")).target("v1").unwrap().length(), 1);
        let (_, outcome) = changed(role, move |file| replaced(from, to)(file));
        assert_eq!(outcome.err(), Some("THRESHOLD"), "{to}, unsigned");
    }
}

#[test]
fn cj_05_files_are_kept_as_received() {
    for role in ROLES {
        let (lab, outcome) = changed(role, |file| [b" \n", file.as_slice(), b"\r\n\t "].concat());
        outcome.unwrap();
        let mut forge = lab.forge.clone();
        assert_eq!(lab.kept(role), Some(forge.build().newest(role)), "{role}");
    }
}

#[test]
fn cj_06_anything_behind_the_document_is_refused() {
    for role in ROLES {
        for tail in ["{}", "null", "}", "garbage", "\0", "\u{a0}", ","] {
            let (_, outcome) = changed(role, move |file| [file.as_slice(), tail.as_bytes()].concat());
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {tail:?}");
        }
    }
}

#[test]
fn cj_07_members_beside_the_signed_part_are_ignored() {
    for role in ROLES {
        let (_, outcome) =
            changed(role, |file| replaced("{\"signed\"", "{\"a\":{\"signed\":{}},\"signed\"")(file));
        let view = outcome.unwrap_or_else(|code| panic!("{role}: {code}"));
        assert_eq!(view.targets().unwrap().len(), 1);
    }
}

/// Takes uploads and keeps them from the server.
#[derive(Clone, Debug)]
struct Capturing(SimulatedTransport, Arc<Mutex<Option<Upload>>>);

impl Transport for Capturing {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.0.fetch(what, max)
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        *self.1.lock().unwrap() = Some(upload.clone());
        Ok(())
    }
}

#[test]
fn cj_07_members_beside_the_signed_part_are_not_published_again() {
    let mut lab = Lab::new();
    for role in ["targets", "snapshot"] {
        lab.forge.after_sign(role, replaced("{\"signed\"", "{\"a\":1,\"signed\""));
        lab.forge.doc(role)["b"] = 1.into();
    }
    lab.serve();
    let transport = Capturing(lab.server.transport(&lab.gun()), Arc::default());
    let info = TargetInfo { length: 1, hashes: Hashes::sha256([7; 32]), custom: None };
    let changes = Changes::new().sign(TargetName::new("v2").unwrap(), info);
    // The server never shows what it was sent.
    assert_eq!(lab.publisher(transport.clone()).publish(&changes).unwrap_err().code(), "STALE");
    let files = transport.1.lock().unwrap().take().unwrap().files;
    assert_eq!(files.len(), 2);
    for (role, file) in files {
        let text = String::from_utf8(file).unwrap();
        assert!(text.starts_with("{\"signed\":{\"_type\":"), "{role}: {text}");
        assert!(!text.contains("\"a\":1") && !text.contains("\"b\":1"), "{role}: {text}");
    }
}

#[test]
fn cj_08_composed_and_decomposed_names_stay_apart() {
    let mut lab = Lab::new();
    for (at, name) in ["é", "e\u{301}", "ﬀ", "😀", "z", "\u{e000}"].into_iter().enumerate() {
        lab.forge.add_tag("targets", name, 3, u64::try_from(at).unwrap());
    }
    lab.serve();
    let view = lab.refresh().unwrap();
    assert_eq!(view.target("é").unwrap().length(), 0);
    assert_eq!(view.target("e\u{301}").unwrap().length(), 1);
    let names: Vec<_> = view.targets().unwrap().iter().map(|target| target.name().to_owned()).collect();
    assert_eq!(names, ["e\u{301}", "v1", "z", "é", "\u{e000}", "ﬀ", "😀"]);
}

#[test]
fn cj_09_lone_surrogates_are_refused() {
    for text in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud800a", r"\udc00\ud800"] {
        let outcome = signed("targets", move |signed| signed.replacen("\"v1\"", &format!("\"{text}\""), 1));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{text}");
    }
}

#[test]
fn cj_09_raw_control_characters_are_refused_and_escaped_ones_are_names() {
    for raw in ["\n", "\t", "\0", "\u{1f}"] {
        let outcome = signed("targets", move |signed| signed.replacen("\"v1\"", &format!("\"v{raw}\""), 1));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{raw:?}");
    }
    let text = r#""a\n\u0000\u001f\u007f\u2028<>&\/\"\\""#;
    let view = signed("targets", move |signed| signed.replacen("\"v1\"", text, 1)).unwrap();
    let names: Vec<_> = view.targets().unwrap().iter().map(|target| target.name().to_owned()).collect();
    assert_eq!(names, ["a\n\0\u{1f}\u{7f}\u{2028}<>&/\"\\"]);
}

#[test]
fn cj_10_numbers_that_have_no_canonical_form_are_refused() {
    for number in ["1.5", "-0.1", "1e-1", "9007199254740993", "9223372036854775807", "1e19", "1e400"] {
        let outcome = signed("targets", move |signed| {
            signed.replacen("\"hashes\"", &format!("\"custom\":{{\"n\":[{number}]}},\"hashes\""), 1)
        });
        assert_eq!(outcome.err(), Some("MALFORMED"), "{number}");
    }
    for spelling in ["01", "+1", ".5", "1.", "-", "1e", "0x1", "NaN"] {
        let outcome = signed("targets", move |signed| {
            signed.replacen("\"hashes\"", &format!("\"x\":{spelling},\"hashes\""), 1)
        });
        assert_eq!(outcome.err(), Some("MALFORMED"), "{spelling}");
    }
}

#[test]
fn cj_10_other_spellings_of_integers_in_custom_verify_as_the_integer() {
    let custom = r#""custom":{"n":[1.0,1e3,-0,-0.0,9007199254740992]},"hashes""#;
    let view = signed("targets", move |signed| signed.replacen("\"hashes\"", custom, 1)).unwrap();
    assert_eq!(view.target("v1").unwrap().custom(), Some(r#"{"n":[1.0,1e3,-0,-0.0,9007199254740992]}"#));
}

#[test]
fn cj_11_other_encodings_are_refused() {
    let utf16 = |file: Vec<u8>| {
        let text = String::from_utf8(file).unwrap();
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for role in ROLES {
        assert_eq!(changed(role, utf16).1.err(), Some("MALFORMED"), "{role}");
        for start in [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\0", b"\xc0\xa0", b"\x80"] {
            let (_, outcome) = changed(role, move |file| [start, file.as_slice()].concat());
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {start:x?}");
        }
        // Overlong, half a sequence, a surrogate, beyond Unicode: within a string.
        for byte in [&b"\xc0\xaf"[..], b"\xe9", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"] {
            let (_, outcome) = changed(role, move |file| {
                let at = file.windows(2).position(|pair| pair == b"{\"").unwrap() + 2;
                [&file[..at], b"x", byte, b"\":1,\"", &file[at..]].concat()
            });
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {byte:x?}");
        }
    }
}

type Respelling = fn(String) -> String;

#[test]
fn cj_13_other_alphabets_of_base64_are_refused() {
    let respell = |change: Respelling| {
        move |signatures: &mut Value| {
            let sig = &mut signatures[0]["sig"];
            *sig = change(sig.as_str().unwrap().to_owned()).into();
        }
    };
    let spellings: [(&str, Respelling); 5] = [
        ("url-safe", |_| "-_-_".to_owned()),
        ("unpadded", |_| "AAA".to_owned()),
        ("trailing bits", |_| "AAB=".to_owned()),
        ("blank", |sig| sig.replacen("=", " =", 1) + " "),
        ("text behind padding", |_| "AAA=AAAA".to_owned()),
    ];
    for (what, change) in spellings {
        let mut lab = Lab::new();
        lab.forge.signatures("targets", respell(change));
        lab.serve();
        assert_eq!(lab.refresh().err().map(|error| error.code()), Some("MALFORMED"), "{what}");
    }
    // Go skips line breaks.
    let mut lab = Lab::new();
    lab.forge.signatures("targets", respell(|sig| format!("{}\r\n{}\n", &sig[..7], &sig[7..])));
    lab.serve();
    lab.refresh().unwrap();
}

#[test]
fn cj_13_a_digest_has_one_spelling() {
    let digest = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    for other in [
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=",
        "AQ==AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
        "_QEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
        "AQ==AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==",
        "",
    ] {
        let outcome = signed("targets", move |signed| signed.replacen(digest, other, 1));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{other}");
    }
}

#[test]
fn cj_15_a_file_without_an_expiry_is_expired_and_a_wrong_one_is_malformed() {
    for role in ROLES {
        for time in [None, Some(Value::Null), Some("0001-01-01T00:00:00Z".into())] {
            let mut lab = Lab::new();
            let members = lab.forge.doc(role).as_object_mut().unwrap();
            members.remove("expires");
            members.extend(time.clone().map(|time| ("expires".to_owned(), time)));
            lab.serve();
            assert_eq!(lab.refused("EXPIRED").code(), "EXPIRED", "{role} {time:?}");
        }
        for time in [
            "",
            "2029-02-30T00:00:00Z",
            "2029-11-24T12:00:60Z",
            "2029-11-24 12:00:00Z",
            "9999999999",
            "10000-01-01T00:00:00Z",
        ] {
            let mut lab = Lab::new();
            lab.forge.expires(role, time);
            lab.serve();
            assert_eq!(lab.refused("MALFORMED").code(), "MALFORMED", "{role} {time}");
        }
    }
}

#[test]
fn cj_16_a_spec_version_is_an_unknown_member_here() {
    for role in ROLES {
        let mut lab = Lab::new();
        lab.forge.doc(role)["spec_version"] = "2.0.0".into();
        lab.serve();
        lab.refresh().unwrap();
    }
}
