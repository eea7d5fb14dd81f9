//! Makes TUF 1.0 repositories: correct ones, and ones that are wrong in exactly one respect.
//!
//! The rule is that of [`Forge`](super::Forge): what a test changes on one role is covered by that role's
//! signatures and listed by the roles above it, unless the test changes those too (TUF specification
//! 1.0.34 section 4).
//!
//! ```
//! use tuf_notary::{blocking::Repository, name::TargetName, testkit::TufForge};
//! let mut forge = TufForge::new();
//! forge.add_target("targets", "app/1.0.tar", b"content");
//! let published = forge.build();
//! let repository = Repository::builder(published.newest("root"))
//!     .transport(published.transport())
//!     .targets(published.transport())
//!     .clock(TufForge::now)
//!     .build();
//! let (found, mut content) = (repository.find(&TargetName::new("app/1.0.tar")?)?, Vec::new());
//! repository.download(&found.ok_or("not there")?, &mut content)?;
//! assert_eq!(content, b"content");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod key;
mod published;

use std::{collections::BTreeMap, fmt, sync::Arc, time::SystemTime};

use data_encoding::HEXLOWER;
use serde_json::Value;

pub use self::{key::TufForgeKey, published::TufPublished};
use crate::{
    crypto::digest,
    testkit::{
        Forge,
        forge::document::{member, set},
    },
    wire::json,
};

/// Changes the text of a `signed` part.
type TextHook = Arc<dyn Fn(String) -> String + Send + Sync>;
/// Changes a finished file.
type BytesHook = Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;
/// Changes a part of a document.
type ValueHook = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A TUF 1.0 repository in the making, with all its private keys.
///
/// A new one is correct: root, targets with the target `file.txt`, snapshot and timestamp, each in its
/// first version, signed by one Ed25519 key each, with consistent snapshots. A clone goes its own way,
/// which makes forks and older states.
///
/// # Panics
/// Methods panic when a key can't be made: this is a tool of tests.
#[derive(Clone)]
pub struct TufForge {
    /// The `signed` parts.
    documents: BTreeMap<String, Value>,
    /// Who signs.
    signers: BTreeMap<String, Vec<TufForgeKey>>,
    /// Whom the root lists for itself.
    root_keys: Vec<TufForgeKey>,
    hooks: BTreeMap<String, Hooks>,
    /// Signatures may differ each time they are made, files that did not change must not.
    made: BTreeMap<String, Made>,
    /// Earlier versions of the root.
    earlier: BTreeMap<u64, Vec<u8>>,
    contents: BTreeMap<String, Vec<u8>>,
    with_hashes: bool,
}

#[derive(Clone, Default)]
struct Hooks {
    before_sign: Option<TextHook>,
    signatures: Option<ValueHook>,
    after_sign: Option<BytesHook>,
    pin: Option<ValueHook>,
}

/// Signatures, and what they were made of.
#[derive(Clone)]
struct Made {
    text: String,
    keys: Vec<TufForgeKey>,
    signatures: Value,
}

impl TufForge {
    /// A correct repository with new keys.
    pub fn new() -> Self {
        let mut forge = Self {
            documents: document::four_roles(),
            signers: BTreeMap::new(),
            root_keys: Vec::new(),
            hooks: BTreeMap::new(),
            made: BTreeMap::new(),
            earlier: BTreeMap::new(),
            contents: BTreeMap::new(),
            with_hashes: true,
        };
        for role in ["root", "targets", "snapshot", "timestamp"] {
            forge.set_keys(role, &[TufForgeKey::ed25519()], 1);
        }
        forge.add_target("targets", "file.txt", b"content");
        forge
    }

    /// The instant at which a new repository is valid: 2026-11-24T12:00:00Z.
    pub fn now() -> SystemTime {
        Forge::now()
    }

    /// The `signed` part of a role, to be changed at will. `meta` of snapshot and timestamp is filled in
    /// by [`build`](Self::build). A role that does not exist is made, empty.
    pub fn doc(&mut self, role: &str) -> &mut Value {
        self.documents.entry(role.to_owned()).or_default()
    }

    /// Sets a role's version.
    pub fn version(&mut self, role: &str, version: u64) {
        set(self.doc(role), "version", version.into());
    }

    /// Sets a role's expiry to this text.
    pub fn expires(&mut self, role: &str, time: &str) {
        set(self.doc(role), "expires", time.into());
    }

    /// Whether the root declares consistent snapshots. Files are published under both names in any case.
    pub fn consistent_snapshot(&mut self, declared: bool) {
        set(self.doc("root"), "consistent_snapshot", declared.into());
    }

