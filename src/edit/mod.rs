//! `edit`
