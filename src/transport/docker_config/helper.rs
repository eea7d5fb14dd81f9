//! Asks a program that keeps logins: `docker-credential-NAME get`, by the protocol of Docker's
//! credential helpers.
//!
//! A name is a name and no path, no shell is involved, the answer has a bound in time and length,
//! and our own secrets in the environment are not handed on (TA-16).

use std::{
    env,
    io::{Read, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// How long a helper may take; it may have to ask the user.
const LONGEST: Duration = Duration::from_secs(60);
/// Longest answer.
const MAX_ANSWER: u64 = 64 << 10;
/// Most characters of a helper's complaint that are shown.
const SHOWN: usize = 200;
/// What a helper says when it keeps no login for a registry.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// A login that a helper keeps.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Login {
    pub(super) username: String,
    #[serde(deserialize_with = "secret")]
    pub(super) secret: Zeroizing<String>,
}

/// The login at a registry; none when the helper has none. The error says what happened.
pub(super) fn get(helper: &str, registry: &str) -> Result<Option<Login>, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if helper.is_empty() || !helper.chars().all(allowed) {
        return Err(format!("{helper:?} is no name of a credential helper"));
    }
    let mut command = Command::new(format!("docker-credential-{helper}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for (name, _) in env::vars_os() {
        if is_secret(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    let mut child = Running(command.spawn().map_err(|error| format!("does not start: {error}"))?);
    let (answer, succeeded) = child.talk(registry, LONGEST)?;
    if succeeded {
        let login = serde_json::from_slice(&answer);
        return login.map(Some).map_err(|_| "the answer is no login".to_owned());
    }
    let complaint = String::from_utf8_lossy(&answer);
    if complaint.trim() == NOT_FOUND {
        return Ok(None);
    }
    let shown = complaint.trim().chars().take(SHOWN).flat_map(char::escape_default).collect::<String>();
    Err(format!("refuses: {shown}"))
}

/// Ends with us, whatever happens.
struct Running(Child);

impl Running {
    /// What it says, and whether it succeeded.
    fn talk(&mut self, input: &str, longest: Duration) -> Result<(Zeroizing<Vec<u8>>, bool), String> {
        let deadline = Instant::now().checked_add(longest);
        let left = || deadline.map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()));
        if let Some(mut stdin) = self.0.stdin.take() {
            // One that ends without reading may still have an answer.
            let _ = stdin.write_all(input.as_bytes());
        }
        let stdout = self.0.stdout.take().ok_or("has no output")?;
        let (sender, receiver) = mpsc::sync_channel(1);
        // A thread, for reading a pipe has no time-out; it ends with the pipe's last writer.
        thread::spawn(move || sender.send(read(stdout)));
        let late = || format!("does not answer within {longest:?}");
        let answer = receiver.recv_timeout(left()).map_err(|_| late())?.map_err(|e| e.to_string())?;
        if u64::try_from(answer.len()).map_or(true, |length| length > MAX_ANSWER) {
            return Err(format!("answers with more than {MAX_ANSWER} bytes"));
        }
        loop {
            if let Some(status) = self.0.try_wait().map_err(|error| error.to_string())? {
                return Ok((answer, status.success()));
            }
            if left().is_zero() {
                return Err(late());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(stdout: ChildStdout) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let capacity = usize::try_from(MAX_ANSWER.saturating_add(64)).unwrap_or_default();
    // Never moved while it grows, so that no copy is left behind.
    let mut answer = Zeroizing::new(Vec::with_capacity(capacity));
    stdout.take(MAX_ANSWER.saturating_add(1)).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Whether a variable is for us alone.
fn is_secret(name: &str) -> bool {
    name.ends_with("_PASSPHRASE") || name == "NOTARY_AUTH"
}

fn secret<'de, D: Deserializer<'de>>(source: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(source).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helpers_name_is_no_path_and_no_command() {
        for name in ["", "../evil", "a/b", "a b", "a;b", "a\\b", "é", "a\0"] {
            let refused = get(name, "reg.example.com").map(|_| ()).unwrap_err();
            assert!(refused.contains("no name"), "{name:?}: {refused}");
        }
        let missing = get("surely-not-installed", "reg.example.com").map(|_| ()).unwrap_err();
        assert!(missing.contains("does not start"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn a_helper_that_does_not_answer_is_ended() {
        for script in ["exec sleep 60", "exec >&-; exec sleep 60", "while :; do echo x; sleep 0.01; done"] {
            let mut command = Command::new("sh");
            command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = Running(command.spawn().unwrap());
            let begun = Instant::now();
            let refused = child.talk("x", Duration::from_millis(200)).map(|_| ()).unwrap_err();
            assert!(refused.contains("does not answer"), "{script}: {refused}");
            drop(child);
            assert!(begun.elapsed() < Duration::from_secs(10), "{script}");
        }
    }

    #[test]
    fn ta_16_our_secrets_are_ours() {
        for name in ["DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "NOTARY_TARGETS_PASSPHRASE", "NOTARY_AUTH"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PATH", "HOME", "AWS_SECRET_ACCESS_KEY", "DBUS_SESSION_BUS_ADDRESS"] {
            assert!(!is_secret(name), "{name}: helpers need theirs");
        }
    }
}
