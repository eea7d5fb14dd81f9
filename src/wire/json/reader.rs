//! The whole text is one value of RFC 8259, read by its caller's wishes and checked by its own.
//!
//! The caller pulls the values it knows; everything else is skipped, yet read as strictly. While it
//! reads, the reader keeps account of whether the text is the canonical form of itself, so that
//! signed bytes need no second pass.

mod grammar;

use std::fmt;

use super::error::JsonError;
use super::names::Names;
use super::number::{self, Number};
use super::text::Text;
use super::walk::{Nowhere, walk};

/// Reads one JSON text from front to back, value by value.
///
/// After an error the reader stands somewhere inside the text: drop it.
pub struct Reader<'a> {
    document: &'a str,
    at: usize,
    depth: usize,
    /// Whether all that was read since the innermost `span` began is canonical.
    canonical: bool,
    names: Names,
    /// See [`Reader::large_integers`].
    large_integers: bool,
}

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Names and values in braces.
    Object,
    /// Values in brackets.
    Array,
    /// Characters in quotes.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
}

/// A value and the text it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<'a, T> {
    /// What the caller made of the text.
    pub value: T,
    /// The text, from the first to the last byte of the value.
    pub text: &'a str,
    /// The offset of `text` in bytes.
    pub start: usize,
    /// Whether `text` is byte for byte its own canonical form.
    pub canonical: bool,
}

impl<'a> Reader<'a> {
    /// Starts reading `bytes`.
    ///
    /// # Errors
    ///
    /// The bytes are not UTF-8, begin with a byte order mark, or are 4 GiB or more.
    pub fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let document = std::str::from_utf8(bytes)
            .map_err(|error| JsonError::InvalidUtf8 { offset: error.valid_up_to() })?;
        Self::over(document)
    }

    pub(super) fn over(document: &'a str) -> Result<Self, JsonError> {
        refuse_length(document.len())?;
        if document.starts_with('\u{feff}') {
            return Err(JsonError::ByteOrderMark);
        }
        Ok(Self {
            document,
            at: 0,
            depth: 0,
            canonical: true,
            names: Names::default(),
            large_integers: false,
        })
    }

    /// Reads values that nobody asks for as TUF 1.0 has them: integers of any size, and no number that
    /// is spelt otherwise, for which its canonical form has no rule (CJ-10).
    #[must_use]
    pub fn large_integers(self) -> Self {
        Self { large_integers: true, ..self }
    }

    /// The kind of the next value, which stays unread.
    ///
    /// # Errors
    ///
    /// No value begins here.
    #[inline]
    pub fn peek(&mut self) -> Result<Kind, JsonError> {
        self.skip_space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// Reads an object whose names are data (tags, key ids, roles); `member` reads each value.
    ///
    /// # Errors
    ///
    /// Here is no object, a name comes twice, or `member` fails.
    pub fn map<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut object = self.open_object()?;
        let mut more = self.is_not_empty(b'}');
        while more {
            let name = self.name(&mut object)?;
            member(self, name)?;
            more = self.is_continued(b'}')?;
        }
        Ok(self.close_object(&object)?)
    }

    /// Reads an object that has the given `members`; `member` reads the value of each that is there.
    ///
    /// Other names are skipped. Go's decoder takes a name for a member when they differ by case only,
    /// so such a name is refused (CJ-02).
    ///
    /// # Errors
    ///
    /// Here is no object, a name comes twice or is a case variant of a member, or `member` fails.
    pub fn structure<E: From<JsonError>>(
        &mut self,
        members: &[&'static str],
        mut member: impl FnMut(&mut Self, &'static str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.map(|reader, name| match members.iter().find(|member| name == **member) {
            Some(known) => member(reader, known),
            None => Ok(reader.skip_unknown(members, name)?),
        })
    }

    /// Reads an array; `item` reads each value.
    ///
    /// # Errors
    ///
    /// Here is no array, or `item` fails.
    pub fn array<E: From<JsonError>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open_array()?;
        let mut more = self.is_not_empty(b']');
        while more {
            item(self)?;
            more = self.is_continued(b']')?;
        }
        Ok(())
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// Here is no string, or it holds a raw control character, a bad escape or half a pair.
    #[inline]
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.quoted("a string")
    }

    /// Reads an integer spelt without point and exponent, of at most 2^53 either way.
    ///
    /// # Errors
    ///
    /// Here is no such integer.
    #[inline]
    pub fn integer(&mut self) -> Result<i64, JsonError> {
        let start = self.position();
        let number = self.number()?;
        if number.literal {
            Ok(number.value)
        } else {
            Err(number::not_an_integer(self.document, start, number.end))
        }
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    ///
    /// Here is neither.
    pub fn boolean(&mut self) -> Result<bool, JsonError> {
        self.skip_space();
        if self.takes("true") {
            Ok(true)
        } else if self.takes("false") {
            Ok(false)
        } else {
            Err(self.unexpected("`true` or `false`"))
        }
    }

    /// Reads `null`.
    ///
    /// # Errors
    ///
    /// Here is something else.
    pub fn null(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        if self.takes("null") { Ok(()) } else { Err(self.unexpected("`null`")) }
    }

    /// Reads any value, checks all of it, and gives the text as received.
    ///
    /// # Errors
    ///
    /// Here is no value, or one that holds something strict JSON refuses.
    pub fn raw(&mut self) -> Result<&'a str, JsonError> {
        let start = self.position();
        walk(self, &mut Nowhere)?;
        self.since(start)
    }

    /// Expects that nothing but white space follows (CJ-06).
    ///
    /// # Errors
    ///
    /// Something follows.
    pub fn end(&mut self) -> Result<(), JsonError> {
        self.skip_space();
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("nothing more")),
        }
    }

    /// The offset of the next token in bytes.
    pub fn position(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// Lets `read` read one value and tells which text it was, and whether that text is canonical.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn span<T, E: From<JsonError>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Spanned<'a, T>, E> {
        let start = self.position();
        let outside = std::mem::replace(&mut self.canonical, true);
        let value = read(self)?;
        let canonical = self.canonical;
        self.canonical &= outside;
        Ok(Spanned { value, text: self.since(start)?, start, canonical })
    }

    pub(super) fn takes_large_integers(&self) -> bool {
        self.large_integers
    }

    /// Reads an integer of any size; gives its canonical digits.
    pub(super) fn digits(&mut self) -> Result<&'a str, JsonError> {
        let start = self.position();
        let text = number::literal(self.document, start)?;
        self.at = start.saturating_add(text.len());
        if text == "-0" {
            self.canonical = false;
            return Ok("0");
        }
        Ok(text)
    }

    /// Reads a number of any spelling.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number, JsonError> {
        self.skip_space();
        if !matches!(self.byte(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.unexpected("a number"));
        }
        if let Some(number) = number::plain(self.document, self.at) {
            self.at = number.end;
            return Ok(number);
        }
        let number = number::scan(self.document, self.at)?;
        self.at = number.end;
        self.canonical &= number.canonical;
        Ok(number)
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("length", &self.document.len())
            .field("at", &self.at)
            .field("depth", &self.depth)
            .field("canonical", &self.canonical)
            .finish_non_exhaustive()
    }
}

fn refuse_length(length: usize) -> Result<(), JsonError> {
    match u32::try_from(length) {
        Ok(_) => Ok(()),
        Err(_) => Err(JsonError::too_long(length)),
    }
}

#[cfg(test)]
mod tests;
