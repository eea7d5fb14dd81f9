//! Every published attack on TUF 1.0 clients that applies here: one test a row, named by its id, each
//! driven through the façade against a server that serves what a forge makes.

mod facade;
mod lab;
mod server;

mod duplicate_keys;
mod endless_data;
mod freeze;
mod known_faults;
mod large_files;
mod mirrors;
mod mix_and_match;
mod rollback;
mod signing;
#[allow(dead_code)] // a part of it
#[path = "../attacks/spki.rs"]
mod spki;
mod threshold;
mod wrong_keys;
