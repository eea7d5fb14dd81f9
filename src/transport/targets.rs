//! How the content of targets reaches us (TUF specification 1.0.34 section 5.7).
//!
//! As with metadata, what arrives is not believed: whoever asked counts the bytes and compares the
//! digests. Content is streamed, for a target may be larger than memory.

use std::{fmt::Debug, io, io::Read};

use super::{Blocking, BoxFuture, TransportError};

/// Most bytes that a blocking transport's body hands over at once.
const CHUNK: usize = 64 << 10;

/// Carries targets, blocking.
///
/// Implementers run `testkit::suite::target_transport` against their transport.
pub trait TargetTransport: Debug + Send + Sync {
    /// Asks for one target. `path` is where it lies below the repository's targets, with `/`
    /// between segments, and with its hash prefix where the repository has those. It comes from
    /// metadata: the adapter sees to it that no path leaves the repository. The caller reads at most
    /// `max` bytes; an adapter that learns of a larger length beforehand refuses early. The reader
    /// must fail when the content ends before the announced length.
    ///
    /// # Errors
    /// [`TransportError::NotFound`] only when the server said so, [`TransportError::Path`] for a
    /// path that is not asked for; anything else means that the question was not answered.
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError>;
}

/// Carries targets, asynchronously. Dropping a future or a body abandons the request.
///
/// Implementers run `testkit::suite::async_target_transport` against their transport.
pub trait AsyncTargetTransport: Debug + Send + Sync {
    /// Asks for one target: see [`TargetTransport::fetch_target`]. The body hands over at most one
    /// chunk that goes beyond `max`, or fails there with [`TransportError::TooLarge`]; it never ends
    /// at `max` bytes or less when there are more.
    ///
    /// # Errors
    /// As the blocking transport's.
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>>;
}

/// The content of a target on its way.
pub trait TargetBody: Send {
    /// The next bytes, of which there are some and not many: tens or hundreds of KiB; `None` at the
    /// end.
    ///
    /// # Errors
    /// The content ended before the announced length, a time-out ran out, the connection broke. There
    /// is nothing to be had after that.
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>>;
}

impl<T: TargetTransport + ?Sized> TargetTransport for Box<T> {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        (**self).fetch_target(path, max)
    }
}

impl<T: AsyncTargetTransport + ?Sized> AsyncTargetTransport for Box<T> {
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>> {
        (**self).fetch_target(path, max)
    }
}

impl<T: TargetTransport> AsyncTargetTransport for Blocking<T> {
    fn fetch_target<'a>(
        &'a self,
        path: &'a str,
        max: u64,
    ) -> BoxFuture<'a, Result<Box<dyn TargetBody>, TransportError>> {
        Box::pin(async move { Ok(in_chunks(self.0.fetch_target(path, max)?, path, max)) })
    }
}

/// A reader as an asynchronous body, which blocks the thread that polls it.
pub(super) fn in_chunks(reader: Box<dyn Read + Send>, path: &str, max: u64) -> Box<dyn TargetBody> {
    // One byte more than allowed tells a target at the limit from one above it.
    let reader = reader.take(max.saturating_add(1));
    Box::new(Chunks { reader, what: shown(path), is_broken: false })
}

struct Chunks {
    reader: io::Take<Box<dyn Read + Send>>,
    what: String,
    is_broken: bool,
}

impl Chunks {
    fn next(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let mut chunk = vec![0; CHUNK];
        let read = loop {
            match self.reader.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            _ if self.is_broken => {
                let reason = "the content broke off before".to_owned();
                Err(TransportError::Connection { what: self.what.clone(), reason })
            }
            Ok(0) => Ok(None),
            Ok(read) => {
                chunk.truncate(read);
                Ok(Some(chunk))
            }
            Err(error) => {
                self.is_broken = true;
                Err(TransportError::from_body(self.what.clone(), &error))
            }
        }
    }
}

impl TargetBody for Chunks {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>> {
        Box::pin(async move { self.next() })
    }
}

/// The segments of a target's path. Those that mean "here" or "above" in a URL or in a file system
/// are refused: they would lead elsewhere than they say (PT-05).
pub(super) fn segments(path: &str) -> Result<impl Iterator<Item = &str>, TransportError> {
    let refuse = |reason| Err(TransportError::Path { path: path.to_owned(), reason });
    if path.is_empty() {
        return refuse("it is empty");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return refuse("it has a segment . or ..");
    }
    Ok(path.split('/'))
}

/// A path as messages show it: short, and without what a terminal would obey.
pub(super) fn shown(path: &str) -> String {
    const SHOWN: usize = 200;
    let mut chars = path.chars();
    let mut shown: String = chars.by_ref().take(SHOWN).flat_map(char::escape_debug).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pt_05_paths_that_lead_elsewhere_than_they_say_are_refused() {
        for path in ["", ".", "..", "../x", "a/../x", "a/..", "./a", "a/./b", "/.."] {
            assert!(matches!(segments(path), Err(TransportError::Path { .. })), "{path}");
        }
        for path in ["a", "a/b", "...", "..a/b..", "%2e%2e", "//host/x", "a#b?c", "a\\..\\b"] {
            assert_eq!(segments(path).unwrap().collect::<Vec<_>>().join("/"), path);
        }
    }
}
