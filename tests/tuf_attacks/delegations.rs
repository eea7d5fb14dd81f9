//! DG: who is asked for a target, in which order, and who is not.

use std::thread;

use serde_json::json;
use tuf_notary::{
    error::Error,
    limits::Limits,
    name::TargetName,
    testkit::{TufForge, TufForgeKey},
    verify::VerifyError,
};

use crate::lab::{FOUR, Lab, keys};

/// A repository with these delegations: from, to, paths, terminating. Each role has a key of its own.
fn graph(edges: &[(&str, &str, &[&str], bool)]) -> TufForge {
    let mut forge = TufForge::new();
    for (parent, role, paths, terminating) in edges {
        let known = forge.keys(role).clone();
        let keys = if known.is_empty() { keys::<1>().to_vec() } else { known };
        forge.delegate(parent, role, &keys, 1, paths);
        forge.change_delegation(parent, role, |entry| entry["terminating"] = json!(terminating));
    }
    forge
}

/// The delegated roles that were asked for, in order.
fn asked(lab: &Lab) -> Vec<String> {
    let names = lab.requests().into_iter().filter(|name| {
        let role = name.split_once('.').map_or("", |(_, rest)| rest.trim_end_matches(".json"));
        !FOUR.contains(&role) && name != "timestamp.json"
    });
    names.map(|name| name.trim_start_matches("1.").trim_end_matches(".json").to_owned()).collect()
}

/// Which role a new client finds a target in, and which roles it asks.
#[track_caller]
fn search(forge: &TufForge, target: &str) -> (Option<String>, Vec<String>) {
    let lab = Lab::of(forge.clone());
    let found = lab.find(target).unwrap();
    (found.map(|found| found.role().to_string()), asked(&lab))
}

const ALL: &[&str] = &["*"];

#[test]
fn dg_01_roles_are_asked_in_pre_order() {
    let mut forge =
        graph(&[("targets", "A", ALL, false), ("targets", "B", ALL, false), ("B", "C", ALL, false)]);
    assert_eq!(search(&forge, "x"), (None, vec!["A".into(), "B".into(), "C".into()]));
    forge.delegate("A", "D", &keys::<1>(), 1, ALL);
    assert_eq!(search(&forge, "x"), (None, vec!["A".into(), "D".into(), "B".into(), "C".into()]));
    for role in ["C", "B", "D"] {
        forge.add_target(role, "x", role.as_bytes());
        assert_eq!(search(&forge, "x").0.as_deref(), Some(role));
    }
    forge.add_target("targets", "x", b"top");
    assert_eq!(search(&forge, "x"), (Some("targets".into()), vec![]));
}

#[test]
fn dg_02_a_terminating_delegation_is_the_last_that_is_looked_at() {
    let mut forge = graph(&[
        ("targets", "A", ALL, false),
        ("targets", "B", ALL, false),
        ("A", "C", ALL, true),
        ("A", "D", ALL, false),
        ("C", "E", ALL, false),
    ]);
    for role in ["D", "B"] {
        forge.add_target(role, "x", b"not to be found");
    }
    assert_eq!(search(&forge, "x"), (None, vec!["A".into(), "C".into(), "E".into()]));
    forge.add_target("E", "x", b"below it");
    assert_eq!(search(&forge, "x").0.as_deref(), Some("E"));
}

#[test]
fn dg_03_a_terminating_delegation_of_other_paths_ends_nothing() {
    let mut forge = graph(&[("targets", "A", &["y*"], true), ("targets", "B", ALL, false)]);
    forge.add_target("B", "x", b"x");
    forge.add_target("B", "y", b"y");
    assert_eq!(search(&forge, "x"), (Some("B".into()), vec!["B".into()]));
    assert_eq!(search(&forge, "y"), (None, vec!["A".into()]));
}

#[test]
fn dg_04_a_cycle_asks_each_role_once() {
    let forge = graph(&[
        ("targets", "B", ALL, false),
        ("B", "C", ALL, false),
        ("C", "D", ALL, false),
        ("D", "B", ALL, false),
    ]);
    assert_eq!(search(&forge, "x"), (None, vec!["B".into(), "C".into(), "D".into()]));
}

#[test]
fn dg_05_a_role_that_delegates_to_itself_is_asked_once() {
    let mut forge =
        graph(&[("targets", "A", ALL, false), ("A", "A", ALL, false), ("targets", "B", ALL, false)]);
    forge.add_target("B", "x", b"x");
    assert_eq!(search(&forge, "x"), (Some("B".into()), vec!["A".into(), "B".into()]));
}

