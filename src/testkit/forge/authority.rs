//! Certificate authorities, for pins by authority (Notary v1; RFC 5280).

use std::{fmt, sync::Arc, time::SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
};

use super::{ForgeKey, key::must};
use crate::crypto::{Certificate, KeyKind, KeyMaterial, PemBlock, PublicKey};

/// An authority that certifies root keys, or other authorities.
#[derive(Clone)]
pub struct ForgeAuthority {
    issuer: Arc<Issuer<'static, KeyPair>>,
    /// Its certificate, then those above it without the topmost.
    chain: Vec<PemBlock>,
    certificate: Certificate,
    is_top: bool,
}

impl ForgeAuthority {
    /// A new authority that vouches for itself, with a P-256 key.
    pub fn new(name: &str, not_before: SystemTime, not_after: SystemTime) -> Self {
        let (key, params) = (must(KeyPair::generate()), authority_params(name, not_before, not_after));
        let certificate = must(params.self_signed(&key));
        Self::from_parts(Issuer::new(params, key), certificate.der(), Vec::new(), true)
    }

    /// An authority below this one.
    #[must_use]
    pub fn intermediate(&self, name: &str, not_before: SystemTime, not_after: SystemTime) -> Self {
        let (key, params) = (must(KeyPair::generate()), authority_params(name, not_before, not_after));
        let certificate = must(params.signed_by(&key, &self.issuer));
        let above = if self.is_top { Vec::new() } else { self.chain.clone() };
        Self::from_parts(Issuer::new(params, key), certificate.der(), above, false)
    }

    /// The key in a certificate by this authority for `common_name`, with the authorities between
    /// it and the topmost behind the leaf.
    ///
    /// # Panics
    /// The key is not a P-256 key.
    pub fn certify(
        &self,
        key: &ForgeKey,
        not_before: SystemTime,
        not_after: SystemTime,
        common_name: &str,
    ) -> ForgeKey {
        let mut params = params(common_name, not_before, not_after);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let leaf = must(params.signed_by(&Point::of(key), &self.issuer));
        let above = if self.is_top { &[] } else { self.chain.as_slice() };
        let blocks = std::iter::once(block(leaf.der())).chain(above.iter().cloned());
        let text = blocks.flat_map(|block| must(block.to_text()).to_vec()).collect();
        key.with_public(PublicKey::new(KeyKind::EcdsaX509, text))
    }

    /// The certificate, to be pinned.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn from_parts(issuer: Issuer<'static, KeyPair>, der: &[u8], above: Vec<PemBlock>, is_top: bool) -> Self {
        let chain = std::iter::once(block(der)).chain(above).collect();
        Self { issuer: Arc::new(issuer), chain, certificate: must(Certificate::from_der(der)), is_top }
    }
}

impl fmt::Debug for ForgeAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgeAuthority").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A P-256 key in the terms of the certificate writer.
struct Point(Vec<u8>);

impl Point {
    fn of(key: &ForgeKey) -> Self {
        let plain = key.public().to_plain();
        let spki = plain.published();
        let is_ec = matches!(plain.material(), Ok(KeyMaterial::Ec { .. }));
        // An uncompressed P-256 point is the end of its SubjectPublicKeyInfo.
        let point = spki.len().checked_sub(65).and_then(|at| spki.get(at..)).filter(|_| is_ec);
        Self(must(point.ok_or("a certificate for a key that is not P-256")).to_vec())
    }
}

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

fn authority_params(name: &str, not_before: SystemTime, not_after: SystemTime) -> CertificateParams {
    let mut params = params(name, not_before, not_after);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(common_name: &str, not_before: SystemTime, not_after: SystemTime) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    params
}

fn block(der: &[u8]) -> PemBlock {
    PemBlock::new("CERTIFICATE", der.to_vec().into())
}
