//! Delegations that we make, change and end, and that `notary` uses, changes and ends in turn.

use std::{fs, num::NonZeroU32, path::Path};

use tuf_notary::{
    blocking::{Collection, Initialise, SnapshotKey},
    crypto::{KeyKind, PublicKey},
    edit::{Changes, KeyScope},
    name::KeyId,
    wire::notary::canonical_id,
};

use crate::{
    common::{
        certificates,
        notary_cli::{NotaryCli, passphrase},
        notary_server::NotaryServer,
    },
    lab::*,
};

const SNAPSHOT_KEYS: [SnapshotKey; 2] = [SnapshotKey::Local, SnapshotKey::Server];

/// What `notary delegation list` says of a role: name, paths, keys, threshold.
type Row = (String, Vec<String>, Vec<String>, String);

/// A role's further paths and keys stand on lines of their own.
fn delegations(notary: &NotaryCli) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in notary.delegation_list(GUN).ok().stdout.lines() {
        let mut words: Vec<_> = line.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
        if line.starts_with("targets/") {
            let (name, threshold) = (words.remove(0).to_owned(), words.pop().unwrap().to_owned());
            rows.push((name, Vec::new(), Vec::new(), threshold));
        }
        let Some(row) = rows.last_mut() else { continue };
        for word in words {
            let list = if word.len() == 64 { &mut row.2 } else { &mut row.1 };
            list.push(word.to_owned());
        }
    }
    rows.iter_mut().for_each(|row| row.2.sort());
    rows
}

fn listed(name: &str, paths: &[&str], people: &[&Person], threshold: &str) -> Row {
    let mut keys: Vec<_> = people.iter().map(|person| person.id.to_string()).collect();
    keys.sort();
    (name.to_owned(), paths.iter().map(|&path| path.to_owned()).collect(), keys, threshold.to_owned())
}

fn names(notary: &NotaryCli) -> Vec<String> {
    delegations(notary).into_iter().map(|row| row.0).collect()
}

/// Someone whose key `notary` has in a trust folder, and their certificate.
struct Person {
    public: PublicKey,
    id: KeyId,
    key: std::path::PathBuf,
    certificate: std::path::PathBuf,
}

fn person(folder: &Path, name: &str) -> Person {
    let certified = certificates::delegation(folder, name);
    let public = PublicKey::new(KeyKind::EcdsaX509, fs::read(&certified.certificate).unwrap());
    let id = canonical_id(&public);
    Person { public, id, key: certified.key, certificate: certified.certificate }
}

fn delegate(role_name: &str, people: &[&Person], threshold: u32, paths: &[&str]) -> Changes {
    let keys = people.iter().map(|person| person.public.clone()).collect();
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    Changes::new().delegate(role(role_name), keys, NonZeroU32::new(threshold).unwrap(), paths)
}

/// `notary` signs as a delegate.
#[track_caller]
fn notary_signs_as(notary: &NotaryCli, role: &str, name: &str, content: &[u8]) {
    notary.add_hash_as(GUN, role, name, content.len().try_into().unwrap(), &sha256(content)).ok();
    notary.publish(GUN).ok();
}

/// What new clients of ours and of notary's see in one role.
#[track_caller]
fn both_see(test: &str, server: &NotaryServer, role: &str, expected: &[(&str, &[u8])]) {
    let rows_expected: Vec<_> = expected.iter().map(|(name, content)| row(name, content, role)).collect();
    assert_eq!(rows(&fresh(server).refresh().unwrap(), &[role]), rows_expected, "ours");
    let notary = NotaryCli::new(test, server).unwrap();
    let mut listed = crate::common::notary_cli::listed(&notary.run(["list", GUN, "--roles", role], b"").ok());
    listed.retain(|listed| listed.role == role);
    assert_eq!(listed, rows_expected, "notary's");
}

/// Our administrator, sharing a trust folder with `notary`.
fn admin(server: &NotaryServer, home: &Path, snapshot: SnapshotKey) -> Collection {
    let ours = ours(server, home);
    ours.initialise(&Initialise::new().snapshot_key(snapshot).changes(signing([("v0", &b"zero"[..])])))
        .unwrap();
    ours
}

