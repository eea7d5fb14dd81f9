//! AD: the content of targets, and PP: its way onto the server.

use std::{
    fs,
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use data_encoding::HEXLOWER;
use serde_json::json;
use tuf_notary::{
    metadata::TargetInfo,
    name::TargetName,
    testkit::TufForge,
    transport::{TargetTransport, TransportError},
};

use crate::{
    facade::Repository,
    lab::{Lab, keys},
    tools::listing,
};

fn found(repository: &Repository, name: &str) -> tuf_notary::view::FoundTarget {
    repository.find(&TargetName::new(name).unwrap()).unwrap().unwrap()
}

fn sha256(content: &[u8]) -> String {
    HEXLOWER.encode(&TargetInfo::from_bytes(content).hashes.sha256.unwrap())
}

fn sha512(content: &[u8]) -> String {
    HEXLOWER.encode(&TargetInfo::from_bytes(content).hashes.sha512.unwrap())
}

#[test]
fn ad_01_content_that_changed_is_refused_and_the_good_one_stays() {
    let mut lab = Lab::new();
    lab.forge.consistent_snapshot(false);
    lab.forge.bump("root");
    lab.serve();
    let (repository, folder) = (lab.repository(), tempfile::tempdir().unwrap());
    let path = repository.save_in(&found(&repository, "file.txt"), folder.path()).unwrap();
    // The metadata moves on, the content is another one than is signed now.
    lab.forge.add_target("targets", "file.txt", b"CONTENT");
    lab.forge.bump("targets");
    lab.serve();
    for (bad, code) in [
        (&b"content"[..], "HASH_MISMATCH"),
        (b"", "LENGTH_MISMATCH"),
        (b"CONTEN", "LENGTH_MISMATCH"),
        (b"CONTENT and more", "LENGTH_MISMATCH"),
    ] {
        lab.server.put("file.txt", bad);
        let repository = lab.repository();
        let found = found(&repository, "file.txt");
        assert_eq!(repository.save_in(&found, folder.path()).unwrap_err().code(), code);
        assert_eq!(fs::read(&path).unwrap(), b"content", "{code}");
        assert_eq!(listing(folder.path()), ["file.txt"], "{code}");
        let mut written = Vec::new();
        assert_eq!(repository.download(&found, &mut written).unwrap_err().code(), code);
        assert!(written.len() <= 7, "not a byte more than is signed");
    }
    lab.server.behave();
    let repository = lab.repository();
    repository.save_in(&found(&repository, "file.txt"), folder.path()).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"CONTENT");
}

#[test]
fn ad_02_the_digest_stands_before_the_last_segment_only() {
    let mut lab = Lab::new();
    lab.forge.add_target("targets", "a/b/f", b"deep");
    lab.serve();
    assert_eq!(lab.download("a/b/f").unwrap(), b"deep");
    assert_eq!(lab.requests().last().unwrap(), &format!("a/b/{}.f", sha256(b"deep")));
    lab.forge.consistent_snapshot(false);
    lab.forge.bump("root");
    lab.serve();
    assert_eq!(lab.download("a/b/f").unwrap(), b"deep");
    assert_eq!(lab.requests().last().unwrap(), "a/b/f");
}

/// A client of a target with these digests; its content lies under all of their names.
fn hashed(hashes: serde_json::Value) -> Lab {
    let mut forge = TufForge::new();
    forge.doc("targets")["targets"]["file.txt"]["hashes"] = hashes;
    let lab = Lab::of(forge);
    let digests = [sha256(b"content"), sha512(b"content"), "00".repeat(32), "00".repeat(64)];
    for digest in digests {
        lab.server.put(&format!("{digest}.file.txt"), b"content");
    }
    lab
}

