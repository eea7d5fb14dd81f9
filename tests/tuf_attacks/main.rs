//! Every published attack on TUF 1.0 clients that applies here: one test a row, named by its id, each
//! driven through the façade against a server that serves what a forge makes.

mod facade;
mod lab;
mod server;
mod tools;

mod artifacts;
mod cache;
mod canonical;
mod clock;
mod crash;
mod delegations;
mod duplicate_keys;
mod endless_data;
mod freeze;
mod key_rotation;
mod known_faults;
mod large_files;
mod mirrors;
mod mix_and_match;
mod parser;
mod path_rules;
mod paths;
mod publishing;
mod rollback;
mod signing;
#[path = "../attacks/spki.rs"]
#[allow(dead_code)] // its other half is for Notary
mod spki;
mod threshold;
mod transport_errors;
mod wrong_keys;
