//! Repositories of TUF 1.0 are made and maintained (specification 1.0.34 sections 4 and 6): pure,
//! no I/O, no clock, no key store.
//!
//! Rule: nothing is given out to which a client could not refresh, and no file is signed that who is to
//! vouch for it has not signed. Delegated roles that don't change stay as they were published, good or
//! not. The way of a change:
//! 1. A [`RepositoryEditor`] holds what is published ([`open`](RepositoryEditor::open)), or nothing
//!    yet ([`new`](RepositoryEditor::new)), and takes changes.
//! 2. [`stage`](RepositoryEditor::stage) makes a [`Release`]: the documents that change, with new
//!    versions and times, and whose keys must sign each.
//! 3. Signers sign, one after the other, here or elsewhere: a [`SigningRequest`] can be carried to
//!    another machine as a file, be signed there, and come back.
//! 4. [`complete`](Release::complete) demands every threshold, for a new root also that of its
//!    predecessor, compares the pins with those that are published, refreshes as a client would, and
//!    gives the files in the order in which they are to be uploaded.
//!
//! ```
//! use tuf_notary::{
//!     crypto::{PrivateKey, Signer as _},
//!     edit::repository::{Lifetimes, RepositoryEditor},
//!     metadata::TargetInfo,
//!     name::{RoleName, TargetName},
//! };
//!
//! let (offline, online) = (PrivateKey::generate_ed25519()?, PrivateKey::generate_ed25519()?);
//! let mut editor = RepositoryEditor::new(Lifetimes::default());
//! for role in [RoleName::Root, RoleName::Targets] {
//!     editor.add_key(&role, offline.public_key())?;
//! }
//! for role in [RoleName::Snapshot, RoleName::Timestamp] {
//!     editor.add_key(&role, online.public_key())?;
//! }
//! let content = b"the release";
//! editor.add_target(&RoleName::Targets, &TargetName::new("app/v1.tar")?, &TargetInfo::from_bytes(content))?;
//!
//! let now = std::time::SystemTime::now();
//! let mut release = editor.stage(now)?;
//! release.sign(&offline)?;
//! release.sign(&online)?;
//! let publication = release.complete(now)?;
//! let names: Vec<_> = publication.files().map(|(name, _)| name).collect();
//! assert_eq!(names, ["1.targets.json", "1.snapshot.json", "1.root.json", "timestamp.json"]);
//! // Before these, the content itself, under the names that clients ask for:
//! assert!(publication.targets()[0].paths[0].as_str().starts_with("app/"));
//!
//! let mut editor = publication.into_editor(); // ready for the next change
//! # editor.renew(&RoleName::Timestamp)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod delegations;
mod document;
mod keys;
mod lifetimes;
mod open;
mod publication;
mod reach;
mod release;
mod request;
mod stage;
mod successor;
mod targets;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use super::EditError;
use crate::{
    limits::Limits,
    metadata::{Extra, KeyRing, RoleKeys, Root, Snapshot, TargetIndex, Targets, Timestamp},
    name::{Expiry, RoleName, Version},
    wire::{Document, Envelope},
};
pub use delegations::NewDelegation;
pub use document::SigningDocument;
pub use lifetimes::Lifetimes;
pub use publication::{Publication, TargetUpload};
pub use release::Release;
pub use request::{Missing, SigningRequest};

/// A repository of TUF 1.0 and the changes to it that were not published yet.
#[derive(Clone, Debug)]
pub struct RepositoryEditor {
    lifetimes: Lifetimes,
    limits: Limits,
    spec_version: Option<String>,
    pins: Pins,
    root: Root,
    published_root: Option<Envelope<Root>>,
    /// `targets` and those delegated roles that are at hand.
    roles: BTreeMap<RoleName, Role>,
    snapshot: Option<Envelope<Snapshot>>,
    timestamp: Option<Envelope<Timestamp>>,
    renewed: BTreeSet<RoleName>,
}

/// What snapshot and timestamp say of the files that they pin (specification 4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pins {
    /// Their versions. All documents of a release can be signed side by side.
    #[default]
    Versions,
    /// Their lengths and SHA-256 too. A document can be signed only when those that it pins have all
    /// their signatures.
    Digests,
}

/// A targets role.
#[derive(Clone, Debug)]
struct Role {
    body: Targets,
    published: Option<Envelope<Targets>>,
}

