//! Changes of roles and signers, published to the simulated server by clients that each hold only
//! their own keys, and judged by clients that have seen nothing before.

#[path = "../common/mod.rs"]
mod common;
mod lab;

mod delegations;
mod plan;
mod repository;
mod signers;
mod upkeep;
