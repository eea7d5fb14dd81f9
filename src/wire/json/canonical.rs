//! The canonical forms of Notary v1 and TUF 1.0 (specification 1.0.34 section 4.2), both OLPC's canonical
//! JSON: the bytes that are hashed and signed.
//!
//! Members stand in the order of their names' UTF-8 bytes, nothing stands between tokens, numbers are
//! decimal integers, and strings escape only `"` and `\`: every other character is written as it is,
//! control characters too, so canonical bytes are not always JSON. The text is read once; members are
//! written as they come, and an object whose names were out of order is put in order at its end.

use std::io::Write as _;

use super::error::JsonError;
use super::reader::Reader;
use super::text::Text;
use super::walk::{Sink, walk};

/// The canonical form that Notary has of `text`, which is one JSON value with or without white space around it.
///
/// # Errors
///
/// `text` is not strict JSON, or holds a number that is not an integer of at most 2^53 either way.
pub fn canonicalise(text: &str) -> Result<Vec<u8>, JsonError> {
    write(Reader::over(text)?, text.len())
}

/// The canonical form of TUF 1.0, whose integers have any size and whose other numbers have no form.
///
/// # Errors
///
/// `text` is not strict JSON, or holds a number with a point or an exponent.
pub fn canonicalise_large(text: &str) -> Result<Vec<u8>, JsonError> {
    write(Reader::over(text)?.large_integers(), text.len())
}

fn write(mut reader: Reader<'_>, room: usize) -> Result<Vec<u8>, JsonError> {
    let mut writer = Writer { out: Vec::with_capacity(room), ..Writer::default() };
    walk(&mut reader, &mut writer)?;
    reader.end()?;
    Ok(writer.out)
}

/// The form in which Go's encoder sends canonical bytes: `<`, `>`, `&`, U+2028 and U+2029 escaped.
///
/// In canonical bytes these stand in strings only.
#[must_use]
pub fn escape_for_wire(canonical: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(canonical.len());
    write_for_wire(&mut out, canonical);
    out
}

/// As [`escape_for_wire`], appended.
pub fn write_for_wire(out: &mut Vec<u8>, canonical: &[u8]) {
    let mut rest = canonical;
    while !rest.is_empty() {
        let (plain, special) = rest.split_at_checked(plain_length(rest)).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let (escaped, length): (&[u8], _) = match special {
            [b'<', ..] => (br"\u003c", 1),
            [b'>', ..] => (br"\u003e", 1),
            [b'&', ..] => (br"\u0026", 1),
            [0xe2, 0x80, 0xa8, ..] => (br"\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (br"\u2029", 3),
            other => (other.get(..1).unwrap_or_default(), 1),
        };
        out.extend_from_slice(escaped);
        rest = special.get(length..).unwrap_or_default();
    }
}

/// How many bytes come before the next one that may have to be escaped for the wire.
fn plain_length(bytes: &[u8]) -> usize {
    let special = |byte: &u8| (*byte == b'<') | (*byte == b'>') | (*byte == b'&') | (*byte == 0xe2);
    // Blocks are looked at as a whole, which the compiler turns into vector instructions.
    let (blocks, _) = bytes.as_chunks::<32>();
    let blocks = blocks.iter().take_while(|block| {
        let found = block.iter().fold(false, |found, byte| found | special(byte));
        !found
    });
    let plain = blocks.count() * 32;
    let rest = bytes.get(plain..).unwrap_or_default();
    plain + rest.iter().position(special).unwrap_or(rest.len())
}

/// Appends `text` in quotes with `"` and `\` escaped, which is the canonical form of a string.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for part in text.split_inclusive(['"', '\\']) {
        match part.as_bytes() {
            [plain @ .., special @ (b'"' | b'\\')] => {
                out.extend_from_slice(plain);
                out.extend_from_slice(&[b'\\', *special]);
            }
            plain => out.extend_from_slice(plain),
        }
    }
    out.push(b'"');
}

