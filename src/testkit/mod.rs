//! `testkit`

pub mod suite;
