//! Docker's signers: what their removal takes, and what it must not take.

use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Changes,
    keys::MemoryKeys,
    testkit::{Forge, TrustServer},
    view::View,
};

use crate::lab::*;

/// `v1` by alice and bob, `v2` by alice, `v3` by bob; `last` has written `targets/releases` last.
fn team(last: &str) -> (Lab, Person, Person) {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    lab.admin().publish(&Changes::new().add_signer(signer("alice"), vec![alice.public.clone()])).unwrap();
    lab.admin().publish(&Changes::new().add_signer(signer("bob"), vec![bob.public.clone()])).unwrap();
    for (who, name) in [(&alice, "v1"), (&bob, "v1"), (&alice, "v2"), (&bob, "v3")] {
        lab.client(&who.keys).publish(&tag(name)).unwrap();
    }
    let who = if last == "alice" { &alice } else { &bob };
    lab.client(&who.keys).publish(&tag("v9")).unwrap();
    (lab, alice, bob)
}

fn remove(name: &str) -> Changes {
    Changes::new().remove_signer(signer(name), false)
}

fn signers_of(view: &View, name: &str) -> Vec<String> {
    view.signers_of(&view.target(name).unwrap())
}

#[test]
fn a_signer_signs_with_nothing_but_their_own_key_into_both_roles() {
    let (lab, ..) = team("bob");
    let view = lab.view();
    assert_eq!(tags(&view, "targets/releases"), ["v1", "v2", "v3", "v9"]);
    assert_eq!(signers_of(&view, "v1"), ["alice", "bob"]);
    assert_eq!(signers_of(&view, "v2"), ["alice"]);
    view.target("v0").unwrap();
}

#[test]
fn what_only_the_removed_signer_vouched_for_goes_whoever_wrote_last() {
    for last in ["alice", "bob"] {
        let (lab, _, bob) = team(last);
        let plan = lab.admin_with(&[&bob]).plan(&remove("alice")).unwrap();
        let mut lost: Vec<_> =
            plan.lost.iter().filter(|it| it.role == role("targets/releases")).map(|it| &it.name).collect();
        lost.sort();
        lab.admin_with(&[&bob]).publish(&remove("alice")).unwrap();
        let view = lab.view();
        let (left, gone): (&[_], &[_]) = match last {
            "alice" => (&["v1", "v3"], &["v2", "v9"]),
            _ => (&["v1", "v3", "v9"], &["v2"]),
        };
        assert_eq!(tags(&view, "targets/releases"), left);
        assert_eq!(lost, gone, "the plan says so");
        for name in gone {
            assert_eq!(view.target(name).unwrap_err().code(), "NOT_SIGNED", "{name}");
        }
        assert_eq!(signers_of(&view, "v1"), ["bob"]);
        assert_eq!(view.signers().len(), 1);
        lab.client(&bob.keys).publish(&tag("v10")).unwrap();
        lab.view().target("v10").unwrap();
    }
}

#[test]
fn kept_tags_stay_under_the_remaining_signer_s_name() {
    for last in ["alice", "bob"] {
        let (lab, _, bob) = team(last);
        let keep = Changes::new().remove_signer(signer("alice"), true);
        lab.admin_with(&[&bob]).publish(&keep).unwrap();
        let view = lab.view();
        assert_eq!(tags(&view, "targets/releases"), ["v1", "v2", "v3", "v9"]);
        for name in ["v1", "v2", "v3", "v9"] {
            assert_eq!(signers_of(&view, name), ["bob"], "{name}");
        }
    }
}

#[test]
fn without_a_remaining_key_a_removal_that_would_break_the_tags_is_refused() {
    for last in ["alice", "bob"] {
        let (lab, alice, bob) = team(last);
        let message = lab.refused(&lab.admin_with(&[&alice]), &remove("alice"), "MISSING_KEYS");
        assert!(message.contains(bob.id.as_str()) && !message.contains(alice.id.as_str()), "{message}");
        assert_eq!(lab.admin().plan(&remove("alice")).unwrap_err().code(), "MISSING_KEYS");
    }
}

#[test]
fn a_removal_that_needs_no_other_signature_needs_no_other_key() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    for (name, who) in [("alice", &alice), ("bob", &bob)] {
        lab.admin().publish(&Changes::new().add_signer(signer(name), vec![who.public.clone()])).unwrap();
    }
    lab.client(&bob.keys).publish(&tag("v1")).unwrap();
    lab.admin().publish(&remove("alice")).unwrap();
    assert_eq!(signers_of(&lab.view(), "v1"), ["bob"]);
    lab.refused(&lab.client(&alice.keys), &tag("v2"), "MISSING_KEYS");
}

#[test]
fn the_last_signer_goes_only_with_the_releases() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::new("alice");
    let add = Changes::new().add_signer(signer("alice"), vec![alice.public.clone()]);
    lab.admin().publish(&add).unwrap();
    lab.admin().publish(&remove("alice")).unwrap();
    assert!(lab.view().trusted().targets().body().delegations.is_empty(), "nothing was released");

    lab.admin().publish(&add).unwrap();
    lab.client(&alice.keys).publish(&tag("v1")).unwrap();
    lab.refused(&lab.admin(), &remove("alice"), "LAST_SIGNER");
    lab.admin()
        .publish(&Changes::new().undelegate(role("targets/releases")).undelegate(role("targets/alice")))
        .unwrap();
    let view = lab.view();
    assert_eq!(view.target("v1").unwrap_err().code(), "NOT_SIGNED");
    view.target("v0").unwrap();
}

