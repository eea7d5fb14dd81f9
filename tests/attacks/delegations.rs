//! DG: what a delegated role may sign, and what a delegating one may say.

use tuf_notary::{
    name::RoleName,
    testkit::ForgeKey,
    view::{SignedTarget, View},
};

use crate::lab::Lab;

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

fn from(view: &View, name: &str, of: &str) -> Option<SignedTarget> {
    view.target_from(name, &[role(of)]).ok()
}

/// The names that a role and those below it sign, as far as they may.
fn names(view: &View, of: &str) -> Vec<String> {
    view.targets_from(&[role(of)]).unwrap().iter().map(|target| target.name().to_owned()).collect()
}

/// A lab with a delegation that signs these names.
fn delegated(name: &str, paths: &[&str], signs: &[&str]) -> Lab {
    let mut lab = Lab::new();
    delegate(&mut lab, "targets", name, paths, signs);
    lab
}

fn delegate(lab: &mut Lab, parent: &str, name: &str, paths: &[&str], signs: &[&str]) {
    lab.forge.delegate(parent, name, &[ForgeKey::ecdsa()], 1, paths);
    for tag in signs {
        lab.forge.add_tag(name, tag, 7, 7);
    }
}

/// What is served now is refused, and the state of before is still there.
#[track_caller]
fn malformed_after(mut lab: Lab, change: impl FnOnce(&mut Lab)) {
    lab.serve();
    lab.refresh().unwrap();
    let mut good = lab.forge.clone();
    change(&mut lab);
    lab.forge.bump("targets");
    lab.serve();
    for _ in 0..2 {
        good.bump("targets");
    }
    lab.refused_and_kept("MALFORMED", &["root", "targets/a", "targets/a/b"], &good.build());
}

/// Names are paths, so that a circle needs a role outside of its parent.
#[test]
fn dg_04_a_circle_is_refused() {
    for back in ["targets/a", "targets/a/b", "targets"] {
        let mut lab = delegated("targets/a", &[""], &["one"]);
        delegate(&mut lab, "targets/a", "targets/a/b", &[""], &[]);
        malformed_after(lab, |lab| {
            let key = ForgeKey::ecdsa();
            lab.forge.delegate("targets/a/b", back, &[key], 1, &[""]);
            lab.forge.bump("targets/a/b");
        });
    }
}

#[test]
fn dg_19_paths_are_prefixes_and_nothing_else() {
    for (paths, names_seen) in [
        (&["foo"][..], &["foo", "foo/x", "foobar"][..]),
        (&["foo/"], &["foo/x"]),
        (&[""], &["*", "f", "foo", "foo/x", "foobar"]),
        (&["*"], &["*"]),
        (&["f*", "?oo", "Foo"], &[]),
        (&[], &[]),
    ] {
        let mut lab = delegated("targets/a", paths, &["*", "f", "foo", "foo/x", "foobar"]);
        lab.serve();
        let view = lab.refresh().unwrap();
        assert_eq!(names(&view, "targets/a"), names_seen, "{paths:?}");
        assert_eq!(from(&view, "foobar", "targets/a").is_some(), names_seen.contains(&"foobar"));
    }
}

#[test]
fn dg_20_paths_that_the_parent_does_not_have_are_dropped() {
    let mut lab = delegated("targets/a", &["a/"], &["a/top"]);
    delegate(&mut lab, "targets/a", "targets/a/b", &["", "a", "a/b", "c"], &["a/b1", "a/x", "c", "v1"]);
    delegate(&mut lab, "targets/a/b", "targets/a/b/c", &["a/x", "a/b1"], &["a/b1", "a/x"]);
    lab.serve();
    let view = lab.refresh().unwrap();
    assert_eq!(names(&view, "targets/a"), ["a/top"]);
    assert_eq!(names(&view, "targets/a/b"), ["a/b1"]);
    assert_eq!(names(&view, "targets/a/b/c"), ["a/b1"]);
    for name in ["a/x", "c", "v1"] {
        assert!(from(&view, name, "targets/a/b").is_none(), "{name}");
        assert!(from(&view, name, "targets/a/b/c").is_none(), "{name}");
    }
}

