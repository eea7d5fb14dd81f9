//! The unit tests of the example `docker-trust`. They run from here because Cargo builds an example
//! that has tests of its own as a test only, and then nothing makes the program that
//! `tests/docker_trust` runs.

#![allow(dead_code)] // only the parts that have tests

#[path = "../examples/docker-trust/docker.rs"]
mod docker;
#[path = "../examples/docker-trust/failure.rs"]
mod failure;
#[path = "../examples/docker-trust/passphrases.rs"]
mod passphrases;
#[path = "../examples/docker-trust/registry.rs"]
mod registry;
#[path = "../examples/docker-trust/terminal.rs"]
mod terminal;
