//! The example `docker-trust`, held to the real Docker CLI, registry and engine.

#[path = "../common/mod.rs"]
mod common;

mod lab;

mod keys;
mod output;
mod registries;
mod revoking;
mod signers;
mod signing;
mod trust_server;
mod usage;
