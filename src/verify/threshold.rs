//! The one threshold loop (TUF specification 4.2, 5.3.4; Notary v1).
//!
//! Distinct key *material* counts, not ids: one key behind two certificates, or listed twice, is
//! one key. The trusted key's kind fixes which schemes are possible; a signature's `method` only
//! chooses among them. An entry that doesn't verify is skipped and does no harm. Counting goes on
//! when the threshold is met: when a key is revoked later, the others that vouched still do.

use std::collections::BTreeMap;

use crate::{
    crypto::KeyMaterial,
    limits::Limits,
    metadata::Authority,
    name::KeyId,
    wire::{Document, Envelope, Signature},
};

/// How many distinct keys have signed, and whether they suffice.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) needed: u32,
    /// Canonical ids of the keys that have signed.
    pub(super) signers: Vec<KeyId>,
}

impl Count {
    pub(super) fn is_met(&self) -> bool {
        self.valid() >= self.needed
    }

    pub(super) fn valid(&self) -> u32 {
        u32::try_from(self.signers.len()).unwrap_or(u32::MAX)
    }
}

/// Counts the keys of `authority` that have signed `message`.
pub(super) fn count(
    authority: &Authority,
    signatures: &[Signature],
    message: &[u8],
    limits: &Limits,
) -> Count {
    let needed = authority.threshold().get();
    let mut count = Count { needed, signers: Vec::new() };
    let mut tried: BTreeMap<&KeyMaterial, Tries> = BTreeMap::new();
    for signature in signatures {
        let Some(filed) = authority.key(&signature.key_id) else { continue };
        // Where the key names its scheme, no signature has a say.
        let scheme = filed.scheme.or(signature.scheme);
        let (Some(scheme), Ok(material)) = (scheme, filed.key.material()) else { continue };
        let tries = tried.entry(material).or_default();
        if tries.counted || tries.failed >= limits.max_attempts_per_key {
            continue;
        }
        match filed.key.verify(scheme, message, &signature.bytes) {
            Ok(()) => {
                tries.counted = true;
                count.signers.push(filed.canonical_id.clone());
            }
            Err(_) => tries.failed = tries.failed.saturating_add(1),
        }
    }
    count
}

/// Canonical ids of the keys of `authority` that have signed a file, whether they suffice or not.
pub(crate) fn signers<T: Document>(authority: &Authority, file: &Envelope<T>) -> Vec<KeyId> {
    match file.message() {
        Ok(message) => count(authority, file.signatures(), &message, &Limits::default()).signers,
        Err(_) => Vec::new(),
    }
}

#[derive(Default)]
struct Tries {
    counted: bool,
    failed: usize,
}
