//! Everything that decides trust: bytes and a time in, a value out.
//!
//! The rules (Notary v1; TUF specification 5):
//! - A file is trusted when enough distinct keys of the role that its parent names have signed its
//!   canonical form, its parent pins it, it is not older than what was trusted before, and it is
//!   not expired at the one instant that a refresh is judged by.
//! - The parents are root, then timestamp, snapshot, targets, then each delegation in order.
//! - A newer root is reached only version by version, each signed by its predecessor and by itself.
//! - Holding a [`Verified`] value is the proof; nothing else makes one.
//!
//! No file, socket, clock or `async` occurs here or below. [`Refresh`] says what to load, fetch
//! and save; the façades turn it.

mod admit;
mod error;
mod floors;
mod machine;
mod notice;
mod pinning;
mod refresh;
mod root;
mod search;
mod set;
mod threshold;
mod trust;
mod verified;
mod walk;

pub use error::VerifyError;
pub(crate) use machine::Machine;
pub use machine::{Reply, Step};
pub use notice::Notice;
pub use pinning::Pinning;
pub use refresh::{Refresh, RefreshPlan};
pub(crate) use root::check_own as check_own_root;
pub use search::{Found, KnownRoles, Search, SearchPlan};
pub use set::{DelegatedTargets, TrustedSet};
pub(crate) use threshold::signers;
pub use trust::Trust;
pub use verified::Verified;
pub use walk::Visit;
