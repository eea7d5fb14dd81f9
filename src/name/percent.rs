//! Percent-encoding of one segment of a URL or of one file name (RFC 3986 section 2).
//!
//! Everything but the unreserved characters is encoded, `%` and `/` too, so that two texts never
//! become one (PT-02) and none reaches beyond its segment.

use std::fmt::Write;

/// The text as one segment.
pub(crate) fn encode_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pt_02_everything_but_the_unreserved_is_encoded() {
        for (text, expected) in [
            ("a-B.9_~", "a-B.9_~"),
            ("../x", "..%2Fx"),
            ("a%2Fb", "a%252Fb"),
            ("a/b", "a%2Fb"),
            ("é\0\n ?#", "%C3%A9%00%0A%20%3F%23"),
            ("", ""),
        ] {
            assert_eq!(encode_segment(text), expected);
        }
    }
}
