//! The signed envelope, common to all documents (Notary v1; TUF specification 4.2).

use std::{borrow::Cow, ops::Range};

use super::{
    Bytes, Dialect, WireError,
    json::{self, Reader},
};
use crate::{
    crypto::Scheme,
    limits::Limits,
    name::{Expiry, KeyId, Version},
};

/// A document as received, read but not verified: nothing in it may be acted upon.
#[derive(Clone, Debug)]
pub struct Envelope<T> {
    dialect: Dialect,
    bytes: Bytes,
    signed: Range<usize>,
    canonical: bool,
    signatures: Vec<Signature>,
    body: T,
}

/// One signature as received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// The key that it claims to be by.
    pub key_id: KeyId,
    /// The scheme that it claims (Notary); none when it claims none or we don't know it. The key
    /// decides whether it fits.
    pub scheme: Option<Scheme>,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// A kind of document.
///
/// Sealed: the four kinds of the specification, implemented for each dialect in this module.
pub trait Document: Sized + sealed::Syntax {
    /// Its version.
    fn version(&self) -> Version;
    /// Its expiry.
    fn expires(&self) -> Expiry;
}

pub(crate) mod sealed {
    use super::{Dialect, Limits, Reader, WireError};

    /// Reads and writes the `signed` part.
    pub trait Syntax: Sized {
        /// Reads the value strictly.
        fn read(dialect: Dialect, reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, WireError>;
        /// Appends the canonical form.
        fn write(&self, dialect: Dialect, out: &mut Vec<u8>);
    }
}

impl<T: Document> Envelope<T> {
    /// Reads a whole file strictly, in one pass.
    ///
    /// # Errors
    /// The file is no strict JSON, lacks a member, or exceeds a limit.
    pub fn read(dialect: Dialect, bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self, WireError> {
        let bytes = bytes.into();
        let mut signed = None;
        let mut signatures = None;
        let mut reader = match dialect {
            Dialect::Notary => Reader::new(&bytes)?,
            Dialect::Tuf1 => Reader::new(&bytes)?.large_integers(),
        };
        reader.structure(&["signed", "signatures"], |reader, member| {
            match member {
                "signed" => {
                    let read = reader.span(|reader| T::read(dialect, reader, limits))?;
                    let range = read.start..read.start.saturating_add(read.text.len());
                    signed = Some((read.value, range, read.canonical));
                }
                _ => signatures = Some(read_signatures(dialect, reader, limits)?),
            }
            Ok::<_, WireError>(())
        })?;
        reader.end()?;
        let (body, signed, canonical) = signed.ok_or(WireError::Missing { member: "signed" })?;
        let signatures = signatures.ok_or(WireError::Missing { member: "signatures" })?;
        Ok(Self { dialect, bytes, signed, canonical, signatures, body })
    }

    /// What the document claims.
    pub const fn body(&self) -> &T {
        &self.body
    }

    /// The signatures as received.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The file as received.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The message that signatures cover: the `signed` part as received when that is canonical,
    /// its canonical form otherwise.
    ///
    /// # Errors
    /// The part has no canonical form.
    pub fn message(&self) -> Result<Cow<'_, [u8]>, WireError> {
        let received = self.bytes.get(self.signed.clone()).unwrap_or_default();
        if self.canonical {
            return Ok(Cow::Borrowed(received));
        }
        let text = str::from_utf8(received).map_err(|_| WireError::invalid("signed", "no UTF-8"))?;
        Ok(Cow::Owned(match self.dialect {
            Dialect::Notary => json::canonicalise(text)?,
            Dialect::Tuf1 => json::canonicalise_large(text)?,
        }))
    }

