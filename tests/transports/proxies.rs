//! Real proxies' ways to say no, and variables as processes have them.

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use crate::adapter::{HttpTransport, HttpTransportBuilder};
use tuf_notary::{name::Gun, transport::TransportError};
use url::Url;

use super::server::{Server, brisk, fetch_root, ok};

/// A host that no name service knows: whoever reaches it went through the proxy.
const HOST: &str = "notary.invalid";

/// A proxy that notes the heads it gets, and answers each so; it then leads to `port`, if any.
struct Proxy {
    url: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(answer: &'static str, port: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || serve(stream, answer, port, &seen));
            }
        });
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answer: &str, port: Option<u16>, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
    let _ = stream.write_all(answer.as_bytes());
    let Some(port) = port else { return };
    let mut onward = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut from, mut to) = (stream.try_clone().unwrap(), onward.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut to));
    let _ = std::io::copy(&mut onward, &mut stream);
}

fn builder(scheme: &str) -> HttpTransportBuilder {
    let url = Url::parse(&format!("{scheme}://{HOST}")).unwrap();
    let builder = HttpTransport::builder(url, &Gun::new("a").unwrap());
    builder.dangerous().allow_plain_http().timeouts(brisk())
}

#[test]
fn px_01_a_proxy_is_used_and_shown_its_own_password_only() {
    let server = Server::saying(ok(b"through"));
    let proxy = Proxy::start("HTTP/1.1 200 OK\r\n\r\n", Some(server.port));
    let mut url = proxy.url.clone();
    url.set_username("proxy").unwrap();
    url.set_password(Some("p%40ss")).unwrap();
    let transport = builder("http").proxy(url).build().unwrap();
    assert_eq!(fetch_root(&transport, 100).unwrap(), b"through");
    let heads = proxy.heads();
    assert!(heads[0].starts_with(&format!("CONNECT {HOST}:80 HTTP/1.1\r\n")), "{heads:?}");
    let expected = data_encoding::BASE64.encode(b"proxy:p@ss");
    assert!(heads[0].contains(&format!("Proxy-Authorization: Basic {expected}\r\n")), "{heads:?}");
    for request in server.requests.lock().unwrap().iter() {
        assert_eq!(request.header("proxy-authorization"), None, "{}", request.head);
    }
    // This machine is asked directly.
    let before = proxy.heads().len();
    let direct = Url::parse(&format!("http://127.0.0.1:{}", server.port)).unwrap();
    let direct = HttpTransport::builder(direct, &Gun::new("a").unwrap()).dangerous().allow_plain_http();
    fetch_root(&direct.proxy(proxy.url.clone()).build().unwrap(), 100).unwrap();
    assert_eq!(proxy.heads().len(), before);
}

#[test]
fn px_03_a_proxy_that_refuses_is_no_answer() {
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nlost",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n<html>log in</html>",
        "HTTP/1.1 302 Found\r\nLocation: http://login.invalid/\r\nContent-Length: 0\r\n\r\n",
        "",
    ] {
        let proxy = Proxy::start(answer, None);
        let transport = builder("https").proxy(proxy.url.clone()).build().unwrap();
        let outcome = fetch_root(&transport, 100);
        let unanswered =
            matches!(outcome, Err(TransportError::Connection { .. } | TransportError::Timeout { .. }));
        assert!(unanswered, "{answer:?}: {outcome:?}");
    }
}

const URL: &str = "TUF_NOTARY_TEST_URL";

/// Not a test of its own: a process with variables of its own.
#[test]
fn child() {
    let Ok(url) = env::var(URL) else { return };
    let builder = HttpTransport::builder(Url::parse(&url).unwrap(), &Gun::new("a").unwrap());
    let outcome = builder.dangerous().allow_plain_http().timeouts(brisk()).build();
    let outcome = outcome.and_then(|transport| fetch_root(&transport, 100));
    println!("OUTCOME {outcome:?} END");
}

fn with_variables(url: &str, variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.args(["--exact", "proxies::child", "--nocapture"]).env(URL, url).stderr(Stdio::null());
    let output = child.envs(variables.iter().copied()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn px_01_px_02_the_variables_decide() {
    let server = Server::saying(ok(b"through"));
    let proxy = Proxy::start("HTTP/1.1 200 OK\r\n\r\n", Some(server.port));
    let (url, set) = (format!("http://{HOST}"), proxy.url.to_string());
    let through = format!("OUTCOME Ok({:?}) END", b"through");
    let is_through = |variables: &[(&str, &str)]| with_variables(&url, variables).contains(&through);
    assert!(is_through(&[("HTTP_PROXY", &set)]));
    assert!(is_through(&[("http_proxy", &set), ("NO_PROXY", "example.com")]));
    assert!(!is_through(&[]), "there is no such host");
    assert!(!is_through(&[("HTTP_PROXY", &set), ("NO_PROXY", "x,.invalid")]));
    assert!(!is_through(&[("ALL_PROXY", &set)]) && !is_through(&[("HTTPS_PROXY", &set)]));
    let before = proxy.heads().len();
    let cgi = with_variables(&url, &[("HTTP_PROXY", &set), ("REQUEST_METHOD", "GET")]);
    assert!(cgi.contains("CGI") && proxy.heads().len() == before, "{cgi}");
    let wrong = with_variables(&url, &[("HTTP_PROXY", "socks5://u:hunter2@h:1")]);
    assert!(wrong.contains("HTTP_PROXY") && !wrong.contains("hunter2"), "{wrong}");
}
