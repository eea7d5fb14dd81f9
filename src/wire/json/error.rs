//! Every refusal names its place and both sides, and repeats little of a text nobody has vouched for.
//!
//! The grammar is RFC 8259; the further refusals are those of a strict reader (see the module above).

use super::{MAX_DEPTH, MAX_INTEGER};

/// Why a text was refused as strict JSON.
///
/// Offsets count bytes from the start of the text. What was found is cut to forty characters and
/// escaped, so that it can be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The bytes are not UTF-8.
    #[error("expected UTF-8, found another byte at offset {offset}")]
    InvalidUtf8 {
        /// Where the valid part ends.
        offset: usize,
    },
    /// The text begins with a byte order mark.
    #[error("expected a JSON value, found a byte order mark at offset 0")]
    ByteOrderMark,
    /// The text is longer than offsets of 32 bits can tell.
    #[error("expected at most {limit} bytes of JSON, found {length}")]
    TooLong {
        /// Length of the text in bytes.
        length: usize,
        /// The longest text that is read.
        limit: u32,
    },
    /// Another token was expected.
    #[error("expected {expected} at offset {offset}, found {found}")]
    Unexpected {
        /// Where the other token begins.
        offset: usize,
        /// What the grammar or the caller asks for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A string holds a control character that is not escaped.
    #[error("expected an escape at offset {offset}, found the raw control character {found:#04x}")]
    ControlCharacter {
        /// Where the character is.
        offset: usize,
        /// The character.
        found: u8,
    },
    /// A backslash begins no escape of RFC 8259.
    #[error("expected an escape at offset {offset}, found {found}")]
    InvalidEscape {
        /// Where the backslash is.
        offset: usize,
        /// What is there.
        found: String,
    },
    /// An escape names half of a surrogate pair.
    #[error("expected a surrogate pair at offset {offset}, found {found:#06x} alone")]
    LoneSurrogate {
        /// Where the escape begins.
        offset: usize,
        /// The UTF-16 unit.
        found: u16,
    },
    /// An object has the same name twice, be it spelt in two ways.
    #[error("expected each name once, found \"{name}\" at offset {first} and at offset {offset}")]
    DuplicateName {
        /// Where the later one is.
        offset: usize,
        /// Where the earlier one is.
        first: usize,
        /// The name, decoded.
        name: String,
    },
    /// A name differs by case only from a member of the structure.
    #[error("expected \"{expected}\" before offset {offset}, found its variant \"{found}\"")]
    CaseVariant {
        /// Where the name and its colon end.
        offset: usize,
        /// The member of the structure.
        expected: &'static str,
        /// The name, decoded.
        found: String,
    },
    /// Too many arrays and objects are open at once.
    #[error("expected at most {MAX_DEPTH} levels, found one more at offset {offset}")]
    TooDeep {
        /// Where the first level too many begins.
        offset: usize,
    },
    /// A number is too large for every reader to see the same integer.
    #[error("expected at most {MAX_INTEGER} either way at offset {offset}, found {found}")]
    NumberOutOfRange {
        /// Where the number begins.
        offset: usize,
        /// The number.
        found: String,
    },
    /// A number is a fraction, or an integer spelt with a point or an exponent where none may be.
    #[error("expected an integer at offset {offset}, found {found}")]
    NotAnInteger {
        /// Where the number begins.
        offset: usize,
        /// The number.
        found: String,
    },
}

impl JsonError {
    #[cold]
    pub(super) fn too_long(length: usize) -> Self {
        Self::TooLong { length, limit: u32::MAX }
    }

    /// `expected` was not at `offset` of `text`.
    #[cold]
    pub(super) fn unexpected(text: &str, offset: usize, expected: &'static str) -> Self {
        let found = match text.get(offset..) {
            Some("") | None => "the end".to_owned(),
            Some(rest) => excerpt(rest),
        };
        Self::Unexpected { offset, expected, found }
    }
}

/// The beginning of `text` with control and invisible characters escaped.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown = String::new();
    let mut length = 0;
    for character in text.chars() {
        let escaped = character.escape_debug();
        length += escaped.len();
        if length >= LONGEST {
            shown.push('…');
            break;
        }
        shown.extend(escaped);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_escaped() {
        assert_eq!(excerpt("abc"), "abc");
        assert_eq!(excerpt("\u{1b}[2J\n\u{202e}"), "\\u{1b}[2J\\n\\u{202e}");
        let long = excerpt(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), 40);
        assert!(excerpt(&"\u{0}".repeat(1000)).len() <= 44);
        assert!(excerpt(&"\u{10ffff}".repeat(1000)).chars().count() <= 40);
    }

    #[test]
    fn messages_tell_both_sides() {
        let error = JsonError::unexpected("[1 2]", 3, "`,` or `]`");
        assert_eq!(error.to_string(), "expected `,` or `]` at offset 3, found 2]");
        let error = JsonError::unexpected("[", 1, "a value");
        assert_eq!(error.to_string(), "expected a value at offset 1, found the end");
        let error = JsonError::NumberOutOfRange { offset: 4, found: "1e400".into() };
        assert_eq!(
            error.to_string(),
            "expected at most 9007199254740992 either way at offset 4, found 1e400"
        );
    }
}
