//! Uploads, until it is certain what became of them (Notary v1).
//!
//! - All files go in one request, and the server takes all or nothing (PP-03).
//! - A request is never sent again blindly (TE-12). When somebody else was first, the changes are
//!   applied to the newest state, a bounded number of times (PC-01). When the reply was lost, the
//!   server is asked for the very files that were sent: it has them, or others of the same
//!   version, or none (PP-01).
//!
//! How the server is asked afterwards stands in `read_back`.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Core,
    keyring::Keyring,
    outgoing::Outgoing,
    read_back::{Found, PAUSES},
};
use crate::{
    edit::Draft,
    error::{Error, PublishError},
    metadata::Root,
    name::{KeyId, RoleName},
    transport::TransportError,
    verify::{Refresh, Verified, VerifyError, check_own_root},
    view::View,
};

/// How often changes are applied anew because somebody else was first.
const ATTEMPTS: u32 = 5;
/// How often an upload that got lost is made in all.
const SENDS: usize = 2;
/// What became of an upload.
enum Fate {
    Stored,
    /// The server judged it and took nothing.
    Refused(TransportError),
    /// Others were first, and the server shows what they have published.
    Overtaken(TransportError),
    /// Others were first, the server says, and does not show it (or why it could not be asked). It
    /// may have stored the upload and refused it when something on the way repeated it.
    Doubtful(TransportError, Option<Box<TransportError>>),
    /// No reply; and why the server could not be asked afterwards, or it has no such files.
    Lost(TransportError, Option<Box<TransportError>>),
}

impl Fate {
    /// Whether the server has, or may have, what was sent. A server that fails is not believed.
    const fn may_be_stored(&self) -> bool {
        match self {
            Self::Stored | Self::Doubtful(..) | Self::Lost(..) => true,
            Self::Refused(TransportError::Status { status, .. }) => *status >= 500,
            Self::Refused(_) | Self::Overtaken(_) => false,
        }
    }
}

/// An upload without a clear answer; and how its reply was lost, if it was.
type Open = (Outgoing, Option<TransportError>);

impl Core {
    /// Signs a draft, which follows the root `before` or begins a collection, with all of its keys
    /// among those at hand. What we would refuse to read is not published: nobody could replace it
    /// afterwards.
    pub(super) fn sign(
        &self,
        keyring: &mut Keyring<'_>,
        draft: Draft,
        held: &BTreeSet<KeyId>,
        before: Option<&Verified<Root>>,
    ) -> Result<Outgoing, Error> {
        let outgoing = keyring.sign(draft, held)?;
        for (role, file) in &outgoing.upload.files {
            let found = u64::try_from(file.len()).unwrap_or(u64::MAX);
            let limit = match role {
                RoleName::Root => self.inner.limits.max_root,
                _ => self.inner.limits.max_metadata,
            };
            if found > limit {
                return Err(VerifyError::TooLarge { role: role.clone(), limit, found }.into());
            }
        }
        if let Some(root) = outgoing.file(&RoleName::Root) {
            match before {
                Some(before) => check_own_root(&self.refresh_plan(), before, root)?,
                None => Refresh::check_first_root(self.refresh_plan(), root.to_vec())?,
            }
        }
        Ok(outgoing)
    }

    /// The newest state to build on. A replica may lag behind what we have published (SO-02).
    pub(super) async fn base(&self) -> Result<View, Error> {
        let mut outcome = self.refresh_locked().await;
        for pause in PAUSES.into_iter().skip(1) {
            if !matches!(outcome, Err(Error::Verify(VerifyError::Rollback { .. }))) {
                break;
            }
            self.pause(pause).await;
            outcome = self.refresh_locked().await;
        }
        outcome
    }

