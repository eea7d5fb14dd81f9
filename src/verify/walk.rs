//! The delegation walk of a look-up in a collection, in the order of Notary v1: breadth-first. (TUF 1.0
//! looks up in pre-order, see [`Search`](super::Search).)
//!
//! A role sees only the names that every role above it grants. Paths of a child that its parent
//! does not cover are dropped, not narrowed.

use std::collections::VecDeque;

use super::{TrustedSet, VerifyError, set::DelegatedTargets};
use crate::{
    metadata::{TargetEntry, Targets},
    name::{PathRule, RoleName},
};

/// One role that a look-up visits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Visit<'a> {
    /// The role.
    pub role: RoleName,
    /// Its targets file.
    pub targets: &'a Targets,
    /// The names that it may sign.
    pub paths: PathRule,
}

impl<'a> Visit<'a> {
    /// The entry called `name`, if the role has it and may sign it.
    pub fn target(&self, name: &str) -> Option<TargetEntry<'a>> {
        self.targets.targets.get(name).filter(|entry| self.paths.grants(entry.name))
    }
}

impl TrustedSet {
    /// The roles that answer for `role`: itself, then those below it, breadth-first; roles at and
    /// below each of `skip` are left out. With TUF 1.0 the top-level targets alone: the set has no others.
    ///
    /// # Errors
    /// `role` or one above it is published and not usable. One that is not declared, or not
    /// published, answers with no visit.
    pub fn walk(&self, role: &RoleName, skip: &[RoleName]) -> Result<Vec<Visit<'_>>, VerifyError> {
        let mut visits = Vec::new();
        let top =
            Visit { role: RoleName::Targets, targets: self.targets.body(), paths: PathRule::everything() };
        let mut queue = VecDeque::from([top]);
        while let Some(visit) = queue.pop_front() {
            for delegation in &visit.targets.delegations {
                let child = &delegation.name;
                let wanted = child.is_within(role) || role.is_within(child);
                let skipped =
                    child != role && skip.iter().any(|skip| child.is_within(skip) && !role.is_within(skip));
                if !wanted || skipped {
                    continue;
                }
                match self.delegated.get(child) {
                    Some(DelegatedTargets::Usable(targets)) => queue.push_back(Visit {
                        role: child.clone(),
                        targets: targets.body(),
                        paths: delegation.paths.within(&visit.paths),
                    }),
                    Some(DelegatedTargets::Unusable(reason)) if role.is_within(child) => {
                        return Err(reason.clone());
                    }
                    Some(DelegatedTargets::Unusable(_)) | None => {}
                }
            }
            if visit.role.is_within(role) {
                visits.push(visit);
            }
        }
        Ok(visits)
    }
}
