//! The state of an edit: files as changed so far, above the verified set.
//!
//! Whatever is asked is answered by the changed files first, so that each change sees those before
//! it; keys and thresholds are judged when all changes are made.

use std::collections::{BTreeMap, BTreeSet};

use super::{Base, Change, Changes, Draft, EditError, TARGETS_LIFETIME, rotate::NewRoot};
use crate::{
    metadata::{Authority, Extra, Root, Targets},
    name::{Expiry, KeyId, PathRule, RoleName, Version},
    verify::{self, DelegatedTargets, VerifyError},
    wire::Dialect,
};

/// No honest file has a higher version; an unverified one that claims to would lock its role.
const MAX_FORMER: u64 = 1 << 24;

pub(super) struct Editor<'a> {
    pub(super) base: &'a Base<'a>,
    pub(super) root: Option<Root>,
    pub(super) targets: BTreeMap<RoleName, Targets>,
    /// Roles whose published file no longer counts, with all below them.
    pub(super) dropped: BTreeSet<RoleName>,
    /// Delegations that were made or whose keys were changed.
    pub(super) rekeyed: BTreeSet<RoleName>,
    /// Delegations that were made.
    pub(super) created: BTreeSet<RoleName>,
    /// Whether the snapshot is signed anew although nothing else changes.
    pub(super) renew_snapshot: bool,
    begun: BTreeSet<RoleName>,
}

impl<'a> Editor<'a> {
    pub(super) const fn new(base: &'a Base<'a>) -> Self {
        Self {
            base,
            root: None,
            targets: BTreeMap::new(),
            dropped: BTreeSet::new(),
            rekeyed: BTreeSet::new(),
            created: BTreeSet::new(),
            renew_snapshot: false,
            begun: BTreeSet::new(),
        }
    }

    pub(super) fn apply(mut self, changes: &Changes) -> Result<Draft, EditError> {
        for change in changes.iter() {
            match self.change(change) {
                Err(error) if changes.tolerates(change, &error) => {}
                outcome => outcome?,
            }
        }
        self.check_thresholds()?;
        self.begin_created()?;
        self.finish()
    }

    fn change(&mut self, change: &Change) -> Result<(), EditError> {
        match change {
            Change::Sign { role, name, info } => self.sign(role.as_ref(), name, info),
            Change::Revoke { role, name } => self.revoke(role.as_ref(), name),
            Change::Delegate { role, keys, threshold, paths } => self.delegate(role, keys, *threshold, paths),
            Change::Undelegate { role } => self.undelegate(role),
            Change::RemoveKeys { scope, keys } => self.remove_keys(scope, keys),
            Change::RemovePaths { role, paths } => self.remove_paths(role, paths),
            Change::ClearPaths { role } => self.clear_paths(role),
            Change::Witness { role } => self.witness(role),
            Change::Restart { role } => self.restart(role),
            Change::Renew { within } => self.renew(*within),
            Change::AddSigner { name, keys } => self.add_signer(name, keys),
            Change::RemoveSigner { name, keep_tags } => self.remove_signer(name, *keep_tags),
        }
    }

    /// A role's file as edited so far; none when it was never published.
    pub(super) fn body(&self, role: &RoleName) -> Result<Option<&Targets>, EditError> {
        if let Some(edited) = self.targets.get(role) {
            return Ok(Some(edited));
        }
        self.check_declared(role)?;
        let Some(set) = self.base.set.filter(|_| !self.is_dropped(role)) else { return Ok(None) };
        match (role, set.delegated().get(role)) {
            (RoleName::Targets, _) => Ok(Some(set.targets().body())),
            (_, Some(DelegatedTargets::Usable(targets))) => Ok(Some(targets.body())),
            (_, Some(DelegatedTargets::Unusable(reason))) => {
                Err(EditError::Unusable { role: role.clone(), reason: reason.to_string() })
            }
            (_, None) => Ok(None),
        }
    }

    pub(super) fn is_dropped(&self, role: &RoleName) -> bool {
        self.dropped.iter().any(|dropped| role.is_within(dropped))
    }

