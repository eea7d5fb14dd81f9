//! `name`