#[test]
fn what_we_delegate_notary_lists_and_signs_and_we_end() {
    let test = "what_we_delegate_notary_lists_and_signs_and_we_end";
    for snapshot in SNAPSHOT_KEYS {
        let Some((server, notary)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        let notary = notary.with_trust_dir(home.path());
        let ours = admin(&server, home.path(), snapshot);
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| person(notary.home(), name));
        for (who, name) in [(&alice, "alice"), (&bob, "bob"), (&carol, "carol")] {
            notary.key_import(&who.key, name).ok();
        }

        ours.publish(&delegate("targets/alice", &[&alice], 1, &["a/"])).unwrap();
        assert_eq!(delegations(&notary), [listed("targets/alice", &["a/"], &[&alice], "1")]);
        notary_signs_as(&notary, "targets/alice", "a/1", b"one");
        both_see(test, &server, "targets/alice", &[("a/1", b"one")]);

        ours.publish(&delegate("targets/alice", &[&bob], 1, &["b/"])).unwrap();
        ours.publish(&delegate("targets/alice/carol", &[&carol], 1, &["a/c/"])).unwrap();
        notary_signs_as(&notary, "targets/alice/carol", "a/c/1", b"carol's");
        notary_signs_as(&notary, "targets/alice", "b/1", b"bee");
        both_see(test, &server, "targets/alice/carol", &[("a/c/1", b"carol's")]);
        both_see(test, &server, "targets/alice", &[("a/1", b"one"), ("b/1", b"bee")]);

        // A role that needs two signatures is made by us alone; notary signs with both keys.
        ours.publish(&delegate("targets/two", &[&alice, &bob], 2, &[""])).unwrap();
        assert_eq!(delegations(&notary).last().unwrap().3, "2");
        notary_signs_as(&notary, "targets/two", "t", b"two");
        ours.publish(&Changes::new().sign_as(role("targets/two"), target("u"), info(b"ours"))).unwrap();
        both_see(test, &server, "targets/two", &[("t", b"two"), ("u", b"ours")]);

        let remove = Changes::new()
            .remove_keys(KeyScope::Role(role("targets/alice")), vec![alice.id.clone()])
            .remove_paths(role("targets/alice"), vec!["a/".to_owned()])
            .witness(role("targets/alice"));
        ours.publish(&remove).unwrap();
        both_see(test, &server, "targets/alice", &[("b/1", b"bee")]);
        ours.publish(&Changes::new().undelegate(role("targets/two"))).unwrap();
        ours.publish(&Changes::new().undelegate(role("targets/alice"))).unwrap();
        assert!(names(&notary).is_empty());
        notary_signs(&notary, "v1", b"by notary");
        fresh(&server).refresh().unwrap().target("v1").unwrap().verify(b"by notary").unwrap();
    }
}

#[test]
fn what_notary_delegates_we_change_and_notary_purges() {
    let test = "what_notary_delegates_we_change_and_notary_purges";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v0", b"zero");
    let ours = ours(&server, &notary.trust_dir);
    let [alice, bob, eve] = ["alice", "bob", "eve"].map(|name| person(notary.home(), name));
    for (who, name) in [(&alice, "alice"), (&bob, "bob"), (&eve, "eve")] {
        notary.key_import(&who.key, name).ok();
    }
    for role in ["targets/a", "targets/b"] {
        notary.delegation_add(GUN, role, &alice.certificate, &["a/", "b/"]).ok();
        notary.delegation_add(GUN, role, &eve.certificate, &["a/"]).ok();
        notary.publish(GUN).ok();
    }
    notary_signs_as(&notary, "targets/a", "a/1", b"one");

    // Adding what is there already changes nothing, in whatever form notary wrote it.
    let before = version(&ours.refresh().unwrap(), "targets");
    let view = ours.publish(&delegate("targets/a", &[&alice, &eve], 1, &["b/", "a/"])).unwrap();
    assert_eq!(version(&view, "targets"), before);

    let change = delegate("targets/a", &[&bob], 1, &["c/"])
        .remove_keys(KeyScope::Below(role("targets")), vec![eve.id.clone()])
        .remove_paths(role("targets/b"), vec!["b/".to_owned()]);
    ours.publish(&change).unwrap();
    let expected = [
        listed("targets/a", &["a/", "b/", "c/"], &[&alice, &bob], "1"),
        listed("targets/b", &["a/"], &[&alice], "1"),
    ];
    assert_eq!(delegations(&notary), expected);

    ours.publish(&delegate("targets/b", &[&bob], 1, &[])).unwrap();
    notary.run(["delegation", "purge", GUN, "--key", alice.id.as_str()], b"").ok();
    notary.publish(GUN).ok();
    let view = ours.refresh().unwrap();
    for role in ["targets/a", "targets/b"] {
        assert_eq!(key_ids(&view, role), [bob.id.to_string()]);
    }
    notary.delegation_remove(GUN, "targets/b").ok();
    notary.publish(GUN).ok();
    ours.publish(&delegate("targets/b", &[&eve], 1, &[""])).unwrap();
    assert_eq!(names(&notary), ["targets/a", "targets/b"]);
}

