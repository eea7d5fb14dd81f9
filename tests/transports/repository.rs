//! TUF 1.0 repositories over HTTP.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tuf_notary::{
    name::{Form, Resource, RoleName, Version},
    testkit::suite,
    transport::{HttpTransportBuilder, Retries, TargetTransport, Transport, TransportError, TufRepository},
};
use url::Url;

use super::{
    served,
    server::{Request, Server, brisk, ok, status},
};
use crate::adapter::{HttpRepository, build};

pub fn url(server: &Server, path: &str) -> Url {
    Url::parse(&format!("http://127.0.0.1:{}{path}", server.port)).unwrap()
}

/// With `/m` for metadata and `/t` for targets.
pub fn builder(server: &Server) -> HttpTransportBuilder<TufRepository> {
    HttpRepository::builder(url(server, "/m/"))
        .targets_url(url(server, "/t"))
        .timeouts(brisk())
        .retries(Retries { most: 0, ..Retries::default() })
}

pub fn repository(server: &Server) -> HttpRepository {
    build(builder(server)).unwrap()
}

pub fn root(version: u64) -> Resource {
    Resource { role: RoleName::Root, form: Form::Version(Version::new(version).unwrap()) }
}

pub fn fetch(transport: &HttpRepository, what: &Resource) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let outcome = transport.fetch(what, 1000)?.read_to_end(&mut content);
    outcome.map_err(|e| TransportError::from_read(what, &e))?;
    Ok(content)
}

pub fn fetch_target(transport: &HttpRepository, path: &str) -> Result<Vec<u8>, TransportError> {
    let mut content = Vec::new();
    let outcome = transport.fetch_target(path, 1000)?.read_to_end(&mut content);
    outcome.map_err(|e| TransportError::from_target_read(path, &e))?;
    Ok(content)
}

/// A server of what `served` names, below `/m` and `/t`, that marks lengths so.
fn published(framing: fn(&[u8]) -> Vec<u8>) -> Server {
    let (metadata, targets) = (served::served(), served::targets());
    let metadata = metadata.present.into_iter().map(|(what, file)| (format!("/m/{}", what.tuf_name()), file));
    let targets =
        targets.present.into_iter().map(|(path, file)| (format!("/t/{}", path.replace(' ', "%20")), file));
    let files: Vec<_> = metadata.chain(targets).collect();
    Server::start(move |request, stream| {
        let file = files.iter().find(|(path, _)| request.path() == path);
        let reply = file.map_or_else(|| status("404 Not Found", "").into_bytes(), |(_, file)| framing(file));
        let is_kept = reply.starts_with(b"HTTP/1.1");
        stream.write_all(&reply).is_ok() && is_kept
    })
}

fn chunked(file: &[u8]) -> Vec<u8> {
    let mut reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in file.chunks(1000) {
        reply.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    [&reply[..], b"0\r\n\r\n"].concat()
}

/// As Python's `http.server` answers.
fn old(file: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.0 200 OK\r\nContent-length: {}\r\n\r\n", file.len()).as_bytes(), file].concat()
}

#[test]
fn a_repository_keeps_its_promises() {
    for framing in [ok, chunked, old] {
        let server = published(framing);
        suite::transport(&repository(&server), &served::served());
        suite::target_transport(&repository(&server), &served::targets());
    }
}

#[test]
fn te_01_a_newer_root_is_not_there_by_404_and_by_403() {
    for (line, on_others) in [("404 Not Found", "MISSING"), ("403 Forbidden", "UNAUTHORIZED")] {
        let server = Server::saying(status(line, "<Error><Code>AccessDenied</Code></Error>"));
        let transport = repository(&server);
        let error = fetch(&transport, &root(2)).unwrap_err();
        assert!(matches!(error, TransportError::NotFound { .. }), "{line}: {error:?}");
        let others = [
            Resource::latest(RoleName::Root),
            Resource::latest(RoleName::Timestamp),
            Resource { role: RoleName::Snapshot, form: Form::Version(Version::ONE) },
        ];
        for what in others {
            assert_eq!(fetch(&transport, &what).unwrap_err().code(), on_others, "{what:?}");
        }
        assert_eq!(fetch_target(&transport, "a").unwrap_err().code(), on_others);
    }
}

#[test]
fn te_02_whatever_else_happens_to_a_newer_root_is_no_answer() {
    let lines = [
        "204 No Content",
        "304 Not Modified",
        "400 Bad Request",
        "401 Unauthorized",
        "410 Gone",
        "429 Too Many Requests",
        "500 Oops",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ];
    for line in lines {
        let server = Server::saying(status(line, ""));
        let error = fetch(&repository(&server), &root(2)).unwrap_err();
        assert!(!matches!(error, TransportError::NotFound { .. }), "{line}: {error:?}");
    }
    let reset = Server::start(|_, _| false);
    let silent = Server::start(|_, _| {
        thread::sleep(Duration::from_secs(10));
        false
    });
    for (server, code) in [(reset, "NETWORK"), (silent, "NETWORK")] {
        let error = fetch(&repository(&server), &root(2)).unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.is_retryable());
    }
}

