//! Where a reply's body ends.
//!
//! RFC 9112 section 6 leaves room for bodies that end with the connection and for two lengths in
//! one head; both would let a cut or smuggled body pass for a whole one (TE-04, TE-11).

#[cfg(not(feature = "http-blocking"))]
use reqwest::{
    Version,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, TRANSFER_ENCODING},
};
#[cfg(feature = "http-blocking")]
use ureq::http::{
    HeaderMap, Version,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING},
};

use super::TransportError;

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

/// The announced length; `None` for a chunked body.
pub(super) fn announced(headers: &HeaderMap, version: Version) -> Result<Option<u64>, &'static str> {
    if let Some(encoding) = only(headers, &CONTENT_ENCODING)?
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return Err("the body is compressed, which was not asked for");
    }
    let length = only(headers, &CONTENT_LENGTH)?;
    let coding = only(headers, &TRANSFER_ENCODING)?;
    match (length, coding) {
        (Some(length), None) => length.trim().parse().map(Some).map_err(|_| "the length is no number"),
        (None, Some(coding))
            if coding.trim().eq_ignore_ascii_case("chunked") && version == Version::HTTP_11 =>
        {
            Ok(None)
        }
        (None, Some(_)) => Err("the transfer coding is not chunked"),
        (Some(_), Some(_)) => Err("the body has a length and a transfer coding"),
        // Above, frames have ends of their own.
        (None, None) if version > Version::HTTP_11 => Ok(None),
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
