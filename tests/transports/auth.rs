//! Who is told who asks: challenges, tokens, and servers that would like to know more.

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::adapter::{HttpTransport, HttpTransportBuilder};
use tuf_notary::{
    name::{Gun, Resource, RoleName},
    transport::{Retries, Transport, TransportError, Upload, auth::Credentials},
};
use url::Url;
use zeroize::Zeroizing;

use super::server::{Request, Server, brisk, fetch_root, ok, status};

pub const GUN: &str = "localhost:5000/test/app";
pub const SECRET: &str = "c29tZSBzZWNyZXQ";

pub fn alice() -> Credentials {
    Credentials::basic("alice", Zeroizing::new(SECRET.to_owned())).unwrap()
}

pub fn builder(server: &Server) -> HttpTransportBuilder {
    let url = Url::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap();
    HttpTransport::builder(url, &Gun::new(GUN).unwrap()).dangerous().allow_plain_http().timeouts(brisk())
}

pub fn as_alice(server: &Server) -> HttpTransport {
    builder(server).credentials(alice()).build().unwrap()
}

pub fn say(stream: &mut TcpStream, reply: impl AsRef<[u8]>) -> bool {
    stream.write_all(reply.as_ref()).is_ok()
}

pub fn unauthorized(challenge: &str) -> String {
    format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 4\r\n\r\nwho?")
}

/// A trust server that wants tokens of `realm` and takes those that `is_good` accepts.
pub fn wants_tokens(
    realm: String,
    is_good: impl Fn(&Request, &str) -> bool + Send + Sync + 'static,
) -> Server {
    Server::start(move |request, stream| {
        let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let reply = match token {
            Some(token) if is_good(request, token) => ok(b"{}"),
            _ => unauthorized(&format!("Bearer realm=\"{realm}\",service=\"notary\"")).into_bytes(),
        };
        say(stream, reply)
    })
}

/// Gives everybody `anonymous-N`, and `alice-N` to alice.
pub fn token_server() -> Server {
    let made = AtomicUsize::new(0);
    Server::start(move |request, stream| {
        let made = made.fetch_add(1, Ordering::SeqCst);
        let whose = match request.header("authorization") {
            None => "anonymous",
            Some(header) if header == basic() => "alice",
            Some(_) => return say(stream, status("401 Unauthorized", "")),
        };
        say(stream, ok(format!(r#"{{"token":"{whose}-{made}","expires_in":300}}"#).as_bytes()))
    })
}

pub fn basic() -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("alice:{SECRET}").as_bytes()))
}

pub fn realm(server: &Server) -> String {
    format!("http://127.0.0.1:{}/token", server.port)
}

pub fn heads(server: &Server) -> Vec<String> {
    server.requests.lock().unwrap().iter().map(|request| request.head.clone()).collect()
}

/// Nothing that a server got betrays the secret.
pub fn assert_never_told(server: &Server) {
    for request in server.requests.lock().unwrap().iter() {
        let told = request.header("authorization").unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body);
        assert!(!told.contains(&basic()[6..]) && !request.head.contains(SECRET), "{}", request.head);
        assert!(!body.contains(SECRET), "{body}");
    }
}

pub fn assert_refused(outcome: Result<impl Sized, TransportError>, why: &str) {
    match outcome.map(drop) {
        Err(error @ TransportError::Authentication { .. }) => {
            assert!(error.to_string().contains(why), "expected {why}, got {error}");
            assert_eq!(error.code(), "AUTHENTICATION");
        }
        other => panic!("{why}: {other:?}"),
    }
}

#[test]
fn ta_11_reading_is_tried_as_nobody_first_and_asks_for_no_more() {
    let tokens = token_server();
    let trust = wants_tokens(realm(&tokens), |_, token| token.starts_with("anonymous"));
    let transport = as_alice(&trust);
    for _ in 0..3 {
        fetch_root(&transport, 100).unwrap();
    }
    assert_eq!(trust.requests.lock().unwrap().len(), 4, "the challenge, and three files");
    let asked = heads(&tokens);
    assert_eq!(asked.len(), 1, "a token is kept");
    let query = "client_id=tuf-notary&service=notary&scope=repository%3Alocalhost%3A5000%2Ftest%2Fapp%3Apull";
    assert!(asked[0].starts_with(&format!("GET /token?{query} HTTP/1.1\r\n")), "{}", asked[0]);
    assert_never_told(&tokens);
    assert_never_told(&trust);
}

