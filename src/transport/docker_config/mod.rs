//! Logins as Docker keeps them: `config.json` in `$DOCKER_CONFIG` or `~/.docker`.
//!
//! As Docker does it, a helper for the registry (`credHelpers`) comes before the helper for all
//! (`credsStore`), and that before what stands in the file itself (`auths`). A login is for the
//! registry that it is kept under and for no other. Podman's files have the same form.

mod helper;

use std::{
    collections::BTreeMap,
    env, fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::auth::{Credentials, CredentialsError, decode_pair};

/// Largest file that is read.
const MAX_FILE: u64 = 4 << 20;
/// Under which name Docker keeps the login at Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// The logins of one user.
#[derive(Debug)]
pub struct DockerConfig {
    path: PathBuf,
    content: Content,
}

/// A login can't be got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    /// Nobody says where the configuration is.
    #[error("neither DOCKER_CONFIG nor HOME is set")]
    NoFolder,
    /// The file can't be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not what Docker writes. What it holds instead is not shown.
    #[error("{path}: line {line}: not a Docker configuration")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where.
        line: usize,
    },
    /// A login can't be used.
    #[error("the login at {registry}: {source}")]
    Login {
        /// The registry.
        registry: String,
        /// What is wrong.
        source: CredentialsError,
    },
    /// A credential helper brought no answer.
    #[error("the credential helper {helper}: {reason}")]
    Helper {
        /// Its name, without `docker-credential-`.
        helper: String,
        /// What happened.
        reason: String,
    },
}

/// What we read of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Content {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
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
    #[serde(deserialize_with = "secret")]
    identitytoken: Zeroizing<String>,
    #[serde(deserialize_with = "secret")]
    registrytoken: Zeroizing<String>,
}

impl DockerConfig {
    /// The configuration of whoever runs this program.
    ///
    /// # Errors
    /// It is nowhere, or as [`open`](Self::open).
    pub fn find() -> Result<Self, DockerConfigError> {
        let from = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = from("DOCKER_CONFIG").or_else(|| from("HOME").map(|home| home.join(".docker")));
        Self::open(&folder.ok_or(DockerConfigError::NoFolder)?)
    }

    /// The configuration in this folder. Without a file nobody is logged in.
    ///
    /// # Errors
    /// The file can't be read or is of another form.
    pub fn open(folder: &Path) -> Result<Self, DockerConfigError> {
        let path = folder.join("config.json");
        let mut text = Zeroizing::new(Vec::new());
        let content = match File::open(&path) {
            Ok(file) => file.take(MAX_FILE).read_to_end(&mut text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let content =
            match content.map_err(|source| DockerConfigError::Read { path: path.clone(), source })? {
                Some(_) => serde_json::from_slice(&text)
                    .map_err(|error| DockerConfigError::Format { path: path.clone(), line: error.line() })?,
                None => Content::default(),
            };
        Ok(Self { path, content })
    }

    /// The login at a registry, `docker.io` or `HOST[:PORT]`; none without one. May run a
    /// credential helper, which is waited for at most a minute.
    ///
    /// # Errors
    /// The login can't be used, or the helper fails.
    pub fn credentials(&self, registry: &str) -> Result<Option<Credentials>, DockerConfigError> {
        let registry = host_of(registry);
        let own = of_registry(&self.content.cred_helpers, registry).map(String::as_str);
        let helper = own.unwrap_or(&self.content.creds_store);
        if !helper.is_empty() {
            let address = if registry == "docker.io" { DOCKER_HUB } else { registry };
            let found = helper::get(helper, address)
                .map_err(|reason| DockerConfigError::Helper { helper: helper.to_owned(), reason })?;
            if let Some(login) = found {
                let credentials = match login.username.as_str() {
                    "<token>" => Credentials::identity_token(login.secret),
                    _ => Credentials::basic(login.username, login.secret),
                };
                return credentials.map(Some).map_err(|source| wrong(registry, source));
            }
        }
        let Some(auth) = of_registry(&self.content.auths, registry) else { return Ok(None) };
        auth.credentials().map_err(|source| wrong(registry, source))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Auth {
    fn credentials(&self) -> Result<Option<Credentials>, CredentialsError> {
        if !self.registrytoken.is_empty() {
            return Credentials::registry_token(self.registrytoken.clone()).map(Some);
        }
        if !self.identitytoken.is_empty() {
            return Credentials::identity_token(self.identitytoken.clone()).map(Some);
        }
        if !self.auth.is_empty() {
            let (user, password) = decode_pair(&self.auth)?;
            // Docker pads the passwords that it wrote long ago with zero bytes.
            let password = Zeroizing::new(password.trim_end_matches('\0').to_owned());
            return Credentials::basic(user, password).map(Some);
        }
        if self.username.is_empty() && self.password.is_empty() {
            return Ok(None);
        }
        Credentials::basic(self.username.clone(), self.password.clone()).map(Some)
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a login)")
    }
}

fn wrong(registry: &str, source: CredentialsError) -> DockerConfigError {
    DockerConfigError::Login { registry: registry.to_owned(), source }
}

fn secret<'de, D: Deserializer<'de>>(source: D) -> Result<Zeroizing<String>, D::Error> {
    Ok(Zeroizing::new(Option::<String>::deserialize(source)?.unwrap_or_default()))
}

/// What is kept for a registry: under its very name, or else under a URL of it.
fn of_registry<'m, T>(map: &'m BTreeMap<String, T>, registry: &str) -> Option<&'m T> {
    map.get(registry).or_else(|| map.iter().find(|(key, _)| host_of(key) == registry).map(|(_, value)| value))
}

/// The registry that a key is about: a host, or a URL in older files.
fn host_of(key: &str) -> &str {
    let host = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    match host.split('/').next().unwrap_or(host) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    fn config(text: &str) -> Result<DockerConfig, DockerConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        DockerConfig::open(folder.path())
    }

