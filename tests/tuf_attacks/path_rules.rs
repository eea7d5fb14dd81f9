//! DG: which targets a delegation grants.

use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde_json::json;
use tuf_notary::{metadata::TargetInfo, testkit::TufForge};

use crate::lab::{Lab, keys};

/// A role with these paths, and behind it one that grants everything one to three levels deep; both list
/// all targets.
fn granting(paths: &[&str], targets: &[&str]) -> Lab {
    let mut forge = TufForge::new();
    forge.delegate("targets", "first", &keys::<1>(), 1, paths);
    forge.delegate("targets", "second", &keys::<1>(), 1, &["*", "*/*", "*/*/*", "*/*/*/*"]);
    for target in targets {
        for role in ["first", "second"] {
            forge.add_target(role, target, role.as_bytes());
        }
    }
    let lab = Lab::of(forge);
    lab.refresh().unwrap();
    lab
}

/// The first role answers for `yes`, the second for `no`: no pattern ends the look-up.
#[track_caller]
fn grants(pattern: &str, yes: &[&str], no: &[&str]) {
    let lab = granting(&[pattern], &[yes, no].concat());
    for (targets, role) in [(yes, "first"), (no, "second")] {
        for target in targets {
            let found = lab.find(target).unwrap().map(|found| found.role().to_string());
            assert_eq!(found.as_deref(), Some(role), "{pattern} {target}");
        }
    }
}

#[test]
fn dg_12_a_star_stays_inside_one_segment() {
    grants("*.md", &["README.md", ".md"], &["releases/README.md", "releases/a/README.md", "README.mdx"]);
    grants("a/*/c", &["a/b/c"], &["a/c", "a/b/b/c"]);
    grants("*", &["a"], &["a/b"]);
}

#[test]
fn dg_13_a_question_mark_is_one_character_and_case_counts() {
    grants("foo-?.tgz", &["foo-a.tgz", "foo-é.tgz"], &["foo-.tgz", "foo-alpha.tgz", "FOO-a.tgz"]);
    grants("a?b", &["a.b"], &["a/b", "ab"]);
    grants("README.md", &["README.md"], &["README.MD", "readme.md"]);
}

#[test]
fn dg_14_brackets_braces_and_backslashes_stand_for_themselves_and_end_nothing() {
    grants("[a-z]", &["[a-z]"], &["b"]);
    grants("[!x]", &["[!x]"], &["y"]);
    grants("[", &["["], &["a"]);
    grants("a]", &["a]"], &["a"]);
    grants("{a,b}", &["{a,b}"], &["a"]);
    grants("\\*", &["\\x"], &["x"]);
    grants("**", &["a"], &["a/b", "a/b/c"]);
    grants("a/**", &["a/b"], &["a/b/c", "a"]);
    grants("a/**/c", &["a/b/c"], &["a/b/b/c", "a/c"]);
    grants("(a+)+$", &["(a+)+$"], &["aaa"]);
}

#[test]
fn dg_15_many_stars_take_no_more_than_quadratic_time() {
    let name = "a".repeat(2_000);
    let start = Instant::now();
    let stars = format!("{}b", "*a".repeat(500));
    grants(&stars, &[], &[&name]);
    grants(&format!("{}b", "?*".repeat(800)), &[], &[&name]);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn dg_16_nothing_is_normalised_before_it_is_compared() {
    grants("a/b", &["a/b"], &["./a/b", "a//b", "a/./b", "/a/b", "a/b/"]);
    grants("x/*", &["x/..", "x/y"], &["x/../y", "y"]);
    grants("./a", &["./a"], &["a"]);
    grants("a//b", &["a//b"], &["a/b"]);
}

#[test]
fn dg_16_targets_with_empty_or_dotted_segments_are_never_asked_for() {
    let names = ["/a", "//host/a", "a//b", "a/", "./a", "a/./b", "../a", "a/../b", "a/..", "..", ".", "a\\b"];
    for consistent in [true, false] {
        let mut forge = TufForge::new();
        forge.consistent_snapshot(consistent);
        for name in names {
            forge.add_target("targets", name, b"x");
        }
        let lab = Lab::of(forge);
        for name in names {
            lab.refresh().unwrap();
            lab.requests();
            let error = lab.download(name).unwrap_err();
            assert_eq!(error.code(), "NAME", "{name}: {error}");
            let requests = lab.requests();
            assert!(requests.iter().all(|asked| asked.ends_with(".json")), "{requests:?}");
        }
        assert_eq!(lab.download("file.txt").unwrap(), b"content");
    }
}

#[test]
fn dg_17_a_delegation_with_both_kinds_of_paths_or_none_is_refused() {
    type Spoil = fn(&mut serde_json::Value);
    let spoils: [Spoil; 5] = [
        |entry| entry["path_hash_prefixes"] = json!(["00"]),
        |entry| entry["path_hash_prefixes"] = json!([]),
        |entry| drop(entry.as_object_mut().unwrap().remove("paths")),
        |entry| entry["paths"] = json!(null),
        |entry| entry["paths"] = json!("*"),
    ];
    for spoil in spoils {
        let mut forge = TufForge::new();
        forge.delegate("targets", "team", &keys::<1>(), 1, &["*"]);
        let healthy = forge.build();
        forge.change_delegation("targets", "team", spoil);
        let lab = Lab::of(forge.clone());
        lab.refused("MALFORMED");
        assert_eq!(lab.kept("targets"), None);
        drop(healthy);
        forge.change_delegation("targets", "team", |entry| {
            entry.as_object_mut().unwrap().remove("path_hash_prefixes");
            entry["paths"] = json!(["*"]);
        });
        forge.bump("targets");
        lab.recovers(&forge.build());
    }
}

/// A role that grants by hash prefix.
fn prefixed(prefixes: serde_json::Value) -> Lab {
    let mut forge = TufForge::new();
    forge.delegate("targets", "first", &keys::<1>(), 1, &[]);
    forge.change_delegation("targets", "first", |entry| {
        entry.as_object_mut().unwrap().remove("paths");
        entry["path_hash_prefixes"] = prefixes.clone();
    });
    for target in ["a/file.txt", "another"] {
        forge.add_target("first", target, b"x");
    }
    Lab::of(forge)
}

#[test]
fn dg_18_hash_prefixes_are_hex_of_the_name_in_any_case_and_never_empty() {
    let digest = HEXLOWER.encode(&TargetInfo::from_bytes(b"a/file.txt").hashes.sha256.unwrap());
    for prefix in [&digest[..1], &digest[..3], &digest[..8].to_uppercase(), &digest] {
        let lab = prefixed(json!(["ffffffffffffffff", prefix]));
        assert!(lab.find("a/file.txt").unwrap().is_some(), "{prefix}");
        assert!(lab.find("another").unwrap().is_none(), "{prefix}");
    }
    assert!(prefixed(json!([])).find("a/file.txt").unwrap().is_none());
    assert!(prefixed(json!([format!("{digest}0")])).find("a/file.txt").unwrap().is_none());
    for prefix in [json!(""), json!("0x"), json!("g"), json!(" a"), json!(1), json!(null)] {
        prefixed(json!(["a", prefix])).refused("MALFORMED");
    }
}
