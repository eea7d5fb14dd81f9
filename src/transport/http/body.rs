//! A reply's body as ureq reads it: plain, with an end that can be told, within its cap, and not too
//! slow.

use std::{
    io::{self, Read},
    time::Instant,
};

use ureq::http::response::Parts;

use super::{
    Timeouts, TransportError,
    framing::{self, Unfit},
    pace::Pace,
    patience,
    status::shorten,
};

/// Reads a body. Yields at most one byte more than allowed, so that the caller sees the excess.
pub(super) struct Body {
    inner: ureq::BodyReader<'static>,
    left: u64,
    pace: Pace,
    broken: bool,
}

impl Body {
    pub(super) fn new(head: &Parts, body: ureq::Body, max: u64, timeouts: &Timeouts) -> Result<Self, Unfit> {
        let length = framing::announced(&head.headers, head.version).map_err(Unfit::Framing)?;
        if length.is_some_and(|length| length > max) {
            return Err(Unfit::TooLarge);
        }
        let left = max.saturating_add(1);
        Ok(Self { inner: body.into_reader(), left, pace: Pace::new(timeouts), broken: false })
    }

    /// What can be read within the cap, whatever happens.
    pub(super) fn read_leniently(mut self) -> Vec<u8> {
        let mut content = Vec::new();
        let _ = self.read_to_end(&mut content);
        content
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::Error::other("the body broke off before"));
        }
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the body is longer than allowed"));
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..room).unwrap_or_default();
        let start = Instant::now();
        let outcome = patience::until(start.checked_add(self.pace.patience()), || self.inner.read(buffer))
            .and_then(|read| self.pace.account(read, start.elapsed()).map(|()| read));
        match outcome {
            Ok(read) => {
                self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
                Ok(read)
            }
            Err(e) => {
                self.broken = e.kind() != io::ErrorKind::Interrupted;
                Err(translate(e))
            }
        }
    }
}

/// The error of a caller who read the body.
pub(super) fn failure(what: &str, error: &io::Error) -> TransportError {
    let what = what.to_owned();
    match error.kind() {
        io::ErrorKind::TimedOut => TransportError::Timeout { what, phase: "body" },
        _ => TransportError::Connection { what, reason: error.to_string() },
    }
}

fn translate(error: io::Error) -> io::Error {
    let timed_out = |why: String| io::Error::new(io::ErrorKind::TimedOut, why);
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(ureq::Error::Timeout(_)) => timed_out("no byte of the body came in time".to_owned()),
        Some(inner) => io::Error::new(io::ErrorKind::InvalidData, shorten(&inner.to_string())),
        None if error.kind() == io::ErrorKind::WouldBlock => timed_out(error.to_string()),
        None => error,
    }
}
