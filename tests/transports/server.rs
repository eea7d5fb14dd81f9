//! A server that sends what a test tells it, byte by byte.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::adapter::HttpTransport;
use tuf_notary::{
    name::{Gun, Resource, RoleName},
    transport::{Timeouts, Transport, TransportError},
};
use url::Url;

pub struct Request {
    /// `GET /v2/… HTTP/1.1` and the headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub struct Server {
    pub port: u16,
    pub requests: Arc<Mutex<Vec<Arc<Request>>>>,
    pub connections: Arc<AtomicUsize>,
}

impl Server {
    /// Serves until the process ends. A connection is kept when `answer` says so.
    pub fn start(answer: impl Fn(&Request, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&server.requests), Arc::clone(&server.connections));
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, requests, answer) =
                    (stream.unwrap(), Arc::clone(&requests), Arc::clone(&answer));
                connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    while let Some(request) = read_request(&mut stream) {
                        // Noted first, so that who has the answer finds the request.
                        let request = Arc::new(request);
                        requests.lock().unwrap().push(Arc::clone(&request));
                        if !answer(&request, &mut stream) {
                            break;
                        }
                    }
                });
            }
        });
        server
    }

    /// Answers each request with these bytes and closes, and says so: a client must not send its next
    /// request on a connection that is about to go.
    pub fn saying(reply: impl Into<Vec<u8>>) -> Self {
        let mut reply = reply.into();
        if let Some(end) = reply.iter().position(|byte| *byte == b'\r') {
            reply.splice(end..end, *b"\r\nConnection: close");
        }
        Self::start(move |_, stream| {
            let _ = stream.write_all(&reply);
            false
        })
    }

    pub fn transport(&self) -> HttpTransport {
        self.transport_with(brisk())
    }

    pub fn transport_with(&self, timeouts: Timeouts) -> HttpTransport {
        let url = Url::parse(&format!("http://127.0.0.1:{}/sub/", self.port)).unwrap();
        HttpTransport::builder(url, &Gun::new("localhost:5000/test/app").unwrap())
            .dangerous()
            .allow_plain_http()
            .timeouts(timeouts)
            .build()
            .unwrap()
    }

    pub fn fetch_root(&self, max: u64) -> Result<Vec<u8>, TransportError> {
        fetch_root(&self.transport(), max)
    }
}

pub fn fetch_root(transport: &HttpTransport, max: u64) -> Result<Vec<u8>, TransportError> {
    let what = Resource::latest(RoleName::Root);
    let mut content = Vec::new();
    let outcome = transport.fetch(&what, max)?.read_to_end(&mut content);
    outcome.map_err(|e| TransportError::from_read(&what, &e))?;
    Ok(content)
}

pub fn brisk() -> Timeouts {
    Timeouts {
        connect: Duration::from_millis(1500),
        response: Duration::from_millis(1500),
        idle: Duration::from_millis(1500),
        min_bytes_per_second: 0,
        window: Duration::from_millis(1500),
        total: Duration::from_secs(30),
    }
}

pub fn ok(body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

pub fn status(line: &str, body: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let mut request = Request { head: String::from_utf8(head).unwrap(), body: Vec::new() };
    let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    // The body of a larger upload stays unread, for the test of a server that stalls.
    if length < 10 << 20 {
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body).ok()?;
    }
    Some(request)
}
