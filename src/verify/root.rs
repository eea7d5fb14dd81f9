//! Roots: first contact, anchors, succession (Notary v1; TUF specification 5.3).
//!
//! A new root needs a threshold of its predecessor's keys and of its own. Its certificates must be
//! made for the collection. Their dates bind new keys only: a key that is trusted already goes on
//! to vouch for its successor after its certificate has expired, or nobody could ever replace it.

use super::{RefreshPlan, Trust, Verified, VerifyError, admit::Judge, threshold};
use crate::{
    crypto::{CertificateError, digest},
    metadata::{Authority, FiledKey, Root},
    name::{Gun, RoleName, Version},
    wire::{Bytes, Envelope, RootKeys},
};

/// What roots of one collection are judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct RootJudge<'a> {
    pub(super) judge: &'a Judge,
    pub(super) gun: &'a Gun,
    pub(super) trust: &'a Trust,
}

/// Whose certificate dates count.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dates<'a> {
    /// Nobody's: the root is trusted already.
    Ignored,
    /// Everybody's: first contact.
    Bind,
    /// Those of keys that this authority doesn't have.
    BindNewKeys(&'a Authority),
}

impl Dates<'_> {
    pub(super) fn bind(&self, filed: &FiledKey) -> bool {
        match self {
            Self::Ignored => false,
            Self::Bind => true,
            Self::BindNewKeys(trusted) => !trusted.has_canonical(&filed.canonical_id),
        }
    }
}

/// Whether a root of our own making would be trusted, as the successor of `before`: asked before
/// it is published, for there is no way back.
pub(crate) fn check_own(plan: &RefreshPlan, before: &Verified<Root>, root: &[u8]) -> Result<(), VerifyError> {
    let judge = Judge { dialect: plan.dialect, limits: plan.limits, now: plan.now };
    let roots = RootJudge { judge: &judge, gun: &plan.gun, trust: &plan.trust };
    roots.last(before, &roots.successor(before, root.to_vec().into())?, false)
}

impl RootJudge<'_> {
    /// The first root of a collection that was never used.
    pub(super) fn first(&self, bytes: Bytes) -> Result<Verified<Root>, VerifyError> {
        let envelope = self.read(bytes)?;
        let verified = self.own(envelope, &Dates::Bind, true)?;
        self.judge.unexpired(&RoleName::Root, verified.body())?;
        Ok(verified)
    }

    /// A root that was trusted before, from the cache.
    pub(super) fn cached(&self, bytes: Bytes) -> Result<Verified<Root>, VerifyError> {
        let envelope = self.read(bytes).map_err(|error| self.damaged(&error))?;
        self.own(envelope, &Dates::Ignored, true).map_err(|error| match error {
            VerifyError::PinMismatch { .. } | VerifyError::PinInvalid { .. } => error,
            other => self.damaged(&other),
        })
    }

    /// A root that the caller gives as the beginning of trust.
    pub(super) fn given(&self, bytes: &[u8]) -> Result<Verified<Root>, VerifyError> {
        let verified =
            self.read(bytes.to_vec().into()).and_then(|read| self.own(read, &Dates::Ignored, false));
        verified.map_err(|error| VerifyError::PinInvalid { gun: self.gun.clone(), reason: error.to_string() })
    }

    /// The direct successor of `previous`, wherever the chain leads after it.
    pub(super) fn successor(
        &self,
        previous: &Verified<Root>,
        bytes: Bytes,
    ) -> Result<Verified<Root>, VerifyError> {
        let envelope = self.read(bytes)?;
        let trusted = previous.body().version;
        let expected = trusted.next().unwrap_or(Version::MAX);
        let found = envelope.body().version;
        if found != expected {
            return Err(VerifyError::RootVersion { expected, found });
        }
        self.signed_by(previous, &envelope)?;
        self.own(envelope, &Dates::Ignored, false)
    }

    /// The end of a chain, which will be used: pins count here, and dates unless the very root was
    /// `known` before.
    pub(super) fn last(
        &self,
        anchor: &Verified<Root>,
        last: &Verified<Root>,
        known: bool,
    ) -> Result<(), VerifyError> {
        let envelope = self.read(last.bytes().clone())?;
        let trusted = anchor.body().authority(&RoleName::Root);
        let dates = match known {
            true => Dates::Ignored,
            false => trusted.as_ref().map_or(Dates::Bind, Dates::BindNewKeys),
        };
        self.own(envelope, &dates, true).map(drop)
    }

    /// Whether `previous` vouches for a root, whatever its version: with keys whose certificates
    /// are for the collection.
    pub(super) fn signed_by(
        &self,
        previous: &Verified<Root>,
        next: &Envelope<Root>,
    ) -> Result<(), VerifyError> {
        let role = RoleName::Root;
        let message =
            next.message().map_err(|source| VerifyError::Malformed { role: role.clone(), source })?;
        // A key that could not sign the previous root can't replace it either.
        let authority = self.usable(previous.body(), &Dates::Ignored)?;
        let count = threshold::count(&authority, next.signatures(), &message, &self.judge.limits);
        if count.is_met() {
            return Ok(());
        }
        Err(VerifyError::RootChanged {
            trusted: previous.body().version,
            offered: next.body().version,
            needed: count.needed,
            valid: count.valid(),
        })
    }

    pub(super) fn read(&self, bytes: Bytes) -> Result<Envelope<Root>, VerifyError> {
        self.judge.read(&RoleName::Root, bytes)
    }

    /// The root's own threshold, met by keys with usable certificates, and pinned ones where the
    /// policy counts.
    fn own(
        &self,
        envelope: Envelope<Root>,
        dates: &Dates<'_>,
        pinned: bool,
    ) -> Result<Verified<Root>, VerifyError> {
        let usable = self.usable(envelope.body(), dates)?;
        let counted = match pinned {
            true => self.trust.filter(self.gun, envelope.body(), &usable, self.judge.now, dates)?,
            false => usable,
        };
        let sha256 = digest::sha256(envelope.bytes());
        self.judge.vouch(&RoleName::Root, envelope, &counted, sha256)
    }

    /// The root's keys; those whose certificates are good for this collection, where the dialect has any.
    fn usable(&self, root: &Root, dates: &Dates<'_>) -> Result<Authority, VerifyError> {
        let Some(authority) = root.authority(&RoleName::Root) else { return Err(self.no_authority()) };
        if self.judge.rules().root_keys == RootKeys::Any {
            return Ok(authority);
        }
        let mut reason = None;
        let usable = authority.filtered(|_, filed| {
            let outcome = match filed.key.certificates() {
                Some(bundle) => {
                    bundle.valid_for(self.gun.as_str(), self.judge.now, dates.bind(filed)).map(drop)
                }
                None => Err(CertificateError::Empty),
            };
            outcome.map_err(|error| reason = Some(error)).is_ok()
        });
        match reason {
            Some(reason) if usable.keys().next().is_none() => {
                Err(VerifyError::Certificate { version: root.version, gun: self.gun.clone(), reason })
            }
            _ => Ok(usable),
        }
    }

    fn damaged(&self, error: &VerifyError) -> VerifyError {
        VerifyError::LocalState { gun: self.gun.clone(), reason: format!("cached root: {error}") }
    }

    fn no_authority(&self) -> VerifyError {
        VerifyError::PinInvalid { gun: self.gun.clone(), reason: "the root names no root keys".to_owned() }
    }
}
