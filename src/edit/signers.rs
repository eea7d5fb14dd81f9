//! Docker's signers: a role of their own, and a share in `targets/releases`.
//!
//! Removing one takes the trust of tags that nobody else vouches for, whoever wrote
//! `targets/releases` last. That file is signed anew by a remaining key in the same step, or every
//! tag in it would be lost for good.

use std::{collections::BTreeSet, num::NonZeroU32};

use super::{
    EditError, KeyScope,
    editor::{Editor, distinct},
};
use crate::{
    crypto::PublicKey,
    metadata::{TargetEntry, TargetInfo, Targets},
    name::{KeyId, PathRule, RoleName, SignerName, TargetName},
    verify::{self, DelegatedTargets, VerifyError},
};

impl Editor<'_> {
    pub(super) fn add_signer(&mut self, name: &SignerName, keys: &[PublicKey]) -> Result<(), EditError> {
        for role in [name.role(), RoleName::releases()] {
            self.delegate(&role, keys, NonZeroU32::MIN, &[String::new()])?;
        }
        Ok(())
    }

    pub(super) fn remove_signer(&mut self, name: &SignerName, keep_tags: bool) -> Result<(), EditError> {
        let (role, releases) = (name.role(), RoleName::releases());
        let removed = self.keys_of(&role)?;
        let own = self.own(&role);
        let others = self.signers_besides(&role)?;
        let kept = others.iter().map(|other| self.keys_of(other)).collect::<Result<Vec<_>, _>>()?.concat();
        self.undelegate(&role)?;
        if self.check_declared(&releases).is_err() {
            return Ok(());
        }
        self.check_not_withheld(&releases)?;
        if keep_tags {
            self.check_genuine(&releases)?;
        }
        let lost: Vec<_> = self.keys_of(&releases)?;
        let lost = lost.into_iter().filter(|id| removed.contains(id) && !kept.contains(id));
        let lost: Vec<_> = lost.collect();
        if self.is_last(&lost)? {
            return self.remove_last(name, &releases);
        }
        self.remove_keys(&KeyScope::Role(releases.clone()), &lost)?;
        self.re_sign_releases(name, &own, &others, keep_tags)
    }

    /// Without a key for `targets/releases`, no tag in it can stay.
    fn is_last(&self, lost: &[KeyId]) -> Result<bool, EditError> {
        let Some(authority) = self.authority(&RoleName::releases()) else { return Ok(false) };
        let left = authority.filtered(|_, filed| !lost.contains(&filed.canonical_id));
        Ok(!lost.is_empty() && distinct(&left) == 0)
    }

    fn remove_last(&mut self, name: &SignerName, releases: &RoleName) -> Result<(), EditError> {
        let tags = self.vouched(releases).map_or(0, |file| file.targets.len());
        if tags > 0 {
            return Err(EditError::LastSigner { signer: name.clone(), tags });
        }
        self.undelegate(releases)
    }

    fn re_sign_releases(
        &mut self,
        name: &SignerName,
        own: &Own,
        others: &[RoleName],
        keep_tags: bool,
    ) -> Result<(), EditError> {
        let releases = RoleName::releases();
        let Some(file) = self.vouched(&releases).cloned() else { return Ok(()) };
        let signed_by_others = self.is_signed(&releases);
        let mut unvouched = Vec::new();
        for entry in file.targets.iter() {
            let stays = self.is_vouched(others, &entry) || (!own.vouches(&entry) && signed_by_others);
            if !stays {
                unvouched.push((TargetName::new(entry.name)?, entry.to_info()));
            }
        }
        if unvouched.is_empty() && signed_by_others {
            return Ok(());
        }
        if !unvouched.is_empty() && !keep_tags {
            others.iter().try_for_each(|other| self.check_not_withheld(other))?;
        }
        if !self.can_sign(&releases) {
            let keys = super::draft::ids(self.authority(&releases).as_ref());
            return Err(EditError::NoRemainingKey { signer: name.clone(), keys });
        }
        self.witness(&releases)?;
        if keep_tags { self.take_over(others, &unvouched) } else { self.drop_released(&releases, &unvouched) }
    }

    /// Drops tags from the releases, and what `targets` says otherwise about them: it was hidden,
    /// and an older image must not come back in their place.
    fn drop_released(
        &mut self,
        releases: &RoleName,
        tags: &[(TargetName, TargetInfo)],
    ) -> Result<(), EditError> {
        let file = self.open(releases)?;
        tags.iter().for_each(|(tag, _)| _ = file.targets.remove(tag.as_str()));
        let top = self.body(&RoleName::Targets)?.map(|top| &top.targets);
        let differs = |(tag, info): &&(TargetName, TargetInfo)| {
            let hidden = top.and_then(|top| top.get(tag.as_str()));
            hidden.is_some_and(|hidden| hidden.hashes != info.hashes || hidden.length != info.length)
        };
        let hidden: Vec<_> = tags.iter().filter(differs).map(|(tag, _)| tag.clone()).collect();
        if !hidden.is_empty() {
            let top = self.open(&RoleName::Targets)?;
            hidden.iter().for_each(|tag| _ = top.targets.remove(tag.as_str()));
        }
        Ok(())
    }

    /// The remaining signers whose keys are at hand vouch for these tags from now on. Whoever could
    /// and has a file that can't be edited is told so: a tag is not kept under nobody's name.
    fn take_over(&mut self, others: &[RoleName], tags: &[(TargetName, TargetInfo)]) -> Result<(), EditError> {
        let mut left: BTreeSet<_> = tags.iter().map(|(tag, _)| tag.as_str()).collect();
        let mut unusable = None;
        for role in others.iter().filter(|role| self.can_sign(role)).collect::<Vec<_>>() {
            if let Err(error) = self.body(role) {
                unusable = Some(error);
                continue;
            }
            let paths = self.paths(role)?;
            for (tag, info) in tags.iter().filter(|(tag, _)| paths.grants(tag.as_str())) {
                self.open(role)?.targets.insert(tag, info);
                left.remove(tag.as_str());
            }
        }
        unusable.filter(|_| !left.is_empty()).map_or(Ok(()), Err)
    }

    /// What the removed signer vouches for.
    fn own(&self, role: &RoleName) -> Own {
        if self.check_not_withheld(role).is_err() || self.check_genuine(role).is_err() {
            return Own::Unknown;
        }
        self.vouched(role).map_or(Own::Nothing, |file| Own::File(Box::new(file.clone())))
    }

    /// A file that is withheld may say anything.
    fn check_not_withheld(&self, role: &RoleName) -> Result<(), EditError> {
        match self.unusable(role) {
            Some(reason) if !reason.spoils_only_its_subtree() => {
                Err(EditError::Unusable { role: role.clone(), reason: reason.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// What a role's keys have not signed may be anybody's: whoever signs the snapshot chooses it.
    fn check_genuine(&self, role: &RoleName) -> Result<(), EditError> {
        match self.unusable(role) {
            Some(reason) if !self.is_signed(role) => {
                Err(EditError::Unusable { role: role.clone(), reason: reason.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Why a role's file can't be used, unless it was edited since.
    fn unusable(&self, role: &RoleName) -> Option<&VerifyError> {
        if self.targets.contains_key(role) || self.is_dropped(role) {
            return None;
        }
        match self.base.set?.delegated().get(role)? {
            DelegatedTargets::Unusable(reason) => Some(reason),
            DelegatedTargets::Usable(_) => None,
        }
    }

    /// Whether a signer that stays has signed this very content. That the file has expired since
    /// doesn't matter: the one that is asked for it is signed now.
    fn is_vouched(&self, others: &[RoleName], entry: &TargetEntry<'_>) -> bool {
        others.iter().any(|other| {
            let grants = self.paths(other).is_ok_and(|paths: PathRule| paths.grants(entry.name));
            let file =
                || self.vouched(other).filter(|_| self.targets.contains_key(other) || self.is_signed(other));
            grants && file().is_some_and(|file| vouches(file, entry))
        })
    }

    /// Whether the keys that a role has now have signed its published file.
    fn is_signed(&self, role: &RoleName) -> bool {
        let (Some(set), Some(authority)) = (self.base.set, self.authority(role)) else { return false };
        let signed = match set.delegated().get(role) {
            Some(DelegatedTargets::Usable(file)) => {
                file.signers().iter().filter(|id| authority.has_canonical(id)).count()
            }
            _ => set.unvouched(role).map_or(0, |file| verify::signers(&authority, file).len()),
        };
        u32::try_from(signed).is_ok_and(|signed| signed >= authority.threshold().get())
    }

    /// What a role's file says, whether it is usable or not.
    fn vouched(&self, role: &RoleName) -> Option<&Targets> {
        let unvouched = || self.base.set?.unvouched(role).map(|file| file.body());
        match self.body(role) {
            Ok(file) => file,
            Err(_) => unvouched(),
        }
    }

    fn signers_besides(&self, role: &RoleName) -> Result<Vec<RoleName>, EditError> {
        let releases = RoleName::releases();
        let top = self.body(&RoleName::Targets)?;
        let names = top.into_iter().flat_map(|top| &top.delegations).map(|child| &child.name);
        Ok(names.filter(|name| **name != releases && *name != role).cloned().collect())
    }

    fn keys_of(&self, role: &RoleName) -> Result<Vec<KeyId>, EditError> {
        self.check_declared(role)?;
        let authority = self.authority(role);
        let keys = authority.iter().flat_map(|it| it.keys()).map(|(_, filed)| filed.canonical_id.clone());
        Ok(keys.collect())
    }
}

/// What a signer who goes has signed.
enum Own {
    Nothing,
    File(Box<Targets>),
    /// The file is hidden, or not theirs: whatever nobody else vouches for may be.
    Unknown,
}

impl Own {
    fn vouches(&self, entry: &TargetEntry<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::File(file) => vouches(file, entry),
            Self::Unknown => true,
        }
    }
}

fn vouches(file: &Targets, entry: &TargetEntry<'_>) -> bool {
    let listed = file.targets.get(entry.name);
    listed.is_some_and(|it| it.hashes == entry.hashes && it.length == entry.length)
}
