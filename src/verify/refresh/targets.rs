//! Targets and, where all are loaded, the delegations.

use super::{Refresh, Reply, State, files::Cached};
use crate::{
    metadata::{TargetIndex, Targets},
    name::{Resource, RoleName},
    verify::{DelegatedTargets, Notice, Verified, VerifyError},
    wire::{BadDelegation, Bytes, Delegations, TargetsFloor},
};

impl Refresh {
    /// What the client had in memory serves again while it is pinned, where nothing else hangs on it.
    pub(super) fn begin_targets(&mut self) -> Result<State, VerifyError> {
        let role = RoleName::Targets;
        let known = self.still_pinned(&role).map(|set| set.targets.clone());
        let known = known.filter(|targets| {
            self.rules().delegations == Delegations::OnLookup
                && self.judge.unexpired(&role, targets.body()).is_ok()
        });
        match known {
            Some(targets) => {
                self.accept(&role, &targets, true);
                self.targets = Some(targets);
                Ok(State::Done)
            }
            None => Ok(State::LoadTargets(role)),
        }
    }

    pub(super) fn on_cached_targets(&mut self, role: RoleName, reply: Reply) -> Result<State, VerifyError> {
        if role != RoleName::Targets && self.pin(&role).is_none() {
            return self.on_unpublished(role, reply);
        }
        match self.as_pinned(&role, reply)? {
            Cached::Pinned(bytes) => drop(self.at_hand.insert(role.clone(), bytes)),
            Cached::Other(cached) if self.rules().targets_floor == TargetsFloor::File => {
                self.raise_targets_floor(&role, cached.as_ref());
            }
            Cached::Other(_) => {}
        }
        if role == RoleName::Targets {
            self.pending.push(role);
        }
        self.next_targets()
    }

    pub(super) fn on_targets(&mut self, role: RoleName, reply: Reply) -> Result<State, VerifyError> {
        let bytes = self.pinned(&role, reply)?;
        match self.take_targets(role, bytes, false)? {
            Some(state) => Ok(state),
            None => self.next_targets(),
        }
    }

    /// What the next `Fetch` steps will ask for after the present one, as far as that is certain
    /// already: a driver may ask for them all at once. It supplies each reply when its step comes.
    pub fn ahead(&self) -> Vec<(Resource, u64)> {
        let State::FetchTargets(role) = &self.state else { return Vec::new() };
        let pinned = self.pinned_resource(role).map_or(0, |(_, length)| length);
        let mut total = self.total.saturating_add(pinned);
        let others = self.pending.iter().rev().filter(|role| !self.at_hand.contains_key(role));
        let wanted = others.filter_map(|role| self.pinned_resource(role));
        // What won't be kept is not asked for.
        let affordable = wanted.take_while(|(_, length)| {
            total = total.saturating_add(*length);
            total <= self.judge.limits.max_total
        });
        affordable.collect()
    }

    /// A role that the snapshot doesn't list was never published, or is withheld: then its targets
    /// must not be looked for elsewhere.
    fn on_unpublished(&mut self, role: RoleName, reply: Reply) -> Result<State, VerifyError> {
        self.pending.retain(|pending| *pending != role);
        if let Reply::Found(bytes) = reply {
            self.raise_targets_floor(&role, Some(&bytes.into()));
        }
        let authority = self.authority(&role)?;
        let trusted = self.floors.binding(&role, &authority).map(|floor| floor.version);
        if let Some(trusted) = trusted {
            let withheld = VerifyError::Withheld { role: role.clone(), trusted };
            self.leave_out(role, withheld);
        }
        self.next_targets()
    }

    /// First the cache is asked for all children of a file, so that all that are not there can be
    /// fetched together; then they are judged one by one.
    fn next_targets(&mut self) -> Result<State, VerifyError> {
        if let Some(role) = self.unloaded.pop() {
            return Ok(State::LoadTargets(role));
        }
        while let Some(role) = self.pending.pop() {
            let Some(bytes) = self.at_hand.remove(&role) else { return Ok(State::FetchTargets(role)) };
            if let Some(state) = self.take_targets(role, bytes, true)? {
                return Ok(state);
            }
            if let Some(role) = self.unloaded.pop() {
                return Ok(State::LoadTargets(role));
            }
        }
        Ok(State::Done)
    }

