//! Repositories that change: from an earlier state to a later one, and never back.

use std::{fs, path::Path};

use super::lab::*;
use crate::common::python_tuf::{PythonTuf, Written};

/// The shapes that have an earlier state.
pub const CHANGING: [&str; 6] = [
    "recovery-snapshot",
    "recovery-targets",
    "recovery-timestamp",
    "recovery-timestamp-a-b-a",
    "roots-consistent-switched",
    "update",
];

/// A repository whose folder and URL stay while its state changes.
struct Live {
    folder: tempfile::TempDir,
    written: Written,
    before: Written,
}

impl Live {
    fn new(python: &PythonTuf, shape: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let written = python.write(shape, &folder.path().join("written"));
        let before = written.before().expect(shape);
        Self { folder, written, before }
    }

    fn turn_into(&self, state: &Written) {
        let link = self.folder.path().join("live");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&state.folder, link).unwrap();
    }

    /// The ways to it, once a server serves the whole folder.
    fn places(&self, url: &str) -> [Place; 2] {
        [Place::Url(format!("{url}/live")), Place::Folder(self.folder.path().join("live"))]
    }

    fn client(&self, facade: Facade, place: &Place, store: Option<&Path>) -> Client {
        Client::new(facade, place, self.written.root(), store)
    }
}

#[test]
fn an_earlier_state_leads_to_the_later_one() {
    let Some(python) = PythonTuf::find("an_earlier_state_leads_to_the_later_one") else { return };
    each_change(&python, |live, facade, place| {
        // One handle, which keeps all in memory.
        let client = live.client(facade, place, None);
        live.turn_into(&live.before);
        client.check(&live.before);
        live.turn_into(&live.written);
        client.check(&live.written);
        // Another process later on.
        let store = tempfile::tempdir().unwrap();
        for state in [&live.before, &live.written] {
            live.turn_into(state);
            live.client(facade, place, Some(store.path())).check(state);
        }
    });
}

#[test]
fn no_way_leads_back() {
    let Some(python) = PythonTuf::find("no_way_leads_back") else { return };
    each_change(&python, |live, facade, place| {
        let store = tempfile::tempdir().unwrap();
        let stored = || live.client(facade, place, Some(store.path()));
        let handle = live.client(facade, place, None);
        live.turn_into(&live.before);
        handle.check_refresh(&live.before);
        stored().check_refresh(&live.before);
        live.turn_into(&live.written);
        handle.check_refresh(&live.written);
        stored().check_refresh(&live.written);

        live.turn_into(&live.before);
        for client in [&handle, &stored()] {
            let error = client.refresh().expect_err(&live.written.expected.shape);
            assert!(error.is_untrusted(), "{}: {error:?}", live.written.expected.shape);
        }
        live.turn_into(&live.written);
        handle.check(&live.written);
        stored().check(&live.written);
    });
}

#[test]
fn a_saved_target_is_replaced_when_it_changes() {
    let Some(python) = PythonTuf::find("a_saved_target_is_replaced_when_it_changes") else { return };
    let live = Live::new(&python, "update");
    for facade in FACADES {
        let downloads = tempfile::tempdir().unwrap();
        let client = live.client(facade, &Place::Folder(live.folder.path().join("live")), None);
        for (state, content) in [(&live.before, "file.txt of targets\n"), (&live.written, "changed\n")] {
            live.turn_into(state);
            client.check_refresh(state);
            let path = client.save_in(&client.find("file.txt").unwrap().unwrap(), downloads.path()).unwrap();
            assert_eq!(path, downloads.path().join("file.txt"));
            assert_eq!(fs::read_to_string(path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(downloads.path()).unwrap().count(), 1, "nothing else is left");
    }
}

fn each_change(python: &PythonTuf, check: impl Fn(&Live, Facade, &Place)) {
    for shape in CHANGING {
        let live = Live::new(python, shape);
        let served = python.serve(live.folder.path());
        for facade in FACADES {
            live.places(&served.url()).iter().for_each(|place| check(&live, facade, place));
        }
    }
}