#[derive(Default)]
struct Writer<'a> {
    out: Vec<u8>,
    /// The open arrays and objects, innermost last.
    levels: Vec<Level>,
    /// The members of all open objects, innermost last.
    members: Vec<Member<'a>>,
    /// Room for an object while its members change places.
    spare: Vec<u8>,
}

/// Where an array or object began.
struct Level {
    /// The offset in the output behind the bracket.
    body: usize,
    /// How many members other objects had by then.
    members: usize,
}

/// A member and where it stands in the output, without commas.
struct Member<'a> {
    name: Text<'a>,
    start: usize,
    end: usize,
}

impl<'a> Sink<'a> for Writer<'a> {
    fn string(&mut self, text: Text<'a>) {
        if text.is_escaped() {
            write_string(&mut self.out, &text.decode());
        } else {
            self.out.push(b'"');
            self.out.extend_from_slice(text.as_raw().as_bytes());
            self.out.push(b'"');
        }
    }

    fn number(&mut self, value: i64) {
        // Writing to a vector does not fail.
        let _ = write!(self.out, "{value}");
    }

    fn digits(&mut self, text: &'a str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn word(&mut self, word: &'static str) {
        self.out.extend_from_slice(word.as_bytes());
    }

    fn open(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.levels.push(Level { body: self.out.len(), members: self.members.len() });
    }

    fn name(&mut self, name: Text<'a>) {
        let start = self.out.len();
        self.members.push(Member { name, start, end: start });
        self.string(name);
        self.out.push(b':');
    }

    fn comma(&mut self) {
        self.end_member();
        self.out.push(b',');
    }

    fn close(&mut self, bracket: u8) {
        self.end_member();
        if let Some(level) = self.levels.pop() {
            self.put_in_order(&level);
        }
        self.out.push(bracket);
    }
}

