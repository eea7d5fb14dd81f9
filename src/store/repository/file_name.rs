//! The name of a role's file: one name a role, on every file system, and none of ours.
//!
//! A role of a TUF 1.0 repository may be called anything (specification 1.0.34 section 4.5), but
//! only root, timestamp, snapshot and targets are named by us. So the names of others are
//! percent-encoded as all names on disk are (PT-01, PT-02, PT-04, PT-06), and where a file system
//! that tells no case would take one for a top-level file, its first letter is encoded too (PT-03).

use data_encoding::HEXLOWER;

use crate::name;

pub(super) const SUFFIX: &str = ".json";
const TOP_LEVEL: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// The name of a role's file.
pub(super) fn file_name(role: &str) -> String {
    let is_taken = |name: &&str| name.eq_ignore_ascii_case(role) && *name != role;
    let first = role.bytes().next().filter(|_| TOP_LEVEL.iter().any(is_taken));
    match (first, role.get(1..)) {
        (Some(first), Some(rest)) => format!("%{first:02X}{rest}{SUFFIX}"),
        _ => name::file_name(role) + SUFFIX,
    }
}

/// Whether a file of this name could be a role's.
pub(super) fn is_role_file(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(SUFFIX) else { return false };
    match stem.strip_prefix("%sha256%") {
        Some(digest) => HEXLOWER.decode(digest.as_bytes()).is_ok_and(|digest| digest.len() == 32),
        None => stem == "%" || is_encoded(stem),
    }
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
            ("../delegatedrole", "%2E.%2Fdelegatedrole.json"),
            ("/delegatedrole", "%2Fdelegatedrole.json"),
            ("?", "%3F.json"),
            ("#", "%23.json"),
            ("%2e%2e", "%252e%252e.json"),
            ("a\0b\n", "a%00b%0A.json"),
            ("a\\b:c", "a%5Cb%3Ac.json"),
            ("é", "%C3%A9.json"),
            (".", "%2E.json"),
            ("..", "%2E%2E.json"),
            (".tuf-notary", "%2Etuf-notary.json"),
        ] {
            assert_eq!(file_name(role), expected);
            assert!(is_role_file(expected), "{expected}");
        }
        for name in ["root", "a/b.json", "a b.json", "%2.json", "%2g.json", "%sha256%00.json", "x.json.tmp"] {
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
            "%sha256%",
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
        for role in ["a".repeat(5000), "é".repeat(40), "/".repeat(1024), "Ω".repeat(100_000)] {
            let name = file_name(&role);
            assert!(name.starts_with("%sha256%") && name.len() < 100 && is_role_file(&name), "{name}");
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
