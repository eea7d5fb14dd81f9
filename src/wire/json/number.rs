//! Numbers (RFC 8259 section 6) are integers of at most 2^53 either way, however they are spelt; those of
//! TUF 1.0 that nobody computes with have any size and are copied digit by digit.
//!
//! Notary reads a number as a double and writes it as an integer; within these bounds both steps are
//! exact. The value is found in one pass over the digits, whatever their count (PD-06).

use super::MAX_INTEGER;
use super::error::{JsonError, excerpt};

/// A number found by [`scan`].
pub(super) struct Number {
    pub(super) value: i64,
    /// The offset behind the last digit.
    pub(super) end: usize,
    /// Whether it is spelt without point and exponent.
    pub(super) literal: bool,
    /// Whether it is spelt as the canonical form does.
    pub(super) canonical: bool,
}

/// Reads the number that begins at `start`, if it is the literal of a short positive integer.
#[inline]
pub(super) fn plain(document: &str, start: usize) -> Option<Number> {
    const LONGEST: usize = 15;
    let (mut value, mut length) = (0, 0);
    let bytes = document.as_bytes().get(start..)?;
    for byte in bytes {
        match byte {
            b'0'..=b'9' => value = value * 10 + i64::from(byte - b'0'),
            b'.' | b'e' | b'E' => return None,
            _ => break,
        }
        length += 1;
        if length > LONGEST {
            return None;
        }
    }
    let shortest = length == 1 || bytes.first() != Some(&b'0');
    (length > 0 && shortest).then_some(Number { value, end: start + length, literal: true, canonical: true })
}

/// Reads the number that begins at `start`.
pub(super) fn scan(document: &str, start: usize) -> Result<Number, JsonError> {
    let mut scanner = Scanner::new(document, start);
    let negative = scanner.skip(|byte| byte == b'-');
    scanner.whole_part()?;
    let whole_end = scanner.at;
    let fraction_digits = scanner.fraction()?;
    let exponent = scanner.exponent()?;
    let end = scanner.at;
    let Some(magnitude) = scanner.digits.shifted(exponent, fraction_digits) else {
        return Err(scanner.not_an_integer());
    };
    let signed = magnitude.and_then(|magnitude| i64::try_from(magnitude).ok());
    let Some(value) = signed.map(|value| if negative { -value } else { value }) else {
        return Err(scanner.out_of_range());
    };
    let literal = whole_end == end;
    Ok(Number { value, end, literal, canonical: literal && !(negative && value == 0) })
}

/// The text of the number that begins at `start`, if it is an integer without point and exponent.
pub(super) fn literal(document: &str, start: usize) -> Result<&str, JsonError> {
    let mut scanner = Scanner::new(document, start);
    scanner.skip(|byte| byte == b'-');
    scanner.whole_part()?;
    let end = scanner.at;
    if document.as_bytes().get(end).is_some_and(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return Err(scanner.not_an_integer());
    }
    let text = document.get(start..end);
    text.ok_or_else(|| JsonError::unexpected(document, start, "a number"))
}

/// The error for the number from `start` to `end` where only an integer literal may be.
#[cold]
pub(super) fn not_an_integer(document: &str, start: usize, end: usize) -> JsonError {
    JsonError::NotAnInteger { offset: start, found: excerpt(document.get(start..end).unwrap_or_default()) }
}

struct Scanner<'a> {
    document: &'a str,
    start: usize,
    at: usize,
    digits: Digits,
}

impl<'a> Scanner<'a> {
    fn new(document: &'a str, start: usize) -> Self {
        Self { document, start, at: start, digits: Digits::default() }
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let found = self.document.as_bytes().get(self.at);
        let skipped = found.is_some_and(|byte| wanted(*byte));
        self.at += usize::from(skipped);
        skipped
    }

    fn digit(&mut self) -> Option<u8> {
        let digit = self.document.as_bytes().get(self.at)?.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        self.at += 1;
        Some(digit)
    }

    fn whole_part(&mut self) -> Result<(), JsonError> {
        match self.digit() {
            None => return Err(JsonError::unexpected(self.document, self.at, "a digit")),
            Some(0) if self.digit().is_some() => {
                let expected = "no zero before other digits";
                return Err(JsonError::unexpected(self.document, self.start, expected));
            }
            Some(first) => self.digits.push(first),
        }
        while let Some(digit) = self.digit() {
            self.digits.push(digit);
        }
        Ok(())
    }

    /// Reads `.` and its digits, if there, and counts them.
    fn fraction(&mut self) -> Result<usize, JsonError> {
        if !self.skip(|byte| byte == b'.') {
            return Ok(0);
        }
        let first = self.at;
        while let Some(digit) = self.digit() {
            self.digits.push(digit);
        }
        match self.at - first {
            0 => Err(JsonError::unexpected(self.document, self.at, "a digit")),
            count => Ok(count),
        }
    }

    /// Reads `e` and its integer, if there; one that is too large becomes the largest.
    fn exponent(&mut self) -> Result<i64, JsonError> {
        if !self.skip(|byte| matches!(byte, b'e' | b'E')) {
            return Ok(0);
        }
        let negative = self.skip(|byte| byte == b'-');
        if !negative {
            self.skip(|byte| byte == b'+');
        }
        let Some(first) = self.digit() else {
            return Err(JsonError::unexpected(self.document, self.at, "a digit"));
        };
        let mut exponent = i64::from(first);
        while let Some(digit) = self.digit() {
            exponent = exponent.saturating_mul(10).saturating_add(i64::from(digit));
        }
        Ok(if negative { -exponent } else { exponent })
    }

