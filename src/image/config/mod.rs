//! Trust for all images of a program, from one TOML or JSON file.
//!
//! The rule: what the file does not say is refused. The longest entry that matches an image decides,
//! alone: entries are not merged. An image that no entry matches is refused, a key that does not
//! exist is an error with its place, and first use has to be named.
//!
//! ```toml
//! trust-dir = "/var/lib/example/trust"   # where verified metadata is kept; none: in memory
//!
//! [[image]]
//! match = "registry.example.com/team"    # a registry, or a path below one; "*" is everything
//! server = "https://notary.example.com"  # none: as Docker chooses it
//! tls-ca = ["tls-ca.pem"]                # none: the system's; relative to this file
//! root-keys = ["ab…"]                    # or root-ca = [FILE…], root-file = FILE, first-use = true
//! required-roles = ["targets/releases"]  # or roles = [ROLE…], of which the first that signs decides
//! required-signers = [{ at-least = 2, of = ["alice", "bob", "ci"] }]
//! freshness = "online"                   # or "prefer-cache", "offline"
//! max-age-seconds = 60                   # how long an answer is served again; none: not at all
//!
//! [[mirror]]
//! from = "mirror.example/proxy/library/*"
//! to = "docker.io/library/*"
//! ```
//!
//! JSON has the same keys: `{"image": [{"match": …}], "mirror": […]}`.

mod dto;
mod error;
mod files;
mod mirror;
mod prefix;
mod resolved;
mod rule;
#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use resolved::ResolvedTrust;

use std::path::{Path, PathBuf};

use mirror::Mirror;
use rule::Rule;

use super::Reference;
use crate::{name::Gun, verify::Trust};

/// Whom to ask and to believe about which images.
///
/// ```
/// use tuf_notary::image::{Reference, TrustConfig};
/// let config = TrustConfig::from_toml(r#"
///     [[image]]
///     match = "registry.example.com/team"
///     root-keys = ["5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"]
///     required-signers = [{ at-least = 2, of = ["alice", "bob", "ci"] }]
/// "#, ".".as_ref())?;
/// let trust = config.for_image(&Reference::parse("registry.example.com/team/app:v1")?)?;
/// assert_eq!(trust.server()?.as_str(), "https://registry.example.com/");
/// // trust.judge(&trust.blocking(trust.http()?.build()?).build().refresh()?)? is the pinned image.
/// assert!(config.for_image(&Reference::parse("registry.example.com/teams/app")?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrustConfig {
    trust_dir: Option<PathBuf>,
    rules: Vec<Rule>,
    mirrors: Vec<Mirror>,
}

impl TrustConfig {
    /// Reads a file, by its name `.toml` or `.json`, and all files that it names, relative to its
    /// own folder.
    ///
    /// # Errors
    /// A file can't be read, or the configuration can't be meant.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let wrong = |source| ConfigError::Read { path: path.to_owned(), source };
        let bytes = files::bounded(path).map_err(wrong)?;
        let other = |why: &str| wrong(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
        let text = String::from_utf8(bytes).map_err(|_| other("not UTF-8"))?;
        let base = path.parent().unwrap_or_else(|| Path::new(""));
        let config = match path.extension().and_then(|it| it.to_str()) {
            Some("toml") => Self::from_toml(&text, base),
            Some("json") => Self::from_json(&text, base),
            _ => return Err(other("the name ends neither with .toml nor with .json")),
        };
        config.map_err(|source| ConfigError::In { path: path.to_owned(), source: Box::new(source) })
    }

