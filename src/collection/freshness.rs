//! What each freshness mode asks, and what it does without an answer.
//!
//! The rule: the mode decides, and never an error that happens to be at hand (FZ-14). Only where the
//! network gave no answer may a cache stand in, only where that was asked for, and the view says so.

use std::sync::PoisonError;

use super::{Core, drive};
use crate::{
    error::Error,
    transport::{AsyncTransport, TransportError},
    verify::{Notice, RefreshPlan, TrustedSet},
    view::{Freshness, View},
    wire::Delegations,
};

impl Core {
    /// What the mode says, with its fall-back.
    pub(super) async fn refresh_by_mode(&self) -> Result<View, Error> {
        match self.refresh_locked().await {
            Err(error) if self.may_use_cache(&error) => self.answer_from_cache(error).await,
            outcome => outcome,
        }
    }

    /// The same without a fall-back: nobody publishes on top of a cache.
    pub(super) async fn refresh_locked(&self) -> Result<View, Error> {
        let (inner, plan) = (&*self.inner, self.refresh_plan());
        let offline = plan.offline;
        let transport = if offline { None } else { Some(self.transport()?) };
        let before = self.last();
        let set = drive::refresh(plan, transport, &*inner.store, !inner.blocks, None, before).await?;
        self.keep(&set);
        Ok(View::new(inner.gun.clone(), set, inner.freshness, offline))
    }

    /// What the last refresh ended with. Kept only where the next one can go on from it.
    fn last(&self) -> Option<TrustedSet> {
        self.inner.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, set: &TrustedSet) {
        if self.inner.dialect.rules().delegations == Delegations::OnLookup {
            *self.inner.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(set.clone());
        }
    }

    /// Only where there was no answer: a refusal is one, and so is whatever does not hold.
    fn may_use_cache(&self, error: &Error) -> bool {
        use TransportError::{Connection, Timeout};
        matches!(self.inner.freshness, Freshness::PreferCache)
            && matches!(error, Error::Transport(Timeout { .. } | Connection { .. }))
    }

    /// The cache's answer, or else why the server gave none.
    async fn answer_from_cache(&self, error: Error) -> Result<View, Error> {
        let inner = &*self.inner;
        let plan = RefreshPlan { offline: true, ..self.refresh_plan() };
        let notice = Notice::ServedFromCache { reason: error.to_string() };
        match drive::refresh(plan, None, &*inner.store, false, Some(notice), self.last()).await {
            Ok(set) => {
                tracing::warn!(gun = %inner.gun, %error, "the cache answers instead of the server");
                Ok(View::new(inner.gun.clone(), set, inner.freshness, true))
            }
            Err(reason) => {
                tracing::warn!(gun = %inner.gun, %reason, "the cache can't answer instead of the server");
                Err(error)
            }
        }
    }

    /// The way to the server; none while offline.
    pub(crate) fn transport(&self) -> Result<&dyn AsyncTransport, Error> {
        match self.inner.freshness {
            Freshness::Offline => {
                Err(TransportError::Unsupported { operation: "a request while offline" }.into())
            }
            _ => self.inner.transport.as_deref().ok_or(Error::Unconfigured("a transport")),
        }
    }

    /// What is sent to a server is made now, on top of what it says now.
    pub(super) fn check_writable(&self) -> Result<(), Error> {
        match self.inner.freshness {
            Freshness::AsOf(_) => {
                let operation = "a change to the server's data as of another time";
                Err(TransportError::Unsupported { operation }.into())
            }
            _ => self.transport().map(drop),
        }
    }
}
