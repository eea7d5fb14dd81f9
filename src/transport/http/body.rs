//! A reply's body: plain, with an end that can be told, within its cap, and not too slow.
//!
//! RFC 9112 section 6 leaves room for bodies that end with the connection and for two lengths in
//! one head; both would let a cut or smuggled body pass for a whole one (TE-04, TE-11).

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use ureq::http::{
    HeaderMap, Version,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING},
    response::Parts,
};

use super::{Timeouts, TransportError, patience, status::shorten};

/// Reads a body. Yields at most one byte more than allowed, so that the caller sees the excess.
pub(super) struct Body {
    inner: ureq::BodyReader<'static>,
    left: u64,
    pace: Pace,
    broken: bool,
}

/// Why a body is not even begun.
pub(super) enum Unfit {
    TooLarge,
    Framing(&'static str),
}

impl Unfit {
    pub(super) fn explain(self, what: &str, max: u64) -> TransportError {
        let what = what.to_owned();
        match self {
            Self::TooLarge => TransportError::TooLarge { what, limit: max },
            Self::Framing(reason) => TransportError::Connection { what, reason: reason.to_owned() },
        }
    }
}

impl Body {
    pub(super) fn new(head: &Parts, body: ureq::Body, max: u64, timeouts: &Timeouts) -> Result<Self, Unfit> {
        let length = announced(head).map_err(Unfit::Framing)?;
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

/// Counts bytes against the time that was spent waiting for them; the caller's own time is free.
struct Pace {
    idle: Duration,
    window: Duration,
    /// Bytes that a full window must bring.
    quota: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(timeouts: &Timeouts) -> Self {
        let Timeouts { idle, window, .. } = *timeouts;
        Self { idle, window, quota: timeouts.quota(), waited: Duration::ZERO, bytes: 0 }
    }

    /// How long the next byte may take.
    fn patience(&self) -> Duration {
        let window =
            if self.bytes < self.quota { self.window - self.waited.min(self.window) } else { self.window };
        if self.quota == 0 { self.idle } else { self.idle.min(window) }
    }

    fn account(&mut self, read: usize, elapsed: Duration) -> io::Result<()> {
        self.waited = self.waited.saturating_add(elapsed);
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if read == 0 || self.waited < self.window {
            return Ok(());
        }
        if self.bytes < self.quota {
            let (bytes, waited, quota) = (self.bytes, self.waited, self.quota);
            let slow = format!("the body is too slow: {bytes} bytes in {waited:?}, expected {quota}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, slow));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

/// The announced length; `None` for a chunked body.
fn announced(head: &Parts) -> Result<Option<u64>, &'static str> {
    if let Some(encoding) = only(&head.headers, &CONTENT_ENCODING)?
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return Err("the body is compressed, which was not asked for");
    }
    let length = only(&head.headers, &CONTENT_LENGTH)?;
    let coding = only(&head.headers, &TRANSFER_ENCODING)?;
    match (length, coding) {
        (Some(length), None) => length.trim().parse().map(Some).map_err(|_| "the length is no number"),
        (None, Some(coding))
            if coding.trim().eq_ignore_ascii_case("chunked") && head.version == Version::HTTP_11 =>
        {
            Ok(None)
        }
        (None, Some(_)) => Err("the transfer coding is not chunked"),
        (Some(_), Some(_)) => Err("the body has a length and a transfer coding"),
        (None, None) => Err("the body has no length, so that its end can't be told from a broken connection"),
    }
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err("a header that describes the body occurs twice");
    }
    value.to_str().map(Some).map_err(|_| "a header that describes the body is no text")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(idle: u64, quota_per_second: u64) -> Pace {
        Pace::new(&Timeouts {
            idle: Duration::from_secs(idle),
            min_bytes_per_second: quota_per_second,
            window: Duration::from_secs(10),
            ..Timeouts::default()
        })
    }

    #[test]
    fn a_window_without_its_quota_is_a_time_out() {
        let mut pace = pace(10, 100);
        for _ in 0..9 {
            pace.account(50, Duration::from_secs(1)).unwrap();
        }
        assert_eq!(pace.patience(), Duration::from_secs(1), "what the window has left");
        let error = pace.account(50, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_window_with_its_quota_begins_a_new_one() {
        let mut pace = pace(10, 100);
        for _ in 0..35 {
            pace.account(100, Duration::from_secs(1)).unwrap();
        }
        assert_eq!(pace.patience(), Duration::from_secs(5));
        pace.account(0, Duration::from_secs(9)).expect("the end needs no quota");
    }

    #[test]
    fn a_quota_of_nothing_leaves_the_idle_time() {
        let mut pace = pace(60, 0);
        pace.account(1, Duration::from_secs(59)).unwrap();
        assert_eq!(pace.patience(), Duration::from_secs(60));
    }
}
