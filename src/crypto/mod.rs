//! `crypto`
