//! What holds for all values, against a plain writer over `serde_json`'s tree.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{JsonError, Reader, canonicalise, escape_for_wire};

const LIMIT: i64 = 1 << 53;

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[a-c\"\\\\<é\u{1}\u{7f}\u{2028}😀]{0,4}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-LIMIT..=LIMIT).prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The canonical form, written from the tree.
fn plain(value: &Value) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(plain).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let sorted: BTreeMap<&[u8], _> =
                members.iter().map(|(name, value)| (name.as_bytes(), (name, value))).collect();
            let members: Vec<_> =
                sorted.values().map(|(name, value)| format!("{}:{}", quoted(name), plain(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

/// Writes values with members, escapes, spaces and numbers as chance has it.
struct Untidy {
    out: String,
    state: u64,
    twice: bool,
}

impl Untidy {
    fn write(value: &Value, seed: u64, twice: bool) -> String {
        let mut writer = Self { out: String::new(), state: seed, twice };
        writer.value(value);
        writer.space();
        writer.out
    }

    fn chance(&mut self, sides: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % sides
    }

    fn space(&mut self) {
        let space = ["", "", "", "", " ", "\n\t", "\r "][usize::try_from(self.chance(7)).unwrap()];
        self.out.push_str(space);
    }

    fn token(&mut self, token: &str) {
        self.space();
        self.out.push_str(token);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Number(number) => self.number(number.as_i64().unwrap()),
            Value::Array(items) => {
                self.token("[");
                for (index, item) in items.iter().enumerate() {
                    self.token(if index > 0 { "," } else { "" });
                    self.value(item);
                }
                self.token("]");
            }
            Value::Object(members) => self.object(members.iter().collect()),
            other => self.token(&other.to_string()),
        }
    }

    fn object(&mut self, mut members: Vec<(&String, &Value)>) {
        for index in (1..members.len()).rev() {
            let other = self.chance(index as u64 + 1);
            members.swap(index, usize::try_from(other).unwrap());
        }
        if self.twice && !members.is_empty() {
            let one = usize::try_from(self.chance(members.len() as u64)).unwrap();
            members.push(members[one]);
        }
        self.token("{");
        for (index, (name, value)) in members.into_iter().enumerate() {
            self.token(if index > 0 { "," } else { "" });
            self.string(name);
            self.token(":");
            self.value(value);
        }
        self.token("}");
    }

    fn string(&mut self, text: &str) {
        self.token("\"");
        for character in text.chars() {
            let must = character < ' ' || character == '"' || character == '\\';
            if must || self.chance(4) == 0 {
                self.escape(character);
            } else {
                self.out.push(character);
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, character: char) {
        let short = match character {
            '"' | '\\' | '/' => Some(character),
            '\n' => Some('n'),
            '\t' => Some('t'),
            '\u{8}' => Some('b'),
            _ => None,
        };
        match short {
            Some(letter) if self.chance(2) == 0 => self.out.extend(['\\', letter]),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let upper = self.chance(2) == 0;
                    let digits = if upper { format!("{unit:04X}") } else { format!("{unit:04x}") };
                    self.out.push_str(&format!("\\u{digits}"));
                }
            }
        }
    }

    fn number(&mut self, number: i64) {
        let spelt = match self.chance(5) {
            0 => format!("{number}.00"),
            1 => format!("{number}e0"),
            2 if number != 0 => format!("{number}000E-3"),
            _ => number.to_string(),
        };
        self.token(&spelt);
    }
}

fn is_canonical(text: &str) -> Result<bool, JsonError> {
    let mut reader = Reader::new(text.as_bytes())?;
    let spanned = reader.span(|reader| reader.raw())?;
    reader.end()?;
    Ok(spanned.canonical && spanned.text.len() == text.len())
}

fn has_members(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_members),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

proptest! {
    #[test]
    fn spelling_does_not_matter(value in values(), seed: u64) {
        let text = Untidy::write(&value, seed, false);
        let canonical = String::from_utf8(canonicalise(&text).unwrap()).unwrap();
        prop_assert_eq!(&canonical, &plain(&value));
        prop_assert_eq!(is_canonical(&text).unwrap(), canonical == text);
    }

    #[test]
    fn canonical_text_is_a_fixed_point(value in values()) {
        let text = plain(&value);
        if text.bytes().all(|byte| byte >= b' ') {
            prop_assert_eq!(canonicalise(&text).unwrap(), text.as_bytes());
            prop_assert!(is_canonical(&text).unwrap());
            let wire = String::from_utf8(escape_for_wire(text.as_bytes())).unwrap();
            prop_assert_eq!(canonicalise(&wire).unwrap(), text.as_bytes());
            let escaped = ['<', '>', '&', '\u{2028}', '\u{2029}'];
            prop_assert!(!wire.contains(escaped), "{}", wire);
        } else {
            prop_assert!(canonicalise(&text).is_err());
        }
    }

    #[test]
    fn duplicates_are_refused(value in values().prop_filter("no member", has_members), seed: u64) {
        let text = Untidy::write(&value, seed, true);
        let refused = matches!(canonicalise(&text), Err(JsonError::DuplicateName { .. }));
        prop_assert!(refused, "{}", text);
        let refused = matches!(is_canonical(&text), Err(JsonError::DuplicateName { .. }));
        prop_assert!(refused, "{}", text);
    }

    #[test]
    fn what_is_read_is_json(text in "[\\[\\]{},:\"\\\\ue01-9.+ tfn\u{1}é]{0,12}|[\\[{]{0,2}\"?[a\\\\nu0d8]{0,9}\"?:?-?[0-2]{0,3}[.e]?-?[0-2]{0,2}[}\\]]{0,2}") {
        let theirs = serde_json::from_str::<Value>(&text);
        match (is_canonical(&text), canonicalise(&text)) {
            (Ok(canonical), Ok(bytes)) => {
                prop_assert_eq!(canonical, bytes == text.as_bytes());
                prop_assert!(theirs.is_ok(), "{}", text);
            }
            (Err(one), Err(other)) => {
                prop_assert_eq!(&one, &other);
                let stricter = matches!(one, JsonError::DuplicateName { .. } | JsonError::NotAnInteger { .. } | JsonError::NumberOutOfRange { .. });
                prop_assert!(theirs.is_err() || stricter, "{}: {}", text, one);
            }
            (one, other) => prop_assert!(false, "{}: {:?} {:?}", text, one, other),
        }
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        if let Ok(mut reader) = Reader::new(&bytes) {
            let _ = reader.raw();
        }
    }
}
