//! Which servers are believed.

use std::{
    env,
    io::{Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use crate::adapter::HttpTransport;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SerialNumber, date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tuf_notary::{name::Gun, transport::TransportError};
use url::Url;

use super::server::{brisk, fetch_root, ok};

pub fn pem(certificate: &CertificateDer<'_>) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", certificate.to_vec()))
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn config(
    certificate: &Certificate,
    key: &KeyPair,
    version: &'static SupportedProtocolVersion,
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    // Assembled by hand, for the usual way checks that key and certificate belong together.
    let shown = Shown(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    Arc::new(config)
}

/// A server that shows this certificate and proves to hold that key; its port.
fn server(certificate: &Certificate, key: &KeyPair, version: &'static SupportedProtocolVersion) -> u16 {
    serve(config(certificate, key, version), ok(b"secure"))
}

/// A server for 127.0.0.1 that answers so; its port, and its certificate to believe.
pub fn answering(reply: Vec<u8>) -> (u16, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = as_openssl_makes(|_| {}).self_signed(&key).unwrap();
    let port = serve(config(&certificate, &key, &rustls::version::TLS13), reply);
    (port, pem(certificate.der()))
}

fn serve(config: Arc<ServerConfig>, reply: Vec<u8>) -> u16 {
    let reply = Arc::new(reply);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let conn = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(conn, stream.unwrap());
            let reply = Arc::clone(&reply);
            thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read_exact(&mut byte).is_err() {
                        return;
                    }
                    head.push(byte[0]);
                }
                let _ = stream.write_all(&reply);
                let _ = stream.flush();
            });
        }
    });
    port
}

fn ask(port: u16, authority: Option<&CertificateDer<'_>>) -> Result<Vec<u8>, TransportError> {
    let url = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let mut builder = HttpTransport::builder(url, &Gun::new("a").unwrap()).timeouts(brisk());
    if let Some(authority) = authority {
        builder = builder.ca_pem(pem(authority).as_bytes());
    }
    fetch_root(&builder.build()?, 100)
}

fn assert_refused(outcome: Result<Vec<u8>, TransportError>, why: &str) {
    match outcome {
        Err(TransportError::Connection { reason, .. }) => {
            assert!(reason.contains(why), "expected {why}, got {reason}");
        }
        other => panic!("{why}: {other:?}"),
    }
}

/// As `openssl req -x509` makes them: self-signed, and a CA.
fn as_openssl_makes(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "notary");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    change(&mut params);
    params
}

fn show(params: &CertificateParams) -> (u16, Certificate) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (server(&certificate, &key, &rustls::version::TLS13), certificate)
}

struct Authority {
    certificate: Certificate,
    port: u16,
}

/// A CA, and a server with a certificate of it.
fn authority(names: &[&str], version: &'static SupportedProtocolVersion) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "our CA");
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().unwrap();
    let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    Authority { certificate, port: server(&leaf, &leaf_key, version) }
}

#[test]
fn a_server_of_the_configured_ca_is_believed() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let ours = authority(&["127.0.0.1"], version);
        assert_eq!(ask(ours.port, Some(ours.certificate.der())).unwrap(), b"secure");
    }
}

#[test]
fn ta_01_another_ca_or_name_is_refused() {
    let ours = authority(&["127.0.0.1"], &rustls::version::TLS13);
    let other = authority(&["127.0.0.1"], &rustls::version::TLS13);
    assert!(ask(ours.port, Some(other.certificate.der())).is_err());
    let elsewhere = authority(&["notary.example.com"], &rustls::version::TLS13);
    assert_refused(ask(elsewhere.port, Some(elsewhere.certificate.der())), "not valid for name");
}

#[test]
fn a_self_signed_server_is_believed_when_it_was_configured_to_the_byte() {
    for is_ca in [IsCa::Ca(BasicConstraints::Unconstrained), IsCa::ExplicitNoCa, IsCa::NoCa] {
        let (port, certificate) = show(&as_openssl_makes(|params| params.is_ca = is_ca));
        assert_eq!(ask(port, Some(certificate.der())).unwrap(), b"secure");
    }
    let params = as_openssl_makes(|_| {});
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let port = server(&certificate, &key, &rustls::version::TLS12);
    assert_eq!(ask(port, Some(certificate.der())).unwrap(), b"secure");
    for purposes in [
        vec![ExtendedKeyUsagePurpose::ServerAuth],
        vec![ExtendedKeyUsagePurpose::CodeSigning, ExtendedKeyUsagePurpose::ServerAuth],
    ] {
        let (port, certificate) = show(&as_openssl_makes(|params| params.extended_key_usages = purposes));
        assert_eq!(ask(port, Some(certificate.der())).unwrap(), b"secure");
    }
}