#[test]
fn ta_11_who_asks_is_said_when_nobody_is_refused() {
    let tokens = token_server();
    let trust = wants_tokens(realm(&tokens), |_, token| token.starts_with("alice"));
    let transport = as_alice(&trust);
    for _ in 0..3 {
        fetch_root(&transport, 100).unwrap();
    }
    let asked = heads(&tokens);
    assert_eq!(asked.len(), 2, "nobody's, and alice's");
    assert!(asked[1].contains("%3Apull&account=alice") && asked[1].contains(&basic()), "{}", asked[1]);
    assert_never_told(&trust);
    assert!(matches!(
        fetch_root(&builder(&trust).build().unwrap(), 100),
        Err(TransportError::Unauthorized { status: 401, .. })
    ));
}

#[test]
fn each_operation_asks_for_what_it_needs() {
    let tokens = token_server();
    let trust = wants_tokens(realm(&tokens), |_, token| token.starts_with("alice"));
    let transport = as_alice(&trust);
    transport.publish(&Upload::default()).unwrap();
    transport.server_key(&RoleName::Timestamp, false).unwrap();
    transport.server_key(&RoleName::Timestamp, true).unwrap();
    transport.delete().unwrap();
    let scopes: Vec<_> = heads(&tokens)
        .iter()
        .map(|head| head.split("app%3A").nth(1).unwrap().split('&').next().unwrap().to_owned())
        .collect();
    assert_eq!(scopes, ["push%2Cpull", "*"], "a known way needs no second challenge");
    assert_eq!(trust.requests.lock().unwrap().len(), 5);
}

