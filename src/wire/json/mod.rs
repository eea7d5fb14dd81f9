//! Strict JSON, read in one pass, and the canonical forms that are hashed and signed.
//!
//! The rule: one text has one meaning. What RFC 8259 leaves to the reader (repeated names, the range
//! of numbers, the depth, lone surrogates) is refused here, so that no second reader can see another
//! document than the one whose signature was checked. The canonical form is OLPC's canonical JSON, as
//! Notary v1 has it and as the TUF specification 1.0.34 section 4.2 names it.

mod canonical;
mod error;
mod names;
mod number;
#[cfg(test)]
mod properties;
mod reader;
mod text;
mod walk;

pub use canonical::{canonicalise, canonicalise_large, escape_for_wire, write_for_wire, write_string};
pub use error::JsonError;
pub use reader::{Kind, Reader, Spanned};
pub use text::Text;

/// The most arrays and objects that may be open at once in one document.
pub const MAX_DEPTH: usize = 64;

/// The largest magnitude of a number: 2^53, up to which every integer has a double of its own.
///
/// Notary reads numbers as doubles, so a larger one could be signed as another number. With TUF 1.0 only
/// numbers that we compute with, such as versions, end here; others are kept digit by digit.
pub const MAX_INTEGER: u64 = 1 << 53;
