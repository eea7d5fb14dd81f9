//! A TUF 1.0 repository in folders.

use std::{
    fs,
    io::Read,
    path::Path,
    pin::pin,
    task::{Context, Waker},
};

use tuf_notary::{
    name::{Form, Resource, RoleName, Version},
    testkit::suite,
    transport::{RepositoryDirectory, TargetTransport, Transport, TransportError},
};

use super::served::{served, targets};

fn put(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (metadata, below) = (folder.path().join("metadata"), folder.path().join("targets"));
    served().present.iter().for_each(|(what, file)| put(&metadata, &what.tuf_name(), file));
    targets().present.iter().for_each(|(path, file)| put(&below, path, file));
    folder
}

fn why(outcome: Result<Box<dyn Read + Send>, TransportError>) -> TransportError {
    match outcome {
        Ok(_) => panic!("it was served"),
        Err(error) => error,
    }
}

fn finished(future: impl Future<Output = ()>) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_repository_in_folders_keeps_its_promises() {
    let folder = filled();
    let (metadata, below) = (folder.path().join("metadata"), folder.path().join("targets"));
    for transport in
        [RepositoryDirectory::new(folder.path()), RepositoryDirectory::from_folders(metadata, below)]
    {
        suite::transport(&transport, &served());
        suite::target_transport(&transport, &targets());
        assert!(finished(suite::async_transport(&transport, &served())));
        assert!(finished(suite::async_target_transport(&transport, &targets())));
    }
}

#[test]
fn folders_that_are_not_there_are_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let transport = RepositoryDirectory::new(folder.path());
    let metadata = || why(transport.fetch(&Resource::latest(RoleName::Timestamp), 10));
    let target = || why(transport.fetch_target("a/b", 10));
    assert_eq!((metadata().code(), target().code()), ("NETWORK", "NETWORK"));
    fs::create_dir(folder.path().join("metadata")).unwrap();
    fs::create_dir(folder.path().join("targets")).unwrap();
    assert_eq!((metadata().code(), target().code()), ("MISSING", "MISSING"));
}

#[test]
fn versions_are_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "metadata/2.snapshot.json", b"two");
    put(folder.path(), "metadata/snapshot.json", b"newest");
    let transport = RepositoryDirectory::new(folder.path());
    let fetch = |form| transport.fetch(&Resource { role: RoleName::Snapshot, form }, 10).map(drop);
    assert!(fetch(Form::Latest).is_ok() && fetch(Form::Version(Version::new(2).unwrap())).is_ok());
    assert_eq!(fetch(Form::Version(Version::new(3).unwrap())).unwrap_err().code(), "MISSING");
}

#[test]
fn pt_01_pt_02_roles_of_any_name_are_found_encoded_and_plain() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "secret.json", b"secret");
    for (name, content) in [
        ("my%20role.json", "encoded"),
        ("my role.json", "plain"),
        ("your role.json", "plain"),
        ("3.your role.json", "third"),
        ("..%2Fsecret.json", "encoded"),
        ("a%2Fb.json", "a/b"),
    ] {
        put(&folder.path().join("metadata"), name, content.as_bytes());
    }
    put(folder.path(), "metadata/sub/role.json", b"nested");
    let transport = RepositoryDirectory::new(folder.path());
    let fetch = |role: &str, form| {
        let mut content = String::new();
        let what = Resource { role: RoleName::tuf(role).unwrap(), form };
        transport.fetch(&what, 100).map(|mut body| body.read_to_string(&mut content).unwrap())?;
        Ok::<_, TransportError>(content)
    };
    for (role, expected) in
        [("my role", "encoded"), ("your role", "plain"), ("../secret", "encoded"), ("a/b", "a/b")]
    {
        assert_eq!(fetch(role, Form::Latest).unwrap(), expected, "{role}");
    }
    assert_eq!(fetch("your role", Form::Version(Version::new(3).unwrap())).unwrap(), "third");
    for role in ["a%2Fb", "sub/role", "../../secret", "/secret", "x\0y", ".."] {
        let error = fetch(role, Form::Latest).unwrap_err();
        assert_eq!(error.code(), "MISSING", "{role:?}: {error}");
    }
}

#[test]
fn pt_05_no_path_leaves_the_folder_or_lies_beside_what_it_says() {
    let folder = filled();
    put(folder.path(), "secret", b"secret");
    let transport = RepositoryDirectory::new(folder.path());
    for path in ["../secret", "dir/../../secret", "..", "./a.tar", "dir/../a.tar", ""] {
        assert_eq!(why(transport.fetch_target(path, 100)).code(), "PATH", "{path:?}");
    }
    let absolute = folder.path().join("secret").to_str().unwrap().to_owned();
    for path in [&*absolute, "/a.tar", "//a.tar", "a.tar/", "dir//sub", "dir", "a.tar\0", "a.tar/x", "/"] {
        let error = why(transport.fetch_target(path, 100));
        assert!(matches!(error.code(), "MISSING" | "NETWORK"), "{path:?}: {error}");
    }
    let error = why(transport.fetch_target(&"x".repeat(5000), 100));
    assert!(matches!(error.code(), "MISSING" | "NETWORK"), "{error}");
}

#[test]
fn te_04_a_target_that_shrinks_meanwhile_fails() {
    let folder = filled();
    let transport = RepositoryDirectory::new(folder.path());
    let mut body = transport.fetch_target("a.tar", 100).unwrap();
    let mut first = [0; 2];
    body.read_exact(&mut first).unwrap();
    fs::OpenOptions::new().write(true).open(folder.path().join("targets/a.tar")).unwrap().set_len(3).unwrap();
    assert!(body.read_to_end(&mut Vec::new()).is_err());
}

#[cfg(unix)]
#[test]
fn pt_12_no_link_within_a_repository_is_followed() {
    use std::os::unix::fs::symlink;

    let (folder, outside) = (filled(), tempfile::tempdir().unwrap());
    put(outside.path(), "secret", b"secret");
    symlink(outside.path().join("secret"), folder.path().join("metadata/timestamp.json")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("targets/file")).unwrap();
    symlink(outside.path(), folder.path().join("targets/folder")).unwrap();
    let transport = RepositoryDirectory::new(folder.path());
    assert_eq!(why(transport.fetch(&Resource::latest(RoleName::Timestamp), 100)).code(), "NETWORK");
    for path in ["file", "folder/secret"] {
        assert_eq!(why(transport.fetch_target(path, 100)).code(), "NETWORK", "{path}");
    }
    // The folders themselves are the caller's choice.
    let link = outside.path().join("mirror");
    symlink(folder.path(), &link).unwrap();
    assert!(RepositoryDirectory::new(link).fetch_target("a.tar", 100).is_ok());
}

#[cfg(unix)]
#[test]
fn ct_04_a_pipe_is_not_opened() {
    let folder = filled();
    let pipe = folder.path().join("targets/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = why(RepositoryDirectory::new(folder.path()).fetch_target("pipe", 100));
    assert_eq!(error.code(), "NETWORK", "{error}");
}
