use std::{
    io::{Read, Write},
    sync::atomic::Ordering,
    thread,
    time::Duration,
};

use crate::adapter::HttpTransport;
use tuf_notary::{
    name::{Form, Gun, Resource, RoleName},
    testkit::suite,
    transport::{Transport, TransportError, Upload},
};
use url::Url;

use super::{
    served,
    server::{Server, fetch_root, ok, status},
};

const BASE: &str = "/sub/v2/localhost:5000/test/app/_trust/tuf/";

pub fn notary(chunked: bool) -> Server {
    let served = served();
    Server::start(move |request, stream| {
        let content = served
            .present
            .iter()
            .find(|(what, _)| request.path() == format!("{BASE}{}", what.notary_name()))
            .map(|(_, content)| content);
        let reply = match content {
            None => status("404 Not Found", r#"{"errors":[{"code":"METADATA_NOT_FOUND"}]}"#).into_bytes(),
            Some(content) if chunked => {
                let mut reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
                for chunk in content.chunks(1000) {
                    reply.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
                }
                [&reply[..], b"0\r\n\r\n"].concat()
            }
            Some(content) => ok(content),
        };
        stream.write_all(&reply).is_ok()
    })
}

#[test]
fn the_http_transport_keeps_its_promises() {
    for chunked in [false, true] {
        suite::transport(&notary(chunked).transport(), &served());
    }
}

#[test]
fn one_connection_serves_a_whole_refresh() {
    let server = notary(true);
    let transport = server.transport();
    fetch_root(&transport, 100).unwrap();
    assert!(transport.fetch(&Resource::latest(RoleName::Targets), 100).is_err(), "a 404 does not spoil it");
    fetch_root(&transport.clone(), 100).unwrap();
    let connections = server.connections.load(Ordering::SeqCst);
    // The asynchronous library may open one more before the first is free again.
    assert!(connections == 1 || !crate::adapter::IS_BLOCKING && connections == 2, "{connections}");
}

#[test]
fn px_04_requests_ask_for_plain_and_for_unpinned_files_fresh_bytes() {
    let server = Server::saying(ok(b"x"));
    let transport = server.transport();
    fetch_root(&transport, 10).unwrap();
    let pinned = Resource { role: RoleName::releases(), form: Form::Sha256([0xab; 32]) };
    drop(transport.fetch(&pinned, 10).unwrap());
    transport.server_key(&RoleName::Timestamp, false).unwrap();
    let requests = server.requests.lock().unwrap();
    let seen: Vec<_> =
        requests.iter().map(|request| (request.path(), request.header("cache-control"))).collect();
    let hex = format!("{BASE}targets/releases.{}.json", "ab".repeat(32));
    let expected = [
        (&*format!("{BASE}root.json"), Some("no-cache")),
        (&*hex, None),
        (&*format!("{BASE}timestamp.key"), Some("no-cache")),
    ];
    assert_eq!(seen, expected);
    for request in requests.iter() {
        assert_eq!(request.header("accept-encoding"), Some("identity"));
        assert!(request.header("user-agent").unwrap().starts_with("tuf-notary/"));
    }
}

#[test]
fn te_05_only_200_is_success() {
    for line in ["201 Created", "204 No Content", "206 Partial Content", "304 Not Modified", "500 Oops"] {
        let expected: u16 = line[..3].parse().unwrap();
        for reply in [status(line, "x"), format!("HTTP/1.1 {line}\r\n\r\n")] {
            match Server::saying(reply).fetch_root(100) {
                Err(TransportError::Status { status, .. }) => assert_eq!(status, expected),
                other => panic!("{line}: {other:?}"),
            }
        }
    }
    assert_eq!(
        Server::saying(ok(b"")).fetch_root(100).unwrap(),
        b"",
        "an empty file is malformed, not absent"
    );
}

#[test]
fn ta_06_no_redirect_is_followed() {
    for line in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let reply = format!("HTTP/1.1 {line}\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        let server = Server::saying(reply);
        let transport = server.transport();
        let is_status = |outcome: Result<(), TransportError>| {
            matches!(outcome, Err(TransportError::Status { status: 301..=308, .. }))
        };
        assert!(is_status(fetch_root(&transport, 100).map(drop)), "{line}");
        assert!(is_status(transport.publish(&Upload::default())), "{line}");
        assert_eq!(server.requests.lock().unwrap().len(), 2, "{line}");
    }
}

#[test]
fn ta_14_refused_is_not_absent() {
    for (line, expected) in [("401 Unauthorized", 401), ("403 Forbidden", 403)] {
        match Server::saying(status(line, "")).fetch_root(100) {
            Err(TransportError::Unauthorized { status, .. }) => assert_eq!(status, expected),
            other => panic!("{other:?}"),
        }
    }
    let absent = Server::saying(status("404 Not Found", "")).fetch_root(100);
    assert!(matches!(absent, Err(TransportError::NotFound { .. })));
}

#[test]
fn ed_06_a_longer_announcement_is_refused_before_the_body() {
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n").unwrap();
        thread::sleep(Duration::from_secs(5));
        false
    });
    let refused = server.transport().fetch(&Resource::latest(RoleName::Root), 100).map(drop);
    assert!(matches!(refused, Err(TransportError::TooLarge { limit: 100, .. })), "{refused:?}");
}

