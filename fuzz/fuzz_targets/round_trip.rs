//! Reads a `signed` part in each dialect, writes it, reads it again.

use std::fmt::Debug;

use tuf_notary::{
    limits::Limits,
    wire::{Dialect, Document, Envelope, canonical, seal},
};

pub fn check<T: Document + Debug + PartialEq>(signed: &[u8]) {
    check_in::<T>(Dialect::Notary, signed);
    check_in::<T>(Dialect::Tuf1, signed);
}

fn check_in<T: Document + Debug + PartialEq>(dialect: Dialect, signed: &[u8]) {
    let file = [b"{\"signed\":", signed, b",\"signatures\":[]}"].concat();
    let read = |file: Vec<u8>| Envelope::<T>::read(dialect, file, &Limits::default());
    let Ok(envelope) = read(file) else { return };
    let written = canonical(dialect, envelope.body());
    // Notary sends a raw control character in a name, which can't be read back; such a file is never
    // published.
    let unreadable = |text: &[u8]| dialect == Dialect::Notary && text.iter().any(|byte| *byte < 0x20);
    if unreadable(&written) {
        return;
    }
    // Custom data is kept as received and written in canonical form; so what comes back is what the
    // canonical form of the whole says.
    let expected = match envelope.message() {
        Ok(message) if unreadable(&message) => return,
        Ok(message) => Some(read(seal(dialect, &message, &[])).expect("canonical")),
        Err(_) => None,
    };
    let file = seal(dialect, &written, envelope.signatures());
    let again = read(file.clone()).expect("our own file is readable");
    assert_eq!(again.body(), expected.as_ref().unwrap_or(&envelope).body());
    assert_eq!(seal(dialect, &canonical(dialect, again.body()), again.signatures()), file, "a fixed point");
}
