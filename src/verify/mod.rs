//! `verify`
