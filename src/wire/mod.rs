//! Syntax: what documents look like on the wire.
//!
//! Rule: bytes are read once, strictly, and interpreted from that same reading; what is verified
//! is the canonical form of exactly those bytes (TUF specification 4.2.1, Notary v1). Reading
//! proves nothing: an [`Envelope`] is untrusted until [`verify`](crate::verify) admits it.

mod bytes;
mod dialect;
mod documents;
mod envelope;
mod error;
pub mod json;
pub mod notary;
mod record;
#[cfg(test)]
mod tests;
pub mod tuf1;

pub use bytes::Bytes;
pub use dialect::Dialect;
pub(crate) use dialect::{
    BadDelegation, CachedFiles, Children, Delegations, EqualTimestamp, FileNames, NewerRoots, RootKeys,
    Rules, TargetsFloor,
};
pub use envelope::{Document, Envelope, Signature, canonical, seal};
pub use error::WireError;
pub use record::{FirstUse, Floor, TrustRecord};
