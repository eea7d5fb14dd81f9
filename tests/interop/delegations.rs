//! Delegations that `notary` makes and signs.

use crate::{
    common::{certificates, notary_cli::NotaryCli},
    lab::*,
};

/// Makes a signer's key known to `notary` and delegates to it.
fn delegate(notary: &NotaryCli, signer: &str, role: &str, paths: &[&str]) {
    let certified = certificates::delegation(notary.home(), signer);
    notary.key_import(&certified.key, signer).ok();
    notary.delegation_add(GUN, role, &certified.certificate, paths).ok();
    notary.publish(GUN).ok();
}

fn sign_as(notary: &NotaryCli, role: &str, name: &str, content: &[u8]) {
    notary.add_hash_as(GUN, role, name, content.len().try_into().unwrap(), &sha256(content)).ok();
    notary.publish(GUN).ok();
}

#[test]
fn delegated_tags_are_read_and_docker_s_rule_decides() {
    let Some((server, notary)) = start("delegated_tags_are_read_and_docker_s_rule_decides") else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"by targets");
    let ours = fresh(&server);
    ours.refresh().unwrap();

    delegate(&notary, "releaser", "targets/releases", &[]);
    delegate(&notary, "alice", "targets/alice", &["a/"]);
    delegate(&notary, "carol", "targets/alice/carol", &["a/c/"]);
    sign_as(&notary, "targets/releases", "v1", b"released");
    sign_as(&notary, "targets/alice", "a/1", b"by alice");
    sign_as(&notary, "targets/alice/carol", "a/c/1", b"by carol");
    notary.add_hash_as(GUN, "targets/alice", "b/1", 3, &sha256(b"one")).ok();
    notary.publish(GUN).failed();
    notary.run(["reset", GUN, "--all"], b"").ok();

    for ours in [&ours, &fresh(&server)] {
        let view = ours.refresh().unwrap();
        view.target("v1").unwrap().verify(b"released").unwrap();
        view.target_from("v1", &[role("targets")]).unwrap().verify(b"by targets").unwrap();
        for (name, signer, content) in
            [("a/1", "targets/alice", &b"by alice"[..]), ("a/c/1", "targets/alice/carol", b"by carol")]
        {
            assert_eq!(view.target(name).unwrap_err().code(), "NOT_SIGNED");
            view.target_from(name, &[role(signer)]).unwrap().verify(content).unwrap();
        }
        let signers: Vec<_> = view.signers().into_iter().map(|signer| signer.name).collect();
        assert_eq!(signers, ["alice"]);
        let all = ["targets/releases", "targets", "targets/alice", "targets/alice/carol"];
        let expected = [
            row("a/1", b"by alice", "targets/alice"),
            row("a/c/1", b"by carol", "targets/alice/carol"),
            row("v1", b"released", "targets/releases"),
        ];
        assert_eq!(rows(&view, &all), expected);
    }

    notary.remove_as(GUN, "targets/releases", "v1").ok();
    notary.publish(GUN).ok();
    ours.refresh().unwrap().target("v1").unwrap().verify(b"by targets").unwrap();
}

#[test]
fn delegations_without_keys_and_removed_ones_are_read() {
    let Some((server, notary)) = start("delegations_without_keys_and_removed_ones_are_read") else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    delegate(&notary, "alice", "targets/alice", &[]);
    sign_as(&notary, "targets/alice", "v2", b"two");
    let ours = fresh(&server);
    let view = ours.refresh().unwrap();
    view.target_from("v2", &[role("targets/alice")]).unwrap();

    // Notary writes null where it took the last key, and where it took the last role.
    let key = &key_ids(&view, "targets/alice")[0];
    notary.run(["delegation", "remove", GUN, "targets/alice", key, "--yes"], b"").ok();
    notary.publish(GUN).ok();
    for ours in [&ours, &fresh(&server)] {
        let view = ours.refresh().unwrap();
        view.target("v1").unwrap();
        assert!(key_ids(&view, "targets/alice").is_empty());
        assert_eq!(view.target_from("v2", &[role("targets/alice")]).unwrap_err().code(), "THRESHOLD");
    }
    notary.delegation_remove(GUN, "targets/alice").ok();
    notary.publish(GUN).ok();
    for ours in [&ours, &fresh(&server)] {
        let view = ours.refresh().unwrap();
        view.target("v1").unwrap();
        assert!(view.signers().is_empty());
        assert_eq!(view.target_from("v2", &[role("targets/alice")]).unwrap_err().code(), "NOT_SIGNED");
    }
}
