//! What a tag names in its registry now: digest and size of the manifest, an index included
//! (OCI distribution specification 1.1, "pulling manifests").
//!
//! What gets signed is the digest of the bytes that came, computed here; the registry's own word
//! counts only where it repeats a digest that is signed already. A registry is asked by HTTPS; on
//! this very machine, and nowhere else, by HTTP when HTTPS fails.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use data_encoding::HEXLOWER;
use tuf_notary::{
    crypto::digest,
    image::{Reference, TlsFiles},
    metadata::TargetInfo,
    name::Hashes,
    transport::auth::{Access, Attempt, Authenticator, Next, TokenRequest},
};
use ureq::{
    Agent, Body, Error,
    config::Config,
    http::{Response, Uri},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};
use zeroize::Zeroizing;

use crate::{
    docker::{Docker, token_hosts},
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
    /// To be tried in this order.
    ways: Vec<Way>,
    is_logged_in: bool,
}

/// A way to the registry.
struct Way {
    /// Below `https://HOST/v2/`.
    base: String,
    agent: Agent,
    auth: Arc<Authenticator>,
}

/// The digest in a header or in metadata, against which a tag is checked.
type Sha256 = [u8; 32];

impl Registry {
    /// The registry of an image, with the user's login.
    pub fn of(docker: &Docker, image: &Reference) -> Result<Self, Failure> {
        let name = image.registry().to_owned();
        let path = image.gun().as_str().trim_start_matches(&name).trim_start_matches('/');
        let host = if name == "docker.io" { "registry-1.docker.io" } else { &name };
        let login = docker.login(&name)?;
        let mut ways = Vec::new();
        for scheme in ["https", "http"] {
            if scheme == "http" && !is_this_machine(host) {
                continue;
            }
            let server = format!("{scheme}://{host}");
            let server = server.parse().map_err(|error| Failure::of(server, error))?;
            let mut auth = Authenticator::new(server, path);
            if let Some(login) = &login {
                auth = auth.credentials(login.clone())?;
            }
            let auth = Arc::new(token_hosts().into_iter().fold(auth, Authenticator::token_host));
            let mut agents = agents(docker, host, &auth)?;
            // Whom to believe is a matter of HTTPS.
            agents.truncate(if scheme == "https" { agents.len() } else { 1 });
            let base = format!("{scheme}://{host}/v2/{path}/manifests");
            let way = |agent| Way { base: base.clone(), agent, auth: Arc::clone(&auth) };
            ways.extend(agents.into_iter().map(way));
        }
        Ok(Self { name, ways, is_logged_in: login.is_some() })
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
            401 | 403 => return refuse(self.denied()),
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
        for way in &self.ways {
            match way.ask(method, tag) {
                // What listens there speaks TLS, and why that failed is the better reason.
                Ok(reply) if reply.status() == 400 && !reasons.is_empty() => {}
                Ok(reply) => return Ok(reply),
                Err(Stop::Unanswered(reason)) => reasons.push(reason),
                Err(Stop::Refused(failure)) => {
                    return Err(Failure::of(format!("registry {}", self.name), failure));
                }
            }
        }
        reasons.dedup();
        Err(Failure::of(format!("registry {} could not be asked", self.name), reasons.join("; ")))
    }

    fn denied(&self) -> String {
        match self.is_logged_in {
            true => "refused the login in config.json".to_owned(),
            false => "wants a login, and config.json has none".to_owned(),
        }
    }
}

/// Why a way leads no further.
enum Stop {
    /// Another may.
    Unanswered(String),
    /// Whoever answered wants what it doesn't get.
    Refused(Failure),
}

impl Way {
    fn ask(&self, method: &str, tag: &str) -> Result<Response<Body>, Stop> {
        let refused = |error| Stop::Refused(Failure::from(error));
        let mut attempt = self.auth.attempt(Access::Pull);
        loop {
            let header = match self.auth.next(&mut attempt, SystemTime::now()) {
                Next::Send(header) => header,
                Next::Token(request) => {
                    self.fetch_token(&mut attempt, &request)?;
                    continue;
                }
            };
            let url = format!("{}/{tag}", self.base);
            let request = if method == "HEAD" { self.agent.head(&url) } else { self.agent.get(&url) };
            let mut request = request.header("Accept", MANIFESTS.join(", "));
            if let Some(header) = header {
                request = request.header("Authorization", header.as_str());
            }
            let reply = request.call().map_err(|error| Stop::Unanswered(error.to_string()))?;
            let challenges = reply.headers().get_all("www-authenticate").iter().map(|it| it.as_bytes());
            if reply.status() != 401 || !self.auth.is_challenged(&mut attempt, challenges).map_err(refused)? {
                return Ok(reply);
            }
        }
    }

    fn fetch_token(&self, attempt: &mut Attempt, request: &TokenRequest) -> Result<(), Stop> {
        let (url, asked) = (request.url().as_str(), SystemTime::now());
        let reply = match (request.form(), request.authorization()) {
            (Some(form), _) => {
                let kind = "application/x-www-form-urlencoded";
                self.agent.post(url).header("Content-Type", kind).send(form)
            }
            (None, Some(header)) => self.agent.get(url).header("Authorization", header).call(),
            (None, None) => self.agent.get(url).call(),
        };
        let failed = |error: &dyn std::fmt::Display| Stop::Refused(Failure::of(request.what(), error));
        let reply = reply.map_err(|error| failed(&error))?;
        let status = reply.status().as_u16();
        let mut body = Zeroizing::new(Vec::new());
        let bounded = reply.into_body().into_reader().take(TokenRequest::MAX_REPLY).read_to_end(&mut body);
        bounded.map_err(|error| failed(&error))?;
        let accepted = self.auth.accept(attempt, request, asked, status, &body);
        accepted.map_err(|error| Stop::Refused(error.into()))
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
fn agents(docker: &Docker, host: &str, auth: &Arc<Authenticator>) -> Result<Vec<Agent>, Failure> {
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
        agents.push(agent(RootCerts::from(certificates.iter().map(Certificate::to_owned)), auth));
    }
    agents.push(agent(RootCerts::PlatformVerifier, auth));
    Ok(agents)
}

fn agent(roots: RootCerts, auth: &Arc<Authenticator>) -> Agent {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots)
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        // A login must not travel on, and what another host says is not this registry's word.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("docker-trust/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_global(Some(PATIENCE))
        .build();
    let guarded = Guarded { inner: DefaultResolver::default(), auth: Arc::clone(auth) };
    Agent::with_parts(config, DefaultConnector::default(), guarded)
}

/// Keeps token servers that were not configured from leading into this network.
struct Guarded {
    inner: DefaultResolver,
    auth: Arc<Authenticator>,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default();
        let found = self.inner.resolve(uri, config, timeout)?;
        if config.proxy().is_none() && !found.iter().all(|address| self.auth.permits(host, address.ip())) {
            return Err(Error::Io(io::Error::other(format!("{host} leads inside of this network"))));
        }
        Ok(found)
    }
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
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
