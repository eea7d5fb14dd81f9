//! What changes would do, and the drafts that publishing signs.

use std::collections::BTreeSet;

use super::{Core, Guard, drive, keyring::Keyring};
use crate::{
    edit::{Base, Changes, Draft, EditError, Plan, SnapshotSigner},
    error::Error,
    limits::Limits,
    metadata::Targets,
    name::{KeyId, Resource, RoleName},
    transport::TransportError,
    verify::{TrustedSet, VerifyError},
    view::View,
    wire::{Envelope, notary},
};

impl Core {
    /// What [`publish`](Self::publish) would do with these changes now. Nothing is signed or sent.
    pub(crate) async fn plan(&self, turn: Guard<'_>, changes: &Changes) -> Result<Plan, Error> {
        turn.forget();
        let _lock = self.lock().await?;
        let view = self.refresh_locked().await?;
        let held = self.held()?;
        let base = Base::new(self.inner.dialect, view.trusted(), &held, self.now());
        let mut plan = base.plan(changes)?;
        if !plan.begun.is_empty() {
            plan = self.with_former(base, &plan.begun).await?.plan(changes)?;
        }
        if plan.snapshot == SnapshotSigner::Server && self.server_signs_snapshot(&view).await == Some(false) {
            plan.snapshot = SnapshotSigner::Nobody;
        }
        Ok(plan)
    }

    /// Canonical ids of the keys at hand.
    pub(super) fn held(&self) -> Result<BTreeSet<KeyId>, Error> {
        Ok(Keyring::new(self.keys()?).held()?)
    }

    /// Applies changes to a view.
    pub(super) async fn draft(
        &self,
        view: &View,
        changes: &Changes,
        held: &BTreeSet<KeyId>,
    ) -> Result<Draft, Error> {
        let base = Base::new(self.inner.dialect, view.trusted(), held, self.now());
        let mut draft = base.draft(changes)?;
        if !draft.begun().is_empty() {
            draft = self.with_former(base, draft.begun()).await?.draft(changes)?;
        }
        self.check_delegations(&draft, Some(view.trusted()))?;
        if draft.snapshot_signer() == SnapshotSigner::Server
            && self.server_signs_snapshot(view).await == Some(false)
        {
            let authority = view.trusted().authority(&RoleName::Snapshot);
            let keys = authority.iter().flat_map(|it| it.keys()).map(|(_, key)| key.canonical_id.as_str());
            return Err(EditError::NoSnapshotKey { keys: keys.collect::<Vec<_>>().join(", ") }.into());
        }
        Ok(draft)
    }

    /// More delegations than we would read are not published: no reader, and so no publisher, of
    /// ours could undo it.
    pub(super) fn check_delegations(
        &self,
        draft: &Draft,
        set: Option<&TrustedSet>,
    ) -> Result<(), VerifyError> {
        let limits = &self.inner.limits;
        let (mut count, mut deepest) = (0_usize, 0);
        for role in draft.delegations(set) {
            count = count.saturating_add(1);
            deepest = role.depth().max(deepest);
        }
        let (what, limit) = if count > limits.max_delegations {
            ("delegations", limits.max_delegations)
        } else if deepest > limits.max_delegation_depth {
            ("levels of delegation", limits.max_delegation_depth)
        } else {
            return Ok(());
        };
        Err(VerifyError::TooMany { what, limit })
    }

    /// Asks for what the server still stores of removed roles that would begin anew.
    async fn with_former<'a>(
        &self,
        mut base: Base<'a>,
        roles: &BTreeSet<RoleName>,
    ) -> Result<Base<'a>, Error> {
        for role in roles.iter().filter(|role| **role != RoleName::Targets) {
            let limits = &self.inner.limits;
            if let Some(bytes) = self.stored(role, limits).await? {
                let malformed = |source| VerifyError::Malformed { role: role.clone(), source };
                let file = Envelope::<Targets>::read(self.inner.dialect, bytes, limits).map_err(malformed)?;
                base = base.with_former(role.clone(), file);
            }
        }
        Ok(base)
    }

    async fn stored(&self, role: &RoleName, limits: &Limits) -> Result<Option<Vec<u8>>, Error> {
        let (resource, limit) = (Resource::latest(role.clone()), limits.max_metadata);
        let file = drive::read(self.transport()?, &resource, limit).await?;
        match file.as_ref().is_none_or(|file| u64::try_from(file.len()).is_ok_and(|read| read <= limit)) {
            true => Ok(file),
            false => Err(TransportError::TooLarge { what: resource.notary_name(), limit }.into()),
        }
    }

    /// Whether the server holds the snapshot's key; none when it does not say.
    async fn server_signs_snapshot(&self, view: &View) -> Option<bool> {
        let bytes = self.transport().ok()?.server_key(&RoleName::Snapshot, false).await.ok()?;
        let id = notary::canonical_id(&notary::read_public_key(&bytes).ok()?);
        let authority = view.trusted().authority(&RoleName::Snapshot)?;
        Some(authority.has_canonical(&id))
    }
}