    /// Whether snapshot and timestamp list lengths and digests besides versions, as they do by default.
    pub const fn list_hashes(&mut self, listed: bool) {
        self.with_hashes = listed;
    }

    /// Lists a target with its SHA-256, and serves its content.
    pub fn add_target(&mut self, role: &str, name: &str, content: &[u8]) {
        document::add_target(self.doc(role), name, content);
        self.contents.insert(name.to_owned(), content.to_vec());
    }

    /// The keys that sign a role, whoever is listed.
    pub fn keys(&mut self, role: &str) -> &mut Vec<TufForgeKey> {
        self.signers.entry(role.to_owned()).or_default()
    }

    /// Lists these keys and this threshold for a top-level role. Who signs stays as it is. Keys listed
    /// before stay among the root's `keys`.
    pub fn list_keys(&mut self, role: &str, keys: &[TufForgeKey], threshold: u32) {
        if role == "root" {
            self.root_keys = keys.to_vec();
        }
        document::list_top_level(self.doc("root"), role, keys, threshold);
    }

    /// Lists these keys for a top-level role and lets them sign it.
    pub fn set_keys(&mut self, role: &str, keys: &[TufForgeKey], threshold: u32) {
        self.list_keys(role, keys, threshold);
        self.signers.insert(role.to_owned(), keys.to_vec());
    }

    /// Adds a delegation to `parent`, at the end, not terminating. A role that does not exist yet is
    /// made: version 1, no targets, signed by all `keys`. Done twice, the delegation is there twice.
    pub fn delegate(
        &mut self,
        parent: &str,
        role: &str,
        keys: &[TufForgeKey],
        threshold: u32,
        paths: &[&str],
    ) {
        document::delegate(self.doc(parent), role, keys, threshold, paths);
        if !self.documents.contains_key(role) {
            self.documents.insert(role.to_owned(), document::empty_targets());
            self.signers.insert(role.to_owned(), keys.to_vec());
        }
    }

    /// Changes what `parent` says of its delegation to `role`.
    pub fn change_delegation(&mut self, parent: &str, role: &str, change: impl Fn(&mut Value)) {
        let roles = self.doc(parent).pointer_mut("/delegations/roles").and_then(Value::as_array_mut);
        let is_named = |entry: &&mut Value| entry.get("name").and_then(Value::as_str) == Some(role);
        roles.into_iter().flatten().filter(is_named).for_each(change);
    }

    /// Drops a role's file and its entry in the snapshot. A delegation to it stays.
    pub fn remove(&mut self, role: &str) {
        self.documents.remove(role);
        self.made.remove(role);
    }

    /// Raises the version of a role, and of the snapshot and timestamp above it. For `root`, which stands
    /// above all others, the version before stays on the server, and the new one is signed by the keys
    /// that the version before listed.
    pub fn bump(&mut self, role: &str) {
        if role == "root" {
            return self.next_root();
        }
        self.raise(role);
        if !matches!(role, "timestamp" | "snapshot") {
            self.raise("snapshot");
        }
        if role != "timestamp" {
            self.raise("timestamp");
        }
    }

    /// Replaces the root's keys: a new version, signed by the keys listed before and by the new ones. To
    /// leave either out, change [`keys`](Self::keys) of `root` afterwards.
    pub fn rotate_root(&mut self, keys: &[TufForgeKey], threshold: u32) {
        self.next_root();
        self.list_keys("root", keys, threshold);
        let signers = self.keys("root");
        for key in keys {
            if !signers.contains(key) {
                signers.push(key.clone());
            }
        }
    }

    /// Replaces the keys of another top-level role in a new root version, and lets the new keys sign a
    /// new version of the role.
    pub fn rotate(&mut self, role: &str, keys: &[TufForgeKey], threshold: u32) {
        self.next_root();
        self.set_keys(role, keys, threshold);
        self.bump(role);
    }

    /// Changes the text of a role's `signed` part before it is signed. The signatures then cover the
    /// canonical form of the text, or the text itself where it has none.
    pub fn before_sign(&mut self, role: &str, change: impl Fn(String) -> String + Send + Sync + 'static) {
        self.hooks(role).before_sign = Some(Arc::new(change));
    }

    /// Changes the list of signatures of a role's file: a JSON array of objects.
    pub fn signatures(&mut self, role: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.hooks(role).signatures = Some(Arc::new(change));
    }

    /// Changes a role's finished file. Parents list the result.
    pub fn after_sign(&mut self, role: &str, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        self.hooks(role).after_sign = Some(Arc::new(change));
    }

