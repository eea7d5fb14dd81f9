//! A real `notary-server` on loopback, empty at the start and gone with the test.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    certificates::{self, Certified, Tls},
    http_probe, listener, process, programs,
    token_server::TokenServer,
};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server: its metadata and keys are in memory, its timestamp and snapshot keys Ed25519.
#[derive(Debug)]
pub struct NotaryServer {
    child: Child,
    port: u16,
    tls: Option<Certified>,
    folder: TempDir,
}

impl NotaryServer {
    /// Starts a server that speaks plain HTTP; `None` when `test` is skipped.
    pub fn start(test: &str) -> Option<Self> {
        Self::launch(test, None, None, None)
    }

    /// Starts a server that speaks HTTPS; `None` when `test` is skipped.
    pub fn start_tls(test: &str, tls: Tls) -> Option<Self> {
        Self::launch(test, Some(tls), None, None)
    }

    /// Starts a server that speaks HTTPS with whom this authority certifies, and nobody else.
    pub fn start_tls_for(test: &str, clients: &Path) -> Option<Self> {
        Self::launch(test, Some(Tls::Authority), Some(clients), None)
    }

    /// Starts a server that speaks plain HTTP and wants these tokens, to be had at `realm`.
    pub fn start_with_tokens(test: &str, tokens: &TokenServer, realm: &str) -> Option<Self> {
        Self::launch(test, None, None, Some(tokens.configuration(realm)))
    }

    /// The base URL, without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The certificate to trust, when it speaks HTTPS.
    pub fn authority(&self) -> Option<&Path> {
        self.tls.as_ref().map(|tls| tls.authority.as_path())
    }

    /// All that it has logged, one JSON object a line.
    pub fn log(&self) -> String {
        fs::read_to_string(log_file(self.folder.path())).unwrap_or_default()
    }

    /// Stops it: from now on its port refuses connections and its content is lost.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn launch(test: &str, tls: Option<Tls>, clients: Option<&Path>, auth: Option<Value>) -> Option<Self> {
        let program = programs::find(test, "notary-server")?;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let tls = tls.map(|tls| certificates::server(folder.path(), tls));
        let config = folder.path().join("server.json");
        let mut content = configuration(tls.as_ref(), clients);
        if let Some(options) = auth {
            content["auth"] = json!({ "type": "token", "options": options });
        }
        fs::write(&config, content.to_string()).expect("a file can be written");

        let log = File::create(log_file(folder.path())).expect("a file can be written");
        let mut command = process::command(&program, folder.path());
        command.arg("-config").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("notary-server starts");
        // From here on Drop stops the child, whatever happens.
        let mut server = Self { child, port: 0, tls, folder };
        server.wait_until_it_answers();
        Some(server)
    }

    fn wait_until_it_answers(&mut self) {
        // A TLS listener answers a plain request with 400: that proves it serves, without a handshake.
        let expected = if self.tls.is_some() { 400 } else { 200 };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("notary-server ended with {status}: {}", self.log());
            }
            self.port = listener::port(self.child.id()).unwrap_or(0);
            let answer = || http_probe::status(self.address(), "/_notary_server/health").ok();
            if self.port != 0 && answer() == Some(expected) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("notary-server does not answer within {PATIENCE:?}: {}", self.log());
    }
}

impl Drop for NotaryServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn configuration(tls: Option<&Certified>, clients: Option<&Path>) -> Value {
    // Port 0: the kernel gives a free one.
    let mut server = json!({ "http_addr": "127.0.0.1:0" });
    if let Some(tls) = tls {
        server["tls_cert_file"] = json!(tls.certificate);
        server["tls_key_file"] = json!(tls.key);
    }
    if let Some(clients) = clients {
        server["client_ca_file"] = json!(clients);
    }
    json!({
        "server": server,
        "trust_service": { "type": "local" },
        "storage": { "backend": "memory" },
        "logging": { "level": "info" },
    })
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("server.log")
}
