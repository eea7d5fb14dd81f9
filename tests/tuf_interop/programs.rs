//! The example programs from outside: exit codes, requests, and the files that they leave.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::lab::*;
use crate::common::{
    process::{self, Finished},
    programs,
    python_tuf::{Outcome, PythonTuf, Served, Written},
};

const UNCHANGED: [&str; 2] = ["/metadata/2.root.json", "/metadata/timestamp.json"];

/// Somebody with a repository to read.
struct User {
    home: TempDir,
    written: Written,
    served: Served,
}

impl User {
    fn new(python: &PythonTuf, shape: &str) -> Self {
        let (home, written, served) = serve(python, shape);
        Self { home, written, served }
    }

    /// With the repository's root as trusted.
    fn initialised(python: &PythonTuf, shape: &str) -> Self {
        let user = Self::new(python, shape);
        user.init(&user.written.folder.join("root.json")).ok();
        user
    }

    fn metadata(&self) -> PathBuf {
        self.home.path().join("trusted")
    }

    fn downloads(&self) -> PathBuf {
        self.home.path().join("downloads")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Finished {
        let mut command = process::command(&programs::example(program), self.home.path());
        command.args(arguments);
        process::run(command, b"", process::LONGEST)
    }

    fn client(&self, arguments: &[&str]) -> Finished {
        self.run("tuf-client", &[&["--metadata-dir", "trusted"], arguments].concat())
    }

    fn init(&self, root: &Path) -> Finished {
        self.client(&["init", root.to_str().unwrap()])
    }

    fn refresh(&self) -> Finished {
        self.client(&["--metadata-url", &format!("{}/metadata", self.served.url()), "refresh"])
    }

    fn download(&self, targets: &[&str]) -> Finished {
        let [metadata, content] = ["metadata", "targets"].map(|it| format!("{}/{it}", self.served.url()));
        let mut arguments = vec!["--metadata-url", &metadata, "--target-base-url", &content];
        arguments.extend(["--target-dir", "downloads"]);
        arguments.extend(targets.iter().flat_map(|target| ["--target-name", target]));
        arguments.push("download");
        self.client(&arguments)
    }
}

/// The files in a folder, those of folders below left out.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let files = entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect()
}

#[test]
fn metadata_is_kept_as_received_under_plain_names() {
    let Some(python) = PythonTuf::find("metadata_is_kept_as_received_under_plain_names") else { return };
    for shape in ["minimal", "consistent-off", "roots-3", "pretty-printed", "signatures-extra"] {
        let user = User::initialised(&python, shape);
        assert_eq!(user.served.requests(), [""; 0], "init asks for nothing");
        assert_eq!(files(&user.metadata()), [("root.json".to_owned(), user.written.root())].into());

        user.refresh().ok();
        let root = user.written.expected.versions["root"];
        let consistent = user.written.expected.consistent_snapshot;
        let names = [("root", true), ("timestamp", false), ("snapshot", consistent), ("targets", consistent)];
        let received = names.map(|(role, versioned)| {
            let version = if role == "root" { root } else { 1 };
            let name = if versioned { format!("{version}.{role}.json") } else { format!("{role}.json") };
            (format!("{role}.json"), fs::read(user.written.metadata().join(name)).unwrap())
        });
        assert_eq!(files(&user.metadata()), received.into(), "{shape}");
    }
}

#[test]
fn odd_roles_have_files_of_their_own() {
    let Some(python) = PythonTuf::find("odd_roles_have_files_of_their_own") else { return };
    let user = User::initialised(&python, "delegation-role-names");
    let found = user.written.expected.targets.iter().filter(|it| it.result == Outcome::Found);
    let (names, roles): (Vec<_>, Vec<_>) =
        found.map(|it| (it.name.as_str(), it.role.clone().unwrap())).unzip();
    user.download(&names).ok();

    let kept = files(&user.metadata());
    assert_eq!(kept.len(), 4 + roles.len(), "{:?}", kept.keys());
    for role in roles {
        let received = fs::read(user.written.metadata().join(format!("1.{}.json", encoded(&role)))).unwrap();
        // Where a file system tells no case, `Targets` would be the top-level role's.
        let name = if role == "Targets" { "%54argets".to_owned() } else { encoded(&role) };
        assert_eq!(kept.get(&format!("{name}.json")), Some(&received), "{role}");
    }
    let above = fs::read_dir(user.home.path()).unwrap().map(|it| it.unwrap().file_name());
    let mut above: Vec<_> = above.map(|it| it.into_string().unwrap()).collect();
    above.sort();
    assert_eq!(above, ["downloads", "repository", "trusted"], "nothing lies elsewhere");
}

#[test]
fn targets_are_fetched_once() {
    let Some(python) = PythonTuf::find("targets_are_fetched_once") else { return };
    for shape in ["minimal", "consistent-off", "target-names"] {
        let user = User::initialised(&python, shape);
        let targets: Vec<_> = user.written.expected.targets.iter().filter(|it| it.served).collect();
        let names: Vec<_> = targets.iter().map(|it| it.name.as_str()).collect();
        let first = user.download(&names).ok();
        let paths: Vec<_> = first.stdout.lines().map(|path| user.home.path().join(path)).collect();
        assert_eq!(paths.len(), targets.len(), "{first:?}");
        for (target, path) in targets.iter().zip(&paths) {
            assert_eq!(path.parent(), Some(user.downloads().as_path()));
            assert_eq!(Some(sha256(&fs::read(path).unwrap())), target.content, "{target:?}");
        }
        let asked = user.served.requests().into_iter().filter(|it| it.starts_with("/targets/")).count();
        assert_eq!(asked, targets.len(), "{shape}");

        assert_eq!(user.download(&names).ok().stdout, first.stdout, "{shape}");
        assert_eq!(user.served.requests(), UNCHANGED, "{shape}");
        fs::write(&paths[0], "spoiled").unwrap();
        user.download(&names).ok();
        assert_eq!(user.served.requests().len(), UNCHANGED.len() + 1, "{shape}");
        assert_eq!(Some(sha256(&fs::read(&paths[0]).unwrap())), targets[0].content);
    }
}

