//! What the documents of a repository say, whatever their syntax.
//!
//! These types hold only what a verifier may act on: a threshold of 0, a version of 0 or a snapshot
//! without `targets` can't be represented (TUF specification 4.2 to 4.6). They know no JSON
//! and carry no trust by themselves: trust is [`Verified`](crate::verify::Verified).

mod authority;
mod index;
mod roles;
mod target;

pub(crate) use authority::threshold;
pub use authority::{Authority, FiledKey, KeyRing, RoleKeys};
pub(crate) use index::EntryExtra;
pub use index::{TargetEntry, TargetIndex};
pub use roles::{BinDelegation, Delegation, Extra, Pin, Root, Snapshot, Targets, Timestamp};
pub use target::TargetInfo;
