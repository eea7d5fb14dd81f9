//! What a transport does again, what it never does, and what it tells nobody.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::adapter::HttpTransport;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tuf_notary::{
    name::{Gun, RoleName},
    transport::{Retries, Timeouts, Transport, TransportError, Upload, auth::Credentials},
};
use url::Url;
use zeroize::Zeroizing;

use super::server::{Server, brisk, fetch_root, ok, status};

const SECRET: &str = "bm90IGZvciBsb2dz";

#[test]
fn te_12_reading_is_done_again_when_a_kept_connection_broke_and_publishing_is_not() {
    let answered = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answered);
    // Keeps the connection, and breaks it on each second request.
    let server = Server::start(move |_, stream| {
        count.fetch_add(1, Ordering::SeqCst) % 2 == 0 && stream.write_all(&ok(b"x")).is_ok()
    });
    let transport = server.transport();
    for _ in 0..3 {
        fetch_root(&transport, 9).unwrap();
    }
    assert_eq!(answered.load(Ordering::SeqCst), 5, "two were done again");
    let outcome = transport.publish(&Upload::default());
    assert!(matches!(outcome, Err(TransportError::Connection { .. })), "{outcome:?}");
    assert_eq!(answered.load(Ordering::SeqCst), 6);
}

#[test]
fn te_12_repetitions_have_an_end_and_can_be_none() {
    let url = |server: &Server| Url::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap();
    for (most, requests) in [(0, 1), (2, 3)] {
        let server = Server::saying(status("503 Service Unavailable", ""));
        let builder =
            HttpTransport::builder(url(&server), &Gun::new("a").unwrap()).dangerous().allow_plain_http();
        let transport = builder.retries(Retries { most, ..Retries::default() }).build().unwrap();
        let outcome = fetch_root(&transport, 9);
        assert!(matches!(outcome, Err(TransportError::Status { status: 503, .. })), "{outcome:?}");
        assert_eq!(server.requests.lock().unwrap().len(), requests);
    }
    for call in [
        |transport: &HttpTransport| transport.publish(&Upload::default()),
        |transport: &HttpTransport| transport.server_key(&RoleName::Timestamp, true).map(drop),
        |transport: &HttpTransport| transport.delete(),
    ] {
        let server = Server::saying(status("503 Service Unavailable", ""));
        assert!(call(&server.transport()).is_err());
        assert_eq!(server.requests.lock().unwrap().len(), 1, "what changes something is done once");
    }
}

#[test]
fn sl_04_one_end_covers_repetitions_tokens_and_pauses() {
    let never = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
    let stalls = format!("http://{}/token", never.local_addr().unwrap());
    let wants_token = format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"{stalls}\"\r\nContent-Length: 0\r\n\r\n"
    );
    let busy = status("503 Service Unavailable\r\nRetry-After: 4", "");
    let patient = Timeouts {
        connect: Duration::from_secs(20),
        response: Duration::from_secs(20),
        idle: Duration::from_secs(20),
        total: Duration::from_millis(600),
        ..brisk()
    };
    for reply in [wants_token, busy] {
        let server = Server::saying(reply.clone());
        let begun = Instant::now();
        let error = fetch_root(&server.transport_with(patient), 9).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(3), "{reply}: {:?}", begun.elapsed());
        let expected =
            matches!(error, TransportError::Timeout { .. } | TransportError::Status { status: 503, .. });
        assert!(expected, "{error:?}");
    }
}

#[test]
fn ta_02_consent_to_plain_http_is_for_the_server_alone() {
    for realm in ["http://auth.example.com/token", "http://10.0.0.1/token"] {
        let challenge = format!("401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"{realm}\"");
        let server = Server::saying(status(&challenge, ""));
        let outcome = fetch_root(&server.transport(), 9);
        let is_refused = matches!(&outcome, Err(TransportError::Authentication { reason, .. }) if reason.contains("not https"));
        assert!(is_refused, "{outcome:?}");
    }
}

#[test]
fn ta_15_nothing_that_names_something_can_add_a_header() {
    for text in ["a\r\nX-Injected: 1", "a\nb", "a\rb", "a\0"] {
        assert!(Gun::new(text).is_err(), "{text:?}");
        assert!(RoleName::new(&format!("targets/{text}")).is_err(), "{text:?}");
        let url = Url::parse("https://127.0.0.1").unwrap();
        let builder = HttpTransport::builder(url, &Gun::new("a").unwrap()).user_agent(text);
        assert!(matches!(builder.build(), Err(TransportError::Config(_))), "{text:?}");
        assert!(Credentials::registry_token(Zeroizing::new(text.to_owned())).is_err(), "{text:?}");
    }
}

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Recorder;

