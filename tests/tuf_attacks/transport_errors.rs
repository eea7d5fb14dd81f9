//! TE: answers that are none, and connections that break anywhere.

use tuf_notary::{
    name::{RoleName, Slot, TargetName},
    store::MetadataStore as _,
    testkit::TufPublished,
};

use crate::{
    lab::{FOUR, Kept, Lab, keys, version},
    server::Answer,
};

/// A client that trusts the first state, and the second one: root, targets and a delegated role are newer.
fn moved_on() -> (Lab, TufPublished) {
    let mut forge = tuf_notary::testkit::TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"old");
    let mut lab = Lab::of(forge);
    lab.find("team/file").unwrap();
    lab.requests();
    lab.forge.add_target("team", "team/file", b"newer");
    lab.forge.bump("root");
    lab.forge.bump("team");
    lab.forge.bump("targets");
    let newer = lab.serve();
    (lab, newer)
}

const FILES: [&str; 4] = ["2.root.json", "timestamp.json", "3.snapshot.json", "2.targets.json"];

#[test]
fn te_01_that_there_is_no_newer_root_ends_the_chain() {
    let (lab, newer) = moved_on();
    lab.server.answer("2.root.json", Answer::Status(404));
    let set = lab.refresh().unwrap();
    assert_eq!((version(&set, "root"), version(&set, "targets")), (1, 2));
    assert_eq!(lab.requests(), FILES);
    assert_eq!(version(&lab.recovers(&newer), "root"), 2);
}

#[test]
fn te_02_any_other_answer_about_a_newer_root_aborts() {
    for (answer, code) in [
        (Answer::Status(500), "SERVER_ERROR"),
        (Answer::Status(429), "SERVER_ERROR"),
        (Answer::Status(503), "SERVER_ERROR"),
        (Answer::Status(401), "UNAUTHORIZED"),
        (Answer::Status(302), "SERVER_ERROR"),
        (Answer::Timeout, "NETWORK"),
        (Answer::Refused, "NETWORK"),
        (Answer::BreaksAfter(0), "NETWORK"),
        (Answer::BreaksAfter(100), "NETWORK"),
        (Answer::Announces(2 << 20), "TOO_LARGE"),
    ] {
        for name in ["2.root.json", "3.root.json"] {
            let (lab, newer) = moved_on();
            lab.server.answer(name, answer.clone());
            if name == "3.root.json" && matches!(answer, Answer::BreaksAfter(_) | Answer::Announces(_)) {
                continue; // there is no such file
            }
            let before = lab.kept("timestamp");
            lab.refused(code);
            assert_eq!(lab.requests().last().map(String::as_str), Some(name), "{answer:?}");
            assert_eq!(lab.kept("timestamp"), before);
            assert_eq!(lab.kept_version("root"), Some(if name == "3.root.json" { 2 } else { 1 }));
            lab.recovers(&newer);
        }
    }
}

#[test]
fn te_03_a_file_that_is_listed_and_not_there_fails_and_what_came_before_it_is_kept() {
    for (name, kept) in [("3.snapshot.json", [2, 3, 1, 1]), ("2.targets.json", [2, 3, 3, 1])] {
        let (lab, newer) = moved_on();
        lab.server.answer(name, Answer::Status(404));
        for _ in 0..2 {
            lab.refused("MISSING");
            assert_eq!(FOUR.map(|role| lab.kept_version(role).unwrap()), kept, "{name}");
        }
        lab.recovers(&newer);
        assert_eq!(FOUR.map(|role| lab.kept_version(role).unwrap()), [2, 3, 3, 2]);
    }
    let (lab, newer) = moved_on();
    lab.server.answer("timestamp.json", Answer::Status(404));
    lab.refused_and_kept("MISSING", &["timestamp", "snapshot", "targets"], &newer);
    let (lab, _) = moved_on();
    lab.server.answer("2.team.json", Answer::Status(404));
    lab.not_found("team/file", "MISSING");
    assert_eq!(lab.kept_version("team"), Some(1));
    lab.server.behave();
    assert_eq!(lab.find("team/file").unwrap().unwrap().length(), 5);
}

#[test]
fn te_04_a_body_that_ends_early_is_a_broken_connection_and_nothing_of_it_is_kept() {
    for (name, role) in FILES.into_iter().zip(FOUR) {
        let (lab, newer) = moved_on();
        lab.server.answer(name, Answer::BreaksAfter(200));
        lab.refused_and_kept("NETWORK", &[role], &newer);
    }
    let (lab, _) = moved_on();
    lab.server.answer("2.team.json", Answer::BreaksAfter(200));
    lab.not_found("team/file", "NETWORK");
    assert_eq!(lab.kept_version("team"), Some(1));
}

