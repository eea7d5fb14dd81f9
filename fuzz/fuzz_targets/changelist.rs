//! A staged change: no panic, and what is read is written as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tuf_notary::{limits::Limits, wire::notary::StagedChange};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let Ok(change) = StagedChange::read(bytes, &limits) else { return };
    let written = change.to_bytes(&limits).expect("what was read can be written");
    let again = StagedChange::read(&written, &limits).expect("our own file is readable");
    assert_eq!(again, change);
    assert_eq!(again.to_bytes(&limits).expect("as before"), written, "a fixed point");
});
