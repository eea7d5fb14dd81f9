//! A root key is a bundle: the leaf certificate for the collection first, then the CA certificates
//! that lead to an authority (Notary v1, root validation; PX5-01, PX5-02, PX5-04, PX5-05, TP-06).

use super::certificate::{Certificate, LABEL};
use super::error::CertificateError;
use super::pem;
use std::time::{Duration, SystemTime};

/// How far a certificate's begin may lie in the future, for clocks differ.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// A leaf certificate and the CA certificates after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateBundle {
    leaf: Certificate,
    intermediates: Vec<Certificate>,
}

impl CertificateBundle {
    /// Reads PEM. Text between the blocks is passed over, as in the reference.
    ///
    /// # Errors
    /// [`CertificateError`] if a block is no certificate or malformed, if there is not exactly one
    /// that is not a CA, or if that one is not the first.
    pub fn parse(pem: &[u8]) -> Result<Self, CertificateError> {
        let certificates = Certificate::all_from_pem(pem)?;
        let count = certificates.iter().filter(|c| !c.is_ca()).count();
        if count != 1 {
            return Err(CertificateError::LeafCount { count });
        }
        let mut certificates = certificates.into_iter();
        match certificates.next() {
            Some(leaf) if !leaf.is_ca() => Ok(Self { leaf, intermediates: certificates.collect() }),
            _ => Err(CertificateError::LeafNotFirst),
        }
    }

    /// The certificate of the collection.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The CA certificates, in the order of the bundle.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// The bundle as Go writes it: 64 columns, LF, no headers. The id of a root key is over this.
    #[must_use]
    pub fn to_pem(&self) -> Vec<u8> {
        let mut out = pem::plain_text(LABEL, self.leaf.der()).to_vec();
        for certificate in &self.intermediates {
            out.extend_from_slice(&pem::plain_text(LABEL, certificate.der()));
        }
        out
    }

    /// The leaf and those CA certificates that are good at `now`; the others are dropped.
    ///
    /// `check_dates` is false for the root that was trusted before: its certificates may have
    /// expired and still vouch for their successors.
    ///
    /// # Errors
    /// [`CertificateError`] saying why the leaf is not good for the collection `gun`.
    pub fn valid_for(&self, gun: &str, now: SystemTime, check_dates: bool) -> Result<Self, CertificateError> {
        let gun_owned = || gun.to_owned();
        match self.leaf.common_name() {
            None => return Err(CertificateError::NoCommonName { gun: gun_owned() }),
            Some(common_name) if !common_name_covers(common_name, gun) => {
                return Err(CertificateError::CommonNameMismatch {
                    common_name: common_name.to_owned(),
                    gun: gun_owned(),
                });
            }
            Some(_) => {}
        }
        check(&self.leaf, now, check_dates)?;
        let good = |certificate: &&Certificate| check(certificate, now, check_dates).is_ok();
        Ok(Self {
            leaf: self.leaf.clone(),
            intermediates: self.intermediates.iter().filter(good).cloned().collect(),
        })
    }
}

/// Whether a certificate with this common name is good for a collection: the names are equal, or
/// the common name without the stars at its end is a prefix of the collection's.
///
/// A common name of stars only is refused, for it would be good for everything (TP-06).
#[must_use]
pub fn common_name_covers(cn: &str, gun: &str) -> bool {
    match cn.trim_end_matches('*') {
        "" => false,
        prefix if prefix.len() < cn.len() => gun.starts_with(prefix),
        exact => exact == gun,
    }
}

