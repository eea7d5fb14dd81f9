//! A static copy of a collection in a folder.

use std::{
    fs,
    path::Path,
    task::{Context, Poll, Waker},
};

use tuf_notary::{
    blocking::Collection,
    name::{Form, Gun, Resource, RoleName},
    store::DirectoryStore,
    testkit::{Forge, TrustServer, suite},
    transport::{DirectoryTransport, Transport, TransportError, Upload},
    verify::Trust,
};

use super::served;

const GUN: &str = "example.com/app";

fn gun() -> Gun {
    Gun::new(GUN).unwrap()
}

fn put(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A folder with all files of a forged collection.
fn mirror(mut forge: Forge) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    forge.build().files().for_each(|(name, file)| put(folder.path(), name, file));
    folder
}

fn collection(folder: &Path) -> Collection {
    Collection::builder(gun(), Trust::FirstUse).transport(DirectoryTransport::new(folder)).build()
}

fn why(outcome: Result<Box<dyn std::io::Read + Send>, TransportError>) -> TransportError {
    match outcome {
        Ok(_) => panic!("it was served"),
        Err(error) => error,
    }
}

#[test]
fn the_directory_transport_keeps_its_promises() {
    let (folder, served) = (tempfile::tempdir().unwrap(), served());
    served.present.iter().for_each(|(what, content)| put(folder.path(), &what.notary_name(), content));
    let transport = DirectoryTransport::new(folder.path());
    suite::transport(&transport, &served);
    let suite = std::pin::pin!(suite::async_transport(&transport, &served));
    let ready = suite.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(ready, Poll::Ready(())));
}

#[test]
fn a_mirror_serves_a_whole_collection() {
    let folder = mirror(Forge::new(GUN));
    let view = collection(folder.path()).refresh().unwrap();
    assert!(view.target("v1").is_ok());
    fs::write(folder.path().join("timestamp.json"), "{}").unwrap();
    assert_eq!(collection(folder.path()).refresh().unwrap_err().code(), "MALFORMED");
}

#[test]
fn notarys_own_trust_folder_is_a_mirror_too() {
    let (server, trust_dir) = (TrustServer::new(), tempfile::tempdir().unwrap());
    server.serve(&Forge::new(GUN).build());
    let filled = Collection::builder(gun(), Trust::FirstUse)
        .transport(server.transport(&gun()))
        .store(DirectoryStore::open(trust_dir.path(), &gun()))
        .build();
    filled.refresh().unwrap();
    let metadata = trust_dir.path().join("tuf").join(GUN).join("metadata");
    assert!(collection(&metadata).refresh().unwrap().target("v1").is_ok());
}

#[test]
fn a_file_under_its_plain_name_stands_for_its_digest_only() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "snapshot.json", b"another");
    let what = Resource { role: RoleName::Snapshot, form: Form::Sha256([0xab; 32]) };
    let error = why(Transport::fetch(&DirectoryTransport::new(folder.path()), &what, 100));
    assert_eq!(error.code(), "MISSING", "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let what = Resource::latest(RoleName::Timestamp);
    let error = why(Transport::fetch(&DirectoryTransport::new(folder.path().join("unmounted")), &what, 100));
    assert_eq!(error.code(), "NETWORK", "{error}");
    assert!(!error.to_string().is_empty() && error.is_retryable());
    let error = collection(folder.path()).refresh().unwrap_err();
    assert!(error.is_not_found(), "an empty mirror says that nothing is signed: {error}");
}

#[test]
fn it_never_writes() {
    let folder = mirror(Forge::new(GUN));
    let transport = DirectoryTransport::new(folder.path());
    let upload = Upload::new(vec![(RoleName::Targets, b"new".to_vec())]);
    for outcome in [Transport::publish(&transport, &upload), Transport::delete(&transport)] {
        assert_eq!(outcome.unwrap_err().code(), "UNSUPPORTED");
    }
    assert_ne!(fs::read(folder.path().join("targets.json")).unwrap(), b"new");
}

#[cfg(unix)]
#[test]
fn pt_12_no_link_within_a_mirror_is_followed() {
    use std::os::unix::fs::symlink;

    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(outside.path(), "secret.json", b"secret");
    put(outside.path(), "releases.json", b"secret");
    symlink(outside.path().join("secret.json"), folder.path().join("root.json")).unwrap();
    symlink(outside.path(), folder.path().join("targets")).unwrap();
    let transport = DirectoryTransport::new(folder.path());
    for role in [RoleName::Root, RoleName::releases()] {
        let error = why(Transport::fetch(&transport, &Resource::latest(role.clone()), 100));
        assert_eq!(error.code(), "NETWORK", "{role}: {error}");
    }
    // The folder itself is the caller's choice.
    fs::remove_file(folder.path().join("root.json")).unwrap();
    put(folder.path(), "root.json", b"genuine");
    let link = outside.path().join("mirror");
    symlink(folder.path(), &link).unwrap();
    assert!(Transport::fetch(&DirectoryTransport::new(link), &Resource::latest(RoleName::Root), 100).is_ok());
}

#[cfg(unix)]
#[test]
fn ct_04_a_pipe_in_a_mirror_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("root.json");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let transport = DirectoryTransport::new(folder.path());
    let error = why(Transport::fetch(&transport, &Resource::latest(RoleName::Root), 100));
    assert_eq!(error.code(), "NETWORK", "{error}");
}
