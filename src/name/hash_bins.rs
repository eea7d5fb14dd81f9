//! Succinct hash bins (TAP 15).

/// Bins by the first bits of the SHA-256 of a target's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashBins {
    name_prefix: String,
    bit_length: u8,
}
