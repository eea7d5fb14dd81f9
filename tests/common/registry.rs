//! A real `docker-registry` on loopback, empty at the start and gone with the test.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;
use tempfile::TempDir;
use tuf_notary::crypto::digest;
use ureq::Agent;

use super::{
    certificates::{self, Certified, Tls},
    http_probe, listener, process, programs,
    token_server::{self, TokenServer},
};

const PATIENCE: Duration = Duration::from_secs(20);
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A name and password that a registry takes, and its line for them: bcrypt, cost 4.
pub const LOGIN: (&str, &str) = ("alice", "wonderland");
const HTPASSWD: &str = "alice:$2b$04$XzV0no.3aLofjzl/VEHII.P7GO2PYY1CisVgjIw0IJbbvX/Pb8EWC\n";

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    port: u16,
    login: Option<(&'static str, &'static str)>,
    /// For pushing to `app`.
    bearer: Option<String>,
    tls: Option<Certified>,
    folder: TempDir,
}

/// What a tag names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Hex, without `sha256:`.
    pub digest: String,
    /// Bytes of the manifest.
    pub size: usize,
}

impl Registry {
    /// Starts a registry for everybody; `None` when `test` is skipped.
    pub fn start(test: &str) -> Option<Self> {
        Self::launch(test, None, None, None)
    }

    /// Starts a registry that wants these tokens; `None` when `test` is skipped.
    pub fn start_with_tokens(test: &str, tokens: &TokenServer) -> Option<Self> {
        Self::launch(test, None, None, Some(tokens))
    }

    /// Starts a registry for [`LOGIN`] alone; `None` when `test` is skipped.
    pub fn start_with_login(test: &str) -> Option<Self> {
        Self::launch(test, Some(LOGIN), None, None)
    }

    /// Starts a registry that speaks HTTPS; `None` when `test` is skipped.
    pub fn start_tls(test: &str) -> Option<Self> {
        Self::launch(test, None, Some(Tls::Authority), None)
    }

    /// The certificate to trust, when it speaks HTTPS.
    pub fn authority(&self) -> Option<&Path> {
        self.tls.as_ref().map(|tls| tls.authority.as_path())
    }

