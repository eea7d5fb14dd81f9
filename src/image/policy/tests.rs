use super::*;
use crate::{
    blocking::Collection,
    name::SignerName,
    testkit::{Forge, ForgeKey, TrustServer},
    verify::Trust,
    view::Freshness,
};

const GUN: &str = "registry.example.com/team/app";

fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

fn view(forge: &mut Forge) -> View {
    let (gun, server) = (forge.gun().clone(), TrustServer::new());
    server.serve(&forge.build());
    let collection = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun));
    collection.freshness(Freshness::AsOf(Forge::now())).build().refresh().unwrap()
}

fn digest(byte: u8) -> String {
    format!("sha256:{}", format!("{byte:02x}").repeat(32))
}

fn image(rest: &str) -> Reference {
    Reference::parse(&format!("{GUN}{rest}")).unwrap()
}

fn at_least(number: usize, names: &[&str]) -> Policy {
    let names = names.iter().map(|name| SignerName::new(name).unwrap());
    Policy::docker().require_signers(Quorum::new(number, names).unwrap())
}

/// The digest's byte if the image is accepted, else the code.
#[track_caller]
fn judge(policy: &Policy, view: &View, rest: &str) -> Result<u8, &'static str> {
    let pinned = policy.judge(view, &image(rest)).map_err(|error| error.code())?;
    assert_eq!(pinned.reference.to_string(), format!("{GUN}@{}", pinned.digest));
    Ok(u8::from_str_radix(&pinned.digest[7..9], 16).unwrap())
}

/// `targets/releases`, and roles of these signers with a key each; all sign `v2` for byte 2.
fn signed_by(names: &[&str]) -> Forge {
    let mut forge = Forge::new(GUN);
    for name in std::iter::once(&"releases").chain(names) {
        let role = format!("targets/{name}");
        forge.delegate("targets", &role, &[ForgeKey::ecdsa()], 1, &[""]);
        forge.add_tag(&role, "v2", 2, 20);
    }
    forge
}

#[test]
fn docker_s_rule_asks_releases_then_targets() {
    let mut forge = signed_by(&["alice"]);
    forge.add_tag("targets", "v2", 9, 9);
    forge.add_tag("targets", "latest", 7, 7);
    forge.add_tag("targets/alice", "v3", 3, 3);
    let view = view(&mut forge);
    let docker = Policy::docker();
    assert_eq!(judge(&docker, &view, ":v2"), Ok(2));
    assert_eq!(judge(&docker, &view, ":v1"), Ok(1));
    assert_eq!(judge(&docker, &view, ""), Ok(7));
    assert_eq!(judge(&docker, &view, ":v3"), Err("NOT_SIGNED"));
    assert_eq!(judge(&docker, &view, ":v4"), Err("NOT_SIGNED"));
    let pinned = docker.judge(&view, &image(":v2")).unwrap();
    assert_eq!((pinned.length, pinned.role, pinned.tag.as_str()), (20, RoleName::releases(), "v2"));
    assert_eq!(pinned.signers, ["alice"]);
}

#[test]
fn a_required_role_that_is_missing_is_never_replaced_by_targets() {
    let releases = Policy::docker().require_role(RoleName::releases());
    // Never declared.
    assert_eq!(judge(&releases, &view(&mut Forge::new(GUN)), ":v1"), Err("ROLE_REQUIRED"));
    // Declared and never published; published without the tag; with it.
    let mut forge = Forge::new(GUN);
    forge.delegate("targets", "targets/releases", &[ForgeKey::ecdsa()], 1, &[""]);
    let mut unpublished = forge.clone();
    unpublished.remove("targets/releases");
    let unpublished = view(&mut unpublished);
    assert_eq!(judge(&Policy::docker(), &unpublished, ":v1"), Ok(1), "Docker's rule falls back");
    assert_eq!(judge(&releases, &unpublished, ":v1"), Err("ROLE_REQUIRED"));
    assert_eq!(judge(&releases, &unpublished, &format!("@{}", digest(1))), Err("DIGEST_NOT_SIGNED"));
    let without = view(&mut forge);
    assert_eq!(judge(&releases, &without, ":v1"), Err("ROLE_REQUIRED"));
    assert_eq!(judge(&releases, &without, &format!(":v1@{}", digest(1))), Err("ROLE_REQUIRED"));
    assert_eq!(judge(&releases, &without, &format!("@{}", digest(1))), Err("DIGEST_NOT_SIGNED"));
    forge.add_tag("targets/releases", "v1", 4, 4);
    assert_eq!(judge(&releases, &view(&mut forge), ":v1"), Ok(4));
    // Expired: an error of its own, and no fall-back either.
    forge.expires("targets/releases", "2026-11-01T00:00:00Z");
    let expired = view(&mut forge);
    assert_eq!(judge(&releases, &expired, ":v1"), Err("EXPIRED"));
    assert_eq!(judge(&releases, &expired, &format!("@{}", digest(1))), Err("EXPIRED"));
    assert_eq!(judge(&Policy::docker(), &expired, ":v1"), Err("EXPIRED"));
}

