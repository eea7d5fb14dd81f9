//! A real server and the two kinds of users that meet on it.

use std::{fs, path::Path};

use data_encoding::HEXLOWER;
use tuf_notary::{
    blocking::Collection,
    crypto::digest,
    edit::Changes,
    keys::{DirectoryKeys, FixedPassphrases, KeyRole},
    metadata::TargetInfo,
    name::{Gun, Hashes, RoleName, TargetName},
    store::{DirectoryStore, MemoryStore},
    transport::HttpTransport,
    verify::Trust,
    view::View,
};
use url::Url;

use crate::common::{
    certificates::Tls,
    notary_cli::{Listed, NotaryCli, listed, passphrase},
    notary_server::NotaryServer,
};

pub const GUN: &str = "registry.example.com/team/app";

/// The ways in which a server speaks.
pub const SPEECHES: [Option<Tls>; 3] = [None, Some(Tls::Authority), Some(Tls::SelfSigned)];

/// A server with one user of `notary`; `None` when `test` is skipped.
pub fn start(test: &str) -> Option<(NotaryServer, NotaryCli)> {
    start_as(test, None)
}

pub fn start_as(test: &str, tls: Option<Tls>) -> Option<(NotaryServer, NotaryCli)> {
    let server = match tls {
        None => NotaryServer::start(test)?,
        Some(tls) => NotaryServer::start_tls(test, tls)?,
    };
    let notary = NotaryCli::new(test, &server)?;
    Some((server, notary))
}

/// Our client in a trust folder, with the passphrases that [`NotaryCli`] uses.
pub fn ours(server: &NotaryServer, trust_dir: &Path) -> Collection {
    let gun = gun();
    Collection::builder(gun.clone(), Trust::FirstUse)
        .transport(transport(server, &gun))
        .store(DirectoryStore::open(trust_dir, &gun))
        .keys(keys(trust_dir))
        .build()
}

/// Our client, which has seen nothing yet and keeps nothing on disk.
pub fn fresh(server: &NotaryServer) -> Collection {
    trusting(server, Trust::FirstUse)
}

pub fn trusting(server: &NotaryServer, trust: Trust) -> Collection {
    let gun = gun();
    let builder = Collection::builder(gun.clone(), trust).transport(transport(server, &gun));
    builder.store(MemoryStore::new()).build()
}

pub fn gun() -> Gun {
    Gun::new(GUN).unwrap()
}

pub fn keys(trust_dir: &Path) -> DirectoryKeys {
    let of = |role: &str| (KeyRole::new(role).unwrap(), passphrase(role));
    let mut passphrases = FixedPassphrases::new().otherwise(&passphrase("delegation"));
    for (role, passphrase) in ["root", "targets", "snapshot"].map(of) {
        passphrases = passphrases.with(role, &passphrase);
    }
    DirectoryKeys::open(trust_dir.join("private"), passphrases)
}

pub fn transport(server: &NotaryServer, gun: &Gun) -> HttpTransport {
    let builder = HttpTransport::builder(Url::parse(&server.url()).unwrap(), gun);
    match server.authority() {
        Some(authority) => builder.ca_pem(&fs::read(authority).unwrap()).build().unwrap(),
        None => builder.dangerous().allow_plain_http().build().unwrap(),
    }
}

pub fn role(name: &str) -> RoleName {
    RoleName::new(name).unwrap()
}

pub fn target(name: &str) -> TargetName {
    TargetName::new(name).unwrap()
}

pub fn sha256(content: &[u8]) -> String {
    HEXLOWER.encode(&digest::sha256(content))
}

/// What a publisher signs about a content.
pub fn info(content: &[u8]) -> TargetInfo {
    let hashes = Hashes::sha256(digest::sha256(content));
    TargetInfo { length: content.len().try_into().unwrap(), hashes, custom: None }
}

/// Signs each content under a name.
pub fn signing<'a>(contents: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Changes {
    let sign = |changes: Changes, (name, content): (&str, &[u8])| changes.sign(target(name), info(content));
    contents.into_iter().fold(Changes::new(), sign)
}

/// What `notary list` must print for a content.
pub fn row(name: &str, content: &[u8], role: &str) -> Listed {
    let (name, role) = (name.to_owned(), role.to_owned());
    Listed { name, sha256: sha256(content), size: content.len().try_into().unwrap(), role }
}

/// A view as `notary list` would print it.
pub fn rows(view: &View, roles: &[&str]) -> Vec<Listed> {
    let roles: Vec<_> = roles.iter().map(|name| role(name)).collect();
    let targets = view.targets_from(&roles).unwrap();
    targets
        .iter()
        .map(|target| Listed {
            name: target.name().to_owned(),
            sha256: target.image_digest().unwrap().trim_start_matches("sha256:").to_owned(),
            size: target.length(),
            role: target.role().to_string(),
        })
        .collect()
}

/// Holds `notary list` and our own list to `expected`.
#[track_caller]
pub fn agree(notary: &NotaryCli, view: &View, roles: &[&str], expected: &[Listed]) {
    assert_eq!(rows(view, roles), expected, "ours");
    assert_eq!(listed(&notary.list(GUN).ok()), expected, "notary's");
}

/// Publishes one target with `notary`, the collection too if it is new.
#[track_caller]
pub fn notary_signs(notary: &NotaryCli, name: &str, content: &[u8]) {
    notary.add_hash(GUN, name, content.len().try_into().unwrap(), &sha256(content)).ok();
    notary.publish(GUN).ok();
}

/// The version of a role's newest file.
pub fn version(view: &View, role: &str) -> u64 {
    let roles = view.roles();
    let status = roles.iter().find(|status| status.role.as_str() == role).unwrap();
    status.file.as_ref().unwrap().0.get()
}

/// Canonical ids of a role's keys.
pub fn key_ids(view: &View, role: &str) -> Vec<String> {
    let roles = view.roles();
    let status = roles.iter().find(|status| status.role.as_str() == role).unwrap();
    status.keys.iter().map(|key| key.canonical_id.to_string()).collect()
}
