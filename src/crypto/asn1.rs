//! DER is written in one place, without growing a buffer that may hold a secret (X.690).

use der::asn1::ObjectIdentifier;

pub(super) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// Ed25519 as RFC 8410 names it.
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Ed25519 as Notary names it.
pub(super) const ED25519_NOTARY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.15.1");
pub(super) const P224: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.33");
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(super) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
pub(super) const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

pub(super) const TAG_INTEGER: u8 = 0x02;
pub(super) const TAG_BIT_STRING: u8 = 0x03;
pub(super) const TAG_OCTET_STRING: u8 = 0x04;
pub(super) const TAG_OID: u8 = 0x06;
pub(super) const TAG_SEQUENCE: u8 = 0x30;
pub(super) const NULL: &[u8] = &[0x05, 0x00];

/// One element: tag, length, and the parts one after the other as its content.
///
/// The buffer gets its final size at once, so that no copy of a secret stays behind.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 10);
    out.push(tag);
    push_length(&mut out, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

pub(super) fn oid(oid: ObjectIdentifier) -> Vec<u8> {
    element(TAG_OID, &[oid.as_bytes()])
}

/// A non-negative INTEGER from big-endian bytes of any width.
pub(super) fn unsigned(big_endian: &[u8]) -> Vec<u8> {
    let magnitude = strip_leading_zeros(big_endian);
    let needs_zero = magnitude.first().is_none_or(|&first| first >= 0x80);
    let sign: &[u8] = if needs_zero { &[0] } else { &[] };
    element(TAG_INTEGER, &[sign, magnitude])
}

pub(super) fn strip_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let significant = strip_leading_zeros(&bytes);
            // A usize has at most eight bytes, so the count always fits beside the flag.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
            out.extend_from_slice(significant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_short_and_long_lengths() {
        assert_eq!(element(TAG_OCTET_STRING, &[b"ab", b"c"]), b"\x04\x03abc");
        let long = element(TAG_OCTET_STRING, &[&[7; 128]]);
        assert_eq!(long[..3], [0x04, 0x81, 0x80]);
        let longer = element(TAG_OCTET_STRING, &[&[7; 300]]);
        assert_eq!(longer[..4], [0x04, 0x82, 0x01, 0x2c]);
    }

    #[test]
    fn integers_are_minimal_and_never_negative() {
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }
}