#[test]
fn required_roles_must_all_sign_the_same_content() {
    let mut forge = signed_by(&["alice"]);
    let policy = Policy::docker().require_role(RoleName::releases()).require_role(role("targets/alice"));
    assert_eq!(judge(&policy, &view(&mut forge), ":v2"), Ok(2));
    forge.add_tag("targets/alice", "v2", 3, 20);
    assert_eq!(judge(&policy, &view(&mut forge), ":v2"), Err("ROLES_DISAGREE"));
    forge.add_tag("targets/alice", "v2", 2, 21);
    assert_eq!(judge(&policy, &view(&mut forge), ":v2"), Err("ROLES_DISAGREE"));
    // A name that only a role below signs is not signed by the role.
    let below = Policy::docker().require_role(RoleName::Targets);
    assert_eq!(judge(&below, &view(&mut forge), ":v2"), Err("ROLE_REQUIRED"));
    // With accepted roles besides, these decide and the required ones must agree.
    let both = Policy::docker().accept_roles([RoleName::Targets]).require_role(RoleName::releases());
    assert_eq!(judge(&both, &view(&mut forge), ":v1"), Err("ROLE_REQUIRED"));
    forge.add_tag("targets", "v2", 9, 20);
    assert_eq!(judge(&both, &view(&mut forge), ":v2"), Err("ROLES_DISAGREE"));
    assert_eq!(judge(&Policy::docker().accept_roles([]), &view(&mut forge), ":v1"), Err("NOT_SIGNED"));
}

#[test]
fn enough_signers_must_vouch_for_the_very_content() {
    let mut forge = signed_by(&["alice", "bob", "ci"]);
    let all = view(&mut forge);
    for number in 1..=3 {
        assert_eq!(judge(&at_least(number, &["alice", "bob", "ci"]), &all, ":v2"), Ok(2));
    }
    // The owner's word is no signer's, and an unknown signer vouches for nothing.
    assert_eq!(judge(&at_least(1, &["alice"]), &all, ":v1"), Err("SIGNERS_REQUIRED"));
    assert_eq!(judge(&at_least(1, &["mallory"]), &all, ":v2"), Err("SIGNERS_REQUIRED"));
    // Each tag is judged for itself.
    forge.add_tag("targets/releases", "v3", 3, 3);
    forge.add_tag("targets/alice", "v3", 3, 3);
    let two = at_least(2, &["alice", "bob", "ci"]);
    assert_eq!(judge(&two, &view(&mut forge), ":v3"), Err("SIGNERS_REQUIRED"));
    // Another content is no word for this one.
    forge.add_tag("targets/bob", "v3", 4, 3);
    forge.add_tag("targets/ci", "v3", 3, 4);
    let error = two.judge(&view(&mut forge), &image(":v3")).unwrap_err().to_string();
    for found in ["needs 2 of the signers alice, bob, ci, has 1", "alice vouches", "bob signs sha256:0404"] {
        assert!(error.contains(found), "{error}");
    }
    forge.add_tag("targets/bob", "v3", 3, 3);
    assert_eq!(judge(&two, &view(&mut forge), ":v3"), Ok(3));
    // Two demands are two demands.
    let names = |name| [SignerName::new(name).unwrap()];
    let also = two.require_signers(Quorum::new(1, names("ci")).unwrap());
    assert_eq!(judge(&also, &view(&mut forge), ":v3"), Err("SIGNERS_REQUIRED"));
}

