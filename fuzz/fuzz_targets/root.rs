//! The root document: what is read can be written, and is then read as the same.
#![no_main]

mod round_trip;

use libfuzzer_sys::fuzz_target;
use tuf_notary::metadata::Root;

fuzz_target!(|signed: &[u8]| round_trip::check::<Root>(signed));
