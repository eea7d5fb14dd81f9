//! Proves what the interop tests stand on: the real programs run, answer, fail when they should and
//! leave nothing behind.

mod common;

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use common::{
    certificates::{self, Tls},
    fixture,
    notary_cli::{Listed, NotaryCli, listed},
    notary_server::NotaryServer,
    process, programs,
};

const GUN: &str = "example.com/harness";
const HELLO: &[u8] = b"hello";
const SHA256_OF_HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn row(name: &str, role: &str) -> Listed {
    Listed { name: name.to_owned(), sha256: SHA256_OF_HELLO.to_owned(), size: 5, role: role.to_owned() }
}

fn publish_v1(notary: &NotaryCli) {
    notary.init(GUN).ok();
    notary.add_hash(GUN, "v1", 5, SHA256_OF_HELLO).ok();
    notary.publish(GUN).ok();
}

#[test]
fn a_published_tag_is_listed_looked_up_verified_and_removed() {
    let test = "a_published_tag_is_listed_looked_up_verified_and_removed";
    let Some(server) = NotaryServer::start(test) else { return };
    let Some(publisher) = NotaryCli::new(test, &server) else { return };
    let Some(reader) = NotaryCli::new(test, &server) else { return };

    reader.list(GUN).failed();
    publish_v1(&publisher);
    assert_eq!(listed(&reader.list(GUN).ok()), [row("v1", "targets")]);
    assert_eq!(reader.lookup(GUN, "v1").ok().stdout, format!("v1 sha256:{SHA256_OF_HELLO} 5\n"));
    reader.lookup(GUN, "v2").failed();
    reader.verify(GUN, "v1", HELLO).ok();
    let refused = reader.verify(GUN, "v1", b"hellO").failed();
    assert!(refused.says("sha256 checksum for v1 did not match"), "{refused:#?}");

    publisher.remove(GUN, "v1").ok();
    publisher.publish(GUN).ok();
    assert_eq!(listed(&reader.list(GUN).ok()), []);
    publisher.delete(GUN, true).ok();
    NotaryCli::new(test, &server).expect("it was found before").list(GUN).failed();
}

#[test]
fn keys_rotate_and_a_delegated_signer_signs() {
    let test = "keys_rotate_and_a_delegated_signer_signs";
    let Some(server) = NotaryServer::start(test) else { return };
    let Some(notary) = NotaryCli::new(test, &server) else { return };
    publish_v1(&notary);

    for (role, managed) in [("snapshot", true), ("targets", false), ("root", false), ("timestamp", true)] {
        let rotated = notary.key_rotate(GUN, role, managed).ok();
        assert!(rotated.stdout.contains(&format!("Successfully rotated {role} key")), "{rotated:#?}");
    }

    let alice = certificates::delegation(notary.home(), "alice");
    notary.key_import(&alice.key, "alice").ok();
    notary.delegation_add(GUN, "targets/alice", &alice.certificate, &[]).ok();
    notary.publish(GUN).ok();
    notary.add_hash_as(GUN, "targets/alice", "v2", 5, SHA256_OF_HELLO).ok();
    notary.publish(GUN).ok();
    assert!(notary.delegation_list(GUN).ok().stdout.contains("targets/alice"));
    assert_eq!(listed(&notary.list(GUN).ok()), [row("v1", "targets"), row("v2", "targets/alice")]);

    notary.delegation_remove(GUN, "targets/alice").ok();
    notary.publish(GUN).ok();
    assert_eq!(listed(&notary.list(GUN).ok()), [row("v1", "targets")]);
}

#[test]
fn a_server_speaks_tls_and_is_refused_without_its_authority() {
    let test = "a_server_speaks_tls_and_is_refused_without_its_authority";
    for tls in [Tls::Authority, Tls::SelfSigned] {
        let Some(server) = NotaryServer::start_tls(test, tls) else { return };
        let Some(mut notary) = NotaryCli::new(test, &server) else { return };
        publish_v1(&notary);
        assert_eq!(listed(&notary.list(GUN).ok()), [row("v1", "targets")]);

        notary.authority = None;
        notary.trust_dir = notary.home().join("another");
        let refused = notary.list(GUN).failed();
        assert!(refused.says("certificate signed by unknown authority"), "{tls:?} {refused:#?}");
    }
}

#[test]
fn two_servers_share_nothing_and_each_ends_with_its_test() {
    let test = "two_servers_share_nothing_and_each_ends_with_its_test";
    let Some(first) = NotaryServer::start(test) else { return };
    let Some(second) = NotaryServer::start(test) else { return };
    let Some(notary) = NotaryCli::new(test, &first) else { return };
    publish_v1(&notary);
    NotaryCli::new(test, &second).expect("it was found before").list(GUN).failed();

    let (kept, gone) = (first.address(), second.address());
    drop(second);
    assert!(TcpStream::connect(gone).is_err(), "a dropped server still listens");
    assert!(TcpStream::connect(kept).is_ok(), "dropping one server stopped the other");
}

#[test]
fn a_missing_program_skips_or_fails_as_asked() {
    let found = Some(PathBuf::from("somewhere"));
    assert_eq!(programs::decide(found.clone(), true, "test", "program"), found);
    let refused = std::panic::catch_unwind(|| programs::decide(None, true, "test", "program"));
    assert!(refused.is_err());
}

#[test]
fn a_program_that_hangs_is_killed() {
    let Some(sleep) = programs::find("a_program_that_hangs_is_killed", "sleep") else { return };
    let start = Instant::now();
    let hung = std::panic::catch_unwind(move || {
        let mut command = Command::new(sleep);
        command.arg("30");
        process::run(command, b"", Duration::from_millis(100))
    });
    assert!(hung.is_err() && start.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_fixtures_are_complete() {
    for (repository, files) in [
        ("rotated", 25),
        ("docker-trust", 19),
        ("tags-10", 5),
        ("tags-1k", 5),
        ("tags-10k", 5),
        ("delegations", 25),
    ] {
        assert_eq!(count(&fixture("notary").join(repository)), files, "files of {repository}");
    }
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a fixture folder can be read");
    let paths = entries.map(|entry| entry.expect("a fixture can be listed").path());
    paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}