    /// Whether the role exists, as edited so far.
    pub(super) fn check_declared(&self, role: &RoleName) -> Result<(), EditError> {
        let unknown = || EditError::UnknownRole { role: role.clone() };
        match role.parent() {
            None if *role == RoleName::Targets => Ok(()),
            None => Err(unknown()),
            Some(parent) => {
                let parent = self.body(&parent)?.ok_or_else(unknown)?;
                parent.delegation(role).map(|_| ()).ok_or_else(unknown)
            }
        }
    }

    /// The names that a role may sign.
    pub(super) fn paths(&self, role: &RoleName) -> Result<PathRule, EditError> {
        self.check_declared(role)?;
        let Some(parent) = role.parent() else { return Ok(PathRule::everything()) };
        let delegation = self.body(&parent)?.and_then(|parent| parent.delegation(role));
        let delegation = delegation.ok_or_else(|| EditError::UnknownRole { role: role.clone() })?;
        Ok(delegation.paths.within(&self.paths(&parent)?))
    }

    /// Who vouches for a role, as edited so far.
    pub(super) fn authority(&self, role: &RoleName) -> Option<Authority> {
        match role.parent() {
            None => self.root.as_ref().unwrap_or(self.base.root).authority(role),
            Some(parent) => self.body(&parent).ok()??.authority(role),
        }
    }

    /// Whether enough keys of a role are at hand.
    pub(super) fn can_sign(&self, role: &RoleName) -> bool {
        self.authority(role).is_some_and(|authority| is_signable(&authority, self.base.held))
    }

    /// A role's file for editing: its next version.
    pub(super) fn open(&mut self, role: &RoleName) -> Result<&mut Targets, EditError> {
        if !self.targets.contains_key(role) {
            let next = match self.body(role)? {
                Some(present) => self.next(role, present)?,
                None => self.first(role)?,
            };
            self.targets.insert(role.clone(), next);
        }
        self.targets.get_mut(role).ok_or_else(|| EditError::UnknownRole { role: role.clone() })
    }

    /// The same content in the next version.
    pub(super) fn next(&self, role: &RoleName, present: &Targets) -> Result<Targets, EditError> {
        let version = next_version(self.base.dialect, role, present.version)?;
        Ok(Targets { version, expires: self.expiry()?, ..present.clone() })
    }

    /// An empty file above all that the server may have stored for the role.
    pub(super) fn first(&mut self, role: &RoleName) -> Result<Targets, EditError> {
        let version = match self.former_version(role)? {
            Some(former) => next_version(self.base.dialect, role, former)?,
            None => {
                self.begun.insert(role.clone());
                Version::ONE
            }
        };
        let (keys, delegations, targets) = Default::default();
        Ok(Targets {
            version,
            expires: self.expiry()?,
            keys,
            delegations,
            bins: None,
            targets,
            extra: Extra::default(),
        })
    }

    pub(super) fn expiry(&self) -> Result<Expiry, EditError> {
        Ok(Expiry::after(self.base.now, TARGETS_LIFETIME)?)
    }

    fn former_version(&self, role: &RoleName) -> Result<Option<Version>, EditError> {
        let state = self.base.set.and_then(|set| set.delegated().get(role));
        let known = match state {
            Some(DelegatedTargets::Usable(file)) => Some(file.body().version),
            Some(DelegatedTargets::Unusable(VerifyError::Withheld { trusted, .. })) => Some(*trusted),
            Some(DelegatedTargets::Unusable(_)) => {
                self.base.set.and_then(|set| set.unvouched(role)).map(|file| file.body().version)
            }
            None => None,
        };
        let stored = self.base.former.get(role).map(|file| file.body().version);
        match stored {
            Some(version) if version.get() > MAX_FORMER => {
                Err(EditError::VersionLimit { role: role.clone(), version })
            }
            _ => Ok(known.max(stored)),
        }
    }