/// Algorithm and dates of one certificate.
pub(super) fn check(
    certificate: &Certificate,
    now: SystemTime,
    check_dates: bool,
) -> Result<(), CertificateError> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if not_before > not_after {
        return Err(CertificateError::DatesInverted { not_before, not_after });
    }
    certificate.check_algorithm()?;
    if !check_dates {
        return Ok(());
    }
    let latest_begin = now.checked_add(CLOCK_SKEW).unwrap_or(now);
    if not_before > latest_begin {
        return Err(CertificateError::NotYetValid { not_before, now });
    }
    if now > not_after {
        return Err(CertificateError::Expired { not_after, now });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, CA, GUN, INTERMEDIATE, LEAF, LONG_LEAF};
    use super::*;

    fn parse(parts: &[&[u8]]) -> Result<CertificateBundle, CertificateError> {
        CertificateBundle::parse(&parts.concat())
    }

    #[test]
    fn a_bundle_is_a_leaf_and_then_authorities() {
        let bundle = parse(&[LEAF, INTERMEDIATE, CA]).unwrap();
        assert_eq!(bundle.intermediates().len(), 2);
        assert_eq!(bundle.to_pem(), [LEAF, INTERMEDIATE, CA].concat());
        let count = |count| Err(CertificateError::LeafCount { count });
        assert_eq!(parse(&[LEAF, LEAF]), count(2));
        assert_eq!(parse(&[CA]), count(0));
        assert_eq!(parse(&[CA, LEAF]), Err(CertificateError::LeafNotFirst));
        assert_eq!(parse(&[b"text"]), Err(CertificateError::Empty));
        let label = "PUBLIC KEY".to_owned();
        assert_eq!(
            parse(&[LEAF, testing::P384_PUBLIC, INTERMEDIATE]),
            Err(CertificateError::NotACertificate { label })
        );
    }

    #[test]
    fn the_text_that_notary_made_is_written_byte_for_byte() {
        let key = testing::notary_root();
        assert_eq!(key.certificates().unwrap().to_pem(), key.published());
        let crlf = String::from_utf8_lossy(LEAF).replace('\n', "\r\n");
        let with_junk = ["junk\n", &crlf].concat();
        assert_eq!(parse(&[with_junk.as_bytes()]).unwrap().to_pem(), LEAF);
    }

    #[test]
    fn dates_count_to_the_second_and_not_for_the_previous_root() {
        let bundle = parse(&[LEAF, INTERMEDIATE]).unwrap();
        let (begin, end) = (bundle.leaf().not_before(), bundle.leaf().not_after());
        let second = Duration::from_secs(1);
        let valid = |now, dates| bundle.valid_for(GUN, now, dates).map(|_| ());
        assert_eq!(valid(end, true), Ok(()));
        assert_eq!(valid(begin - CLOCK_SKEW, true), Ok(()));
        let late = valid(end + second, true);
        assert!(matches!(late, Err(CertificateError::Expired { .. })));
        let early = valid(begin - CLOCK_SKEW - second, true);
        assert!(matches!(early, Err(CertificateError::NotYetValid { .. })));
        assert_eq!(valid(end + second, false), Ok(()));
        assert_eq!(valid(SystemTime::UNIX_EPOCH - second, false), Ok(()));
        assert!(valid(SystemTime::UNIX_EPOCH - second, true).is_err());
    }

    #[test]
    fn authorities_that_fail_are_dropped() {
        // The leaf of this bundle ends after its intermediate and before the CA.
        let bundle = parse(&[LONG_LEAF, INTERMEDIATE, CA]).unwrap();
        let now = bundle.intermediates()[0].not_after() + Duration::from_secs(1);
        let valid = bundle.valid_for(GUN, now, true).unwrap();
        assert_eq!(valid.intermediates(), &bundle.intermediates()[1..]);
        let previous = bundle.valid_for(GUN, now, false).unwrap();
        assert_eq!(previous, bundle);
    }

    #[test]
    fn weak_leaves_are_refused_whatever_the_dates() {
        for weak in [testing::LEAF_SHA1, testing::RSA_1024_CERTIFICATE] {
            let bundle = parse(&[weak]).unwrap();
            let now = bundle.leaf().not_before();
            assert!(bundle.valid_for(GUN, now, true).is_err());
            assert!(bundle.valid_for(GUN, now, false).is_err());
        }
    }

    #[test]
    fn the_common_name_must_be_that_of_the_collection() {
        let bundle = parse(&[LEAF]).unwrap();
        let now = bundle.leaf().not_before();
        let other = bundle.valid_for("example.com/other", now, true);
        assert!(matches!(other, Err(CertificateError::CommonNameMismatch { .. })));
        let ambiguous = parse(&[testing::LEAF_TWO_NAMES]).unwrap();
        let refused = ambiguous.valid_for("a", now, false);
        assert!(matches!(refused, Err(CertificateError::NoCommonName { .. })));
    }

    #[test]
    fn stars_at_the_end_stand_for_anything() {
        for (cn, gun, covers) in [
            ("a.io/x", "a.io/x", true),
            ("a.io/x", "a.io/xy", false),
            ("a.io/*", "a.io/x", true),
            ("a.io/x**", "a.io/xyz", true),
            ("a*", "a.io/x", true),
            ("b.io/*", "a.io/x", false),
            ("a.io/*/x", "a.io/y/x", false),
            ("*", "a.io/x", false),
            ("***", "a.io/x", false),
            ("", "", false),
            ("A.io/x", "a.io/x", false),
        ] {
            assert_eq!(common_name_covers(cn, gun), covers, "{cn} {gun}");
        }
    }
}
