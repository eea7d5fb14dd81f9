//! A pin by authority holds when a path of valid signatures leads from the leaf over the bundle's
//! CA certificates to that authority (RFC 5280 section 6; PX5-08 to PX5-11).
//!
//! The reference asks every leaf for the server-authentication usage, which the code-signing
//! certificates that it makes itself lack. Here either will do, as will none or any.

use super::bundle::{self, CertificateBundle};
use super::certificate::Certificate;
use super::error::CertificateError;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::{SystemTime, UNIX_EPOCH};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter,
    KeyUsage, RequiredEkuNotFoundContext,
};

/// 1.3.6.1.5.5.7.3.1 in DER.
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// 1.3.6.1.5.5.7.3.3 in DER.
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
/// 2.5.29.37.0 in DER.
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0];

/// Checks that a path leads from the bundle's leaf to one of `authorities` at `now`.
///
/// # Errors
/// [`CertificateError::NoUsableAuthority`] if no authority is a CA, in date and strong enough;
/// [`CertificateError::NoPath`] if none is reached, or the effort that a path may cost is used up.
pub fn chains_to(
    bundle: &CertificateBundle,
    authorities: &[Certificate],
    now: SystemTime,
) -> Result<(), CertificateError> {
    let time = now.duration_since(UNIX_EPOCH).map_err(no_path)?;
    let usable: Vec<CertificateDer<'_>> = authorities
        .iter()
        .filter(|ca| ca.is_ca() && bundle::check(ca, now, true).is_ok())
        .map(|ca| CertificateDer::from(ca.der()))
        .collect();
    let anchors: Vec<TrustAnchor<'_>> =
        usable.iter().filter_map(|ca| webpki::anchor_from_trusted_cert(ca).ok()).collect();
    if anchors.is_empty() {
        let offered = authorities.len();
        return Err(CertificateError::NoUsableAuthority { offered });
    }
    let intermediates: Vec<CertificateDer<'_>> =
        bundle.intermediates().iter().map(|ca| CertificateDer::from(ca.der())).collect();
    let leaf = CertificateDer::from(bundle.leaf().der());
    let leaf = EndEntityCert::try_from(&leaf).map_err(no_path)?;
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &intermediates,
        UnixTime::since_unix_epoch(time),
        SigningUsage,
        None,
        None,
    )
    .map(|_| ())
    .map_err(no_path)
}

/// Accepts certificates without usages and those that name one of ours.
struct SigningUsage;

impl ExtendedKeyUsageValidator for SigningUsage {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let accepted = [SERVER_AUTH, CODE_SIGNING, ANY_USAGE].map(KeyPurposeId::new);
        let mut is_empty = true;
        for usage in iter {
            let usage = usage?;
            if accepted.contains(&usage) {
                return Ok(());
            }
            is_empty = false;
        }
        if is_empty {
            return Ok(());
        }
        Err(webpki::Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext {
            required: KeyUsage::required(CODE_SIGNING),
            present: Vec::new(),
        }))
    }
}

fn no_path(reason: impl ToString) -> CertificateError {
    CertificateError::NoPath { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, CA, INTERMEDIATE, LEAF};
    use super::*;
    use std::time::Duration;

    fn check(parts: &[&[u8]], authorities: &[&[u8]]) -> Result<(), CertificateError> {
        let bundle = CertificateBundle::parse(&parts.concat()).unwrap();
        let now = bundle.leaf().not_before() + Duration::from_secs(60);
        check_at(&bundle, authorities, now)
    }

    fn check_at(
        bundle: &CertificateBundle,
        authorities: &[&[u8]],
        now: SystemTime,
    ) -> Result<(), CertificateError> {
        let authorities = authorities.iter().map(|pem| Certificate::from_pem(pem));
        let authorities: Vec<_> = authorities.collect::<Result<_, _>>().unwrap();
        chains_to(bundle, &authorities, now)
    }

    fn is_no_path(result: &Result<(), CertificateError>) -> bool {
        matches!(result, Err(CertificateError::NoPath { .. }))
    }

    #[test]
    fn a_path_over_intermediates_is_found() {
        assert_eq!(check(&[LEAF, INTERMEDIATE], &[CA]), Ok(()));
        assert_eq!(check(&[LEAF], &[INTERMEDIATE]), Ok(()));
        assert!(is_no_path(&check(&[LEAF], &[CA])));
    }

    #[test]
    fn usages_for_signing_and_servers_and_none_will_do() {
        for leaf in [testing::LEAF_SERVER, testing::LEAF_NO_USAGE] {
            assert_eq!(check(&[leaf, INTERMEDIATE], &[CA]), Ok(()));
        }
        assert!(is_no_path(&check(&[testing::LEAF_EMAIL, INTERMEDIATE], &[CA])));
    }

    #[test]
    fn an_unknown_critical_extension_is_refused() {
        let leaf = testing::LEAF_CRITICAL;
        assert!(is_no_path(&check(&[leaf, INTERMEDIATE], &[CA])));
    }

    #[test]
    fn an_authority_that_signed_nothing_is_refused() {
        let root = testing::RSA_CERTIFICATE;
        let offered = 1;
        let refused = Err(CertificateError::NoUsableAuthority { offered });
        assert_eq!(check(&[LEAF], &[root]), refused);
        assert!(is_no_path(&check(&[testing::RSA_CERTIFICATE], &[CA])));
    }

    #[test]
    fn a_path_has_its_time() {
        let bundle = CertificateBundle::parse(&[LEAF, INTERMEDIATE].concat()).unwrap();
        let late = bundle.leaf().not_after() + Duration::from_secs(1);
        assert!(is_no_path(&check_at(&bundle, &[CA], late)));
        let no_authority = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 33);
        let result = check_at(&bundle, &[CA], no_authority);
        assert!(matches!(result, Err(CertificateError::NoUsableAuthority { .. })));
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert!(check_at(&bundle, &[CA], before).is_err());
    }

    /// Every copy of the intermediate is a path of its own to a namesake that signed none (PX5-09).
    #[test]
    fn the_effort_for_many_paths_is_bounded() {
        let parts: Vec<&[u8]> = std::iter::once(LEAF).chain(std::iter::repeat_n(INTERMEDIATE, 500)).collect();
        let result = check(&parts, &[testing::CA_NAMESAKE]);
        let Err(CertificateError::NoPath { reason }) = result else {
            panic!("a path to a namesake: {result:?}");
        };
        assert!(reason.contains("Maximum"), "{reason}");
    }

    #[test]
    fn an_altered_leaf_has_no_path() {
        let mut der = Certificate::from_pem(LEAF).unwrap().der().to_vec();
        let at = der.windows(11).position(|w| w == b"example.com").unwrap();
        der[at] = b'E';
        let altered = super::super::pem::plain_text("CERTIFICATE", &der);
        assert!(is_no_path(&check(&[&altered, INTERMEDIATE], &[CA])));
    }
}
