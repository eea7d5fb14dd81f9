//! Runs a program to its end, within bounds: of time, of environment, of what it can leave behind.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long a program may run before it is killed.
pub const LONGEST: Duration = Duration::from_secs(60);

/// What a program said and how it ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; `None` after a signal.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Whether it ended with 0.
    pub fn succeeded(&self) -> bool {
        self.status == Some(0)
    }

    /// Whether it said this, wherever: Notary reports most errors on standard output.
    pub fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }

    /// Itself, once it succeeded.
    ///
    /// # Panics
    /// It failed; the message holds all that it said.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.succeeded(), "{self:#?}");
        self
    }

    /// Itself, once it failed.
    ///
    /// # Panics
    /// It succeeded.
    #[track_caller]
    pub fn failed(self) -> Self {
        assert!(!self.succeeded(), "{self:#?}");
        self
    }
}

/// A command that sees `PATH`, a home of its own and nothing else of our environment.
pub fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("TZ", "UTC").current_dir(home);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs to the end with `input` as standard input.
///
/// # Panics
/// The program can't be started, or still runs after `longest` (it is killed first).
#[track_caller]
pub fn run(mut command: Command, input: &[u8], longest: Duration) -> Finished {
    // Files, not pipes: neither a full pipe nor a grandchild that holds one can make us wait.
    let (mut stdin, mut stdout, mut stderr) = (scratch(), scratch(), scratch());
    stdin.write_all(input).and_then(|()| stdin.rewind()).expect("standard input is prepared");
    command.stdin(Stdio::from(stdin)).stdout(share(&stdout)).stderr(share(&stderr));

    let line = format!("{command:?}");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{line} does not start: {error}"));
    let deadline = Instant::now() + longest;
    let status = loop {
        match child.try_wait().expect("a child can be waited for") {
            Some(status) => break Some(status),
            None if Instant::now() >= deadline => break None,
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let (stdout, stderr) = (content(&mut stdout), content(&mut stderr));
    let Some(status) = status else {
        panic!("{line} still ran after {longest:?}; stdout: {stdout}; stderr: {stderr}");
    };
    Finished { command: line, status: status.code(), stdout, stderr }
}

fn scratch() -> File {
    tempfile::tempfile().expect("a temporary file can be made")
}

fn share(file: &File) -> Stdio {
    Stdio::from(file.try_clone().expect("a file handle can be doubled"))
}

fn content(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).expect("output can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
