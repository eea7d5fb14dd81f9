//! PyPI's `tuf` (python-tuf 7), an independent judge of TUF 1.0: it writes repositories that we read,
//! and reads repositories that we write. `tests/tuf/repository.py` does the work.
//!
//! It lives in a virtual environment of its own, which `.ci/run` makes:
//! `python3 -m venv target/python-tuf && target/python-tuf/bin/pip install 'tuf==7.*' 'securesystemslib[crypto]'`.
//! Without it tests are skipped aloud, or fail under `TUF_NOTARY_REQUIRE_INTEROP=1`.
//!
//! ```ignore
//! let Some(python) = PythonTuf::find("name_of_the_test") else { return };
//!
//! // We read what it writes.
//! let folder = tempfile::tempdir().unwrap();
//! let written = python.write("delegation-diamond", &folder.path().join("repository"));
//! let served = python.serve(&written.folder);          // any other server of the folder will do
//! let metadata = format!("{}/metadata/", served.url()); // and …/targets/
//! let trusted = written.root();                        // version 1, bytes
//! for target in &written.expected.targets { /* look up target.name, compare */ }
//! assert_eq!(served.requests(), ["/metadata/2.root.json", "/metadata/timestamp.json"]);
//!
//! // It reads what we write: our files lie in folder/metadata and folder/targets.
//! let served = python.serve(folder.path());
//! let home = tempfile::tempdir().unwrap();             // its cache; the same home again is a later run
//! std::fs::write(home.path().join("root.json"), &trusted).unwrap();
//! let reading = python.read(home.path(), &served.url(), &["a/file.txt"]);
//! assert_eq!(reading.error, None);
//! assert_eq!(reading.targets[0].result, Outcome::Found);
//! ```
//!
//! A written folder holds `root.json` (what to trust), `metadata/`, `targets/` and `expected.json`
//! ([`Expected`]). Metadata files are named as URLs name them, with the role percent-encoded
//! (`1.%2Fdelegated.json`); target files bear the plain name. Everything expires in 2100. Shapes that
//! are about change (`update`, `recovery-*`, `roots-consistent-switched`) hold the repository as it was
//! earlier in `before/` too ([`Written::before`]), with the same `root.json`: a client that keeps its
//! state refreshes there first.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Deserialize;
use tempfile::TempDir;

use super::{process, programs};

const PYTHON: &str = "target/python-tuf/bin/python3";

/// How long the server may take to end once its standard input did.
const PATIENCE: Duration = Duration::from_secs(10);

/// The judge, once its virtual environment was found.
#[derive(Clone, Debug)]
pub struct PythonTuf {
    python: PathBuf,
}

/// A repository that python-tuf wrote.
#[derive(Clone, Debug)]
pub struct Written {
    pub folder: PathBuf,
    pub expected: Expected,
}

/// What a client must find in a repository.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    pub shape: String,
    /// Whether python-tuf's own client finds this. Where not, the specification wants otherwise.
    pub python_tuf: bool,
    pub consistent_snapshot: bool,
    /// Of the four top-level roles after a refresh, which succeeds in every shape.
    pub versions: BTreeMap<String, u64>,
    /// In this order; each look-up as if it were the first, but for what a cache holds.
    pub targets: Vec<Target>,
}

/// One look-up and how it must end.
#[derive(Clone, Debug, Deserialize)]
pub struct Target {
    pub name: String,
    pub result: Outcome,
    /// Whether python-tuf can be asked: it puts some names into URLs without encoding them.
    pub python_tuf: bool,
    /// The delegated roles on the way, in the order of the walk, the one that has it included.
    pub visited: Vec<String>,
    /// The role that describes it; the fields below too are of targets that are found.
    pub role: Option<String>,
    pub length: Option<u64>,
    /// In hexadecimal, by algorithm.
    #[serde(default)]
    pub hashes: BTreeMap<String, String>,
    /// The SHA-256 of the content, whatever the metadata names.
    pub content: Option<String>,
    /// Whether the content lies in `targets/`; names that leave the folder can't.
    #[serde(default)]
    pub served: bool,
}

/// How a look-up ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Found,
    /// No role that may speak about it describes it.
    Absent,
    /// Something on the way does not verify: an error, whatever comes after.
    Refused,
}

/// What python-tuf's client made of a repository.
#[derive(Clone, Debug, Deserialize)]
pub struct Reading {
    /// Why the refresh failed; nothing was looked up then.
    pub error: Option<String>,
    /// Of the four top-level roles.
    pub versions: BTreeMap<String, u64>,
    /// One for each name asked for.
    pub targets: Vec<Seen>,
    /// Paths below the base URL, in order.
    pub requests: Vec<String>,
}

