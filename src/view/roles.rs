//! Roles, keys and signers of a collection.

use super::{SignedTarget, View};
use crate::{
    metadata::Authority,
    name::{Expiry, KeyId, RoleName, Version},
    verify::DelegatedTargets,
    wire::Document,
};

/// A role as the collection declares it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoleStatus {
    /// The role.
    pub role: RoleName,
    /// Its keys.
    pub keys: Vec<RoleKey>,
    /// How many of them must sign.
    pub threshold: u32,
    /// Version and expiry of its file; none when it was never published or is not usable.
    pub file: Option<(Version, Expiry)>,
    /// Why its published file is not usable.
    pub problem: Option<String>,
}

/// A key of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleKey {
    /// The id in the metadata, which covers a certificate.
    pub id: KeyId,
    /// The id of the key itself, by which private keys are stored.
    pub canonical_id: KeyId,
}

/// A signer in Docker's sense: a direct delegation of `targets` other than `targets/releases`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerInfo {
    /// The name: `alice` for `targets/alice`.
    pub name: String,
    /// Canonical ids of the keys.
    pub keys: Vec<KeyId>,
}

impl View {
    /// Docker's signers, by name.
    pub fn signers(&self) -> Vec<SignerInfo> {
        let targets = self.trusted().targets().body();
        let mut signers: Vec<_> = targets
            .delegations
            .iter()
            .filter(|child| child.name != RoleName::releases())
            .map(|child| SignerInfo {
                name: signer_name(&child.name),
                keys: canonical_ids(&targets.keys.authority(&child.keys)),
            })
            .collect();
        signers.sort_by(|a, b| a.name.cmp(&b.name));
        signers
    }

    /// Which signers vouch for the very content of `target` under its name.
    pub fn signers_of(&self, target: &SignedTarget) -> Vec<String> {
        let vouches = |role: &RoleName| {
            let visits = self.trusted().walk(role, &[]).unwrap_or_default();
            let entry =
                visits.iter().find(|visit| visit.role == *role).and_then(|visit| visit.target(target.name()));
            entry.is_some_and(|entry| entry.hashes == *target.hashes())
        };
        let roles = self.trusted().targets().body().delegations.iter().map(|child| &child.name);
        roles.filter(|role| **role != RoleName::releases() && vouches(role)).map(signer_name).collect()
    }

    /// Every declared role: the four top-level ones, then the delegations, parents first.
    pub fn roles(&self) -> Vec<RoleStatus> {
        let set = self.trusted();
        let mut statuses = vec![
            self.status(RoleName::Root, file_of(set.root().body())),
            self.status(RoleName::Timestamp, file_of(set.timestamp().body())),
            self.status(RoleName::Snapshot, file_of(set.snapshot().body())),
            self.status(RoleName::Targets, file_of(set.targets().body())),
        ];
        let mut parents = vec![RoleName::Targets];
        while let Some(parent) = parents.pop() {
            let Some(targets) = set.targets_of(&parent) else { continue };
            for child in &targets.body().delegations {
                statuses.push(self.status(child.name.clone(), None));
                parents.push(child.name.clone());
            }
        }
        statuses
    }

    fn status(&self, role: RoleName, file: Option<(Version, Expiry)>) -> RoleStatus {
        let authority = self.trusted().authority(&role);
        let (file, problem) = match self.trusted().delegated().get(&role) {
            Some(DelegatedTargets::Usable(targets)) => (file_of(targets.body()), None),
            Some(DelegatedTargets::Unusable(reason)) => (None, Some(reason.to_string())),
            None => (file, None),
        };
        let keys = authority.iter().flat_map(Authority::keys);
        let key = |(id, filed): (&KeyId, &crate::metadata::FiledKey)| RoleKey {
            id: id.clone(),
            canonical_id: filed.canonical_id.clone(),
        };
        RoleStatus {
            keys: keys.map(key).collect(),
            threshold: authority.as_ref().map_or(0, |it| it.threshold().get()),
            role,
            file,
            problem,
        }
    }
}

fn file_of<T: Document>(body: &T) -> Option<(Version, Expiry)> {
    Some((body.version(), body.expires()))
}

fn signer_name(role: &RoleName) -> String {
    role.as_str().rsplit('/').next().unwrap_or_default().to_owned()
}

fn canonical_ids(authority: &Authority) -> Vec<KeyId> {
    authority.keys().map(|(_, filed)| filed.canonical_id.clone()).collect()
}