impl Writer<'_> {
    /// Within an array this tells a preliminary end of the member around it, which does no harm.
    fn end_member(&mut self) {
        if let Some(member) = self.members.last_mut() {
            member.end = self.out.len();
        }
    }

    /// Sorts the members of the object at `level`, and forgets them.
    fn put_in_order(&mut self, level: &Level) {
        let members = self.members.get_mut(level.members..).unwrap_or_default();
        if !members.is_sorted_by(|one, other| one.name <= other.name) {
            members.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            self.spare.clear();
            for member in members {
                if !self.spare.is_empty() {
                    self.spare.push(b',');
                }
                let text = self.out.get(member.start..member.end);
                self.spare.extend_from_slice(text.unwrap_or_default());
            }
            self.out.truncate(level.body);
            self.out.append(&mut self.spare);
        }
        self.members.truncate(level.members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(text: &str, canonical: &str) {
        let found = canonicalise(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(String::from_utf8(found).unwrap(), canonical, "{text}");
    }

    #[test]
    fn numbers() {
        for (text, canonical) in [
            ("1.0", "1"),
            ("1e3", "1000"),
            ("1E2", "100"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("-12", "-12"),
            ("9007199254740992", "9007199254740992"),
            ("-9007199254740992", "-9007199254740992"),
        ] {
            becomes(text, canonical);
            becomes(&format!("{{\"a\":[{text}]}}"), &format!("{{\"a\":[{canonical}]}}"));
        }
        for text in [
            "1.5",
            "9007199254740993",
            "9223372036854775807",
            "1e19",
            "1e300",
            "1e400",
            "01",
            "+1",
            ".5",
            "1.",
        ] {
            assert!(canonicalise(text).is_err(), "{text}");
            assert!(canonicalise(&format!("{{\"a\":{text}}}")).is_err(), "{text}");
        }
    }

    #[test]
    fn cj_10_large_integers_are_exact_and_fractions_have_no_form() {
        for text in ["0", "-12", "9007199254740993", "-18446744073709551616", &"7".repeat(5_000)] {
            assert_eq!(canonicalise_large(text).unwrap(), text.as_bytes());
            let object = format!("{{\"a\":[{text},{text}]}}");
            assert_eq!(canonicalise_large(&object).unwrap(), object.as_bytes());
        }
        assert_eq!(canonicalise_large("[-0]").unwrap(), b"[0]");
        for text in ["1.0", "1e3", "1E2", "0.5", "-", "01", "-01", "+1", "1x", "--1", ""] {
            assert!(canonicalise_large(text).is_err(), "{text}");
            assert!(canonicalise_large(&format!("[{text},1]")).is_err(), "{text}");
        }
    }

    #[test]
    fn strings() {
        for (text, canonical) in [
            (r#""\u003c""#, "\"<\""),
            (r#""<>&""#, "\"<>&\""),
            (r#""\/""#, "\"/\""),
            (r#""\u00e9""#, "\"é\""),
            (r#""\ud83d\ude00""#, "\"😀\""),
            (r#""\n\u0000\b\f\u007f""#, "\"\n\0\u{8}\u{c}\u{7f}\""),
            ("\"\u{2028}\u{7f}\"", "\"\u{2028}\u{7f}\""),
            (r#""a\"b\\c\u0022\u005c""#, r#""a\"b\\c\"\\""#),
        ] {
            becomes(text, canonical);
            becomes(&format!("{{{text}:0}}"), &format!("{{{canonical}:0}}"));
        }
        for text in [r#""\ud800""#, "\"\n\"", "\"a", "\"\0\"", r#""\'""#] {
            assert!(canonicalise(text).is_err(), "{text}");
        }
    }

    #[test]
    fn members_stand_in_the_order_of_their_bytes() {
        // CJ-08
        becomes(
            r#" { "😀":1, "ﬀ":2 ,"é":3,"b":4,"aa":5,"a":6,"A":7,"":8 } "#,
            r#"{"":8,"A":7,"a":6,"aa":5,"b":4,"é":3,"ﬀ":2,"😀":1}"#,
        );
        becomes(
            r#"{"\u0062":{"y":[{"d":1,"c":[]}],"x":{}},"a":{"z":null,"\u0001":true},"A":false}"#,
            "{\"A\":false,\"a\":{\"\u{1}\":true,\"z\":null},\"b\":{\"x\":{},\"y\":[{\"c\":[],\"d\":1}]}}",
        );
        becomes("\n[ 1 , \"\" , { } , [ ] ]\r\t", r#"[1,"",{},[]]"#);
    }

    #[test]
    fn whole_text_only() {
        // CJ-06, CJ-11
        for text in ["", " ", "{} {}", "{}x", "1 2", "\u{feff}{}", "{}\u{a0}", "nul", "truex", "{}\0"] {
            assert!(canonicalise(text).is_err(), "{text}");
        }
    }

    #[test]
    fn wire_form() {
        let canonical = "{\"<a>\":\"&\u{2028}é\u{2029}\u{2027}\u{20ac}<\"}";
        let wire = "{\"\\u003ca\\u003e\":\"\\u0026\\u2028é\\u2029\u{2027}\u{20ac}\\u003c\"}";
        assert_eq!(escape_for_wire(canonical.as_bytes()), wire.as_bytes());
        assert_eq!(canonicalise(wire).unwrap(), canonical.as_bytes());
        assert_eq!(escape_for_wire(b"\xe2\x80"), b"\xe2\x80");
        assert_eq!(escape_for_wire(b""), b"");
    }

    #[test]
    fn many_names_in_falling_order() {
        let names = (0..200_000).rev();
        let members: Vec<String> = names.map(|n| format!("\"{n:07}\":{n}")).collect();
        let canonical = canonicalise(&format!("{{{}}}", members.join(","))).unwrap();
        assert!(canonical.starts_with(br#"{"0000000":0,"0000001":1,"#));
        assert!(canonical.ends_with(br#","0199999":199999}"#));
        let twice = format!("{{{},{}}}", members.join(","), "\"0100000\":1");
        let error = canonicalise(&twice).unwrap_err();
        assert!(matches!(error, JsonError::DuplicateName { ref name, .. } if name == "0100000"));
    }
}