    #[cold]
    fn not_an_integer(&self) -> JsonError {
        not_an_integer(self.document, self.start, self.at)
    }

    #[cold]
    fn out_of_range(&self) -> JsonError {
        JsonError::NumberOutOfRange {
            offset: self.start,
            found: excerpt(self.document.get(self.start..self.at).unwrap_or_default()),
        }
    }
}

/// The digits of a number from the first to the last that is not zero, and the zeros behind.
#[derive(Default)]
struct Digits {
    value: u64,
    /// Zeros seen since the last other digit; they may turn out to be a fraction's end.
    zeros: u32,
    /// Whether the digits are more than any number within the bounds has.
    too_many: bool,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        if digit == 0 {
            let leading = self.value == 0 && !self.too_many;
            self.zeros = self.zeros.saturating_add(u32::from(!leading));
            return;
        }
        let value = power_of_ten(self.zeros.saturating_add(1))
            .and_then(|power| self.value.checked_mul(power))
            .and_then(|value| value.checked_add(u64::from(digit)));
        self.zeros = 0;
        match value {
            Some(value) if !self.too_many => self.value = value,
            _ => self.too_many = true,
        }
    }

    /// The magnitude of these digits with the last `fraction_digits` behind the point, times
    /// ten to the `exponent`: `None` for a fraction, `Some(None)` beyond the bounds.
    fn shifted(&self, exponent: i64, fraction_digits: usize) -> Option<Option<u64>> {
        if self.value == 0 && !self.too_many {
            return Some(Some(0));
        }
        let fraction_digits = i64::try_from(fraction_digits).unwrap_or(i64::MAX);
        let power = exponent.saturating_add(i64::from(self.zeros)).saturating_sub(fraction_digits);
        if power < 0 {
            return None;
        }
        let magnitude = u32::try_from(power)
            .ok()
            .and_then(power_of_ten)
            .and_then(|power| self.value.checked_mul(power))
            .filter(|magnitude| *magnitude <= MAX_INTEGER && !self.too_many);
        Some(magnitude)
    }
}

fn power_of_ten(exponent: u32) -> Option<u64> {
    match exponent {
        0 => Some(1),
        1 => Some(10),
        more => 10_u64.checked_pow(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_spelling() {
        for (spelt, value) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0", 0),
            ("0e999999999999999999999", 0),
            ("0.000e-99999999999999999999", 0),
            ("7", 7),
            ("-17", -17),
            ("1.0", 1),
            ("1e3", 1000),
            ("1E2", 100),
            ("1E+2", 100),
            ("120e-1", 12),
            ("0.00012e5", 12),
            ("10203040", 10_203_040),
            ("1000000000000000000000000e-24", 1),
            ("9007199254740992", 1 << 53),
            ("-9007199254740992", -(1 << 53)),
            ("9007199254740992.00000000000000000000000000", 1 << 53),
            ("9007199.254740992e9", 1 << 53),
        ] {
            let number = scan(spelt, 0).unwrap();
            assert_eq!((number.value, number.end), (value, spelt.len()), "{spelt}");
            assert_eq!(number.literal, !spelt.contains(['.', 'e', 'E']), "{spelt}");
            assert_eq!(number.canonical, spelt == value.to_string(), "{spelt}");
        }
    }

    #[test]
    fn beyond_the_bounds() {
        // CJ-10, PD-03
        for spelt in [
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775807",
            "18446744073709551616",
            "1e16",
            "1e19",
            "1e300",
            "1e400",
            "1e99999999999999999999999",
            "0.1e18",
            "12345678901234567890123.5e99",
            "1000000000000000000000000000000005",
            "10000000000000000000000000000000.5e1",
        ] {
            let error = scan(spelt, 0).err().unwrap();
            assert!(matches!(error, JsonError::NumberOutOfRange { .. }), "{spelt}: {error}");
        }
    }

    #[test]
    fn fractions() {
        for spelt in [
            "1.5",
            "-0.1",
            "1e-1",
            "1e-99999999999999999999999",
            "1.00000000000000000000000000000000000001",
            "12345678901234567890123456789.5",
            "9007199254740992.5",
        ] {
            let error = scan(spelt, 0).err().unwrap();
            assert!(matches!(error, JsonError::NotAnInteger { .. }), "{spelt}: {error}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for spelt in ["01", "-01", "00", "+1", ".5", "1.", "1.e3", "-", "-.5", "1e", "1e+", "1e+-2", "--1"] {
            let error = scan(spelt, 0).err().unwrap();
            assert!(matches!(error, JsonError::Unexpected { .. }), "{spelt}: {error}");
        }
        for (spelt, end) in [("0x10", 1), ("1_000", 1), ("1,5", 1), ("1e3e3", 3), ("1.5.", 3)] {
            if let Ok(number) = scan(spelt, 0) {
                assert_eq!(number.end, end, "{spelt}");
            }
        }
    }

    #[test]
    fn millions_of_digits_take_linear_time() {
        // PD-06; squared, this would take minutes
        let digits = "9".repeat(1_000_000);
        for spelt in
            [digits.clone(), format!("-{digits}.{digits}"), format!("1e{digits}"), format!("1e-{digits}")]
        {
            let error = scan(&spelt, 0).err().unwrap();
            assert!(error.to_string().len() < 150);
        }
        let zeros = "0".repeat(1_000_000);
        let error = scan(&format!("1{zeros}"), 0).err().unwrap();
        assert!(matches!(error, JsonError::NumberOutOfRange { .. }));
        assert_eq!(scan(&format!("1{zeros}e-1000000"), 0).unwrap().value, 1);
        assert_eq!(scan(&format!("0.{zeros}1e1000001"), 0).unwrap().value, 1);
    }
}