    /// Publishes what `make` makes of the newest state: at first of `base`, then as often as others
    /// were first (told by its second argument). When it makes nothing, nothing is to be done.
    pub(super) async fn deliver(
        &self,
        keyring: &mut Keyring<'_>,
        base: View,
        mut make: impl AsyncFnMut(&mut Keyring<'_>, &View, bool) -> Result<Option<Outgoing>, Error>,
    ) -> Result<View, Error> {
        let (mut view, mut open) = (base, Vec::new());
        for attempt in 1..=ATTEMPTS {
            let outgoing = match make(keyring, &view, attempt > 1).await {
                Ok(Some(outgoing)) => outgoing,
                Ok(None) => return Ok(view),
                Err(error) => return self.give_up(open, error).await,
            };
            let before = view.trusted().snapshot().sha256().to_owned();
            drop(view); // a large collection need not be in memory twice
            let refusal = match self.send(keyring, &outgoing).await? {
                Fate::Stored => return self.confirm(&outgoing).await,
                Fate::Lost(source, None) if losses(&open).saturating_add(1) < SENDS => {
                    open.push((outgoing, Some(source)));
                    None
                }
                Fate::Lost(source, read_back) => {
                    return Err(PublishError::Unknown { source, read_back }.into());
                }
                Fate::Overtaken(source) | Fate::Doubtful(source, _) if attempt == ATTEMPTS => {
                    return self
                        .give_up(open, PublishError::Conflict { attempts: attempt, source }.into())
                        .await;
                }
                fate @ (Fate::Overtaken(_) | Fate::Doubtful(..)) => {
                    open.extend(matches!(fate, Fate::Doubtful(..)).then_some((outgoing, None)));
                    self.pause(pause(attempt)).await;
                    None
                }
                Fate::Refused(source @ TransportError::Rejected { .. }) if attempt < ATTEMPTS => Some(source),
                Fate::Refused(source) => {
                    return self.give_up(open, PublishError::Refused { source }.into()).await;
                }
            };
            view = match (self.base().await, refusal) {
                // Judged by a newer state than ours, a refusal says nothing about the changes.
                (Ok(fresh), Some(_)) if *fresh.trusted().snapshot().sha256() != before => fresh,
                (_, Some(source)) => {
                    return self.give_up(open, PublishError::Refused { source }.into()).await;
                }
                (Ok(fresh), None) => fresh,
                (Err(error), None) => return self.give_up(open, error).await,
            };
            if let Some(arrived) = self.arrived(&open).await {
                return self.confirm(arrived).await;
            }
        }
        self.give_up(open, VerifyError::Unexpected { expected: "an end of the upload" }.into()).await
    }

    /// Sends an upload that begins a collection, until the server has it.
    pub(super) async fn deliver_first(
        &self,
        keyring: &mut Keyring<'_>,
        outgoing: &Outgoing,
    ) -> Result<(), Error> {
        let mut lost = None;
        for sends in 1..=SENDS {
            let fate = self.send(keyring, outgoing).await?;
            let (source, read_back) = match fate {
                Fate::Stored => return Ok(()),
                Fate::Overtaken(_) => return Err(Error::AlreadyExists { gun: self.inner.gun.clone() }),
                Fate::Lost(source, None) if sends < SENDS => {
                    lost = Some(source);
                    continue;
                }
                Fate::Refused(source) if lost.is_none() => {
                    return Err(PublishError::Refused { source }.into());
                }
                Fate::Refused(source) => (source, None),
                Fate::Lost(source, read_back) | Fate::Doubtful(source, read_back) => (source, read_back),
            };
            // Whatever was said of the second, the first may arrive still.
            let source = lost.unwrap_or(source);
            return Err(PublishError::Unknown { source, read_back }.into());
        }
        Ok(())
    }

    /// Sends an upload once. Keys that may be in use from then on are not removed any more.
    async fn send(&self, keyring: &mut Keyring<'_>, outgoing: &Outgoing) -> Result<Fate, Error> {
        let fate = match self.transport()?.publish(&outgoing.upload).await {
            Ok(()) => Fate::Stored,
            Err(error) => self.fate(outgoing, error).await,
        };
        if fate.may_be_stored() {
            keyring.keep();
        }
        Ok(fate)
    }

    /// What became of an upload that did not get a clear yes.
    async fn fate(&self, outgoing: &Outgoing, error: TransportError) -> Fate {
        tracing::warn!(%error, "the upload did not get a clear yes");
        if is_final(&error) {
            return Fate::Refused(error);
        }
        let rejected = matches!(error, TransportError::Rejected { .. });
        let is_version = matches!(&error, TransportError::Rejected { code, .. } if code == "VERSION");
        let found = if rejected { self.find(outgoing).await } else { self.look_for(outgoing).await };
        match found {
            // A proxy that repeats a request gets a refusal for what was stored.
            Ok(Found::Ours) => Fate::Stored,
            Ok(Found::Others) => Fate::Overtaken(error),
            Ok(Found::Nothing) if is_version => Fate::Doubtful(error, None),
            Ok(Found::Nothing) if rejected || is_answer(&error) => Fate::Refused(error),
            Ok(Found::Nothing) => Fate::Lost(error, None),
            Err(reason) if is_version => Fate::Doubtful(error, Some(Box::new(reason))),
            Err(_) if rejected => Fate::Refused(error),
            Err(reason) => Fate::Lost(error, Some(Box::new(reason))),
        }
    }

    /// The upload among these that the server has after all.
    async fn arrived<'a>(&self, open: &'a [Open]) -> Option<&'a Outgoing> {
        for (outgoing, _) in open {
            if matches!(self.find(outgoing).await, Ok(Found::Ours)) {
                return Some(outgoing);
            }
        }
        None
    }

    /// The end, unless an upload that got lost has arrived, or may arrive still.
    async fn give_up(&self, open: Vec<Open>, error: Error) -> Result<View, Error> {
        for (outgoing, loss) in open {
            let read_back = match self.find(&outgoing).await {
                Ok(Found::Ours) => return self.confirm(&outgoing).await,
                Ok(Found::Others) => continue,
                Ok(Found::Nothing) => None,
                Err(error) => Some(Box::new(error)),
            };
            if let Some(source) = loss {
                return Err(PublishError::Unknown { source, read_back }.into());
            }
        }
        Err(error)
    }
}

/// How many uploads got lost.
fn losses(open: &[Open]) -> usize {
    open.iter().filter(|(_, loss)| loss.is_some()).count()
}

fn pause(attempt: u32) -> Duration {
    let at = usize::try_from(attempt).unwrap_or(usize::MAX).min(PAUSES.len());
    PAUSES.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

/// Whether the upload never reached a server that would store it.
fn is_final(error: &TransportError) -> bool {
    match error {
        TransportError::Timeout { phase, .. } => *phase == "connect",
        TransportError::NotFound { .. }
        | TransportError::Unauthorized { .. }
        | TransportError::Config(_)
        | TransportError::Unsupported { .. } => true,
        _ => false,
    }
}

/// Whether the server itself has answered, and not somebody on the way who had lost it.
const fn is_answer(error: &TransportError) -> bool {
    matches!(error, TransportError::Status { status, .. } if !matches!(status, 408 | 502 | 504 | 520..=524))
}
