//! What both façades of a TUF 1.0 repository do, written once.
//!
//! As in [`collection`](crate::collection), whose turns, locks and freshness modes serve here too:
//! everything is asynchronous and knows no runtime, and the blocking façade never waits.

mod builder;
mod download;
#[cfg(feature = "directory")]
mod files;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use self::builder::{Parts, settings};
use crate::{
    collection::{Core, Entry, Guard, Ticket, drive},
    error::Error,
    name::TargetName,
    transport::AsyncTargetTransport,
    verify::{Found, KnownRoles, Search, TrustedSet},
    view::{FoundTarget, RepositoryView},
};

/// One repository, its servers, its store. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct RepositoryCore {
    core: Core,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    targets: Option<Box<dyn AsyncTargetTransport>>,
    state: Mutex<Option<State>>,
}

/// What the last refresh ended with, and what look-ups in it have verified.
#[derive(Clone, Debug)]
struct State {
    set: TrustedSet,
    known: KnownRoles,
}

impl RepositoryCore {
    pub(crate) fn new(parts: Parts) -> Self {
        let inner = Inner { targets: parts.targets, state: Mutex::new(None) };
        Self { core: Core::new(parts.inner), inner: Arc::new(inner) }
    }

    pub(crate) fn enter(&self) -> Entry<'_> {
        self.core.enter()
    }

    pub(crate) async fn turn(&self) -> Guard<'_> {
        self.core.turn().await
    }

    pub(crate) fn turn_blocking(&self) -> Guard<'_> {
        self.core.turn_blocking()
    }

    /// Refreshes, and takes over what that has brought before the turn ends.
    pub(crate) async fn refresh(
        &self,
        turn: &Guard<'_>,
        ticket: Ticket<'_>,
    ) -> Result<RepositoryView, Error> {
        let view = self.core.refresh(turn, ticket).await?;
        self.hold(view.trusted());
        Ok(RepositoryView::new(view))
    }

    fn hold(&self, set: &TrustedSet) {
        let mut state = self.state();
        let is_same = |state: &State| state.set.snapshot().sha256() == set.snapshot().sha256();
        let known = state.take().filter(is_same).map(|state| state.known).unwrap_or_default();
        *state = Some(State { set: set.clone(), known });
    }

    /// Whether a look-up has anything to look in that holds still: who only looks up would else be
    /// frozen in what a refresh has brought once (FZ-15).
    pub(crate) fn is_fresh(&self) -> bool {
        let now = self.core.search_plan().now;
        self.state().as_ref().is_some_and(|state| state.set.holds_at(now))
    }

    /// Looks a target up in what the last refresh has brought.
    pub(crate) async fn find(
        &self,
        turn: Guard<'_>,
        name: &TargetName,
    ) -> Result<Option<FoundTarget>, Error> {
        let taken = self.state().as_mut().map(|it| (it.set.clone(), std::mem::take(&mut it.known)));
        let (set, known) = taken.ok_or(Error::Unconfigured("a refresh"))?;
        let prefixed = set.root().body().consistent_snapshot;
        let snapshot = *set.snapshot().sha256();
        let search = Search::new(self.core.search_plan(), set, known, name.as_str())?;
        let (found, known) = self.drive(search).await?;
        if let Some(state) = self.state().as_mut().filter(|state| *state.set.snapshot().sha256() == snapshot)
        {
            state.known = known;
        }
        drop(turn);
        Ok(found.map(|found| FoundTarget::new(name.clone(), found, prefixed)))
    }

    /// The store is locked only when something is read or written there.
    async fn drive(&self, search: Search) -> Result<(Option<Found>, KnownRoles), Error> {
        if search.is_done() {
            return Ok(search.finish()?);
        }
        let _lock = self.core.lock().await?;
        Ok(drive::search(search, &self.core).await?.finish()?)
    }

    /// Drops the trusted metadata of this repository, here and in the store.
    pub(crate) async fn forget(&self, turn: Guard<'_>) -> Result<(), Error> {
        *self.state() = None;
        self.core.forget(turn).await
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
