//! Certificates for the real programs: a server's TLS, a signer's delegation.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// How a TLS server is certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By a certificate authority of its own.
    Authority,
    /// By itself, the certificate being an authority too, as `openssl req -x509` makes them.
    SelfSigned,
}

/// The PEM files of a certified key.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key, PKCS#8, unencrypted.
    pub key: PathBuf,
    /// The certificate to trust: the issuer's.
    pub authority: PathBuf,
}

/// Certifies a server that answers as `localhost` and `127.0.0.1`.
pub fn server(folder: &Path, tls: Tls) -> Certified {
    let key = KeyPair::generate().expect("a key can be made");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut leaf = params("localhost", names);
    if tls == Tls::SelfSigned {
        leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = leaf.self_signed(&key).expect("a certificate can be made");
        return written(folder, "server", certificate.der(), certificate.der(), &key);
    }
    let authority_key = KeyPair::generate().expect("a key can be made");
    let mut authority = params("test authority", Vec::new());
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).expect("a certificate can be made");
    let issuer = Issuer::new(authority, authority_key);
    let certificate = leaf.signed_by(&key, &issuer).expect("a certificate can be made");
    written(folder, "server", certificate.der(), root.der(), &key)
}

/// A self-signed certificate for a signer, as `notary delegation add` takes it.
pub fn delegation(folder: &Path, name: &str) -> Certified {
    let key = KeyPair::generate().expect("a key can be made");
    let certificate = params(name, Vec::new()).self_signed(&key).expect("a certificate can be made");
    written(folder, name, certificate.der(), certificate.der(), &key)
}

fn params(common_name: &str, names: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(names).expect("the names are legal");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
    params
}

fn written(folder: &Path, name: &str, certificate: &[u8], authority: &[u8], key: &KeyPair) -> Certified {
    let write = |kind: &str, tag: &str, der: &[u8]| {
        let path = folder.join(format!("{name}{kind}.pem"));
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        fs::write(&path, pem::encode_config(&pem::Pem::new(tag, der), config))
            .expect("a file can be written");
        path
    };
    Certified {
        certificate: write("", "CERTIFICATE", certificate),
        key: write("-key", "PRIVATE KEY", key.serialized_der()),
        authority: write("-authority", "CERTIFICATE", authority),
    }
}
