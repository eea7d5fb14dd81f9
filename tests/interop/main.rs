//! Both ways between this crate and the real Notary programs: what they publish we verify, what we
//! publish they list, look up, verify and continue.

#[path = "../common/mod.rs"]
mod common;

mod lab;

mod changelist;
mod delegating;
mod delegations;
mod folder;
mod keys;
mod p384;
mod publishing;
mod reading;
mod refusals;
mod requests;
mod rotation;
mod turns;
