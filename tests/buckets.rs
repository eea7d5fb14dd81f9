//! Buckets as transports, and as a cache that machines share.
#![cfg(feature = "object-store")]

mod common;

use std::{fs, path::Path};

use common::moto::Moto;
use tuf_notary::{
    future::Collection,
    name::{Form, Gun, Resource, RoleName},
    store::MemoryStore,
    testkit::{
        Forge, TrustServer,
        suite::{self, Served},
    },
    transport::{AsyncTransport, Blocking, BucketTransport, MemoryTransport, SharedCache},
    verify::Trust,
};
use url::Url;

const GUN: &str = "example.com/app";

fn gun() -> Gun {
    Gun::new(GUN).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn served() -> Served {
    Served {
        present: vec![
            (Resource::latest(RoleName::Root), b"{\"root\":1}".to_vec()),
            (Resource::latest(RoleName::releases()), vec![b'x'; 100_000]),
            (Resource { role: RoleName::Targets, form: Form::Sha256([0xab; 32]) }, b"pinned".to_vec()),
        ],
        absent: Resource::latest(RoleName::Snapshot),
    }
}

/// A bucket that is a folder.
fn local(folder: &Path) -> BucketTransport {
    BucketTransport::open(&Url::from_directory_path(folder).unwrap(), [], &gun()).unwrap()
}

fn s3(moto: &Moto, url: &str) -> BucketTransport {
    let endpoint = moto.endpoint();
    let options = [
        ("aws_endpoint", &endpoint[..]),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "testing"),
        ("aws_secret_access_key", "not-to-be-shown"),
        ("allow_http", "true"),
    ];
    BucketTransport::open(&url.parse().unwrap(), options, &gun()).unwrap()
}

fn put(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(GUN).join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Reads a collection through a shared cache; how many requests the server saw.
async fn read_through(bucket: BucketTransport, server: &TrustServer) -> usize {
    server.clear_requests();
    let transport = SharedCache::new(bucket, Blocking::new(server.transport(&gun())));
    let collection =
        Collection::builder(gun(), Trust::FirstUse).transport(transport).store(MemoryStore::new()).build();
    assert!(collection.refresh().await.unwrap().target("v1").is_ok());
    server.requests().len()
}

#[test]
fn a_folder_as_a_bucket_keeps_the_promises() {
    let (folder, served) = (tempfile::tempdir().unwrap(), served());
    served.present.iter().for_each(|(what, content)| put(folder.path(), &what.notary_name(), content));
    run(suite::async_transport(&local(folder.path()), &served));
}

#[test]
fn a_bucket_on_s3_keeps_the_promises() {
    let Some(moto) = Moto::start("a_bucket_on_s3_keeps_the_promises") else { return };
    let served = served();
    for (what, content) in &served.present {
        moto.put(&format!("mirror/{GUN}/{}", what.notary_name()), content);
    }
    run(async {
        let bucket = s3(&moto, "s3://trust/mirror");
        suite::async_transport(&bucket, &served).await;
        assert!(!format!("{bucket:?}").contains("not-to-be-shown"));
        let nowhere = s3(&moto, "s3://nowhere/mirror").fetch(&served.absent, 100).await;
        assert_eq!(nowhere.unwrap_err().code(), "NETWORK", "no bucket is no answer about a file");
    });
}

#[test]
fn a_shared_cache_on_s3_spares_the_server() {
    let Some(moto) = Moto::start("a_shared_cache_on_s3_spares_the_server") else { return };
    let server = TrustServer::new();
    server.serve(&Forge::new(GUN).build());
    run(async {
        let first = read_through(s3(&moto, "s3://trust"), &server).await;
        let second = read_through(s3(&moto, "s3://trust"), &server).await;
        assert!(second < first, "{first}, then {second}");
        assert_eq!(second, 2, "root and timestamp: {:?}", server.requests());
    });
}

#[test]
fn only_what_its_name_proves_is_shared() {
    let (folder, server) = (tempfile::tempdir().unwrap(), TrustServer::new());
    server.serve(&Forge::new(GUN).build());
    run(async {
        let first = read_through(local(folder.path()), &server).await;
        assert_eq!(read_through(local(folder.path()), &server).await, 2);
        let shared = folder.path().join(GUN);
        let names: Vec<_> = fs::read_dir(&shared)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(names.iter().any(|name| name.starts_with("targets.")), "{names:?}");
        for plain in ["root.json", "timestamp.json"] {
            assert!(!names.iter().any(|name| name == plain), "{names:?}");
        }
        // Lies cost a request and convince nobody.
        for name in names.iter().filter(|name| name.ends_with(".json")) {
            fs::write(shared.join(name), "{}").unwrap();
        }
        assert_eq!(read_through(local(folder.path()), &server).await, first);
        // A newest root of somebody else in the bucket is not even asked for.
        put(folder.path(), "root.json", &Forge::new(GUN).build().newest("root"));
        assert_eq!(read_through(local(folder.path()), &server).await, first);
    });
}

#[test]
fn what_is_not_pinned_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let what = Resource { role: RoleName::Targets, form: Form::Sha256([0xab; 32]) };
    let origin = MemoryTransport::new();
    origin.insert(what.clone(), "a lie");
    let cache = SharedCache::new(local(folder.path()), Blocking::new(origin));
    assert_eq!(run(cache.fetch(&what, 100)).unwrap(), b"a lie", "judging is not the cache's work");
    assert!(!folder.path().join(GUN).exists(), "nor is spreading it");
}

#[test]
fn what_can_not_be_opened_says_why() {
    let open = |url: &str, options: &[(&'static str, &'static str)]| {
        let opened = BucketTransport::open(&url.parse().unwrap(), options.iter().copied(), &gun());
        opened.map(drop).unwrap_err()
    };
    for (error, said) in [
        (open("gs://bucket", &[]), "s3 or file"),
        (open("file:///does/not/exist", &[]), "exist"),
        (open("s3://key:secret@bucket", &[]), "no credentials"),
        (open("s3://bucket", &[("colour", "red-secret")]), "no option colour"),
        (open("s3://bucket", &[("timeout", "1s")]), "no effect"),
    ] {
        assert_eq!(error.code(), "CONFIG");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let bucket = local(folder.path());
    let what = Resource::latest(RoleName::Root);
    let mut fetch = bucket.fetch(&what, 100);
    let ready = fetch.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(matches!(ready, std::task::Poll::Ready(Err(error)) if error.code() == "CONFIG"));
}
