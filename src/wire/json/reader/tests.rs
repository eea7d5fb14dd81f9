use super::super::MAX_DEPTH;
use super::*;

type Outcome = Result<(), JsonError>;

fn reader(text: &str) -> Reader<'_> {
    Reader::new(text.as_bytes()).unwrap()
}

fn raw(text: &str) -> Result<&str, JsonError> {
    let mut reader = Reader::new(text.as_bytes())?;
    let raw = reader.raw()?;
    reader.end()?;
    Ok(raw)
}

#[track_caller]
fn is_canonical(text: &str) -> bool {
    let spanned = reader(text).span(|reader| reader.raw()).unwrap();
    assert_eq!(spanned.text, spanned.value);
    spanned.canonical
}

#[test]
fn values_are_pulled() {
    let text = r#" {"a" : [1, -2,-0] , "n":null,"s":"x\n","t":true,"f":false} "#;
    let (mut integers, mut names) = (Vec::new(), Vec::new());
    let mut reader = reader(text);
    let outcome: Outcome = reader.map(|reader, name| {
        names.push(name.decode().into_owned());
        match name.as_raw() {
            "a" => reader.array(|reader| {
                integers.push(reader.integer()?);
                Ok::<_, JsonError>(())
            }),
            "n" => reader.null(),
            "s" => {
                let string = reader.string()?;
                assert_eq!((string.as_raw(), &*string.decode()), (r"x\n", "x\n"));
                Ok(())
            }
            other => {
                assert_eq!(reader.boolean()?, other == "t");
                Ok(())
            }
        }
    });
    outcome.unwrap();
    reader.end().unwrap();
    assert_eq!(integers, [1, -2, 0]);
    assert_eq!(names, ["a", "n", "s", "t", "f"]);
}

#[test]
fn kinds_are_seen_without_reading() {
    for (text, kind) in [
        (" {}", Kind::Object),
        ("[]", Kind::Array),
        ("\"\"", Kind::String),
        ("-1", Kind::Number),
        ("0", Kind::Number),
        ("true", Kind::Bool),
        ("false", Kind::Bool),
        ("\nnull", Kind::Null),
    ] {
        let mut reader = reader(text);
        assert_eq!((reader.peek(), reader.peek()), (Ok(kind), Ok(kind)), "{text}");
        assert!(reader.raw().is_ok());
    }
    for text in ["", " ", "}", "]", ",", ":", "+1", ".5", "x", "'a'", "NaN", "/**/1"] {
        assert!(reader(text).peek().is_err(), "{text}");
    }
}

#[test]
fn another_kind_is_an_error() {
    // CJ-12
    let texts = ["{}", "[]", "\"a\"", "1", "true", "null"];
    for (index, text) in texts.into_iter().enumerate() {
        let fits = [
            reader(text).map(|_, _| Outcome::Ok(())).is_ok(),
            reader(text).array(|_| Outcome::Ok(())).is_ok(),
            reader(text).string().is_ok(),
            reader(text).integer().is_ok(),
            reader(text).boolean().is_ok(),
            reader(text).null().is_ok(),
        ];
        for (other, fits) in fits.into_iter().enumerate() {
            assert_eq!(fits, other == index, "{text} {other}");
        }
    }
}