#[test]
fn an_identity_token_goes_to_the_token_server_alone() {
    let tokens = Server::start(|request, stream| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let is_good = request.head.starts_with("POST /token HTTP/1.1\r\n")
            && request.header("content-type") == Some("application/x-www-form-urlencoded")
            && body.starts_with(
                "grant_type=refresh_token&client_id=tuf-notary&service=notary&scope=repository%3A",
            )
            && body.ends_with(&format!("&refresh_token={SECRET}"));
        let reply = if is_good { ok(br#"{"access_token":"mine"}"#) } else { ok(br#"{"token":"anonymous"}"#) };
        say(stream, reply)
    });
    let trust = wants_tokens(realm(&tokens), |_, token| token == "mine");
    let credentials = Credentials::identity_token(Zeroizing::new(SECRET.to_owned())).unwrap();
    let transport = builder(&trust).credentials(credentials).build().unwrap();
    fetch_root(&transport, 100).unwrap();
    transport.publish(&Upload::default()).unwrap();
    assert_never_told(&trust);
}

#[test]
fn a_registry_token_is_shown_as_it_is() {
    let tokens = token_server();
    let trust = wants_tokens(realm(&tokens), |_, token| token == SECRET);
    let credentials = Credentials::registry_token(Zeroizing::new(SECRET.to_owned())).unwrap();
    fetch_root(&builder(&trust).credentials(credentials).build().unwrap(), 100).unwrap();
    assert_never_told(&tokens);
}

#[test]
fn ta_08_bearer_is_preferred_to_basic_and_a_malformed_challenge_is_an_error() {
    let tokens = token_server();
    let challenge = format!("Basic realm=\"x\", Bearer realm=\"{}\"", realm(&tokens));
    let both = Server::start(move |request, stream| {
        let is_token = request.header("authorization").is_some_and(|it| it.starts_with("Bearer "));
        say(stream, if is_token { ok(b"{}") } else { unauthorized(&challenge).into_bytes() })
    });
    fetch_root(&as_alice(&both), 100).unwrap();
    assert_never_told(&both);
    for (malformed, why) in [
        ("Bearer service=\"x\"", "realm"),
        ("Bearer realm=\"http://x", "no end"),
        ("Bearer realm=\"http://a\", Bearer realm=\"http://b\"", "two"),
    ] {
        let server = Server::start(move |_, stream| say(stream, unauthorized(malformed)));
        assert_refused(fetch_root(&as_alice(&server), 100), why);
        assert_never_told(&server);
    }
}

#[test]
fn basic_is_for_who_has_a_password_and_is_shown_once() {
    let wants = || {
        Server::start(|request, stream| {
            let knows = request.header("authorization") == Some(&basic());
            say(stream, if knows { ok(b"{}") } else { unauthorized("Basic realm=\"x\"").into_bytes() })
        })
    };
    let server = wants();
    let transport = as_alice(&server);
    fetch_root(&transport, 100).unwrap();
    transport.publish(&Upload::default()).unwrap();
    assert_eq!(server.requests.lock().unwrap().len(), 3);
    let eve = Credentials::basic("eve", Zeroizing::new("x".to_owned())).unwrap();
    for (credentials, tries) in [(Some(eve), 2), (None, 1)] {
        let server = wants();
        let mut builder = builder(&server);
        if let Some(credentials) = credentials {
            builder = builder.credentials(credentials);
        }
        let outcome = fetch_root(&builder.build().unwrap(), 100);
        assert!(matches!(outcome, Err(TransportError::Unauthorized { status: 401, .. })), "{outcome:?}");
        assert_eq!(server.requests.lock().unwrap().len(), tries);
    }
}

#[test]
fn ta_09_an_answer_without_a_token_is_an_error_and_nothing_empty_is_sent() {
    let long = format!("{}{}", r#"{"token":"x"}"#, " ".repeat(300 << 10));
    for reply in [
        ok(b""),
        ok(b"{}"),
        ok(br#"{"token":""}"#),
        ok(b"<html>log in</html>"),
        ok(br#"{"token":"a\r\nX-Injected: 1"}"#),
        status("204 No Content", "").into_bytes(),
        status("404 Not Found", r#"{"token":"x"}"#).into_bytes(),
        status("500 Oops", r#"{"token":"x"}"#).into_bytes(),
        ok(long.as_bytes()),
        b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"token\":\"x\"}".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&reply).chars().take(60).collect::<String>();
        let tokens = Server::saying(reply);
        let trust = wants_tokens(realm(&tokens), |_, _| true);
        let error = fetch_root(&as_alice(&trust), 100).unwrap_err();
        assert!(!matches!(error, TransportError::NotFound { .. }), "{shown}: {error:?}");
        assert_eq!(trust.requests.lock().unwrap().len(), 1, "{shown}: nothing was shown");
    }
}

#[test]
fn ta_10_a_token_that_expired_midway_is_replaced_once_and_the_upload_is_the_same() {
    let tokens = token_server();
    // The first token reads once; then only a newer one is good.
    let reads = AtomicUsize::new(0);
    let trust = wants_tokens(realm(&tokens), move |request, token| {
        let is_first = token.ends_with("-0");
        !is_first || request.body.is_empty() && reads.fetch_add(1, Ordering::SeqCst) == 0
    });
    let transport = as_alice(&trust);
    // With the right to push, as nobody is not tried.
    transport.server_key(&RoleName::Timestamp, false).unwrap();
    let upload = Upload::new(vec![(RoleName::Root, b"{\"root\":1}".to_vec())]);
    transport.publish(&upload).unwrap();
    assert_eq!(heads(&tokens).len(), 2);
    let requests = trust.requests.lock().unwrap();
    let bodies: Vec<_> = requests.iter().map(|it| &it.body).filter(|body| !body.is_empty()).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
}

#[test]
fn ta_10_a_second_refusal_stands() {
    let tokens = token_server();
    let trust = wants_tokens(realm(&tokens), |_, _| false);
    let outcome = as_alice(&trust).publish(&Upload::default());
    assert!(matches!(outcome, Err(TransportError::Unauthorized { status: 401, .. })), "{outcome:?}");
    assert_eq!((heads(&trust).len(), heads(&tokens).len()), (2, 1));
    let outcome = fetch_root(&as_alice(&trust), 100);
    assert!(matches!(outcome, Err(TransportError::Unauthorized { status: 401, .. })), "{outcome:?}");
    assert_eq!((heads(&trust).len(), heads(&tokens).len()), (5, 3), "nobody's and alice's");
}

#[test]
fn ta_05_ta_06_a_redirect_takes_no_credentials_along() {
    let other = token_server();
    let location = format!("http://127.0.0.1:{}/", other.port);
    let server = Server::start(move |request, stream| {
        let reply = match request.header("authorization") {
            None => unauthorized("Basic realm=\"x\""),
            Some(_) => format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"),
        };
        say(stream, reply)
    });
    let outcome = fetch_root(&as_alice(&server), 100);
    assert!(matches!(outcome, Err(TransportError::Status { status: 302, .. })), "{outcome:?}");
    assert!(heads(&other).is_empty());
}

#[test]
fn ta_14_refused_by_a_token_server_is_not_absent() {
    for line in ["401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        let tokens = Server::saying(status(line, ""));
        let trust = wants_tokens(realm(&tokens), |_, _| true);
        let error = fetch_root(&builder(&trust).build().unwrap(), 100).unwrap_err();
        let (unauthorized, authentication) = (
            matches!(error, TransportError::Unauthorized { .. }),
            matches!(error, TransportError::Authentication { .. }),
        );
        assert!(unauthorized || authentication, "{line}: {error:?}");
    }
}

#[test]
fn credentials_in_the_clear_are_for_this_machine_only() {
    let gun = Gun::new(GUN).unwrap();
    for (url, allowed) in
        [("http://127.0.0.1:1", true), ("http://localhost:1", true), ("http://notary.example.com", false)]
    {
        let builder = HttpTransport::builder(Url::parse(url).unwrap(), &gun).dangerous().allow_plain_http();
        assert!(builder.clone().build().is_ok());
        let outcome = builder.credentials(alice()).build();
        assert_eq!(outcome.is_ok(), allowed, "{url}");
        assert!(outcome.is_ok() || matches!(outcome, Err(TransportError::Config(_))));
    }
}

#[test]
fn ta_13_nothing_shows_a_secret() {
    let tokens = token_server();
    let trust = wants_tokens(realm(&tokens), |_, _| false);
    let proxy = Url::parse(&format!("http://proxy:{SECRET}@127.0.0.1:1/")).unwrap();
    let builder = builder(&trust).credentials(alice()).proxy(proxy);
    let transport = builder.clone().build().unwrap();
    let error = fetch_root(&transport, 100).unwrap_err();
    let shown = format!("{builder:?} {transport:?} {error} {error:?}");
    for secret in [SECRET, &basic()[6..], "alice-", "anonymous-"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn te_09_nothing_depends_on_a_ping_and_a_token_server_that_fails_is_an_error() {
    let absent = Arc::new(AtomicUsize::new(0));
    let pings = Arc::clone(&absent);
    let trust = Server::start(move |request, stream| {
        if request.path() == "/v2/" {
            pings.fetch_add(1, Ordering::SeqCst);
        }
        say(
            stream,
            if request.path().ends_with("root.json") {
                ok(b"{}")
            } else {
                status("404 Not Found", "").into_bytes()
            },
        )
    });
    fetch_root(&builder(&trust).build().unwrap(), 100).unwrap();
    assert_eq!(absent.load(Ordering::SeqCst), 0);
    let tokens = Server::saying(status("503 Service Unavailable", ""));
    let trust = wants_tokens(realm(&tokens), |_, _| true);
    let transport = builder(&trust).retries(Retries { most: 1, ..Retries::default() }).build().unwrap();
    let error = fetch_root(&transport, 100).unwrap_err();
    assert!(matches!(error, TransportError::Status { status: 503, .. }) && error.is_retryable(), "{error:?}");
    assert_eq!(heads(&tokens).len(), 2, "reading is tried again");
    let what = Resource::latest(RoleName::Timestamp);
    assert!(transport.fetch(&what, 100).is_err());
}