/// What python-tuf's client made of one target.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    pub name: String,
    pub result: Outcome,
    pub length: Option<u64>,
    pub hashes: BTreeMap<String, String>,
    /// The SHA-256 of the downloaded content.
    pub content: Option<String>,
    /// Why it was refused, or the download failed.
    pub error: Option<String>,
}

impl PythonTuf {
    /// The judge, or `None` after a loud note that `test` is skipped.
    ///
    /// # Panics
    /// It is missing and may not be.
    pub fn find(test: &str) -> Option<Self> {
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(PYTHON);
        let found = python.is_file().then_some(python);
        Some(Self { python: programs::decide(found, programs::required(), test, PYTHON)? })
    }

    /// The names of all shapes.
    pub fn shapes(&self) -> Vec<String> {
        self.run(&["shapes".as_ref()]).lines().map(str::to_owned).collect()
    }

    /// Writes one shape into a folder, which it makes.
    pub fn write(&self, shape: &str, folder: &Path) -> Written {
        self.run(&["write".as_ref(), shape.as_ref(), folder]);
        Written::open(folder)
    }

    /// Writes every shape, each into a folder of its name.
    pub fn write_all(&self, folder: &Path) -> Vec<Written> {
        self.run(&["write-all".as_ref(), folder]);
        let mut folders: Vec<_> = fs::read_dir(folder)
            .expect("shapes were written")
            .map(|entry| entry.expect("a shape can be listed").path())
            .collect();
        folders.sort();
        folders.iter().map(|folder| Written::open(folder)).collect()
    }

    /// Serves a folder on loopback until the value is dropped.
    pub fn serve(&self, folder: &Path) -> Served {
        let log = tempfile::tempdir().expect("a folder for the log");
        let mut command = self.command(log.path());
        command.args(["serve".as_ref(), folder, &log.path().join("requests")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("python starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the server says its port");
        let port = line.trim().parse().expect("the server says its port");
        Served { child, port, log, seen: Mutex::new(0) }
    }

    /// Lets python-tuf's client trust `home/root.json`, refresh from `url/metadata/`, look these targets
    /// up and download those it finds from `url/targets/`. Its cache stays in `home`.
    ///
    /// # Panics
    /// The program itself fails, which an error of the client is not.
    pub fn read(&self, home: &Path, url: &str, targets: &[&str]) -> Reading {
        let mut arguments: Vec<&Path> = vec!["read".as_ref(), home, url.as_ref()];
        arguments.extend(targets.iter().map(Path::new));
        serde_json::from_str(&self.run(&arguments)).expect("what it found is JSON")
    }

    fn run(&self, arguments: &[&Path]) -> String {
        let home = tempfile::tempdir().expect("a home for python");
        let mut command = self.command(home.path());
        command.args(arguments);
        process::run(command, b"", process::LONGEST).ok().stdout
    }

    fn command(&self, home: &Path) -> Command {
        let mut command = process::command(&self.python, home);
        // The sources stay as they are, and non-ASCII names work whatever the locale.
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tuf/repository.py"));
        command
    }
}

impl Written {
    fn open(folder: &Path) -> Self {
        let expected = fs::read(folder.join("expected.json")).expect("python says what to expect");
        let expected = serde_json::from_slice(&expected).expect("what to expect is JSON");
        Self { folder: folder.to_owned(), expected }
    }

    /// The root to trust: version 1, as bytes.
    pub fn root(&self) -> Vec<u8> {
        fs::read(self.folder.join("root.json")).expect("a root was written")
    }

    /// The folder of the metadata.
    pub fn metadata(&self) -> PathBuf {
        self.folder.join("metadata")
    }

    /// The folder of the targets.
    pub fn targets(&self) -> PathBuf {
        self.folder.join("targets")
    }

    /// The same repository as it was earlier, in shapes that are about change.
    pub fn before(&self) -> Option<Self> {
        let folder = self.folder.join("before");
        folder.is_dir().then(|| Self::open(&folder))
    }
}

/// A server of a folder.
#[derive(Debug)]
pub struct Served {
    child: Child,
    port: u16,
    log: TempDir,
    seen: Mutex<usize>,
}

impl Served {
    /// The URL of the folder, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The raw paths of all requests since the last call, those for what isn't there included.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log.path().join("requests")).unwrap_or_default();
        let mut seen = self.seen.lock().expect("no thread panics");
        let new: Vec<_> = log.lines().skip(*seen).map(str::to_owned).collect();
        *seen += new.len();
        new
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