    /// Changes what the parent lists of a role: `{"hashes": {"sha256": …}, "length": …, "version": …}`.
    /// When `null` is left, there is no entry.
    pub fn pin(&mut self, role: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.hooks(role).pin = Some(Arc::new(change));
    }

    /// Forgets what the four methods above were told about a role.
    pub fn clear_hooks(&mut self, role: &str) {
        self.hooks.remove(role);
    }

    /// All files that a server would have: of each role the newest, by its plain name and its version,
    /// the earlier roots by version, and the contents of targets. What did not change since the last time
    /// is the same to the byte.
    pub fn build(&mut self) -> TufPublished {
        let mut published = TufPublished::default();
        for (version, root) in &self.earlier {
            published.add("root", Some(*version), root.clone());
        }
        let pinned = |role: &String| !matches!(role.as_str(), "root" | "snapshot" | "timestamp");
        let roles: Vec<_> = self.documents.keys().filter(|role| pinned(role)).cloned().collect();
        let mut pins = BTreeMap::new();
        for role in roles {
            pins.extend(self.publish(&role, BTreeMap::new(), &mut published));
        }
        let snapshot = self.publish("snapshot", pins, &mut published);
        self.publish("timestamp", snapshot.into_iter().collect(), &mut published);
        self.publish("root", BTreeMap::new(), &mut published);
        for (path, content) in &self.contents {
            let (folder, file) = path
                .rsplit_once('/')
                .map_or(("", path.as_str()), |(_, file)| (path.strip_suffix(file).unwrap_or_default(), file));
            let digest = HEXLOWER.encode(&digest::sha256(content));
            published.insert_target(&format!("{folder}{digest}.{file}"), content.clone());
            published.insert_target(path, content.clone());
        }
        published
    }

    /// Makes and publishes a role's file. Returns what the parent lists of it.
    fn publish(
        &mut self,
        role: &str,
        pins: BTreeMap<String, Value>,
        published: &mut TufPublished,
    ) -> Option<(String, Value)> {
        let mut document = self.documents.get(role)?.clone();
        for (name, pin) in pins {
            set(member(&mut document, "meta"), &name, pin);
        }
        let file = self.make(role, &document);
        let version = document.get("version");
        let mut pin = document::pin(&file, version, self.with_hashes);
        published.add(role, version.and_then(Value::as_u64), file);
        if let Some(change) = self.hooks.get(role).and_then(|hooks| hooks.pin.clone()) {
            change(&mut pin);
        }
        (!pin.is_null()).then(|| (format!("{role}.json"), pin))
    }

    fn make(&mut self, role: &str, document: &Value) -> Vec<u8> {
        let hooks = self.hooks.get(role).cloned().unwrap_or_default();
        let text = document.to_string();
        let text = hooks.before_sign.map_or_else(|| text.clone(), |change| change(text.clone()));
        let mut signatures = self.sign(role, &text);
        if let Some(change) = hooks.signatures {
            change(&mut signatures);
        }
        let file = format!("{{\"signatures\":{signatures},\"signed\":{text}}}").into_bytes();
        hooks.after_sign.map_or_else(|| file.clone(), |change| change(file.clone()))
    }

    fn sign(&mut self, role: &str, text: &str) -> Value {
        let keys = self.signers.get(role).cloned().unwrap_or_default();
        if let Some(made) = self.made.get(role).filter(|made| made.text == text && made.keys == keys) {
            return made.signatures.clone();
        }
        let message = json::canonicalise(text).unwrap_or_else(|_| text.into());
        let signatures: Value = keys.iter().map(|key| key.sign(&message)).collect();
        let made = Made { text: text.to_owned(), keys, signatures: signatures.clone() };
        self.made.insert(role.to_owned(), made);
        signatures
    }

    fn next_root(&mut self) {
        let root = self.documents.get("root").cloned().unwrap_or_default();
        let file = self.make("root", &root);
        let version = root.get("version").and_then(Value::as_u64).unwrap_or_default();
        self.earlier.insert(version, file);
        self.raise("root");
        self.signers.insert("root".to_owned(), self.root_keys.clone());
    }

    fn raise(&mut self, role: &str) {
        let version = self.doc(role).get("version").and_then(Value::as_u64).unwrap_or(0);
        self.version(role, version.saturating_add(1));
    }

    fn hooks(&mut self, role: &str) -> &mut Hooks {
        self.hooks.entry(role.to_owned()).or_default()
    }
}

impl Default for TufForge {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TufForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TufForge").field("documents", &self.documents).finish()
    }
}
