//! What is published is the ground for what comes next: it is read as a client reads it, but for the
//! expiry, which is what a maintainer often comes for (TUF specification 5.3 to 5.6).
//!
//! Rule: a file that its role's keys have not signed, or that is not the one pinned, is not maintained:
//! its content would be signed anew as if somebody had vouched for it. Where several roles delegate to
//! it, the first of them is who counts, lest another slips something in to be signed by its keys.

use std::io;

use super::{
    EditError, Lifetimes, Pins, RepositoryEditor, Role,
    reach::{Walk, delegated_authority},
    stage::suffices,
};
use crate::{
    crypto::digest,
    edit::draft::ids,
    limits::Limits,
    metadata::{Authority, Pin, Root, Snapshot, Targets, Timestamp},
    name::{Form, Hashes, Resource, RoleName, Version},
    verify::signers,
    wire::{Dialect, Document, Envelope},
};

impl RepositoryEditor {
    /// Opens a repository, whoever made it. `files` gives the files of its metadata, and none for those
    /// that aren't there. Trust begins with `root.json` or, where there is none, with the first root: give
    /// files of a place that only you can write to.
    ///
    /// All roles are read. With very many of them, [`open_top_level`](Self::open_top_level) is faster.
    ///
    /// ```
    /// # use tuf_notary::{edit::repository::{Lifetimes, RepositoryEditor}, name::Resource};
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let read = |what: &Resource| match std::fs::read(folder.join(what.tuf_name())) {
    ///     Ok(file) => Ok(Some(file)),
    ///     Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
    ///     Err(error) => Err(error),
    /// };
    /// let editor = RepositoryEditor::open(Lifetimes::default(), read);
    /// # assert_eq!(editor.unwrap_err().to_string(), "1.root.json is needed and not at hand");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// A file is missing, can't be read, is not signed by its role's keys, or is not the one pinned.
    pub fn open(
        lifetimes: Lifetimes,
        files: impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    ) -> Result<Self, EditError> {
        Self::open_with(lifetimes, Limits::default(), files)
    }

    /// The same with other bounds on what is read, then and later.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        lifetimes: Lifetimes,
        limits: Limits,
        mut files: impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    ) -> Result<Self, EditError> {
        let mut editor = Self::top_level(lifetimes, limits, &mut files)?;
        let mut walk = Walk::new();
        while let Some((role, parent)) = walk.next() {
            let parent = parent.and_then(|parent| editor.roles.get(&parent));
            let authority = parent.and_then(|parent| delegated_authority(&parent.body, &role));
            if let Some(authority) = authority.filter(|_| editor.is_pinned_and_absent(&role)) {
                let file = needed(&mut files, &editor.resource(&role))?;
                editor.load_signed_by(&authority, &role, file)?;
            }
            walk.enter(&editor, &role);
        }
        Ok(editor)
    }

    /// The same without delegated roles: those that are to be changed are [loaded](Self::load) one by
    /// one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_top_level(
        lifetimes: Lifetimes,
        files: impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    ) -> Result<Self, EditError> {
        Self::top_level(lifetimes, Limits::default(), files)
    }

    fn top_level(
        lifetimes: Lifetimes,
        limits: Limits,
        mut files: impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    ) -> Result<Self, EditError> {
        let mut editor = Self::new(lifetimes);
        editor.set_limits(limits);
        let root = newest_root(&mut files, &limits)?;
        editor.root = root.body().clone();
        editor.published_root = Some(root);

        let role = RoleName::Timestamp;
        let file = needed(&mut files, &Resource::latest(role.clone()))?;
        let timestamp = editor.read::<Timestamp>(&role, &editor.first_authority(&role)?, file, None)?;
        let pin = timestamp.body().snapshot;
        editor.timestamp = Some(timestamp);

        let role = RoleName::Snapshot;
        let file = needed(&mut files, &editor.pinned(&role, pin.version))?;
        let snapshot = editor.read::<Snapshot>(&role, &editor.first_authority(&role)?, file, Some(&pin))?;
        editor.pins = if snapshot.body().targets.hashes.is_empty() { Pins::Versions } else { Pins::Digests };
        editor.snapshot = Some(snapshot);

        let role = RoleName::Targets;
        let file = needed(&mut files, &editor.resource(&role))?;
        editor.load(&role, file)?;
        Ok(editor)
    }

    /// Takes the published file of a targets role, to which a role at hand delegates: of several, the
    /// first below `targets`, level by level, whose keys must have signed it. Changes to the role that
    /// were made before are lost.
    ///
    /// # Errors
    /// No role at hand delegates to it, or the file is not signed by its keys or not the one pinned.
    pub fn load(&mut self, role: &RoleName, file: Vec<u8>) -> Result<(), EditError> {
        let authority = self.first_authority(role)?;
        self.load_signed_by(&authority, role, file)
    }

    fn load_signed_by(
        &mut self,
        authority: &Authority,
        role: &RoleName,
        file: Vec<u8>,
    ) -> Result<(), EditError> {
        let pin = self.snapshot().and_then(|snapshot| snapshot.pin(role)).copied();
        let pin = pin.ok_or_else(|| EditError::UnknownRole { role: role.clone() })?;
        let published = self.read::<Targets>(role, authority, file, Some(&pin))?;
        self.roles.insert(role.clone(), Role { body: published.body().clone(), published: Some(published) });
        Ok(())
    }

    /// The published file of a role.
    pub fn resource(&self, role: &RoleName) -> Resource {
        let version = match role {
            RoleName::Timestamp => None,
            RoleName::Root => self.published_root.as_ref().map(|root| root.body().version),
            RoleName::Snapshot => self.snapshot().map(|snapshot| snapshot.version),
            _ => self.snapshot().and_then(|snapshot| snapshot.pin(role)?.version),
        };
        self.pinned(role, version)
    }

    /// The file of a role with this version, by what the published root says of names.
    fn pinned(&self, role: &RoleName, version: Option<Version>) -> Resource {
        let consistent = self.published_root.as_ref().is_some_and(|root| root.body().consistent_snapshot);
        resource(role, version, consistent)
    }

    pub(super) fn is_pinned_and_absent(&self, role: &RoleName) -> bool {
        let pinned = self.snapshot().is_some_and(|snapshot| snapshot.pin(role).is_some());
        pinned && !self.roles.contains_key(role)
    }

    fn read<T: Document>(
        &self,
        role: &RoleName,
        authority: &Authority,
        file: Vec<u8>,
        pin: Option<&Pin>,
    ) -> Result<Envelope<T>, EditError> {
        let envelope = Envelope::read(Dialect::Tuf1, file, &self.limits)?;
        if let Some(pin) = pin {
            check_pin(role, &envelope, pin)?;
        }
        match suffices(&envelope, std::slice::from_ref(authority)) {
            true => Ok(envelope),
            false => Err(unsigned(role, authority, &envelope)),
        }
    }
}

