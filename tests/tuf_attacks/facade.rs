//! The façade that is attacked.

pub use tuf_notary::blocking::Repository;
