//! A reply's body as reqwest reads it: plain, with an end that can be told, within its cap, and not
//! too slow.

use std::time::Instant;

use reqwest::Response;
use tokio::time::timeout;

use super::failure::broken;
use crate::transport::{
    BoxFuture, TargetBody,
    http::{
        Timeouts, TransportError,
        framing::{self, Unfit},
        pace::Pace,
    },
};

/// Reads a body, chunk by chunk.
pub(super) struct Stream {
    reply: Response,
    what: String,
    max: u64,
    left: u64,
    pace: Pace,
    deadline: Instant,
    is_over: bool,
}

impl Stream {
    /// Of a body that has at most `max` bytes and is through at the deadline.
    pub(super) fn new(
        reply: Response,
        what: &str,
        max: u64,
        timeouts: &Timeouts,
        deadline: Instant,
    ) -> Result<Self, TransportError> {
        let length = framing::announced(reply.headers(), reply.version());
        let length = length.map_err(|why| Unfit::Framing(why).explain(what, max))?;
        if length.is_some_and(|length| length > max) {
            return Err(Unfit::TooLarge.explain(what, max));
        }
        let (what, pace) = (what.to_owned(), Pace::new(timeouts));
        Ok(Self { reply, what, max, left: max, pace, deadline, is_over: false })
    }

    /// The next bytes; none at the end. There are no more after an error.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        if self.is_over {
            let reason = "the body broke off before".to_owned();
            return Err(TransportError::Connection { what: self.what.clone(), reason });
        }
        // A future that is dropped halfway leaves no whole body.
        self.is_over = true;
        let chunk = self.read().await?;
        self.is_over = false;
        Ok(chunk)
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let late = |phase| TransportError::Timeout { what: self.what.clone(), phase };
        loop {
            let begun = Instant::now();
            let left = self.deadline.saturating_duration_since(begun);
            let patience = self.pace.patience();
            let chunk = timeout(patience.min(left), self.reply.chunk()).await;
            let chunk = chunk.map_err(|_| late(if left <= patience { "request" } else { "body" }))?;
            let Some(chunk) = chunk.map_err(|e| broken(&self.what, &e))? else { return Ok(None) };
            self.pace.account(chunk.len(), begun.elapsed()).map_err(|_| late("body"))?;
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.left =
                self.left.checked_sub(length).ok_or_else(|| Unfit::TooLarge.explain(&self.what, self.max))?;
            if !chunk.is_empty() {
                return Ok(Some(chunk.into()));
            }
        }
    }
}

impl TargetBody for Stream {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>> {
        Box::pin(self.next())
    }
}