#[test]
fn the_first_failure_ends_a_download() {
    let Some(python) = PythonTuf::find("the_first_failure_ends_a_download") else { return };
    let user = User::initialised(&python, "minimal");
    assert_eq!(user.download(&["missing.txt", "file.txt"]).status, Some(1));
    assert!(files(&user.downloads()).is_empty());
    assert_eq!(user.download(&["file.txt", "missing.txt", "a/file.txt"]).status, Some(1));
    assert_eq!(files(&user.downloads()).into_keys().collect::<Vec<_>>(), ["file.txt"]);

    // Content that is not what is signed leaves no file.
    for file in fs::read_dir(user.written.targets().join("a")).unwrap() {
        fs::write(file.unwrap().path(), "other content").unwrap();
    }
    assert_eq!(user.download(&["a/file.txt"]).status, Some(1));
    assert_eq!(files(&user.downloads()).len(), 1);
}

#[test]
fn what_can_not_begin_ends_with_1_and_no_request() {
    let Some(python) = PythonTuf::find("what_can_not_begin_ends_with_1_and_no_request") else { return };
    let user = User::new(&python, "minimal");
    let wrong = |user: &User, content: &[u8]| {
        let path = user.home.path().join("wrong.json");
        fs::write(&path, content).unwrap();
        user.init(&path).status
    };
    for arguments in [&["init"][..], &["refresh"], &["download"], &["init", "no such file"], &[], &["other"]]
    {
        assert_eq!(user.client(arguments).status, Some(1), "{arguments:?}");
    }
    assert_eq!(wrong(&user, b"no JSON"), Some(1));
    assert_eq!(wrong(&user, &fs::read(user.written.metadata().join("1.targets.json")).unwrap()), Some(1));
    assert_eq!(user.refresh().status, Some(1), "nothing is trusted yet");
    assert!(files(&user.metadata()).is_empty());
    // It reads as a root and doesn't vouch for itself.
    let root = String::from_utf8(user.written.root()).unwrap().replace("2100", "2101");
    wrong(&user, root.as_bytes());
    assert_eq!(user.refresh().status, Some(1));
    assert_eq!(user.download(&["file.txt"]).status, Some(1));
    assert_eq!(user.served.requests(), [""; 0]);
}

#[test]
fn plain_http_is_for_this_machine() {
    let Some(python) = PythonTuf::find("plain_http_is_for_this_machine") else { return };
    let user = User::initialised(&python, "minimal");
    for url in ["http://192.0.2.1/metadata", "http://example.invalid/metadata", "ftp://127.0.0.1/"] {
        let refused = user.client(&["--metadata-url", url, "refresh"]);
        assert_eq!((refused.status, refused.says("https")), (Some(1), true), "{refused:?}");
    }
    let metadata = format!("{}/metadata", user.served.url());
    let refused = user.client(&[
        "--metadata-url",
        &metadata,
        "--target-name",
        "file.txt",
        "--target-base-url",
        "http://192.0.2.1/",
        "--target-dir",
        "downloads",
        "download",
    ]);
    assert_eq!((refused.status, refused.says("https")), (Some(1), true), "{refused:?}");
    assert_eq!(user.served.requests(), [""; 0]);
}

#[test]
fn a_refresh_that_fails_leaves_what_was_trusted() {
    let Some(python) = PythonTuf::find("a_refresh_that_fails_leaves_what_was_trusted") else { return };
    let user = User::initialised(&python, "minimal");
    user.refresh().ok();
    let trusted = files(&user.metadata());
    let timestamp = user.written.metadata().join("timestamp.json");
    let good = fs::read_to_string(&timestamp).unwrap();
    for bad in [good.replace("2100", "2101"), "no JSON".to_owned(), String::new()] {
        fs::write(&timestamp, bad).unwrap();
        assert_eq!(user.refresh().status, Some(1));
        assert_eq!(files(&user.metadata()), trusted);
    }
    fs::write(&timestamp, good).unwrap();
    user.refresh().ok();
    assert_eq!(files(&user.metadata()), trusted);
}

#[test]
fn tuf_download_reads_a_repository() {
    let Some(python) = PythonTuf::find("tuf_download_reads_a_repository") else { return };
    let user = User::new(&python, "minimal");
    let root = user.written.folder.join("root.json");
    let [metadata, targets] = ["metadata", "targets"].map(|it| format!("{}/{it}", user.served.url()));
    let run = |more: &[&str]| {
        let mut arguments = vec!["--root", root.to_str().unwrap(), "--metadata-url", &metadata];
        arguments.extend(["--targets-url", &targets, "--into", "downloads"]);
        arguments.extend(more);
        user.run("tuf_download", &arguments)
    };
    let fetched = run(&["file.txt", "a/file.txt"]).ok();
    assert!(fetched.says("20 bytes, listed by targets") && fetched.says("listed by A"), "{fetched:?}");
    assert_eq!(fs::read(user.downloads().join("file.txt")).unwrap(), b"file.txt of targets\n"[..]);
    user.served.requests();
    assert_eq!(run(&["--offline", "file.txt", "a/file.txt"]).ok().stdout, fetched.stdout);
    assert_eq!(user.served.requests(), [""; 0]);
    assert_eq!(run(&["missing.txt"]).status, Some(1));
    assert_eq!(run(&[]).status, Some(2));
}