#[test]
fn each_witnesses_what_the_other_left_under_signed() {
    let test = "each_witnesses_what_the_other_left_under_signed";
    for snapshot in SNAPSHOT_KEYS {
        let Some((server, notary)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        let notary = notary.with_trust_dir(home.path());
        let ours = admin(&server, home.path(), snapshot);
        let [alice, bob] = ["alice", "bob"].map(|name| person(notary.home(), name));
        notary.key_import(&alice.key, "alice").ok();
        notary.key_import(&bob.key, "bob").ok();
        ours.publish(&delegate("targets/r", &[&alice], 1, &[""])).unwrap();
        ours.publish(&Changes::new().sign_as(role("targets/r"), target("v1"), info(b"one"))).unwrap();

        // Notary replaces the key: the file is alice's still, and bob vouches for it through us.
        notary.delegation_add(GUN, "targets/r", &bob.certificate, &[]).ok();
        notary.run(["delegation", "remove", GUN, "targets/r", alice.id.as_str(), "--yes"], b"").ok();
        notary.publish(GUN).ok();
        let view = fresh(&server).refresh().unwrap();
        assert_eq!(view.target_from("v1", &[role("targets/r")]).unwrap_err().code(), "THRESHOLD");
        let sign = Changes::new().sign_as(role("targets/r"), target("v2"), info(b"two"));
        assert_eq!(ours.publish(&sign).unwrap_err().code(), "ROLE_UNUSABLE");
        ours.publish(&Changes::new().witness(role("targets/r"))).unwrap();
        both_see(test, &server, "targets/r", &[("v1", b"one")]);

        // The other way round.
        let swap = delegate("targets/r", &[&alice], 1, &[])
            .remove_keys(KeyScope::Role(role("targets/r")), vec![bob.id.clone()]);
        ours.publish(&swap).unwrap();
        notary.witness(GUN, "targets/r").ok();
        notary.publish(GUN).ok();
        both_see(test, &server, "targets/r", &[("v1", b"one")]);
        ours.publish(&sign).unwrap();
        both_see(test, &server, "targets/r", &[("v1", b"one"), ("v2", b"two")]);
    }
}

/// A trust folder that holds a delegate's key and nothing else.
fn delegate_s_folder(test: &str, server: &NotaryServer, who: &Person) -> NotaryCli {
    let mut notary = NotaryCli::new(test, server).unwrap();
    notary.environment.retain(|name, _| name.contains("DELEGATION"));
    notary.key_import(&who.key, "delegation").ok();
    notary
}

#[test]
fn a_delegate_s_machine_publishes_without_any_other_key() {
    let test = "a_delegate_s_machine_publishes_without_any_other_key";
    for snapshot in SNAPSHOT_KEYS {
        let Some((server, notary)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        let ours_admin = admin(&server, home.path(), snapshot);
        let alice = person(notary.home(), "alice");
        let signer = Changes::new().add_signer("alice".parse().unwrap(), vec![alice.public.clone()]);
        ours_admin.publish(&signer).unwrap();

        let folder = delegate_s_folder(test, &server, &alice);
        assert!(!passphrase("delegation").is_empty());
        let ours = ours(&server, &folder.trust_dir);
        let sign = signing([("v1", &b"one"[..])]);
        if snapshot == SnapshotKey::Local {
            let error = ours.publish(&sign).unwrap_err();
            assert_eq!(error.code(), "MISSING_KEYS");
            assert!(error.to_string().contains("snapshot"), "{error}");
            continue;
        }
        let view = ours.publish(&sign).unwrap();
        assert_eq!(view.signers_of(&view.target("v1").unwrap()), ["alice"]);
        for role in ["targets/alice", "targets/releases"] {
            notary_signs_as(&folder, role, "v2", b"two");
            both_see(test, &server, role, &[("v1", b"one"), ("v2", b"two")]);
        }
        assert_eq!(ours_admin.refresh().unwrap().target("v2").unwrap().role().as_str(), "targets/releases");
    }
}

#[test]
fn a_role_that_comes_back_does_not_bring_its_old_targets() {
    let test = "a_role_that_comes_back_does_not_bring_its_old_targets";
    for (snapshot, by_notary) in SNAPSHOT_KEYS.into_iter().flat_map(|key| [(key, false), (key, true)]) {
        let Some((server, notary)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        let notary = notary.with_trust_dir(home.path());
        let ours = admin(&server, home.path(), snapshot);
        let alice = person(notary.home(), "alice");
        let back = delegate("targets/r", &[&alice], 1, &[""]);
        ours.publish(&back).unwrap();
        notary.key_import(&alice.key, "alice").ok();
        ours.publish(&Changes::new().sign_as(role("targets/r"), target("old"), info(b"old"))).unwrap();
        match by_notary {
            true => {
                notary.delegation_remove(GUN, "targets/r").ok();
                notary.publish(GUN).ok();
            }
            false => drop(ours.publish(&Changes::new().undelegate(role("targets/r"))).unwrap()),
        }
        ours.publish(&back).unwrap();
        both_see(test, &server, "targets/r", &[]);
        notary_signs_as(&notary, "targets/r", "new", b"new");
        ours.publish(&Changes::new().sign_as(role("targets/r"), target("newer"), info(b"newer"))).unwrap();
        both_see(test, &server, "targets/r", &[("new", b"new"), ("newer", b"newer")]);
    }
}

#[test]
fn signers_come_sign_and_go_while_the_tags_of_others_stay() {
    let test = "signers_come_sign_and_go_while_the_tags_of_others_stay";
    let Some((server, notary)) = start(test) else { return };
    let home = tempfile::tempdir().unwrap();
    let notary = notary.with_trust_dir(home.path());
    let ours = admin(&server, home.path(), SnapshotKey::Server);
    let [alice, bob] = ["alice", "bob"].map(|name| person(notary.home(), name));
    let add =
        |name: &str, who: &Person| Changes::new().add_signer(name.parse().unwrap(), vec![who.public.clone()]);
    ours.publish(&add("alice", &alice)).unwrap();
    ours.publish(&add("bob", &bob)).unwrap();
    assert_eq!(names(&notary), ["targets/alice", "targets/bob", "targets/releases"]);
    let folders = [&alice, &bob].map(|who| delegate_s_folder(test, &server, who));
    for (folder, signer, name) in [
        (&folders[1], "targets/bob", "b"),
        (&folders[0], "targets/alice", "a"),
        (&folders[0], "targets/alice", "c"),
    ] {
        for role in [signer, "targets/releases"] {
            notary_signs_as(folder, role, name, name.as_bytes());
        }
    }
    let remove = Changes::new().remove_signer("alice".parse().unwrap(), false);
    assert_eq!(ours.publish(&remove).unwrap_err().code(), "MISSING_KEYS");
    notary.key_import(&bob.key, "bob").ok();
    let plan = ours.plan(&remove).unwrap();
    assert!(plan.missing().next().is_none());
    let lost: Vec<_> = plan.lost.iter().map(|it| format!("{}:{}", it.role, it.name)).collect();
    let expected = ["targets/alice:a", "targets/alice:c", "targets/releases:a", "targets/releases:c"];
    assert_eq!(lost, expected);
    ours.publish(&remove).unwrap();
    both_see(test, &server, "targets/releases", &[("b", b"b")]);
    both_see(test, &server, "targets/bob", &[("b", b"b")]);
    notary_signs_as(&folders[1], "targets/releases", "d", b"d");
    both_see(test, &server, "targets/releases", &[("b", b"b"), ("d", b"d")]);
}