    fn login(auth: &str, registry: &str) -> Result<Option<String>, DockerConfigError> {
        let config =
            config(&format!(r#"{{"auths":{{"https://reg.example.com:5000/v1/":{auth}}},"x":1}}"#)).unwrap();
        Ok(config.credentials(registry)?.map(|it| match it.basic_header() {
            Some(header) => {
                let pair = BASE64.decode(header.trim_start_matches("Basic ").as_bytes()).unwrap();
                String::from_utf8(pair).unwrap()
            }
            None => it.as_identity_token().or(it.as_registry_token()).unwrap_or_default().to_owned(),
        }))
    }

    #[test]
    fn each_form_of_a_login_is_read() {
        let pair = |plain: &str| format!(r#"{{"auth":"{}"}}"#, BASE64.encode(plain.as_bytes()));
        let of = |auth: &str| login(auth, "reg.example.com:5000").unwrap();
        assert_eq!(of(&pair("alice:a:b")).unwrap(), "alice:a:b");
        assert_eq!(of(&pair("alice:old\0\0")).unwrap(), "alice:old");
        assert_eq!(of(r#"{"username":"u","password":"p"}"#).unwrap(), "u:p");
        assert_eq!(of(r#"{"identitytoken":"refresh","auth":"eDo="}"#).unwrap(), "refresh");
        assert_eq!(of(r#"{"registrytoken":"bearer"}"#).unwrap(), "bearer");
        assert_eq!(of(r#"{"auth":null,"email":"a@b"}"#), None);
        assert!(matches!(
            login(r#"{"auth":"aHVudGVyMg=="}"#, "reg.example.com:5000"),
            Err(DockerConfigError::Login { source: CredentialsError::Encoding, .. })
        ));
    }

    #[test]
    fn sr_03_a_login_is_for_its_registry_alone() {
        let auth = r#"{"username":"u","password":"p"}"#;
        for other in
            ["reg.example.com", "reg.example.com:5001", "evil.net", "example.com:5000", "", "docker.io"]
        {
            assert_eq!(login(auth, other).unwrap(), None, "{other}");
        }
    }

    #[test]
    fn docker_hub_has_several_names() {
        let config =
            config(r#"{"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p"}}}"#).unwrap();
        for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            assert!(config.credentials(name).unwrap().is_some(), "{name}");
        }
    }

    #[test]
    fn ta_13_a_file_of_another_form_is_not_shown() {
        for text in ["", "hunter2", r#"{"auths":{"a":{"auth":{"x":"hunter2"}}}}"#, r#"{"auths":"hunter2"}"#] {
            let error = config(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
        let kept = config(r#"{"auths":{"a":{"username":"u","password":"hunter2"}}}"#).unwrap();
        assert!(!format!("{kept:?}").contains("hunter2"));
        let nowhere = DockerConfig::open(Path::new("/nonexistent")).unwrap();
        assert!(nowhere.credentials("a").unwrap().is_none());
    }
}
