//! One encoding turns any name into one segment of a URL and into one file name, and no two names
//! into the same (RFC 3986, section 2; PT-01, PT-02, PT-06): percent-decoding gives the name back.

use super::digest::sha256_of;
use super::gun::is_reserved_on_windows;

/// The longest that [`file_name`] gives: file systems take 255 bytes, and suffixes and the names of
/// temporary files need some of them.
const MAX_FILE_NAME: usize = 200;

/// A name as one segment of a URL: every byte but the unreserved characters `A-Z a-z 0-9 - . _ ~` is
/// percent-encoded, the percent sign among them.
///
/// `.` and `..` stay what they are and mean something in a URL: refuse them, or add to them, as in
/// `1...json`.
pub fn encode_segment(name: &str) -> String {
    encode(name, |_, _| false)
}

/// A name, slashes and all, as one flat file name of at most 200 bytes.
///
/// Encoded as in [`encode_segment`], and so is what means something to a file system: a dot that
/// comes first or last, and the first letter of what Windows takes for a device. Where that is
/// longer than 200 bytes, it is `%sha256%` and a digest in hex instead, which no encoding gives; so
/// is `%` for the empty name.
///
/// Two names have two file names, as long as the file system tells upper from lower case.
pub fn file_name(name: &str) -> String {
    let last = name.len().saturating_sub(1);
    let reserved = is_reserved_on_windows(name);
    let encoded = encode(name, |at, byte| at == 0 && reserved || byte == b'.' && (at == 0 || at == last));
    match encoded.len() {
        0 => "%".to_owned(),
        1..=MAX_FILE_NAME => encoded,
        _ => format!("%sha256%{}", data_encoding::HEXLOWER.encode(&sha256_of(name))),
    }
}

fn encode(name: &str, also: impl Fn(usize, u8) -> bool) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if unreserved && !also(at, byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn decode(encoded: &str) -> Vec<u8> {
        let mut parts = encoded.split('%');
        let mut out = parts.next().unwrap().as_bytes().to_vec();
        for part in parts {
            out.push(u8::from_str_radix(&part[..2], 16).unwrap());
            out.extend_from_slice(&part.as_bytes()[2..]);
        }
        out
    }

    const NAMES: [&str; 22] = [
        "a", "A", "a.b", "a/b", "a%2Fb", "a%2fb", "a%b", "../x", "..", ".", "...", ".a", "a.", "con",
        "CON.txt", "a:b", "a\\b", "a?b#c d", "é", "%", "%sha256%", "%2E",
    ];

    #[test]
    fn pt_02_no_two_names_are_encoded_alike() {
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for name in NAMES {
            assert_eq!(decode(&encode_segment(name)), name.as_bytes());
            assert_eq!(decode(&file_name(name)), name.as_bytes());
            assert_eq!(names.insert(file_name(name), name), None);
        }
    }

    #[test]
    fn pt_01_names_stay_one_segment() {
        for name in NAMES {
            for encoded in [encode_segment(name), file_name(name)] {
                assert!(!encoded.contains(['/', '\\', '?', '#', ':', ' ', '\0']), "{encoded}");
                assert!(encoded.is_ascii());
            }
            assert!(!file_name(name).starts_with('.'), "{name}");
        }
        assert_eq!(encode_segment("../a b\n"), "..%2Fa%20b%0A");
        assert_eq!(encode_segment("A-z_0.9~"), "A-z_0.9~");
        assert_eq!(file_name("../a.txt"), "%2E.%2Fa.txt");
        assert_eq!(file_name(""), "%");
    }

    #[test]
    fn pt_06_names_of_devices_and_dots_at_the_end_are_encoded() {
        for (name, expected) in
            [("NUL", "%4EUL"), ("con.txt", "%63on.txt"), ("com1.a.b", "%63om1.a.b"), ("a b.", "%61%20b%2E")]
        {
            assert_eq!(file_name(name), expected);
        }
        for name in ["console", "a.con", "con-1", "a/con"] {
            assert!(file_name(name).starts_with(['a', 'c']), "{name}");
        }
    }

    #[test]
    fn pt_04_long_names_become_a_digest() {
        let longest = "a".repeat(200);
        assert_eq!(file_name(&longest), longest);
        for name in ["a".repeat(201), "/".repeat(67), "é".repeat(5_000)] {
            let file = file_name(&name);
            assert_eq!((file.len(), &file[..8]), (72, "%sha256%"), "{file}");
        }
        assert_ne!(file_name(&"a".repeat(201)), file_name(&"a".repeat(202)));
        assert!(file_name(&file_name(&"a".repeat(201))).starts_with("%25sha256%25"));
    }
}
