//! What a tag names in its registry now: digest and size of the manifest, an index included
//! (OCI distribution specification 1.1, "pulling manifests").
//!
//! What gets signed is the digest of the bytes that came, computed here; the registry's own word
//! counts only where it repeats a digest that is signed already. A registry is asked by HTTPS; on
//! this very machine, and nowhere else, by HTTP when HTTPS fails.

use std::{fs, io::Read, path::Path, sync::Arc, time::Duration};

use data_encoding::{BASE64, HEXLOWER};
use tuf_notary::{
    crypto::digest,
    image::{Reference, TlsFiles},
    metadata::TargetInfo,
    name::Hashes,
};
use ureq::{
    Agent, Body, Proxy,
    http::Response,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};
use zeroize::Zeroizing;

use crate::{
    docker::{Docker, Login},
    failure::Failure,
};

/// Most bytes of a manifest, as registries and engines have it.
const MAX_MANIFEST: u64 = 4 << 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// Manifests and indexes that have one digest. The oldest schema is left out: its digest is not
/// that of its bytes.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// A registry, as far as one image's tags are concerned.
pub struct Registry {
    /// The name in references.
    name: String,
    /// Below `https://HOST/v2/`, to be tried in this order.
    bases: Vec<String>,
    /// The same connection under different ideas of whom to believe.
    agents: Vec<Agent>,
    authorization: Option<Zeroizing<String>>,
}

/// The digest in a header or in metadata, against which a tag is checked.
type Sha256 = [u8; 32];

impl Registry {
    /// The registry of an image, with the user's login.
    pub fn of(docker: &Docker, image: &Reference) -> Result<Self, Failure> {
        let name = image.registry().to_owned();
        let path = image.gun().as_str().trim_start_matches(&name).trim_start_matches('/');
        let host = if name == "docker.io" { "registry-1.docker.io" } else { &name };
        let mut bases = vec![format!("https://{host}/v2/{path}/manifests")];
        if is_this_machine(host) {
            bases.push(format!("http://{host}/v2/{path}/manifests"));
        }
        let authorization = match docker.login(&name)? {
            Login::Basic { name, password } => {
                let pair = Zeroizing::new(format!("{name}:{}", *password));
                Some(Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes()))))
            }
            Login::Anonymous | Login::Helper(_) => None,
        };
        Ok(Self { agents: agents(docker, host)?, name, bases, authorization })
    }

    /// Whether the tag names this digest still, on the registry's word.
    pub fn still_has(&self, tag: &str, expected: &Sha256) -> Result<bool, Failure> {
        // A registry may not do this; then the manifest itself tells.
        let reply = self.ask("HEAD", tag)?;
        Ok(reply.status() == 200 && announced(&reply) == Some(*expected))
    }

    /// What the tag names; none when the registry says that there is no such tag.
    pub fn manifest(&self, tag: &str) -> Result<Option<TargetInfo>, Failure> {
        let reply = self.ask("GET", tag)?;
        let refuse = |why: String| Err(Failure::new(format!("registry {}: {tag}: {why}", self.name)));
        match reply.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            401 | 403 => return refuse(self.denied(&reply)),
            status => return refuse(format!("answered {status}")),
        }
        let header = |name| reply.headers().get(name).and_then(|value| value.to_str().ok());
        let kind = header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !MANIFESTS.contains(&kind) {
            return refuse(format!("{kind:?} is no manifest of an image that can be signed"));
        }
        let claimed = announced(&reply);
        let mut bytes = Vec::new();
        let body = reply.into_body().into_reader().take(MAX_MANIFEST + 1).read_to_end(&mut bytes);
        body.map_err(|error| Failure::of(format!("registry {}: {tag}", self.name), error))?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > MAX_MANIFEST {
            return refuse(format!("the manifest is longer than {MAX_MANIFEST} bytes"));
        }
        let sha256 = digest::sha256(&bytes);
        match claimed {
            Some(claimed) if claimed != sha256 => {
                let (claimed, found) = (HEXLOWER.encode(&claimed), HEXLOWER.encode(&sha256));
                refuse(format!("the manifest is announced as sha256:{claimed} and is sha256:{found}"))
            }
            _ => Ok(Some(TargetInfo { length, hashes: Hashes::sha256(sha256), custom: None })),
        }
    }

    /// The first answer; with none, why each way failed.
    fn ask(&self, method: &str, tag: &str) -> Result<Response<Body>, Failure> {
        let mut reasons = Vec::new();
        for base in &self.bases {
            // Whom to believe is a matter of HTTPS.
            let agents = if base.starts_with("https:") { self.agents.len() } else { 1 };
            for agent in self.agents.iter().take(agents) {
                let url = format!("{base}/{tag}");
                let request = if method == "HEAD" { agent.head(&url) } else { agent.get(&url) };
                let mut request = request.header("Accept", MANIFESTS.join(", "));
                if let Some(authorization) = &self.authorization {
                    request = request.header("Authorization", authorization.as_str());
                }
                match request.call() {
                    // What listens there speaks TLS, and why that failed is the better reason.
                    Ok(reply) if reply.status() == 400 && !reasons.is_empty() => {}
                    Ok(reply) => return Ok(reply),
                    Err(error) => reasons.push(error.to_string()),
                }
            }
        }
        reasons.dedup();
        Err(Failure::of(format!("registry {} could not be asked", self.name), reasons.join("; ")))
    }

    fn denied(&self, reply: &Response<Body>) -> String {
        let challenge = reply.headers().get("www-authenticate").and_then(|it| it.to_str().ok());
        let bearer = challenge.is_some_and(|it| it.to_ascii_lowercase().starts_with("bearer"));
        match (bearer, &self.authorization) {
            (true, _) => "wants a token, and only logins with name and password are supported".to_owned(),
            (false, Some(_)) => "refused the login in config.json".to_owned(),
            (false, None) => "wants a login, and config.json has none under auths".to_owned(),
        }
    }
}

