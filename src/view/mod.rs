//! `view`
