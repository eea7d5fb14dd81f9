//! Docker's configuration folder: trust, keys, TLS files, and logins in `config.json`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tuf_notary::{
    blocking::Collection,
    image::{Reference, TlsFiles, trust_server},
    keys::DirectoryKeys,
    store::DirectoryStore,
    transport::{DockerConfig, HttpTransport, HttpTransportBuilder, Timeouts, auth::Credentials},
    verify::{Notice, Trust},
    view::View,
};
use url::Url;
use zeroize::Zeroizing;

use crate::{failure::Failure, passphrases::DockerPassphrases, terminal::tell};

/// How long Docker waits for a connection to a trust server.
const CONNECT: Duration = Duration::from_secs(30);

/// One user's Docker.
#[derive(Debug)]
pub struct Docker {
    folder: PathBuf,
    logins: DockerConfig,
    pub passphrases: Arc<DockerPassphrases>,
}

impl Docker {
    /// Reads the configuration in `folder`, otherwise where Docker has it.
    pub fn new(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let from = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = folder
            .or_else(|| from("DOCKER_CONFIG"))
            .or_else(|| from("HOME").map(|home| home.join(".docker")))
            .ok_or_else(|| Failure::new("neither DOCKER_CONFIG nor HOME is set"))?;
        let logins = DockerConfig::open(&folder).map_err(Failure::new)?;
        Ok(Self { folder, logins, passphrases: Arc::default() })
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The private keys.
    pub fn keys(&self) -> DirectoryKeys {
        DirectoryKeys::open(self.trust().join("private"), Arc::clone(&self.passphrases))
    }

    /// The collection that signs an image.
    pub fn collection(&self, image: &Reference) -> Result<Collection, Failure> {
        let configured = env::var("DOCKER_CONTENT_TRUST_SERVER").ok();
        let server = trust_server(image, configured.as_deref()).map_err(Failure::new)?;
        Ok(Collection::builder(image.gun().clone(), Trust::FirstUse)
            .transport(self.transport(image, server)?)
            .store(DirectoryStore::open(self.trust(), image.gun()))
            .keys(self.keys())
            .build())
    }

    /// Its certificate is verified, whatever the image's registry is.
    fn transport(&self, image: &Reference, server: Url) -> Result<HttpTransport, Failure> {
        let files = TlsFiles::find(&self.folder, &server).map_err(Failure::new)?;
        let mut builder = HttpTransport::builder(server, image.gun())
            .system_ca()
            .user_agent(concat!("docker-trust/", env!("CARGO_PKG_VERSION")))
            .timeouts(Timeouts { connect: CONNECT, ..Timeouts::default() });
        let read = |path: &Path| fs::read(path).map_err(|error| Failure::of(path.display(), error));
        for path in &files.authorities {
            builder = builder.ca_pem(&read(path)?);
        }
        if let Some((certificate, key)) = files.identities.first() {
            builder = builder.client_certificate(&read(certificate)?, &Zeroizing::new(read(key)?));
        }
        // As Docker does it, the login at the image's registry serves at the trust server too.
        match self.login(image.registry()) {
            Ok(Some(credentials)) => builder = builder.credentials(credentials),
            Ok(None) => {}
            Err(failure) => tell(&format!("warning: {failure}; asking as nobody")),
        }
        builder = token_hosts().into_iter().fold(builder, HttpTransportBuilder::token_host);
        Ok(builder.build()?)
    }

    /// The login at a registry.
    pub fn login(&self, registry: &str) -> Result<Option<Credentials>, Failure> {
        self.logins.credentials(registry).map_err(Failure::new)
    }

    fn trust(&self) -> PathBuf {
        self.folder.join("trust")
    }
}

/// Hosts of token servers that may see a login besides the registry's own: names in
/// `DOCKER_TRUST_TOKEN_HOSTS`, with commas between. Docker shows a login to whichever is named.
pub fn token_hosts() -> Vec<String> {
    let names = env::var("DOCKER_TRUST_TOKEN_HOSTS").unwrap_or_default();
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Tells what weakens an answer although it holds.
pub fn warn(view: &View) {
    for notice in view.notices() {
        let text = match notice {
            Notice::NotSaved { reason, .. } => format!("what is trusted is not remembered: {reason}"),
            Notice::FloorLost { role } => format!("which version of {role} was trusted before is forgotten"),
            Notice::Equivocation { role, version, .. } => {
                format!("{role} version {version} came with two contents")
            }
            Notice::ServedFromCache { reason } => {
                format!("from the cache, for the server gave no answer: {reason}")
            }
            Notice::ClockBehind => "the clock stands before a time that was seen already".to_owned(),
            _ => continue,
        };
        tell(&format!("warning: {text}"));
    }
}