#[test]
fn a_key_that_another_signer_has_too_stays_in_the_releases() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, shared) = (Person::new("alice"), Person::new("bob"));
    let keys = vec![alice.public.clone(), shared.public.clone()];
    lab.admin().publish(&Changes::new().add_signer(signer("alice"), keys)).unwrap();
    lab.admin().publish(&Changes::new().add_signer(signer("bob"), vec![shared.public.clone()])).unwrap();
    lab.client(&shared.keys).publish(&tag("v1")).unwrap();
    lab.admin().publish(&remove("alice")).unwrap();
    let view = lab.view();
    assert_eq!(signers_of(&view, "v1"), ["bob"]);
    let releases = view.roles().into_iter().find(|it| it.role == role("targets/releases")).unwrap();
    assert_eq!(releases.keys.len(), 1);
}

#[test]
fn an_unknown_signer_is_an_error_not_a_success() {
    let (lab, ..) = team("bob");
    lab.refused(&lab.admin(), &remove("carol"), "ROLE");
}

#[test]
fn a_collection_can_begin_with_a_signer_who_signs_at_once() {
    let lab = Lab { server: TrustServer::new(), keys: MemoryKeys::new(), now: Forge::now() };
    let alice = Person::new("alice");
    let changes = Changes::new().add_signer(signer("alice"), vec![alice.public.clone()]);
    let changes = changes.sign(target("v1"), info("v1"));
    let plan = Initialise::new().snapshot_key(SnapshotKey::Server).changes(changes);
    lab.admin_with(&[&alice]).initialise(&plan).unwrap();
    assert_eq!(signers_of(&lab.view(), "v1"), ["alice"]);
}

#[test]
fn what_an_expired_signer_has_signed_stays() {
    let (mut lab, alice, bob) = team("alice");
    // The administrator and alice sign anew, bob's own role ends.
    lab.now += YEAR * 2;
    let renew = Changes::new().renew(YEAR * 2);
    lab.admin_with(&[&alice]).publish(&renew).unwrap();
    lab.now += YEAR + YEAR / 2;
    let plan = lab.admin_with(&[&bob]).plan(&remove("alice")).unwrap();
    assert_eq!(plan.unusable, [role("targets/bob")]);
    lab.admin_with(&[&bob]).publish(&remove("alice")).unwrap();
    assert_eq!(tags(&lab.view(), "targets/releases"), ["v1", "v3"]);
}

#[test]
fn releases_that_lose_no_tag_are_signed_anew_when_the_removed_signer_wrote_last() {
    let (lab, alice, bob) = team("alice");
    for (who, change) in [(&bob, tag("v2")), (&bob, tag("v9")), (&alice, tag("v3"))] {
        lab.client(&who.keys).publish(&change).unwrap();
    }
    // Alice writes last, and bob has signed all that is there.
    lab.client(&alice.keys).publish(&Changes::new().witness(role("targets/releases"))).unwrap();
    lab.refused(&lab.admin(), &remove("alice"), "MISSING_KEYS");
    lab.admin_with(&[&bob]).publish(&remove("alice")).unwrap();
    assert_eq!(tags(&lab.view(), "targets/releases"), ["v1", "v2", "v3", "v9"]);
}

#[test]
fn what_targets_says_otherwise_about_a_tag_that_goes_does_not_come_back() {
    let lab = Lab::new(SnapshotKey::Server);
    let older = Changes::new().sign(target("v1"), info("older")).sign(target("v2"), info("v2"));
    lab.admin().publish(&older).unwrap();
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    for (name, who) in [("alice", &alice), ("bob", &bob)] {
        lab.admin().publish(&Changes::new().add_signer(signer(name), vec![who.public.clone()])).unwrap();
    }
    lab.client(&alice.keys).publish(&tag("v1")).unwrap();
    lab.client(&alice.keys).publish(&tag("v2")).unwrap();
    lab.admin_with(&[&bob]).publish(&remove("alice")).unwrap();
    let view = lab.view();
    assert_eq!(view.target("v1").map(|found| *found.hashes()).unwrap_err().code(), "NOT_SIGNED");
    assert_eq!(*view.target("v2").unwrap().hashes(), info("v2").hashes, "the administrator signed the same");
}

#[test]
fn tags_are_not_kept_under_nobody_s_name() {
    let (mut lab, alice, bob) = team("alice");
    lab.now += YEAR * 2;
    lab.admin_with(&[&alice]).publish(&Changes::new().renew(YEAR * 2)).unwrap();
    lab.now += YEAR + YEAR / 2;
    let keep = Changes::new().remove_signer(signer("alice"), true);
    lab.view(); // the server signs its timestamp anew
    let message = lab.refused(&lab.admin_with(&[&bob]), &keep, "ROLE_UNUSABLE");
    assert!(message.contains("targets/bob"), "bob's own role has expired: {message}");
    lab.client(&bob.keys).publish(&Changes::new().witness(role("targets/bob"))).unwrap();
    lab.admin_with(&[&bob]).publish(&keep).unwrap();
    for name in ["v1", "v2", "v3", "v9"] {
        assert_eq!(signers_of(&lab.view(), name), ["bob"], "{name}");
    }
}
