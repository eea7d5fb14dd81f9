//! Which roles there are, and who vouches for them (TUF specification 4.5, 5.6.7).
//!
//! Rule: whoever holds a role decides on what is below it and on nothing else. What he delegates to
//! is looked for among the files that there are, however many he names; and a role to which he
//! delegates beside others stays what these have made of it.

use std::collections::BTreeSet;

use super::{EditError, RepositoryEditor, Role, stage::suffices};
use crate::{
    metadata::{Authority, Targets},
    name::RoleName,
};

/// The roles from `targets` downwards, level by level.
pub(super) struct Walk {
    found: Vec<(RoleName, Option<RoleName>)>,
    seen: BTreeSet<RoleName>,
    at: usize,
}

impl Walk {
    pub(super) fn new() -> Self {
        let first = RoleName::Targets;
        Self { found: vec![(first.clone(), None)], seen: BTreeSet::from([first]), at: 0 }
    }

    /// The next role, and the first that delegates to it.
    pub(super) fn next(&mut self) -> Option<(RoleName, Option<RoleName>)> {
        let next = self.found.get(self.at).cloned();
        self.at = self.at.saturating_add(1);
        next
    }

    /// Goes on below a role, if that is at hand.
    pub(super) fn enter(&mut self, editor: &RepositoryEditor, role: &RoleName) {
        let Some(Role { body, .. }) = editor.roles.get(role) else { return };
        let named = body.delegations.iter().map(|child| &child.name);
        let bins = body.bins.iter().flat_map(|it| {
            // There may be four thousand million of them.
            editor.known().filter(|role| it.bins.contains(role.as_str()))
        });
        for child in named.chain(bins) {
            if self.seen.insert(child.clone()) {
                self.found.push((child.clone(), Some(role.clone())));
            }
        }
    }
}

impl RepositoryEditor {
    /// `targets` and all roles below it, each behind one that delegates to it; of hash bins those that
    /// have a file, or get one.
    pub(super) fn reachable(&self) -> Vec<RoleName> {
        let (mut walk, mut roles) = (Walk::new(), Vec::new());
        while let Some((role, _)) = walk.next() {
            walk.enter(self, &role);
            roles.push(role);
        }
        roles
    }

    /// Who has to have signed a file that is opened: whom the first role in the order of
    /// [`reachable`](Self::reachable) that delegates to it names. Nobody below decides on that.
    pub(super) fn first_authority(&self, role: &RoleName) -> Result<Authority, EditError> {
        let unknown = || EditError::UnknownRole { role: role.clone() };
        let RoleName::Delegated(_) = role else { return self.root.authority(role).ok_or_else(unknown) };
        let parents: Vec<_> = self.parents(role).collect();
        let first = match &*parents {
            [] => None,
            [(_, only)] => Some(*only),
            _ => self
                .reachable()
                .iter()
                .find_map(|it| parents.iter().find(|(name, _)| *name == it))
                .map(|it| it.1),
        };
        first.and_then(|first| delegated_authority(&first.body, role)).ok_or_else(unknown)
    }

    /// Everyone who has to vouch for a role's next file: [whoever binds it](Self::binding), or where
    /// nobody does, the first that delegates to it.
    pub(super) fn authorities(&self, role: &RoleName) -> Vec<Authority> {
        match self.binding(role) {
            none if none.is_empty() => self.first_authority(role).into_iter().collect(),
            binding => binding,
        }
    }

    /// For a delegated role, those whom the roles that delegate to it name, but for delegations that
    /// are published and don't fit the published file: whoever made one of these has no say. For the
    /// root, its predecessor's keys too.
    pub(super) fn binding(&self, role: &RoleName) -> Vec<Authority> {
        let mut found: Vec<_> = match role {
            RoleName::Delegated(_) => {
                self.parents(role).filter_map(|(_, parent)| self.binds(parent, role)).collect()
            }
            _ => self.root.authority(role).into_iter().collect(),
        };
        if *role == RoleName::Root {
            let before = self.published_root.as_ref().and_then(|root| root.body().authority(role));
            found.extend(before.filter(|before| !found.contains(before)));
        }
        found.dedup();
        found
    }

    /// The roles whose delegation to this one binds it, or all that delegate to it where none does.
    pub(super) fn binding_parents(&self, role: &RoleName) -> Vec<RoleName> {
        let parents = |binding: bool| {
            let parents = self.parents(role).filter(|(_, it)| !binding || self.binds(it, role).is_some());
            parents.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        match parents(true) {
            none if none.is_empty() => parents(false),
            binding => binding,
        }
    }

    fn binds(&self, parent: &Role, role: &RoleName) -> Option<Authority> {
        let authority = delegated_authority(&parent.body, role)?;
        let before = parent.published.as_ref().and_then(|it| delegated_authority(it.body(), role));
        let file = self.roles.get(role).and_then(|it| it.published.as_ref());
        let fits = || file.is_some_and(|file| suffices(file, std::slice::from_ref(&authority)));
        let binds = before.as_ref() != Some(&authority) || fits();
        binds.then_some(authority)
    }

    /// The roles at hand that delegate to this one.
    fn parents<'a>(&'a self, role: &'a RoleName) -> impl Iterator<Item = (&'a RoleName, &'a Role)> {
        self.roles.iter().filter(|(_, parent)| delegates(&parent.body, role))
    }

    /// The roles that are at hand or pinned.
    fn known(&self) -> impl Iterator<Item = &RoleName> {
        let pinned = self.snapshot().into_iter().flat_map(|snapshot| snapshot.delegated.keys());
        self.roles.keys().chain(pinned)
    }
}

fn delegates(parent: &Targets, role: &RoleName) -> bool {
    let bins = parent.bins.as_ref();
    parent.delegation(role).is_some() || bins.is_some_and(|it| it.bins.contains(role.as_str()))
}

/// Who vouches for a role that `parent` delegates to, by name or as a hash bin.
pub(super) fn delegated_authority(parent: &Targets, role: &RoleName) -> Option<Authority> {
    let bins = parent.bins.as_ref().filter(|it| it.bins.contains(role.as_str()));
    parent.authority(role).or_else(|| bins.map(|it| parent.keys.authority(&it.keys)))
}
