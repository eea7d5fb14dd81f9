//! What the examples share: options, the collection they describe, exit codes.
#![allow(dead_code)] // each example uses a part

pub mod docker_json;
pub mod site;

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::SystemTime,
};

#[cfg(feature = "docker-config")]
use tuf_notary::transport::DockerConfig;
use tuf_notary::{
    blocking::{Collection, CollectionBuilder},
    crypto::Certificate,
    error::Error,
    image::{Reference, ResolvedTrust, trust_server},
    keys::{DirectoryKeys, EnvironmentPassphrases},
    metadata::TargetInfo,
    name::{Expiry, Hashes, KeyId},
    store::DirectoryStore,
    transport::{HttpTransport, HttpTransportBuilder, TransportError, auth::Credentials},
    verify::{Notice, Trust},
    view::{Freshness, View},
};
use url::Url;

/// Options of every example that talks to a server.
#[derive(Debug, Default)]
pub struct Options {
    server: Option<String>,
    plain_http: bool,
    tls_ca: Option<PathBuf>,
    trust_dir: Option<PathBuf>,
    keys: Option<PathBuf>,
    root_keys: Vec<KeyId>,
    ca: Option<PathBuf>,
    at: Option<SystemTime>,
    /// Which answers will do; nobody publishes on top of a cache, so few examples take it.
    pub freshness: Option<Freshness>,
    clock: Option<SystemTime>,
    reset_trust: bool,
    token_hosts: Vec<String>,
}

/// Why an example stops.
#[derive(Debug)]
pub enum Failure {
    /// The call is wrong: exit code 2.
    Usage(String),
    /// The operation failed: exit code 3 when the server gave no answer, otherwise 1.
    Operation(Error),
    /// The answer holds and is not what is required: exit code 1, and a code for the reason.
    Refused(&'static str, String),
    /// The result could not be printed: exit code 1, so that nobody takes it for a result.
    Output(io::Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        match error.into() {
            Error::Transport(TransportError::Config(reason)) => Self::Usage(reason),
            Error::Name(error) => Self::Usage(error.to_string()),
            error => Self::Operation(error),
        }
    }
}

/// Usage errors of any kind.
pub fn usage(error: impl Display) -> Failure {
    Failure::Usage(error.to_string())
}

/// Runs an example and turns its outcome into an exit code; the first line on stderr names the
/// reason.
pub fn run(help: &str, main: impl FnOnce() -> Result<(), Failure>) -> ExitCode {
    let asks_for_help = |argument: OsString| argument == "--help" || argument == "-h";
    let outcome = if env::args_os().skip(1).any(asks_for_help) { say(help) } else { main() };
    let (code, reason, sentence) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(reason)) => (2, "USAGE", reason),
        Err(Failure::Refused(code, reason)) => (1, code, reason),
        Err(Failure::Output(error)) => (1, "OUTPUT", error.to_string()),
        Err(Failure::Operation(error)) => {
            let code = if error.is_unanswered() { 3 } else { 1 };
            (code, error.code(), format!("{error}{}", advice(error.code())))
        }
    };
    let usage = if code == 2 { format!("\n{help}\n") } else { String::new() };
    let _ = write!(io::stderr(), "error[{reason}]: {}\n{usage}", printable(&sentence));
    ExitCode::from(code)
}

/// Which option may help.
fn advice(reason: &str) -> &'static str {
    match reason {
        "LOCAL_STATE" => {
            "; --reset-trust forgets it, and whoever answers next is trusted unless a pin is given"
        }
        "ROOT_CHANGED" => "; if its owner says that the collection was begun anew, use --reset-trust",
        "MISSING_KEYS" => "; --keys DIR is where keys are looked for",
        _ => "",
    }
}

/// Prints a result.
pub fn say(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()).map_err(Failure::Output)
}

/// Tells on stderr what weakens the answer although it holds.
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
        let _ = writeln!(io::stderr(), "warning: {}", printable(&text));
    }
}

/// Texts of a server may not move the cursor or begin a line of their own.
pub fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

