//! A plain HTTP server that hands out the files of one collection, with faults as a test wants them.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tuf_notary::testkit::Published;

/// What happens to requests for one file instead of its delivery.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with a short body.
    Status(u16),
    /// A redirect to this location.
    Redirect(String),
    /// Half of the file under its full length; then the connection ends.
    Truncate,
    /// Other content.
    Content(Vec<u8>),
}

/// A server that answers until it is dropped. Every connection serves one request.
#[derive(Debug)]
pub struct StaticServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: bool,
    /// `/v2/<GUN>/_trust/tuf/`
    prefix: String,
    files: BTreeMap<String, Vec<u8>>,
    /// By role, such as `root` or `targets/releases`, or by a whole name such as `timestamp.key`.
    faults: BTreeMap<String, Fault>,
    requests: Vec<String>,
}

impl StaticServer {
    /// A server of a forged collection.
    pub fn start(published: &Published) -> Self {
        let server = Self::empty(published.gun().as_str());
        server.serve(published);
        server
    }

    /// A server that has nothing of this collection.
    pub fn empty(gun: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared =
            Arc::new(Mutex::new(Shared { prefix: format!("/v2/{gun}/_trust/tuf/"), ..Shared::default() }));
        let seen = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.lock().expect("no thread panics").stopped {
                    break;
                }
                let seen = Arc::clone(&seen);
                thread::spawn(move || stream.and_then(|stream| answer(stream, &seen)));
            }
        });
        Self { address, shared }
    }

    /// Serves another state of the collection, and nothing of the one before.
    pub fn serve(&self, published: &Published) {
        let files = published.files().map(|(name, file)| (name.to_owned(), file.to_vec())).collect();
        self.lock().files = files;
    }

    /// Serves the files below a folder, each under its path and under its checksum too.
    pub fn serve_folder(&self, folder: &Path) {
        let mut files = BTreeMap::new();
        read_folder(folder, "", &mut files);
        self.lock().files = files;
    }

    /// Lets requests for a role's file, in whatever form, go wrong.
    pub fn fault(&self, role: &str, fault: Fault) {
        self.lock().faults.insert(role.to_owned(), fault);
    }

    /// Serves everything as it should be.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// The base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Method and path of all requests since the last call, the paths below the collection.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().requests)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no thread panics")
    }
}

impl Drop for StaticServer {
    fn drop(&mut self) {
        self.lock().stopped = true;
        // Wakes the listener, so that it sees that it is to stop.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn answer(mut stream: TcpStream, shared: &Mutex<Shared>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let head = read_request(&mut stream)?;
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (fault, file) = {
        let mut shared = shared.lock().expect("no thread panics");
        let name = path.strip_prefix(&shared.prefix).unwrap_or(path).to_owned();
        shared.requests.push(format!("{method} {name}"));
        let fault = shared.faults.get(&name).or_else(|| shared.faults.get(role_of(&name))).cloned();
        (fault, shared.files.get(&name).filter(|_| method == "GET").cloned())
    };
    stream.write_all(&reply(fault, file))?;
    stream.flush()
}

fn reply(fault: Option<Fault>, file: Option<Vec<u8>>) -> Vec<u8> {
    let with_body = |line: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    match (fault, file) {
        (Some(Fault::Status(status)), _) => with_body(&format!("{status} As asked"), b"as asked"),
        (Some(Fault::Redirect(to)), _) => with_body(&format!("302 Found\r\nLocation: {to}"), b""),
        (Some(Fault::Content(content)), _) => with_body("200 OK", &content),
        (Some(Fault::Truncate), Some(file)) => {
            let mut reply = with_body("200 OK", &file);
            reply.truncate(reply.len() - file.len() / 2);
            reply
        }
        (None, Some(file)) => with_body("200 OK", &file),
        (_, None) => with_body("404 Not Found", b"nothing here"),
    }
}

/// Reads a whole request; the head of it.
fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().ok())?
    });
    io::copy(&mut stream.take(length.unwrap_or(0)), &mut io::sink())?;
    Ok(head)
}

/// `targets/a` of `targets/a.json`, `targets/a.<SHA-256>.json`; `root` of `2.root.json`.
fn role_of(name: &str) -> &str {
    let name = name.strip_suffix(".json").unwrap_or(name);
    let name = name.split_once('.').filter(|(n, _)| n.parse::<u64>().is_ok()).map_or(name, |(_, rest)| rest);
    name.split_once('.').map_or(name, |(role, _)| role)
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8").to_owned();
        if path.is_dir() {
            read_folder(&path, &format!("{prefix}{name}/"), files);
            continue;
        }
        let content = fs::read(&path).expect("a file can be read");
        if let Some(stem) = name.strip_suffix(".json") {
            let digest = data_encoding::HEXLOWER.encode(&tuf_notary::crypto::digest::sha256(&content));
            files.insert(format!("{prefix}{stem}.{digest}.json"), content.clone());
        }
        files.insert(format!("{prefix}{name}"), content);
    }
}
