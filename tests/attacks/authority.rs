//! A certificate authority of one's own, for pins by CA.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tuf_notary::{
    crypto::{Certificate, KeyKind, PrivateKey, PublicKey},
    testkit::{Forge, ForgeKey},
};

use crate::lab::GUN;

const DAY: Duration = Duration::from_secs(86_400);

/// A CA that signs leaves for the collection.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Authority {
    /// Good for 20 years around the forge's time.
    pub fn new() -> Self {
        Self::with(Forge::now() - DAY * 3_650, Forge::now() + DAY * 3_650)
    }

    /// Good from one date to another.
    pub fn with(not_before: SystemTime, not_after: SystemTime) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = parameters("An authority", not_before, not_after);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// What a client pins.
    pub fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    /// Its certificate as it stands in a bundle.
    pub fn pem(&self) -> Vec<u8> {
        pem(&self.der)
    }

    /// A new root key in a certificate by this CA for the collection, good for 20 days.
    pub fn leaf(&self) -> ForgeKey {
        self.leaf_with(Forge::now() - DAY * 10, Forge::now() + DAY * 10)
    }

    /// The same with these dates.
    pub fn leaf_with(&self, not_before: SystemTime, not_after: SystemTime) -> ForgeKey {
        let key = KeyPair::generate().unwrap();
        let mut params = parameters(GUN, not_before, not_after);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let text = pem(leaf.der());
        let private = PrivateKey::from_pkcs8_der(&key.serialize_der()).unwrap();
        ForgeKey::from_private_key(private).with_public(PublicKey::new(KeyKind::EcdsaX509, text))
    }
}

fn parameters(name: &str, not_before: SystemTime, not_after: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    params
}

/// As Go writes it, which the ids of root keys are over.
fn pem(der: &[u8]) -> Vec<u8> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("CERTIFICATE", der), config).into_bytes()
}
