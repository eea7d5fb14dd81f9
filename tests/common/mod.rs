//! What the tests share: the real Notary programs, run so that nothing outlives a test.
//!
//! A test crate says `mod common;`. Not every crate uses every part.
#![allow(dead_code)]

pub mod certificates;
pub mod docker;
pub mod dockerd;
pub mod http_probe;
pub mod listener;
pub mod moto;
pub mod nginx;
pub mod notary_cli;
pub mod notary_server;
pub mod process;
pub mod programs;
pub mod python_tuf;
pub mod registry;
pub mod static_server;
pub mod token_server;

use std::path::{Path, PathBuf};

/// A file or folder below `tests/fixtures`.
pub fn fixture(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}
