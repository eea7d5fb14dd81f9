//! Every shape, from the folder and over HTTP, through both façades.

use std::{
    collections::BTreeSet,
    fs,
    panic::{self, AssertUnwindSafe},
    thread,
};

use super::{changes::CHANGING, lab::*};
use crate::common::python_tuf::{Outcome, PythonTuf, Served, Target, Written};

#[test]
fn every_shape_is_read() {
    let Some(python) = PythonTuf::find("every_shape_is_read") else { return };
    let folder = tempfile::tempdir().unwrap();
    let all = python.write_all(folder.path());
    let changing = all.iter().filter(|it| it.before().is_some()).map(|it| it.expected.shape.as_str());
    assert_eq!(changing.collect::<BTreeSet<_>>(), CHANGING.into());

    let failed: Vec<_> = thread::scope(|scope| {
        let each = FACADES.map(|facade| {
            let (all, served) = (&all, python.serve(folder.path()));
            scope.spawn(move || {
                let over_http = failing(all, |written| over_http(facade, &served, written));
                let from_folder = failing(all, |written| from_folder(facade, written));
                format!("{facade:?}: over HTTP {over_http:?}, from the folder {from_folder:?}")
            })
        });
        each.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let none = FACADES.map(|facade| format!("{facade:?}: over HTTP [], from the folder []"));
    assert_eq!(failed, none);
}

/// The shapes for which a check panics.
fn failing(all: &[Written], check: impl Fn(&Written)) -> Vec<&str> {
    let fails = |written: &&Written| panic::catch_unwind(AssertUnwindSafe(|| check(written))).is_err();
    all.iter().filter(fails).map(|written| written.expected.shape.as_str()).collect()
}

fn from_folder(facade: Facade, written: &Written) {
    let store = tempfile::tempdir().unwrap();
    Client::new(facade, &Place::Folder(written.folder.clone()), written.root(), Some(store.path()))
        .check(written);
}

/// The requests are judged too: none too many, and roles in the order of the walk.
fn over_http(facade: Facade, served: &Served, written: &Written) {
    let (store, shape) = (tempfile::tempdir().unwrap(), &written.expected.shape);
    served.requests(); // what a failed check has left
    let requests = || {
        let below = |path: String| path.strip_prefix(&format!("/{shape}")).expect("below").to_owned();
        served.requests().into_iter().map(below).collect::<Vec<_>>()
    };
    let place = Place::Url(format!("{}/{shape}", served.url()));
    let client = Client::new(facade, &place, written.root(), Some(store.path()));
    client.check_refresh(written);
    assert_eq!(requests(), workflow(written), "{shape}");

    let mut known = BTreeSet::new();
    for target in &written.expected.targets {
        let found = client.check_find(target);
        assert_eq!(requests(), walk(written, target, &mut known), "{shape}: {target:?}");
        if let Some(found) = found {
            client.check_content(target, &found);
            assert_eq!(requests(), content(written, target), "{shape}: {target:?}");
        }
    }
}

/// What a first refresh asks for.
fn workflow(written: &Written) -> Vec<String> {
    let newest = written.expected.versions["root"];
    let roots = (2..=newest + 1).map(|version| format!("{version}.root.json"));
    let files = ["timestamp", "snapshot", "targets"].map(|role| file(written, role));
    roots.chain(files).map(|file| format!("/metadata/{file}")).collect()
}

/// What a look-up asks for: roles that none before has brought. One that does not hold is asked for
/// although it is known, for what is known may be damaged.
fn walk<'t>(written: &Written, target: &'t Target, known: &mut BTreeSet<&'t str>) -> Vec<String> {
    let refused = target.visited.last().filter(|_| target.result == Outcome::Refused);
    let new = target.visited.iter().filter(|role| known.insert(role.as_str()) || Some(*role) == refused);
    new.map(|role| format!("/metadata/{}", file(written, role))).collect()
}

/// The name of a role's file in the repository.
fn file(written: &Written, role: &str) -> String {
    let name = encoded(role);
    match role {
        "timestamp" => format!("{name}.json"),
        _ if !written.expected.consistent_snapshot => format!("{name}.json"),
        "snapshot" => format!("{}.snapshot.json", written.expected.versions[role]),
        _ => format!("{}.{name}.json", listed(written, role)),
    }
}

/// The version that the snapshot lists.
fn listed(written: &Written, role: &str) -> u64 {
    let snapshot = fs::read(written.metadata().join(file(written, "snapshot"))).unwrap();
    let snapshot: serde_json::Value = serde_json::from_slice(&snapshot).unwrap();
    snapshot["signed"]["meta"][format!("{role}.json")]["version"].as_u64().expect(role)
}

/// What a download asks for.
fn content(written: &Written, target: &Target) -> Vec<String> {
    let mut segments: Vec<_> = target.name.split('/').map(str::to_owned).collect();
    if segments.iter().any(|segment| segment == "." || segment == "..") {
        return Vec::new();
    }
    if written.expected.consistent_snapshot {
        let digest = target.hashes.get("sha256").unwrap_or_else(|| &target.hashes["sha512"]);
        let last = segments.last_mut().unwrap();
        *last = format!("{digest}.{last}");
    }
    let segments: Vec<_> = segments.iter().map(|segment| encoded(segment)).collect();
    vec![format!("/targets/{}", segments.join("/"))]
}