/// A reply without end: `head`, then chunks for ever.
fn endless(head: &'static str) -> Server {
    Server::start(move |_, stream| {
        let mut outcome = stream.write_all(head.as_bytes());
        while outcome.is_ok() {
            outcome = stream.write_all(b"400\r\n").and_then(|()| stream.write_all(&[b' '; 1024]));
            outcome = outcome.and_then(|()| stream.write_all(b"\r\n"));
        }
        false
    })
}

#[test]
fn ed_07_bytes_are_counted_whatever_was_announced() {
    let server = endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let fetched = server.transport().fetch(&Resource::latest(RoleName::Root), 5000);
    if !crate::adapter::IS_BLOCKING {
        assert!(matches!(fetched.map(drop), Err(TransportError::TooLarge { limit: 5000, .. })));
        return;
    }
    let mut body = fetched.unwrap();
    let mut content = Vec::new();
    assert!(body.read_to_end(&mut content).is_err(), "a caller who does not count is stopped");
    assert_eq!(content.len(), 5001, "a caller who counts sees the excess");
    assert!(body.read(&mut [0; 8]).is_err());
}

#[test]
fn ed_08_a_compressed_body_is_refused() {
    for encoding in ["gzip", "br", "identity, gzip"] {
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 1\r\n\r\nx");
        let outcome = Server::saying(reply).fetch_root(100);
        assert!(matches!(outcome, Err(TransportError::Connection { .. })), "{outcome:?}");
    }
    let plain = "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(Server::saying(plain).fetch_root(100).unwrap(), b"x");
}

#[test]
fn ed_13_an_endless_refusal_is_cut() {
    let server = endless("HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n");
    match server.transport().publish(&Upload::default()) {
        Err(TransportError::Rejected { message, .. }) => assert!(message.len() < 2000),
        other => panic!("{other:?}"),
    }
    let long = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30);
    let outcome = Server::saying(long).transport().publish(&Upload::default());
    assert!(matches!(outcome, Err(TransportError::Rejected { .. })), "{outcome:?}");
}

#[test]
fn ed_14_an_endless_key_is_refused() {
    let server = endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for rotate in [false, true] {
        let outcome = server.transport().server_key(&RoleName::Timestamp, rotate);
        assert!(matches!(outcome, Err(TransportError::TooLarge { limit: 262_144, .. })), "{outcome:?}");
    }
}

#[test]
fn te_04_a_cut_body_is_a_broken_connection() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_owned(),
        chunked.to_owned(),
        format!("{chunked}5"),
        format!("{chunked}5\r\nabcd"),
        format!("{chunked}5\r\nabcde"),
        format!("{chunked}5\r\nabcde\r\n"),
        format!("{chunked}5\r\nabcde\r\n0"),
        format!("{chunked}5\r\nabcde\r\nxyz\r\n"),
        format!("{chunked}-5\r\nabcde\r\n0\r\n\r\n"),
        "HTTP/1.1 200 OK\r\n\r\nabcde".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Le".to_owned(),
        String::new(),
        "SSH-2.0-x\r\n\r\n".to_owned(),
    ] {
        let outcome = Server::saying(reply.as_str()).fetch_root(100);
        assert!(matches!(outcome, Err(TransportError::Connection { .. })), "{reply:?}: {outcome:?}");
    }
}

