//! What changes would do, before anything is signed or sent.

use std::collections::{BTreeMap, BTreeSet};

use super::{Base, Draft, EXPIRES_SOON, editor::is_signable};
use crate::{
    metadata::Targets,
    name::{Expiry, KeyId, PathRule, RoleName, Version},
    verify::DelegatedTargets,
};

/// What changes would do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The roles that would be signed.
    pub roles: Vec<PlannedRole>,
    /// Who would sign the snapshot.
    pub snapshot: SnapshotSigner,
    /// What clients trust now and would not afterwards, by role and name.
    pub lost: Vec<LostTarget>,
    /// Delegations whose published files would lack signatures until somebody signs them anew.
    pub unusable: Vec<RoleName>,
    /// What expires within [`EXPIRES_SOON`] and would not be signed anew. The timestamp is the
    /// server's and not among them.
    pub expiring: Vec<(RoleName, Expiry)>,
    /// Roles that would begin; see [`Draft::begun`].
    pub begun: BTreeSet<RoleName>,
}

/// Who signs the next snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotSigner {
    /// Nothing changes.
    Unchanged,
    /// We do: its key is at hand.
    Here,
    /// The server has to.
    Server,
    /// Neither the server nor we have the key: such an upload is refused.
    Nobody,
}

/// A role that would be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedRole {
    /// The role.
    pub role: RoleName,
    /// Its next version.
    pub version: Version,
    /// How many keys must sign.
    pub threshold: u32,
    /// Canonical ids of its keys that are at hand; all of them would sign.
    pub signing: Vec<KeyId>,
    /// Canonical ids of its other keys.
    pub absent: Vec<KeyId>,
}

/// A target that would lose its trust.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LostTarget {
    /// The role that signs it now.
    pub role: RoleName,
    /// Its name.
    pub name: String,
}

impl PlannedRole {
    /// Whether enough keys are at hand.
    pub fn is_signable(&self) -> bool {
        u32::try_from(self.signing.len()).is_ok_and(|signing| signing >= self.threshold)
    }
}

impl Plan {
    pub(super) fn new(base: &Base<'_>, draft: &Draft) -> Self {
        let after = after(base, draft);
        Self {
            roles: draft.roles().into_iter().filter_map(|role| planned(base, draft, role)).collect(),
            snapshot: draft.snapshot_signer(),
            lost: lost(base, &after),
            unusable: unusable(base, &after),
            expiring: expiring(base, draft, &after),
            begun: draft.begun().clone(),
        }
    }

    /// The roles for which too few keys are at hand.
    pub fn missing(&self) -> impl Iterator<Item = &PlannedRole> {
        self.roles.iter().filter(|role| !role.is_signable())
    }

    /// Whether nothing would be signed.
    pub const fn is_empty(&self) -> bool {
        self.roles.is_empty()
    }
}

fn planned(base: &Base<'_>, draft: &Draft, role: RoleName) -> Option<PlannedRole> {
    let version = match &role {
        RoleName::Root => draft.root.as_ref()?.body.version,
        RoleName::Snapshot => draft.snapshot.as_ref()?.version,
        _ => draft.targets.get(&role)?.version,
    };
    let authority = draft.authorities.get(&role)?;
    let mut keys: Vec<_> = authority.keys().map(|(_, filed)| filed.canonical_id.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let (signing, absent) = keys.into_iter().partition(|id| base.held.contains(id));
    Some(PlannedRole { role, version, threshold: authority.threshold().get(), signing, absent })
}

/// The files that clients would trust afterwards, each with the names that it may sign, and the
/// delegations that would be declared and have no such file.
type After<'a> = BTreeMap<RoleName, Option<(&'a Targets, PathRule)>>;

fn after<'a>(base: &Base<'a>, draft: &'a Draft) -> After<'a> {
    let mut found = After::new();
    let mut queue = vec![(RoleName::Targets, PathRule::everything())];
    while let Some((role, paths)) = queue.pop() {
        let published = || base.set.map(|set| set.targets().body()).filter(|_| role == RoleName::Targets);
        let file =
            draft.targets.get(&role).or_else(published).or_else(|| standing(base, draft, &found, &role));
        for child in file.into_iter().flat_map(|file| &file.delegations) {
            queue.push((child.name.clone(), child.paths.within(&paths)));
        }
        found.insert(role, file.map(|file| (file, paths)));
    }
    found
}

/// A published file that does not change, if the keys that would be listed have signed it.
fn standing<'a>(base: &Base<'a>, draft: &Draft, found: &After<'_>, role: &RoleName) -> Option<&'a Targets> {
    if draft.dropped.iter().any(|dropped| role.is_within(dropped)) {
        return None;
    }
    let (parent, _) = found.get(&role.parent()?)?.as_ref()?;
    let authority = parent.authority(role)?;
    match base.set?.delegated().get(role)? {
        DelegatedTargets::Usable(file) => {
            let signers = file.signers().iter().cloned().collect();
            is_signable(&authority, &signers).then(|| file.body())
        }
        DelegatedTargets::Unusable(_) => None,
    }
}

fn lost(base: &Base<'_>, after: &After<'_>) -> Vec<LostTarget> {
    let visits = base.set.and_then(|set| set.walk(&RoleName::Targets, &[]).ok()).unwrap_or_default();
    let mut lost = Vec::new();
    for visit in visits {
        let left = after.get(&visit.role).and_then(Option::as_ref);
        let stays = |name: &str| {
            left.is_some_and(|(file, paths)| paths.grants(name) && file.targets.get(name).is_some())
        };
        let trusted = visit.targets.targets.iter().filter(|entry| visit.paths.grants(entry.name));
        let gone = trusted.filter(|entry| !stays(entry.name));
        lost.extend(gone.map(|it| LostTarget { role: visit.role.clone(), name: it.name.to_owned() }));
    }
    lost
}

fn unusable(base: &Base<'_>, after: &After<'_>) -> Vec<RoleName> {
    let published = |role: &RoleName| base.set.is_some_and(|set| set.delegated().contains_key(role));
    let bare = after.iter().filter(|(role, file)| file.is_none() && published(role));
    bare.map(|(role, _)| role.clone()).collect()
}

fn expiring(base: &Base<'_>, draft: &Draft, after: &After<'_>) -> Vec<(RoleName, Expiry)> {
    let Some(set) = base.set else { return Vec::new() };
    let mut all = Vec::new();
    if draft.root.is_none() {
        all.push((RoleName::Root, set.root().body().expires));
    }
    if draft.snapshot_signer() == SnapshotSigner::Unchanged {
        all.push((RoleName::Snapshot, set.snapshot().body().expires));
    }
    let files = after.iter().filter_map(|(role, file)| file.as_ref().map(|(file, _)| (role, file)));
    all.extend(files.map(|(role, file)| (role.clone(), file.expires)));
    let limit = base.now.checked_add(EXPIRES_SOON).unwrap_or(base.now);
    all.retain(|(_, expires)| expires.is_past(limit));
    all
}
