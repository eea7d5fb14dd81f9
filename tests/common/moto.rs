//! An S3 interface on loopback: `moto_server` from PyPI's `moto[server]`.

use std::{
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{listener, process, programs};

const PATIENCE: Duration = Duration::from_secs(60);

/// A running server with an empty bucket `trust`.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    port: u16,
    _home: TempDir,
}

impl Moto {
    /// Starts a server; `None` when `test` is skipped.
    ///
    /// # Panics
    /// It does not come up.
    pub fn start(test: &str) -> Option<Self> {
        let program = programs::find(test, "moto_server")?;
        let home = tempfile::tempdir().expect("a folder for the server");
        let mut command = process::command(&program, home.path());
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("moto_server starts");
        let mut moto = Self { child, port: 0, _home: home };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(port) = listener::port(moto.child.id()) {
                moto.port = port;
                moto.put("", b"");
                return Some(moto);
            }
            assert!(moto.child.try_wait().expect("a child can be asked").is_none(), "moto_server ended");
            thread::sleep(Duration::from_millis(50));
        }
        panic!("moto_server does not listen after {PATIENCE:?}");
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Puts an object into the bucket, whoever may; without a key makes the bucket.
    ///
    /// # Panics
    /// The server refuses.
    pub fn put(&self, key: &str, content: &[u8]) {
        let url = format!("{}/trust/{key}", self.endpoint());
        ureq::put(&url).send(content).expect("an object is put");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
