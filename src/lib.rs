#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    elided_lifetimes_in_paths,
    clippy::use_self,
    clippy::manual_let_else,
    clippy::or_fun_call,
    clippy::exhaustive_enums,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::todo,
        clippy::unimplemented,
        clippy::too_many_lines
    )
)]

pub mod blocking;
mod collection;
pub mod crypto;
#[cfg(feature = "directory")]
mod disk;
pub mod edit;
pub mod error;
pub mod future;
pub mod image;
pub mod keys;
pub mod limits;
pub mod metadata;
pub mod name;
mod repository;
#[cfg(feature = "directory")]
pub mod staged;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod transport;
pub mod verify;
pub mod view;
pub mod wire;

pub use blocking::{Collection, Repository};
pub use edit::Changes;
pub use error::Error;
pub use name::Gun;
pub use verify::Trust;
pub use view::View;
