//! Signing anew: what expires, and what lost its signatures.

use tuf_notary::{
    blocking::SnapshotKey,
    edit::{Changes, EXPIRES_SOON, KeyScope},
    name::Version,
    view::View,
};

use crate::lab::*;

const NAME: &str = "targets/alice";

fn version(view: &View, name: &str) -> u64 {
    let status = view.roles().into_iter().find(|status| status.role == role(name)).unwrap();
    status.file.map_or(0, |(version, _): (Version, _)| version.get())
}

fn with_alice(snapshot: SnapshotKey) -> (Lab, Person) {
    let lab = Lab::new(snapshot);
    let alice = Person::new("alice");
    let delegate = Changes::new().delegate(role(NAME), vec![alice.public.clone()], one(), all());
    lab.admin().publish(&delegate).unwrap();
    lab.admin_with(&[&alice]).publish(&tag("v1")).unwrap();
    (lab, alice)
}

#[test]
fn an_under_signed_role_is_vouched_for_by_its_new_key_only_on_request() {
    let (lab, alice) = with_alice(SnapshotKey::Server);
    let bob = Person::new("bob");
    let swap = Changes::new()
        .delegate(role(NAME), vec![bob.public.clone()], one(), Vec::new())
        .remove_keys(KeyScope::Role(role(NAME)), vec![alice.id.clone()]);
    let plan = lab.admin().plan(&swap).unwrap();
    assert_eq!(plan.unusable, [role(NAME)]);
    assert_eq!(plan.lost.len(), 1);
    lab.admin().publish(&swap).unwrap();
    assert_eq!(lab.view().target_from("v1", &[role(NAME)]).unwrap_err().code(), "THRESHOLD");

    let bobs = lab.client(&bob.keys);
    lab.refused(&bobs, &tag("v2"), "ROLE_UNUSABLE");
    lab.refused(&lab.client(&alice.keys), &Changes::new().witness(role(NAME)), "MISSING_KEYS");
    bobs.publish(&Changes::new().witness(role(NAME))).unwrap();
    let view = lab.view();
    assert_eq!(tags(&view, NAME), ["v1"]);
    assert_eq!(version(&view, NAME), 2);
}

#[test]
fn an_expired_role_is_witnessed_or_begun_anew() {
    for (change, left) in
        [(Changes::new().witness(role(NAME)), &["v1"][..]), (Changes::new().restart(role(NAME)), &[])]
    {
        let (mut lab, alice) = with_alice(SnapshotKey::Server);
        lab.now += YEAR * 2;
        lab.admin().publish(&Changes::new().witness(role("targets"))).unwrap();
        lab.now += YEAR + YEAR / 2;
        let view = lab.view();
        assert_eq!(view.target_from("v1", &[role(NAME)]).unwrap_err().code(), "EXPIRED");
        lab.refused(&lab.client(&alice.keys), &tag("v2"), "ROLE_UNUSABLE");
        lab.client(&alice.keys).publish(&change).unwrap();
        assert_eq!(tags(&lab.view(), NAME), left);
        assert_eq!(version(&lab.view(), NAME), 2);
    }
}

#[test]
fn only_targets_and_published_delegations_can_be_witnessed() {
    let lab = Lab::new(SnapshotKey::Local);
    for name in ["root", "snapshot", "timestamp"] {
        lab.refused(&lab.admin(), &Changes::new().witness(role(name)), "ROLE");
    }
    lab.refused(&lab.admin(), &Changes::new().restart(role("targets")), "ROLE");
    let alice = Person::new("alice");
    let delegate = Changes::new().delegate(role(NAME), vec![alice.public.clone()], one(), all());
    lab.admin().publish(&delegate).unwrap();
    lab.refused(&lab.admin_with(&[&alice]), &Changes::new().witness(role(NAME)), "ROLE_UNUSABLE");
}

#[test]
fn pc_11_what_expires_soon_is_renewed_as_far_as_the_keys_are_at_hand() {
    let (mut lab, alice) = with_alice(SnapshotKey::Local);
    let renew = Changes::new().renew(EXPIRES_SOON);
    let before = version(&lab.view(), "targets");
    lab.admin().publish(&renew).unwrap();
    assert_eq!(version(&lab.view(), "targets"), before, "nothing expires soon");

    lab.now += YEAR * 3 - EXPIRES_SOON / 2;
    let plan = lab.admin().plan(&renew).unwrap();
    let roles: Vec<_> = plan.roles.iter().map(|it| it.role.as_str()).collect();
    assert_eq!(roles, ["targets", "snapshot"]);
    let expiring: Vec<_> = plan.expiring.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(expiring, [NAME]);
    lab.admin().publish(&renew).unwrap();
    lab.admin_with(&[&alice]).publish(&renew).unwrap();
    lab.now += YEAR;
    let view = lab.view();
    assert_eq!(version(&view, "targets"), before + 1);
    assert_eq!(tags(&view, NAME), ["v1"]);
    assert_eq!(version(&view, "root"), 1);
}

#[test]
fn pc_11_a_root_near_its_end_is_renewed_with_its_key_and_does_not_hold_up_others() {
    let lab = Lab::new(SnapshotKey::Local);
    let mut late = lab;
    for _ in 0..4 {
        late.now += YEAR * 2 + YEAR / 2 - YEAR / 12;
        late.admin().publish(&Changes::new().renew(YEAR)).unwrap();
    }
    // The root of the first day ends after ten years.
    let view = late.view();
    assert_eq!(version(&view, "root"), 2);
    assert_eq!(version(&view, "targets"), 5);
}
