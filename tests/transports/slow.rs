//! Servers that stall, drip and never end: each wait has an end.

use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crate::adapter::HttpTransport;
use tuf_notary::{
    name::{Gun, RoleName},
    transport::{Timeouts, Transport, TransportError, Upload},
};
use url::Url;

use super::server::{Server, fetch_root};

const SHORT: Duration = Duration::from_millis(250);
const LONG: Duration = Duration::from_secs(30);
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn patient() -> Timeouts {
    Timeouts { connect: LONG, response: LONG, idle: LONG, min_bytes_per_second: 0, window: LONG, total: LONG }
}

/// Sends `head`, then `drop` every 40 ms, for ever or until the client leaves.
fn dripping(head: &'static str, drop: &'static str) -> Server {
    Server::start(move |_, stream| {
        let mut outcome = stream.write_all(head.as_bytes());
        while outcome.is_ok() {
            thread::sleep(Duration::from_millis(40));
            outcome = stream.write_all(drop.as_bytes());
        }
        false
    })
}

fn stalling(head: &'static str) -> Server {
    Server::start(move |_, stream: &mut TcpStream| {
        stream.write_all(head.as_bytes()).unwrap();
        thread::sleep(Duration::from_secs(20));
        false
    })
}

fn assert_times_out(expected: &str, call: impl FnOnce() -> Result<(), TransportError>) {
    let start = Instant::now();
    match call() {
        Err(TransportError::Timeout { phase, .. }) => assert_eq!(phase, expected),
        other => panic!("expected a time-out of phase {expected}, got {other:?}"),
    }
    let elapsed = start.elapsed();
    assert!((Duration::from_millis(200)..Duration::from_secs(5)).contains(&elapsed), "{elapsed:?}");
}

fn fetching(server: &Server, timeouts: Timeouts) -> Result<(), TransportError> {
    fetch_root(&server.transport_with(timeouts), 1 << 20).map(drop)
}

#[test]
fn sl_03_a_handshake_that_stalls_is_a_connect_time_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new([]).unwrap().self_signed(&key).unwrap();
    let transport = HttpTransport::builder(url, &Gun::new("a").unwrap())
        .ca_pem(super::tls::pem(certificate.der()).as_bytes())
        .timeouts(Timeouts { connect: SHORT, ..patient() })
        .build()
        .unwrap();
    assert_times_out("connect", || fetch_root(&transport, 100).map(drop));
}

#[test]
fn sl_02_a_head_that_stalls_or_drips_is_a_response_time_out() {
    let timeouts = Timeouts { connect: SHORT, response: SHORT, ..patient() };
    for server in [stalling(""), stalling("HTTP/1.1 200 OK\r\nX"), dripping("HTTP/1.1 200 OK\r\nX: ", "a")] {
        assert_times_out("response", || fetching(&server, timeouts));
    }
}

#[test]
fn sl_01_a_body_that_stalls_is_a_body_time_out() {
    let timeouts = Timeouts { idle: SHORT, ..patient() };
    for server in [
        stalling("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"),
        stalling("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
        stalling("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    ] {
        assert_times_out("body", || fetching(&server, timeouts));
    }
}

#[test]
fn bytes_that_are_no_body_do_not_prolong_the_wait() {
    let timeouts = Timeouts { idle: SHORT, ..patient() };
    let trailers = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n";
    for server in [dripping(CHUNKED, "0"), dripping(trailers, "x: y\r\n")] {
        assert_times_out("body", || fetching(&server, timeouts));
    }
    if !crate::adapter::IS_BLOCKING {
        return; // Its library refuses so many trailers at once.
    }
    let flood = Server::start(move |_, stream| {
        let mut outcome = stream.write_all(trailers.as_bytes());
        while outcome.is_ok() {
            outcome = stream.write_all("x: y\r\n".repeat(1000).as_bytes());
        }
        false
    });
    assert_times_out("body", || fetching(&flood, timeouts));
}

#[test]
fn a_tls_record_in_pieces_does_not_prolong_the_wait() {
    let (port, certificate) = super::tls::dripping_record();
    let url = Url::parse(&format!("https://127.0.0.1:{port}")).unwrap();
    let transport = HttpTransport::builder(url, &Gun::new("a").unwrap())
        .ca_pem(super::tls::pem(certificate.der()).as_bytes())
        .timeouts(Timeouts { idle: SHORT, ..patient() })
        .build()
        .unwrap();
    assert_times_out("body", || fetch_root(&transport, 2000).map(drop));
}

#[test]
fn time_outs_without_end_are_no_panic() {
    let forever = Timeouts {
        connect: Duration::MAX,
        response: Duration::MAX,
        idle: Duration::MAX,
        min_bytes_per_second: u64::MAX,
        window: Duration::MAX,
        total: Duration::MAX,
    };
    let server = Server::saying(super::server::ok(b"x"));
    assert_eq!(fetch_root(&server.transport_with(forever), 9).unwrap(), b"x");
    server.transport_with(forever).publish(&Upload::default()).unwrap();
}

#[test]
fn sl_01_a_body_that_drips_is_too_slow() {
    let timeouts = Timeouts { min_bytes_per_second: 1000, window: 2 * SHORT, ..patient() };
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    for server in [dripping(announced, "abcdefgh"), dripping(CHUNKED, "1\r\na\r\n")] {
        assert_times_out("body", || fetching(&server, timeouts));
    }
}

#[test]
fn a_slow_body_that_keeps_the_pace_is_read() {
    let timeouts = Timeouts { min_bytes_per_second: 50, window: 2 * SHORT, ..patient() };
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 160\r\n\r\n").unwrap();
        for _ in 0..16 {
            thread::sleep(Duration::from_millis(80));
            stream.write_all(b"abcdefghij").unwrap();
        }
        false
    });
    assert_eq!(fetch_root(&server.transport_with(timeouts), 1000).unwrap().len(), 160);
}

#[test]
fn an_upload_that_nobody_reads_is_a_send_time_out() {
    let server = stalling("");
    let upload = Upload::new(vec![(RoleName::Targets, vec![b'x'; 16 << 20])]);
    match crate::adapter::IS_BLOCKING {
        true => {
            let timeouts = Timeouts { idle: SHORT, ..patient() };
            assert_times_out("send", || server.transport_with(timeouts).publish(&upload));
        }
        // One wait for connection, upload and answer: as long as the slowest pace allows.
        false => {
            let (pace, window) = (1 << 30, Duration::ZERO);
            let short = Timeouts { connect: SHORT, response: SHORT, ..patient() };
            let timeouts = Timeouts { min_bytes_per_second: pace, window, ..short };
            assert_times_out("response", || server.transport_with(timeouts).publish(&upload));
        }
    }
}

#[test]
fn refusals_and_keys_are_waited_for_no_longer() {
    let timeouts = Timeouts { idle: SHORT, ..patient() };
    let key = stalling("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nk");
    assert_times_out("body", || {
        key.transport_with(timeouts).server_key(&RoleName::Timestamp, false).map(drop)
    });
    let start = Instant::now();
    let absent = stalling("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nn");
    assert!(matches!(fetching(&absent, timeouts), Err(TransportError::NotFound { .. })));
    assert!(start.elapsed() < Duration::from_secs(5));
}
