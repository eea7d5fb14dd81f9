//! Keys and thresholds of roles (TUF specification 4.3, 6.1).

use super::{EditError, RepositoryEditor};
use crate::{
    crypto::{PublicKey, Scheme},
    metadata::{KeyRing, RoleKeys, threshold},
    name::{KeyId, RoleName},
    wire::{notary::canonical_id, tuf1},
};

impl RepositoryEditor {
    /// Gives a role one more key; one that it has already is left as it is. Returns the id that the
    /// key has in the role's keys. All hash bins of one delegation have the same keys.
    ///
    /// # Errors
    /// There is no such role, or the key is not usable.
    pub fn add_key(&mut self, role: &RoleName, key: &PublicKey) -> Result<KeyId, EditError> {
        self.add_key_for(role, key, scheme(role, key)?)
    }

    /// The same for an RSA key that signs with PKCS#1 v1.5 instead of PSS.
    ///
    /// # Errors
    /// There is no such role, or the key doesn't sign so.
    pub fn add_key_for(
        &mut self,
        role: &RoleName,
        key: &PublicKey,
        scheme: Scheme,
    ) -> Result<KeyId, EditError> {
        let mut added = None;
        self.edit_keys(role, |ring, keys| {
            let id = tuf1::file(ring, key, scheme)?;
            if !keys.key_ids.contains(&id) {
                keys.key_ids.push(id.clone());
            }
            added = Some(id);
            Ok(())
        })?;
        added.ok_or_else(|| EditError::UnknownRole { role: role.clone() })
    }

    /// Takes a key away from a role. A role that it had signed alone is signed anew with the next
    /// release.
    ///
    /// # Errors
    /// There is no such role, or it doesn't have the key.
    pub fn remove_key(&mut self, role: &RoleName, key: &PublicKey) -> Result<(), EditError> {
        let canonical = canonical_id(key);
        self.remove_keys(role, &canonical, |ring, id| {
            ring.get(id).is_some_and(|filed| filed.canonical_id == canonical)
        })
    }

    /// The same by the id that the key has in the role's keys, which also a key of an unknown type
    /// has.
    ///
    /// # Errors
    /// There is no such role, or it doesn't have the key.
    pub fn remove_key_id(&mut self, role: &RoleName, id: &KeyId) -> Result<(), EditError> {
        self.remove_keys(role, id, |_, listed| listed == id)
    }

    /// How many keys must sign a role.
    ///
    /// # Errors
    /// There is no such role, or the number is 0.
    pub fn set_threshold(&mut self, role: &RoleName, count: u32) -> Result<(), EditError> {
        let count = threshold(i64::from(count))?;
        self.edit_keys(role, |_, keys| {
            keys.threshold = count;
            Ok(())
        })
    }

    fn remove_keys(
        &mut self,
        role: &RoleName,
        shown: &KeyId,
        matches: impl Fn(&KeyRing, &KeyId) -> bool,
    ) -> Result<(), EditError> {
        let mut removed = Vec::new();
        self.edit_keys(role, |ring, keys| {
            keys.key_ids.retain(|id| {
                let matches = matches(ring, id);
                if matches {
                    removed.push(id.clone());
                }
                !matches
            });
            Ok(())
        })?;
        if removed.is_empty() {
            return Err(EditError::NotListed { role: role.clone(), what: format!("key {shown}") });
        }
        self.drop_unused(&removed);
        Ok(())
    }

    /// Drops those of these keys that no role lists any more. Others, which somebody else may have put
    /// there, stay.
    pub(super) fn drop_unused(&mut self, removed: &[KeyId]) {
        let root = &self.root;
        let lists = [&root.root, &root.timestamp, &root.snapshot, &root.targets];
        let unused = unused(removed, lists.into_iter());
        self.root.keys.retain(|id| !unused.contains(id));
        for parent in self.roles.values_mut() {
            let body = &parent.body;
            let named = body.delegations.iter().map(|child| &child.keys);
            let unused = self::unused(removed, named.chain(body.bins.as_ref().map(|bins| &bins.keys)));
            parent.body.keys.retain(|id| !unused.contains(id));
        }
    }

    /// Edits the keys of a role wherever they stand: in the root, or in the roles that delegate to
    /// it and have a say.
    fn edit_keys(
        &mut self,
        role: &RoleName,
        mut edit: impl FnMut(&mut KeyRing, &mut RoleKeys) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let root = &mut self.root;
        let keys = match role {
            RoleName::Root => &mut root.root,
            RoleName::Timestamp => &mut root.timestamp,
            RoleName::Snapshot => &mut root.snapshot,
            RoleName::Targets => &mut root.targets,
            RoleName::Delegated(_) => return self.edit_delegated_keys(role, edit),
        };
        edit(&mut root.keys, keys)
    }

    fn edit_delegated_keys(
        &mut self,
        role: &RoleName,
        mut edit: impl FnMut(&mut KeyRing, &mut RoleKeys) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let mut found = false;
        let parents = self.binding_parents(role);
        for (_, parent) in self.roles.iter_mut().filter(|(name, _)| parents.contains(name)) {
            let body = &mut parent.body;
            let named = body.delegations.iter_mut().find(|child| child.name == *role);
            let bins = body.bins.as_mut().filter(|it| it.bins.contains(role.as_str()));
            let keys = named.map(|child| &mut child.keys).or_else(|| bins.map(|bins| &mut bins.keys));
            if let Some(keys) = keys {
                edit(&mut body.keys, keys)?;
                found = true;
            }
        }
        if found { Ok(()) } else { Err(EditError::UnknownRole { role: role.clone() }) }
    }
}

/// The scheme in which a key signs where nobody asks for another.
pub(super) fn scheme(role: &RoleName, key: &PublicKey) -> Result<Scheme, EditError> {
    key.tuf_scheme().ok_or_else(|| {
        let reason = key.material().err().map(ToString::to_string).unwrap_or_default();
        EditError::UnusableKey { role: role.clone(), reason }
    })
}

fn unused<'a>(ids: &[KeyId], mut lists: impl Iterator<Item = &'a RoleKeys>) -> Vec<KeyId> {
    let mut unused = ids.to_vec();
    lists.all(|list| {
        unused.retain(|id| !list.key_ids.contains(id));
        !unused.is_empty()
    });
    unused
}
