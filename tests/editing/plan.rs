//! What changes would do is known before anything is sent.

use tuf_notary::{
    blocking::SnapshotKey,
    edit::{Changes, SnapshotSigner},
    keys::MemoryKeys,
};

use crate::lab::*;

#[test]
fn a_plan_names_roles_keys_and_what_is_missing_and_sends_nothing() {
    let lab = Lab::new(SnapshotKey::Local);
    let alice = Person::new("alice");
    let add = Changes::new().add_signer(signer("alice"), vec![alice.public.clone()]);
    let before = lab.server.checkpoint(&gun());
    lab.server.clear_requests();
    let plan = lab.admin().plan(&add).unwrap();
    let roles: Vec<_> = plan.roles.iter().map(|it| (it.role.as_str(), it.version.get())).collect();
    assert_eq!(roles, [("targets", 2), ("snapshot", 2)]);
    assert!(plan.missing().next().is_none() && plan.lost.is_empty() && plan.unusable.is_empty());
    assert_eq!(plan.snapshot, SnapshotSigner::Here);
    let begun: Vec<_> = plan.begun.iter().map(|it| it.as_str()).collect();
    assert_eq!(begun, ["targets/alice", "targets/releases"]);

    let plan = lab.client(&MemoryKeys::new()).plan(&add).unwrap();
    let missing: Vec<_> = plan.missing().map(|it| (it.role.as_str(), it.absent.len())).collect();
    assert_eq!(missing, [("targets", 1)]);
    assert_eq!(plan.snapshot, SnapshotSigner::Nobody);
    assert!(lab.server.checkpoint(&gun()) == before);
    assert!(lab.server.requests().iter().all(|it| it.starts_with("GET")), "{:?}", lab.server.requests());

    lab.admin().publish(&add).unwrap();
    let plan = lab.client(&alice.keys).plan(&tag("v1")).unwrap();
    assert_eq!(plan.snapshot, SnapshotSigner::Nobody);
    let roles: Vec<_> = plan.roles.iter().map(|it| it.role.as_str()).collect();
    assert_eq!(roles, ["targets/alice", "targets/releases"]);
    assert!(plan.roles.iter().all(|it| it.signing == [alice.id.clone()] && it.is_signable()));
}

#[test]
fn a_plan_names_the_tags_that_a_change_takes() {
    let lab = Lab::new(SnapshotKey::Server);
    let alice = Person::new("alice");
    lab.admin().publish(&Changes::new().add_signer(signer("alice"), vec![alice.public.clone()])).unwrap();
    lab.client(&alice.keys).publish(&tag("v1")).unwrap();
    let lost = |changes: &Changes| {
        let plan = lab.admin_with(&[&alice]).plan(changes).unwrap();
        let lost = plan.lost.iter().map(|it| format!("{}:{}", it.role, it.name));
        (lost.collect::<Vec<_>>(), plan.snapshot)
    };
    let server = SnapshotSigner::Server;
    let both = vec!["targets/alice:v1".to_owned(), "targets/releases:v1".to_owned()];
    assert_eq!(lost(&Changes::new().revoke(target("v1"))), (both, server));
    let one = |name: &str| vec![format!("{name}:v1")];
    let undelegate = Changes::new().undelegate(role("targets/releases"));
    assert_eq!(lost(&undelegate), (one("targets/releases"), server));
    let clear = Changes::new().clear_paths(role("targets/alice"));
    assert_eq!(lost(&clear), (one("targets/alice"), server));
    assert_eq!(lost(&tag("v1")), (Vec::new(), SnapshotSigner::Unchanged));
}
