//! What roles sign (TUF specification 4.5): targets that clients can fetch, check and find.

use super::{EditError, RepositoryEditor};
use crate::{
    metadata::TargetInfo,
    name::{RoleName, TargetName, TargetPath},
    wire::json,
};

impl RepositoryEditor {
    /// Signs a target with the next release, in place of one of that name.
    ///
    /// # Errors
    /// There is no such role or its file is not at hand; no delegation to it grants the name; the name
    /// is not one that clients fetch; or what is to be signed has no digest or no canonical form.
    pub fn add_target(
        &mut self,
        role: &RoleName,
        name: &TargetName,
        info: &TargetInfo,
    ) -> Result<(), EditError> {
        TargetPath::new(name.clone())?;
        check_info(name, info)?;
        self.role(role)?;
        if !self.grants(role, name) {
            return Err(EditError::NotGranted { role: role.clone(), name: name.clone() });
        }
        self.role_mut(role)?.targets.insert(name, info);
        Ok(())
    }

    /// No longer signs a target.
    ///
    /// # Errors
    /// There is no such role, its file is not at hand, or it doesn't sign the target.
    pub fn remove_target(&mut self, role: &RoleName, name: &TargetName) -> Result<(), EditError> {
        match self.role_mut(role)?.targets.remove(name.as_str()) {
            true => Ok(()),
            false => Err(EditError::NotSigned { name: name.clone() }),
        }
    }

    /// The hash bin of `parent` that a target belongs to.
    ///
    /// # Errors
    /// There is no such role, its file is not at hand, or it has no bins.
    pub fn bin_of(&self, parent: &RoleName, name: &TargetName) -> Result<RoleName, EditError> {
        let parent_bins = self.role(parent)?.body.bins.as_ref();
        let not_listed = || EditError::NotListed { role: parent.clone(), what: "hash bins".to_owned() };
        let bins = &parent_bins.ok_or_else(not_listed)?.bins;
        Ok(RoleName::tuf(&bins.bin_of(name.as_str()))?)
    }

    /// Whether a role that delegates to this one grants it the name.
    fn grants(&self, role: &RoleName, name: &TargetName) -> bool {
        let granted = |parent: &super::Role| {
            let named = parent.body.delegation(role).is_some_and(|child| child.paths.grants(name.as_str()));
            let bins = parent.body.bins.as_ref();
            named || bins.is_some_and(|it| it.bins.bin_of(name.as_str()) == role.as_str())
        };
        *role == RoleName::Targets || self.roles.values().any(granted)
    }
}

fn check_info(name: &TargetName, info: &TargetInfo) -> Result<(), EditError> {
    let refuse = |reason: String| Err(EditError::NotPortable { name: name.clone(), reason });
    if info.hashes.is_empty() {
        return Err(EditError::NoDigest { name: name.clone() });
    }
    if info.length > json::MAX_INTEGER {
        return refuse(format!("length {}, at most {}", info.length, json::MAX_INTEGER));
    }
    match info.custom.as_deref().map(json::canonicalise_large) {
        Some(Err(error)) => refuse(format!("custom: {error}")),
        _ => Ok(()),
    }
}
