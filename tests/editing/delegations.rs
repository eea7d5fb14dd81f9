//! Delegations: who may make, change and end them, and what never comes back.

use std::num::NonZeroU32;

use tuf_notary::{
    blocking::SnapshotKey,
    crypto::{KeyKind, self_signed},
    edit::{Changes, KeyScope},
    keys::{KeyStore as _, MemoryKeys},
    name::KeyId,
    view::RoleStatus,
};

use crate::lab::*;

const BOTH: [SnapshotKey; 2] = [SnapshotKey::Local, SnapshotKey::Server];

fn status(lab: &Lab, name: &str) -> RoleStatus {
    lab.view().roles().into_iter().find(|status| status.role == role(name)).unwrap()
}

fn ids(status: &RoleStatus) -> Vec<KeyId> {
    status.keys.iter().map(|key| key.canonical_id.clone()).collect()
}

fn delegate(name: &str, people: &[&Person], threshold: u32, paths: &[&str]) -> Changes {
    let keys = people.iter().map(|person| person.public.clone()).collect();
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    Changes::new().delegate(role(name), keys, NonZeroU32::new(threshold).unwrap(), paths)
}

#[test]
fn a_delegate_signs_with_nothing_but_their_own_key() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::of_kind("alice", KeyKind::Ed25519);
    lab.admin().publish(&delegate("targets/alice", &[&alice], 1, &["a/"])).unwrap();
    assert_eq!(status(&lab, "targets/alice").file, None, "there is no file before its delegate signs");
    lab.client(&alice.keys).publish(&tag("a/1")).unwrap();
    assert_eq!(tags(&lab.view(), "targets/alice"), ["a/1"]);
    lab.refused(&lab.client(&alice.keys), &tag("b/1"), "MISSING_KEYS");
    let outside = Changes::new().sign_as(role("targets/alice"), target("b/1"), info("b/1"));
    lab.refused(&lab.client(&alice.keys), &outside, "ROLE");
}

#[test]
fn pc_05_without_the_snapshot_key_the_server_signs_it() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::new("alice");
    let view = lab.admin().publish(&delegate("targets/alice", &[&alice], 1, &[""])).unwrap();
    let before = view.trusted().snapshot().body().version;
    let view = lab.client(&alice.keys).publish(&tag("v1")).unwrap();
    assert!(view.trusted().snapshot().body().version > before);
}

#[test]
fn pc_04_without_anybody_s_snapshot_key_nothing_is_sent_and_the_reason_is_clear() {
    let lab = Lab::new(SnapshotKey::Local);
    let alice = Person::new("alice");
    lab.admin().publish(&delegate("targets/alice", &[&alice], 1, &[""])).unwrap();
    lab.server.clear_requests();
    let message = lab.refused(&lab.client(&alice.keys), &tag("v1"), "MISSING_KEYS");
    let key = &ids(&status(&lab, "snapshot"))[0];
    assert!(message.contains("snapshot") && message.contains(key.as_str()), "{message}");
    assert!(!lab.server.requests().iter().any(|it| it.starts_with("POST") && !it.contains(".key")));
}

#[test]
fn pc_06_without_a_key_of_the_role_nothing_is_sent() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::new("alice");
    lab.admin().publish(&delegate("targets/alice", &[&alice], 1, &[""])).unwrap();
    let sign = Changes::new().sign_as(role("targets/alice"), target("v1"), info("v1"));
    let message = lab.refused(&lab.admin(), &sign, "MISSING_KEYS");
    assert!(message.contains(alice.id.as_str()), "{message}");
    for change in [
        Changes::new().undelegate(role("targets/alice")),
        delegate("targets/alice", &[&Person::new("bob")], 1, &[]),
        Changes::new().clear_paths(role("targets/alice")),
    ] {
        lab.refused(&lab.client(&alice.keys), &change, "MISSING_KEYS");
    }
}