#[test]
fn ad_03_any_digest_names_the_file_and_all_that_are_known_must_fit() {
    let (one, two) = (sha256(b"content"), sha512(b"content"));
    let (wrong, other) = ("00".repeat(32), "00".repeat(64));
    for good in [
        json!({ "sha256": one }),
        json!({ "sha512": two }),
        json!({ "sha256": one, "sha512": two }),
        json!({ "sha256": one, "blake2b-256": "00", "md5": 7 }),
    ] {
        assert_eq!(hashed(good.clone()).download("file.txt").unwrap(), b"content", "{good}");
    }
    for bad in [
        json!({ "sha256": wrong }),
        json!({ "sha512": other }),
        json!({ "sha256": one, "sha512": other }),
        json!({ "sha256": wrong, "sha512": two }),
    ] {
        assert_eq!(hashed(bad.clone()).download("file.txt").unwrap_err().code(), "HASH_MISMATCH", "{bad}");
    }
    for none in [json!({}), json!({ "md5": "00" }), json!(null)] {
        hashed(none).refused("MALFORMED");
    }
    // Only one of the two names is there.
    for missing in [&one, &two] {
        let mut forge = TufForge::new();
        forge.doc("targets")["targets"]["file.txt"]["hashes"] = json!({ "sha256": one, "sha512": two });
        let lab = Lab::of(forge);
        lab.server.put(&format!("{two}.file.txt"), b"content");
        lab.server.answer(&format!("{missing}.file.txt"), crate::server::Answer::Status(404));
        assert_eq!(lab.download("file.txt").unwrap(), b"content", "{missing}");
    }
}

/// Serves zero bytes, so many, and remembers how many it was allowed and how many went out.
#[derive(Clone, Debug)]
struct Zeros {
    length: u64,
    allowed: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
}

impl Zeros {
    fn new(length: u64) -> Self {
        Self { length, allowed: Arc::default(), sent: Arc::default() }
    }
}

impl TargetTransport for Zeros {
    fn fetch_target(&self, _: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.allowed.store(max, Ordering::Relaxed);
        let sent = Arc::clone(&self.sent);
        Ok(Box::new(Counted { inner: io::repeat(0).take(self.length), sent }))
    }
}

