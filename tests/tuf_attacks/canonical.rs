//! CJ: one text, one meaning. What the signature covers is what is read, and nothing else is.

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tuf_notary::verify::TrustedSet;

use crate::{
    lab::{FOUR, Lab, keys},
    tools::{before, changed, replaced, signed},
};

/// What an unsigned change comes to.
fn unsigned(role: &str) -> Option<&'static str> {
    Some(if role == "root" { "ROOT_CHANGED" } else { "THRESHOLD" })
}

fn names(set: &TrustedSet) -> Vec<String> {
    set.targets().body().targets.iter().map(|target| target.name.to_owned()).collect()
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
fn cj_01_a_server_cannot_add_targets_beside_the_signed_ones() {
    let mut lab = Lab::trusting();
    let mut server = lab.forge.clone();
    lab.forge.bump("targets");
    server.bump("targets");
    let evil = r#""targets":{"evil":{"hashes":{"sha256":"0101010101010101010101010101010101010101010101010101010101010101"},"length":1}},"targets":{"#;
    server.after_sign("targets", replaced("\"targets\":{", evil));
    lab.server.serve(&server.build());
    lab.forge.bump("snapshot"); // the server's snapshot and timestamp are accepted
    let healthy = lab.forge.build();
    lab.refused_and_kept("MALFORMED", &["root", "targets"], &healthy);
    assert!(lab.find("evil").unwrap().is_none());
}

#[test]
fn cj_01_a_name_twice_in_any_object_of_any_file_is_refused() {
    for role in FOUR {
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
    for role in FOUR {
        let (_, outcome) = changed(role, replaced("\"version\":", r#""\u0076ersion":9,"version":"#));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{role}");
    }
    let twice = r#""\u0066ile.txt":{"hashes":{},"length":2},"file.txt":"#;
    assert_eq!(changed("targets", replaced("\"file.txt\":", twice)).1.err(), Some("MALFORMED"));
}

#[test]
fn cj_02_case_variants_of_members_are_refused_even_when_signed() {
    let variants = [
        ("root", "\"_type\":", "\"_Type\":\"Root\",\"_type\":"),
        ("root", "\"keys\":", "\"Keys\":{},\"keys\":"),
        ("root", "\"keyval\":", "\"keyVal\":{},\"keyval\":"),
        ("root", "\"threshold\":", "\"Threshold\":9,\"threshold\":"),
        ("targets", "\"targets\":{", "\"Targets\":{},\"targets\":{"),
        ("targets", "\"length\":", "\"LENGTH\":9,\"length\":"),
        ("targets", "\"spec_version\":", "\"\u{17f}pec_version\":\"2\",\"spec_version\":"),
        ("snapshot", "\"meta\":", "\"Meta\":{},\"meta\":"),
        ("timestamp", "\"version\":", "\"Version\":9,\"version\":"),
        ("timestamp", "\"expires\":", "\"EXPIRES\":\"2036-11-24T12:00:00Z\",\"expires\":"),
    ];
    for (role, from, to) in variants {
        let outcome = signed(role, move |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        assert_eq!(outcome.err(), Some("MALFORMED"), "{to}");
    }
    for (from, to) in [
        ("{\"signatures\":", "{\"Signatures\":[],\"signatures\":"),
        ("\"signed\":", "\"SIGNED\":{},\"signed\":"),
        ("\"sig\":", "\"Sig\":\"\",\"sig\":"),
    ] {
        assert_eq!(changed("targets", replaced(from, to)).1.err(), Some("MALFORMED"), "{to}");
    }
}

#[test]
fn cj_02_targets_and_custom_data_may_differ_in_case_only() {
    let mut lab = Lab::new();
    lab.forge.add_target("targets", "File.txt", b"another");
    lab.forge.doc("targets")["targets"]["file.txt"]["custom"] = json!({ "a": 1, "A": 2 });
    lab.serve();
    assert_eq!(lab.download("file.txt").unwrap(), b"content");
    assert_eq!(lab.download("File.txt").unwrap(), b"another");
}

#[test]
fn cj_03_the_signature_covers_everything_that_is_read() {
    let edits = [
        ("targets", "\"file.txt\"", "\"evil.txt\""),
        ("targets", "\"length\":7", "\"length\":8"),
        ("snapshot", "2029", "2030"),
        ("timestamp", "2026-12-08", "2027-12-08"),
        ("root", "\"consistent_snapshot\":true", "\"consistent_snapshot\":false"),
        ("root", "\"threshold\":1", "\"threshold\":2"),
    ];
    for (role, from, to) in edits {
        assert_eq!(changed(role, replaced(from, to)).1.err(), unsigned(role), "{to}");
    }
}

#[test]
fn cj_03_another_spelling_of_the_same_document_verifies() {
    for role in FOUR {
        let (_, outcome) = changed(role, |file| {
            let value: Value = serde_json::from_slice(&file).unwrap();
            serde_json::to_vec_pretty(&value).unwrap()
        });
        outcome.unwrap_or_else(|code| panic!("{role}: {code}"));
    }
    let (_, outcome) = changed("targets", replaced("\"file.txt\"", r#""\u0066ile\u002etxt""#));
    assert_eq!(names(&outcome.unwrap()), ["file.txt"]);
}

#[test]
fn cj_04_unknown_members_are_signed_and_mean_nothing() {
    let spots = [
        ("root", "\"_type\"", "\"x\":1,\"_type\""),
        ("root", "\"keytype\"", "\"x\":{\"y\":[1]},\"keytype\""),
        ("root", "\"threshold\"", "\"x\":null,\"threshold\""),
        ("root", "\"roles\":{", "\"roles\":{\"mirrors\":{\"keyids\":[],\"threshold\":0},"),
        ("targets", "\"targets\":{", "\"x\":[{\"b\":null,\"a\":{}}],\"targets\":{"),
        ("targets", "\"hashes\":{", "\"x\":{\"length\":7},\"hashes\":{\"md5\":\"\","),
        ("snapshot", "\"meta\":{", "\"meta\":{\"x\":{\"length\":-1},"),
        ("snapshot", "\"hashes\"", "\"x\":-1,\"hashes\""),
        ("timestamp", "\"meta\":{", "\"meta\":{\"x\":7,"),
    ];
    for (role, from, to) in spots {
        let set = signed(role, move |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        assert_eq!(names(&set.unwrap_or_else(|code| panic!("{to}: {code}"))), ["file.txt"]);
        assert_eq!(changed(role, replaced(from, to)).1.err(), unsigned(role), "{to}, unsigned");
    }
}

#[test]
fn cj_04_unknown_members_beside_the_signed_part_mean_nothing() {
    for role in FOUR {
        for (from, to) in [
            ("{\"signatures\"", "{\"a\":{\"signed\":{}},\"signatures\""),
            ("\"sig\":", "\"method\":\"x\",\"sig\":"),
        ] {
            changed(role, replaced(from, to)).1.unwrap_or_else(|code| panic!("{role} {to}: {code}"));
        }
    }
}

#[test]
fn cj_05_files_are_kept_as_received() {
    for role in FOUR {
        let (lab, outcome) = changed(role, |file| [b" \n", file.as_slice(), b"\r\n\t "].concat());
        outcome.unwrap();
        assert_eq!(lab.kept(role), Some(lab.forge.clone().build().newest(role)), "{role}");
    }
    // A delegated role's too.
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "team", &keys::<1>(), 1, &["*"]);
    lab.forge.after_sign("team", |file| [file.as_slice(), b"\n\n"].concat());
    let published = lab.serve();
    lab.find("none").unwrap();
    assert_eq!(lab.kept("team"), Some(published.newest("team")));
}

#[test]
fn cj_06_anything_behind_the_document_is_refused() {
    for role in FOUR {
        for tail in ["{}", "null", "}", "garbage", "\0", "\u{a0}", ","] {
            let (_, outcome) = changed(role, move |file| [file.as_slice(), tail.as_bytes()].concat());
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {tail:?}");
        }
    }
}

#[test]
fn cj_08_composed_and_decomposed_names_stay_apart() {
    let mut lab = Lab::new();
    for name in ["é", "e\u{301}", "ﬀ", "😀", "z", "\u{e000}"] {
        lab.forge.add_target("targets", name, name.as_bytes());
    }
    lab.serve();
    // In the order of code points, which is not that of UTF-16.
    assert_eq!(names(&lab.refresh().unwrap()), ["e\u{301}", "file.txt", "z", "é", "\u{e000}", "ﬀ", "😀"]);
    for name in ["é", "e\u{301}", "😀"] {
        assert_eq!(lab.download(name).unwrap(), name.as_bytes());
    }
}

#[test]
fn cj_09_lone_surrogates_are_refused() {
    for text in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud800a", r"\udc00\ud800"] {
        let outcome =
            signed("targets", move |signed| signed.replacen("\"file.txt\"", &format!("\"{text}\""), 1));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{text}");
    }
}

#[test]
fn cj_09_raw_control_characters_are_refused_and_escaped_ones_are_names() {
    for raw in ["\n", "\t", "\0", "\u{1f}"] {
        let outcome =
            signed("targets", move |signed| signed.replacen("\"file.txt\"", &format!("\"f{raw}\""), 1));
        assert_eq!(outcome.err(), Some("MALFORMED"), "{raw:?}");
    }
    let text = r#""a\n\u0000\u001f\u007f\u2028<>&\/\"\\""#;
    let set = signed("targets", move |signed| signed.replacen("\"file.txt\"", text, 1)).unwrap();
    assert_eq!(names(&set), ["a\n\0\u{1f}\u{7f}\u{2028}<>&/\"\\"]);
}

#[test]
fn cj_10_numbers_that_have_no_canonical_form_are_refused() {
    for number in ["1.5", "-0.1", "1e-1", "1.0", "1e3", "1e19", "1e400", "01", "+1", ".5", "1.", "-", "NaN"] {
        for role in FOUR {
            let outcome = signed(role, move |text| text.replacen('{', &format!("{{\"a\":[{number}],"), 1));
            assert_eq!(outcome.err(), Some("MALFORMED"), "{role} {number}");
        }
    }
}

#[test]
fn cj_10_integers_of_any_size_are_exact() {
    let custom = r#""custom":{"n":[9007199254740993,-18446744073709551617,0]},"hashes""#;
    let mut lab = Lab::new();
    lab.forge.before_sign("targets", move |text| text.replacen("\"hashes\"", custom, 1));
    lab.serve();
    let found = lab.find("file.txt").unwrap().unwrap();
    let custom = found.info().custom.as_deref();
    assert_eq!(custom, Some(r#"{"n":[9007199254740993,-18446744073709551617,0]}"#));
    // Who computes in doubles would not see the difference.
    let other = replaced("9007199254740993", "9007199254740992");
    lab.forge.after_sign("targets", other);
    lab.forge.bump("snapshot");
    lab.serve();
    lab.refused("THRESHOLD");
}

#[test]
fn cj_11_other_encodings_are_refused() {
    let utf16 = |file: Vec<u8>| {
        let text = String::from_utf8(file).unwrap();
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    };
    for role in FOUR {
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

#[test]
fn cj_14_digests_count_by_value_and_key_ids_as_they_are_written() {
    let upper = |text: &str| text.to_uppercase();
    let mut lab = Lab::new();
    let digest = |lab: &mut Lab| {
        lab.forge.doc("targets")["targets"]["file.txt"]["hashes"]["sha256"].as_str().unwrap().to_owned()
    };
    let lower = digest(&mut lab);
    lab.forge.doc("targets")["targets"]["file.txt"]["hashes"]["sha256"] = upper(&lower).into();
    for role in ["targets", "snapshot"] {
        lab.forge.pin(role, move |pin| {
            pin["hashes"]["sha256"] = upper(pin["hashes"]["sha256"].as_str().unwrap()).into();
        });
    }
    lab.forge.signatures("targets", move |list| {
        list[0]["sig"] = list[0]["sig"].as_str().unwrap().to_uppercase().into();
    });
    lab.serve();
    assert_eq!(lab.download("file.txt").unwrap(), b"content");

    for wrong in [&lower[1..], &lower[2..], &format!("0x{}", &lower[2..]), &"gg".repeat(32), ""] {
        let mut lab = Lab::new();
        lab.forge.doc("targets")["targets"]["file.txt"]["hashes"]["sha256"] = wrong.into();
        lab.serve();
        lab.refused("MALFORMED");
    }
    type Respelling = fn(&str) -> String;
    let spellings: [(&str, Respelling); 4] = [
        ("keyid", str::to_uppercase),
        ("keyid", |id| format!(" {id}")),
        ("sig", |sig| format!("0x{sig}")),
        ("sig", |sig| sig[1..].to_owned()),
    ];
    for (member, change) in spellings {
        let mut lab = Lab::new();
        lab.forge.signatures("targets", move |list| {
            list[0][member] = change(list[0][member].as_str().unwrap()).into();
        });
        lab.serve();
        lab.refused("THRESHOLD");
    }
}

#[test]
fn cj_15_times_have_one_spelling() {
    let times = [
        "",
        "2029-11-24T12:00:00+00:00",
        "2029-11-24T12:00:00.5Z",
        "2029-11-24T12:00:00z",
        "2029-11-24T12:00:60Z",
        "2029-02-30T00:00:00Z",
        "2029-11-24 12:00:00Z",
        "0000-11-24T12:00:00Z",
        "10000-01-01T00:00:00Z",
        "9999999999",
    ];
    for role in FOUR {
        for time in times {
            let mut lab = before(role);
            lab.forge.expires(role, time);
            lab.serve();
            lab.refused("MALFORMED");
        }
        for time in [None, Some(Value::Null), Some(2_398_302_245_u64.into())] {
            let mut lab = before(role);
            let members = lab.forge.doc(role).as_object_mut().unwrap();
            members.remove("expires");
            members.extend(time.map(|time| ("expires".to_owned(), time)));
            lab.serve();
            lab.refused("MALFORMED");
        }
        let mut lab = before(role);
        lab.forge.expires(role, "9999-12-31T23:59:59Z");
        lab.serve();
        lab.refresh().unwrap();
    }
}

#[test]
fn cj_16_the_major_version_of_the_specification_decides() {
    for role in FOUR {
        for spec in ["1", "1.0", "1.0.0", "1.99.7", "1.0.0-rc"] {
            let mut lab = before(role);
            lab.forge.doc(role)["spec_version"] = spec.into();
            lab.serve();
            lab.refresh().unwrap();
        }
        for spec in
            [json!("2.0.0"), json!("10.0"), json!("0.9"), json!(""), json!("v1.0"), json!(1), json!(null)]
        {
            let mut lab = before(role);
            lab.forge.doc(role)["spec_version"] = spec;
            lab.serve();
            lab.refused("MALFORMED");
        }
        let mut lab = before(role);
        lab.forge.doc(role).as_object_mut().unwrap().remove("spec_version");
        lab.serve();
        lab.refused("MALFORMED");
    }
}
