//! Every published attack on TUF and Notary clients that applies here: one test a row, named by
//! its id, each driven through the machine and the simulated server.

mod authority;
mod lab;

mod artifacts;
mod cache;
mod canonical;
mod clock;
mod concurrency;
mod crash;
mod delegations;
mod duplicate_keys;
mod endless_data;
mod freeze;
mod key_rotation;
mod key_store;
mod large_files;
mod mix_and_match;
mod parser;
mod paths;
mod pinning;
mod publisher;
mod publishing_staged;
mod rollback;
mod signing;
mod spki;
mod threshold;
mod wrong_keys;
mod x509;