    /// Judges a file. Returns a state when the refresh does not go on with the next one.
    fn take_targets(
        &mut self,
        role: RoleName,
        bytes: Bytes,
        from_cache: bool,
    ) -> Result<Option<State>, VerifyError> {
        self.add_up(&role, &bytes)?;
        match self.judge_targets(&role, bytes.clone()) {
            Ok(targets) => {
                self.accept(&role, &targets, from_cache);
                if self.rules().delegations == Delegations::InRefresh {
                    self.queue_children(targets.body())?;
                }
                match role {
                    RoleName::Targets => self.targets = Some(targets),
                    _ => drop(self.delegated.insert(role, DelegatedTargets::Usable(targets))),
                }
            }
            Err(error) if self.leaves_out(&role, &error) => {
                let envelope = self.judge.read_targets(&role, bytes)?;
                self.unvouched.insert(role.clone(), envelope);
                self.leave_out(role, error);
            }
            // Nothing but its version is pinned, so the server may have another one.
            Err(_) if from_cache && self.pin(&role).is_some_and(|pin| pin.hashes.is_empty()) => {
                self.note(Notice::CacheUnusable { role: role.clone() });
                return Ok(Some(State::FetchTargets(role)));
            }
            Err(error) => return self.recover(error).map(Some),
        }
        Ok(None)
    }

    fn judge_targets(&self, role: &RoleName, bytes: Bytes) -> Result<Verified<Targets>, VerifyError> {
        let (pin, sha256) = self.pinned_digest(role, &bytes)?;
        let envelope = self.judge.read_targets(role, bytes)?;
        let targets = self.admit(role, envelope, sha256)?;
        self.judge.check_version(role, targets.body(), &pin)?;
        Ok(targets)
    }

    /// Whether the refresh goes on without a delegation that is in this state.
    fn leaves_out(&self, role: &RoleName, error: &VerifyError) -> bool {
        *role != RoleName::Targets
            && error.spoils_only_its_subtree()
            && self.rules().bad_delegation == BadDelegation::SkipSubtree
    }

    /// Each file is bounded, and so are all of them together.
    fn add_up(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), VerifyError> {
        let limit = self.judge.limits.max_total;
        self.total = self.total.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        match self.total > limit {
            true => Err(VerifyError::TooLarge { role: role.clone(), limit, found: self.total }),
            false => Ok(()),
        }
    }

    fn leave_out(&mut self, role: RoleName, error: VerifyError) {
        let notice = Notice::DelegationUnusable { role: role.clone(), reason: error.to_string() };
        self.note(notice);
        self.delegated.insert(role, DelegatedTargets::Unusable(error));
    }

    /// The children in the order of the document.
    fn queue_children(&mut self, targets: &Targets) -> Result<(), VerifyError> {
        let limits = &self.judge.limits;
        for child in targets.delegations.iter().rev() {
            if child.name.depth() > limits.max_delegation_depth {
                return Err(VerifyError::TooMany {
                    what: "levels of delegation",
                    limit: limits.max_delegation_depth,
                });
            }
            self.pending.push(child.name.clone());
            self.unloaded.push(child.name.clone());
        }
        let loaded = self.delegated.len().saturating_add(self.pending.len());
        if loaded > limits.max_delegations {
            return Err(VerifyError::TooMany { what: "delegations", limit: limits.max_delegations });
        }
        Ok(())
    }

    fn raise_targets_floor(&mut self, role: &RoleName, cached: Option<&Bytes>) {
        let outdated = self.raise_floor::<Targets>(role, cached);
        if let Some(outdated) = outdated {
            let mut targets = outdated.into_body();
            targets.targets = TargetIndex::default();
            self.outdated.insert(role.clone(), targets);
        }
    }
}