#[test]
fn keys_and_paths_are_sets_in_the_order_in_which_they_came() {
    for snapshot in BOTH {
        let lab = Lab::new(snapshot);
        let (alice, bob) = (Person::new("alice"), Person::new("bob"));
        let admin = lab.admin();
        admin.publish(&delegate("targets/team", &[&alice], 1, &["b/", "a/"])).unwrap();
        let view = admin.publish(&delegate("targets/team", &[&alice, &bob], 1, &["a/", "c/"])).unwrap();
        let targets = view.trusted().targets().body();
        let team = targets.delegation(&role("targets/team")).unwrap();
        assert_eq!(format!("{:?}", team.paths), r#"Prefixes(["b/", "a/", "c/"])"#);
        let listed: Vec<_> = team.keys.key_ids.iter().map(|id| targets.keys.get(id).unwrap()).collect();
        assert_eq!(listed.iter().map(|key| &key.canonical_id).collect::<Vec<_>>(), [&alice.id, &bob.id]);

        let version = targets.version;
        let again = admin.publish(&delegate("targets/team", &[&bob], 1, &["c/"])).unwrap();
        assert_eq!(again.trusted().targets().body().version, version, "nothing changed, nothing is signed");

        let view =
            admin.publish(&Changes::new().remove_paths(role("targets/team"), vec!["a/".into()])).unwrap();
        let team = view.trusted().targets().body().delegation(&role("targets/team")).unwrap();
        assert_eq!(format!("{:?}", team.paths), r#"Prefixes(["b/", "c/"])"#);
        lab.refused(&admin, &Changes::new().remove_paths(role("targets/team"), vec!["a/".into()]), "ROLE");

        let view = admin
            .publish(
                &Changes::new().remove_keys(KeyScope::Role(role("targets/team")), vec![alice.id.clone()]),
            )
            .unwrap();
        let targets = view.trusted().targets().body();
        assert_eq!(targets.keys.iter().count(), 1, "unused keys are dropped");
        let view = admin.publish(&Changes::new().clear_paths(role("targets/team"))).unwrap();
        let team = view.trusted().targets().body().delegation(&role("targets/team")).unwrap();
        assert_eq!(format!("{:?}", team.paths), "Prefixes([])");
    }
}

#[test]
fn dg_20_a_path_that_the_parent_may_not_sign_is_refused() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    lab.admin().publish(&delegate("targets/a", &[&alice], 1, &["a/"])).unwrap();
    let alice_s = lab.client(&alice.keys);
    for path in ["", "a", "b/"] {
        lab.refused(&alice_s, &delegate("targets/a/b", &[&bob], 1, &["a/x", path]), "ROLE");
    }
    alice_s.publish(&delegate("targets/a/b", &[&bob], 1, &["a/b/"])).unwrap();
    lab.client(&bob.keys)
        .publish(&Changes::new().sign_as(role("targets/a/b"), target("a/b/1"), info("1")))
        .unwrap();
    assert_eq!(tags(&lab.view(), "targets/a/b"), ["a/b/1"]);
}

#[test]
fn dg_21_dg_22_only_children_of_roles_that_exist_are_delegated_to() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::new("alice");
    for name in ["targets/a/b", "root", "targets", "snapshot"] {
        lab.refused(&lab.admin(), &delegate(name, &[&alice], 1, &[""]), "ROLE");
    }
    for change in [
        Changes::new().undelegate(role("targets/a")),
        Changes::new().witness(role("targets/a")),
        Changes::new().clear_paths(role("targets/a")),
        Changes::new().remove_keys(KeyScope::Role(role("targets/a")), vec![alice.id.clone()]),
        Changes::new().remove_keys(KeyScope::Below(role("targets")), vec![alice.id.clone()]),
    ] {
        lab.refused(&lab.admin(), &change, "ROLE");
    }
}

#[test]
fn a_threshold_of_two_needs_two_people() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
    lab.refused(&lab.admin(), &delegate("targets/team", &[&alice, &alice], 2, &[""]), "TOO_FEW_KEYS");
    lab.admin().publish(&delegate("targets/team", &[&alice, &bob, &carol], 2, &[""])).unwrap();
    let sign = Changes::new().sign_as(role("targets/team"), target("v1"), info("v1"));
    lab.refused(&lab.client(&alice.keys), &sign, "MISSING_KEYS");
    lab.admin_with(&[&alice, &carol]).publish(&sign).unwrap();
    assert_eq!(tags(&lab.view(), "targets/team"), ["v1"]);
}