impl Options {
    /// Takes an option that all examples know. Returns false for any other.
    pub fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        let mut value = || parser.value().map_err(usage);
        match name {
            "server" => self.server = Some(text(value()?)?),
            "plain-http" => self.plain_http = true,
            "tls-ca" => self.tls_ca = Some(value()?.into()),
            "trust-dir" => self.trust_dir = Some(value()?.into()),
            "keys" => self.keys = Some(value()?.into()),
            "root-key" => self.root_keys.push(key_id(&text(value()?)?)?),
            "ca" => self.ca = Some(value()?.into()),
            "clock" => self.clock = Some(Expiry::parse(&text(value()?)?).map_err(usage)?.to_system_time()),
            "at" => self.at = Some(Expiry::parse(&text(value()?)?).map_err(usage)?.to_system_time()),
            "reset-trust" => self.reset_trust = true,
            "token-host" => self.token_hosts.push(text(value()?)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The collection of an image, as these options describe it.
    pub fn collection(&self, image: &Reference) -> Result<Collection, Failure> {
        let trust_dir = self.trust_dir()?;
        let keys = self.keys.clone().unwrap_or_else(|| trust_dir.join("private"));
        let mut builder = Collection::builder(image.gun().clone(), self.trust()?)
            .transport(self.transport(image)?)
            .store(DirectoryStore::open(&trust_dir, image.gun()))
            .keys(DirectoryKeys::open(&keys, EnvironmentPassphrases::notary()));
        if let Some(mode) = self.mode()? {
            builder = builder.freshness(mode);
        }
        self.build(builder)
    }

    /// The collection of an image, as a configuration describes it. Options may say where trust is
    /// kept and as of when to judge, and nothing that the file says.
    pub fn configured(&self, trust: &ResolvedTrust<'_>) -> Result<Collection, Failure> {
        let said = self.server.is_some() || self.tls_ca.is_some() || self.ca.is_some();
        if said || self.plain_http || !self.root_keys.is_empty() || self.freshness.is_some() {
            let options = "--server, --plain-http, --tls-ca, --root-key, --ca and --freshness";
            return Err(usage(format!("--config says it all: it excludes {options}")));
        }
        let signed = Reference::parse(trust.gun().as_str()).map_err(usage)?;
        let server = trust.server().map_err(usage)?;
        let mut builder = trust.blocking(self.logged_in(trust.http()?, &server, &signed)?);
        if self.trust_dir.is_some() || trust.trust_dir().is_none() {
            builder = builder.store(DirectoryStore::open(&self.trust_dir()?, trust.gun()));
        }
        if let Some(mode) = self.mode()? {
            builder = builder.freshness(mode);
        }
        self.build(builder)
    }

    fn mode(&self) -> Result<Option<Freshness>, Failure> {
        match (self.at, self.freshness) {
            (Some(_), Some(_)) => Err(usage("--at and --freshness exclude each other")),
            (Some(time), None) => Ok(Some(Freshness::AsOf(time))),
            (None, mode) => Ok(mode),
        }
    }

    fn build(&self, mut builder: CollectionBuilder) -> Result<Collection, Failure> {
        if let Some(time) = self.clock {
            builder = builder.clock(move || time);
        }
        let collection = builder.build();
        if self.reset_trust {
            collection.dangerous().forget()?;
        }
        Ok(collection)
    }

    fn transport(&self, image: &Reference) -> Result<HttpTransport, Failure> {
        let server = match &self.server {
            Some(server) => Url::parse(server)
                .map_err(|error| usage(format!("--server {server}: https://HOST expected: {error}")))?,
            None => {
                let configured = env::var("DOCKER_CONTENT_TRUST_SERVER").ok();
                trust_server(image, configured.as_deref()).map_err(usage)?
            }
        };
        if server.scheme() == "http" && !self.plain_http {
            return Err(usage("plain HTTP is dangerous and needs --plain-http"));
        }
        let mut builder = HttpTransport::builder(server.clone(), image.gun());
        if let Some(path) = &self.tls_ca {
            let pem =
                fs::read(path).map_err(|error| usage(format!("--tls-ca {}: {error}", path.display())))?;
            builder = builder.ca_pem(&pem);
        }
        if self.plain_http {
            builder = builder.dangerous().allow_plain_http();
        }
        self.logged_in(builder, &server, image)
    }

    fn logged_in(
        &self,
        mut builder: HttpTransportBuilder,
        server: &Url,
        image: &Reference,
    ) -> Result<HttpTransport, Failure> {
        // In the clear nobody says who asks, but within this machine.
        let is_private = server.scheme() == "https"
            || server.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
        if is_private && let Some(credentials) = credentials(image)? {
            builder = builder.credentials(credentials);
        }
        builder = self.token_hosts.iter().fold(builder, HttpTransportBuilder::token_host);
        Ok(builder.build()?)
    }

    fn trust(&self) -> Result<Trust, Failure> {
        if !self.root_keys.is_empty() {
            if self.ca.is_some() {
                return Err(usage("--root-key and --ca exclude each other"));
            }
            return Ok(Trust::Certificates(self.root_keys.clone()));
        }
        let Some(path) = &self.ca else { return Ok(Trust::FirstUse) };
        let wrong = |error: &dyn Display| usage(format!("--ca {}: {error}", path.display()));
        let pem = fs::read(path).map_err(|error| wrong(&error))?;
        Ok(Trust::Authority(Certificate::all_from_pem(&pem).map_err(|error| wrong(&error))?))
    }

    fn trust_dir(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = &self.trust_dir {
            // An unset variable in a script would lead to the current folder.
            let empty = dir.as_os_str().is_empty();
            return if empty { Err(usage("--trust-dir is empty")) } else { Ok(dir.clone()) };
        }
        let from = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let config = from("DOCKER_CONFIG").or_else(|| from("HOME").map(|home| home.join(".docker")));
        Ok(config.ok_or_else(|| usage("neither --trust-dir, DOCKER_CONFIG nor HOME is set"))?.join("trust"))
    }
}

/// Who asks: what `NOTARY_AUTH` says, as with `notary`; otherwise the login at the image's registry,
/// as with `docker`.
fn credentials(image: &Reference) -> Result<Option<Credentials>, Failure> {
    if let Ok(text) = env::var("NOTARY_AUTH") {
        return Credentials::from_notary_auth(&text).map_err(|error| usage(format!("NOTARY_AUTH: {error}")));
    }
    #[cfg(feature = "docker-config")]
    if env::var_os("DOCKER_CONFIG").or_else(|| env::var_os("HOME")).is_some_and(|it| !it.is_empty()) {
        return match DockerConfig::find().and_then(|config| config.credentials(image.registry())) {
            Ok(credentials) => Ok(credentials),
            Err(error) => {
                let _ =
                    writeln!(io::stderr(), "warning: {}; asking as nobody", printable(&error.to_string()));
                Ok(None)
            }
        };
    }
    let _ = image;
    Ok(None)
}

/// An image reference and its tag, which must be given: what is signed or revoked is not guessed.
pub fn image_and_tag(text: &str) -> Result<(Reference, String), Failure> {
    let image = Reference::parse(text).map_err(usage)?;
    if image.digest().is_some() {
        return Err(usage(format!("{text}: a digest is its own proof; name a tag")));
    }
    match image.tag() {
        Some(tag) => Ok((image.clone(), tag.to_owned())),
        None => Err(usage(format!("{text}: no tag is given"))),
    }
}

/// The same for asking, where no tag means `latest`, as in Docker.
pub fn image_and_tag_or_latest(text: &str) -> Result<(Reference, String), Failure> {
    match Reference::parse(text) {
        Ok(image) if image.tag().is_none() && image.digest().is_none() => Ok((image, "latest".to_owned())),
        _ => image_and_tag(text),
    }
}

/// The value of `--sha256`.
fn digest(hex: &str) -> Result<[u8; 32], Failure> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
    let digest = bytes.ok().and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| usage(format!("--sha256 {hex}: 64 hex digits expected")))
}

