//! Makes repositories: correct ones, and ones that are wrong in exactly one respect.
//!
//! The rule: what a test changes on one role is covered by that role's signatures and pinned by
//! the roles above it, unless the test changes those too. So what a client refuses is the change,
//! and not a digest or signature that it broke by the way (Notary v1; TUF specification 4).
//!
//! ```
//! use tuf_notary::testkit::{Forge, TrustServer};
//! let mut forge = Forge::new("example.com/app");
//! forge.add_tag("targets", "v2", 7, 512);
//! forge.expires("targets", "2020-01-01T00:00:00Z"); // expired, validly signed
//! let server = TrustServer::new();
//! server.serve(&forge.build());
//! ```

mod authority;
mod build;
pub(super) mod document;
pub(super) mod key;
mod published;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;

pub use authority::ForgeAuthority;
pub use key::ForgeKey;
pub use published::Published;

use crate::name::Gun;

/// Changes the text of a `signed` part.
type TextHook = Arc<dyn Fn(String) -> String + Send + Sync>;
/// Changes the bytes of a file.
type BytesHook = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;
/// Changes a part of a document.
type ValueHook = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A repository in the making, with all its private keys.
///
/// A new one is correct: root, targets with the tag `v1`, snapshot and timestamp, each in its first
/// version. Roles are named as Notary spells them: `root`, `targets/releases`. A clone goes its own way,
/// which makes forks and older states.
///
/// # Panics
/// Methods panic when a key or certificate can't be made: this is a tool of tests.
#[derive(Clone)]
pub struct Forge {
    gun: Gun,
    /// The `signed` parts.
    documents: BTreeMap<String, Value>,
    /// Who signs.
    signers: BTreeMap<String, Vec<ForgeKey>>,
    /// Whom the parent lists.
    listed: BTreeMap<String, Vec<ForgeKey>>,
    hooks: BTreeMap<String, Hooks>,
    /// Signatures differ each time they are made, files that did not change must not.
    made: BTreeMap<String, build::Made>,
    /// Earlier root versions, by their names on a server.
    earlier: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, Default)]
struct Hooks {
    before_sign: Option<TextHook>,
    signatures: Option<ValueHook>,
    after_sign: Option<BytesHook>,
    pin: Option<ValueHook>,
}

impl Forge {
    /// A correct repository with new keys. The root's key is in a certificate for `gun`.
    pub fn new(gun: &str) -> Self {
        let mut forge = Self {
            gun: key::must(Gun::new(gun)),
            documents: document::four_roles(),
            signers: BTreeMap::new(),
            listed: BTreeMap::new(),
            hooks: BTreeMap::new(),
            made: BTreeMap::new(),
            earlier: BTreeMap::new(),
        };
        let (ecdsa, ed25519) = (ForgeKey::ecdsa, ForgeKey::ed25519);
        for (role, key) in [
            ("root", ForgeKey::certificate(gun)),
            ("targets", ecdsa()),
            ("snapshot", ecdsa()),
            ("timestamp", ed25519()),
        ] {
            forge.list_keys(role, std::slice::from_ref(&key), 1);
            forge.signers.insert(role.to_owned(), vec![key]);
        }
        forge.add_tag("targets", "v1", 1, 1);
        forge
    }

