//! What people see and answer. Texts of a server never reach the terminal with control characters.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::failure::Failure;

/// How long work may take before something is said about it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints a result, with a new line after it.
pub fn say(text: &str) -> Result<(), Failure> {
    ask_for(&format!("{text}\n"))
}

/// Prints a result as it stands.
pub fn ask_for(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    let printed = out.write_all(printable(text).as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Failure::of("standard output", error))
}

/// Prints a message for people on standard error.
pub fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(text));
}

/// Asks for a yes; anything else is a no.
pub fn confirm(question: &str) -> Result<bool, Failure> {
    ask_for(&format!("{question} [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::of("standard input", error))?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

/// Lines and tabs are ours; no other control character is, nor what turns the direction of writing.
fn printable(text: &str) -> String {
    let escape = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            c.escape_default().to_string()
        }
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// Says on a terminal what takes long, until it is dropped.
#[derive(Debug)]
pub struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Begins to watch work.
    pub fn of(what: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let (done, wait) = mpsc::channel();
        let what = printable(what);
        let watch = move || {
            if wait.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let _ = write!(io::stderr(), "{what} ...");
            while wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = write!(io::stderr(), ".");
            }
            let _ = writeln!(io::stderr());
        };
        Self(Some((done, thread::spawn(watch))))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.0.take() {
            drop(done);
            let _ = thread.join();
        }
    }
}
