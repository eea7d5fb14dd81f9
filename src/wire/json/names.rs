//! No object has a name twice (CJ-01, CJ-02), at a price that does not grow with tricks.
//!
//! RFC 8259 section 4 leaves repeated names to the reader. Names that arrive in rising order, as
//! Notary writes them, cannot repeat and cost one comparison each; otherwise the object's names are
//! sorted once at its end. Names are kept as offsets, on one stack for all open objects.

use std::cmp::Ordering;

use super::error::{JsonError, excerpt};
use super::text::Text;

/// The names of all open objects, innermost last.
#[derive(Default)]
pub(super) struct Names {
    stack: Vec<Name>,
}

/// An open object's part of the stack.
pub(super) struct Open {
    first: usize,
    rising: bool,
}

/// Where a name stands in the document, without its quotes.
#[derive(Clone, Copy)]
struct Name {
    start: u32,
    end: u32,
    escaped: bool,
}

impl Names {
    pub(super) fn open(&self) -> Open {
        Open { first: self.stack.len(), rising: true }
    }

    /// Adds `name`, which ends right before the quote at `end`.
    #[inline]
    pub(super) fn push(
        &mut self,
        document: &str,
        object: &mut Open,
        name: Text<'_>,
        end: usize,
    ) -> Result<(), JsonError> {
        // Inner objects have taken their names away, so the last one is this object's.
        let own = self.stack.get(object.first..).unwrap_or_default();
        let last = own.last().and_then(|last| last.text(document));
        object.rising &= last.is_none_or(|last| last < name);
        let start = end.saturating_sub(name.as_raw().len());
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else {
            return Err(JsonError::too_long(document.len()));
        };
        self.stack.push(Name { start, end, escaped: name.is_escaped() });
        Ok(())
    }

    /// Ends `object` and tells whether its names were strictly rising.
    pub(super) fn close(&mut self, document: &str, object: &Open) -> Result<bool, JsonError> {
        if !object.rising {
            let names = self.stack.get_mut(object.first..).unwrap_or_default();
            refuse_duplicates(document, names)?;
        }
        self.stack.truncate(object.first);
        Ok(object.rising)
    }
}

impl Name {
    fn text(self, document: &str) -> Option<Text<'_>> {
        let range = usize::try_from(self.start).ok()?..usize::try_from(self.end).ok()?;
        Some(Text::scanned(document.get(range)?, self.escaped))
    }

    fn compare(self, other: Self, document: &str) -> Ordering {
        self.text(document).cmp(&other.text(document))
    }
}

fn refuse_duplicates(document: &str, names: &mut [Name]) -> Result<(), JsonError> {
    names.sort_unstable_by(|one, other| {
        let by_text = one.compare(*other, document);
        by_text.then(one.start.cmp(&other.start))
    });
    for pair in names.windows(2) {
        if let [one, other] = pair
            && one.compare(*other, document) == Ordering::Equal
        {
            return Err(duplicate(document, *one, *other));
        }
    }
    Ok(())
}

#[cold]
fn duplicate(document: &str, one: Name, other: Name) -> JsonError {
    let offset = |name: Name| usize::try_from(name.start).unwrap_or(usize::MAX);
    let name = one.text(document).map(Text::decode).unwrap_or_default();
    JsonError::DuplicateName { offset: offset(other), first: offset(one), name: excerpt(&name) }
}

#[cfg(test)]
mod tests {
    use super::super::{JsonError, Reader};

    fn read(text: &str) -> Result<(), JsonError> {
        let mut reader = Reader::new(text.as_bytes())?;
        reader.raw()?;
        reader.end()
    }

    #[test]
    fn a_repeated_name_is_refused_wherever_it_is() {
        // CJ-01, CJ-02
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"\u0061":1,"a":2}"#,
            r#"{"":1,"":2}"#,
            r#"{"b":1,"c":2,"a":3,"c":4}"#,
            r#"{"a":1,"b":2,"c":3,"a":4}"#,
            r#"{"\ud83d\ude00":1,"z":2,"😀":3}"#,
            r#"{"\/":1,"a":2,"/":3}"#,
            r#"[[{"x":{"y":[1,{"b":1,"a":2,"b":3}]}}]]"#,
            r#"{"a":{"b":1,"c":{"d":1}},"b":{},"a":0}"#,
            r#"{"b":{"d":1,"c":2},"a":{"d":1,"c":2},"b":0}"#,
        ] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, JsonError::DuplicateName { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn the_same_name_in_other_objects_is_fine() {
        for text in [
            r#"{"a":{"a":{"a":1}}}"#,
            r#"{"b":{"a":1,"b":2},"a":{"b":1,"a":2}}"#,
            r#"[{"a":1},{"a":1}]"#,
            r#"{"z":{"y":1,"x":1},"y":{"z":1,"x":1},"x":{"z":1,"y":1}}"#,
            r#"{"a":1,"A":2}"#,
            r#"{"é":1,"e\u0301":2}"#,
        ] {
            assert_eq!(read(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn both_places_are_told() {
        let error = read(r#"{"b":1,"a":2,"\u0062":3}"#).unwrap_err();
        let expected = JsonError::DuplicateName { offset: 14, first: 2, name: "b".into() };
        assert_eq!(error, expected);
    }

    #[test]
    fn many_escaped_names_with_a_long_common_start() {
        let start = r"\u0061".repeat(50);
        let names: Vec<String> = (0..2_000_u32).rev().map(|n| format!("\"{start}{n}\":0")).collect();
        assert_eq!(read(&format!("{{{}}}", names.join(","))), Ok(()));
    }
}
