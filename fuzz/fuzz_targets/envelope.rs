//! An envelope of any kind: no panic, and the message is canonical.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tuf_notary::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
    wire::{Dialect, Document, Envelope, json::{canonicalise, canonicalise_large}},
};

fuzz_target!(|bytes: &[u8]| {
    for dialect in [Dialect::Notary, Dialect::Tuf1] {
        read::<Root>(dialect, bytes);
        read::<Timestamp>(dialect, bytes);
        read::<Snapshot>(dialect, bytes);
        read::<Targets>(dialect, bytes);
    }
});

fn read<T: Document>(dialect: Dialect, bytes: &[u8]) {
    let Ok(envelope) = Envelope::<T>::read(dialect, bytes.to_vec(), &Limits::default()) else { return };
    let message = envelope.message().expect("what was read has a canonical form").into_owned();
    if message.iter().all(|byte| *byte >= 0x20) {
        let text = std::str::from_utf8(&message).expect("UTF-8");
        let again = if dialect == Dialect::Notary { canonicalise(text) } else { canonicalise_large(text) };
        assert_eq!(again.expect("canonical"), message);
    }
}
