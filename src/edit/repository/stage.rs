//! Which documents change, and what they say (TUF specification 6.1, 6.2).
//!
//! A document gets a new version when what it says changes, when the keys that have signed it no
//! longer suffice, or when it is to be renewed. Whatever is pinned otherwise makes a new snapshot, and
//! that a new timestamp. No file that a snapshot pinned may ever be missing from a later one, or get
//! older (5.5.5): what was pinned stays so.

use std::{collections::BTreeMap, time::SystemTime};

use super::{
    EditError, Release, RepositoryEditor, Role, SigningDocument, document::Body, reach::delegated_authority,
};
use crate::{
    metadata::{Authority, Extra, Pin, Root, Snapshot, Targets, Timestamp},
    name::{RoleName, Version},
    verify::signers,
    wire::{Document, Envelope, json, tuf1},
};

impl RepositoryEditor {
    /// The next release, of which nothing is signed; it is empty when nothing changes.
    ///
    /// # Errors
    /// A role has fewer keys than must sign it, a role has to be signed anew and its file is not at
    /// hand, or a version is the highest.
    pub fn stage(&self, now: SystemTime) -> Result<Release, EditError> {
        let mut next = self.clone();
        let roles = self.due_targets()?;
        self.check_keys(&roles)?;
        let mut documents = Vec::new();
        for role in roles {
            documents.push(next.stage_targets(role, now)?);
        }
        let pins: BTreeMap<_, _> =
            documents.iter().map(|it| (it.role().clone(), pin(it.version()))).collect();
        let snapshot = next.stage_snapshot(&pins, now)?;
        let timestamp = next.stage_timestamp(snapshot.as_ref(), now)?;
        let root = next.stage_root(now)?;
        documents.extend([snapshot, root, timestamp].into_iter().flatten());
        next.renewed.clear();
        Ok(Release::new(self.clone(), next, documents))
    }

    /// The targets roles that are to be signed, leaves first.
    fn due_targets(&self) -> Result<Vec<RoleName>, EditError> {
        let mut due = Vec::new();
        for role in self.reachable().into_iter().rev() {
            let authorities = self.binding(&role);
            match self.roles.get(&role) {
                Some(it) if self.is_due(&role, it.published.as_ref(), &it.body, &authorities) => {
                    due.push(role)
                }
                Some(_) => {}
                None => self.check_absent(&role)?,
            }
        }
        Ok(due)
    }

    /// Whoever is to vouch for a file that is not at hand must be who did before.
    fn check_absent(&self, role: &RoleName) -> Result<(), EditError> {
        let published = self.roles.values().filter_map(|parent| parent.published.as_ref());
        let before: Vec<_> =
            published.filter_map(|parent| delegated_authority(parent.body(), role)).collect();
        match self.authorities(role).iter().all(|authority| before.contains(authority)) {
            true => Ok(()),
            false => Err(self.absent(role)),
        }
    }

    fn is_due<T: Document + Dated + PartialEq>(
        &self,
        role: &RoleName,
        published: Option<&Envelope<T>>,
        body: &T,
        authorities: &[Authority],
    ) -> bool {
        let Some(published) = published else { return true };
        self.renewed.contains(role)
            || !says_the_same(body, published.body())
            || !suffices(published, authorities)
    }

    fn stage_targets(&mut self, role: RoleName, now: SystemTime) -> Result<SigningDocument, EditError> {
        let pinned = self.snapshot().and_then(|snapshot| snapshot.pin(&role)?.version);
        let expires = self.lifetimes.expiry(&role, now)?;
        let spec_version = self.spec_version.clone();
        let entry = self.roles.entry(role.clone()).or_insert_with(Role::new);
        let before = entry.published.as_ref().map(|file| file.body().version);
        entry.body.version = next_version(&role, before.max(pinned))?;
        entry.body.expires = expires;
        name_spec(&mut entry.body.extra, spec_version.as_deref());
        let body = Box::new(entry.body.clone());
        Ok(SigningDocument::new(role.clone(), Body::Targets(body), self.authorities(&role)))
    }

    fn stage_snapshot(
        &self,
        pins: &BTreeMap<RoleName, Pin>,
        now: SystemTime,
    ) -> Result<Option<SigningDocument>, EditError> {
        let role = RoleName::Snapshot;
        let before = self.snapshot.as_ref();
        let mut body = match before {
            Some(before) => before.body().clone(),
            None => Snapshot {
                version: Version::ONE,
                expires: self.lifetimes.expiry(&role, now)?,
                root: None,
                targets: Pin::default(),
                delegated: BTreeMap::new(),
                extra: Extra::default(),
            },
        };
        for (role, pin) in pins {
            match role {
                RoleName::Targets => body.targets = *pin,
                _ => drop(body.delegated.insert(role.clone(), *pin)),
            }
        }
        let authorities = self.authorities(&role);
        if !self.is_due(&role, before, &body, &authorities) {
            return Ok(None);
        }
        body.version = next_version(&role, self.newest_snapshot())?;
        body.expires = self.lifetimes.expiry(&role, now)?;
        name_spec(&mut body.extra, self.spec_version.as_deref());
        Ok(Some(SigningDocument::new(role, Body::Snapshot(Box::new(body)), authorities)))
    }