/// `Docker-Content-Digest`, if it is a SHA-256.
fn announced(reply: &Response<Body>) -> Option<Sha256> {
    let text = reply.headers().get("docker-content-digest")?.to_str().ok()?;
    HEXLOWER.decode(text.strip_prefix("sha256:")?.as_bytes()).ok()?.try_into().ok()
}

/// `localhost` and 127.0.0.0/8, with or without a port: Docker's insecure registries.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// The system's authorities are believed, and before them those that Docker has for the registry,
/// in the engine's folder or in the user's.
fn agents(docker: &Docker, host: &str) -> Result<Vec<Agent>, Failure> {
    let mut certificates = Vec::new();
    for folder in [Path::new("/etc/docker/certs.d").join(host), docker.folder().join("tls").join(host)] {
        let files = TlsFiles::in_folder(&folder).map_err(|e| Failure::of(folder.display(), e))?;
        for path in files.authorities {
            let wrong = |error: &dyn std::fmt::Display| Failure::of(path.display(), error);
            let pem = fs::read(&path).map_err(|e| wrong(&e))?;
            for item in parse_pem(&pem) {
                if let PemItem::Certificate(certificate) = item.map_err(|e| wrong(&e))? {
                    certificates.push(certificate);
                }
            }
        }
    }
    let mut agents = Vec::new();
    if !certificates.is_empty() {
        agents.push(agent(host, RootCerts::from(certificates.iter().map(Certificate::to_owned))));
    }
    agents.push(agent(host, RootCerts::PlatformVerifier));
    Ok(agents)
}

fn agent(host: &str, roots: RootCerts) -> Agent {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        // A proxy must not see what is sent to this very machine, in the clear perhaps.
        .proxy(if is_this_machine(host) { None } else { Proxy::try_from_env() })
        .http_status_as_error(false)
        // A login must not travel on, and what another host says is not this registry's word.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("docker-trust/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_global(Some(PATIENCE))
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for host in ["localhost", "localhost:5000", "127.0.0.1", "127.9.8.7:80"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["localhost.example.com", "128.0.0.1", "127.0.0.1.example.com:80", "example.com:5000"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
