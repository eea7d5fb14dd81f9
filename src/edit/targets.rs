//! Signing and revoking targets.

use super::{EditError, draft::ids, editor::Editor};
use crate::{
    metadata::TargetInfo,
    name::{RoleName, TargetName},
    verify::DelegatedTargets,
    wire::json,
};

impl Editor<'_> {
    pub(super) fn sign(
        &mut self,
        role: Option<&RoleName>,
        name: &TargetName,
        info: &TargetInfo,
    ) -> Result<(), EditError> {
        let info = portable(name, info)?;
        let roles = match role {
            Some(role) => vec![role.clone()],
            None => self.signable_roles(name)?,
        };
        for role in roles {
            if !self.paths(&role)?.grants(name.as_str()) {
                return Err(EditError::NotGranted { role, name: name.clone() });
            }
            let same = self.body(&role)?.is_some_and(|targets| {
                targets.targets.get(name.as_str()).is_some_and(|entry| entry.to_info() == info)
            });
            if !same {
                self.open(&role)?.targets.insert(name, &info);
            }
        }
        Ok(())
    }

    pub(super) fn revoke(&mut self, role: Option<&RoleName>, name: &TargetName) -> Result<(), EditError> {
        let roles = match role {
            Some(role) => vec![role.clone()],
            None => self.all_roles(),
        };
        let mut revoked = false;
        for role in roles {
            let listed =
                self.body(&role)?.is_some_and(|targets| targets.targets.get(name.as_str()).is_some());
            if listed {
                revoked |= self.open(&role)?.targets.remove(name.as_str());
            }
        }
        if revoked { Ok(()) } else { Err(EditError::NotSigned { name: name.clone() }) }
    }

    /// Where Docker puts a tag.
    fn signable_roles(&self, name: &TargetName) -> Result<Vec<RoleName>, EditError> {
        let top = match self.body(&RoleName::Targets)? {
            Some(top) if !top.delegations.is_empty() => top,
            _ => return Ok(vec![RoleName::Targets]),
        };
        let granting = || top.delegations.iter().filter(|child| child.paths.grants(name.as_str()));
        let has_key = |role: &RoleName| {
            let authority = self.authority(role);
            authority.is_some_and(|it| self.base.held.iter().any(|id| it.has_canonical(id)))
        };
        let roles: Vec<_> = granting().map(|child| child.name.clone()).filter(has_key).collect();
        if roles.is_empty() {
            let describe = |role: &RoleName| format!("{role} ({})", ids(self.authority(role).as_ref()));
            let roles = granting().map(|child| describe(&child.name)).collect::<Vec<_>>().join(", ");
            return Err(EditError::NoSignableRole { name: name.clone(), roles });
        }
        Ok(roles)
    }

    /// Every role that may hold an entry. One that is withheld may be served again as it was, so it
    /// counts; one that is expired or under-signed is of no use until its holders sign it anew.
    fn all_roles(&self) -> Vec<RoleName> {
        let is_dead = |state: &DelegatedTargets| match state {
            DelegatedTargets::Usable(_) => false,
            DelegatedTargets::Unusable(reason) => reason.spoils_only_its_subtree(),
        };
        let published = self.base.set.iter().flat_map(|set| set.delegated());
        let alive = published.filter(|(_, state)| !is_dead(state));
        let roles = alive.map(|(role, _)| role).chain(self.targets.keys());
        let mut roles: Vec<_> = roles.filter(|role| self.check_declared(role).is_ok()).cloned().collect();
        roles.push(RoleName::Targets);
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

/// What every client can sign again: Go signs custom data as it stands but verifies its canonical
/// form, and writes some characters in another way than it signs them.
pub(crate) fn portable(name: &TargetName, info: &TargetInfo) -> Result<TargetInfo, EditError> {
    let refuse = |reason: String| EditError::NotPortable { name: name.clone(), reason };
    if info.hashes.is_empty() {
        return Err(EditError::NoDigest { name: name.clone() });
    }
    if info.length > json::MAX_INTEGER {
        return Err(refuse(format!("length {}, at most {}", info.length, json::MAX_INTEGER)));
    }
    let custom = match info.custom.as_deref() {
        None | Some("null") => None,
        Some(custom) => {
            let canonical = json::canonicalise(custom).map_err(|error| refuse(format!("custom: {error}")))?;
            let text = String::from_utf8(canonical).map_err(|error| refuse(error.to_string()))?;
            let unportable =
                |c: char| c.is_control() || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
            if let Some(found) = text.chars().find(|c| unportable(*c)) {
                return Err(refuse(format!("custom data holds {found:?}, which other clients can't sign")));
            }
            Some(text)
        }
    };
    Ok(TargetInfo { custom, ..info.clone() })
}