#[test]
fn structures_know_their_members() {
    // CJ-02, CJ-04
    let members = ["keys", "version"];
    let read = |text: &str| {
        let mut seen = Vec::new();
        let mut reader = Reader::new(text.as_bytes())?;
        reader.structure(&members, |reader, member| {
            seen.push(member);
            reader.raw().map(drop)
        })?;
        reader.end()?;
        Ok::<_, JsonError>(seen)
    };
    assert_eq!(read(r#"{"version":1,"x":{"Version":[1e3]},"ke\u0079s":{}}"#), Ok(vec!["version", "keys"]));
    assert_eq!(read(r#"{"x":1,"X":2}"#), Ok(vec![]));
    for text in [
        r#"{"version":1,"Version":2}"#,
        r#"{"VERSION":1}"#,
        r#"{"\u0056ersion":1}"#,
        r#"{"ver\u017fion":1}"#,
        "{\"verſion\":1}",
        "{\"\u{212a}eys\":1}",
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, JsonError::CaseVariant { .. }), "{text}: {error}");
    }
    for text in [
        r#"{"version":1,"version":2}"#,
        r#"{"x":1,"x":2}"#,
        r#"{"x":{"b":1,"a":1,"b":1}}"#,
        r#"{"version":{"b":1,"a":1,"b":1}}"#,
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, JsonError::DuplicateName { .. }), "{text}: {error}");
    }
    assert!(read(r#"{"x":1.5}"#).is_err());
    assert!(read(r#"{"x":01}"#).is_err());
}

#[test]
fn integers_are_spelt_as_such() {
    // PD-03
    for text in ["1.0", "1e3", "0.0", "1E0"] {
        let error = reader(text).integer().unwrap_err();
        assert!(matches!(error, JsonError::NotAnInteger { .. }), "{text}: {error}");
    }
    for text in ["9007199254740993", "9223372036854775808", "18446744073709551616", "1e400"] {
        let error = reader(text).integer().unwrap_err();
        assert!(matches!(error, JsonError::NumberOutOfRange { .. }), "{text}: {error}");
    }
    assert_eq!(reader("9007199254740992").integer(), Ok(1 << 53));
}

#[test]
fn broken_texts() {
    for text in [
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1]",
        "{\"a\"::1}",
        "\"",
        "\"\\",
        "\"\\\"",
        "tru",
        "True",
        "nulL",
        "[1]]",
        "1,",
        "{}{}",
        "1 1",
        "0 0",
        "\u{c}1",
        "1\u{b}",
        "\u{a0}1",
        "1\0",
        "01",
        "[-]",
        "[1.]",
        "//\n1",
        "Infinity",
    ] {
        assert!(raw(text).is_err(), "{text:?}");
    }
}

#[test]
fn other_encodings_are_refused() {
    // CJ-11
    let error = Reader::new(b"{\"a\":\"\xff\"}").unwrap_err();
    assert_eq!(error, JsonError::InvalidUtf8 { offset: 6 });
    assert!(Reader::new(b"\"\xc0\xaf\"").is_err());
    assert!(Reader::new(b"\"\xed\xa0\x80\"").is_err());
    assert!(Reader::new(b"\xff\xfe{\0}\0").is_err());
    assert_eq!(Reader::new(b"\xef\xbb\xbf{}").unwrap_err(), JsonError::ByteOrderMark);
    assert!(raw("{\0}\0").is_err());
}

#[test]
fn the_depth_is_bounded() {
    // PD-01, PD-02; a thread of 128 KiB shows that the depth bounds the stack
    let outcome = std::thread::Builder::new().stack_size(128 << 10).spawn(|| {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let deepest = nested(MAX_DEPTH);
            assert_eq!(raw(&deepest), Ok(&*deepest));
            assert_eq!(super::super::canonicalise(&deepest).unwrap(), deepest.as_bytes());
            for depth in [MAX_DEPTH + 1, 100_000] {
                let offset = open.len() * MAX_DEPTH;
                let error = JsonError::TooDeep { offset };
                assert_eq!(raw(&nested(depth)), Err(error.clone()));
                assert_eq!(super::super::canonicalise(&nested(depth)), Err(error));
            }
            assert!(raw(&open.repeat(100_000)).is_err());
        }
        let wide = format!("[{}[]]", "[[]],".repeat(1000));
        assert!(raw(&wide).is_ok());
    });
    outcome.unwrap().join().unwrap();
}

#[test]
fn canonical_texts_are_told() {
    for text in
        [r#"{"A":1,"a":{"b":[],"c":{}},"é":-5}"#, r#""\"\\<é/""#, "[true,false,null,0]", "9007199254740992"]
    {
        assert!(is_canonical(text), "{text}");
    }
    for text in [
        r#"{"b":1,"a":2}"#,
        r#"[{"b":1,"a":2}]"#,
        r#"{"a": 1}"#,
        "[1 ]",
        "[ ]",
        "{ }",
        r#""\/""#,
        r#""\u0022""#,
        r#""\u005c""#,
        r#""\n""#,
        r#""\u003c""#,
        r#"{"\u0061":1}"#,
        "-0",
        "1.0",
        "1e3",
    ] {
        assert!(!is_canonical(text), "{text}");
    }
}

#[test]
fn spans_account_for_themselves_only() {
    let text = r#" { "signed" : {"b":[1,2],"a":[ ]} , "x":{} }"#;
    let mut parts = Vec::new();
    let mut reader = reader(text);
    let outer = reader.span(|reader| {
        reader.map(|reader, _| {
            let inner = reader.span(|reader| {
                reader.map(|reader, _| {
                    let part = reader.span(|reader| reader.raw())?;
                    parts.push((part.value, part.start, part.canonical));
                    Ok::<_, JsonError>(())
                })
            })?;
            parts.push((inner.text, inner.start, inner.canonical));
            Ok::<_, JsonError>(())
        })
    });
    let outer = outer.unwrap();
    assert_eq!((outer.text, outer.start, outer.canonical), (&text[1..], 1, false));
    let expected =
        [("[1,2]", 19, true), ("[ ]", 29, false), (r#"{"b":[1,2],"a":[ ]}"#, 14, false), ("{}", 40, true)];
    assert_eq!(parts, expected);
    assert!(parts.iter().all(|(part, start, _)| text[*start..].starts_with(part)));
}

#[test]
fn a_canonical_part_does_not_mend_the_whole() {
    let mut reader = reader(r#"[ 1,{"a":1}]"#);
    let whole = reader.span(|reader| {
        reader.array(|reader| {
            let part = reader.span(|reader| reader.raw())?;
            assert!(part.canonical);
            Ok::<_, JsonError>(())
        })
    });
    assert!(!whole.unwrap().canonical);
}

#[test]
fn an_item_left_unread_is_an_error() {
    assert!(reader("[1]").array(|_| Outcome::Ok(())).is_err());
    assert!(reader(r#"{"a":1}"#).map(|_, _| Outcome::Ok(())).is_err());
}

#[test]
fn lengths_that_offsets_cannot_tell() {
    assert_eq!(refuse_length(1 << 20), Ok(()));
    #[cfg(target_pointer_width = "64")]
    assert!(refuse_length(1 << 32).is_err());
}

#[test]
fn debug_output_does_not_repeat_the_text() {
    let reader = reader("\"confidential\"");
    assert!(!format!("{reader:?}").contains("confidential"));
}
