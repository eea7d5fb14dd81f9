//! PC-01: what others publish in between must neither swallow a change of ours nor be undone by it.

use crate::facade::Collection;
use tuf_notary::{
    blocking::SnapshotKey,
    crypto::{PrivateKey, PublicKey},
    edit::Changes,
    keys::{KeyRole, KeyStore as _},
    name::RoleName,
    verify::DelegatedTargets,
};

use crate::publisher::*;

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

/// A delegate whose key is among the publisher's.
fn delegate(publisher: &Publisher, name: &str) -> PublicKey {
    let key = PrivateKey::generate_ecdsa().unwrap();
    let public = key.public_key().clone();
    publisher.keys.import(key, &KeyRole::delegation(), None).unwrap();
    let changes = Changes::new().delegate(
        role(name),
        vec![public.clone()],
        std::num::NonZeroU32::MIN,
        vec![String::new()],
    );
    publisher.ours().publish(&changes).unwrap();
    public
}

/// Others publish before our first upload arrives.
fn meanwhile(publisher: &Publisher, act: impl FnOnce(&Collection) + Send + 'static) {
    let other = publisher.other();
    publisher.server.before("POST", move || act(&other));
}

fn names(publisher: &Publisher, of: &str) -> Vec<String> {
    let view = publisher.seen();
    let file = match view.trusted().delegated().get(&role(of)) {
        Some(DelegatedTargets::Usable(file)) => file.body().targets.clone(),
        _ => view.trusted().targets().body().targets.clone(),
    };
    file.iter().map(|entry| entry.name.to_owned()).collect()
}

#[test]
fn pc_01_a_tag_that_others_revoke_from_one_role_is_still_revoked_from_the_other() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    delegate(&publisher, "targets/a");
    let info = sign("v1", 1);
    let tuf_notary::edit::Change::Sign { info, .. } = info.iter().next().unwrap().clone() else { panic!() };
    publisher.ours().publish(&Changes::new().sign_as(role("targets/a"), tag("v1"), info)).unwrap();
    meanwhile(&publisher, |other| {
        other.publish(&Changes::new().revoke_as(RoleName::Targets, tag("v1"))).unwrap();
    });
    let both = Changes::new().revoke_as(RoleName::Targets, tag("v1")).revoke_as(role("targets/a"), tag("v1"));
    publisher.ours().publish(&both).unwrap();
    assert!(names(&publisher, "targets/a").is_empty(), "said to be revoked, and still there");
    assert!(names(&publisher, "targets").is_empty());
}

#[test]
fn pc_01_a_delegation_that_others_have_removed_too_is_no_error() {
    let publisher = Publisher::begun(SnapshotKey::Local);
    delegate(&publisher, "targets/a");
    let remove = Changes::new().undelegate(role("targets/a"));
    let theirs = remove.clone();
    meanwhile(&publisher, move |other| drop(other.publish(&theirs).unwrap()));
    publisher.ours().publish(&remove.clone().revoke(tag("v1"))).unwrap();
    assert!(publisher.tags().is_empty(), "the rest is done");
    assert_eq!(publisher.ours().publish(&remove).unwrap_err().code(), "ROLE");
}
