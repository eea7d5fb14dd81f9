//! Any value is read with a stack of our own, so that nesting costs the thread nothing (PD-01).
//!
//! RFC 8259 section 9 allows a limit of depth; the reader keeps it. Values that nobody asked for and
//! values that are rewritten take the same way through the grammar.

use super::error::JsonError;
use super::names::Open;
use super::reader::{Kind, Reader};
use super::text::Text;

/// What becomes of the parts of a value, in the order of the text.
pub(super) trait Sink<'a> {
    fn string(&mut self, text: Text<'a>);
    fn number(&mut self, value: i64);
    /// An integer of any size, in its canonical digits.
    fn digits(&mut self, text: &'a str);
    /// `true`, `false` or `null`.
    fn word(&mut self, word: &'static str);
    fn open(&mut self, bracket: u8);
    fn name(&mut self, name: Text<'a>);
    /// Another item or member follows.
    fn comma(&mut self);
    fn close(&mut self, bracket: u8);
}

/// Takes everything and keeps nothing.
pub(super) struct Nowhere;

impl<'a> Sink<'a> for Nowhere {
    fn string(&mut self, _: Text<'a>) {}
    fn number(&mut self, _: i64) {}
    fn digits(&mut self, _: &'a str) {}
    fn word(&mut self, _: &'static str) {}
    fn open(&mut self, _: u8) {}
    fn name(&mut self, _: Text<'a>) {}
    fn comma(&mut self) {}
    fn close(&mut self, _: u8) {}
}

/// Reads one value into `sink`.
pub(super) fn walk<'a>(reader: &mut Reader<'a>, sink: &mut impl Sink<'a>) -> Result<(), JsonError> {
    let mut levels = Vec::new();
    loop {
        if let Some(level) = begin(reader, sink)? {
            levels.push(level);
            continue;
        }
        loop {
            let Some(level) = levels.last_mut() else {
                return Ok(());
            };
            if is_continued(reader, sink, level)? {
                break;
            }
            levels.pop();
        }
    }
}

/// An array or object whose end is still to come.
enum Level {
    Array,
    Object(Open),
}

/// Reads a value, or only the beginning of one that holds others.
fn begin<'a>(reader: &mut Reader<'a>, sink: &mut impl Sink<'a>) -> Result<Option<Level>, JsonError> {
    match reader.peek()? {
        Kind::Object => return begin_object(reader, sink),
        Kind::Array => return begin_array(reader, sink),
        Kind::String => sink.string(reader.string()?),
        Kind::Number if reader.takes_large_integers() => sink.digits(reader.digits()?),
        Kind::Number => sink.number(reader.number()?.value),
        Kind::Bool => sink.word(if reader.boolean()? { "true" } else { "false" }),
        Kind::Null => {
            reader.null()?;
            sink.word("null");
        }
    }
    Ok(None)
}

fn begin_object<'a>(reader: &mut Reader<'a>, sink: &mut impl Sink<'a>) -> Result<Option<Level>, JsonError> {
    let mut object = reader.open_object()?;
    sink.open(b'{');
    if reader.is_not_empty(b'}') {
        sink.name(reader.name(&mut object)?);
        return Ok(Some(Level::Object(object)));
    }
    sink.close(b'}');
    Ok(None)
}

fn begin_array<'a>(reader: &mut Reader<'a>, sink: &mut impl Sink<'a>) -> Result<Option<Level>, JsonError> {
    reader.open_array()?;
    sink.open(b'[');
    if reader.is_not_empty(b']') {
        return Ok(Some(Level::Array));
    }
    sink.close(b']');
    Ok(None)
}

/// Whether another value of `level` follows; reads up to that, or the end of `level`.
fn is_continued<'a>(
    reader: &mut Reader<'a>,
    sink: &mut impl Sink<'a>,
    level: &mut Level,
) -> Result<bool, JsonError> {
    let bracket = match level {
        Level::Array => b']',
        Level::Object(_) => b'}',
    };
    let more = reader.is_continued(bracket)?;
    if more {
        sink.comma();
    } else {
        sink.close(bracket);
    }
    if let Level::Object(object) = level {
        if more {
            sink.name(reader.name(object)?);
        } else {
            reader.close_object(object)?;
        }
    }
    Ok(more)
}
