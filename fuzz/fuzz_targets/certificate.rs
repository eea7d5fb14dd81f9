//! Certificates, bundles and published keys: no panic.
#![no_main]

use std::time::{Duration, SystemTime};

use libfuzzer_sys::fuzz_target;
use tuf_notary::crypto::{Certificate, CertificateBundle, KeyKind, PublicKey, Scheme, chains_to};

fuzz_target!(|bytes: &[u8]| {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = (certificate.common_name(), certificate.check_algorithm(), certificate.public_key());
    }
    if let Ok(bundle) = CertificateBundle::parse(bytes) {
        let _ = bundle.valid_for("example.com/app", now, true);
        let _ = chains_to(&bundle, &[bundle.leaf().clone()], now);
        assert!(CertificateBundle::parse(&bundle.to_pem()).is_ok(), "what we write we read");
    }
    for kind in [KeyKind::Ecdsa, KeyKind::EcdsaX509, KeyKind::Ed25519, KeyKind::Rsa, KeyKind::RsaX509] {
        let key = PublicKey::new(kind, bytes.to_vec());
        for scheme in
            [Scheme::EcdsaP1363, Scheme::RsaPss, Scheme::RsaPkcs1v15, Scheme::RsaPssPycrypto, Scheme::Ed25519]
        {
            assert!(key.verify(scheme, b"message", &[1; 64]).is_err(), "nobody signed this");
        }
        assert_eq!(key.to_plain().to_plain(), key.to_plain());
    }
});
