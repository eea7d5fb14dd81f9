//! What the real server refuses.

use std::io::Read;

use tuf_notary::{
    blocking::Initialise,
    error::Error,
    name::{Resource, RoleName},
    transport::{Transport, TransportError, Upload},
};

use crate::lab::*;

fn newest(transport: &dyn Transport, role: &RoleName) -> Vec<u8> {
    let mut bytes = Vec::new();
    transport.fetch(&Resource::latest(role.clone()), 1 << 20).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn refused(transport: &dyn Transport, files: Vec<(RoleName, Vec<u8>)>) -> (String, String) {
    let error = transport.publish(&Upload::new(files)).unwrap_err();
    let TransportError::Rejected { code, message } = &error else { panic!("{error}") };
    let words = (code.clone(), message.clone());
    let error = Error::from(error);
    assert_eq!(error.code(), "REJECTED");
    assert!(!error.is_unanswered() && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains(&words.0), "{error}");
    words
}

#[test]
fn a_stale_version_is_rejected_with_the_server_s_code() {
    let Some((server, _notary)) = start("a_stale_version_is_rejected_with_the_server_s_code") else { return };
    let home = tempfile::tempdir().unwrap();
    let ours = ours(&server, home.path());
    ours.initialise(&Initialise::new().changes(signing([("v1", &b"one"[..])]))).unwrap();
    let transport = transport(&server, &gun());
    let stale: Vec<_> = [RoleName::Targets, RoleName::Snapshot]
        .map(|role| (role.clone(), newest(&transport, &role)))
        .into_iter()
        .collect();
    ours.publish(&signing([("v2", &b"two"[..])])).unwrap();
    assert_eq!(refused(&transport, stale).0, "VERSION");
    ours.refresh().unwrap().target("v2").unwrap();
}

#[test]
fn files_that_do_not_hold_together_are_rejected_with_the_server_s_words() {
    let test = "files_that_do_not_hold_together_are_rejected_with_the_server_s_words";
    let Some((server, _notary)) = start(test) else { return };
    let (mine, strange) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mine = ours(&server, mine.path());
    mine.initialise(&Initialise::new()).unwrap();
    let transport = transport(&server, &gun());
    let Some((other, _notary)) = start(test) else { return };
    ours(&other, strange.path()).initialise(&Initialise::new()).unwrap();
    let foreign = crate::lab::transport(&other, &gun());

    let (code, words) = refused(&transport, vec![(RoleName::Targets, newest(&foreign, &RoleName::Targets))]);
    assert!(code == "INVALID_UPDATE" && words.contains("ErrBadTargets"), "{code} {words}");
    let (code, words) = refused(&transport, vec![(RoleName::Root, newest(&foreign, &RoleName::Root))]);
    assert!(code == "INVALID_UPDATE" && words.contains("ErrBadRoot"), "{code} {words}");
    let (code, _) = refused(&transport, vec![(RoleName::Targets, b"{".to_vec())]);
    assert_eq!(code, "MALFORMED_JSON");
    mine.publish(&signing([("v1", &b"one"[..])])).unwrap();
}

#[test]
fn an_unknown_collection_is_not_signed() {
    let Some((server, _notary)) = start("an_unknown_collection_is_not_signed") else { return };
    let home = tempfile::tempdir().unwrap();
    let ours = ours(&server, home.path());
    for error in [ours.refresh().unwrap_err(), ours.publish(&signing([("v1", &b"one"[..])])).unwrap_err()] {
        assert!(error.is_not_found() && error.code() == "NOT_SIGNED", "{error}");
    }
    assert!(!home.path().join("private").exists());
}

#[test]
fn a_collection_that_was_deleted_behind_our_back_is_not_trusted_from_the_cache() {
    let test = "a_collection_that_was_deleted_behind_our_back_is_not_trusted_from_the_cache";
    let Some((mut server, notary)) = start(test) else { return };
    notary.init(GUN).ok();
    notary_signs(&notary, "v1", b"one");
    let ours = fresh(&server);
    ours.refresh().unwrap();
    notary.delete(GUN, true).ok();
    let error = ours.refresh().unwrap_err();
    assert!(!error.is_unanswered(), "the server did answer: {error}");
    server.stop();
    let error = ours.refresh().unwrap_err();
    assert!(error.is_unanswered() && error.code() == "NETWORK", "{error}");
}
