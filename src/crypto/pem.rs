//! PEM as Go's `encoding/pem` reads and writes it, for Notary v1 puts headers (`role`, `gun`,
//! `path`) into key files, which RFC 7468 forbids and RFC 1421 had.

use super::error::CryptoError;
use data_encoding::BASE64;
use std::fmt;
use zeroize::Zeroizing;

const COLUMNS: usize = 64;
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block of a PEM file.
///
/// The contents may be a private key: they are wiped when dropped and not shown by `Debug`.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct PemBlock {
    /// What stands after `BEGIN`, such as `ENCRYPTED PRIVATE KEY`.
    pub label: String,
    /// Name and value of each header, in the order of the file.
    pub headers: Vec<(String, String)>,
    /// The decoded bytes.
    pub contents: Zeroizing<Vec<u8>>,
}

impl PemBlock {
    /// A block without headers.
    #[must_use]
    pub fn new(label: &str, contents: Zeroizing<Vec<u8>>) -> Self {
        Self { label: label.to_owned(), headers: Vec::new(), contents }
    }

    /// The blocks of a file one by one; text between them is skipped, a broken block is an error
    /// and reading goes on after it.
    #[must_use]
    pub fn blocks(text: &[u8]) -> PemBlocks<'_> {
        PemBlocks { rest: text }
    }

    /// The sound blocks of a file. What is broken is left out, as in the reference.
    #[must_use]
    pub fn read_all(text: &[u8]) -> Vec<Self> {
        Self::blocks(text).flatten().collect()
    }

    /// The last value of a header, for a later one replaces an earlier one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut matching = self.headers.iter().rev().filter(|(key, _)| key == name);
        matching.next().map(|(_, value)| value.as_str())
    }

    /// The block as text: headers in alphabetical order (`Proc-Type` first), an empty line, base64 in 64 columns, LF.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] if the label or a header cannot be written so that it reads
    /// back the same, a line break in a value for example.
    pub fn to_text(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let single_line = |text: &str| !text.chars().any(char::is_control);
        if !single_line(&self.label) || self.label.contains(DASHES) {
            return Err(CryptoError::malformed("PEM label", "not one plain line"));
        }
        let mut headers = self.headers.clone();
        // RFC 1421 puts this one first, and OpenSSL insists.
        headers.sort_by_cached_key(|(name, _)| (name != "Proc-Type", name.clone()));
        for (name, value) in &headers {
            let trimmed = name.trim() == name && value.trim() == value;
            if !single_line(name) || !single_line(value) || name.contains(':') || !trimmed {
                let reason = "not one plain line, or a name with a colon";
                return Err(CryptoError::malformed("PEM header", reason));
            }
        }
        Ok(write(&self.label, &headers, &self.contents))
    }
}

impl fmt::Debug for PemBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemBlock")
            .field("label", &self.label)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// The blocks of a PEM file, read as they are asked for.
#[derive(Clone)]
pub struct PemBlocks<'a> {
    rest: &'a [u8],
}

impl fmt::Debug for PemBlocks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemBlocks").finish_non_exhaustive()
    }
}

impl Iterator for PemBlocks<'_> {
    type Item = Result<PemBlock, CryptoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let label = loop {
            if let Some(label) = begin_label(self.next_line()?) {
                break label;
            }
        };
        let mut lines = Vec::new();
        loop {
            let before = self.rest;
            let Some(line) = self.next_line() else {
                return Some(Err(CryptoError::malformed("PEM", "block without end")));
            };
            if begin_label(line).is_some() {
                // The block before it is cut off; this one may be sound.
                self.rest = before;
                return Some(Err(CryptoError::malformed("PEM", "block without end")));
            }
            if line.starts_with(END.as_bytes()) {
                return Some(block(label, line, &lines));
            }
            lines.push(line);
        }
    }
}

impl<'a> PemBlocks<'a> {
    /// The next line without its end and without blanks at its end.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let mut parts = self.rest.splitn(2, |&byte| byte == b'\n');
        let line = parts.next().unwrap_or_default();
        self.rest = parts.next().unwrap_or_default();
        Some(line.trim_ascii_end())
    }
}

/// Text of one block without headers: what Go writes for a certificate.
pub(super) fn plain_text(label: &str, contents: &[u8]) -> Zeroizing<Vec<u8>> {
    write(label, &[], contents)
}