/// A pin with a slip of the pen would match nothing; better to say so at once.
fn key_id(text: &str) -> Result<KeyId, Failure> {
    let id: KeyId = text.parse().map_err(usage)?;
    if id.is_sha256() {
        Ok(id)
    } else {
        Err(usage(format!("--root-key {text}: 64 lower-case hex digits expected")))
    }
}

/// Reads the command line: the example's `own` options, those that all know, and the one image.
/// `own` returns false for an option that it doesn't know.
pub fn arguments(
    options: &mut Options,
    own: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool, Failure>,
) -> Result<Option<String>, Failure> {
    let mut words = words(options, own)?.into_iter();
    match (words.next(), words.next()) {
        (Some(first), Some(_)) => Err(usage(format!("one image expected, got {first} and another"))),
        (image, _) => Ok(image),
    }
}

/// As [`arguments`], with any number of positional arguments.
pub fn words(
    options: &mut Options,
    mut own: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool, Failure>,
) -> Result<Vec<String>, Failure> {
    let (mut words, mut parser) = (Vec::new(), lexopt::Parser::from_env());
    while let Some(argument) = parser.next().map_err(usage)? {
        match argument {
            lexopt::Arg::Long(name) => {
                let name = name.to_owned();
                if !own(&name, &mut parser)? && !options.take(&name, &mut parser)? {
                    return Err(usage(format!("unknown option --{name}")));
                }
            }
            lexopt::Arg::Value(value) => words.push(text(value)?),
            other => return Err(usage(other.unexpected())),
        }
    }
    Ok(words)
}

/// `--sha256` and `--size`: what a tag is to name.
#[derive(Debug, Default)]
pub struct Content {
    sha256: Option<[u8; 32]>,
    size: Option<u64>,
}

impl Content {
    /// Takes an option; false when it is none of these.
    pub fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, Failure> {
        match name {
            "sha256" => self.sha256 = Some(digest(&text(parser.value().map_err(usage)?)?)?),
            "size" => {
                let text = text(parser.value().map_err(usage)?)?;
                let wrong = |_| usage(format!("--size {text}: a number of bytes expected"));
                self.size = Some(text.parse().map_err(wrong)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Both together; neither may be missing.
    pub fn info(self) -> Result<TargetInfo, Failure> {
        let missing = |what| usage(format!("{what} is missing"));
        let length = self.size.ok_or_else(|| missing("--size"))?;
        let hashes = Hashes::sha256(self.sha256.ok_or_else(|| missing("--sha256"))?);
        Ok(TargetInfo { length, hashes, custom: None })
    }
}

/// An argument as text.
pub fn text(value: OsString) -> Result<String, Failure> {
    value.into_string().map_err(|value| usage(format!("{}: not UTF-8", value.display())))
}
