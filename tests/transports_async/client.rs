//! What the asynchronous transport has beyond the blocking one.

use std::{io::Write, sync::atomic::Ordering, time::Duration};

use tuf_notary::{
    Changes, Gun, Trust,
    crypto::digest,
    future::{Collection, Initialise},
    keys::MemoryKeys,
    metadata::TargetInfo,
    name::{Form, Hashes, Resource, RoleName, Version},
    testkit::{TrustServer, suite},
    transport::{
        AsyncHttpRepository, AsyncHttpTransport, AsyncTargetTransport, AsyncTransport, Transport,
        TransportError,
    },
};
use url::Url;

use super::{
    adapter::runtime,
    http::notary,
    server::{Server, brisk, ok, status},
};

fn gun() -> Gun {
    Gun::new("localhost:5000/test/app").unwrap()
}

fn url(server: &Server) -> Url {
    Url::parse(&format!("http://127.0.0.1:{}/sub/", server.port)).unwrap()
}

fn transport(server: &Server) -> AsyncHttpTransport {
    let builder = AsyncHttpTransport::builder(url(server), &gun()).timeouts(brisk());
    builder.dangerous().allow_plain_http().build_async().unwrap()
}

#[test]
fn the_asynchronous_http_transport_keeps_its_promises() {
    for chunked in [false, true] {
        runtime().block_on(suite::async_transport(&transport(&notary(chunked)), &super::served()));
    }
}

#[test]
fn without_a_runtime_it_says_so() {
    let transport = transport(&Server::saying(ok(b"x")));
    let (what, waker) = (Resource::latest(RoleName::Root), std::task::Waker::noop());
    let outcome = AsyncTransport::fetch(&transport, &what, 10)
        .as_mut()
        .poll(&mut std::task::Context::from_waker(waker));
    assert!(matches!(outcome, std::task::Poll::Ready(Err(TransportError::Config(_)))), "{outcome:?}");
}

/// A client with another name than ours.
fn callers() -> reqwest::ClientBuilder {
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(config).user_agent("ours")
}

