//! Real trust servers that want to know who asks, and what stands in front of them.
#![cfg(feature = "http-blocking")]

#[path = "../common/mod.rs"]
mod common;

mod lab;

mod in_front;
mod tokens;
