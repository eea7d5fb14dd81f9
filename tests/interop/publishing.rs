//! What we publish, `notary` lists, looks up and verifies.

use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Changes,
};

use crate::{
    common::{certificates, notary_cli::NotaryCli, notary_server::NotaryServer},
    lab::*,
};

const SNAPSHOT_KEYS: [SnapshotKey; 2] = [SnapshotKey::Local, SnapshotKey::Server];

#[test]
fn what_we_sign_re_sign_revoke_and_delete_notary_says_too() {
    let test = "what_we_sign_re_sign_revoke_and_delete_notary_says_too";
    for (tls, snapshot) in SPEECHES.into_iter().flat_map(|tls| SNAPSHOT_KEYS.map(|key| (tls, key))) {
        let Some((server, notary)) = start_as(test, tls) else { return };
        let home = tempfile::tempdir().unwrap();
        let ours = ours(&server, home.path());
        let plan = Initialise::new().snapshot_key(snapshot).changes(signing([("v1", &b"one"[..])]));
        let view = ours.initialise(&plan).unwrap();
        let one = row("v1", b"one", "targets");
        agree(&notary, &view, &["targets"], std::slice::from_ref(&one));
        let looked_up = notary.lookup(GUN, "v1").ok().stdout;
        assert_eq!(looked_up, format!("v1 sha256:{} 3\n", sha256(b"one")));
        notary.verify(GUN, "v1", b"one").ok();
        notary.verify(GUN, "v1", b"onE").failed();

        let view = ours.publish(&signing([("v2", &b"two"[..]), ("v3", b"three")])).unwrap();
        let rows = [one, row("v2", b"two", "targets"), row("v3", b"three", "targets")];
        agree(&notary, &view, &["targets"], &rows);

        let change = signing([("v1", &b"uno"[..])]).revoke(target("v2"));
        let view = ours.publish(&change).unwrap();
        let rows = [row("v1", b"uno", "targets"), row("v3", b"three", "targets")];
        agree(&notary, &view, &["targets"], &rows);
        notary.lookup(GUN, "v2").failed();
        notary.verify(GUN, "v1", b"uno").ok();
        assert_eq!(ours.publish(&Changes::new().revoke(target("v2"))).unwrap_err().code(), "NOT_SIGNED");

        let before = version(&view, "targets");
        let again = ours.publish(&signing([("v1", &b"uno"[..])])).unwrap();
        assert_eq!(version(&again, "targets"), before, "what is signed already is not signed again");

        ours.delete_remote().unwrap();
        NotaryCli::new(test, &server).unwrap().list(GUN).failed();
        assert_eq!(ours.refresh().unwrap_err().code(), "NOT_SIGNED");
        ours.initialise(&Initialise::new()).unwrap();
    }
}

/// A server that signs the snapshot pins what it would write itself, and whoever publishes next
/// does the same with files that did not change: a byte that differs from Go's makes them vanish.
#[test]
fn names_and_custom_data_that_stress_the_canonical_form_reach_notary() {
    let test = "names_and_custom_data_that_stress_the_canonical_form_reach_notary";
    for snapshot in SNAPSHOT_KEYS {
        let Some((server, notary)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        stress(&server, &notary.with_trust_dir(home.path()), snapshot);
    }
}

fn stress(server: &NotaryServer, notary: &NotaryCli, snapshot: SnapshotKey) {
    let ours = ours(server, &notary.trust_dir);
    // In UTF-16 order U+1F600 would come before U+FB00; here bytes decide.
    let names = ["a<b", "x&y", "é", "\u{fb00}", "\u{1f600}", "p\u{2028}q", "quo\"te", "back\\slash"];
    let mut custom = info(b"one");
    custom.custom = Some(r#"{"z":[1,true,null],"a":{"b":"é"}}"#.to_owned());
    let changes = names.iter().fold(Changes::new(), |changes, name| changes.sign(target(name), info(b"one")));
    let changes = changes.sign(target("custom"), custom);
    ours.initialise(&Initialise::new().snapshot_key(snapshot).changes(changes)).unwrap();
    let alice = certificates::delegation(notary.home(), "alice");
    notary.key_import(&alice.key, "alice").ok();
    for round in 0..2 {
        for name in names {
            let line = format!("{name} sha256:{} 3\n", sha256(b"one"));
            assert_eq!(notary.lookup(GUN, name).ok().stdout, line);
            notary.verify(GUN, name, b"one").ok();
        }
        notary.verify(GUN, "custom", b"one").ok();
        // Notary signs again all that we wrote, and nothing of it may change.
        notary_signs(notary, &format!("by-notary-{round}"), b"two");
        let by_us = format!("by-us-{round}");
        let change = Changes::new().sign_as(role("targets"), target(&by_us), info(b"two"));
        let view = ours.publish(&change).unwrap();
        assert_eq!(view.targets().unwrap().len(), names.len() + 3 + round * 2);
        assert_eq!(view.target("custom").unwrap().custom(), Some(r#"{"a":{"b":"é"},"z":[1,true,null]}"#));
    }
    // Now targets is ours and stays as it is, while notary publishes another role.
    notary.delegation_add(GUN, "targets/alice", &alice.certificate, &[]).ok();
    notary.publish(GUN).ok();
    ours.publish(&Changes::new().sign_as(role("targets"), target("<last>"), info(b"two"))).unwrap();
    notary.add_hash_as(GUN, "targets/alice", "hers", 3, &sha256(b"two")).ok();
    notary.publish(GUN).ok();
    let view = fresh(server).refresh().unwrap();
    view.target("<last>").unwrap().verify(b"two").unwrap();
    view.target_from("hers", &[role("targets/alice")]).unwrap();
    notary.verify(GUN, "<last>", b"two").ok();
}

#[test]
fn initialising_an_existing_collection_is_refused() {
    let Some((server, notary)) = start("initialising_an_existing_collection_is_refused") else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let home = tempfile::tempdir().unwrap();
    let error = ours(&server, home.path()).initialise(&Initialise::new()).unwrap_err();
    assert_eq!(error.code(), "ALREADY_EXISTS");
    assert!(!home.path().join("private").exists(), "no key was made for nothing");
    fresh(&server).refresh().unwrap().target("v1").unwrap();
}