#[test]
fn te_11_ambiguous_framing_is_refused() {
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
    ] {
        let outcome = Server::saying(format!("HTTP/1.1 200 OK\r\n{headers}\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"))
            .fetch_root(100);
        assert!(matches!(outcome, Err(TransportError::Connection { .. })), "{headers}: {outcome:?}");
    }
    let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";
    assert!(Server::saying(old).fetch_root(100).is_err());
    assert_eq!(
        Server::saying("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab").fetch_root(9).unwrap(),
        b"ab"
    );
}

#[test]
fn publishing_posts_all_files_in_one_body() {
    let server = Server::start(|_, stream| stream.write_all(&ok(b"")).is_ok());
    let files = vec![(RoleName::Root, b"{}".to_vec()), (RoleName::releases(), vec![b'x'; 300_000])];
    server.transport().publish(&Upload::new(files)).unwrap();
    let requests = server.requests.lock().unwrap();
    let [request] = &requests[..] else { panic!() };
    assert!(request.head.starts_with(&format!("POST {BASE} HTTP/1.1\r\n")), "{}", request.head);
    let kind = request.header("content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.ends_with(&format!("x\r\n--{boundary}--\r\n")));
    assert!(body.contains("name=\"files\"; filename=\"targets/releases\"\r\n"));
}

#[test]
fn te_12_a_publish_is_never_repeated() {
    let server = Server::saying("");
    let outcome = server.transport().publish(&Upload::default());
    assert!(matches!(outcome, Err(TransportError::Connection { .. })), "{outcome:?}");
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

#[test]
fn a_refused_upload_says_why() {
    let words = r#"{"errors":[{"code":"VERSION","message":"A newer version exists.","detail":{}}]}"#;
    let server = Server::saying(status("400 Bad Request", words));
    match server.transport().publish(&Upload::default()) {
        Err(TransportError::Rejected { code, message }) => {
            assert_eq!((code.as_str(), message.as_str()), ("VERSION", "A newer version exists."));
        }
        other => panic!("{other:?}"),
    }
    let outcome = server.fetch_root(100);
    assert!(matches!(outcome, Err(TransportError::Status { status: 400, .. })), "{outcome:?}");
}

#[test]
fn keys_are_got_rotated_and_collections_deleted() {
    let server = Server::saying(ok(b"key"));
    let transport = server.transport();
    assert_eq!(transport.server_key(&RoleName::Snapshot, false).unwrap(), b"key");
    assert_eq!(transport.server_key(&RoleName::Timestamp, true).unwrap(), b"key");
    transport.delete().unwrap();
    let requests = server.requests.lock().unwrap();
    let lines: Vec<_> = requests.iter().map(|request| request.head.lines().next().unwrap()).collect();
    let expected = [
        format!("GET {BASE}snapshot.key HTTP/1.1"),
        format!("POST {BASE}timestamp.key HTTP/1.1"),
        format!("DELETE {BASE} HTTP/1.1"),
    ];
    assert_eq!(lines, expected);
    assert_eq!(requests[1].header("content-length"), Some("0"));
}

#[test]
fn plain_http_and_bad_settings_are_refused_when_building() {
    let gun = Gun::new("a").unwrap();
    let plain = HttpTransport::builder(Url::parse("http://127.0.0.1/").unwrap(), &gun);
    assert!(matches!(plain.build(), Err(TransportError::Config(_))));
    let builder = || HttpTransport::builder(Url::parse("https://127.0.0.1/").unwrap(), &gun);
    for refused in [
        builder().user_agent("a\r\nX-Injected: 1"),
        builder().ca_pem(b"no certificate"),
        builder().ca_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        builder().ca_file("/nonexistent/ca.pem"),
    ] {
        assert!(matches!(refused.build(), Err(TransportError::Config(_))));
    }
}

#[test]
fn an_unreachable_server_is_a_connection_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = Server::saying("");
    server.port = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = server.fetch_root(100);
    assert!(matches!(outcome, Err(TransportError::Connection { .. })), "{outcome:?}");
}