struct Counted<R> {
    inner: R,
    sent: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sent.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Counts and drops what is written, and remembers the largest piece.
#[derive(Default)]
struct Counter {
    length: u64,
    largest: usize,
}

impl Write for Counter {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.length += piece.len() as u64;
        self.largest = self.largest.max(piece.len());
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Downloads a target that is listed with this length and digest.
fn stream(length: u64, digest: &str, server: &Zeros) -> (Result<(), &'static str>, Counter) {
    let mut forge = TufForge::new();
    forge.doc("targets")["targets"]["large"] = json!({ "hashes": { "sha256": digest }, "length": length });
    let lab = Lab::of(forge);
    let repository = Repository::builder(lab.shipped.clone())
        .transport(lab.server.clone())
        .targets(server.clone())
        .clock(TufForge::now)
        .build();
    let found = found(&repository, "large");
    assert_eq!(found.length(), length);
    let (mut counter, mut told) = (Counter::default(), 0);
    let outcome = repository.download_with(&found, &mut counter, |written| told = written);
    assert_eq!(told, counter.length);
    (outcome.map_err(|error| error.code()), counter)
}

#[test]
fn ad_04_an_empty_target_is_a_target() {
    let mut lab = Lab::new();
    lab.forge.add_target("targets", "empty", b"");
    lab.serve();
    assert_eq!(lab.download("empty").unwrap(), b"");
    let (repository, folder) = (lab.repository(), tempfile::tempdir().unwrap());
    let path = repository.save_in(&found(&repository, "empty"), folder.path()).unwrap();
    assert_eq!(fs::read(path).unwrap(), b"");
    let (outcome, counter) = stream(0, &sha256(b""), &Zeros::new(1));
    assert_eq!((outcome, counter.length), (Err("LENGTH_MISMATCH"), 0));
}

/// Not all of 5 GiB, which takes a debug build a minute; lengths beyond 32 bits have a test of their own.
#[test]
fn ad_04_a_large_target_is_streamed_in_small_pieces() {
    const LENGTH: u64 = 64 << 20;
    // SHA-256 of 64 MiB of zero bytes.
    let digest = "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351";
    let server = Zeros::new(LENGTH);
    let (outcome, counter) = stream(LENGTH, digest, &server);
    assert_eq!((outcome, counter.length), (Ok(()), LENGTH));
    assert!(counter.largest <= 1 << 20, "{}", counter.largest);
}

#[test]
fn ad_04_lengths_beyond_32_bits_are_counted_as_they_are() {
    const LENGTH: u64 = 5 << 30;
    // Ends where the low 32 bits of the length say, with the digest of what was sent.
    let sent = vec![0; 7];
    let server = Zeros::new(7);
    let (outcome, counter) = stream((1 << 32) + 7, &sha256(&sent), &server);
    assert_eq!((outcome, counter.length), (Err("LENGTH_MISMATCH"), 7));
    assert_eq!(server.allowed.load(Ordering::Relaxed), (1 << 32) + 7);
    let server = Zeros::new(1 << 20);
    let (outcome, counter) = stream(LENGTH, &sha256(&sent), &server);
    assert_eq!((outcome, counter.length), (Err("LENGTH_MISMATCH"), 1 << 20));
    assert_eq!(server.allowed.load(Ordering::Relaxed), LENGTH);
    // A server that goes on behind the end is left there.
    let server = Zeros::new(u64::MAX);
    let (outcome, counter) = stream(7, &sha256(&sent), &server);
    assert_eq!((outcome, counter.length), (Err("LENGTH_MISMATCH"), 0));
    assert_eq!(server.sent.load(Ordering::Relaxed), 8, "one byte more tells that there is more");
}

#[test]
fn ad_05_nothing_is_written_over_a_folder_a_read_only_file_or_metadata() {
    let lab = Lab::on_disk();
    let (repository, folder) = (lab.repository(), tempfile::tempdir().unwrap());
    let target = found(&repository, "file.txt");
    lab.requests();
    let (taken, root) = (folder.path().join("taken"), lab.kept("root"));
    fs::create_dir(&taken).unwrap();
    assert_eq!(repository.save(&target, &taken).unwrap_err().code(), "LOCAL_FILE");
    assert!(taken.is_dir());
    let read_only = folder.path().join("read-only");
    fs::write(&read_only, "mine").unwrap();
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    assert_eq!(repository.save(&target, &read_only).unwrap_err().code(), "LOCAL_FILE");
    assert_eq!(fs::read(&read_only).unwrap(), b"mine");
    let store = lab.store.path();
    let before = listing(&store);
    let files = ["root.json", "targets.json", "new", ".tuf-notary/record", ".tuf-notary/../root.json"];
    for name in files {
        let error = repository.save(&target, store.join(name)).unwrap_err();
        assert_eq!(error.code(), "LOCAL_FILE", "{name}: {error}");
    }
    assert_eq!(repository.save_in(&target, &store).unwrap_err().code(), "LOCAL_FILE");
    assert_eq!(listing(&store), before);
    assert_eq!(lab.requests(), [""; 0]);
    // A folder that comes to be on the way there.
    let around = store.join("x/../root.json");
    assert_eq!(repository.save(&target, around).unwrap_err().code(), "LOCAL_FILE");
    // What lies in the way of a folder.
    let error = repository.save(&target, read_only.join("file")).unwrap_err();
    assert_eq!(error.code(), "LOCAL_FILE");
    assert_eq!(listing(folder.path()), ["read-only", "taken"], "no partial file");
    assert_eq!(lab.kept("root"), root);
    lab.refresh().unwrap();
}

/// A writer that has no room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn ad_05_a_writer_that_fails_is_an_error() {
    let lab = Lab::new();
    let repository = lab.repository();
    let target = found(&repository, "file.txt");
    assert_eq!(repository.download(&target, Full).unwrap_err().code(), "LOCAL_FILE");
}

#[test]
fn ct_06_a_kept_content_that_was_changed_is_fetched_again() {
    let lab = Lab::new();
    let (repository, folder) = (lab.repository(), tempfile::tempdir().unwrap());
    let target = found(&repository, "file.txt");
    let path = repository.save_in(&target, folder.path()).unwrap();
    lab.requests();
    repository.save_in(&target, folder.path()).unwrap();
    assert_eq!(lab.requests(), [""; 0], "it is there");
    for bad in [&b"CONTENT"[..], b"", b"content and more", b"conten"] {
        fs::write(&path, bad).unwrap();
        repository.save_in(&target, folder.path()).unwrap();
        assert_eq!((fs::read(&path).unwrap(), lab.requests().len()), (b"content".to_vec(), 1));
    }
    // The server has no good one either.
    fs::write(&path, "CONTENT").unwrap();
    lab.server.put(&target.paths()[0], b"CONTENT");
    assert_eq!(repository.save_in(&target, folder.path()).unwrap_err().code(), "HASH_MISMATCH");
}

#[test]
fn ad_01_a_delegated_roles_target_is_as_that_role_says() {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "team", &keys::<1>(), 1, &["file.txt"]);
    lab.forge.add_target("team", "file.txt", b"another");
    lab.serve();
    // The top-level role has the word, and its content.
    assert_eq!(lab.download("file.txt").unwrap_err().code(), "MISSING");
    lab.server.put(&format!("{}.file.txt", sha256(b"content")), b"another");
    assert_eq!(lab.download("file.txt").unwrap_err().code(), "HASH_MISMATCH");
}