#[test]
fn pc_12_a_role_is_not_left_with_fewer_keys_than_its_threshold() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
    lab.admin().publish(&delegate("targets/team", &[&alice, &bob], 2, &[""])).unwrap();
    lab.admin().publish(&delegate("targets/alice", &[&alice], 1, &[""])).unwrap();
    for scope in [
        KeyScope::Role(role("targets/team")),
        KeyScope::Role(role("targets/alice")),
        KeyScope::Below(role("targets")),
    ] {
        let remove = Changes::new().remove_keys(scope, vec![alice.id.clone()]);
        lab.refused(&lab.admin(), &remove, "TOO_FEW_KEYS");
    }
    // With another key in the same change it is possible, and so is removing the whole role.
    let replace = Changes::new()
        .remove_keys(KeyScope::Role(role("targets/team")), vec![alice.id.clone()])
        .delegate(role("targets/team"), vec![carol.public.clone()], one(), Vec::new())
        .undelegate(role("targets/alice"));
    lab.admin().publish(&replace).unwrap();
    let team = status(&lab, "targets/team");
    assert_eq!((ids(&team).len(), team.threshold), (2, 2));
    assert!(!ids(&team).contains(&alice.id));
}

#[test]
fn dk_a_key_goes_under_every_alias_and_does_not_come_twice() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let signer = alice.keys.signer(&alice.id).unwrap();
    let certificate = self_signed("alice", &*signer, lab.now - YEAR, lab.now + YEAR).unwrap();
    let keys = vec![certificate.clone(), alice.public.clone(), bob.public.clone()];
    let change = Changes::new().delegate(role("targets/team"), keys, one(), all());
    lab.admin().publish(&change).unwrap();
    assert_eq!(ids(&status(&lab, "targets/team")).len(), 2);
    lab.client(&alice.keys)
        .publish(&Changes::new().sign_as(role("targets/team"), target("v1"), info("v1")))
        .unwrap();
    let remove = Changes::new().remove_keys(KeyScope::Below(role("targets")), vec![alice.id.clone()]);
    lab.admin().publish(&remove).unwrap();
    assert_eq!(ids(&status(&lab, "targets/team")), [bob.id]);
}

#[test]
fn an_expired_certificate_is_refused_when_it_comes_in() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::new("alice");
    let signer = alice.keys.signer(&alice.id).unwrap();
    let expired = self_signed("alice", &*signer, lab.now - YEAR * 2, lab.now - YEAR).unwrap();
    let change = Changes::new().delegate(role("targets/alice"), vec![expired], one(), all());
    lab.refused(&lab.admin(), &change, "UNUSABLE_KEY");
}

#[test]
fn a_purge_reaches_nested_roles_and_spares_the_role_above() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob, eve) = (Person::new("alice"), Person::new("bob"), Person::new("eve"));
    lab.admin().publish(&delegate("targets/a", &[&alice, &eve], 1, &[""])).unwrap();
    lab.client(&alice.keys).publish(&delegate("targets/a/b", &[&bob, &eve], 1, &[""])).unwrap();
    let purge = |below: &str| Changes::new().remove_keys(KeyScope::Below(role(below)), vec![eve.id.clone()]);
    lab.refused(&lab.admin(), &purge("targets"), "MISSING_KEYS");
    lab.client(&alice.keys).publish(&purge("targets/a")).unwrap();
    assert_eq!(ids(&status(&lab, "targets/a/b")), std::slice::from_ref(&bob.id));
    assert!(ids(&status(&lab, "targets/a")).contains(&eve.id));
    lab.admin().publish(&purge("targets")).unwrap();
    assert_eq!(ids(&status(&lab, "targets/a")), std::slice::from_ref(&alice.id));
}

#[test]
fn a_purge_does_not_stop_at_a_role_that_can_t_be_read() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob, eve) = (Person::new("alice"), Person::new("bob"), Person::new("eve"));
    for name in ["targets/a", "targets/b"] {
        lab.admin().publish(&delegate(name, &[&alice, &eve], 1, &[""])).unwrap();
    }
    lab.client(&alice.keys).publish(&tag("v1")).unwrap();
    let swap = Changes::new()
        .delegate(role("targets/a"), vec![bob.public.clone()], one(), Vec::new())
        .remove_keys(KeyScope::Role(role("targets/a")), vec![alice.id.clone()]);
    lab.admin().publish(&swap).unwrap();
    assert!(status(&lab, "targets/a").problem.is_some());
    let purge = Changes::new().remove_keys(KeyScope::Below(role("targets")), vec![eve.id.clone()]);
    lab.admin().publish(&purge).unwrap();
    assert_eq!(ids(&status(&lab, "targets/a")), std::slice::from_ref(&bob.id));
    assert_eq!(ids(&status(&lab, "targets/b")), std::slice::from_ref(&alice.id));
}

