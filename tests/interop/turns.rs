//! `notary` and we publish in turn, with one folder of keys.

use std::io::Read;

use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Changes,
    name::Resource,
    transport::Transport,
};

use crate::{common::certificates, lab::*};

#[test]
fn a_collection_of_ours_is_continued_by_notary_and_by_us_in_turn() {
    let test = "a_collection_of_ours_is_continued_by_notary_and_by_us_in_turn";
    for snapshot in [SnapshotKey::Local, SnapshotKey::Server] {
        let Some((server, notary)) = start(test) else { return };
        let home = tempfile::tempdir().unwrap();
        let notary = notary.with_trust_dir(home.path());
        let ours = ours(&server, home.path());
        ours.initialise(&Initialise::new().snapshot_key(snapshot)).unwrap();
        let mut expected = Vec::new();
        for round in 1..=4 {
            let (by_us, by_notary) = (format!("o{round}"), format!("n{round}"));
            ours.publish(&signing([(by_us.as_str(), &b"ours"[..])])).unwrap();
            notary_signs(&notary, &by_notary, b"notary's");
            expected.push(row(&by_us, b"ours", "targets"));
            expected.push(row(&by_notary, b"notary's", "targets"));
            expected.sort_by(|a, b| a.name.cmp(&b.name));
            agree(&notary, &ours.refresh().unwrap(), &["targets"], &expected);
        }
        // Every key that we made can be rotated by notary, and each goes on to serve us.
        let rotations = [
            ("targets", false),
            ("root", false),
            ("snapshot", false),
            ("timestamp", true),
            ("snapshot", true),
            ("targets", false),
        ];
        for (round, (role, managed)) in rotations.into_iter().enumerate() {
            notary.key_rotate(GUN, role, managed).ok();
            let tag = format!("{role}-{round}");
            let view = ours.publish(&signing([(tag.as_str(), &b"rotated"[..])])).unwrap();
            expected.push(row(&tag, b"rotated", "targets"));
            expected.sort_by(|a, b| a.name.cmp(&b.name));
            agree(&notary, &view, &["targets"], &expected);
        }
        let view = ours.publish(&Changes::new().revoke(target("n1"))).unwrap();
        expected.retain(|row| row.name != "n1");
        agree(&notary, &view, &["targets"], &expected);
        let fresh = fresh(&server).refresh().unwrap();
        assert_eq!(rows(&fresh, &["targets"]), expected);
    }
}

#[test]
fn a_collection_of_notary_is_continued_by_us_and_by_notary_in_turn() {
    let test = "a_collection_of_notary_is_continued_by_us_and_by_notary_in_turn";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "n0", b"notary's");
    let ours = ours(&server, &notary.trust_dir);
    let mut expected = vec![row("n0", b"notary's", "targets")];
    for round in 1..=3 {
        let (by_us, by_notary) = (format!("o{round}"), format!("n{round}"));
        ours.publish(&signing([(by_us.as_str(), &b"ours"[..])])).unwrap();
        notary_signs(&notary, &by_notary, b"notary's");
        expected.push(row(&by_us, b"ours", "targets"));
        expected.push(row(&by_notary, b"notary's", "targets"));
        expected.sort_by(|a, b| a.name.cmp(&b.name));
        agree(&notary, &ours.refresh().unwrap(), &["targets"], &expected);
    }
}

#[test]
fn delegated_roles_are_signed_in_turn() {
    let test = "delegated_roles_are_signed_in_turn";
    let Some((server, notary)) = start(test) else { return };
    let home = tempfile::tempdir().unwrap();
    let notary = notary.with_trust_dir(home.path());
    let ours = ours(&server, home.path());
    let plan = Initialise::new().snapshot_key(SnapshotKey::Server);
    ours.initialise(&plan.changes(signing([("v1", &b"old"[..])]))).unwrap();
    let alice = certificates::delegation(notary.home(), "alice");
    notary.key_import(&alice.key, "alice").ok();
    for role in ["targets/alice", "targets/releases"] {
        notary.delegation_add(GUN, role, &alice.certificate, &[]).ok();
    }
    notary.publish(GUN).ok();

    // Once there are delegations we sign where Docker does: in all that we have keys for.
    let both = ["targets/alice", "targets/releases"];
    for round in 1..=3 {
        let (by_us, by_notary) = (format!("o{round}"), format!("n{round}"));
        let view = ours.publish(&signing([(by_us.as_str(), &b"ours"[..])])).unwrap();
        let target = view.target(&by_us).unwrap();
        assert_eq!(target.role().as_str(), "targets/releases");
        assert_eq!(view.signers_of(&target), ["alice"]);
        for role in both {
            notary.add_hash_as(GUN, role, &by_notary, 4, &sha256(b"four")).ok();
        }
        notary.publish(GUN).ok();
        notary.verify(GUN, &by_us, b"ours").ok();
        let view = ours.refresh().unwrap();
        view.target(&by_notary).unwrap().verify(b"four").unwrap();
        view.target("v1").unwrap().verify(b"old").unwrap();
    }
    // A revocation reaches every role that has the tag; what notary revokes is gone for us.
    let view = ours.publish(&Changes::new().revoke(target("n1")).revoke(target("v1"))).unwrap();
    for name in ["n1", "v1"] {
        assert_eq!(view.target(name).unwrap_err().code(), "NOT_SIGNED");
        notary.lookup(GUN, name).failed();
    }
    for role in both {
        notary.remove_as(GUN, role, "o1").ok();
    }
    notary.publish(GUN).ok();
    assert_eq!(ours.refresh().unwrap().target("o1").unwrap_err().code(), "NOT_SIGNED");
}

#[test]
fn times_with_a_zone_are_read_and_written_on() {
    let test = "times_with_a_zone_are_read_and_written_on";
    let Some((server, mut notary)) = start(test) else { return };
    // Notary writes expiries in the local zone.
    notary.environment.insert("TZ".to_owned(), "America/New_York".to_owned());
    notary.init(GUN).ok();
    notary_signs(&notary, "n1", b"notary's");
    let transport = transport(&server, &gun());
    let mut root = String::new();
    let resource = Resource::latest(role("root"));
    transport.fetch(&resource, 1 << 20).unwrap().read_to_string(&mut root).unwrap();
    if !root.contains("-05:00\"") && !root.contains("-04:00\"") {
        eprintln!("SKIPPED in part: {test}: no time zones here");
    }
    let ours = ours(&server, &notary.trust_dir);
    ours.publish(&signing([("o1", &b"ours"[..])])).unwrap();
    notary_signs(&notary, "n2", b"notary's");
    notary.key_rotate(GUN, "targets", false).ok();
    let view = ours.publish(&signing([("o2", &b"ours"[..])])).unwrap();
    let rows: Vec<_> = [("n1", &b"notary's"[..]), ("n2", b"notary's"), ("o1", b"ours"), ("o2", b"ours")]
        .map(|(name, content)| row(name, content, "targets"))
        .into();
    agree(&notary, &view, &["targets"], &rows);
}