impl RepositoryEditor {
    /// A repository that begins: no keys, no targets, thresholds of 1, consistent snapshots.
    pub fn new(lifetimes: Lifetimes) -> Self {
        let none = || RoleKeys::new(Vec::new(), NonZeroU32::MIN);
        let root = Root {
            version: Version::ONE,
            expires: Expiry::zero(),
            consistent_snapshot: true,
            keys: KeyRing::default(),
            root: none(),
            timestamp: none(),
            snapshot: none(),
            targets: none(),
            extra: Extra::default(),
        };
        let roles = BTreeMap::from([(RoleName::Targets, Role::new())]);
        Self {
            lifetimes,
            limits: Limits::default(),
            spec_version: None,
            pins: Pins::default(),
            root,
            published_root: None,
            roles,
            snapshot: None,
            timestamp: None,
            renewed: BTreeSet::new(),
        }
    }

    /// Whether files have names of their own for each version, and targets for each content: the
    /// default, without which clients that come in the middle of an upload fail.
    pub const fn set_consistent_snapshot(&mut self, consistent: bool) {
        self.root.consistent_snapshot = consistent;
    }

    /// The version of the specification that files name from now on. A new file names the one that
    /// this library implements; one that exists keeps what it names.
    ///
    /// # Errors
    /// It is not 1 or 1.x.
    pub fn set_spec_version(&mut self, version: &str) -> Result<(), EditError> {
        crate::wire::tuf1::check_spec_version(version)?;
        self.spec_version = Some(version.to_owned());
        Ok(())
    }

    /// What snapshot and timestamp say of the files that they pin.
    pub const fn set_pins(&mut self, pins: Pins) {
        self.pins = pins;
    }

    /// Other bounds on the files that are read: those of a release when it is completed, and those that are
    /// [loaded](Self::load). For those that are opened there is [`open_with`](Self::open_with).
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Signs a role anew with the next release, changed or not: its validity begins again.
    ///
    /// # Errors
    /// There is no such role, or its file is not at hand.
    pub fn renew(&mut self, role: &RoleName) -> Result<(), EditError> {
        if role.holds_targets() {
            self.role(role)?;
        }
        self.renewed.insert(role.clone());
        Ok(())
    }

    /// The published roles that are expired `within` this time from `now`, among those at hand.
    pub fn expiring(&self, now: SystemTime, within: Duration) -> Vec<(RoleName, Expiry)> {
        let limit = now.checked_add(within).unwrap_or(now);
        let targets =
            self.roles.iter().filter_map(|(role, it)| Some((role.clone(), expires(&it.published)?)));
        let top = [
            (RoleName::Root, expires(&self.published_root)),
            (RoleName::Snapshot, expires(&self.snapshot)),
            (RoleName::Timestamp, expires(&self.timestamp)),
        ];
        let top = top.into_iter().filter_map(|(role, expires)| Some((role, expires?)));
        top.chain(targets).filter(|(_, expires)| expires.is_past(limit)).collect()
    }

    /// The root with the changes so far.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// A targets role with the changes so far; none when it doesn't exist or is not at hand.
    pub fn targets(&self, role: &RoleName) -> Option<&Targets> {
        self.roles.get(role).map(|role| &role.body)
    }

    /// The targets roles that are at hand.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.keys()
    }

    /// The published snapshot.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref().map(Envelope::body)
    }

    /// The published timestamp.
    pub fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref().map(Envelope::body)
    }

    fn role(&self, role: &RoleName) -> Result<&Role, EditError> {
        self.roles.get(role).ok_or_else(|| self.absent(role))
    }

    fn role_mut(&mut self, role: &RoleName) -> Result<&mut Targets, EditError> {
        let absent = self.absent(role);
        self.roles.get_mut(role).map(|role| &mut role.body).ok_or(absent)
    }

    fn absent(&self, role: &RoleName) -> EditError {
        let published = self.snapshot().is_some_and(|snapshot| snapshot.pin(role).is_some());
        match published && role.holds_targets() {
            true => EditError::NotAtHand { name: format!("{role}.json") },
            false => EditError::UnknownRole { role: role.clone() },
        }
    }
}

impl Role {
    /// A role that signs nothing.
    fn new() -> Self {
        let body = Targets {
            version: Version::ONE,
            expires: Expiry::zero(),
            keys: KeyRing::default(),
            delegations: Vec::new(),
            bins: None,
            targets: TargetIndex::default(),
            extra: Extra::default(),
        };
        Self { body, published: None }
    }
}

fn expires<T: Document>(file: &Option<Envelope<T>>) -> Option<Expiry> {
    file.as_ref().map(|file| file.body().expires())
}
