//! Both façades, and the examples, read what python-tuf writes, in every shape that it knows.
//!
//! See `common::python_tuf` for how python-tuf gets here, and for what a shape says of itself.
#![cfg(all(feature = "directory", feature = "http-blocking", feature = "http-async"))]

#[path = "../common/mod.rs"]
mod common;

mod changes;
mod lab;
mod names;
mod programs;
mod requests;
mod shapes;