#[test]
fn dg_21_a_role_that_is_no_direct_child_is_refused() {
    for stranger in ["targets/b/x", "targets/b", "targets/a/b/c", "targets/ab"] {
        malformed_after(delegated("targets/a", &[""], &["one"]), |lab| {
            lab.forge.delegate("targets/a", stranger, &[ForgeKey::ecdsa()], 1, &[""]);
            lab.forge.bump("targets/a");
        });
    }
    malformed_after(delegated("targets/a", &[""], &[]), |lab| {
        lab.forge.delegate("targets", "targets/b/x", &[ForgeKey::ecdsa()], 1, &[""]);
    });
}

#[test]
fn dg_22_no_role_is_asked_for_before_its_parent_is_trusted() {
    let mut lab = delegated("targets/b", &[""], &["one"]);
    delegate(&mut lab, "targets/b", "targets/b/a", &[""], &["one"]);
    delegate(&mut lab, "targets", "targets/a", &[""], &["one"]);
    lab.serve();
    lab.refresh().unwrap();
    let asked: Vec<_> =
        lab.server.requests().iter().filter_map(|it| Some(it.split_once('.')?.0.to_owned())).collect();
    let roles = ["root", "timestamp", "snapshot", "targets", "targets/b", "targets/a", "targets/b/a"];
    let at = |role: &str| asked.iter().position(|it| *it == format!("GET {role}")).unwrap();
    assert!(roles[..4].iter().enumerate().all(|(place, role)| at(role) == place), "{asked:?}");
    // Siblings may be asked for together.
    assert!(at("targets/b") == 4 && at("targets/b") < at("targets/b/a") && at("targets/a") > 3, "{asked:?}");
    assert_eq!(asked.len(), roles.len());
    // The child is there and signed by the key that the file of its parent names.
    let mut lab = delegated("targets/b", &[""], &["one"]);
    delegate(&mut lab, "targets/b", "targets/b/a", &[""], &["one"]);
    *lab.forge.keys("targets/b") = vec![ForgeKey::ecdsa()];
    lab.serve();
    let view = lab.refresh().unwrap();
    assert!(!lab.server.requests().iter().any(|it| it.contains("targets/b/a")));
    assert!(view.target_from("one", &[role("targets/b/a")]).is_err());
}

#[test]
fn dg_22_a_child_without_its_parent_is_not_asked_for() {
    let mut lab = delegated("targets/a", &[""], &["one"]);
    delegate(&mut lab, "targets/a", "targets/a/b", &[""], &["one"]);
    // Both files are published; the delegation to the parent is not there any more.
    lab.forge.doc("targets")["delegations"]["roles"] = serde_json::json!([]);
    lab.serve();
    let view = lab.refresh().unwrap();
    assert!(!lab.server.requests().iter().any(|it| it.contains("targets/a")));
    for of in ["targets/a", "targets/a/b"] {
        assert!(from(&view, "one", of).is_none(), "{of}");
    }
}

#[test]
fn dg_23_the_order_of_the_question_decides() {
    let mut lab = delegated("targets/releases", &[""], &["v1"]);
    lab.forge.add_tag("targets", "only-targets", 1, 1);
    lab.serve();
    let view = lab.refresh().unwrap();
    let releases = role("targets/releases");
    let by_default = view.target("v1").unwrap();
    assert_eq!((by_default.role(), by_default.hashes().sha256), (&releases, Some([7; 32])));
    assert_eq!(view.target("only-targets").unwrap().role(), &RoleName::Targets);
    let other = view.target_from("v1", &[RoleName::Targets, releases.clone()]).unwrap();
    assert_eq!((other.role(), other.hashes().sha256), (&RoleName::Targets, Some([1; 32])));
    let list = view.targets().unwrap();
    let listed: Vec<_> = list.iter().map(|target| (target.name(), target.role())).collect();
    assert_eq!(listed, [("only-targets", &RoleName::Targets), ("v1", &releases)]);
}