#[test]
fn dg_06_a_file_that_delegates_to_a_top_level_role_is_refused() {
    for name in ["root", "timestamp", "snapshot", "targets", ""] {
        let mut forge = graph(&[("targets", "A", ALL, false), ("A", "B", ALL, false)]);
        forge.add_target("A", "x", b"x");
        let mut inner = forge.clone();
        forge.change_delegation("targets", "A", |entry| entry["name"] = name.into());
        Lab::of(forge).refused("MALFORMED");
        inner.change_delegation("A", "B", |entry| entry["name"] = name.into());
        let lab = Lab::of(inner);
        lab.refresh().unwrap();
        lab.not_found("x", "MALFORMED");
        assert_eq!(lab.kept("A"), None, "{name:?}");
    }
}

/// Two ways to `release`, by other keys; its file is signed for the first alone.
fn diamond() -> (TufForge, TufForgeKey) {
    let mut forge = graph(&[("targets", "A", &["a/*"], false), ("targets", "B", &["b/*"], false)]);
    let [for_a, for_b] = keys();
    forge.delegate("A", "release", std::slice::from_ref(&for_a), 1, &["*/*"]);
    forge.delegate("B", "release", std::slice::from_ref(&for_b), 1, &["*/*"]);
    for target in ["a/x", "b/x"] {
        forge.add_target("release", target, target.as_bytes());
    }
    (forge, for_b)
}

#[test]
fn dg_07_a_role_that_was_verified_for_one_delegator_is_verified_again_for_another() {
    let (forge, for_b) = diamond();
    let mut lab = Lab::of(forge);
    let repository = lab.repository();
    let find = |name| repository.find(&TargetName::new(name).unwrap());
    for _ in 0..2 {
        assert!(find("a/x").unwrap().is_some());
        assert_eq!(find("b/x").unwrap_err().code(), "THRESHOLD", "in memory");
        assert!(lab.find("a/x").unwrap().is_some());
        lab.not_found("b/x", "THRESHOLD");
    }
    lab.forge.keys("release").push(for_b);
    lab.forge.bump("release");
    lab.serve();
    for name in ["b/x", "a/x", "b/x"] {
        assert_eq!(lab.download(name).unwrap(), name.as_bytes());
    }
}

#[test]
fn dg_08_thresholds_and_paths_are_those_of_the_way_that_is_gone() {
    let (mut forge, for_b) = diamond();
    let both = [forge.keys("release")[0].clone(), for_b];
    for parent in ["A", "B"] {
        forge.doc(parent)["delegations"]["keys"] =
            json!({ both[0].id(): both[0].to_json(), both[1].id(): both[1].to_json() });
        forge.change_delegation(parent, "release", |entry| {
            entry["keyids"] = json!([both[0].id(), both[1].id()]);
            entry["threshold"] = json!(if parent == "A" { 1 } else { 2 });
        });
    }
    let lab = Lab::of(forge.clone());
    assert!(lab.find("a/x").unwrap().is_some());
    lab.not_found("b/x", "THRESHOLD");
    // What the second would grant is of no use on the way of the first.
    forge.change_delegation("A", "release", |entry| entry["paths"] = json!(["a/y"]));
    let lab = Lab::of(forge);
    assert!(lab.find("a/x").unwrap().is_none());
    lab.not_found("b/x", "THRESHOLD");
}

/// Each delegates to the next.
fn chain(length: usize) -> TufForge {
    let mut forge = TufForge::new();
    let key = TufForgeKey::ed25519();
    let mut parent = "targets".to_owned();
    for at in 0..length {
        let role = format!("r{at}");
        forge.delegate(&parent, &role, std::slice::from_ref(&key), 1, ALL);
        parent = role;
    }
    forge.add_target(&parent, "deep", b"deep");
    forge
}

#[track_caller]
fn too_many(lab: &Lab, expected: &str) {
    match lab.not_found("none", "TOO_LARGE") {
        Error::Verify(VerifyError::TooMany { what, .. }) => assert_eq!(what, expected),
        other => panic!("{other}"),
    }
}

#[test]
fn dg_09_a_chain_without_end_is_left_after_so_many_levels() {
    let mut lab = Lab::of(chain(200));
    too_many(&lab, "levels of delegation");
    assert_eq!(asked(&lab).len(), lab.limits.max_delegation_depth);
    lab.limits.max_delegation_depth = usize::MAX;
    lab.store = crate::lab::Kept::memory();
    too_many(&lab, "delegated roles in one look-up");
    assert_eq!(asked(&lab).len(), lab.limits.max_visited_roles);
    assert!(lab.find("file.txt").unwrap().is_some(), "what stands at the top is not concerned");
}