#[test]
fn a_client_of_the_callers_is_used_and_its_redirects_are_not_believed() {
    let target = Server::saying(ok(b"elsewhere"));
    let to = format!("http://127.0.0.1:{}/x", target.port);
    let server = Server::start(move |request, stream| {
        let reply = match request.path().ends_with("/root.json") {
            true => format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes(),
            false => ok(b"here"),
        };
        stream.write_all(&reply).is_ok()
    });
    let client = callers().build().unwrap();
    let builder = AsyncHttpTransport::builder(url(&server), &gun()).timeouts(brisk());
    let transport = builder.dangerous().allow_plain_http().build_with(client).unwrap();
    let fetch = |role| runtime().block_on(transport.fetch(&Resource::latest(role), 100));
    assert_eq!(fetch(RoleName::Timestamp).unwrap(), b"here");
    match fetch(RoleName::Root) {
        Err(TransportError::Connection { reason, .. }) => assert!(reason.contains("redirect"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.requests.lock().unwrap()[0].header("user-agent"), Some("ours"));
}

#[test]
fn ta_06_a_client_of_the_callers_asks_no_other_server() {
    let other = Server::saying(ok(b"elsewhere"));
    let to = format!("http://127.0.0.1:{}/x", other.port);
    let server = Server::start(move |request, stream| {
        let place = match request.path() {
            "/sub/timestamp.json" => "/sub/moved",
            "/sub/moved" => return stream.write_all(&ok(b"here")).is_ok(),
            _ => &to,
        };
        let reply = format!("HTTP/1.1 307 Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(reply.as_bytes()).is_ok()
    });
    let secret = [(reqwest::header::HeaderName::from_static("x-api-key"), "hunter2".parse().unwrap())];
    let client = callers().redirect(reqwest::redirect::Policy::none());
    let client = client.default_headers(secret.into_iter().collect()).build().unwrap();
    let builder = AsyncHttpRepository::builder(url(&server)).targets_url(url(&server)).timeouts(brisk());
    let repository = builder.build_with(client).unwrap();
    let fetch = |role| runtime().block_on(repository.fetch(&Resource::latest(role), 100));
    assert_eq!(fetch(RoleName::Timestamp).unwrap(), b"here", "the same server is asked");
    let refusals = [
        fetch(RoleName::Snapshot).unwrap_err(),
        runtime().block_on(repository.fetch_target("a", 100)).map(drop).unwrap_err(),
    ];
    for error in refusals {
        assert!(
            matches!(&error, TransportError::Status { status: 307, message, .. } if message.contains("another server")),
            "{error:?}"
        );
    }
    assert_eq!(server.requests.lock().unwrap()[0].header("x-api-key"), Some("hunter2"));
    assert!(other.requests.lock().unwrap().is_empty(), "it learns nothing");
}

/// Puts HTTP before the simulator.
fn simulated(simulator: &TrustServer) -> Server {
    let transport = simulator.transport(&gun());
    Server::start(move |request, stream| {
        let name = request.path().rsplit_once("/_trust/tuf/").unwrap().1;
        let file = resource(name).map(|what| {
            let mut content = Vec::new();
            Transport::fetch(&transport, &what, u64::MAX)?.read_to_end(&mut content).unwrap();
            Ok::<_, TransportError>(content)
        });
        let reply = match file {
            Some(Ok(content)) => ok(&content),
            _ => status("404 Not Found", "").into_bytes(),
        };
        stream.write_all(&reply).is_ok()
    })
}

fn resource(name: &str) -> Option<Resource> {
    let stem = name.strip_suffix(".json")?;
    if let Some((version, role)) = stem.split_once('.')
        && let Ok(version) = version.parse()
    {
        let form = Form::Version(Version::new(version).ok()?);
        return Some(Resource { role: role.parse().ok()?, form });
    }
    match stem.split_once('.') {
        Some((role, digest)) => {
            let digest = data_encoding::HEXLOWER.decode(digest.as_bytes()).ok()?.try_into().ok()?;
            Some(Resource { role: role.parse().ok()?, form: Form::Sha256(digest) })
        }
        None => Some(Resource::latest(stem.parse().ok()?)),
    }
}

#[test]
fn answers_cost_as_few_requests_as_can_be_on_kept_connections() {
    let (simulator, gun) = (TrustServer::new(), gun());
    let collection = || Collection::builder(gun.clone(), Trust::FirstUse);
    let info = |content: &[u8]| TargetInfo {
        length: content.len() as u64,
        hashes: Hashes::sha256(digest::sha256(content)),
        custom: None,
    };
    runtime().block_on(async {
        let publisher = collection().transport(simulator.transport(&gun)).keys(MemoryKeys::new()).build();
        let first = Changes::new().sign("v1".parse().unwrap(), info(b"one"));
        publisher.initialise(&Initialise::new().changes(first)).await.unwrap();
        let server = simulated(&simulator);
        let ours = collection().transport(transport(&server)).build();
        for expected in [4, 1] {
            server.requests.lock().unwrap().clear();
            ours.refresh().await.unwrap();
            assert_eq!(server.requests.lock().unwrap().len(), expected);
        }
        publisher.publish(&Changes::new().sign("v2".parse().unwrap(), info(b"two"))).await.unwrap();
        server.requests.lock().unwrap().clear();
        ours.refresh().await.unwrap();
        assert_eq!(server.requests.lock().unwrap().len(), 3);
        assert!(server.connections.load(Ordering::SeqCst) <= 2, "they are kept");
    });
}

#[test]
fn a_request_that_is_dropped_frees_its_connection() {
    let server = Server::start(|_, stream| {
        std::thread::sleep(Duration::from_secs(30));
        stream.write_all(b"x").is_ok()
    });
    let transport = transport(&server);
    runtime().block_on(async {
        let what = Resource::latest(RoleName::Root);
        let outcome = tokio::time::timeout(Duration::from_millis(200), transport.fetch(&what, 10)).await;
        assert!(outcome.is_err(), "it is under way");
    });
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}