/// How a file of a role is called.
pub(super) fn resource(role: &RoleName, version: Option<Version>, consistent: bool) -> Resource {
    let versioned = match role {
        RoleName::Root => true,
        RoleName::Timestamp => false,
        _ => consistent,
    };
    let form = version.filter(|_| versioned).map_or(Form::Latest, Form::Version);
    Resource { role: role.clone(), form }
}

/// The end of the chain, each root signed by its predecessor and by itself.
fn newest_root(
    files: &mut impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    limits: &Limits,
) -> Result<Envelope<Root>, EditError> {
    let role = RoleName::Root;
    let first = match get(files, &Resource::latest(role.clone()))? {
        Some(file) => file,
        None => needed(files, &resource(&role, Some(Version::ONE), true))?,
    };
    let mut root = read_root(first, None, limits)?;
    while let Some(next) = root.body().version.next() {
        let Some(file) = get(files, &resource(&role, Some(next), true))? else { break };
        root = read_root(file, Some(&root), limits)?;
    }
    Ok(root)
}

fn read_root(
    file: Vec<u8>,
    before: Option<&Envelope<Root>>,
    limits: &Limits,
) -> Result<Envelope<Root>, EditError> {
    let role = RoleName::Root;
    let root = Envelope::<Root>::read(Dialect::Tuf1, file, limits)?;
    let previous = before.and_then(|before| before.body().authority(&role));
    for authority in root.body().authority(&role).into_iter().chain(previous) {
        if !suffices(&root, std::slice::from_ref(&authority)) {
            return Err(unsigned(&role, &authority, &root));
        }
    }
    match before.and_then(|before| before.body().version.next()) {
        Some(expected) if root.body().version != expected => {
            Err(not_pinned(&role, format!("version {expected}"), format!("version {}", root.body().version)))
        }
        _ => Ok(root),
    }
}

pub(super) fn check_pin<T: Document>(
    role: &RoleName,
    file: &Envelope<T>,
    pin: &Pin,
) -> Result<(), EditError> {
    let (bytes, version) = (file.bytes(), file.body().version());
    if pin.version.is_some_and(|pinned| pinned != version) {
        let expected = pin.version.map(|pinned| format!("version {pinned}")).unwrap_or_default();
        return Err(not_pinned(role, expected, format!("version {version}")));
    }
    let Hashes { sha256, sha512 } = pin.hashes;
    let fits = sha256.is_none_or(|pinned| pinned == digest::sha256(bytes))
        && sha512.is_none_or(|pinned| pinned == digest::sha512(bytes));
    match fits {
        true => Ok(()),
        false => Err(not_pinned(role, "the file that is pinned".to_owned(), "another one".to_owned())),
    }
}

fn not_pinned(role: &RoleName, expected: String, found: String) -> EditError {
    EditError::NotPinned { role: role.clone(), expected, found }
}

fn unsigned<T: Document>(role: &RoleName, authority: &Authority, file: &Envelope<T>) -> EditError {
    let valid = signers(authority, file).len();
    let needed = authority.threshold().get();
    EditError::Unsigned { role: role.clone(), needed, valid, ids: ids(Some(authority)) }
}

fn get(
    files: &mut impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    what: &Resource,
) -> Result<Option<Vec<u8>>, EditError> {
    files(what).map_err(|error| EditError::Unreadable { name: what.tuf_name(), reason: error.to_string() })
}

fn needed(
    files: &mut impl FnMut(&Resource) -> io::Result<Option<Vec<u8>>>,
    what: &Resource,
) -> Result<Vec<u8>, EditError> {
    get(files, what)?.ok_or_else(|| EditError::NotAtHand { name: what.tuf_name() })
}