    /// The highest version of a snapshot that clients may know.
    pub(super) fn newest_snapshot(&self) -> Option<Version> {
        let pinned = self.timestamp().and_then(|timestamp| timestamp.snapshot.version);
        self.snapshot().map(|snapshot| snapshot.version).max(pinned)
    }

    fn stage_timestamp(
        &self,
        snapshot: Option<&SigningDocument>,
        now: SystemTime,
    ) -> Result<Option<SigningDocument>, EditError> {
        let role = RoleName::Timestamp;
        let before = self.timestamp.as_ref();
        let expires = self.lifetimes.expiry(&role, now)?;
        let mut body = match before {
            Some(before) => before.body().clone(),
            None => Timestamp {
                version: Version::ONE,
                expires,
                snapshot: Pin::default(),
                extra: Extra::default(),
            },
        };
        if let Some(snapshot) = snapshot {
            body.snapshot = pin(snapshot.version());
        }
        let authorities = self.authorities(&role);
        if !self.is_due(&role, before, &body, &authorities) {
            return Ok(None);
        }
        body.version = next_version(&role, before.map(|before| before.body().version))?;
        body.expires = expires;
        name_spec(&mut body.extra, self.spec_version.as_deref());
        Ok(Some(SigningDocument::new(role, Body::Timestamp(Box::new(body)), authorities)))
    }

    fn stage_root(&mut self, now: SystemTime) -> Result<Option<SigningDocument>, EditError> {
        let role = RoleName::Root;
        let authorities = self.authorities(&role);
        let before = self.published_root.as_ref();
        if !self.is_due(&role, before, &self.root, &authorities) {
            return Ok(None);
        }
        self.root.version = next_version(&role, before.map(|before| before.body().version))?;
        self.root.expires = self.lifetimes.expiry(&role, now)?;
        name_spec(&mut self.root.extra, self.spec_version.as_deref());
        let body = Body::Root(Box::new(self.root.clone()));
        Ok(Some(SigningDocument::new(role, body, authorities)))
    }

    /// A role that nobody could ever sign is not published (TH-02). What a delegated role says of others
    /// that are not signed now is its own affair.
    fn check_keys(&self, due: &[RoleName]) -> Result<(), EditError> {
        let top = [RoleName::Root, RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets];
        for role in &top {
            self.root.authority(role).map_or(Ok(()), |authority| enough(role, &authority))?;
        }
        for role in due.iter().filter(|role| matches!(role, RoleName::Delegated(_))) {
            self.authorities(role).iter().try_for_each(|authority| enough(role, authority))?;
        }
        Ok(())
    }
}

/// Documents whose version and expiry can be changed.
trait Dated: Clone {
    fn dated_as(&self, other: &Self) -> Self;
}

macro_rules! dated {
    ($($document:ty),*) => {$(
        impl Dated for $document {
            fn dated_as(&self, other: &Self) -> Self {
                Self { version: other.version, expires: other.expires, ..self.clone() }
            }
        }
    )*};
}

dated!(Root, Timestamp, Snapshot, Targets);

/// Whether two documents differ by version and expiry at most.
fn says_the_same<T: Dated + PartialEq>(one: &T, other: &T) -> bool {
    one.dated_as(other) == *other
}

/// Whether the signatures of a published file are enough for all of these.
pub(super) fn suffices<T: Document>(file: &Envelope<T>, authorities: &[Authority]) -> bool {
    authorities.iter().all(|authority| {
        let valid = u32::try_from(signers(authority, file).len()).unwrap_or(u32::MAX);
        valid >= authority.threshold().get()
    })
}

fn enough(role: &RoleName, authority: &Authority) -> Result<(), EditError> {
    let mut usable: Vec<_> = authority
        .keys()
        .filter(|(_, filed)| filed.scheme.is_some())
        .map(|(_, filed)| &filed.canonical_id)
        .collect();
    usable.sort_unstable();
    usable.dedup();
    let (needed, given) = (authority.threshold().get(), usable.len());
    match u32::try_from(given).is_ok_and(|given| given < needed) {
        true => Err(EditError::TooFewKeys { role: role.clone(), needed, given }),
        false => Ok(()),
    }
}

fn next_version(role: &RoleName, before: Option<Version>) -> Result<Version, EditError> {
    match before {
        None => Ok(Version::ONE),
        Some(version) => {
            version.next().ok_or_else(|| EditError::VersionLimit { role: role.clone(), version })
        }
    }
}

fn pin(version: Version) -> Pin {
    Pin { version: Some(version), ..Pin::default() }
}

/// Says of which specification a document is, if that is chosen or not said yet.
fn name_spec(extra: &mut Extra, chosen: Option<&str>) {
    if chosen.is_some() || extra.get("spec_version").is_none() {
        let mut text = Vec::new();
        json::write_string(&mut text, chosen.unwrap_or(tuf1::SPEC_VERSION));
        extra.insert("spec_version", String::from_utf8_lossy(&text));
    }
}
