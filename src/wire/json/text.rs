//! Strings (RFC 8259 section 7): found without a copy, compared by what they mean.
//!
//! Names that are spelt in two ways are one name, so equality and order look at the decoded
//! characters. A lone surrogate means no character and is refused instead of replaced.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::error::{JsonError, excerpt};

/// A string as received; equality and order are those of the decoded UTF-8 bytes.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    /// How many bytes hold no escape for sure; a flag's padding would cost more than this word.
    plain: usize,
}

impl<'a> Text<'a> {
    /// What stands between the quotes, escapes included.
    #[must_use]
    pub fn as_raw(self) -> &'a str {
        self.raw
    }

    /// The string itself, borrowed when it holds no escape.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        if self.is_escaped() { Cow::Owned(self.chars().collect()) } else { Cow::Borrowed(self.raw) }
    }

    /// A string that a scan has accepted.
    #[inline]
    pub(super) fn scanned(raw: &'a str, escaped: bool) -> Self {
        let plain = if escaped { 0 } else { raw.len() };
        Self { raw, plain }
    }

    pub(super) fn is_escaped(self) -> bool {
        self.plain < self.raw.len()
    }

    pub(super) fn chars(self) -> impl Iterator<Item = char> + use<'a> {
        Decoded { raw: self.raw, at: 0 }
    }

    /// Whether Go's decoder would take this name for `member`, which is ASCII.
    ///
    /// Of all other characters only U+017F and U+212A fold to ASCII letters.
    pub(super) fn folds_to(self, member: &str) -> bool {
        let folded = self.chars().map(|character| match character {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            other => other.to_ascii_lowercase(),
        });
        folded.eq(member.chars().map(|letter| letter.to_ascii_lowercase()))
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        if self.is_escaped() { self.chars().eq(other.chars()) } else { self.raw == other }
    }
}

impl PartialEq<&str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    // UTF-8 keeps the order of code points, so characters compare as their bytes do.
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_escaped() || other.is_escaped() {
            self.chars().cmp(other.chars())
        } else {
            self.raw.cmp(other.raw)
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.decode(), f)
    }
}

/// Reads the string whose opening quote is right before `start`, if it has no escapes.
#[inline]
pub(super) fn plain(document: &str, start: usize) -> Option<Text<'_>> {
    let bytes = document.as_bytes().get(start..)?;
    let length = plain_length(bytes);
    if bytes.get(length) != Some(&b'"') {
        return None;
    }
    let raw = document.get(start..start + length)?;
    Some(Text::scanned(raw, false))
}

/// A string found by [`scan`].
pub(super) struct Scanned<'a> {
    pub(super) text: Text<'a>,
    /// The offset behind the closing quote.
    pub(super) end: usize,
    /// Whether every escape is one that the canonical form needs.
    pub(super) canonical: bool,
}

/// Reads the string whose opening quote is right before `start`.
pub(super) fn scan(document: &str, start: usize) -> Result<Scanned<'_>, JsonError> {
    let bytes = document.as_bytes();
    let (mut at, mut escaped, mut canonical) = (start, false, true);
    loop {
        at += plain_length(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'"') => break,
            Some(b'\\') => {
                let (character, length) = escape(document, at)?;
                escaped = true;
                canonical &= length == 2 && matches!(character, '"' | '\\');
                at += length;
            }
            Some(&found) => return Err(JsonError::ControlCharacter { offset: at, found }),
            None => return Err(JsonError::unexpected(document, at, "a closing quote")),
        }
    }
    let Some(raw) = document.get(start..at) else {
        return Err(JsonError::unexpected(document, start, "a string"));
    };
    Ok(Scanned { text: Text::scanned(raw, escaped), end: at + 1, canonical })
}

/// The characters of a string that [`scan`] accepted.
struct Decoded<'a> {
    raw: &'a str,
    at: usize,
}

impl Iterator for Decoded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let character = self.raw.get(self.at..)?.chars().next()?;
        let (character, length) = match character {
            '\\' => escape(self.raw, self.at).ok()?,
            plain => (plain, plain.len_utf8()),
        };
        self.at += length;
        Some(character)
    }
}

/// The character and the length in bytes of the escape whose backslash is at `at`.
fn escape(document: &str, at: usize) -> Result<(char, usize), JsonError> {
    let character = match document.as_bytes().get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(document, at),
        _ => return Err(invalid_escape(document, at)),
    };
    Ok((character, 2))
}

fn unicode_escape(document: &str, at: usize) -> Result<(char, usize), JsonError> {
    let unit = utf16_unit(document, at).ok_or_else(|| invalid_escape(document, at))?;
    if let Some(character) = char::from_u32(u32::from(unit)) {
        return Ok((character, 6));
    }
    let lone = JsonError::LoneSurrogate { offset: at, found: unit };
    let Some(second) = utf16_unit(document, at + 6) else {
        return Err(lone);
    };
    match char::decode_utf16([unit, second]).next() {
        Some(Ok(character)) => Ok((character, 12)),
        _ => Err(lone),
    }
}

