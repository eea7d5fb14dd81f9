//! Redirects of TUF 1.0 repositories: followed, a few, with nothing of ours given away.

use std::io::Write;

use tuf_notary::{
    name::{Resource, RoleName},
    transport::{TransportError, auth::Credentials},
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    repository::{builder, fetch, fetch_target, repository, root, url},
    server::{Server, brisk, ok, status},
    tls,
};
use crate::adapter::{HttpRepository, build};

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nSet-Cookie: id=1\r\nContent-Length: 0\r\n\r\n")
}

fn timestamp() -> Resource {
    Resource::latest(RoleName::Timestamp)
}

fn alice() -> Credentials {
    Credentials::basic("alice", Zeroizing::new("hunter2".to_owned())).unwrap()
}

/// A server that wants to know who asks, and then leads to this place.
fn private(location: String) -> Server {
    Server::start(move |request, stream| {
        let reply = match request.header("authorization") {
            None => "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
            Some(_) if request.path() == "/elsewhere" => String::from_utf8(ok(b"here")).unwrap(),
            Some(_) => to(&location),
        };
        stream.write_all(reply.as_bytes()).is_ok()
    })
}

#[test]
fn metadata_and_targets_may_lie_with_somebody_else() {
    let other = Server::saying(ok(b"content"));
    let place = url(&other, "/bucket/x?signature=1").to_string();
    for code in ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"] {
        let reply = format!("HTTP/1.1 {code}\r\nLocation: {place}\r\nContent-Length: 4\r\n\r\ngone");
        let server = Server::saying(reply);
        let transport = repository(&server);
        assert_eq!(fetch(&transport, &timestamp()).unwrap(), b"content", "{code}");
        assert_eq!(fetch_target(&transport, "a").unwrap(), b"content", "{code}");
        let seen = std::mem::take(&mut *other.requests.lock().unwrap());
        let seen: Vec<_> = seen.iter().map(|it| (it.path(), it.header("cache-control"))).collect();
        assert_eq!(
            seen,
            [("/bucket/x?signature=1", Some("no-cache")), ("/bucket/x?signature=1", None)],
            "{code}"
        );
    }
}

#[test]
fn te_01_not_there_is_not_there_behind_a_redirect_too() {
    let other = Server::saying(status("403 Forbidden", ""));
    let server = Server::saying(to(url(&other, "/x").as_str()));
    let error = fetch(&repository(&server), &root(2)).unwrap_err();
    assert!(matches!(error, TransportError::NotFound { .. }), "{error:?}");
    assert!(matches!(fetch(&repository(&server), &timestamp()), Err(TransportError::Unauthorized { .. })));
}

#[test]
fn ta_06_another_server_sees_neither_credentials_nor_cookies() {
    let other = Server::start(|_, stream| {
        // Whoever is asked may want to know more; they are not told.
        stream
            .write_all(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"y\"\r\nContent-Length: 0\r\n\r\n")
            .is_ok()
    });
    let server = private(url(&other, "/x").to_string());
    let transport = build(builder(&server).credentials(alice())).unwrap();
    for _ in 0..2 {
        let error = fetch(&transport, &timestamp()).unwrap_err();
        assert!(matches!(error, TransportError::Unauthorized { status: 401, .. }), "{error:?}");
    }
    let seen = other.requests.lock().unwrap();
    assert_eq!(seen.len(), 2);
    for request in &*seen {
        for name in ["authorization", "cookie", "referer", "proxy-authorization"] {
            assert_eq!(request.header(name), None, "{name}");
        }
    }
    let shown = server.requests.lock().unwrap();
    assert!(shown.iter().any(|it| it.header("authorization").is_some()));
    assert!(shown.iter().all(|it| it.header("cookie").is_none()));
}

#[test]
fn ta_06_the_same_server_knows_us_still() {
    let server = private("/elsewhere".to_owned());
    let transport = build(builder(&server).credentials(alice())).unwrap();
    assert_eq!(fetch(&transport, &timestamp()).unwrap(), b"here");
    let seen = server.requests.lock().unwrap();
    assert_eq!(seen.last().unwrap().path(), "/elsewhere");
}

#[test]
fn ta_06_who_comes_back_by_way_of_another_server_is_nobody() {
    let home = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let back = std::sync::Arc::clone(&home);
    let other = Server::start(move |_, stream| stream.write_all(to(back.get().unwrap()).as_bytes()).is_ok());
    let server = private(url(&other, "/x").to_string());
    home.set(url(&server, "/elsewhere").to_string()).unwrap();
    let transport = build(builder(&server).credentials(alice())).unwrap();
    let error = fetch(&transport, &timestamp()).unwrap_err();
    assert!(matches!(error, TransportError::Unauthorized { status: 401, .. }), "{error:?}");
    assert_eq!(server.requests.lock().unwrap().last().unwrap().header("authorization"), None);
}

