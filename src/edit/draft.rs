//! Changes applied to a verified set.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::{Change, Changes, EditError, TARGETS_LIFETIME, rotate::NewRoot};
use crate::{
    metadata::{Authority, Snapshot, TargetIndex, TargetInfo, Targets},
    name::{Expiry, KeyId, PathRule, RoleName, TargetName, Version},
    verify::{DelegatedTargets, TrustedSet},
    wire::{Dialect, json},
};

/// Metadata that is ready to be signed.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) root: Option<NewRoot>,
    pub(super) targets: BTreeMap<RoleName, Targets>,
    /// The next snapshot, whose pins are filled in when the rest is signed; none when the server
    /// signs it.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) authorities: BTreeMap<RoleName, Authority>,
}

impl Draft {
    /// Applies changes to a verified set. `held` are the canonical ids of the keys at hand: they
    /// decide which roles sign, and whether the snapshot is ours to sign.
    ///
    /// # Errors
    /// A change is not possible, or a key is missing.
    pub fn new(
        dialect: Dialect,
        set: &TrustedSet,
        changes: &Changes,
        held: &BTreeSet<KeyId>,
        now: SystemTime,
    ) -> Result<Self, EditError> {
        let mut editor = Editor { dialect, set, held, now, targets: BTreeMap::new() };
        for change in changes.iter() {
            match change {
                Change::Sign { role, name, info } => editor.sign(role.as_ref(), name, info)?,
                Change::Revoke { role, name } => editor.revoke(role.as_ref(), name)?,
                other => return Err(EditError::Unsupported { change: format!("{other:?}") }),
            }
        }
        editor.finish()
    }

    /// The roles that will be signed here.
    pub fn roles(&self) -> Vec<RoleName> {
        let root = self.root.as_ref().map(|_| RoleName::Root);
        let snapshot = self.snapshot.as_ref().map(|_| RoleName::Snapshot);
        root.into_iter().chain(self.targets.keys().cloned()).chain(snapshot).collect()
    }

    /// Canonical ids of all keys that may sign one of these roles.
    pub fn key_ids(&self) -> BTreeSet<KeyId> {
        let roles = self.roles();
        let own = roles.iter().filter_map(|role| self.authorities.get(role));
        let others = self.root.iter().flat_map(NewRoot::others);
        own.chain(others).flat_map(Authority::keys).map(|(_, key)| key.canonical_id.clone()).collect()
    }

    /// Whether nothing would be signed.
    pub fn is_empty(&self) -> bool {
        self.root.is_none() && self.targets.is_empty()
    }
}

struct Editor<'a> {
    dialect: Dialect,
    set: &'a TrustedSet,
    held: &'a BTreeSet<KeyId>,
    now: SystemTime,
    targets: BTreeMap<RoleName, Targets>,
}

