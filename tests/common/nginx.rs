//! A real nginx on loopback: what stands in front of real servers.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    certificates::{self, Certified, Tls},
    http_probe, process, programs,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A running nginx with one server that speaks HTTPS, and one that does not.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    plain: u16,
    secure: u16,
    tls: Certified,
    folder: TempDir,
}

impl Nginx {
    /// Starts it with these directives of a `server` block; `None` when `test` is skipped.
    pub fn start(test: &str, server: &str) -> Option<Self> {
        let program = programs::find(test, "nginx")?;
        // nginx takes no port 0. Another process may take a free one first: then another try helps.
        (0..5).find_map(|_| Self::launch(&program, server)).or_else(|| panic!("nginx does not start"))
    }

    /// Below which URL it speaks plain HTTP.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.plain)
    }

    /// Below which URL it speaks HTTPS.
    pub fn secure_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.secure)
    }

    /// The certificate to trust.
    pub fn authority(&self) -> &Path {
        &self.tls.authority
    }

    /// Method, path and status of all requests so far, one a line.
    pub fn requests(&self) -> String {
        fs::read_to_string(self.folder.path().join("requests")).unwrap_or_default()
    }

    fn launch(program: &Path, server: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let tls = certificates::server(folder.path(), Tls::Authority);
        let (plain, secure) = free_ports();
        let config = configuration(folder.path(), &tls, plain, secure, server);
        fs::write(folder.path().join("nginx.conf"), config).expect("a file can be written");
        let log = File::create(folder.path().join("log")).expect("a file can be written");
        let mut command = process::command(program, folder.path());
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("nginx can be run");
        // From here on Drop stops the child, whatever happens.
        let mut nginx = Self { child, plain, secure, tls, folder };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = nginx.child.try_wait() {
                let log = fs::read_to_string(nginx.folder.path().join("log")).unwrap_or_default();
                assert!(log.contains("Address already in use"), "{log}");
                return None;
            }
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, plain));
            if http_probe::status(address, "/nginx-is-up").ok() == Some(204) {
                return Some(nginx);
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("nginx does not answer within {PATIENCE:?}");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_ports() -> (u16, u16) {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let (one, other) = (bind(), bind());
    let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
    (port(&one), port(&other))
}

fn configuration(folder: &Path, tls: &Certified, plain: u16, secure: u16, server: &str) -> String {
    let (folder, certificate, key) = (folder.display(), tls.certificate.display(), tls.key.display());
    format!(
        "daemon off; master_process off; pid nginx.pid; worker_processes 1;
        events {{ worker_connections 256; }}
        http {{
            log_format line '$request_method $uri $status';
            access_log requests line;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            client_max_body_size 0;
            server {{
                listen 127.0.0.1:{plain};
                listen 127.0.0.1:{secure} ssl;
                ssl_certificate {certificate};
                ssl_certificate_key {key};
                location = /nginx-is-up {{ access_log off; return 204; }}
                {server}
            }}
        }}"
    )
}
