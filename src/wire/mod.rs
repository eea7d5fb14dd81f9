//! `wire`

pub mod json;
