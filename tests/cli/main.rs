//! The examples as a script sees them: what they print, where, and how they end.

#[path = "../common/mod.rs"]
mod common;

mod lab;

#[cfg(feature = "http-async")]
mod admission;
mod answers;
mod credentials;
mod docker;
mod durability;
mod inspect;
mod key_stores;
mod local_state;
mod migrate;
mod pins;
mod policy;
mod publish;
mod rotate_keys;
mod server_choice;
mod team;
mod usage;
mod verify_tag;
