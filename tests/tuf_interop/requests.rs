//! What a client asks for, and what it doesn't ask for again.

use std::{fs, path::Path};

use tuf_notary::view::FoundTarget;

use super::lab::*;
use crate::common::python_tuf::{Outcome, PythonTuf, Served, Written};

/// Consistent snapshots and not; delegations in a tree, along two ways, by prefixes of digests, in bins; odd names.
const SHAPES: [&str; 8] = [
    "minimal",
    "consistent-off",
    "delegation-preorder",
    "delegation-consistent-off",
    "delegation-diamond",
    "delegation-bins-3",
    "delegation-role-names",
    "meta-hashes-and-lengths",
];

#[test]
fn an_unchanged_repository_costs_two_requests() {
    let Some(python) = PythonTuf::find("an_unchanged_repository_costs_two_requests") else { return };
    for shape in SHAPES {
        let (_folder, written, served) = serve(&python, shape);
        for facade in FACADES {
            let store = tempfile::tempdir().unwrap();
            let client = client(facade, &written, &served, store.path());
            client.check(&written);
            served.requests();
            client.check_refresh(&written);
            assert_eq!(served.requests(), ["/metadata/2.root.json", "/metadata/timestamp.json"], "{shape}");
            client_again(facade, &written, &served, store.path());
        }
    }
}

/// Another process with the same store.
fn client_again(facade: Facade, written: &Written, served: &Served, store: &Path) {
    let client = client(facade, written, served, store);
    client.check_refresh(written);
    assert_eq!(served.requests(), ["/metadata/2.root.json", "/metadata/timestamp.json"]);
    look_up(&client, written);
    assert_eq!(served.requests(), [""; 0], "{}: delegated roles come from the store", written.expected.shape);
}

#[test]
fn a_delegated_role_is_fetched_once() {
    let Some(python) = PythonTuf::find("a_delegated_role_is_fetched_once") else { return };
    for shape in SHAPES {
        let (_folder, written, served) = serve(&python, shape);
        for (facade, kept) in FACADES.iter().flat_map(|facade| [(*facade, true), (*facade, false)]) {
            let store = tempfile::tempdir().unwrap();
            let place = Place::Url(served.url());
            let client = Client::new(facade, &place, written.root(), kept.then_some(store.path()));
            client.check_refresh(&written);
            look_up(&client, &written);
            let mut asked = served.requests();
            asked.sort();
            let all = asked.len();
            asked.dedup();
            assert_eq!(asked.len(), all, "{shape}: {asked:?}");
            look_up(&client, &written);
            assert_eq!(served.requests(), [""; 0], "{shape}");
        }
    }
}

#[test]
fn a_filled_store_answers_offline() {
    let Some(python) = PythonTuf::find("a_filled_store_answers_offline") else { return };
    for shape in SHAPES {
        let (_folder, written, served) = serve(&python, shape);
        for facade in FACADES {
            let (store, downloads) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let online = client(facade, &written, &served, store.path());
            online.check_refresh(&written);
            let saved: Vec<_> = look_up(&online, &written);
            saved.iter().for_each(|found| drop(online.save_in(found, downloads.path()).unwrap()));
            assert_ne!(served.requests(), [""; 0]);

            let offline = Client::offline(facade, &Place::Url(served.url()), written.root(), store.path());
            offline.check_refresh(&written);
            assert_eq!(look_up(&offline, &written), saved, "{shape}");
            saved.iter().for_each(|found| drop(offline.save_in(found, downloads.path()).unwrap()));
            assert_eq!(served.requests(), [""; 0], "{shape}");
        }
    }
}

#[test]
fn an_empty_store_does_not_answer_offline() {
    let Some(python) = PythonTuf::find("an_empty_store_does_not_answer_offline") else { return };
    let (_folder, written, served) = serve(&python, "minimal");
    for facade in FACADES {
        let store = tempfile::tempdir().unwrap();
        let offline = || Client::offline(facade, &Place::Url(served.url()), written.root(), store.path());
        let error = offline().refresh().unwrap_err();
        assert!(error.is_unanswered() && !error.is_not_found(), "{error:?}");
        // The top-level roles are known, A is not.
        client(facade, &written, &served, store.path()).check_refresh(&written);
        served.requests();
        let client = offline();
        assert!(client.find("file.txt").unwrap().is_some());
        let error = client.find("a/file.txt").unwrap_err();
        assert!(error.is_unanswered() && !error.is_not_found(), "{error:?}");
        assert_eq!(served.requests(), [""; 0]);
    }
}

#[test]
fn a_saved_target_is_asked_for_once() {
    let Some(python) = PythonTuf::find("a_saved_target_is_asked_for_once") else { return };
    for shape in ["minimal", "consistent-off", "targets-sha512", "targets-both-hashes"] {
        let (_folder, written, served) = serve(&python, shape);
        for facade in FACADES {
            let (store, downloads) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let client = client(facade, &written, &served, store.path());
            for found in look_up(&client, &written) {
                served.requests();
                let path = client.save_in(&found, downloads.path()).unwrap();
                assert_eq!(served.requests(), [format!("/targets/{}", found.paths()[0])], "{shape}");
                assert_eq!(client.save_in(&found, downloads.path()).unwrap(), path);
                assert_eq!(served.requests(), [""; 0], "{shape}");
                // What is there is looked at, not trusted.
                let good = fs::read(&path).unwrap();
                fs::write(&path, b"something else").unwrap();
                client.save_in(&found, downloads.path()).unwrap();
                assert_eq!(served.requests().len(), 1, "{shape}");
                assert_eq!(fs::read(&path).unwrap(), good);
            }
        }
    }
}

fn client(facade: Facade, written: &Written, served: &Served, store: &Path) -> Client {
    Client::new(facade, &Place::Url(served.url()), written.root(), Some(store))
}

/// Looks all targets up.
fn look_up(client: &Client, written: &Written) -> Vec<FoundTarget> {
    let targets = written.expected.targets.iter();
    targets.filter(|it| it.result != Outcome::Refused).filter_map(|it| client.check_find(it)).collect()
}