    /// Host and port, as in references.
    pub fn host(&self) -> String {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)).to_string()
    }

    /// Pushes an image with one small file under a tag.
    pub fn push(&self, repository: &str, tag: &str, content: &str) -> Pushed {
        let layer = self.blob(repository, &tar("file", content.as_bytes()));
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", layer.digest)] },
        });
        let config = self.blob(repository, config.to_string().as_bytes());
        let part = |kind: &str, blob: &Pushed| {
            let digest = format!("sha256:{}", blob.digest);
            json!({ "mediaType": format!("application/vnd.docker.{kind}"), "size": blob.size, "digest": digest })
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": part("container.image.v1+json", &config),
            "layers": [part("image.rootfs.diff.tar.gzip", &layer)],
        });
        self.manifest(repository, tag, MANIFEST, &manifest.to_string())
    }

    /// Pushes an index of one image.
    pub fn push_index(&self, repository: &str, tag: &str, content: &str) -> Pushed {
        let image = self.push(repository, &format!("{tag}-amd64"), content);
        let index = json!({
            "schemaVersion": 2, "mediaType": INDEX,
            "manifests": [{
                "mediaType": MANIFEST, "size": image.size, "digest": format!("sha256:{}", image.digest),
                "platform": { "architecture": "amd64", "os": "linux" },
            }],
        });
        self.manifest(repository, tag, INDEX, &index.to_string())
    }

    /// Puts other bytes in the place of a manifest, without telling anybody.
    pub fn tamper(&self, digest: &str, content: &str) {
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        let file = blobs.join(&digest[..2]).join(digest).join("data");
        assert!(file.is_file(), "{} is no blob", file.display());
        fs::write(file, content).expect("a file can be written");
    }

    /// What a tag names now.
    pub fn digest(&self, repository: &str, tag: &str) -> String {
        let request = self.agent().get(self.url(&format!("{repository}/manifests/{tag}")));
        let request = request.header("Accept", format!("{MANIFEST}, {INDEX}"));
        let mut reply = self.authorized(request).call().expect("the registry has the tag");
        HEXLOWER.encode(&digest::sha256(&reply.body_mut().read_to_vec().expect("it can be read")))
    }

    fn blob(&self, repository: &str, content: &[u8]) -> Pushed {
        let pushed = Pushed { digest: HEXLOWER.encode(&digest::sha256(content)), size: content.len() };
        let begin = self.agent().post(self.url(&format!("{repository}/blobs/uploads/")));
        let begun = self.authorized(begin).send_empty().expect("an upload can begin");
        let place = begun.headers()["location"].to_str().expect("it is text").to_owned();
        let put = self.agent().put(format!("{place}&digest=sha256:{}", pushed.digest));
        self.authorized(put).send(content).expect("a blob can be pushed");
        pushed
    }

    fn manifest(&self, repository: &str, tag: &str, kind: &str, text: &str) -> Pushed {
        let put = self.agent().put(self.url(&format!("{repository}/manifests/{tag}")));
        let put = self.authorized(put.header("Content-Type", kind));
        put.send(text).expect("a manifest can be pushed");
        Pushed { digest: HEXLOWER.encode(&digest::sha256(text.as_bytes())), size: text.len() }
    }

    fn url(&self, path: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/v2/{path}", self.host())
    }

    fn agent(&self) -> Agent {
        let Some(authority) = self.authority() else { return Agent::new_with_defaults() };
        let pem = fs::read(authority).expect("a file can be read");
        let certificate = ureq::tls::Certificate::from_pem(&pem).expect("it is a certificate");
        let tls = ureq::tls::TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(ureq::tls::RootCerts::new_with_certs(&[certificate]))
            .build();
        Agent::config_builder().tls_config(tls).build().new_agent()
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        if let Some(bearer) = &self.bearer {
            return request.header("Authorization", format!("Bearer {bearer}"));
        }
        match self.login {
            Some((name, password)) => {
                let pair = BASE64.encode(format!("{name}:{password}").as_bytes());
                request.header("Authorization", format!("Basic {pair}"))
            }
            None => request,
        }
    }

    fn launch(
        test: &str,
        login: Option<(&'static str, &'static str)>,
        tls: Option<Tls>,
        tokens: Option<&TokenServer>,
    ) -> Option<Self> {
        let program = programs::find(test, "docker-registry")?;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let tls = tls.map(|tls| certificates::server(folder.path(), tls));
        let htpasswd = folder.path().join("htpasswd");
        fs::write(&htpasswd, HTPASSWD).expect("a file can be written");
        // Port 0: the kernel gives a free one. JSON is YAML.
        let mut config = json!({
            "version": "0.1",
            "log": { "level": "info" },
            "storage": { "filesystem": { "rootdirectory": folder.path().join("data") } },
            "http": { "addr": "127.0.0.1:0" },
        });
        if login.is_some() {
            config["auth"] = json!({ "htpasswd": { "realm": "test", "path": htpasswd } });
        }
        if let Some(tokens) = tokens {
            config["auth"] = json!({ "token": tokens.configuration(&tokens.realm()) });
        }
        let bearer = tokens.map(|tokens| tokens.grant(token_server::ALICE.0, "repository:app:pull,push"));
        if let Some(tls) = &tls {
            config["http"]["tls"] = json!({ "certificate": tls.certificate, "key": tls.key });
        }
        let file = folder.path().join("registry.yml");
        fs::write(&file, config.to_string()).expect("a file can be written");
        let log = File::create(folder.path().join("log")).expect("a file can be written");
        let mut command = process::command(&program, folder.path());
        command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("docker-registry starts");
        // From here on Drop stops the child, whatever happens.
        let mut registry = Self { child, port: 0, login, bearer, tls, folder };
        registry.wait_until_it_answers();
        Some(registry)
    }

    fn wait_until_it_answers(&mut self) {
        // A TLS listener answers a plain request with 400.
        let expected = match (&self.tls, self.login.is_some() || self.bearer.is_some()) {
            (Some(_), _) => 400,
            (None, true) => 401,
            (None, false) => 200,
        };
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("docker-registry ended with {status}: {}", self.log());
            }
            self.port = listener::port(self.child.id()).unwrap_or(0);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            if self.port != 0 && http_probe::status(address, "/v2/").ok() == Some(expected) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("docker-registry does not answer within {PATIENCE:?}: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tar archive (POSIX ustar) of one file.
fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut head = vec![0; 512];
    let mut put = |at: usize, text: &str| head[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = content.len().next_multiple_of(512) - content.len();
    [head, content.to_vec(), vec![0; padding + 1024]].concat()
}