impl Editor<'_> {
    fn sign(
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
            let same = self.present(&role)?.is_some_and(|targets| {
                targets.targets.get(name.as_str()).is_some_and(|entry| entry.to_info() == info)
            });
            if !same {
                self.open(&role)?.insert(name, &info);
            }
        }
        Ok(())
    }

    fn revoke(&mut self, role: Option<&RoleName>, name: &TargetName) -> Result<(), EditError> {
        let roles = match role {
            Some(role) => vec![role.clone()],
            None => self.all_roles(),
        };
        let mut revoked = false;
        for role in roles {
            let listed =
                self.present(&role)?.is_some_and(|targets| targets.targets.get(name.as_str()).is_some());
            if listed {
                revoked |= self.open(&role)?.remove(name.as_str());
            }
        }
        if revoked { Ok(()) } else { Err(EditError::NotSigned { name: name.clone() }) }
    }

    /// Where Docker puts a tag.
    fn signable_roles(&self, name: &TargetName) -> Result<Vec<RoleName>, EditError> {
        let top = self.set.targets().body();
        if top.delegations.is_empty() {
            return Ok(vec![RoleName::Targets]);
        }
        let granting = || top.delegations.iter().filter(|child| child.paths.grants(name.as_str()));
        let has_key = |role: &RoleName| {
            let authority = self.set.authority(role);
            authority.is_some_and(|it| self.held.iter().any(|id| it.has_canonical(id)))
        };
        let roles: Vec<_> = granting().map(|child| child.name.clone()).filter(has_key).collect();
        if roles.is_empty() {
            let describe = |role: &RoleName| format!("{role} ({})", ids(self.set.authority(role).as_ref()));
            let roles = granting().map(|child| describe(&child.name)).collect::<Vec<_>>().join(", ");
            return Err(EditError::NoSignableRole { name: name.clone(), roles });
        }
        Ok(roles)
    }

    fn all_roles(&self) -> Vec<RoleName> {
        let usable =
            self.set.delegated().iter().filter(|(_, state)| matches!(state, DelegatedTargets::Usable(_)));
        std::iter::once(RoleName::Targets).chain(usable.map(|(role, _)| role.clone())).collect()
    }

    /// The names that a role may sign.
    fn paths(&self, role: &RoleName) -> Result<PathRule, EditError> {
        let unknown = || EditError::UnknownRole { role: role.clone() };
        let Some(parent) = role.parent() else {
            return if *role == RoleName::Targets { Ok(PathRule::everything()) } else { Err(unknown()) };
        };
        let delegation =
            self.set.targets_of(&parent).and_then(|it| it.body().delegation(role)).ok_or_else(unknown)?;
        Ok(delegation.paths.within(&self.paths(&parent)?))
    }

    /// A role's file as edited so far; none when it was never published.
    fn present(&self, role: &RoleName) -> Result<Option<&Targets>, EditError> {
        if let Some(edited) = self.targets.get(role) {
            return Ok(Some(edited));
        }
        match (role, self.set.delegated().get(role)) {
            (RoleName::Targets, _) => Ok(Some(self.set.targets().body())),
            (_, Some(DelegatedTargets::Usable(targets))) => Ok(Some(targets.body())),
            (_, Some(DelegatedTargets::Unusable(reason))) => {
                Err(EditError::Unusable { role: role.clone(), reason: reason.to_string() })
            }
            (_, None) => self.paths(role).map(|_| None),
        }
    }

    /// A role's file for editing: its next version, once its keys are known to be at hand.
    fn open(&mut self, role: &RoleName) -> Result<&mut TargetIndex, EditError> {
        if !self.targets.contains_key(role) {
            let next = self.next(role)?;
            self.targets.insert(role.clone(), next);
        }
        match self.targets.get_mut(role) {
            Some(targets) => Ok(&mut targets.targets),
            None => Err(EditError::UnknownRole { role: role.clone() }),
        }
    }

    fn next(&self, role: &RoleName) -> Result<Targets, EditError> {
        require_keys(role, self.set.authority(role).as_ref(), self.held)?;
        let expires = Expiry::after(self.now, TARGETS_LIFETIME)?;
        Ok(match self.present(role)? {
            Some(present) => Targets {
                version: next_version(self.dialect, role, present.version)?,
                expires,
                ..present.clone()
            },
            None => Targets {
                version: Version::ONE,
                expires,
                keys: Default::default(),
                delegations: Vec::new(),
                targets: TargetIndex::default(),
            },
        })
    }

    fn finish(self) -> Result<Draft, EditError> {
        let role = RoleName::Snapshot;
        let authority = self.set.authority(&role);
        let ours = authority.as_ref().is_some_and(|it| self.held.iter().any(|id| it.has_canonical(id)));
        let snapshot = match ours && !self.targets.is_empty() {
            true => {
                let present = self.set.snapshot().body();
                let version = next_version(self.dialect, &role, present.version)?;
                Some(Snapshot {
                    version,
                    expires: Expiry::after(self.now, TARGETS_LIFETIME)?,
                    ..present.clone()
                })
            }
            false => None,
        };
        let roles = self.targets.keys().cloned().chain([role]);
        let authorities = roles.filter_map(|role| Some((role.clone(), self.set.authority(&role)?))).collect();
        Ok(Draft { root: None, targets: self.targets, snapshot, authorities })
    }
}

pub(super) fn next_version(
    dialect: Dialect,
    role: &RoleName,
    version: Version,
) -> Result<Version, EditError> {
    let next = version.next().filter(|next| dialect.admits_version(*next));
    next.ok_or_else(|| EditError::VersionLimit { role: role.clone(), version })
}

pub(super) fn require_keys(
    role: &RoleName,
    authority: Option<&Authority>,
    held: &BTreeSet<KeyId>,
) -> Result<(), EditError> {
    let Some(authority) = authority else { return Err(EditError::UnknownRole { role: role.clone() }) };
    let available = held.iter().filter(|id| authority.has_canonical(id)).count();
    let needed = authority.threshold().get();
    if u32::try_from(available).is_ok_and(|available| available >= needed) {
        return Ok(());
    }
    Err(EditError::MissingKeys { role: role.clone(), needed, available, ids: ids(Some(authority)) })
}

pub(super) fn ids(authority: Option<&Authority>) -> String {
    let ids: Vec<_> =
        authority.into_iter().flat_map(Authority::keys).map(|(_, key)| key.canonical_id.as_str()).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

/// What every client can sign again: Go signs custom data as it stands but verifies its canonical
/// form, and writes some characters in another way than it signs them.
pub(super) fn portable(name: &TargetName, info: &TargetInfo) -> Result<TargetInfo, EditError> {
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
