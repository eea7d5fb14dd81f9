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
