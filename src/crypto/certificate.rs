//! A certificate binds a key to one common name for a time; what Notary asks of it is read once,
//! strictly, when it is parsed (RFC 5280 section 4.1; PX5-03, PX5-06, PX5-07).

use super::asn1;
use super::error::{CertificateError, CryptoError};
use super::key_material::{RSA_MIN_BITS, Spki};
use super::pem::PemBlock;
use super::public_key::PublicKey;
use super::scheme::KeyKind;
use der::asn1::{AnyRef, Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Decode, Encode, Tag, Tagged};
use std::time::SystemTime;
use x509_cert::TbsCertificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage};

pub(super) const LABEL: &str = "CERTIFICATE";
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Signature algorithms over hashes that no longer protect anything.
const WEAK_SIGNATURES: [(&str, &str); 7] = [
    ("1.2.840.113549.1.1.2", "MD2 with RSA"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.3.14.3.2.29", "SHA-1 with RSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
    ("1.3.14.3.2.27", "SHA-1 with DSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
];

/// One parsed X.509 certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    common_name: Option<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    is_ca: bool,
    extended_key_usages: Vec<String>,
    signature_algorithm: String,
    subject_public_key_info: Vec<u8>,
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] for anything but one certificate in strict DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let tbs = certificate.tbs_certificate();
        if tbs.signature() != certificate.signature_algorithm() {
            return Err(malformed("two different signature algorithms"));
        }
        let basic = tbs.get_extension::<BasicConstraints>().map_err(malformed)?;
        let usage = tbs.get_extension::<ExtendedKeyUsage>().map_err(malformed)?;
        let usages = usage.map(|(_, usage)| usage.0).unwrap_or_default();
        let spki = tbs.subject_public_key_info();
        Ok(Self {
            der: der.to_vec(),
            common_name: common_name(tbs),
            not_before: system_time(tbs.validity().not_before)?,
            not_after: system_time(tbs.validity().not_after)?,
            is_ca: basic.is_some_and(|(_, basic)| basic.ca),
            extended_key_usages: usages.iter().map(ToString::to_string).collect(),
            signature_algorithm: certificate.signature_algorithm().oid.to_string(),
            subject_public_key_info: spki.to_der().map_err(malformed)?,
        })
    }

    /// Reads PEM with a single certificate in it.
    ///
    /// # Errors
    /// [`CertificateError`] if there is none, more than one, a block of another type, or the
    /// certificate is malformed.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let mut certificates = Self::all_in_pem(pem)?;
        match (certificates.pop(), certificates.len()) {
            (None, _) => Err(CertificateError::Empty),
            (Some(certificate), 0) => Ok(certificate),
            (Some(_), others) => Err(CertificateError::NotSingle { count: others + 1 }),
        }
    }

    /// Every certificate of a PEM file, a file of authorities for example.
    ///
    /// # Errors
    /// As [`Certificate::from_pem`], save that any number but none is right.
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let certificates = Self::all_in_pem(pem)?;
        if certificates.is_empty() {
            return Err(CertificateError::Empty);
        }
        Ok(certificates)
    }

    /// The certificate that gives an x509 key its key: the first block without headers that can be
    /// read; others are passed over.
    pub(super) fn first_in_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let mut problem = CertificateError::Empty;
        for block in PemBlock::blocks(pem).flatten() {
            if block.label != LABEL || !block.headers.is_empty() {
                continue;
            }
            match Self::from_der(&block.contents) {
                Ok(certificate) => return Ok(certificate),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    fn all_in_pem(pem: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let blocks = PemBlock::blocks(pem).flatten();
        blocks
            .map(|block| match block.label.as_str() {
                LABEL => Self::from_der(&block.contents),
                _ => Err(CertificateError::NotACertificate { label: block.label.clone() }),
            })
            .collect()
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject's common name, if there is exactly one and it is plain text; a certificate with
    /// several names is ambiguous and has none.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// Begin of validity.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// End of validity, itself included.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Whether the certificate says of itself that it is a CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.is_ca
    }

    /// Object identifiers of the extended key usages, in dotted form; empty if there are none.
    #[must_use]
    pub fn extended_key_usages(&self) -> &[String] {
        &self.extended_key_usages
    }

    /// The key inside, plain. An algorithm that Notary does not know gives a key of unknown kind.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let spki = &self.subject_public_key_info;
        let kind = match Spki::from_der(spki).map(|spki| spki.algorithm) {
            Ok(asn1::EC_PUBLIC_KEY) => KeyKind::Ecdsa,
            Ok(asn1::RSA_ENCRYPTION) => KeyKind::Rsa,
            Ok(other) => KeyKind::Unknown(other.to_string()),
            Err(_) => KeyKind::Unknown(String::new()),
        };
        PublicKey::new(kind, spki.clone())
    }

    /// Refuses broken hashes and RSA keys that are too small.
    ///
    /// # Errors
    /// [`CertificateError::WeakSignature`] or [`CertificateError::KeyTooSmall`].
    pub fn check_algorithm(&self) -> Result<(), CertificateError> {
        let weak = WEAK_SIGNATURES.iter().find(|(oid, _)| *oid == self.signature_algorithm);
        if let Some(&(_, algorithm)) = weak {
            return Err(CertificateError::WeakSignature { algorithm });
        }
        match self.public_key().material() {
            Err(&CryptoError::RsaModulusSize { bits, min, .. }) if bits < RSA_MIN_BITS => {
                Err(CertificateError::KeyTooSmall { bits, min })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }
}

fn common_name(tbs: &TbsCertificate) -> Option<String> {
    let mut names = tbs.subject().iter().filter(|name| name.oid == COMMON_NAME);
    let name = names.next()?;
    if names.next().is_some() {
        return None;
    }
    let value = AnyRef::from(&name.value);
    let text = match value.tag() {
        Tag::PrintableString => value.decode_as::<PrintableStringRef<'_>>().ok()?.as_str(),
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok()?.as_str(),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().ok()?.as_str(),
        _ => return None,
    };
    (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
}

fn system_time(time: x509_cert::time::Time) -> Result<SystemTime, CertificateError> {
    SystemTime::UNIX_EPOCH
        .checked_add(time.to_unix_duration())
        .ok_or_else(|| malformed("a date out of range"))
}

fn malformed(reason: impl ToString) -> CertificateError {
    CertificateError::Malformed { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use std::time::Duration;

    #[test]
    fn reads_what_notary_made() {
        let key = testing::notary_root();
        let certificate = key.certificate().unwrap();
        assert_eq!(certificate.common_name(), Some("example.com/one"));
        assert_eq!(certificate.extended_key_usages(), ["1.3.6.1.5.5.7.3.3"]);
        assert!(!certificate.is_ca());
        let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_486_889);
        assert_eq!(certificate.not_before(), begin);
        let end = begin + Duration::from_secs(3_650 * 86_400);
        assert_eq!(certificate.not_after(), end);
        assert_eq!(certificate.check_algorithm(), Ok(()));
        assert_eq!(certificate.public_key().kind(), &KeyKind::Ecdsa);
    }

    #[test]
    fn broken_hashes_and_small_keys_are_refused() {
        let sha1 = Certificate::from_pem(testing::LEAF_SHA1).unwrap();
        let algorithm = "SHA-1 with ECDSA";
        let weak = CertificateError::WeakSignature { algorithm };
        assert_eq!(sha1.check_algorithm(), Err(weak));
        let small = Certificate::from_pem(testing::RSA_1024_CERTIFICATE).unwrap();
        let (bits, min) = (1024, 2048);
        let too_small = CertificateError::KeyTooSmall { bits, min };
        assert_eq!(small.check_algorithm(), Err(too_small));
    }

    #[test]
    fn several_common_names_are_none() {
        let certificate = Certificate::from_pem(testing::LEAF_TWO_NAMES).unwrap();
        assert_eq!(certificate.common_name(), None);
    }

    #[test]
    fn a_common_name_is_plain_text() {
        let name = |tag: u8, value: &[u8]| {
            let mut der = Certificate::from_pem(testing::LEAF).unwrap().der;
            let at = der.windows(15).position(|w| w == b"example.com/app").unwrap();
            der[at - 2] = tag;
            der[at..at + value.len()].copy_from_slice(value);
            let certificate = Certificate::from_der(&der).unwrap();
            certificate.common_name().map(str::to_owned)
        };
        let printable = name(0x13, b"example");
        assert_eq!(printable.as_deref(), Some("example.com/app"));
        assert_eq!(name(0x16, b"example"), printable);
        assert_eq!(name(0x0c, b"example"), printable);
        // TeletexString and BMPString, a NUL, bytes outside the type's alphabet.
        assert_eq!(name(0x14, b"example"), None);
        assert_eq!(name(0x1e, b"example"), None);
        assert_eq!(name(0x0c, b"exa\0ple"), None);
        assert_eq!(name(0x13, b"ex*mple"), None);
    }

    #[test]
    fn the_algorithm_inside_and_outside_must_agree() {
        let mut der = Certificate::from_pem(testing::LEAF).unwrap().der;
        let ecdsa_sha256 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
        let outside = der.windows(8).rposition(|w| w == ecdsa_sha256).unwrap();
        der[outside + 7] = 3;
        assert!(Certificate::from_der(&der).is_err());
    }

    #[test]
    fn der_is_strict() {
        let der = Certificate::from_pem(testing::LEAF).unwrap().der;
        assert!(Certificate::from_der(&[&der[..], &[0]].concat()).is_err());
        assert!(Certificate::from_der(&der[..der.len() - 1]).is_err());
        let mut indefinite = der.clone();
        indefinite[1] = 0x80;
        assert!(Certificate::from_der(&indefinite).is_err());
    }

    #[test]
    fn no_prefix_and_no_flipped_byte_panics() {
        let der = Certificate::from_pem(testing::RSA_CERTIFICATE).unwrap().der;
        for at in 0..der.len() {
            let _ = Certificate::from_der(&der[..at]);
            for value in [0x00, 0x30, 0x7f, 0x80, 0xff] {
                let mut altered = der.clone();
                altered[at] = value;
                if let Ok(certificate) = Certificate::from_der(&altered) {
                    let _ = certificate.check_algorithm();
                }
            }
        }
    }

    #[test]
    fn a_single_certificate_is_single() {
        let two = [testing::LEAF, testing::CA].concat();
        let count = 2;
        assert_eq!(Certificate::from_pem(&two), Err(CertificateError::NotSingle { count }));
        assert_eq!(Certificate::from_pem(b""), Err(CertificateError::Empty));
        assert_eq!(Certificate::all_from_pem(&two).unwrap().len(), 2);
    }
}
