//! Every published attack on TUF and Notary clients that applies here: one test a row, named by
//! its id, each driven through the machine and the simulated server.

mod authority;
mod facade;
mod lab;
mod publisher;

mod artifacts;
mod cache;
mod canonical;
mod clock;
mod concurrency;
mod crash;
mod delegations;
mod duplicate_keys;
mod editing;
mod endless_data;
mod freeze;
mod freshness;
mod key_rotation;
mod key_store;
mod large_files;
mod mix_and_match;
mod other_roots;
mod parser;
mod paths;
mod pinning;
mod publishing;
mod publishing_staged;
mod resigning;
mod rollback;
mod rotating;
mod signing;
mod spki;
mod stale_answers;
mod threshold;
mod transport_errors;
mod uploads;
mod wrong_keys;
mod x509;