#[test]
fn te_02_a_newer_root_is_asked_for_again_when_the_server_is_busy() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        true
    });
    let retries = Retries { most: 2, longest_pause: Duration::from_millis(10) };
    let error = fetch(&build(builder(&server).retries(retries)).unwrap(), &root(2)).unwrap_err();
    assert!(matches!(error, TransportError::Status { status: 503, .. }), "{error:?}");
    assert_eq!(server.requests.lock().unwrap().len(), 3);
}

#[test]
fn te_04_content_that_ends_early_fails() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    let transport = repository(&server);
    for error in [fetch(&transport, &root(1)).unwrap_err(), fetch_target(&transport, "a").unwrap_err()] {
        assert!(matches!(error, TransportError::Connection { .. }), "{error:?}");
    }
    let server = Server::saying("HTTP/1.1 200 OK\r\n\r\nwithout a length");
    assert!(fetch_target(&repository(&server), "a").is_err());
}

#[test]
fn ed_more_than_allowed_is_refused_when_it_is_announced() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
    let error = repository(&server).fetch_target("a", 1000).map(drop).unwrap_err();
    assert!(matches!(error, TransportError::TooLarge { limit: 1000, .. }), "{error:?}");
    // What is not announced is seen by whoever counts.
    let server = Server::saying(chunked(&[b'x'; 5000]));
    let read = repository(&server).fetch_target("a", 1000).unwrap().read_to_end(&mut Vec::new());
    assert!(read.map_or(true, |read| read > 1000));
}

#[test]
fn pt_01_pt_05_what_is_sent_lies_below_the_base() {
    let server = Server::saying(ok(b"x"));
    let transport = repository(&server);
    let paths = [
        ("a/b.tar", "/t/a/b.tar"),
        ("//host/x", "/t///host/x"),
        ("/etc/passwd", "/t//etc/passwd"),
        ("a#b", "/t/a%23b"),
        ("a?b", "/t/a%3Fb"),
        ("%2e%2e/x", "/t/%252e%252e/x"),
        ("%2e%2e%2f%2e%2e/x", "/t/%252e%252e%252f%252e%252e/x"),
        ("..\\..\\x", "/t/..%5C..%5Cx"),
        ("http://127.0.0.1:1/x", "/t/http%3A//127.0.0.1%3A1/x"),
        ("a\r\nX-Evil: 1\r\n\r\n", "/t/a%0D%0AX-Evil%3A%201%0D%0A%0D%0A"),
        ("\t\0\u{7f}", "/t/%09%00%7F"),
        (".../x;y=1&z", "/t/.../x%3By%3D1%26z"),
        ("é ü/日本", "/t/%C3%A9%20%C3%BC/%E6%97%A5%E6%9C%AC"),
    ];
    for (path, sent) in paths {
        fetch_target(&transport, path).unwrap();
        let requests = std::mem::take(&mut *server.requests.lock().unwrap());
        let lines: Vec<_> = requests.iter().map(|request| request.head.lines().next().unwrap()).collect();
        assert_eq!(lines, [format!("GET {sent} HTTP/1.1")], "{path:?}");
        assert!(requests[0].header("x-evil").is_none());
    }
    for path in ["..", "../x", "a/../../x", "./x", "a/.", ""] {
        let error = fetch_target(&transport, path).unwrap_err();
        assert!(matches!(error, TransportError::Path { .. }), "{path:?}: {error:?}");
    }
    fetch(&transport, &Resource::latest(RoleName::releases())).unwrap();
    let requests = server.requests.lock().unwrap();
    assert_eq!(requests.len(), 1, "what is refused is not asked for");
    assert_eq!(requests[0].path(), "/m/targets%2Freleases.json");
}

#[test]
fn pt_01_roles_of_any_name_are_asked_for_below_the_base() {
    let server = Server::saying(ok(b"x"));
    let transport = repository(&server);
    let long = "é".repeat(512);
    for (role, sent) in [
        ("?", "%3F"),
        ("#", "%23"),
        ("/delegatedrole", "%2Fdelegatedrole"),
        ("../delegatedrole", "..%2Fdelegatedrole"),
        ("%2e%2e", "%252e%252e"),
        ("..", ".."),
        (".", "."),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("//127.0.0.1:1/x", "%2F%2F127.0.0.1%3A1%2Fx"),
        (&long, &"%C3%A9".repeat(512)),
    ] {
        let role = RoleName::tuf(role).unwrap();
        let form = Form::Version(Version::new(7).unwrap());
        fetch(&transport, &Resource::latest(role.clone())).unwrap();
        fetch(&transport, &Resource { role, form }).unwrap();
        let requests = std::mem::take(&mut *server.requests.lock().unwrap());
        let seen: Vec<_> = requests.iter().map(|it| it.path()).collect();
        assert_eq!(seen, [format!("/m/{sent}.json"), format!("/m/7.{sent}.json")]);
        assert!(requests[0].header("x-evil").is_none());
    }
}

