//! The name of a role's file: one name a role, on every file system, and none of ours.
//!
//! A role of a TUF 1.0 repository may be called anything (specification 1.0.34 section 4.5), but
//! only root, timestamp, snapshot and targets are named by us. So the names of others are
//! percent-encoded (PT-01), injectively, for `%` is encoded too (PT-02); where a file system that
//! tells no case would take one for a top-level file, or Windows for a device, their first letter is
//! encoded as well (PT-03, PT-06); and one that no file system could hold is replaced by its digest,
//! in a form that no encoding has (PT-04).

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use crate::name::encode_segment;

pub(super) const SUFFIX: &str = ".json";
/// Longest name, in bytes: what is left of 255 on a file system that encrypts names.
const LONGEST: usize = 143;
/// Begins the name of a role that is too long. `%` with anything but two hexadecimal digits is no
/// percent-encoding.
const HASHED: &str = "%sha256-";
const TOP_LEVEL: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The name of a role's file.
pub(super) fn file_name(role: &str) -> String {
    let encoded = match TOP_LEVEL.contains(&role) {
        true => role.to_owned(),
        false => encode(role),
    };
    if encoded.len() + SUFFIX.len() > LONGEST {
        return format!("{HASHED}{}{SUFFIX}", HEXLOWER.encode(&Sha256::digest(role)));
    }
    encoded + SUFFIX
}

/// Whether a file of this name could be a role's.
pub(super) fn is_role_file(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(SUFFIX) else { return false };
    match stem.strip_prefix(HASHED) {
        Some(digest) => HEXLOWER.decode(digest.as_bytes()).is_ok_and(|digest| digest.len() == 32),
        None => is_encoded(stem),
    }
}

fn encode(role: &str) -> String {
    let encoded = encode_segment(role);
    let is_taken = TOP_LEVEL.iter().any(|name| name.eq_ignore_ascii_case(role)) || is_device(role);
    match role.chars().next().filter(|first| is_taken && first.is_ascii()) {
        Some(first) => format!("%{:02X}{}", u32::from(first), encoded.get(1..).unwrap_or_default()),
        None => encoded,
    }
}

/// Whether Windows takes a file of this name, with any extension, for a device.
fn is_device(role: &str) -> bool {
    let stem = role.split_once('.').map_or(role, |(stem, _)| stem);
    let is_numbered = |name: &str| {
        let parts = stem.split_at_checked(3);
        parts.is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(name) && matches!(rest.as_bytes(), [b'0'..=b'9'])
        })
    };
    DEVICES.iter().any(|name| name.eq_ignore_ascii_case(stem)) || is_numbered("com") || is_numbered("lpt")
}

fn is_encoded(stem: &str) -> bool {
    let mut bytes = stem.bytes();
    let hex = |byte: Option<u8>| byte.is_some_and(|it| it.is_ascii_digit() || matches!(it, b'A'..=b'F'));
    while let Some(byte) = bytes.next() {
        let is_fit = match byte {
            b'%' => hex(bytes.next()) && hex(bytes.next()),
            _ => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'),
        };
        if !is_fit {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pt_01_every_role_is_one_plain_file_name() {
        for (role, expected) in [
            ("root", "root.json"),
            ("my role", "my%20role.json"),
            ("../delegatedrole", "..%2Fdelegatedrole.json"),
            ("/delegatedrole", "%2Fdelegatedrole.json"),
            ("?", "%3F.json"),
            ("#", "%23.json"),
            ("%2e%2e", "%252e%252e.json"),
            ("a\0b\n", "a%00b%0A.json"),
            ("a\\b:c", "a%5Cb%3Ac.json"),
            ("é", "%C3%A9.json"),
            (".", "..json"),
            ("..", "...json"),
            (".tuf-notary", ".tuf-notary.json"),
        ] {
            assert_eq!(file_name(role), expected);
            assert!(is_role_file(expected), "{expected}");
        }
        for name in ["root", "a/b.json", "a b.json", "%2.json", "%2g.json", "%sha256-00.json", "x.json.tmp"] {
            assert!(!is_role_file(name), "{name}");
        }
    }

    #[test]
    fn pt_02_no_two_roles_share_a_file() {
        let long = "a".repeat(5000);
        let hashed = file_name(&long);
        let roles = [
            "a/b",
            "a%2Fb",
            "a%252Fb",
            "a%2fb",
            "a",
            "%61",
            "Root",
            "%52oot",
            "root",
            "1.root",
            "con",
            "%63on",
            "%sha256-",
            &long,
            &hashed,
            hashed.trim_end_matches(SUFFIX),
        ];
        let mut names = BTreeMap::new();
        for role in roles {
            assert_eq!(names.insert(file_name(role), role), None, "{role}");
        }
    }

    #[test]
    fn pt_03_no_role_overwrites_a_top_level_file_where_case_does_not_count() {
        for role in ["Root", "ROOT", "rooT", "Timestamp", "SNAPSHOT", "tARGETS"] {
            let name = file_name(role);
            assert!(name.starts_with('%') && name.len() == role.len() + 7, "{name}");
            let top_level = TOP_LEVEL.map(|it| file_name(it).to_lowercase());
            assert!(!top_level.contains(&name.to_lowercase()), "{name}");
        }
        for role in ["root", "timestamp", "snapshot", "targets", "1.root", "roots", "root.json"] {
            assert_eq!(file_name(role), format!("{role}.json"));
        }
    }

    #[test]
    fn pt_04_a_name_that_no_file_system_holds_is_hashed() {
        let fits = "a".repeat(LONGEST - SUFFIX.len());
        assert_eq!(file_name(&fits), format!("{fits}.json"));
        for role in [format!("{fits}a"), "é".repeat(24), "/".repeat(5000), "Ω".repeat(100_000)] {
            let name = file_name(&role);
            assert!(name.starts_with("%sha256-") && name.len() <= LONGEST && is_role_file(&name), "{name}");
        }
        assert_ne!(file_name(&"a".repeat(5000)), file_name(&"a".repeat(5001)));
    }

    #[test]
    fn pt_06_no_role_is_a_device() {
        for (role, expected) in [
            ("NUL", "%4EUL.json"),
            ("con.txt", "%63on.txt.json"),
            ("com1", "%63om1.json"),
            ("LPT9.x.y", "%4CPT9.x.y.json"),
            ("aux ", "aux%20.json"),
            ("com", "com.json"),
            ("com10", "com10.json"),
            ("console", "console.json"),
        ] {
            assert_eq!(file_name(role), expected);
        }
    }

    proptest! {
        #[test]
        fn pt_02_two_names_mean_two_roles(one in "\\PC{0,60}|[%2Froot./]{0,8}", two in "[%2Froot./]{0,8}") {
            prop_assert_eq!(file_name(&one) == file_name(&two), one == two);
            prop_assert!(is_role_file(&file_name(&one)));
        }
    }
}
