//! Objects in canonical form (TUF specification 4.2.1): known and unknown members together, in the
//! byte order of their names.

use crate::{
    metadata::Extra,
    wire::json::{self, Reader},
};

/// An object that is being written. Known members come in the order of their names; those in
/// between are put there from `extra`.
pub(super) struct Object<'o, 'e> {
    out: &'o mut Vec<u8>,
    /// The first of them last.
    rest: Vec<(&'e str, &'e str)>,
}

impl<'o, 'e> Object<'o, 'e> {
    pub(super) fn begin(out: &'o mut Vec<u8>, extra: &'e Extra) -> Self {
        out.push(b'{');
        Self { out, rest: extra.iter().rev().collect() }
    }

    /// Writes a name; the value is to follow.
    pub(super) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        while let Some((other, text)) = self.rest.pop_if(|(other, _)| *other <= name) {
            if other < name {
                self.member(other, text);
            }
        }
        self.write_name(name);
        self.out
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        json::write_string(self.name(name), text);
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.name(name).extend(number.to_string().bytes());
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        self.name(name).extend(flag.to_string().bytes());
    }

    /// A JSON text as received.
    pub(super) fn raw(&mut self, name: &str, text: &str) {
        write_raw(self.name(name), text);
    }

    pub(super) fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        let out = self.name(name);
        out.push(b'[');
        for (at, text) in texts.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            json::write_string(out, text);
        }
        out.push(b']');
    }

    pub(super) fn end(mut self) {
        while let Some((name, text)) = self.rest.pop() {
            self.member(name, text);
        }
        self.out.push(b'}');
    }

    fn member(&mut self, name: &str, text: &str) {
        self.write_name(name);
        write_raw(self.out, text);
    }

    fn write_name(&mut self, name: &str) {
        // Here only the opening of this object ends in a brace.
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        json::write_string(self.out, name);
        self.out.push(b':');
    }
}

/// What has no canonical form was never verified, and is not signed again either.
pub(super) fn write_raw(out: &mut Vec<u8>, text: &str) {
    out.extend(json::canonicalise_large(text).unwrap_or_else(|_| text.into()));
}

/// The object that stands in `extra` under the name of a known member.
pub(super) fn nested(extra: &Extra, name: &str) -> Extra {
    let mut inside = Extra::default();
    let text = extra.get(name).unwrap_or("{}");
    let read = Reader::new(text.as_bytes()).and_then(|reader| {
        let mut reader = reader.large_integers();
        reader.map(|reader, name| {
            inside.insert(name.decode(), reader.raw()?);
            Ok(())
        })
    });
    if read.is_err() { Extra::default() } else { inside }
}

/// Puts an object under the name of a known member.
pub(super) fn nest(extra: &mut Extra, name: &str, inside: &Extra) {
    let mut text = Vec::new();
    Object::begin(&mut text, inside).end();
    // A control character must be escaped to be read again.
    extra.insert(name, String::from_utf8_lossy(&escaped(&text)));
}

/// JSON for canonical bytes, where control characters stand raw in strings.
pub(super) fn escaped(canonical: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(canonical.len());
    write_escaped(&mut out, canonical);
    out
}

pub(super) fn write_escaped(out: &mut Vec<u8>, canonical: &[u8]) {
    let mut rest = canonical;
    while !rest.is_empty() {
        let plain = plain_length(rest);
        let (before, special) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        let Some((control, behind)) = special.split_first() else { break };
        match control {
            b'\n' => out.extend_from_slice(br"\n"),
            other => out.extend(format!("\\u{other:04x}").bytes()),
        }
        rest = behind;
    }
}

fn plain_length(bytes: &[u8]) -> usize {
    // Blocks are looked at as a whole, which the compiler turns into vector instructions.
    let (blocks, _) = bytes.as_chunks::<32>();
    let plain =
        blocks.iter().take_while(|block| !block.iter().fold(false, |found, byte| found | (*byte < 0x20)));
    let plain = plain.count().saturating_mul(32);
    let rest = bytes.get(plain..).unwrap_or_default();
    plain.saturating_add(rest.iter().position(|byte| *byte < 0x20).unwrap_or(rest.len()))
}
