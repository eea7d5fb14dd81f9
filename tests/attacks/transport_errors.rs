//! Answers that are none, and connections that break anywhere.

use std::time::{Duration, Instant};

use tuf_notary::{
    error::Error,
    name::{RoleName, Slot},
    store::{MemoryStore, MetadataStore},
    testkit::{Fault, Published},
    transport::TransportError,
};

use crate::lab::*;

const ROLES: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

/// A client that trusts the first state, and the second one.
fn moved_on() -> (Lab, Published) {
    let mut lab = Lab::trusting();
    lab.forge.add_tag("targets", "v9", 9, 9);
    lab.forge.bump("targets");
    let newer = lab.serve();
    (lab, newer)
}

#[test]
fn te_06_a_page_or_an_error_document_is_no_metadata_and_sends_nobody_to_the_root() {
    for page in ["<html>log in</html>", r#"{"errors":[{"code":"UNKNOWN"}]}"#, ""] {
        let mut lab = Lab::new();
        let healthy = lab.serve();
        let serve = |name: &str| Fault::Serve { name: name.to_owned(), bytes: page.as_bytes().to_vec() };
        lab.server.misbehave(&lab.gun(), serve("root.json"));
        lab.refused_and_kept("MALFORMED", &ROLES, &healthy);

        let (lab, newer) = moved_on();
        lab.server.misbehave(&lab.gun(), serve("timestamp.json"));
        lab.server.clear_requests();
        let before: Vec<_> = ROLES.map(|role| lab.kept(role)).into();
        lab.refused("MALFORMED");
        assert!(lab.server.requests().iter().all(|it| !it.contains("root")), "{:?}", lab.server.requests());
        assert_eq!(Vec::from(ROLES.map(|role| lab.kept(role))), before);
        lab.refused_and_kept("MALFORMED", &ROLES, &newer);
    }
}

#[test]
fn te_07_an_outage_at_the_root_says_so_and_is_not_absence() {
    for status in [500, 502, 503, 504] {
        let mut lab = Lab::new();
        let healthy = lab.serve();
        lab.server.misbehave(&lab.gun(), Fault::Fail { role: Some(RoleName::Root), status });
        let error = lab.refused_and_kept("SERVER_ERROR", &ROLES, &healthy);
        assert!(error.is_unanswered() && error.is_retryable() && !error.is_not_found(), "{error}");
        assert!(
            matches!(error, Error::Transport(TransportError::Status { status: seen, .. }) if seen == status)
        );
    }
}

#[test]
fn te_08_a_root_that_is_not_there_is_absence_and_can_be_begun() {
    let mut lab = Lab::new();
    let error = lab.refresh().unwrap_err();
    assert!(error.is_not_found() && !error.is_unanswered() && !error.is_untrusted(), "{error}");
    assert_eq!(ROLES.map(|role| lab.kept(role)), [None, None, None, None]);
    lab.serve();
    lab.refresh().unwrap();
}

#[test]
fn te_10_wherever_a_connection_breaks_trust_does_not_go_back_and_the_next_run_succeeds() {
    let (mut lab, newer) = moved_on();
    let slots =
        || [Slot::Record].into_iter().chain(ROLES.map(|role| Slot::Metadata(RoleName::new(role).unwrap())));
    let before: Vec<_> =
        slots().map(|slot| (slot.clone(), lab.store.read(&slot, u64::MAX).unwrap())).collect();
    let undisturbed = {
        let view = lab.refresh().unwrap();
        ROLES.map(|role| Lab::version(&view, role))
    };
    for (role, length) in ROLES.into_iter().skip(1).flat_map(|role| cuts(&newer, role)) {
        lab.store = MemoryStore::new();
        for (slot, bytes) in &before {
            if let Some(bytes) = bytes {
                lab.store.write(slot, bytes).unwrap();
            }
        }
        let fault = Fault::Truncate { role: RoleName::new(role).unwrap(), length };
        lab.server.misbehave(&lab.gun(), fault);
        let error = lab.refresh().map(|_| ()).unwrap_err();
        assert!(error.is_unanswered(), "{role} at {length}: {error}");
        lab.server.behave(&lab.gun());
        let view = lab.refresh().unwrap_or_else(|error| panic!("{role} at {length}: {error}"));
        assert_eq!(ROLES.map(|role| Lab::version(&view, role)), undisturbed, "{role} at {length}");
    }
}

/// Each byte at either end of a role's file, and every 13th between.
fn cuts(published: &Published, role: &'static str) -> Vec<(&'static str, usize)> {
    let name = format!("{role}.json");
    let length = published.files().find(|(it, _)| *it == name).unwrap().1.len();
    let is_cut = |at: &usize| *at < 40 || *at + 40 > length || at.is_multiple_of(13);
    (0..length).filter(is_cut).map(|at| (role, at)).collect()
}

#[test]
fn sl_05_a_refresh_of_many_slow_files_ends() {
    let mut lab = Lab::trusting();
    for _ in 0..20 {
        let keys = lab.forge.keys("root").clone();
        lab.forge.rotate_root(&keys, 1);
        lab.serve();
    }
    let newest = lab.serve().newest("root");
    lab.server.misbehave(&lab.gun(), Fault::Delay(Duration::from_millis(20)));
    lab.limits.max_duration = Duration::from_millis(100);
    let begun = Instant::now();
    let error = lab.refresh().unwrap_err();
    assert!(
        matches!(&error, Error::Transport(TransportError::Timeout { phase: "refresh", .. })),
        "{error:?}"
    );
    assert!(error.is_retryable() && begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
    lab.limits.max_duration = Duration::from_secs(60);
    lab.refresh().unwrap();
    assert_eq!(lab.kept("root"), Some(newest));
}
