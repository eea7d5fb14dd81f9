//! Whatever is read strictly has one canonical form, and that form is a fixed point.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tuf_notary::wire::json::{JsonError, Reader, canonicalise};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let Ok(read) = reader.span(|reader| reader.raw()) else { return };
    let text: &str = read.value;
    let canonical = canonicalise(text).expect("what is read strictly has a canonical form");
    assert_eq!(read.canonical, canonical == text.as_bytes(), "the flag tells canonical text");
    // Control characters stand raw in the canonical form, which is no JSON then.
    if canonical.iter().all(|byte| *byte >= 0x20) {
        let again = canonicalise(std::str::from_utf8(&canonical).expect("UTF-8"));
        assert_eq!(again, Ok::<_, JsonError>(canonical));
    }
});
