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
mod key_rotation;
mod parser;
mod path_rules;
mod paths;
mod publishing;
mod rollback;
mod transport_errors;
