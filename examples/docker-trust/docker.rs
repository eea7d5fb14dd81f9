//! Docker's configuration folder: trust, keys, TLS files, and logins in `config.json`.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer};
use tuf_notary::{
    blocking::Collection,
    image::{Reference, TlsFiles, trust_server},
    keys::DirectoryKeys,
    store::DirectoryStore,
    transport::{HttpTransport, Timeouts},
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
    file: ConfigFile,
    pub passphrases: Arc<DockerPassphrases>,
}

/// What we read of `config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ConfigFile {
    #[serde(deserialize_with = "or_null")]
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    #[serde(deserialize_with = "or_null")]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    /// Base64 of `USER:PASSWORD`.
    #[serde(deserialize_with = "secret")]
    auth: Zeroizing<String>,
    username: String,
    #[serde(deserialize_with = "secret")]
    password: Zeroizing<String>,
}

fn secret<'de, D: Deserializer<'de>>(source: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(source).map(Zeroizing::new)
}

/// Go writes an empty map so, and reads it.
fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    source: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    Option::deserialize(source).map(Option::unwrap_or_default)
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(a login)")
    }
}

/// A login at a registry.
pub enum Login {
    /// None.
    Anonymous,
    /// Name and password.
    Basic { name: String, password: Zeroizing<String> },
    /// Whoever holds it: a program that Docker would ask.
    Helper(String),
}

impl Docker {
    /// Reads the configuration in `folder`, otherwise where Docker has it.
    pub fn new(folder: Option<PathBuf>) -> Result<Self, Failure> {
        let from = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = folder
            .or_else(|| from("DOCKER_CONFIG"))
            .or_else(|| from("HOME").map(|home| home.join(".docker")))
            .ok_or_else(|| Failure::new("neither DOCKER_CONFIG nor HOME is set"))?;
        let path = folder.join("config.json");
        let file = match fs::read(&path).map(Zeroizing::new) {
            // The reason itself may show a part of a login.
            Ok(text) => serde_json::from_slice(&text).map_err(|e| {
                let (line, column) = (e.line(), e.column());
                Failure::of(path.display(), format!("not as expected at line {line} column {column}"))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => ConfigFile::default(),
            Err(error) => return Err(Failure::of(path.display(), error)),
        };
        Ok(Self { folder, file, passphrases: Arc::default() })
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
        Ok(builder.build()?)
    }

    /// The login at a registry.
    pub fn login(&self, registry: &str) -> Result<Login, Failure> {
        if let Some(helper) = about(&self.file.cred_helpers, registry) {
            return Ok(Login::Helper(helper.clone()));
        }
        let Some(auth) = about(&self.file.auths, registry) else { return Ok(Login::Anonymous) };
        if auth.auth.is_empty() {
            return Ok(match &self.file.creds_store {
                Some(helper) => Login::Helper(helper.clone()),
                None if auth.username.is_empty() => Login::Anonymous,
                None => Login::Basic { name: auth.username.clone(), password: auth.password.clone() },
            });
        }
        // Docker pads the passwords that it wrote long ago with zero bytes.
        let plain = BASE64.decode(auth.auth.as_bytes()).ok().map(Zeroizing::new);
        let pair = plain.as_deref().and_then(|it| std::str::from_utf8(it).ok()?.split_once(':'));
        let (name, password) = pair.ok_or_else(|| {
            let path = self.folder.join("config.json");
            Failure::new(format!("{}: the login at {registry} can't be read", path.display()))
        })?;
        let password = Zeroizing::new(password.trim_end_matches('\0').to_owned());
        Ok(Login::Basic { name: name.to_owned(), password })
    }

    fn trust(&self) -> PathBuf {
        self.folder.join("trust")
    }
}

/// What is kept for a registry: under the key that Docker writes, otherwise under any that names it.
fn about<'a, T>(map: &'a BTreeMap<String, T>, registry: &str) -> Option<&'a T> {
    let key = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    let any = || map.iter().find(|(key, _)| host_of(key) == registry).map(|(_, kept)| kept);
    map.get(key).or_else(any)
}

/// The registry that a key of `auths` is about: a host, or a URL in older files.
fn host_of(key: &str) -> &str {
    let host = key.trim_start_matches("https://").trim_start_matches("http://");
    match host.split('/').next().unwrap_or(host) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
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

#[cfg(test)]
mod tests {
    use super::{ConfigFile, about, host_of};

    #[test]
    fn dockers_own_key_goes_before_others_that_name_the_registry() {
        let kept = |keys: &[&'static str]| keys.iter().map(|&key| (key.to_owned(), key)).collect();
        let first = "https://index.docker.io/v1/";
        assert_eq!(about(&kept(&["docker.io", first, "index.docker.io"]), "docker.io"), Some(&first));
        let host = "reg.example.com";
        assert_eq!(about(&kept(&["http://reg.example.com", host]), host), Some(&host));
        assert_eq!(
            about(&kept(&["http://127.0.0.1:5000/v2/"]), "127.0.0.1:5000").copied(),
            Some("http://127.0.0.1:5000/v2/")
        );
        assert_eq!(about(&kept(&["reg.example.com.evil"]), host), None);
    }

    #[test]
    fn absent_maps_may_be_null() {
        let file: ConfigFile =
            serde_json::from_str(r#"{"auths":null,"credHelpers":null,"credsStore":null}"#).unwrap();
        assert!(file.auths.is_empty() && file.cred_helpers.is_empty() && file.creds_store.is_none());
    }

    #[test]
    fn keys_of_auths_name_hosts() {
        for (key, host) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io", "docker.io"),
            ("http://127.0.0.1:5000/v2/", "127.0.0.1:5000"),
            ("reg.example.com", "reg.example.com"),
        ] {
            assert_eq!(host_of(key), host);
        }
    }
}
