//! Delegations: their keys, paths, and end.
//!
//! Whoever delegates signs it: each of these changes is one of the parent's file. A delegation is
//! never left with fewer keys than its threshold, and never given a name that its parent may not
//! sign (Notary v1).

use std::num::NonZeroU32;

use super::{EditError, KeyScope, editor::Editor};
use crate::{
    crypto::PublicKey,
    metadata::{Delegation, Extra, KeyRing, RoleKeys, Targets},
    name::{KeyId, PathRule, RoleName},
    wire::notary,
};

impl Editor<'_> {
    pub(super) fn delegate(
        &mut self,
        role: &RoleName,
        keys: &[PublicKey],
        threshold: NonZeroU32,
        paths: &[String],
    ) -> Result<(), EditError> {
        let parent = self.parent(role)?;
        let granted = self.paths(&parent)?;
        if let Some(path) = paths.iter().find(|path| !granted.grants(path)) {
            return Err(EditError::PathNotGranted { role: role.clone(), path: path.clone() });
        }
        keys.iter().try_for_each(|key| self.check_key(role, key))?;
        let before = self.body(&parent)?.and_then(|parent| parent.delegation(role)).cloned();
        let mut ring = self.body(&parent)?.map(|parent| parent.keys.clone()).unwrap_or_default();
        let mut delegation = before.clone().unwrap_or_else(|| Delegation {
            name: role.clone(),
            keys: RoleKeys::new(Vec::new(), threshold),
            paths: PathRule::Prefixes(Vec::new()),
            terminating: false,
            extra: Extra::default(),
        });
        for key in keys {
            add_key(&mut ring, &mut delegation.keys, key);
        }
        let PathRule::Prefixes(prefixes) = &mut delegation.paths else {
            return Err(EditError::NotDelegated { role: role.clone() });
        };
        for path in paths {
            if !prefixes.contains(path) {
                prefixes.push(path.clone());
            }
        }
        if before.as_ref() == Some(&delegation) {
            return Ok(());
        }
        self.rekeyed.insert(role.clone());
        if before.is_none() {
            self.dropped.insert(role.clone());
            self.created.insert(role.clone());
        }
        let file = self.open(&parent)?;
        file.keys = ring;
        match file.delegations.iter_mut().find(|present| present.name == *role) {
            Some(present) => *present = delegation,
            None => file.delegations.push(delegation),
        }
        Ok(())
    }

    pub(super) fn undelegate(&mut self, role: &RoleName) -> Result<(), EditError> {
        let parent = self.parent(role)?;
        self.check_declared(role)?;
        let file = self.open(&parent)?;
        file.delegations.retain(|present| present.name != *role);
        drop_unused_keys(file);
        self.targets.retain(|edited, _| !edited.is_within(role));
        self.created.retain(|created| !created.is_within(role));
        self.dropped.insert(role.clone());
        Ok(())
    }

    pub(super) fn remove_keys(&mut self, scope: &KeyScope, keys: &[KeyId]) -> Result<(), EditError> {
        let (roles, top) = match scope {
            KeyScope::Role(role) => (vec![role.clone()], role),
            KeyScope::Below(top) => (self.below(top)?, top),
        };
        for key in keys {
            let mut found = false;
            for role in &roles {
                found |= self.remove_key(role, key)?;
            }
            if !found {
                return Err(EditError::NotListed { role: top.clone(), what: format!("key {key}") });
            }
        }
        Ok(())
    }

    pub(super) fn remove_paths(&mut self, role: &RoleName, paths: &[String]) -> Result<(), EditError> {
        let PathRule::Prefixes(present) = self.delegation(role)?.paths else {
            return Err(EditError::NotDelegated { role: role.clone() });
        };
        if let Some(path) = paths.iter().find(|path| !present.contains(path)) {
            return Err(EditError::NotListed { role: role.clone(), what: format!("path {path:?}") });
        }
        let left = present.into_iter().filter(|path| !paths.contains(path)).collect();
        self.edit_delegation(role, |delegation| delegation.paths = PathRule::Prefixes(left))
    }

    pub(super) fn clear_paths(&mut self, role: &RoleName) -> Result<(), EditError> {
        self.delegation(role)?;
        self.edit_delegation(role, |delegation| delegation.paths = PathRule::Prefixes(Vec::new()))
    }

    /// Takes every alias of a key out of a delegation; whether there was one.
    pub(super) fn remove_key(&mut self, role: &RoleName, key: &KeyId) -> Result<bool, EditError> {
        let listed = self.delegation(role)?.keys.key_ids;
        let parent = self.parent(role)?;
        let ring = self.body(&parent)?.map(|parent| &parent.keys);
        let is_alias =
            |id: &KeyId| ring.and_then(|ring| ring.get(id)).is_some_and(|filed| filed.canonical_id == *key);
        let left: Vec<_> = listed.iter().filter(|id| !is_alias(id)).cloned().collect();
        if left.len() == listed.len() {
            return Ok(false);
        }
        self.rekeyed.insert(role.clone());
        self.edit_delegation(role, |delegation| delegation.keys.key_ids = left)?;
        Ok(true)
    }

    /// A delegation as edited so far.
    pub(super) fn delegation(&self, role: &RoleName) -> Result<Delegation, EditError> {
        let parent = self.parent(role)?;
        let delegation = self.body(&parent)?.and_then(|parent| parent.delegation(role)).cloned();
        delegation.ok_or_else(|| EditError::UnknownRole { role: role.clone() })
    }

    /// All delegations below a role, as far as they can be read.
    fn below(&self, top: &RoleName) -> Result<Vec<RoleName>, EditError> {
        let (mut found, mut parents) = (Vec::new(), vec![top.clone()]);
        self.check_declared(top)?;
        while let Some(parent) = parents.pop() {
            let file = match self.body(&parent) {
                Ok(file) => file,
                // What lies below a role that can't be read gives no trust.
                Err(EditError::Unusable { .. }) if parent != *top => None,
                Err(error) => return Err(error),
            };
            for child in file.into_iter().flat_map(|file| &file.delegations) {
                found.push(child.name.clone());
                parents.push(child.name.clone());
            }
        }
        Ok(found)
    }

    fn edit_delegation(
        &mut self,
        role: &RoleName,
        edit: impl FnOnce(&mut Delegation),
    ) -> Result<(), EditError> {
        let parent = self.parent(role)?;
        let file = self.open(&parent)?;
        if let Some(delegation) = file.delegations.iter_mut().find(|present| present.name == *role) {
            edit(delegation);
        }
        drop_unused_keys(file);
        Ok(())
    }

    fn parent(&self, role: &RoleName) -> Result<RoleName, EditError> {
        role.parent().ok_or_else(|| EditError::NotDelegated { role: role.clone() })
    }

    /// A certificate that has expired is refused when it comes in; later its dates don't matter.
    fn check_key(&self, role: &RoleName, key: &PublicKey) -> Result<(), EditError> {
        let refuse = |reason| EditError::UnusableKey { role: role.clone(), reason };
        key.material().map_err(|error| refuse(error.to_string()))?;
        match key.certificate() {
            Some(certificate) if certificate.not_after() < self.base.now => {
                Err(refuse("its certificate has expired".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// A key that is there already, whatever certificate surrounds it, is not added once more: it
/// would count as two in programs that count ids.
fn add_key(ring: &mut KeyRing, role: &mut RoleKeys, key: &PublicKey) {
    let canonical = notary::canonical_id(key);
    let present = |id: &KeyId| ring.get(id).is_some_and(|it| it.genuine && it.canonical_id == canonical);
    if !role.key_ids.iter().any(present) {
        let id = notary::file(ring, key);
        role.key_ids.push(id);
    }
}

fn drop_unused_keys(file: &mut Targets) {
    let delegations = &file.delegations;
    file.keys.retain(|id| delegations.iter().any(|delegation| delegation.keys.key_ids.contains(id)));
}
