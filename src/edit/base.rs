//! What changes start from.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use super::{Changes, Draft, EditError, Plan, editor::Editor};
use crate::{
    metadata::{Root, Targets},
    name::{KeyId, RoleName},
    verify::TrustedSet,
    wire::{Dialect, Envelope},
};

/// A verified set, the keys at hand, and a time.
#[derive(Clone, Debug)]
pub struct Base<'a> {
    pub(super) dialect: Dialect,
    /// None for a collection that is about to begin.
    pub(super) set: Option<&'a TrustedSet>,
    pub(super) root: &'a Root,
    pub(super) held: &'a BTreeSet<KeyId>,
    pub(super) now: SystemTime,
    pub(super) former: BTreeMap<RoleName, Envelope<Targets>>,
}

impl<'a> Base<'a> {
    /// Changes of `set` with the keys whose canonical ids are `held`: they decide which roles sign
    /// a target, and whether the snapshot is ours to sign.
    pub fn new(dialect: Dialect, set: &'a TrustedSet, held: &'a BTreeSet<KeyId>, now: SystemTime) -> Self {
        Self { dialect, set: Some(set), root: set.root().body(), held, now, former: BTreeMap::new() }
    }

    /// Tells of a file that the server still stores for a role that the set doesn't have: one that
    /// was removed. Nothing in it is believed, but servers store rising versions only, and may show
    /// it again when the role comes back ([`Draft::begun`] says which roles to ask for).
    #[must_use]
    pub fn with_former(mut self, role: RoleName, file: Envelope<Targets>) -> Self {
        self.former.insert(role, file);
        self
    }

    /// Applies changes.
    ///
    /// # Errors
    /// A change is not possible, or a key is missing. Nothing was changed.
    pub fn draft(&self, changes: &Changes) -> Result<Draft, EditError> {
        let draft = Editor::new(self).apply(changes)?;
        draft.require_keys(self.held)?;
        Ok(draft)
    }

    /// Says what changes would do, and which keys are missing for it.
    ///
    /// # Errors
    /// A change is not possible, whatever keys are at hand.
    pub fn plan(&self, changes: &Changes) -> Result<Plan, EditError> {
        let draft = Editor::new(self).apply(changes)?;
        Ok(Plan::new(self, &draft))
    }
}
