//! Keys that `notary` rotates.

use tuf_notary::verify::Trust;

use crate::lab::*;

const ROTATIONS: [(&str, bool); 6] = [
    ("root", false),
    ("targets", false),
    ("snapshot", false),
    ("snapshot", true),
    ("snapshot", false),
    ("timestamp", true),
];

#[test]
fn old_and_new_clients_follow_the_rotation_of_every_key() {
    let Some((server, notary)) = start("old_and_new_clients_follow_the_rotation_of_every_key") else {
        return;
    };
    notary.init(GUN).ok();
    notary_signs(&notary, "v0", b"zero");
    let ours = fresh(&server);
    let mut before = ours.refresh().unwrap();
    let mut expected = vec![row("v0", b"zero", "targets")];
    for (round, (role, managed)) in ROTATIONS.into_iter().enumerate() {
        let what = format!("{role}, managed by the server: {managed}");
        notary.key_rotate(GUN, role, managed).ok();
        let after = ours.refresh().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_ne!(key_ids(&before, role), key_ids(&after, role), "{what}");
        assert_eq!(version(&after, "root"), version(&before, "root") + 1, "{what}");
        agree(&notary, &after, &["targets"], &expected);
        agree(&notary, &fresh(&server).refresh().unwrap(), &["targets"], &expected);

        let tag = format!("v{}", round + 1);
        notary_signs(&notary, &tag, tag.as_bytes());
        expected.push(row(&tag, tag.as_bytes(), "targets"));
        before = ours.refresh().unwrap();
        agree(&notary, &before, &["targets"], &expected);
    }
}

#[test]
fn a_client_that_was_away_walks_several_root_rotations() {
    let test = "a_client_that_was_away_walks_several_root_rotations";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let home = tempfile::tempdir().unwrap();
    let away = ours(&server, home.path());
    let first = away.refresh().unwrap();
    let first_root = first.roles().into_iter().find(|status| status.role == role("root")).unwrap();
    for _ in 0..4 {
        notary.key_rotate(GUN, "root", false).ok();
    }
    notary_signs(&notary, "v2", b"two");
    let expected = [row("v1", b"one", "targets"), row("v2", b"two", "targets")];
    let view = away.refresh().unwrap();
    assert_eq!(version(&view, "root"), 5);
    agree(&notary, &view, &["targets"], &expected);
    agree(&notary, &fresh(&server).refresh().unwrap(), &["targets"], &expected);

    // A pin holds for rotated roots too: the first key signs the newest root no more.
    let key = &first_root.keys[0];
    for id in [&key.id, &key.canonical_id] {
        let pinned = trusting(&server, Trust::Certificates(vec![id.clone()]));
        assert_eq!(pinned.refresh().unwrap_err().code(), "PIN_MISMATCH");
    }
    let newest = view.roles().into_iter().find(|status| status.role == role("root")).unwrap();
    for id in [&newest.keys[0].id, &newest.keys[0].canonical_id] {
        let pinned = trusting(&server, Trust::Certificates(vec![id.clone()]));
        agree(&notary, &pinned.refresh().unwrap(), &["targets"], &expected);
    }
}

#[test]
fn a_root_that_is_no_successor_is_refused_and_trust_stays() {
    let test = "a_root_that_is_no_successor_is_refused_and_trust_stays";
    let Some((server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let ours = fresh(&server);
    ours.refresh().unwrap();
    // The owner deletes the collection and begins again with another root key.
    notary.delete(GUN, true).ok();
    let Some(other) = crate::common::notary_cli::NotaryCli::new(test, &server) else { return };
    other.init(GUN).ok();
    notary_signs(&other, "v1", b"evil");
    let error = ours.refresh().unwrap_err();
    assert_eq!(error.code(), "ROOT_CHANGED", "{error}");
    assert!(fresh(&server).refresh().unwrap().target("v1").unwrap().verify(b"evil").is_ok());
    ours.dangerous().forget().unwrap();
    assert!(ours.refresh().unwrap().target("v1").unwrap().verify(b"evil").is_ok());
}