#[test]
fn ta_06_credentials_are_for_the_server_of_the_metadata() {
    let (metadata, targets) = (private("/elsewhere".to_owned()), private("/elsewhere".to_owned()));
    let builder = HttpRepository::builder(url(&metadata, "/m")).targets_url(url(&targets, "/t"));
    let transport = build(builder.credentials(alice()).timeouts(brisk())).unwrap();
    assert_eq!(fetch(&transport, &timestamp()).unwrap(), b"here");
    let error = fetch_target(&transport, "a").unwrap_err();
    assert!(matches!(error, TransportError::Unauthorized { .. }), "{error:?}");
    assert!(targets.requests.lock().unwrap().iter().all(|it| it.header("authorization").is_none()));
}

#[test]
fn ta_05_none_leads_from_https_to_http() {
    let other = Server::saying(ok(b"in the clear"));
    let (port, ca) = tls::answering(to(url(&other, "/x").as_str()).into_bytes());
    let base = Url::parse(&format!("https://127.0.0.1:{port}/m")).unwrap();
    let secure = || HttpRepository::builder(base.clone()).ca_pem(ca.as_bytes()).timeouts(brisk());
    for builder in [secure(), secure().dangerous().allow_plain_http()] {
        match fetch(&build(builder).unwrap(), &timestamp()) {
            Err(TransportError::Status { status: 302, message, .. }) => {
                assert!(message.contains("from https to http"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(other.requests.lock().unwrap().is_empty());
}

#[test]
fn one_leads_from_https_to_https_and_from_http_to_https() {
    let (port, ca) = tls::answering(ok(b"secure"));
    let place = format!("https://127.0.0.1:{port}/x");
    let (first, first_ca) = tls::answering(to(&place).into_bytes());
    let builder = HttpRepository::builder(Url::parse(&format!("https://127.0.0.1:{first}/")).unwrap())
        .ca_pem(first_ca.as_bytes())
        .ca_pem(ca.as_bytes());
    assert_eq!(fetch(&build(builder.timeouts(brisk())).unwrap(), &timestamp()).unwrap(), b"secure");
    let server = Server::saying(to(&place));
    let builder = super::repository::builder(&server);
    let believing = build(builder.clone().ca_pem(ca.as_bytes())).unwrap();
    assert_eq!(fetch_target(&believing, "a").unwrap(), b"secure");
    // By the system's trust store, which the plain server gave no reason to open.
    match fetch_target(&build(builder).unwrap(), "a") {
        Err(TransportError::Connection { reason, .. }) => {
            assert!(reason.to_lowercase().contains("cert") || reason.contains("Issuer"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn ta_07_a_loop_ends() {
    let server = Server::start(|_, stream| stream.write_all(to("/m/again").as_bytes()).is_ok());
    match fetch(&repository(&server), &timestamp()) {
        Err(error @ TransportError::Status { status: 302, .. }) => {
            assert!(error.to_string().contains("too many") && !error.is_retryable(), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.requests.lock().unwrap().len(), 6);
}

#[test]
fn sr_02_none_leads_inside_of_this_network() {
    let inside = Server::saying(ok(b"secret"));
    // The first is asked under its number; this is another name, that leads to the same machine.
    for place in [
        format!("http://localhost:{}/", inside.port),
        format!("https://localhost:{}/", inside.port),
        format!("https://127.0.0.2:{}/", inside.port),
        format!("https://[::1]:{}/", inside.port),
        "https://10.0.0.1/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let server = Server::saying(to(&place));
        match fetch(&repository(&server), &timestamp()) {
            Err(TransportError::Connection { reason, .. }) => {
                assert!(reason.contains("inside of this network"), "{place}: {reason}");
            }
            other => panic!("{place}: {other:?}"),
        }
    }
    assert!(inside.requests.lock().unwrap().is_empty());
}

#[test]
fn places_that_are_none_are_refused() {
    for location in [
        "https://u:p@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://example.com/x",
        "https://",
    ] {
        let server = Server::saying(to(location));
        match fetch(&repository(&server), &timestamp()) {
            Err(TransportError::Status { status: 302, message, .. }) => {
                assert!(message.contains("not followed"), "{location}: {message}");
            }
            other => panic!("{location}: {other:?}"),
        }
    }
    let server = Server::saying("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(
        fetch(&repository(&server), &timestamp()),
        Err(TransportError::Status { status: 302, .. })
    ));
}
