//! Target names that mean something elsewhere: in a URL, in a path, to a shell.

use super::lab::*;
use crate::common::python_tuf::PythonTuf;

/// What lies before the last segment, and the last segment, as the server must see them.
const ASKED: [(&str, &str, &str); 16] = [
    ("a#b", "", "a%23b"),
    ("a?b", "", "a%3Fb"),
    ("a%20b", "", "a%2520b"),
    ("a%2Fb", "", "a%252Fb"),
    ("[a]", "", "%5Ba%5D"),
    ("a\\b", "", "a%5Cb"),
    ("with space", "", "with%20space"),
    ("ä/ö.txt", "%C3%A4/", "%C3%B6.txt"),
    ("100%", "", "100%25"),
    ("a&b=c", "", "a%26b%3Dc"),
    ("a:b", "", "a%3Ab"),
    ("a..b", "", "a..b"),
    ("//host/x", "//host/", "x"),
    ("/absolute", "/", "absolute"),
    ("a//b", "a//", "b"),
    ("a/", "a/", ""),
];

/// A URL and a file system take these for ways out.
const REFUSED: [&str; 3] = ["../escape", "a/../../escape", "./a"];

#[test]
fn names_are_encoded_segment_by_segment() {
    let Some(python) = PythonTuf::find("names_are_encoded_segment_by_segment") else { return };
    let (_folder, written, served) = serve(&python, "target-names");
    let target = |name| written.expected.targets.iter().find(|it| it.name == name).expect("it is written");
    for facade in FACADES {
        let client = Client::new(facade, &Place::Url(served.url()), written.root(), None);
        client.check_refresh(&written);
        served.requests();
        for (name, folder, file) in ASKED {
            let (target, found) = (target(name), client.find(name).unwrap().unwrap());
            client.check_content(target, &found);
            let digest = &target.hashes["sha256"];
            assert_eq!(served.requests(), [format!("/targets/{folder}{digest}.{file}")], "{name:?}");
        }
        for name in REFUSED {
            let error = client.download(&client.find(name).unwrap().unwrap()).unwrap_err();
            assert!(!error.is_not_found() && !error.is_retryable(), "{error:?}");
            assert_eq!(served.requests(), [""; 0], "{name:?}");
        }
    }
}

#[test]
fn names_are_never_paths() {
    let Some(python) = PythonTuf::find("names_are_never_paths") else { return };
    let (_folder, written, served) = serve(&python, "target-names");
    for (facade, place) in FACADES.iter().flat_map(|facade| {
        [(facade, Place::Url(served.url())), (facade, Place::Folder(written.folder.clone()))]
    }) {
        let home = tempfile::tempdir().unwrap();
        let downloads = home.path().join("downloads");
        let client = Client::new(*facade, &place, written.root(), None);
        let mut saved = 0;
        for target in &written.expected.targets {
            let Some(found) = client.check_find(target) else { continue };
            match client.save_in(&found, &downloads) {
                Ok(path) => {
                    saved += 1;
                    assert_eq!(path.parent(), Some(downloads.as_path()), "{path:?}");
                    assert_eq!(Some(sha256(&std::fs::read(path).unwrap())), target.content);
                }
                Err(error) => assert!(!target.served, "{target:?}: {error:?}"),
            }
        }
        assert_eq!(std::fs::read_dir(&downloads).unwrap().count(), saved, "each has a file of its own");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "nothing lies outside");
        assert_eq!(saved, written.expected.targets.iter().filter(|it| it.served).count());
    }
}
