//! What the server checks of an upload, in its order, and what it adds (Notary v1).
//!
//! It checks less than a client does. What it lets through stays let through here, so that a
//! publisher's own checks are tested: files are not compared with the form that the server pins,
//! and stored targets are not verified again under a changed root.

use std::{collections::BTreeMap, time::SystemTime};

use super::{
    collection::Collection,
    signing::{self, CannotSign},
};
use crate::{
    crypto::digest,
    limits::Limits,
    metadata::{Authority, Pin, Root, Snapshot, Targets, Timestamp},
    name::{RoleName, Version},
    transport::{TransportError, Upload},
    wire::{Dialect, Document, Envelope},
};

/// The parts of an upload; of several for one role the last counts.
type Parts<'a> = BTreeMap<&'a RoleName, &'a [u8]>;

/// Stores an upload, with a timestamp and where needed a snapshot by the server: all or nothing.
pub(super) fn publish(
    collection: &mut Collection,
    upload: &Upload,
    now: SystemTime,
) -> Result<(), TransportError> {
    let mut parts: Parts<'_> = upload.files.iter().map(|(role, file)| (role, file.as_slice())).collect();
    for (role, file) in &parts {
        // Like Go's decoder, the server looks at the first value only.
        let first = serde_json::Deserializer::from_slice(file).into_iter::<serde_json::Value>().next();
        if !matches!(first, Some(Ok(_))) {
            return Err(rejected("MALFORMED_JSON", role.as_str()));
        }
    }
    parts.remove(&RoleName::Timestamp);
    let check = Check { collection, parts, now };
    let root = check.root()?;
    let mut files = check.targets(&root)?;
    let snapshot = check.snapshot(&root)?;
    let timestamp = check.timestamp(&root, &snapshot)?;
    files.extend(check.parts.get(&RoleName::Root).map(|file| (RoleName::Root, root.version, file.to_vec())));
    files.push((RoleName::Snapshot, snapshot.body().version, snapshot.bytes().to_vec()));
    files.push((RoleName::Timestamp, timestamp.0, timestamp.1));
    check.versions(&files)?;
    for (role, version, file) in files {
        collection.store(&role, version, &file);
    }
    Ok(())
}

struct Check<'a> {
    collection: &'a Collection,
    parts: Parts<'a>,
    now: SystemTime,
}