    /// The instant at which a new repository is valid: 2026-11-24T12:00:00Z.
    pub fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600)
    }

    /// The collection.
    pub const fn gun(&self) -> &Gun {
        &self.gun
    }

    /// The `signed` part of a role, to be changed at will. `meta` of snapshot and timestamp is
    /// filled in by [`build`](Self::build). A role that does not exist is made, empty.
    pub fn doc(&mut self, role: &str) -> &mut Value {
        self.documents.entry(role.to_owned()).or_default()
    }

    /// Sets a role's version.
    pub fn version(&mut self, role: &str, version: u64) {
        document::set(self.doc(role), "version", version.into());
    }

    /// Sets a role's expiry to this text.
    pub fn expires(&mut self, role: &str, time: &str) {
        document::set(self.doc(role), "expires", time.into());
    }

    /// Signs a tag: its SHA-256 is 32 times `byte`.
    pub fn add_tag(&mut self, role: &str, name: &str, byte: u8, length: u64) {
        document::add_tag(self.doc(role), name, byte, length);
    }

    /// The keys that sign a role, whoever is listed.
    pub fn keys(&mut self, role: &str) -> &mut Vec<ForgeKey> {
        self.signers.entry(role.to_owned()).or_default()
    }

    /// Lists these keys and this threshold for a role, in the root or in the delegating role.
    /// Who signs stays as it is. Keys listed before stay among the parent's `keys`.
    pub fn list_keys(&mut self, role: &str, keys: &[ForgeKey], threshold: u32) {
        self.listed.insert(role.to_owned(), keys.to_vec());
        match role.rsplit_once('/') {
            Some((parent, _)) => document::list_delegated(self.doc(parent), role, keys, threshold),
            None => document::list_top_level(self.doc("root"), role, keys, threshold),
        }
    }

    /// Lists these keys for a role and lets them sign it.
    pub fn set_keys(&mut self, role: &str, keys: &[ForgeKey], threshold: u32) {
        self.list_keys(role, keys, threshold);
        self.signers.insert(role.to_owned(), keys.to_vec());
    }

    /// Adds a delegation to `parent`. A role that does not exist yet is made: version 1, no tags,
    /// signed by all `keys`. Done twice, the delegation is there twice.
    pub fn delegate(&mut self, parent: &str, role: &str, keys: &[ForgeKey], threshold: u32, paths: &[&str]) {
        document::delegate(self.doc(parent), role, keys, threshold, paths);
        if !self.documents.contains_key(role) {
            self.documents.insert(role.to_owned(), document::empty_targets());
            self.listed.insert(role.to_owned(), keys.to_vec());
            self.signers.insert(role.to_owned(), keys.to_vec());
        }
    }

    /// Drops a role's file and its entry in the snapshot. A delegation to it stays.
    pub fn remove(&mut self, role: &str) {
        self.documents.remove(role);
        self.made.remove(role);
    }

    /// Raises the version of a role, and of the snapshot and timestamp above it. For `root`, the
    /// version before stays on the server, and the new one is signed by the keys that the version
    /// before listed.
    pub fn bump(&mut self, role: &str) {
        if role == "root" {
            return self.next_root();
        }
        self.raise(role);
        self.raise_above(role);
    }

    /// Replaces the root's keys: a new version, signed by the keys listed before and by the new
    /// ones. To leave either out, change [`keys`](Self::keys) of `root` afterwards.
    pub fn rotate_root(&mut self, keys: &[ForgeKey], threshold: u32) {
        self.next_root();
        self.list_keys("root", keys, threshold);
        let signers = self.keys("root");
        for key in keys {
            if !signers.contains(key) {
                signers.push(key.clone());
            }
        }
    }

    /// Replaces the keys of another top-level role in a new root version, and lets the new keys
    /// sign a new version of the role.
    pub fn rotate(&mut self, role: &str, keys: &[ForgeKey], threshold: u32) {
        self.next_root();
        self.set_keys(role, keys, threshold);
        if role == "targets" {
            self.raise(role);
        }
    }

    /// Changes the text of a role's `signed` part before it is signed. The signatures then cover
    /// the canonical form of the text, or the text itself where it has none.
    pub fn before_sign(&mut self, role: &str, change: impl Fn(String) -> String + Send + Sync + 'static) {
        self.hooks(role).before_sign = Some(Arc::new(change));
    }

    /// Changes the list of signatures of a role's file: a JSON array of objects.
    pub fn signatures(&mut self, role: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.hooks(role).signatures = Some(Arc::new(change));
    }

    /// Changes a role's finished file. Parents pin the result.
    pub fn after_sign(&mut self, role: &str, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        self.hooks(role).after_sign = Some(Arc::new(change));
    }

    /// Changes what the parent pins of a role: `{"hashes": {"sha256": …, "sha512": …}, "length":
    /// …}`. When `null` is left, there is no entry.
    pub fn pin(&mut self, role: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.hooks(role).pin = Some(Arc::new(change));
    }

    /// Forgets what the four methods above were told about a role.
    pub fn clear_hooks(&mut self, role: &str) {
        self.hooks.remove(role);
    }

    fn hooks(&mut self, role: &str) -> &mut Hooks {
        self.hooks.entry(role.to_owned()).or_default()
    }

    fn next_root(&mut self) {
        let mut roots = Published::with_files(self.gun.clone(), std::mem::take(&mut self.earlier));
        let root = self.documents.get("root").cloned().unwrap_or_default();
        let _ = self.make("root", &root, &mut roots);
        roots.remove("root.json");
        self.earlier = roots.into_files();
        self.raise("root");
        self.raise_above("root");
        let listed = self.listed.get("root").cloned().unwrap_or_default();
        self.signers.insert("root".to_owned(), listed);
    }

    fn raise(&mut self, role: &str) {
        let version = self.doc(role).get("version").and_then(Value::as_u64).unwrap_or(0);
        self.version(role, version.saturating_add(1));
    }

    fn raise_above(&mut self, role: &str) {
        if !matches!(role, "timestamp" | "snapshot") {
            self.raise("snapshot");
        }
        if role != "timestamp" {
            self.raise("timestamp");
        }
    }
}

impl fmt::Debug for Forge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forge").field("gun", &self.gun).field("documents", &self.documents).finish()
    }
}