#[test]
fn dg_09_depth_takes_no_stack() {
    let room = thread::Builder::new().stack_size(512 << 10);
    let work = || {
        let mut lab = Lab::of(chain(3_000));
        (lab.limits.max_delegation_depth, lab.limits.max_visited_roles) = (3_000, 3_000);
        assert_eq!(lab.find("deep").unwrap().unwrap().role().as_str(), "r2999");
    };
    room.spawn(work).unwrap().join().unwrap();
}

#[test]
fn dg_09_a_crowd_of_siblings_is_left_after_so_many() {
    let mut forge = TufForge::new();
    let key = TufForgeKey::ed25519();
    for at in 0..1_000 {
        forge.delegate("targets", &format!("r{at}"), std::slice::from_ref(&key), 1, ALL);
    }
    let lab = Lab::of(forge.clone());
    too_many(&lab, "delegated roles in one look-up");
    assert_eq!(asked(&lab).len(), lab.limits.max_visited_roles);
    // Of ten thousand no more are asked, and a limit says how many a file may name.
    let entry = forge.doc("targets")["delegations"]["roles"][0].clone();
    let crowd = (0..10_000).map(|at| {
        let mut entry = entry.clone();
        entry["name"] = format!("r{at}").into();
        entry
    });
    forge.doc("targets")["delegations"]["roles"] = crowd.collect();
    let mut lab = Lab::of(forge);
    too_many(&lab, "delegated roles in one look-up");
    lab.limits.max_listed_delegations = 9_999;
    lab.server.clear_requests();
    lab.refused("TOO_LARGE");
    assert_eq!(asked(&lab), [""; 0]);
}

#[test]
fn dg_10_a_limit_that_is_reached_before_the_target_says_so() {
    let mut forge =
        graph(&[("targets", "A", ALL, false), ("targets", "B", ALL, false), ("targets", "C", ALL, false)]);
    forge.add_target("B", "second", b"2");
    forge.add_target("C", "third", b"3");
    let mut lab = Lab::of(forge);
    lab.limits = Limits { max_visited_roles: 2, ..Limits::default() };
    assert!(lab.find("second").unwrap().is_some());
    lab.not_found("third", "TOO_LARGE");
    lab.limits.max_visited_roles = 3;
    assert!(lab.find("third").unwrap().is_some());
    assert!(lab.find("none").unwrap().is_none(), "all were asked");

    let mut lab = Lab::of(chain(3));
    lab.limits.max_delegation_depth = 2;
    lab.not_found("deep", "TOO_LARGE");
    lab.limits.max_delegation_depth = 3;
    assert!(lab.find("deep").unwrap().is_some());
}

#[test]
fn dg_11_a_target_needs_every_delegation_on_the_way_to_it() {
    let mut forge =
        graph(&[("targets", "B", &["releases/*/*"], false), ("B", "D", &["releases/y/*.zip", "foo"], false)]);
    for target in ["foo", "releases/y/a.zip", "releases/y/a.tgz", "releases/x/a.zip"] {
        forge.add_target("D", target, b"x");
    }
    assert_eq!(search(&forge, "releases/y/a.zip").0.as_deref(), Some("D"));
    assert_eq!(search(&forge, "foo"), (None, vec![]));
    for target in ["releases/y/a.tgz", "releases/x/a.zip"] {
        assert_eq!(search(&forge, target), (None, vec!["B".into()]), "{target}");
    }
}

#[test]
fn dg_11_what_is_outside_of_a_roles_paths_is_not_found_there() {
    let mut forge = graph(&[("targets", "A", &["a/*"], false)]);
    forge.add_target("A", "b/x", b"x");
    assert_eq!(search(&forge, "b/x"), (None, vec![]));
}

#[test]
fn a_role_that_does_not_answer_is_not_passed_over() {
    // What stands behind it must not answer in its place.
    for (spoil, code) in [
        ((|forge: &mut TufForge| forge.remove("A")) as fn(&mut TufForge), "MISSING"),
        (|forge| forge.expires("A", crate::lab::PAST), "EXPIRED"),
        (|forge| *forge.keys("A") = keys::<1>().to_vec(), "THRESHOLD"),
        (|forge| forge.pin("A", |pin| pin["version"] = json!(2)), "MISSING"),
        (|forge| forge.after_sign("A", |_| b"{}".to_vec()), "MALFORMED"),
    ] {
        let mut forge = graph(&[("targets", "A", ALL, false), ("targets", "B", ALL, false)]);
        forge.add_target("B", "x", b"not A's");
        spoil(&mut forge);
        let lab = Lab::of(forge);
        lab.refresh().unwrap();
        lab.not_found("x", code);
        assert_eq!(lab.kept("A"), None, "{code}");
    }
}
