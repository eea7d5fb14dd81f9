//! `blocking`