#[test]
fn a_self_signed_server_is_held_to_name_dates_and_purpose() {
    let elsewhere = CertificateParams::new(["127.0.0.2".to_owned()]).unwrap().subject_alt_names;
    let other_name = as_openssl_makes(|params| params.subject_alt_names = elsewhere);
    let no_name = as_openssl_makes(|params| params.subject_alt_names = Vec::new());
    let expired = as_openssl_makes(|params| params.not_after = date_time_ymd(2021, 1, 1));
    let future = as_openssl_makes(|params| params.not_before = date_time_ymd(2099, 1, 1));
    let purpose = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client = as_openssl_makes(|params| params.extended_key_usages = purpose);
    for (params, why) in [
        (other_name, "NotValidForName"),
        (no_name, "NotValidForName"),
        (expired, "certificate expired"),
        (future, "not valid yet"),
        (client, "InvalidPurpose"),
    ] {
        let (port, certificate) = show(&params);
        assert_refused(ask(port, Some(certificate.der())), why);
    }
}

#[test]
fn a_self_signed_server_that_differs_in_a_byte_is_refused() {
    let key = KeyPair::generate().unwrap();
    let with_serial = |serial: u64| {
        let params = as_openssl_makes(|params| params.serial_number = Some(SerialNumber::from(serial)));
        params.self_signed(&key).unwrap()
    };
    let (configured, shown) = (with_serial(1), with_serial(2));
    let port = server(&shown, &key, &rustls::version::TLS13);
    assert_refused(ask(port, Some(configured.der())), "CaUsedAsEndEntity");
}

#[test]
fn a_configured_certificate_without_its_key_is_refused() {
    let (key, stolen) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = as_openssl_makes(|_| {}).self_signed(&key).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let port = server(&certificate, &stolen, version);
        assert_refused(ask(port, Some(certificate.der())), "BadSignature");
    }
}

const PORT: &str = "TUF_NOTARY_TEST_PORT";
const EXCLUSIVE: &str = "TUF_NOTARY_TEST_CA";

/// Not a test of its own: a process whose system trusts `SSL_CERT_FILE`.
#[test]
fn ta_03_child() {
    let Ok(port) = env::var(PORT) else { return };
    let url = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let mut builder = HttpTransport::builder(url, &Gun::new("a").unwrap()).timeouts(brisk());
    if let Some(path) = env::var_os(EXCLUSIVE) {
        builder = builder.ca_file(path);
    }
    assert_eq!(fetch_root(&builder.build().unwrap(), 100).unwrap(), b"secure");
}

#[cfg(target_os = "linux")]
#[test]
fn ta_03_the_system_is_trusted_unless_a_ca_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) =
        (authority(&["127.0.0.1"], &rustls::version::TLS13), authority(&["x"], &rustls::version::TLS13));
    let write = |name: &str, authority: &Authority| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem(authority.certificate.der())).unwrap();
        path
    };
    let (system, configured) = (write("system.pem", &ours), write("configured.pem", &other));
    let child = || {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "tls::ta_03_child"]).env(PORT, ours.port.to_string());
        child.env("SSL_CERT_FILE", &system).stdout(Stdio::null()).stderr(Stdio::null());
        child
    };
    assert!(child().status().unwrap().success(), "the system's trust store");
    assert!(!child().env(EXCLUSIVE, &configured).status().unwrap().success(), "is not added to a CA");
    assert!(child().env(EXCLUSIVE, &system).status().unwrap().success(), "a CA file");
    assert!(!child().env("SSL_CERT_FILE", &configured).status().unwrap().success());
}

/// A server whose reply's body is one TLS record that comes byte by byte.
pub fn dripping_record() -> (u16, Certificate) {
    let key = KeyPair::generate().unwrap();
    let certificate = as_openssl_makes(|_| {}).self_signed(&key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = config(&certificate, &key, &rustls::version::TLS13);
    thread::spawn(move || {
        let conn = ServerConnection::new(config).unwrap();
        let mut stream = StreamOwned::new(conn, listener.accept().unwrap().0);
        stream.read_exact(&mut [0; 60]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
        stream.flush().unwrap();
        stream.conn.writer().write_all(&[b'x'; 1000]).unwrap();
        let mut record = Vec::new();
        stream.conn.write_tls(&mut record).unwrap();
        for byte in record {
            thread::sleep(Duration::from_millis(40));
            if stream.sock.write_all(&[byte]).is_err() {
                break;
            }
        }
    });
    (port, certificate)
}
