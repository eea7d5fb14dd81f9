//! The unit tests of the examples `docker-trust` and `admission`. They run from here because Cargo
//! builds an example that has tests of its own as a test only, and then nothing makes the programs that
//! `tests/docker_trust` and `tests/cli` run.

#![allow(dead_code)] // only the parts that have tests

#[path = "../examples/docker-trust/docker.rs"]
mod docker;
#[path = "../examples/docker-trust/failure.rs"]
mod failure;
#[path = "../examples/docker-trust/passphrases.rs"]
mod passphrases;
#[path = "../examples/docker-trust/registry.rs"]
mod registry;
#[path = "../examples/admission/review.rs"]
mod review;
#[path = "../examples/docker-trust/terminal.rs"]
mod terminal;
