//! Every published attack on TUF 1.0 clients that applies here: one test a row, named by its id, each
//! driven through the façade against a server that serves what a forge makes.

mod facade;
mod lab;
mod server;

mod rollback;
mod freeze;
mod mix_and_match;
mod signing;
mod threshold;
mod duplicate_keys;
mod wrong_keys;
#[path = "../attacks/spki.rs"]
mod spki;
mod endless_data;
mod large_files;
mod mirrors;
mod known_faults;
