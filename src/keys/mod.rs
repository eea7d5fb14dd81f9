//! `keys`