#[test]
fn messages_show_no_control_characters_of_a_path() {
    let server = Server::saying(status("404 Not Found", ""));
    for path in ["a\u{1b}[2J\n\u{202e}b", &"x".repeat(5000)] {
        let error = fetch_target(&repository(&server), path).unwrap_err().to_string();
        assert!(!error.contains(['\u{1b}', '\n', '\u{202e}']) && error.len() < 1000, "{error:?}");
    }
    let error = repository(&server).fetch_target("../\u{1b}", 10).map(drop).unwrap_err().to_string();
    assert!(!error.contains('\u{1b}'));
}

#[test]
fn px_04_files_that_change_are_asked_for_past_caches() {
    let server = Server::saying(ok(b"x"));
    let transport = repository(&server);
    let pinned = Resource { role: RoleName::Snapshot, form: Form::Version(Version::ONE) };
    for what in [Resource::latest(RoleName::Timestamp), root(2), pinned] {
        fetch(&transport, &what).unwrap();
    }
    fetch_target(&transport, "a").unwrap();
    let seen = server.requests.lock().unwrap();
    let seen: Vec<_> = seen.iter().map(|it| (it.path(), it.header("cache-control"))).collect();
    let expected = [
        ("/m/timestamp.json", Some("no-cache")),
        ("/m/2.root.json", Some("no-cache")),
        ("/m/1.snapshot.json", None),
        ("/t/a", None),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn plain_http_is_for_this_machine_unless_it_is_said_to_be_dangerous() {
    let url = |text| Url::parse(text).unwrap();
    let here = || HttpRepository::builder(url("http://127.0.0.1:1/m"));
    assert!(build(here()).is_ok() && build(HttpRepository::builder(url("http://localhost/m/"))).is_ok());
    for far in ["http://example.com/", "http://10.0.0.1/", "http://127.0.0.1.example.com/"] {
        for builder in [HttpRepository::builder(url(far)), here().targets_url(url(far))] {
            assert_eq!(build(builder.clone()).unwrap_err().code(), "CONFIG", "{far}");
            assert!(build(builder.dangerous().allow_plain_http()).is_ok(), "{far}");
        }
    }
    for no_base in ["ftp://h/", "https://u:p@h/", "https://h/?q", "https://h/#f"] {
        assert_eq!(build(HttpRepository::builder(url(no_base))).unwrap_err().code(), "CONFIG", "{no_base}");
        assert_eq!(build(here().targets_url(url(no_base))).unwrap_err().code(), "CONFIG", "{no_base}");
    }
}

#[test]
fn without_a_url_there_are_no_targets() {
    let server = Server::saying(ok(b"x"));
    let transport = build(HttpRepository::builder(url(&server, "/m"))).unwrap();
    let error = fetch_target(&transport, "a").unwrap_err();
    assert_eq!((error.code(), server.requests.lock().unwrap().len()), ("UNSUPPORTED", 0));
}

/// Says half, and the rest when it is told to.
fn half(told: Arc<AtomicBool>) -> impl Fn(&Request, &mut TcpStream) -> bool {
    move |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
        let begun = Instant::now();
        while !told.load(Ordering::SeqCst) {
            if begun.elapsed() > Duration::from_secs(20) {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        stream.write_all(b"-rest").is_ok()
    }
}

#[test]
fn a_target_is_streamed() {
    let told = Arc::new(AtomicBool::new(false));
    let server = Server::start(half(Arc::clone(&told)));
    let mut body = repository(&server).fetch_target("a", 10).unwrap();
    let mut first = [0; 5];
    body.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"first", "before the server has sent the rest");
    told.store(true, Ordering::SeqCst);
    let mut rest = Vec::new();
    body.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"-rest");
}

#[test]
fn sl_02_a_target_that_stalls_is_given_up() {
    let server = Server::start(half(Arc::default()));
    let begun = Instant::now();
    let error = fetch_target(&repository(&server), "a").unwrap_err();
    assert!(matches!(error, TransportError::Timeout { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn sl_04_a_target_has_an_end_of_time_as_a_whole() {
    let server = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
        false
    });
    let mut timeouts = brisk();
    timeouts.total = Duration::from_millis(1500);
    let begun = Instant::now();
    let error = fetch_target(&build(builder(&server).timeouts(timeouts)).unwrap(), "a").unwrap_err();
    assert!(matches!(error, TransportError::Timeout { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