fn write(label: &str, headers: &[(String, String)], contents: &[u8]) -> Zeroizing<Vec<u8>> {
    let body = Zeroizing::new(BASE64.encode(contents));
    let head: usize = headers.iter().map(|(k, v)| k.len() + v.len() + 3).sum();
    let size = head + body.len() + body.len() / COLUMNS + 2 * label.len() + 64;
    let mut out = Zeroizing::new(Vec::with_capacity(size));
    let mut push = |parts: &[&str]| {
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
    };
    push(&[BEGIN, label, DASHES, "\n"]);
    for (name, value) in headers {
        push(&[name, ": ", value, "\n"]);
    }
    if !headers.is_empty() {
        push(&["\n"]);
    }
    for line in body.as_bytes().chunks(COLUMNS) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    for part in [END, label, DASHES, "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    out
}

fn begin_label(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(BEGIN.as_bytes())?.strip_suffix(DASHES.as_bytes())
}

fn block(label: &[u8], end: &[u8], lines: &[&[u8]]) -> Result<PemBlock, CryptoError> {
    let closes = end.strip_prefix(END.as_bytes()).and_then(|rest| rest.strip_suffix(DASHES.as_bytes()));
    if closes != Some(label) {
        return Err(CryptoError::malformed("PEM", "end does not match begin"));
    }
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(_) => Err(CryptoError::malformed("PEM", "not UTF-8")),
    };
    let mut headers = Vec::new();
    let mut lines = lines.iter().peekable();
    while let Some(colon) = lines.peek().and_then(|line| colon_in(line)) {
        let Some((name, value)) = lines.next().and_then(|line| line.split_at_checked(colon)) else {
            break;
        };
        headers.push((text(name)?, text(value.strip_prefix(b":").unwrap_or(value))?));
    }
    let mut base64 = Zeroizing::new(Vec::with_capacity(lines.clone().map(|l| l.len()).sum()));
    for line in lines {
        base64.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
    }
    let contents = BASE64.decode(&base64).map_err(|_| CryptoError::malformed("PEM", "not base64"))?;
    Ok(PemBlock { label: text(label)?, headers, contents: Zeroizing::new(contents) })
}

fn colon_in(line: &[u8]) -> Option<usize> {
    line.iter().position(|&byte| byte == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &[u8] = b"-----BEGIN PRIVATE KEY-----\ngun: localhost:5000/x\nrole: snapshot\n\nAAEC\n-----END PRIVATE KEY-----\n";

    #[test]
    fn headers_read_and_write_byte_for_byte() {
        let blocks = PemBlock::read_all(STORED);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].header("gun"), Some("localhost:5000/x"));
        assert_eq!(blocks[0].contents.as_slice(), [0, 1, 2]);
        assert_eq!(blocks[0].to_text().unwrap().as_slice(), STORED);
    }

    #[test]
    fn headers_are_written_in_alphabetical_order() {
        let mut block = PemBlock::new("X", Zeroizing::new(vec![0; 49]));
        block.headers = vec![("role".into(), "a".into()), ("gun".into(), "b".into())];
        let text = String::from_utf8(block.to_text().unwrap().to_vec()).unwrap();
        let expected =
            format!("-----BEGIN X-----\ngun: b\nrole: a\n\n{}\nAA==\n-----END X-----\n", "A".repeat(64));
        assert_eq!(text, expected);
    }

    #[test]
    fn values_that_would_not_read_back_are_refused() {
        for (name, value) in [("role", "a\nb"), ("a:b", "c"), ("role", " a"), ("ro\rle", "a")] {
            let mut block = PemBlock::new("X", Zeroizing::new(vec![]));
            block.headers = vec![(name.into(), value.into())];
            assert!(block.to_text().is_err(), "{name:?} {value:?}");
        }
        assert!(PemBlock::new("A\nB", Zeroizing::default()).to_text().is_err());
    }

    #[test]
    fn junk_and_broken_blocks_do_not_hide_sound_ones() {
        let text = b"hello\r\n-----BEGIN A-----\nAA\n-----BEGIN B-----\r\nAA==\r\n-----END B-----\r\n\
            -----BEGIN C-----\n!\n-----END C-----\n-----BEGIN D-----\nAA==\n-----END E-----\n\
            -----BEGIN F-----\n-----END F-----\n-----BEGIN G-----\n";
        let read: Vec<_> = PemBlock::blocks(text).map(|block| block.map(|block| block.label).ok()).collect();
        let (b, f) = (Some("B".to_owned()), Some("F".to_owned()));
        assert_eq!(read, [None, b, None, None, f, None]);
    }

    #[test]
    fn debug_does_not_show_the_contents() {
        let block = PemBlock::new("X", Zeroizing::new(vec![123; 4]));
        assert!(!format!("{block:?}").contains("123"));
    }

    #[test]
    fn many_begins_are_read_in_linear_time() {
        let text = "-----BEGIN A-----\n".repeat(60_000);
        assert_eq!(PemBlock::blocks(text.as_bytes()).count(), 60_000);
    }
}