    pub(crate) fn into_parts(self) -> (Bytes, T) {
        (self.bytes, self.body)
    }
}

/// The canonical form of a document: what its keys sign.
pub fn canonical<T: Document>(dialect: Dialect, body: &T) -> Vec<u8> {
    let mut out = Vec::new();
    body.write(dialect, &mut out);
    out
}

/// The file that a server gets: for Notary `canonical` in Go's wire form, with signatures by method
/// name; for TUF 1.0 canonical JSON (specification 4.2).
pub fn seal(dialect: Dialect, canonical: &[u8], signatures: &[Signature]) -> Vec<u8> {
    match dialect {
        Dialect::Notary => seal_for_go(canonical, signatures),
        Dialect::Tuf1 => super::tuf1::seal(canonical, signatures),
    }
}

fn seal_for_go(canonical: &[u8], signatures: &[Signature]) -> Vec<u8> {
    // A large file is written once and not moved while it grows.
    let mut out = Vec::with_capacity(canonical.len().saturating_add(signatures.len().saturating_mul(512)));
    out.extend(b"{\"signed\":");
    json::write_for_wire(&mut out, canonical);
    out.extend(b",\"signatures\":[");
    for (at, signature) in signatures.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend(b"{\"keyid\":");
        json::write_string(&mut out, signature.key_id.as_str());
        out.extend(b",\"method\":");
        json::write_string(&mut out, signature.scheme.map_or("", Scheme::as_notary_method));
        out.extend(b",\"sig\":\"");
        out.extend(data_encoding::BASE64.encode(&signature.bytes).bytes());
        out.extend(b"\"}");
    }
    out.extend(b"]}");
    out
}

impl Signature {
    /// A signature of our own.
    pub const fn new(key_id: KeyId, scheme: Scheme, bytes: Vec<u8>) -> Self {
        Self { key_id, scheme: Some(scheme), bytes }
    }
}

fn read_signatures(
    dialect: Dialect,
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> Result<Vec<Signature>, WireError> {
    if dialect == Dialect::Tuf1 {
        return super::tuf1::read_signatures(reader, limits);
    }
    let mut signatures = Vec::new();
    reader.array(|reader| {
        if signatures.len() >= limits.max_signatures {
            return Err(WireError::TooMany { what: "signatures", limit: limits.max_signatures });
        }
        signatures.extend(read_signature(reader)?);
        Ok(())
    })?;
    Ok(signatures)
}

/// A signature under an id that no key can have is dropped: it counts for nothing.
fn read_signature(reader: &mut Reader<'_>) -> Result<Option<Signature>, WireError> {
    let (mut key_id, mut method, mut bytes) = (None, None, None);
    reader.structure(&["keyid", "method", "sig"], |reader, member| {
        match member {
            "keyid" => key_id = Some(reader.string()?.decode().into_owned()),
            "method" => method = Some(reader.string()?.decode().into_owned()),
            _ => bytes = Some(base64(reader, "sig")?),
        }
        Ok::<_, WireError>(())
    })?;
    let key_id = key_id.ok_or(WireError::Missing { member: "keyid" })?;
    let method = method.ok_or(WireError::Missing { member: "method" })?;
    let bytes = bytes.ok_or(WireError::Missing { member: "sig" })?;
    let scheme = Scheme::from_notary_method(&method);
    Ok(KeyId::new(&key_id).ok().map(|key_id| Signature { key_id, scheme, bytes }))
}

/// Standard padded base64; Go's decoder, and so this one, skips embedded CR and LF.
pub(crate) fn base64(reader: &mut Reader<'_>, member: &'static str) -> Result<Vec<u8>, WireError> {
    let text = reader.string()?.decode();
    let text: Cow<'_, str> =
        if text.contains(['\r', '\n']) { Cow::Owned(text.replace(['\r', '\n'], "")) } else { text };
    // The decoder would take several padded texts in a row for one.
    if text.trim_end_matches('=').contains('=') {
        return Err(WireError::invalid(member, "base64 goes on behind its padding"));
    }
    data_encoding::BASE64.decode(text.as_bytes()).map_err(|error| WireError::invalid(member, error))
}