impl Check<'_> {
    fn root(&self) -> Result<Root, TransportError> {
        let bad = |reason: String| invalid("ErrBadRoot", &reason);
        let stored = self.collection.newest::<Root>(&RoleName::Root);
        let Some(file) = self.parts.get(&RoleName::Root) else {
            let missing = "no pre-existing root and no root provided in update.";
            return stored
                .map(|stored| stored.body().clone())
                .ok_or_else(|| invalid("ErrValidation", missing));
        };
        let new = read::<Root>(file).map_err(bad)?;
        let (current, version) =
            (stored.as_ref().map_or(1, |s| s.body().version.get()), new.body().version.get());
        if version != current && version.checked_sub(1) != Some(current) {
            let reason =
                format!("Root modifications must increment the version. Current {current}, new {version}");
            return Err(bad(reason));
        }
        let judges = [stored.as_ref().map(|stored| stored.body()), Some(new.body())];
        for judge in judges.into_iter().flatten() {
            self.is_good(&RoleName::Root, &new, judge.authority(&RoleName::Root)).map_err(bad)?;
        }
        Ok(new.body().clone())
    }

    /// Parents before children, taken from the upload or the store.
    fn targets(&self, root: &Root) -> Result<Vec<(RoleName, Version, Vec<u8>)>, TransportError> {
        let bad = |reason: String| invalid("ErrBadTargets", &reason);
        let mut roles: Vec<_> = self.parts.keys().filter(|role| role.holds_targets()).collect();
        roles.sort_by_key(|role| role.depth());
        let mut files = Vec::new();
        for role in roles {
            let Some(file) = self.parts.get(*role) else { continue };
            let new = read::<Targets>(file).map_err(bad)?;
            let authority = match role.parent() {
                None => root.authority(role),
                Some(parent) => self.newest_targets(&parent).and_then(|parent| parent.authority(role)),
            };
            if authority.is_none() {
                return Err(bad(format!("tuf: invalid role {role}. delegation does not exist")));
            }
            self.is_good(role, &new, authority).map_err(bad)?;
            files.push(((*role).clone(), new.body().version, file.to_vec()));
        }
        Ok(files)
    }

    fn newest_targets(&self, role: &RoleName) -> Option<Targets> {
        match self.parts.get(role) {
            Some(file) => read::<Targets>(file).ok().map(|read| read.body().clone()),
            None => self.collection.newest::<Targets>(role).map(|read| read.body().clone()),
        }
    }

    fn snapshot(&self, root: &Root) -> Result<Envelope<Snapshot>, TransportError> {
        let bad = |reason: String| invalid("ErrBadSnapshot", &reason);
        if let Some(file) = self.parts.get(&RoleName::Snapshot) {
            let new = read::<Snapshot>(file).map_err(bad)?;
            self.is_good(&RoleName::Snapshot, &new, root.authority(&RoleName::Snapshot)).map_err(bad)?;
            self.matches(new.body()).map_err(bad)?;
            return Ok(new);
        }
        let Some(key) = self.collection.key_for(&RoleName::Snapshot, root) else {
            let reason = "no snapshot was included in update and server does not hold current snapshot key \
                          for repository";
            return Err(invalid("ErrBadHierarchy", reason));
        };
        let mut pins = BTreeMap::<RoleName, Pin>::new();
        for (role, file) in &self.parts {
            pins.insert(
                (*role).clone(),
                signing::pin_of(role, file).map_err(|error| bad(error.to_string()))?,
            );
        }
        let before = self.collection.newest::<Snapshot>(&RoleName::Snapshot);
        let made = key.snapshot(before.as_ref().map(Envelope::body), pins, self.now);
        let incomplete = |CannotSign| invalid("ErrBadHierarchy", "no targets for the snapshot to list");
        read::<Snapshot>(&made.map_err(incomplete)?.1).map_err(bad)
    }

    /// Uploaded files must be those that an uploaded snapshot pins; others are not looked at.
    fn matches(&self, snapshot: &Snapshot) -> Result<(), String> {
        for (role, file) in self.parts.iter().filter(|(role, _)| ***role != RoleName::Snapshot) {
            let pinned = snapshot.pin(role).and_then(|pin| pin.hashes.sha256);
            if pinned != Some(digest::sha256(file)) {
                return Err(format!("sha256 checksum for {role} did not match"));
            }
        }
        Ok(())
    }

    fn timestamp(
        &self,
        root: &Root,
        snapshot: &Envelope<Snapshot>,
    ) -> Result<(Version, Vec<u8>), TransportError> {
        let Some(key) = self.collection.key_for(&RoleName::Timestamp, root) else {
            return Err(invalid("ErrBadRoot", "no  timestamp keys exist on the server"));
        };
        let before = self.collection.newest::<Timestamp>(&RoleName::Timestamp);
        let made = key.timestamp(before.map(|before| before.body().version), snapshot, self.now);
        made.map_err(|CannotSign| rejected("VERSION", "timestamp"))
    }

    /// The storage takes rising versions only.
    fn versions(&self, files: &[(RoleName, Version, Vec<u8>)]) -> Result<(), TransportError> {
        for (role, version, _) in files {
            let stored = match role {
                RoleName::Root => self.version::<Root>(role),
                RoleName::Snapshot => self.version::<Snapshot>(role),
                RoleName::Timestamp => self.version::<Timestamp>(role),
                RoleName::Targets | RoleName::Delegated(_) => self.version::<Targets>(role),
            };
            if stored.is_some_and(|stored| *version <= stored) {
                return Err(rejected("VERSION", role.as_str()));
            }
        }
        Ok(())
    }

    fn version<T: Document>(&self, role: &RoleName) -> Option<Version> {
        self.collection.newest::<T>(role).map(|stored| stored.body().version())
    }

    fn is_good<T: Document>(
        &self,
        role: &RoleName,
        file: &Envelope<T>,
        authority: Option<Authority>,
    ) -> Result<(), String> {
        let message = file.message().map_err(|error| error.to_string())?;
        let authority = authority.ok_or_else(|| format!("no keys for {role}"))?;
        let mut signers: Vec<_> = file
            .signatures()
            .iter()
            .filter(|signature| {
                let key = authority.key(&signature.key_id).zip(signature.scheme);
                key.is_some_and(|(filed, scheme)| {
                    filed.key.verify(scheme, &message, &signature.bytes).is_ok()
                })
            })
            .map(|signature| &signature.key_id)
            .collect();
        signers.sort_unstable();
        signers.dedup();
        if u32::try_from(signers.len()).unwrap_or(u32::MAX) < authority.threshold().get() {
            return Err(format!("valid signatures did not meet threshold for {role}"));
        }
        match file.body().expires().is_past(self.now) {
            true => Err(format!("{role} expired at {}", file.body().expires())),
            false => Ok(()),
        }
    }
}

fn read<T: Document>(file: &[u8]) -> Result<Envelope<T>, String> {
    Envelope::read(Dialect::Notary, file.to_vec(), &Limits::default()).map_err(|error| error.to_string())
}

fn invalid(name: &str, reason: &str) -> TransportError {
    rejected("INVALID_UPDATE", &format!("{name}: {reason}"))
}

fn rejected(code: &str, message: &str) -> TransportError {
    TransportError::Rejected { code: code.to_owned(), message: message.to_owned() }
}
