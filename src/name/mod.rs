//! The vocabulary: names, versions, digests and times, with the rules by which they are compared and
//! written, and no other behaviour.
//!
//! Each type holds only values that are legal wherever it appears, so that no layer above checks
//! them again: a role name that no repository may use, a version 0 or a GUN that climbs out of
//! its folder can't be represented.

mod digest;
mod expiry;
mod gun;
mod hash_bins;
mod key_id;
mod path_rule;
mod percent;
mod resource;
mod role;
mod signer;
mod slot;
mod target;
mod target_path;
mod version;

pub use digest::Hashes;
pub use expiry::Expiry;
pub use gun::Gun;
pub use hash_bins::HashBins;
pub use key_id::KeyId;
pub use path_rule::{HashPrefix, PathRule};
pub use percent::{encode_segment, file_name};
pub use resource::{Form, Resource};
pub use role::{DelegatedRole, RoleName};
pub use signer::SignerName;
pub use slot::Slot;
pub use target::TargetName;
pub use target_path::TargetPath;
pub use version::Version;

/// A text that is not a legal name, version or time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {text:?} is not legal: {why}")]
pub struct NameError {
    kind: &'static str,
    text: String,
    why: &'static str,
}

impl NameError {
    pub(crate) fn new(kind: &'static str, text: &str, why: &'static str) -> Self {
        const SHOWN: usize = 80;
        let text = if text.chars().count() > SHOWN {
            text.chars().take(SHOWN).chain("…".chars()).collect()
        } else {
            text.to_owned()
        };
        Self { kind, text, why }
    }
}