    /// A delegation with fewer keys than its threshold could never be signed again (PC-12).
    fn check_thresholds(&self) -> Result<(), EditError> {
        for role in &self.rekeyed {
            if self.check_declared(role).is_err() {
                continue;
            }
            let Some(authority) = self.authority(role) else { continue };
            let (needed, given) = (authority.threshold().get(), distinct(&authority));
            if !u32::try_from(given).is_ok_and(|given| given >= needed) {
                return Err(EditError::TooFewKeys { role: role.clone(), needed, given });
            }
        }
        Ok(())
    }

    /// A role that comes back begins empty: what was removed must not return by itself. Without a
    /// former file there is nothing to sign until its keys' owner does.
    fn begin_created(&mut self) -> Result<(), EditError> {
        for role in std::mem::take(&mut self.created) {
            if self.targets.contains_key(&role) || self.check_declared(&role).is_err() {
                continue;
            }
            let Some(version) = self.former_version(&role)? else {
                self.begun.insert(role);
                continue;
            };
            if self.can_sign(&role) {
                let first = self.first(&role)?;
                self.targets.insert(role, first);
            } else if self.would_return(&role) {
                return Err(EditError::WouldReturn { role, version });
            }
        }
        Ok(())
    }

    /// Whether the file that the server still lists is one that the role's new keys have signed.
    fn would_return(&self, role: &RoleName) -> bool {
        let Some((set, authority)) = self.base.set.zip(self.authority(role)) else { return false };
        if set.snapshot().body().pin(role).is_none() || self.signs_snapshot() {
            return false;
        }
        let signed = match (set.delegated().get(role), set.unvouched(role), self.base.former.get(role)) {
            (Some(DelegatedTargets::Usable(file)), _, _) => {
                file.signers().iter().filter(|id| authority.has_canonical(id)).count()
            }
            (_, Some(file), _) | (_, None, Some(file)) => verify::signers(&authority, file).len(),
            (_, None, None) => 0,
        };
        u32::try_from(signed).is_ok_and(|signed| signed >= authority.threshold().get())
    }

    fn signs_snapshot(&self) -> bool {
        let authority = self.authority(&RoleName::Snapshot);
        authority.is_some_and(|it| self.base.held.iter().any(|id| it.has_canonical(id)))
    }

    fn finish(self) -> Result<Draft, EditError> {
        let changed = !self.targets.is_empty() || self.root.is_some() || self.renew_snapshot;
        let snapshot = match self.base.set {
            Some(set) if changed && self.signs_snapshot() => {
                let mut next = set.snapshot().body().clone();
                next.version = next_version(self.base.dialect, &RoleName::Snapshot, next.version)?;
                next.expires = self.expiry()?;
                next.delegated.retain(|role, _| !self.is_dropped(role));
                Some(next)
            }
            _ => None,
        };
        let top = [RoleName::Root, RoleName::Snapshot];
        let authorities = self.targets.keys().cloned().chain(top);
        let authorities =
            authorities.filter_map(|role| Some((role.clone(), self.authority(&role)?))).collect();
        let before = self.base.set.and_then(|set| set.root().body().authority(&RoleName::Root));
        Ok(Draft {
            root: self.root.map(|body| NewRoot { body, before, legacy: None }),
            targets: self.targets,
            snapshot,
            authorities,
            dropped: self.dropped,
            begun: self.begun,
        })
    }
}

/// Whether enough keys of an authority are at hand.
pub(super) fn is_signable(authority: &Authority, held: &BTreeSet<KeyId>) -> bool {
    let available = held.iter().filter(|id| authority.has_canonical(id)).count();
    u32::try_from(available).is_ok_and(|available| available >= authority.threshold().get())
}

/// How many keys can vouch: one behind two ids is one.
pub(super) fn distinct(authority: &Authority) -> usize {
    let usable = authority.keys().filter_map(|(_, filed)| filed.key.material().ok());
    usable.collect::<BTreeSet<_>>().len()
}

pub(super) fn next_version(
    dialect: Dialect,
    role: &RoleName,
    version: Version,
) -> Result<Version, EditError> {
    let next = version.next().filter(|next| dialect.admits_version(*next));
    next.ok_or_else(|| EditError::VersionLimit { role: role.clone(), version })
}