impl log::Log for Recorder {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

#[test]
fn ta_13_no_log_holds_a_secret() {
    log::set_logger(&Recorder).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let tokens = Server::saying(ok(format!(r#"{{"token":"{SECRET}-token"}}"#).as_bytes()));
    let realm = format!("http://127.0.0.1:{}/token", tokens.port);
    let server = Server::start(move |request, stream| {
        let reply = match request.header("authorization") {
            Some(_) => ok(b"{}"),
            None => {
                let challenge = format!("401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"{realm}\"");
                status(&challenge, "").into_bytes()
            }
        };
        stream.write_all(&reply).is_ok()
    });
    let url = Url::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap();
    for credentials in [
        Credentials::basic("alice", Zeroizing::new(SECRET.to_owned())).unwrap(),
        Credentials::identity_token(Zeroizing::new(SECRET.to_owned())).unwrap(),
        Credentials::registry_token(Zeroizing::new(SECRET.to_owned())).unwrap(),
    ] {
        let builder =
            HttpTransport::builder(url.clone(), &Gun::new("a").unwrap()).dangerous().allow_plain_http();
        let transport = builder.timeouts(brisk()).credentials(credentials).build().unwrap();
        transport.publish(&Upload::default()).unwrap();
        fetch_root(&transport, 9).unwrap();
    }
    let basic = data_encoding::BASE64.encode(format!("alice:{SECRET}").as_bytes());
    let told = tokens.requests.lock().unwrap().iter().any(|it| it.head.contains(&basic));
    assert!(told, "it was sent");
    let logged = LOGGED.lock().unwrap();
    assert!(logged.iter().any(|line| line.contains("POST")), "there is a log");
    for line in logged.iter() {
        assert!(!line.contains(SECRET) && !line.contains(&basic), "{line}");
    }
}

/// A TLS server for `127.0.0.1` and `localhost` that gives each request this answer, and notes
/// whether it learned who asks.
fn curious(
    issuer: &Issuer<'_, KeyPair>,
    roots: RootCertStore,
    answer: impl Fn() -> Vec<u8> + Send + 'static,
) -> (u16, Arc<Mutex<Vec<bool>>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.allow_unauthenticated().build().unwrap())
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let known = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&known);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let conn = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(conn, stream.unwrap());
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                head.push(byte[0]);
            }
            noted.lock().unwrap().push(stream.conn.peer_certificates().is_some());
            let is_known = head.windows(6).any(|it| it == b"Bearer");
            let reply = if is_known { ok(b"{}") } else { answer() };
            let _ = stream.write_all(&reply).and_then(|()| stream.flush());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (port, known)
}

#[test]
fn ta_04_our_certificate_is_for_the_server_alone() {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "our CA");
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let roots = || {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
        roots
    };
    let closing = |reply: Vec<u8>| {
        String::from_utf8(reply).unwrap().replacen("\r\n", "\r\nConnection: close\r\n", 1).into_bytes()
    };
    let (tokens, of_tokens) = curious(&issuer, roots(), move || closing(ok(br#"{"token":"x"}"#)));
    let challenge =
        format!("401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"https://localhost:{tokens}/token\"");
    let (port, of_server) = curious(&issuer, roots(), move || closing(status(&challenge, "").into_bytes()));
    let ours = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["alice".to_owned()]).unwrap().signed_by(&ours, &issuer).unwrap();
    let key_pem = pem::encode(&pem::Pem::new("PRIVATE KEY", ours.serialized_der().to_vec()));
    let url = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let transport = HttpTransport::builder(url, &Gun::new("a").unwrap())
        .ca_pem(super::tls::pem(authority.der()).as_bytes())
        .client_certificate(super::tls::pem(certificate.der()).as_bytes(), key_pem.as_bytes())
        .token_host("localhost")
        .timeouts(brisk())
        .build()
        .unwrap();
    assert_eq!(fetch_root(&transport, 9).unwrap(), b"{}");
    assert_eq!(*of_tokens.lock().unwrap(), [false], "a token server learns nothing");
    assert_eq!(*of_server.lock().unwrap(), [true, true]);
}
