//! The tokens between values (RFC 8259 section 2): white space, brackets, commas, names and colons.
//!
//! Each step leaves the reader right behind what it took, and unmoved where it found something else.

use super::super::MAX_DEPTH;
use super::super::error::{JsonError, excerpt};
use super::super::names::Open;
use super::super::text::{self, Text};
use super::super::walk::{Nowhere, walk};
use super::Reader;

impl<'a> Reader<'a> {
    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.document.as_bytes().get(self.at).copied()
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
            self.canonical = false;
        }
    }

    pub(super) fn takes(&mut self, word: &str) -> bool {
        let rest = self.document.as_bytes().get(self.at..).unwrap_or_default();
        let taken = rest.starts_with(word.as_bytes());
        self.at += if taken { word.len() } else { 0 };
        taken
    }

    pub(super) fn since(&self, start: usize) -> Result<&'a str, JsonError> {
        let text = self.document.get(start..self.at);
        text.ok_or_else(|| self.unexpected("a value"))
    }

    #[inline]
    pub(super) fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), JsonError> {
        self.skip_space();
        if self.byte() != Some(bracket) {
            return Err(self.unexpected(expected));
        }
        if self.depth >= MAX_DEPTH {
            return Err(JsonError::TooDeep { offset: self.at });
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether something comes before the closing `bracket`; reads that if not.
    #[inline]
    pub(in super::super) fn is_not_empty(&mut self, bracket: u8) -> bool {
        self.skip_space();
        let empty = self.byte() == Some(bracket);
        if empty {
            self.close();
        }
        !empty
    }

    /// Whether a comma announces more; reads that, or the closing `bracket`.
    #[inline]
    pub(in super::super) fn is_continued(&mut self, bracket: u8) -> Result<bool, JsonError> {
        self.skip_space();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == bracket => {
                self.close();
                Ok(false)
            }
            _ if bracket == b'}' => Err(self.unexpected("`,` or `}`")),
            _ => Err(self.unexpected("`,` or `]`")),
        }
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
    }

    pub(in super::super) fn open_array(&mut self) -> Result<(), JsonError> {
        self.open(b'[', "an array")
    }

    pub(in super::super) fn open_object(&mut self) -> Result<Open, JsonError> {
        self.open(b'{', "an object")?;
        Ok(self.names.open())
    }

    #[inline]
    pub(in super::super) fn name(&mut self, object: &mut Open) -> Result<Text<'a>, JsonError> {
        let name = self.quoted("a name")?;
        let end = self.at.saturating_sub(1);
        self.names.push(self.document, object, name, end)?;
        self.skip_space();
        if self.byte() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(name)
    }

    pub(in super::super) fn close_object(&mut self, object: &Open) -> Result<(), JsonError> {
        self.canonical &= self.names.close(self.document, object)?;
        Ok(())
    }

    #[inline]
    pub(super) fn quoted(&mut self, expected: &'static str) -> Result<Text<'a>, JsonError> {
        self.skip_space();
        if self.byte() != Some(b'"') {
            return Err(self.unexpected(expected));
        }
        let start = self.at + 1;
        if let Some(text) = text::plain(self.document, start) {
            self.at = start + text.as_raw().len() + 1;
            return Ok(text);
        }
        self.rest_of_string(start)
    }

    #[inline(never)]
    fn rest_of_string(&mut self, start: usize) -> Result<Text<'a>, JsonError> {
        let scanned = text::scan(self.document, start)?;
        self.at = scanned.end;
        self.canonical &= scanned.canonical;
        Ok(scanned.text)
    }

    pub(super) fn skip_unknown(&mut self, members: &[&'static str], name: Text<'a>) -> Result<(), JsonError> {
        self.refuse_variant(members, name)?;
        walk(self, &mut Nowhere)
    }

    /// Refuses a name that differs from a member by case only.
    pub(in crate::wire) fn refuse_variant(
        &self,
        members: &[&'static str],
        name: Text<'a>,
    ) -> Result<(), JsonError> {
        match members.iter().find(|member| name.folds_to(member)) {
            Some(expected) => {
                let found = excerpt(&name.decode());
                Err(JsonError::CaseVariant { offset: self.at, expected, found })
            }
            None => Ok(()),
        }
    }

    #[cold]
    pub(super) fn unexpected(&self, expected: &'static str) -> JsonError {
        JsonError::unexpected(self.document, self.at, expected)
    }
}
