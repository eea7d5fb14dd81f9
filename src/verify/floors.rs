//! Roll-back floors: what was trusted once is never undercut.
//!
//! A floor comes from our own record or from the cached file, whichever is higher; neither the
//! size nor the state of the other lowers it. It stops to bind only when a key that vouched for it
//! was revoked and the rest no longer suffices: then nobody can tell any more whether the version
//! was the publisher's or a thief's (TUF specification 5.3.11).

use std::collections::BTreeMap;

use crate::{
    metadata::Authority,
    name::{KeyId, RoleName, Version},
    wire::{Document, Floor},
};

use super::{Verified, VerifyError};

/// The floors of one refresh.
#[derive(Clone, Debug, Default)]
pub(super) struct Floors(BTreeMap<RoleName, Floor>);

impl Floors {
    pub(super) const fn new(recorded: BTreeMap<RoleName, Floor>) -> Self {
        Self(recorded)
    }

    pub(super) fn get(&self, role: &RoleName) -> Option<&Floor> {
        self.0.get(role)
    }

    /// The floor of a role that still binds under `authority`.
    pub(super) fn binding(&self, role: &RoleName, authority: &Authority) -> Option<&Floor> {
        self.0.get(role).filter(|floor| binds(&floor.signers, authority))
    }

    /// Refuses a version below a floor that binds.
    pub(super) fn check(
        &self,
        role: &RoleName,
        authority: &Authority,
        offered: Version,
    ) -> Result<(), VerifyError> {
        match self.binding(role, authority) {
            Some(floor) if offered < floor.version => {
                Err(VerifyError::Rollback { role: role.clone(), trusted: floor.version, offered })
            }
            _ => Ok(()),
        }
    }

    /// Whether a role has no floor that does not bind under `authority`.
    pub(super) fn bind(&self, role: &RoleName, authority: &Authority) -> bool {
        self.0.get(role).is_none_or(|floor| binds(&floor.signers, authority))
    }

    /// Drops a floor. Returns whether there was one.
    pub(super) fn remove(&mut self, role: &RoleName) -> bool {
        self.0.remove(role).is_some()
    }

    /// Records what was just verified. It passed [`check`](Self::check), so it is no step back
    /// unless keys were revoked. Who vouched for the same version before still does: signatures
    /// are not signed themselves, and whoever serves the file could have left some out.
    pub(super) fn set<T: Document>(&mut self, role: &RoleName, verified: &Verified<T>) {
        let version = verified.body().version();
        let mut signers = verified.signers().to_vec();
        let before = self.0.get(role).filter(|floor| floor.version == version);
        for signer in before.into_iter().flat_map(|floor| &floor.signers) {
            if !signers.contains(signer) {
                signers.push(signer.clone());
            }
        }
        self.0.insert(role.clone(), Floor { version, sha256: *verified.sha256(), signers });
    }

    /// Raises the floor to what a verified cached file shows. Of the very file that set it, those
    /// keys count that have vouched for it now: after a rotation they may be others. A higher
    /// version that no longer binds under `authority` gives way to a file that does.
    pub(super) fn raise<T: Document>(
        &mut self,
        role: &RoleName,
        authority: Option<&Authority>,
        cached: &Verified<T>,
    ) {
        let is_kept = self.0.get(role).is_some_and(|floor| {
            let is_outlived =
                authority.is_some_and(|it| !binds(&floor.signers, it) && binds(cached.signers(), it));
            floor.version >= cached.body().version() && floor.sha256 != *cached.sha256() && !is_outlived
        });
        if !is_kept {
            self.set(role, cached);
        }
    }

    pub(super) fn into_inner(self) -> BTreeMap<RoleName, Floor> {
        self.0
    }
}

/// Whether the keys that vouched for a file still do under `authority`.
fn binds(signers: &[KeyId], authority: &Authority) -> bool {
    let left = signers.iter().filter(|id| authority.has_canonical(id)).count();
    let none_revoked = left == signers.len();
    none_revoked || u32::try_from(left).is_ok_and(|left| left >= authority.threshold().get())
}
