//! New metadata from trusted metadata: pure, no I/O, no key store.
//!
//! A [`Draft`] says which roles change and whose keys must sign; [`Draft::sign`] produces exactly
//! the files to publish. Each of them is what Go's encoder would write for the same content (the
//! server re-serialises what it accepts and signs the hashes of *that*; a file that differs by one
//! byte is accepted and breaks the repository), and is checked for it before it leaves.

mod base;
mod changes;
mod delegations;
mod draft;
mod editor;
mod error;
mod initialise;
mod plan;
pub mod repository;
mod rotate;
mod rotation;
mod sign;
mod signers;
mod targets;
mod upkeep;

pub use base::Base;
pub use changes::{Change, Changes, KeyScope};
pub use draft::Draft;
pub use error::EditError;
pub use initialise::InitialKeys;
pub use plan::{LostTarget, Plan, PlannedRole, SnapshotSigner};
pub use rotate::NewKeys;
pub(crate) use rotation::NewSnapshot;
pub use rotation::{KeyHolder, NewKey, RootKey, Rotation, check_server_key};
pub use sign::Sealed;
#[cfg(feature = "directory")]
pub(crate) use targets::portable;

use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// How long a root is valid: ten years, as Notary signs it.
pub const ROOT_LIFETIME: Duration = DAY.saturating_mul(3650);
/// How long targets, delegations and snapshots are valid: three years, as Notary signs them.
pub const TARGETS_LIFETIME: Duration = DAY.saturating_mul(1095);
/// Within this time before its end, a role expires soon: half a year, as in Notary.
pub const EXPIRES_SOON: Duration = DAY.saturating_mul(183);