/// The value of the escape `\uXXXX` at `at`, if there is one.
fn utf16_unit(document: &str, at: usize) -> Option<u16> {
    let digits = document.as_bytes().get(at..)?.strip_prefix(b"\\u")?;
    digits.first_chunk::<4>()?.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((unit << 4) | u16::try_from(digit).ok()?)
    })
}

#[cold]
fn invalid_escape(document: &str, offset: usize) -> JsonError {
    let found = excerpt(document.get(offset..).unwrap_or_default());
    JsonError::InvalidEscape { offset, found }
}

/// How many bytes come before the next quote, backslash or control character.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut length: usize = 0;
    for word in words {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            let inside = usize::try_from(special.trailing_zeros() / 8);
            return length.saturating_add(inside.unwrap_or(usize::MAX));
        }
        length += word.len();
    }
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    length + tail.iter().position(special).unwrap_or(tail.len())
}

/// Marks bytes of `word` that are a quote, a backslash or below 0x20 by their top bit.
///
/// Subtraction borrows upwards only, so the lowest mark is always right.
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = below(word ^ (ONES * 0x22), 1);
    let backslash = below(word ^ (ONES * 0x5c), 1);
    (below(word, 0x20) | quote | backslash) & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Result<String, JsonError> {
        let quoted = format!("{raw}\"");
        let scanned = scan(&quoted, 0)?;
        assert_eq!(scanned.end, quoted.len(), "{raw}");
        Ok(scanned.text.decode().into_owned())
    }

    #[test]
    fn escapes_are_decoded() {
        for (raw, decoded) in [
            ("", ""),
            ("plain é 😀 \u{2028} \u{7f}", "plain é 😀 \u{2028} \u{7f}"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"\u0000\u003C\u003c\u00e9", "\0<<é"),
            (r"a long enough prefix \ud83d\uDE00!", "a long enough prefix 😀!"),
            (r"\ufeff\uffff", "\u{feff}\u{ffff}"),
        ] {
            assert_eq!(text(raw).unwrap(), decoded, "{raw}");
        }
    }

    #[test]
    fn half_pairs_and_bad_escapes_are_refused() {
        // CJ-09
        for raw in
            [r"\ud800", r"\udc00", r"\ud800\ud800", r"\udc00\ud800", r"\ud83dx", r"\ud83d\n", r"\ud83d\u0041"]
        {
            let error = text(raw).unwrap_err();
            assert!(matches!(error, JsonError::LoneSurrogate { .. }), "{raw}: {error}");
        }
        for raw in [r"\x41", r"\u12", r"\u12g4", r"\u+123", r"\U0041", r"\'", r"\é", "\\\u{1}"] {
            let error = text(raw).unwrap_err();
            assert!(matches!(error, JsonError::InvalidEscape { .. }), "{raw}: {error}");
        }
    }

    #[test]
    fn control_characters_are_found_at_every_place() {
        for length in 0..40 {
            for control in 0..0x20_u8 {
                let raw = format!("{}{}rest of it", "é".repeat(length), char::from(control));
                let found = JsonError::ControlCharacter { offset: 2 * length, found: control };
                assert_eq!(text(&raw), Err(found));
            }
        }
    }

    #[test]
    fn every_byte_is_classed_alike_in_words_and_in_tails() {
        for byte in 0..=u8::MAX {
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for at in 0..8 {
                let mut word = [b'!'; 8];
                word[at] = byte;
                assert_eq!(plain_length(&word), if special { at } else { 8 });
                assert_eq!(plain_length(&word[..7]), if special { at.min(7) } else { 7 });
            }
        }
    }

    #[test]
    fn spelling_does_not_matter_to_equality_and_order() {
        let plain = |raw| Text::scanned(raw, false);
        let escaped = |raw| Text::scanned(raw, true);
        assert_eq!(plain("a"), escaped(r"\u0061"));
        assert_eq!(escaped(r"\u0061"), "a");
        assert_ne!(escaped(r"\u0061"), "ab");
        // CJ-08: U+FB00 comes before U+1F600, which UTF-16 puts first
        let sorted = ["", "A", "a", "aa", "b", "é", "ﬀ", "😀"];
        assert!(sorted.map(plain).is_sorted());
        let (ligature, face) = (escaped(r"\ufb00"), escaped(r"\ud83d\ude00"));
        assert!(ligature < face && plain("é") < ligature && ligature < plain("😀"));
    }

    #[test]
    fn folding_is_that_of_go() {
        // CJ-02
        for variant in ["Keys", "KEYS", "\u{212a}eys", "key\u{17f}", r"\u004beys"] {
            assert!(Text::scanned(variant, true).folds_to("keys"), "{variant}");
        }
        for other in ["key", "keyss", "kéys", "k\u{131}ys", "keyß", ""] {
            assert!(!Text::scanned(other, true).folds_to("keys"), "{other}");
        }
        assert!(!Text::scanned("spec@version", false).folds_to("spec`version"));
    }
}
