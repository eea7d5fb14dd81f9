//! Where trust in a collection or repository begins (Notary v1; TUF specification 1.0.34 section 5.2).
//!
//! A pin is honoured whenever a root is used: at first contact, when loaded from the cache, and
//! after a rotation. (Notary checks it only at first contact; from then on a cached root counts
//! whatever the configuration says.)

use std::time::SystemTime;

use super::{VerifyError, root::Dates};
use crate::{
    crypto::{Certificate, CertificateError, chains_to},
    metadata::{Authority, FiledKey, Root},
    name::{Gun, KeyId},
};

/// Which root of a collection or repository is to be trusted. TUF 1.0 begins with `Root`.
///
/// | policy | first root | cached root | rotated root |
/// |---|---|---|---|
/// | `FirstUse` | any root for this GUN, once; later loss of it is an error | trusted | signed by its predecessor |
/// | `Certificates` | threshold met by pinned keys | the same | signed by its predecessor, and the same |
/// | `Authority` | threshold met by keys whose certificates chain to the CA | the same | signed by its predecessor, and the same |
/// | `Root` | the given root | must be it, or be reached from it | reached from the given root version by version |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// Whatever root the server shows first; it is recorded and held to from then on. Whoever
    /// controls the server or the network at that moment decides.
    FirstUse,
    /// Roots signed by these keys. An id is the certificate's, as `docker trust inspect` prints
    /// it, or the canonical one of the key. An empty list matches nothing.
    Certificates(Vec<KeyId>),
    /// Roots signed by keys whose certificates chain to one of these CAs.
    Authority(Vec<Certificate>),
    /// This root file, got by another way, and its successors. With Notary the cached root counts
    /// when it is that file or directly signed by its keys; otherwise each refresh walks from the
    /// given file, so give a newer one before
    /// [`max_root_rotations`](crate::limits::Limits::max_root_rotations) lie between. With TUF 1.0 the
    /// roots between are kept, so a long chain is walked from the store without requests.
    Root(Vec<u8>),
}

impl Trust {
    /// The keys among `usable` that the policy lets count. The caller demands the root's own
    /// threshold of them.
    pub(super) fn filter(
        &self,
        gun: &Gun,
        root: &Root,
        usable: &Authority,
        now: SystemTime,
        dates: &Dates<'_>,
    ) -> Result<Authority, VerifyError> {
        let (kept, expected) = match self {
            Self::FirstUse | Self::Root(_) => return Ok(usable.clone()),
            Self::Certificates(ids) => {
                let pinned =
                    |id: &KeyId, filed: &FiledKey| ids.contains(id) || ids.contains(&filed.canonical_id);
                (usable.filtered(pinned), format!("one of the ids {}", list(ids.iter())))
            }
            Self::Authority(authorities) => {
                let mut unusable = None;
                let kept = usable.filtered(|_, filed| {
                    let outcome = chain(filed, authorities, now, dates);
                    unusable = unusable.take().or_else(|| no_authority(&outcome));
                    outcome.is_ok()
                });
                // Each key has its own time: that no authority was good at one of them says
                // nothing about the others.
                if let (Some(reason), None) = (unusable, kept.keys().next()) {
                    return Err(VerifyError::PinInvalid { gun: gun.clone(), reason });
                }
                (kept, "a certificate of the pinned authority".to_owned())
            }
        };
        if kept.keys().next().is_none() {
            let found = list(usable.keys().map(|(id, _)| id));
            let reason = format!("expected {expected}, found {found}");
            return Err(VerifyError::PinMismatch { version: root.version, gun: gun.clone(), reason });
        }
        Ok(kept)
    }
}

/// A key that was trusted before keeps its path although the leaf has expired since.
fn chain(
    filed: &FiledKey,
    authorities: &[Certificate],
    now: SystemTime,
    dates: &Dates<'_>,
) -> Result<(), CertificateError> {
    let Some(bundle) = filed.key.certificates() else { return Err(CertificateError::Empty) };
    let at = if dates.bind(filed) { now } else { now.min(bundle.leaf().not_after()) };
    chains_to(bundle, authorities, at)
}

fn no_authority(outcome: &Result<(), CertificateError>) -> Option<String> {
    match outcome {
        Err(error @ CertificateError::NoUsableAuthority { .. }) => Some(error.to_string()),
        _ => None,
    }
}

fn list<'a>(ids: impl Iterator<Item = &'a KeyId>) -> String {
    let ids: Vec<_> = ids.map(KeyId::as_str).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