#[test]
fn te_05_an_empty_body_or_another_status_is_no_file() {
    for (name, role) in FILES.into_iter().zip(FOUR) {
        let (lab, newer) = moved_on();
        lab.server.put(name, b"");
        let error = lab.refresh().unwrap_err();
        assert!(["MALFORMED", "HASH_MISMATCH"].contains(&error.code()), "{name}: {error}");
        for status in [201, 204, 206, 304] {
            lab.server.answer(name, Answer::Status(status));
            lab.refused_and_kept("SERVER_ERROR", &[role], &newer);
            lab.plant("timestamp", b"x"); // asks for everything again
            lab.steal("snapshot");
            lab.steal("targets");
            if role == "root" {
                break;
            }
        }
    }
}

#[test]
fn te_06_a_page_or_an_error_document_is_no_metadata_and_leads_to_no_other_request() {
    for page in ["<html>log in</html>", r#"{"errors":[{"code":"UNKNOWN"}]}"#] {
        for (name, role) in FILES.into_iter().zip(FOUR) {
            let (lab, newer) = moved_on();
            lab.server.put(name, page);
            let error = lab.refresh().unwrap_err();
            assert!(["MALFORMED", "HASH_MISMATCH"].contains(&error.code()), "{name}: {error}");
            assert_eq!(lab.requests().last().map(String::as_str), Some(name));
            lab.refused_and_kept(error.code(), &[role], &newer);
        }
    }
}

fn slots() -> Vec<Slot> {
    let roles = FOUR.into_iter().chain(["team"]).map(|role| Slot::Metadata(RoleName::tuf(role).unwrap()));
    roles.chain([Slot::Record]).collect()
}

/// Each byte at either end of a file, and every 13th between.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (0..length).filter(move |at| *at < 20 || *at + 20 > length || at.is_multiple_of(13))
}

#[test]
fn te_10_wherever_a_connection_breaks_trust_does_not_go_back_and_the_next_run_succeeds() {
    let (mut lab, newer) = moved_on();
    let before: Vec<_> =
        slots().into_iter().map(|slot| (lab.store.read(&slot, u64::MAX).unwrap(), slot)).collect();
    let versions = |lab: &Lab| FOUR.map(|role| lab.kept_version(role).unwrap());
    for name in FILES.into_iter().chain(["2.team.json"]) {
        for at in cuts(newer.file(name).unwrap().len()) {
            lab.store = Kept::memory();
            for (bytes, slot) in &before {
                lab.store.write(slot, bytes.as_ref().unwrap()).unwrap();
            }
            lab.server.answer(name, Answer::BreaksAfter(at));
            let error = lab.find("team/file").map(drop).unwrap_err();
            assert!(error.is_unanswered(), "{name} at {at}: {error}");
            let kept = versions(&lab);
            assert!(kept.iter().zip([2, 3, 3, 2]).all(|(kept, new)| *kept == 1 || *kept == new), "{kept:?}");
            lab.server.behave();
            assert_eq!(lab.find("team/file").unwrap().unwrap().length(), 5, "{name} at {at}");
            assert_eq!(versions(&lab), [2, 3, 3, 2], "{name} at {at}");
        }
    }
}

#[test]
fn te_13_content_of_two_versions_is_neither() {
    let (old, new) = (vec![b'o'; 300_000], vec![b'n'; 300_000]);
    let mut lab = Lab::new();
    lab.forge.add_target("targets", "large", &new);
    let published = lab.serve();
    let path = published.targets().find(|(path, _)| path.ends_with(".large")).unwrap().0.to_owned();
    lab.server.put(&path, [&new[..150_000], &old[150_000..]].concat());
    let folder = tempfile::tempdir().unwrap();
    let repository = lab.repository();
    let found = repository.find(&TargetName::new("large").unwrap()).unwrap().unwrap();
    assert_eq!(repository.save_in(&found, folder.path()).unwrap_err().code(), "HASH_MISMATCH");
    assert_eq!(crate::tools::listing(folder.path()), [""; 0]);
    // Nothing is taken up where it broke off: the next attempt begins at the beginning.
    lab.server.answer(&path, Answer::BreaksAfter(150_000));
    assert_eq!(repository.save_in(&found, folder.path()).unwrap_err().code(), "NETWORK");
    lab.server.put(&path, &new[150_000..]);
    assert_eq!(repository.save_in(&found, folder.path()).unwrap_err().code(), "LENGTH_MISMATCH");
    assert_eq!(crate::tools::listing(folder.path()), [""; 0]);
    lab.server.behave();
    repository.save_in(&found, folder.path()).unwrap();
}
