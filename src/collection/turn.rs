//! Whose turn it is: one operation of a collection at a time, and one answer for all who ask at once.
//!
//! A caller who comes while a refresh is under way gets its outcome and does not ask again; so does
//! one who comes while others wait for theirs. When a refresh was abandoned, the next who waits
//! makes it.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, SystemTime},
};

use crate::{error::Error, view::View};

/// The turn of a collection, and what its last refresh brought.
#[derive(Debug, Default)]
pub(super) struct Turn {
    state: Mutex<State>,
    freed: Condvar,
}

/// How a refresh begins.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// There is a view that is fresh enough.
    Fresh(View),
    /// Some refresh is needed.
    Ask(Ticket<'a>),
}

/// The first refresh whose outcome will do.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    turn: &'a Turn,
    number: u64,
    keeps: bool,
}

/// The turn itself; passed on when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    turn: &'a Turn,
}

#[derive(Debug, Default)]
struct State {
    taken: bool,
    /// The number of the last refresh that began.
    began: u64,
    /// Whether it is under way.
    refreshing: bool,
    /// Who may still want its outcome.
    tickets: usize,
    last: Option<Last>,
    wakers: BTreeMap<u64, Waker>,
    /// The key of the last waker.
    waker: u64,
}

#[derive(Debug)]
struct Last {
    number: u64,
    outcome: Result<View, Error>,
    at: SystemTime,
}

impl Turn {
    /// Begins a call that wants an outcome not older than `max_age`.
    pub(super) fn enter(&self, max_age: Duration, now: SystemTime) -> Entry<'_> {
        let mut state = self.state();
        if let Some(Last { outcome: Ok(view), at, .. }) = &state.last
            && now.duration_since(*at).is_ok_and(|age| age < max_age)
            && view.holds_until() > now
        {
            return Entry::Fresh(view.clone());
        }
        state.tickets = state.tickets.saturating_add(1);
        let number = if state.refreshing { state.began } else { state.began.saturating_add(1) };
        Entry::Ask(Ticket { turn: self, number, keeps: !max_age.is_zero() })
    }

    pub(super) async fn take(&self) -> Guard<'_> {
        let mut waiter = Waiter { turn: self, key: None };
        poll_fn(|context| waiter.poll(context.waker())).await
    }

    pub(super) fn take_blocking(&self) -> Guard<'_> {
        let state = self.state();
        let waited = self.freed.wait_while(state, |state| state.taken);
        waited.unwrap_or_else(PoisonError::into_inner).taken = true;
        Guard { turn: self }
    }

    /// A panic in another thread leaves nothing half-done here: each change is one step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard<'_> {
    /// What came of the refresh that the ticket is for, or of a later one.
    pub(super) fn outcome(&self, ticket: &Ticket<'_>) -> Option<Result<View, Error>> {
        let state = self.turn.state();
        let last = state.last.as_ref().filter(|last| last.number >= ticket.number)?;
        Some(match &last.outcome {
            Ok(view) => Ok(view.clone()),
            Err(error) => Err(error.repeated()),
        })
    }

    /// From now on callers wait for the outcome of this refresh.
    pub(super) fn begin(&self) {
        let mut state = self.turn.state();
        state.began = state.began.saturating_add(1);
        state.refreshing = true;
    }

    /// Gives the outcome to all who wait.
    pub(super) fn end(&self, outcome: &Result<View, Error>, at: SystemTime) {
        let mut state = self.turn.state();
        let outcome = match outcome {
            Ok(view) => Ok(view.clone()),
            Err(error) => Err(error.repeated()),
        };
        state.last = Some(Last { number: state.began, outcome, at });
    }

    /// What was known counts no more.
    pub(super) fn forget(&self) {
        self.turn.state().last = None;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let wakers = {
            let mut state = self.turn.state();
            (state.taken, state.refreshing) = (false, false);
            std::mem::take(&mut state.wakers)
        };
        self.turn.freed.notify_one();
        // All of them: one that was woken alone could be dropped before it looks.
        wakers.into_values().for_each(Waker::wake);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.turn.state();
        state.tickets = state.tickets.saturating_sub(1);
        if state.tickets == 0 && !self.keeps {
            state.last = None;
        }
    }
}

struct Waiter<'a> {
    turn: &'a Turn,
    key: Option<u64>,
}

impl<'a> Waiter<'a> {
    fn poll(&mut self, waker: &Waker) -> Poll<Guard<'a>> {
        let mut state = self.turn.state();
        if !state.taken {
            state.taken = true;
            return Poll::Ready(Guard { turn: self.turn });
        }
        let key = *self.key.get_or_insert_with(|| {
            state.waker = state.waker.wrapping_add(1);
            state.waker
        });
        state.wakers.insert(key, waker.clone());
        Poll::Pending
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.turn.state().wakers.remove(&key);
        }
    }
}
