//! The files of a repository by the names that a client asks for.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use crate::{
    crypto::digest,
    name::{Gun, RoleName},
    transport::Upload,
};

/// Everything that a server would serve of one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    gun: Gun,
    files: BTreeMap<String, Vec<u8>>,
}

impl Published {
    /// No files at all: for files that were recorded elsewhere.
    pub const fn new(gun: Gun) -> Self {
        Self { gun, files: BTreeMap::new() }
    }

    pub(super) const fn with_files(gun: Gun, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { gun, files }
    }

    /// The collection.
    pub const fn gun(&self) -> &Gun {
        &self.gun
    }

    /// A file by its name: `root.json`, `2.root.json`, `targets.<SHA-256>.json`.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// The newest file of a role; empty when there is none.
    pub fn newest(&self, role: &str) -> Vec<u8> {
        self.file(&format!("{role}.json")).unwrap_or_default().to_vec()
    }

    /// All names and files.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, file)| (name.as_str(), file.as_slice()))
    }

    /// Puts a file under a name, whatever is in it.
    pub fn insert(&mut self, name: &str, file: Vec<u8>) {
        self.files.insert(name.to_owned(), file);
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &str) -> Option<Vec<u8>> {
        self.files.remove(name)
    }

    /// The newest files of these roles, to be published together.
    pub fn upload(&self, roles: &[&str]) -> Upload {
        let part = |role: &&str| RoleName::new(role).ok().map(|name| (name, self.newest(role)));
        Upload::new(roles.iter().filter_map(part).collect())
    }

    /// Adds the newest file of a role by all its names: plain, by digest, and by version where the
    /// file shows one.
    pub fn add(&mut self, role: &str, file: Vec<u8>) {
        let version = serde_json::from_slice(&file).ok().and_then(|file: serde_json::Value| {
            file.pointer("/signed/version").and_then(serde_json::Value::as_u64)
        });
        self.add_as(role, version, file);
    }

    pub(super) fn add_as(&mut self, role: &str, version: Option<u64>, file: Vec<u8>) {
        let sha256 = HEXLOWER.encode(&digest::sha256(&file));
        if let Some(version) = version {
            self.insert(&format!("{version}.{role}.json"), file.clone());
        }
        self.insert(&format!("{role}.{sha256}.json"), file.clone());
        self.insert(&format!("{role}.json"), file);
    }

    pub(super) fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        self.files
    }
}