/// A signer below `targets` answers only when he is asked.
#[test]
fn dg_23_other_delegations_do_not_answer() {
    let mut lab = delegated("targets/alice", &[""], &["v1", "v2"]);
    lab.serve();
    let view = lab.refresh().unwrap();
    assert_eq!(view.target("v1").unwrap().role(), &RoleName::Targets);
    assert!(view.target("v2").is_err());
    assert!(from(&view, "v2", "targets/alice").is_some());
}

#[test]
fn dg_24_hash_prefixes_grant_nothing() {
    let mut lab = delegated("targets/a", &[], &["foo"]);
    // SHA-256 of any name begins with one of these.
    let prefixes: Vec<_> = "0123456789abcdef".chars().map(String::from).collect();
    lab.forge.doc("targets")["delegations"]["roles"][0]["path_hash_prefixes"] = prefixes.into();
    lab.serve();
    assert!(from(&lab.refresh().unwrap(), "foo", "targets/a").is_none());
}

#[test]
fn dg_25_wildcards_and_short_names_are_no_roles() {
    for name in ["targets/foo*", "targets/*/x", "targets/*", "*", "t", ""] {
        malformed_after(delegated("targets/a", &[""], &["one"]), |lab| {
            lab.forge.delegate("targets", name, &[ForgeKey::ecdsa()], 1, &[""]);
            lab.forge.remove(name);
        });
    }
}

/// Whichever of the two a client takes, another takes the other.
#[test]
fn a_role_that_is_delegated_twice_is_refused() {
    malformed_after(delegated("targets/a", &["a"], &["one"]), |lab| {
        lab.forge.delegate("targets", "targets/a", &[ForgeKey::ecdsa()], 1, &[""]);
    });
}

#[test]
fn a_file_of_a_key_that_was_taken_from_its_delegation_is_not_used() {
    let mut lab = delegated("targets/a", &[""], &["one"]);
    lab.serve();
    assert!(from(&lab.refresh().unwrap(), "one", "targets/a").is_some());
    let key = ForgeKey::ecdsa();
    lab.forge.list_keys("targets/a", std::slice::from_ref(&key), 1);
    lab.forge.bump("targets");
    lab.serve();
    let error = lab.refresh().unwrap().target_from("one", &[role("targets/a")]).unwrap_err();
    assert_eq!(error.code(), "THRESHOLD");
    lab.forge.set_keys("targets/a", &[key], 1);
    lab.forge.bump("targets");
    lab.serve();
    assert!(from(&lab.refresh().unwrap(), "one", "targets/a").is_some());
}

/// Keys of other roles, and of the parent, sign nothing here.
#[test]
fn a_delegation_is_signed_by_its_own_keys_only() {
    for other in ["root", "targets", "snapshot", "timestamp", "targets/b", "targets/a/b"] {
        let mut lab = delegated("targets/a", &[""], &["one"]);
        delegate(&mut lab, "targets", "targets/b", &[""], &[]);
        delegate(&mut lab, "targets/a", "targets/a/b", &[""], &[]);
        *lab.forge.keys("targets/a") = lab.forge.keys(other).clone();
        lab.serve();
        let error = lab.refresh().unwrap().target_from("one", &[role("targets/a")]).unwrap_err();
        assert_eq!(error.code(), "THRESHOLD", "{other}");
    }
}

/// The files are the same but for their names.
#[test]
fn a_file_of_one_delegation_is_not_one_of_another() {
    let mut lab = delegated("targets/a", &[""], &["one"]);
    delegate(&mut lab, "targets", "targets/b", &[""], &["two"]);
    let file = lab.forge.build().newest("targets/b");
    lab.forge.after_sign("targets/a", move |_| file.clone());
    lab.serve();
    let view = lab.refresh().unwrap();
    assert!(from(&view, "two", "targets/a").is_none());
    assert!(from(&view, "two", "targets/b").is_some());
}
