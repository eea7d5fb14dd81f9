//! Signing anew what is there: roles that expire soon, and roles whose signatures no longer
//! suffice.

use std::time::Duration;

use super::{
    EditError, ROOT_LIFETIME,
    editor::{Editor, is_signable, next_version},
};
use crate::{
    metadata::Root,
    name::{Expiry, RoleName},
    verify::DelegatedTargets,
};

impl Editor<'_> {
    /// Signs a role's content as it is. What is expired or under-signed is taken over only here,
    /// where the caller says so.
    pub(super) fn witness(&mut self, role: &RoleName) -> Result<(), EditError> {
        if !role.holds_targets() {
            return Err(EditError::NotDelegated { role: role.clone() });
        }
        if self.targets.contains_key(role) {
            return Ok(());
        }
        self.check_declared(role)?;
        let unvouched = self.base.set.filter(|_| !self.is_dropped(role)).and_then(|set| set.unvouched(role));
        if let Some(file) = unvouched {
            let next = self.next(role, file.body())?;
            self.targets.insert(role.clone(), next);
            return Ok(());
        }
        if self.body(role)?.is_none() {
            let reason = "it was never published".to_owned();
            return Err(EditError::Unusable { role: role.clone(), reason });
        }
        self.open(role).map(|_| ())
    }

    /// Begins a delegation's file anew.
    pub(super) fn restart(&mut self, role: &RoleName) -> Result<(), EditError> {
        if !matches!(role, RoleName::Delegated(_)) {
            return Err(EditError::NotDelegated { role: role.clone() });
        }
        self.check_declared(role)?;
        let first = self.first(role)?;
        self.dropped.insert(role.clone());
        self.targets.retain(|edited, _| !edited.is_within(role));
        self.targets.insert(role.clone(), first);
        Ok(())
    }

    /// Signs what expires within a time, as far as the keys are at hand.
    pub(super) fn renew(&mut self, within: Duration) -> Result<(), EditError> {
        let Some(set) = self.base.set else { return Ok(()) };
        let limit = self.base.now.checked_add(within).unwrap_or(self.base.now);
        let soon = |expires: &Expiry| expires.is_past(limit);
        if soon(&set.root().body().expires) {
            self.renew_root()?;
        }
        self.renew_snapshot |= soon(&set.snapshot().body().expires);
        let published = set.delegated().iter().filter_map(|(role, state)| match state {
            DelegatedTargets::Usable(file) => Some((role, file.body())),
            DelegatedTargets::Unusable(_) => None,
        });
        for (role, file) in published.chain([(&RoleName::Targets, set.targets().body())]) {
            if soon(&file.expires) && self.can_sign(role) && self.body(role).is_ok_and(|it| it.is_some()) {
                self.open(role)?;
            }
        }
        Ok(())
    }

    fn renew_root(&mut self) -> Result<(), EditError> {
        let (base, role) = (self.base, RoleName::Root);
        let is_ours = base.root.authority(&role).is_some_and(|it| is_signable(&it, base.held));
        if is_ours && self.root.is_none() {
            let version = next_version(base.dialect, &role, base.root.version)?;
            let expires = Expiry::after(base.now, ROOT_LIFETIME)?;
            self.root = Some(Root { version, expires, ..base.root.clone() });
        }
        Ok(())
    }
}