#[test]
fn a_signer_counts_only_with_his_role_s_threshold_and_paths() {
    let mut forge = signed_by(&["alice"]);
    let (one, other) = (ForgeKey::ecdsa(), ForgeKey::ecdsa());
    forge.set_keys("targets/alice", &[one.clone(), other], 2);
    assert_eq!(judge(&at_least(1, &["alice"]), &view(&mut forge), ":v2"), Ok(2));
    *forge.keys("targets/alice") = vec![one];
    let view_ = view(&mut forge);
    assert_eq!(judge(&at_least(1, &["alice"]), &view_, ":v2"), Err("SIGNERS_REQUIRED"));
    assert_eq!(judge(&Policy::docker(), &view_, ":v2"), Ok(2));
    assert!(Policy::docker().judge(&view_, &image(":v2")).unwrap().signers.is_empty());

    let mut forge = signed_by(&[]);
    forge.delegate("targets", "targets/alice", &[ForgeKey::ecdsa()], 1, &["v3"]);
    forge.add_tag("targets/alice", "v2", 2, 20);
    assert_eq!(judge(&at_least(1, &["alice"]), &view(&mut forge), ":v2"), Err("SIGNERS_REQUIRED"));
    // A role below the signer's is not the signer.
    let mut forge = signed_by(&[]);
    forge.delegate("targets", "targets/alice", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.delegate("targets/alice", "targets/alice/ci", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.add_tag("targets/alice/ci", "v2", 2, 20);
    assert_eq!(judge(&at_least(1, &["alice"]), &view(&mut forge), ":v2"), Err("SIGNERS_REQUIRED"));
}

#[test]
fn dk_one_key_in_two_roles_is_one_signer() {
    let mut forge = signed_by(&["alice", "bob"]);
    let (shared, own) = (ForgeKey::ecdsa(), ForgeKey::ecdsa());
    forge.set_keys("targets/alice", std::slice::from_ref(&shared), 1);
    forge.set_keys("targets/bob", std::slice::from_ref(&shared), 1);
    let two = at_least(2, &["alice", "bob"]);
    let same = view(&mut forge);
    assert_eq!(judge(&two, &same, ":v2"), Err("SIGNERS_REQUIRED"));
    assert!(two.judge(&same, &image(":v2")).unwrap_err().to_string().contains("they count as 1"));
    assert_eq!(judge(&at_least(1, &["alice", "bob"]), &same, ":v2"), Ok(2));
    // The same key in a certificate has another id.
    forge.set_keys("targets/bob", &[shared.certified(GUN)], 1);
    assert_eq!(judge(&two, &view(&mut forge), ":v2"), Err("SIGNERS_REQUIRED"));
    // A second key that signs makes bob somebody else; one that is only listed does not.
    forge.set_keys("targets/bob", &[shared.clone(), own.clone()], 1);
    assert_eq!(judge(&two, &view(&mut forge), ":v2"), Ok(2));
    *forge.keys("targets/bob") = vec![shared];
    assert_eq!(judge(&two, &view(&mut forge), ":v2"), Err("SIGNERS_REQUIRED"));
    *forge.keys("targets/bob") = vec![own];
    assert_eq!(judge(&two, &view(&mut forge), ":v2"), Ok(2));
}

#[test]
fn a_digest_is_accepted_only_where_an_accepted_role_signs_it() {
    let mut forge = signed_by(&["alice"]);
    forge.add_tag("targets", "v2", 9, 9);
    forge.add_tag("targets/alice", "v3", 3, 3);
    forge.add_tag("targets/releases", "not a tag", 5, 5);
    let (docker, signed) = (Policy::docker(), view(&mut forge));
    let by = |rest: &str, byte| judge(&docker, &signed, &format!("{rest}@{}", digest(byte)));
    assert_eq!(by("", 2), Ok(2));
    assert_eq!(by("", 1), Ok(1));
    assert_eq!(by("", 3), Err("DIGEST_NOT_SIGNED"));
    assert_eq!(by("", 6), Err("DIGEST_NOT_SIGNED"));
    // What an earlier role gives another meaning is not what the tag means.
    assert_eq!(by("", 9), Err("DIGEST_NOT_SIGNED"));
    // What is no tag names no image.
    assert_eq!(by("", 5), Err("DIGEST_NOT_SIGNED"));
    assert_eq!(by(":v2", 2), Ok(2));
    assert_eq!(by(":v2", 1), Err("OTHER_DIGEST"));
    assert_eq!(by(":v1", 2), Err("OTHER_DIGEST"));
    assert_eq!(by(":v9", 2), Err("NOT_SIGNED"));
    let error = docker.judge(&signed, &image(&format!(":v2@{}", digest(1)))).unwrap_err().to_string();
    assert!(error.contains(&digest(1)) && error.contains(&digest(2)), "{error}");
}

#[test]
fn a_digest_is_judged_tag_by_tag() {
    // v2 is signed by alice alone, v3 by bob alone: together they have not signed one tag.
    let mut forge = signed_by(&["alice"]);
    forge.delegate("targets", "targets/bob", &[ForgeKey::ecdsa()], 1, &[""]);
    forge.add_tag("targets/releases", "v3", 2, 20);
    forge.add_tag("targets/bob", "v3", 2, 20);
    let two = at_least(2, &["alice", "bob"]);
    let asked = format!("@{}", digest(2));
    assert_eq!(judge(&two, &view(&mut forge), &asked), Err("SIGNERS_REQUIRED"));
    forge.add_tag("targets/alice", "v3", 2, 20);
    let pinned = two.judge(&view(&mut forge), &image(&asked)).unwrap();
    assert_eq!((pinned.tag.as_str(), pinned.signers), ("v3", vec!["alice".to_owned(), "bob".to_owned()]));
}

#[test]
fn a_view_of_another_collection_answers_for_nothing() {
    let view = view(&mut Forge::new(GUN));
    let other = Reference::parse("registry.example.com/team/other:v1").unwrap();
    assert_eq!(Policy::docker().judge(&view, &other).unwrap_err().code(), "WRONG_COLLECTION");
}
