//! The files of a TUF 1.0 repository by the names that a client asks for.

use std::collections::BTreeMap;

use crate::{
    name::{Form, Resource, RoleName, Version},
    testkit::forge::key::must,
    transport::MemoryTransport,
};

/// Everything that the servers of a TUF 1.0 repository would have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TufPublished {
    metadata: BTreeMap<String, (Resource, Vec<u8>)>,
    targets: BTreeMap<String, Vec<u8>>,
}

impl TufPublished {
    /// A metadata file by its name: `timestamp.json`, `2.root.json`.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.metadata.get(name).map(|(_, file)| file.as_slice())
    }

    /// The newest file of a role; empty when there is none.
    pub fn newest(&self, role: &str) -> Vec<u8> {
        let name = Resource::latest(must(RoleName::tuf(role))).tuf_name();
        self.file(&name).unwrap_or_default().to_vec()
    }

    /// All names and files of metadata.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.metadata.iter().map(|(name, (_, file))| (name.as_str(), file.as_slice()))
    }

    /// All contents by their paths, each with its hash prefix and without.
    pub fn targets(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.targets.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Puts a metadata file there, whatever is in it.
    pub fn insert(&mut self, what: Resource, file: Vec<u8>) {
        self.metadata.insert(what.tuf_name(), (what, file));
    }

    /// Puts a content at a path, whatever is in it.
    pub fn insert_target(&mut self, path: &str, content: Vec<u8>) {
        self.targets.insert(path.to_owned(), content);
    }

    /// Takes a metadata file away.
    pub fn remove(&mut self, name: &str) -> Option<Vec<u8>> {
        self.metadata.remove(name).map(|(_, file)| file)
    }

    /// A transport that serves all of it, metadata and contents.
    pub fn transport(&self) -> MemoryTransport {
        let transport: MemoryTransport = self.metadata.values().cloned().collect();
        for (path, content) in &self.targets {
            transport.insert_target(path.as_str(), content.as_slice());
        }
        transport
    }

    /// Adds a role's file by its plain name, and by its version where it has a legal one.
    pub(super) fn add(&mut self, role: &str, version: Option<u64>, file: Vec<u8>) {
        let role = must(RoleName::tuf(role));
        if let Some(version) = version.and_then(|version| Version::new(version).ok()) {
            self.insert(Resource { role: role.clone(), form: Form::Version(version) }, file.clone());
        }
        self.insert(Resource::latest(role), file);
    }
}
