//! The clients of TUF 1.0 in Rust side by side, on the same files: from a trusted root to what is
//! signed about one target.

pub mod clients;
pub mod files;
mod transports;
