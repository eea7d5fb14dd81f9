//! A server of one repository, metadata and targets, which answers as it is told and remembers what it
//! was asked.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Cursor, Read},
    sync::{Arc, Mutex, MutexGuard},
};

use tuf_notary::{
    name::Resource,
    testkit::TufPublished,
    transport::{TargetTransport, Transport, TransportError},
};

/// Clones are the same server.
#[derive(Clone, Default)]
pub struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    targets: BTreeMap<String, Vec<u8>>,
    answers: BTreeMap<String, Answer>,
    /// What is served as soon as this name was asked for.
    next: Option<(String, TufPublished)>,
    requests: Vec<String>,
    /// The most bytes that each request would take.
    limits: Vec<u64>,
    read: u64,
}

/// What comes instead of the file.
#[derive(Clone, Debug)]
#[allow(dead_code)] // all that a server may do, whatever the rows use
pub enum Answer {
    /// Other bytes.
    Bytes(Vec<u8>),
    /// 404 is `NotFound`, 401 and 403 are `Unauthorized`, others `Status`.
    Status(u16),
    /// No answer in time.
    Timeout,
    /// No connection.
    Refused,
    /// The file, and then zero bytes without end; the length is not announced.
    Endless,
    /// So many bytes of the file; then the connection breaks.
    BreaksAfter(usize),
    /// Refuses early, as an adapter does that sees a `Content-Length` above the limit.
    Announces(u64),
}

#[allow(dead_code)]
impl Server {
    /// Serves these files and no others from now on.
    pub fn serve(&self, published: &TufPublished) {
        self.state().serve(published);
    }

    /// Serves these files after the next request for `name` was answered.
    pub fn serve_after(&self, name: &str, published: &TufPublished) {
        self.state().next = Some((name.to_owned(), published.clone()));
    }

    /// Answers so to a metadata file's name or a target's path.
    pub fn answer(&self, name: &str, answer: Answer) {
        self.state().answers.insert(name.to_owned(), answer);
    }

    /// Answers with these bytes.
    pub fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.answer(name, Answer::Bytes(bytes.into()));
    }

    /// Answers properly again.
    pub fn behave(&self) {
        self.state().answers.clear();
    }

    /// What it was asked for, in order.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// The most bytes that the last request for a name would have taken.
    pub fn limit(&self, name: &str) -> Option<u64> {
        let state = self.state();
        let at = state.requests.iter().rposition(|asked| asked == name)?;
        state.limits.get(at).copied()
    }

    /// How many bytes went out.
    pub fn read(&self) -> u64 {
        self.state().read
    }

    pub fn clear_requests(&self) {
        let mut state = self.state();
        (state.requests, state.limits, state.read) = Default::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn open(&self, name: &str, is_target: bool, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        let mut state = self.state();
        state.requests.push(name.to_owned());
        state.limits.push(max);
        let file = if is_target { state.targets.get(name) } else { state.files.get(name) };
        let (file, what) = (file.cloned(), name.to_owned());
        let answer = state.answers.get(name).cloned();
        if state.next.as_ref().is_some_and(|(after, _)| after == name) {
            let (_, published) = state.next.take().unwrap();
            state.serve(&published);
        }
        drop(state);
        let missing = TransportError::NotFound { what: what.clone() };
        let body = |content: Vec<u8>, end| Body { content: Cursor::new(content), end, server: self.clone() };
        Ok(Box::new(match answer {
            None => body(file.ok_or(missing)?, End::Proper),
            Some(Answer::Bytes(bytes)) => body(bytes, End::Proper),
            Some(Answer::Endless) => body(file.unwrap_or_default(), End::Never),
            Some(Answer::BreaksAfter(length)) => {
                let mut file = file.ok_or(missing)?;
                file.truncate(length);
                body(file, End::Broken)
            }
            Some(Answer::Status(404)) => return Err(missing),
            Some(Answer::Status(status @ (401 | 403))) => {
                return Err(TransportError::Unauthorized { what, status });
            }
            Some(Answer::Status(status)) => {
                let (message, retry_after) = (String::new(), None);
                return Err(TransportError::Status { what, status, message, retry_after });
            }
            Some(Answer::Timeout) => return Err(TransportError::Timeout { what, phase: "response" }),
            Some(Answer::Refused) => {
                return Err(TransportError::Connection { what, reason: "refused".to_owned() });
            }
            Some(Answer::Announces(length)) if length > max => {
                return Err(TransportError::TooLarge { what, limit: max });
            }
            Some(Answer::Announces(_)) => body(file.ok_or(missing)?, End::Proper),
        }))
    }
}

impl State {
    fn serve(&mut self, published: &TufPublished) {
        let owned = |(name, file): (&str, &[u8])| (name.to_owned(), file.to_vec());
        self.files = published.files().map(owned).collect();
        self.targets = published.targets().map(owned).collect();
    }
}

impl Transport for Server {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.open(&what.tuf_name(), false, max)
    }
}

impl TargetTransport for Server {
    fn fetch_target(&self, path: &str, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.open(path, true, max)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

struct Body {
    content: Cursor<Vec<u8>>,
    end: End,
    server: Server,
}

#[derive(Clone, Copy)]
enum End {
    Proper,
    Broken,
    Never,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = self.content.read(buffer)?;
        if count == 0 {
            match self.end {
                End::Proper => {}
                End::Broken => return Err(io::ErrorKind::UnexpectedEof.into()),
                End::Never => {
                    buffer.fill(0);
                    count = buffer.len();
                }
            }
        }
        self.server.state().read += count as u64;
        Ok(count)
    }
}