    /// Reads TOML, and the files that it names, relative to `base`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_toml(text: &str, base: &Path) -> Result<Self, ConfigError> {
        let file = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let (line, column) = match before.rsplit_once('\n') {
                Some((lines, rest)) => (lines.matches('\n').count().saturating_add(2), rest),
                None => (1, before),
            };
            let column = column.chars().count().saturating_add(1);
            ConfigError::Syntax { line, column, reason: error.message().to_owned() }
        })?;
        Self::new(file, base)
    }

    /// Reads JSON, and the files that it names, relative to `base`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_json(text: &str, base: &Path) -> Result<Self, ConfigError> {
        let file = serde_json::from_str(text).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
            ConfigError::Syntax { line: error.line(), column: error.column(), reason: reason.to_owned() }
        })?;
        Self::new(file, base)
    }

    /// What is said about an image, which may be a mirror's.
    ///
    /// # Errors
    /// [`ConfigError::Unlisted`] when no entry matches.
    pub fn for_image(&self, image: &Reference) -> Result<ResolvedTrust<'_>, ConfigError> {
        let signed = mirror::map(&self.mirrors, image)?;
        self.resolve(image.clone(), signed)
    }

    /// What is said about a collection. A mirror's name is none: nothing is mapped.
    ///
    /// # Errors
    /// [`ConfigError::Unlisted`] when no entry matches, [`ConfigError::Unmapped`] when the
    /// collection is of no image.
    pub fn for_collection(&self, gun: &Gun) -> Result<ResolvedTrust<'_>, ConfigError> {
        let wrong =
            |reason: &str| ConfigError::Unmapped { image: gun.to_string(), reason: reason.to_owned() };
        let image = Reference::parse(gun.as_str()).map_err(|error| wrong(&error.to_string()))?;
        if image.gun() != gun {
            return Err(wrong("no image has this name"));
        }
        self.resolve(image.clone(), image)
    }

    fn resolve(&self, asked: Reference, signed: Reference) -> Result<ResolvedTrust<'_>, ConfigError> {
        let name = signed.gun().as_str();
        let matching = self.rules.iter().filter(|rule| rule.prefix.rest(name).is_some());
        let Some(rule) = matching.max_by_key(|rule| rule.prefix.length()) else {
            return Err(ConfigError::Unlisted { image: asked.to_string(), gun: signed.gun().clone() });
        };
        Ok(ResolvedTrust::new(rule, self.trust_dir.as_ref(), asked, signed))
    }

    fn new(file: dto::File, base: &Path) -> Result<Self, ConfigError> {
        let mut config = Self { trust_dir: None, rules: Vec::new(), mirrors: Vec::new() };
        if let Some(dir) = file.trust_dir {
            let refuse = |reason: &str| entry("trust-dir".to_owned(), reason.to_owned());
            if dir.as_os_str().is_empty() {
                return Err(refuse("an empty path"));
            }
            if !cfg!(feature = "directory") {
                return Err(refuse("this program was built without the feature `directory`"));
            }
            config.trust_dir = Some(base.join(dir));
        }
        for (number, image) in (1_usize..).zip(&file.image) {
            let place = format!("image entry {number} ({})", image.prefix);
            let rule = Rule::new(image, base).map_err(|reason| entry(place.clone(), reason))?;
            config.check(&rule).map_err(|reason| entry(place, reason))?;
            config.rules.push(rule);
        }
        for (number, mirror) in (1_usize..).zip(&file.mirror) {
            let refuse = |reason| entry(format!("mirror entry {number} ({})", mirror.from), reason);
            let mirror = Mirror::new(mirror).map_err(refuse)?;
            if config.mirrors.iter().any(|other| other.is_of(&mirror)) {
                return Err(refuse("mapped twice".to_owned()));
            }
            config.mirrors.push(mirror);
        }
        Ok(config)
    }

    fn check(&self, rule: &Rule) -> Result<(), String> {
        if self.rules.iter().any(|other| other.prefix == rule.prefix) {
            return Err("a second entry for the same images".to_owned());
        }
        if matches!(rule.trust, Trust::FirstUse) && self.trust_dir.is_none() {
            return Err("first-use needs trust-dir: without one each start is a first use".to_owned());
        }
        Ok(())
    }
}

const fn entry(place: String, reason: String) -> ConfigError {
    ConfigError::Entry { place, reason }
}
