//! What is uploaded, and in which order (TUF specification 6; PP-06): whatever a client is told of must
//! be there already, so targets come first, then the files that nobody pins yet, the timestamp last.

use std::time::SystemTime;

use super::{EditError, Release, RepositoryEditor, SigningDocument};
use crate::{
    metadata::{Root, TargetInfo, Targets},
    name::{Gun, Resource, RoleName, TargetName, TargetPath},
    verify::{Refresh, RefreshPlan, Reply, Step, Trust, VerifyError},
    wire::{Bytes, Dialect, Document, Envelope},
};

/// The files of a release, complete and checked.
#[derive(Clone, Debug)]
pub struct Publication {
    files: Vec<(Resource, Bytes)>,
    targets: Vec<TargetUpload>,
    editor: RepositoryEditor,
}

/// A target whose content has to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TargetUpload {
    /// The role that signs it.
    pub role: RoleName,
    /// Its name.
    pub name: TargetName,
    /// What is signed about it.
    pub info: TargetInfo,
    /// Under which names clients ask for it: with consistent snapshots `path/to/DIGEST.file` for each
    /// digest, otherwise its own.
    pub paths: Vec<TargetPath>,
}

impl Publication {
    pub(super) fn new(release: Release, now: SystemTime) -> Result<Self, EditError> {
        let targets = release.targets()?;
        let Release { before, mut after, request } = release;
        let mut changed = Vec::new();
        for document in &request.documents {
            after.publish(document.role(), document.file().into())?;
            changed.push(document.role().clone());
        }
        after.check_successor(&before, &changed)?;
        let renamed = after.renames(&before);
        let mut files = Vec::new();
        for (role, bytes) in after.upload_order() {
            let is_renamed = renamed && !matches!(role, RoleName::Root | RoleName::Timestamp);
            if is_renamed && after.is_pinned_and_absent(&role) {
                return Err(EditError::NotAtHand { name: before.resource(&role).tuf_name() });
            }
            if let Some(bytes) = bytes.filter(|_| is_renamed || changed.contains(&role)) {
                files.push((after.resource(&role), bytes));
            }
        }
        for document in &request.documents {
            check_expiry(document, now)?;
        }
        after.check_as_client(before.published_root.as_ref(), now)?;
        Ok(Self { files, targets, editor: after })
    }

    /// The metadata files, in the order in which they have to be uploaded, each before the next. Names
    /// are those that clients ask for; one of a role that somebody else has given a strange name is
    /// percent-encoded.
    pub fn files(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.files.iter().map(|(what, bytes)| (what.tuf_name(), &**bytes))
    }

    /// The same by role and form.
    pub fn resources(&self) -> impl Iterator<Item = (&Resource, &Bytes)> {
        self.files.iter().map(|(what, bytes)| (what, bytes))
    }

    /// The targets that are new or have another content, which have to be there before the metadata.
    pub fn targets(&self) -> &[TargetUpload] {
        &self.targets
    }

    /// The repository as it is when this is published: ready for the next change.
    pub fn into_editor(self) -> RepositoryEditor {
        self.editor
    }
}

impl Release {
    /// The targets that are new or have another content. Where somebody signs what he has uploaded,
    /// they are there before the first signature.
    ///
    /// # Errors
    /// A name that somebody else has signed is not one that clients fetch.
    pub fn targets(&self) -> Result<Vec<TargetUpload>, EditError> {
        uploads(&self.before, &self.after)
    }
}

impl RepositoryEditor {
    /// Whether files have other names than what is published says: names go by the published root, and
    /// a root that is published renames them.
    fn renames(&self, before: &Self) -> bool {
        let consistent = self.root.consistent_snapshot;
        before.published_root.as_ref().is_some_and(|root| root.body().consistent_snapshot != consistent)
    }

    /// Takes a file as the published one.
    fn publish(&mut self, role: &RoleName, file: Bytes) -> Result<(), EditError> {
        match role {
            RoleName::Root => {
                let file = Envelope::<Root>::read(Dialect::Tuf1, file, &self.limits)?;
                self.root = file.body().clone();
                self.published_root = Some(file);
            }
            RoleName::Timestamp => self.timestamp = Some(Envelope::read(Dialect::Tuf1, file, &self.limits)?),
            RoleName::Snapshot => self.snapshot = Some(Envelope::read(Dialect::Tuf1, file, &self.limits)?),
            _ => {
                let file = Envelope::<Targets>::read(Dialect::Tuf1, file, &self.limits)?;
                let role = self.roles.entry(role.clone()).or_insert_with(super::Role::new);
                role.body = file.body().clone();
                role.published = Some(file);
            }
        }
        Ok(())
    }

