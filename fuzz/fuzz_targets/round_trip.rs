//! Reads a `signed` part, writes it, reads it again.

use std::fmt::Debug;

use tuf_notary::{
    limits::Limits,
    wire::{Document, Envelope, canonical, seal},
};

pub fn check<T: Document + Debug + PartialEq>(signed: &[u8]) {
    let file = [b"{\"signed\":", signed, b",\"signatures\":[]}"].concat();
    let Ok(envelope) = Envelope::<T>::read(Dialect::Notary, file, &Limits::default()) else { return };
    let written = canonical(Dialect::Notary, envelope.body());
    // A raw control character in a name can't be read back; such a file is never published.
    if written.iter().any(|byte| *byte < 0x20) {
        return;
    }
    // Custom data is kept as received and written in canonical form; so what comes back is what the
    // canonical form of the whole says.
    let expected = match envelope.message() {
        Ok(message) if message.iter().any(|byte| *byte < 0x20) => return,
        Ok(message) => Some(Envelope::<T>::read(Dialect::Notary, seal(Dialect::Notary, &message, &[]), &Limits::default()).expect("canonical")),
        Err(_) => None,
    };
    let file = seal(Dialect::Notary, &written, envelope.signatures());
    let again = Envelope::<T>::read(Dialect::Notary, file.clone(), &Limits::default()).expect("our own file is readable");
    assert_eq!(again.body(), expected.as_ref().unwrap_or(&envelope).body());
    assert_eq!(seal(Dialect::Notary, &canonical(Dialect::Notary, again.body()), again.signatures()), file, "a fixed point");
}