#[test]
fn a_removed_role_leaves_our_snapshot_with_all_below_it() {
    let lab = Lab::new(SnapshotKey::Local);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let sign = Changes::new().sign_as(role("targets/a"), target("v1"), info("v1"));
    let sign = sign.sign_as(role("targets/a/b"), target("v2"), info("v2"));
    let all = lab.admin_with(&[&alice, &bob]);
    all.publish(&delegate("targets/a", &[&alice], 1, &[""])).unwrap();
    all.publish(&delegate("targets/a/b", &[&bob], 1, &[""])).unwrap();
    let view = all.publish(&sign).unwrap();
    assert_eq!(view.trusted().snapshot().body().delegated.len(), 2);
    let view = lab.admin().publish(&Changes::new().undelegate(role("targets/a"))).unwrap();
    assert!(view.trusted().snapshot().body().delegated.is_empty());
    assert!(view.trusted().targets().body().keys.iter().next().is_none());
}

#[test]
fn a_role_that_comes_back_begins_empty_above_its_old_version() {
    for snapshot in BOTH {
        let lab = Lab::new(snapshot);
        let alice = Person::new("alice");
        let (all, name) = (lab.admin_with(&[&alice]), "targets/alice");
        all.publish(&delegate(name, &[&alice], 1, &[""])).unwrap();
        let sign = |tag: &str| Changes::new().sign_as(role(name), target(tag), info(tag));
        all.publish(&sign("old")).unwrap();
        all.publish(&sign("older")).unwrap();
        lab.admin().publish(&Changes::new().undelegate(role(name))).unwrap();
        let back = delegate(name, &[&alice], 1, &[""]);
        if snapshot == SnapshotKey::Server {
            lab.refused(&lab.admin(), &back, "WOULD_RETURN");
        }
        lab.admin_with(&[&alice]).publish(&back).unwrap();
        assert!(tags(&lab.view(), name).is_empty(), "{snapshot:?}");
        assert_eq!(status(&lab, name).file.unwrap().0.get(), 3);
        lab.admin_with(&[&alice]).publish(&sign("new")).unwrap();
        assert_eq!(tags(&lab.view(), name), ["new"]);
    }
}

#[test]
fn a_role_may_end_and_begin_in_one_change() {
    for snapshot in BOTH {
        let lab = Lab::new(snapshot);
        let (alice, bob) = (Person::new("alice"), Person::new("bob"));
        let (all, name) = (lab.admin_with(&[&alice, &bob]), "targets/alice");
        all.publish(&delegate(name, &[&alice], 1, &[""])).unwrap();
        let sign = Changes::new().sign_as(role(name), target("v1"), info("v1"));
        all.publish(&sign).unwrap();
        let anew = Changes::new().undelegate(role(name)).delegate(
            role(name),
            vec![bob.public.clone()],
            one(),
            vec!["b/".to_owned()],
        );
        all.publish(&anew).unwrap();
        let status = status(&lab, name);
        assert_eq!((ids(&status), status.file.unwrap().0.get()), (vec![bob.id], 2));
        assert!(tags(&lab.view(), name).is_empty());
    }
}

#[test]
fn the_owner_of_a_role_that_came_back_begins_it_anew() {
    let lab = Lab::new(SnapshotKey::Server);
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let name = "targets/alice";
    lab.admin().publish(&delegate(name, &[&alice], 1, &[""])).unwrap();
    lab.client(&alice.keys).publish(&tag("old")).unwrap();
    lab.admin().publish(&Changes::new().undelegate(role(name))).unwrap();
    // Another key: the old file is there and nobody vouches for it.
    lab.admin().publish(&delegate(name, &[&bob], 1, &[""])).unwrap();
    let bobs = lab.client(&bob.keys);
    lab.refused(&bobs, &Changes::new().sign_as(role(name), target("new"), info("new")), "ROLE_UNUSABLE");
    bobs.publish(&Changes::new().restart(role(name)).sign_as(role(name), target("new"), info("new")))
        .unwrap();
    assert_eq!(tags(&lab.view(), name), ["new"]);
}

#[test]
fn a_delegate_without_any_key_says_so() {
    let lab = Lab::new(SnapshotKey::Server);
    lab.refused(&lab.client(&MemoryKeys::new()), &tag("v1"), "MISSING_KEYS");
}