    /// All published files that are in use. The root comes late, for a client that has it already
    /// refuses what its predecessor's keys have signed.
    fn upload_order(&self) -> Vec<(RoleName, Option<Bytes>)> {
        fn bytes<T: Document>(file: &Option<Envelope<T>>) -> Option<Bytes> {
            file.as_ref().map(|file| file.bytes().clone())
        }
        let targets = self.reachable().into_iter().rev();
        let targets = targets.map(|role| {
            let file = self.roles.get(&role).and_then(|it| bytes(&it.published));
            (role, file)
        });
        let rest = [
            (RoleName::Snapshot, bytes(&self.snapshot)),
            (RoleName::Root, bytes(&self.published_root)),
            (RoleName::Timestamp, bytes(&self.timestamp)),
        ];
        targets.chain(rest).collect()
    }

    /// Refreshes as a client that trusts the root before, or the first one, and finds these files.
    fn check_as_client(&self, before: Option<&Envelope<Root>>, now: SystemTime) -> Result<(), EditError> {
        let rejected = |error| EditError::Rejected(Box::new(error));
        let files: Vec<_> = self
            .upload_order()
            .into_iter()
            .filter_map(|(role, file)| Some((self.resource(&role), file?)))
            .collect();
        let anchor = before.or(self.published_root.as_ref());
        let root = anchor.map(|root| root.bytes().to_vec()).unwrap_or_default();
        let mut machine = Refresh::new(RefreshPlan {
            gun: Gun::new("repository")?,
            trust: Trust::Root(root),
            dialect: Dialect::Tuf1,
            limits: self.limits,
            now,
            as_of: false,
            offline: false,
        });
        loop {
            let found = match machine.step() {
                Step::Fetch { resource, .. } => files.iter().find(|(what, _)| *what == resource),
                Step::Load(_) => None,
                Step::Save(..) | Step::Forget(_) => continue,
                Step::Done => break,
            };
            let reply = found.map_or(Reply::Absent, |(_, file)| Reply::Found(file.to_vec()));
            machine.supply(reply).map_err(rejected)?;
        }
        machine.finish().map(drop).map_err(rejected)
    }
}

/// Clients ask for delegated roles when they look a target up, not when they refresh.
fn check_expiry(document: &SigningDocument, now: SystemTime) -> Result<(), EditError> {
    let (role, version, expires) = (document.role().clone(), document.version(), document.expires());
    match role {
        RoleName::Delegated(_) if expires.is_past(now) => {
            Err(EditError::Rejected(Box::new(VerifyError::Expired { role, version, expires, now })))
        }
        _ => Ok(()),
    }
}

/// Targets that were not there before, all of them when they get other names.
fn uploads(before: &RepositoryEditor, after: &RepositoryEditor) -> Result<Vec<TargetUpload>, EditError> {
    let (renamed, mut uploads) = (after.renames(before), Vec::new());
    for (role, it) in &after.roles {
        let published = before.roles.get(role).and_then(|it| it.published.as_ref()).filter(|_| !renamed);
        for target in it.body.targets.iter() {
            let known = published.and_then(|published| published.body().targets.get(target.name));
            let same = known.is_some_and(|it| it.length == target.length && it.hashes == target.hashes);
            if same {
                continue;
            }
            let name = TargetName::new(target.name)?;
            let path = TargetPath::new(name.clone())?;
            let digests = [target.hashes.sha256.map(Vec::from), target.hashes.sha512.map(Vec::from)];
            let paths = match after.root.consistent_snapshot {
                true => digests.into_iter().flatten().map(|digest| path.prefixed(&digest)).collect(),
                false => vec![path],
            };
            uploads.push(TargetUpload { role: role.clone(), name, info: target.to_info(), paths });
        }
    }
    Ok(uploads)
}

#[cfg(test)]
mod tests {
    use crate::{
        edit::repository::open::resource,
        name::{RoleName, Version},
    };

    #[test]
    fn only_pinned_files_have_names_of_their_own_for_each_version() {
        let name = |role, consistent| resource(&role, Some(Version::ONE), consistent).tuf_name();
        assert_eq!(name(RoleName::Root, false), "1.root.json");
        assert_eq!(name(RoleName::Snapshot, false), "snapshot.json");
        assert_eq!(name(RoleName::Snapshot, true), "1.snapshot.json");
        assert_eq!(name(RoleName::Timestamp, true), "timestamp.json");
    }
}
