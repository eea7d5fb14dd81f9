//! Reads a `signed` part, writes it, reads it again.

use std::fmt::Debug;

use tuf_notary::{
    limits::Limits,
    wire::{Document, Envelope, canonical, seal},
};

pub fn check<T: Document + Debug + PartialEq>(signed: &[u8]) {
    let file = [b"{\"signed\":", signed, b",\"signatures\":[]}"].concat();
    let Ok(envelope) = Envelope::<T>::read(file, &Limits::default()) else { return };
    let written = canonical(envelope.body());
    // A raw control character in a name can't be read back; such a file is never published.
    if written.iter().any(|byte| *byte < 0x20) {
        return;
    }
    let file = seal(&written, envelope.signatures());
    let again = Envelope::<T>::read(file.clone(), &Limits::default()).expect("our own file is readable");
    assert_eq!(again.body(), envelope.body());
    assert_eq!(seal(&canonical(again.body()), again.signatures()), file, "a fixed point");
}
