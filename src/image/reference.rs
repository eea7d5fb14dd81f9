//! Image references, normalised as Docker does: one image has exactly one GUN.

use std::fmt;

use crate::name::Gun;

/// An image reference.
///
/// ```
/// use tuf_notary::image::Reference;
/// let image = Reference::parse("alpine:3.20")?;
/// assert_eq!(image.gun().as_str(), "docker.io/library/alpine");
/// assert_eq!(image.tag(), Some("3.20"));
/// # Ok::<(), tuf_notary::image::ImageError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    gun: Gun,
    tag: Option<String>,
    digest: Option<String>,
}

/// A text that is no image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no image reference: {why}")]
pub struct ImageError {
    text: String,
    why: &'static str,
}

impl Reference {
    /// Reads a reference: `[REGISTRY/]PATH[:TAG][@sha256:HEX]`.
    ///
    /// The part before the first `/` is a registry when it has a `.`, a `:` or an upper-case
    /// letter, or is `localhost`; otherwise the image is one of Docker Hub's.
    ///
    /// # Errors
    /// The text doesn't follow Docker's grammar.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let refuse = |why| ImageError { text: text.chars().take(300).collect(), why };
        if text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(refuse("64 hex digits are an image id"));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(refuse("the digest is not sha256: and 64 hex digits"));
        }
        let (registry, rest) = split_registry(name);
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(refuse("the tag is not 1 to 128 of A-Z a-z 0-9 _ . -"));
        }
        if !path.split('/').all(is_path_component) {
            return Err(refuse("the path is not of a-z 0-9 and single separators . _ __ -"));
        }
        if !is_registry(&registry) {
            return Err(refuse("the registry is no host name with an optional port"));
        }
        let official = registry == DOCKER_HUB && !path.contains('/');
        let gun = if official { format!("{registry}/library/{path}") } else { format!("{registry}/{path}") };
        let gun = Gun::new(&gun).map_err(|_| refuse("the name is too long or not legal"))?;
        Ok(Self { registry, gun, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }

    /// The registry's host, with the port if one is given; `docker.io` for Docker Hub.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The collection that signs the image: registry and path.
    pub const fn gun(&self) -> &Gun {
        &self.gun
    }

    /// The tag, if one is given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one is given: `sha256:` and 64 hex digits.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same image by digest, without a tag.
    pub(super) fn pinned(&self, digest: &str) -> Self {
        Self { tag: None, digest: Some(digest.to_owned()), ..self.clone() }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.gun)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

const DOCKER_HUB: &str = "docker.io";

/// Host names know no case, so the registry is folded: no second GUN for the same image.
fn split_registry(name: &str) -> (String, &str) {
    match name.split_once('/') {
        Some((first, rest)) if names_a_registry(first) => (fold_host(first), rest),
        _ => (DOCKER_HUB.to_owned(), name),
    }
}

pub(super) fn fold_host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if host == "index.docker.io" { DOCKER_HUB.to_owned() } else { host }
}

pub(super) fn names_a_registry(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':']) || part.bytes().any(|c| c.is_ascii_uppercase())
}

pub(super) fn is_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_legal = match ipv6 {
        Some(address) => address.parse::<core::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(label),
    };
    host_is_legal && port.is_none_or(|port| !port.is_empty() && port.parse::<u16>().is_ok())
}

/// Lower-case letters and digits, with single `.`, `_`, `__` or runs of `-` between them.
pub(super) fn is_path_component(part: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = part.split(alphanumeric).filter(|separator| !separator.is_empty());
    part.starts_with(alphanumeric)
        && part.ends_with(alphanumeric)
        && separators.into_iter().all(|it| matches!(it, "." | "_" | "__") || it.bytes().all(|c| c == b'-'))
}

pub(super) fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(lower_hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gun(text: &str) -> String {
        Reference::parse(text).unwrap().gun().to_string()
    }

    #[test]
    fn tp_14_one_image_has_one_gun() {
        for text in
            ["alpine", "docker.io/alpine", "docker.io/library/alpine:3", "index.docker.io/library/alpine"]
        {
            assert_eq!(gun(text), "docker.io/library/alpine", "{text}");
        }
        assert_eq!(gun("Docker.io/library/alpine"), "docker.io/library/alpine");
        assert_eq!(gun("user/img"), "docker.io/user/img");
        assert_eq!(gun("localhost:5000/foo"), "localhost:5000/foo");
        assert_eq!(gun("localhost/foo"), "localhost/foo");
        assert_eq!(gun("reg.Example.com/a/b/c:1"), "reg.example.com/a/b/c");
        assert_eq!(gun("[::1]:5000/a"), "[::1]:5000/a");
    }

    #[test]
    fn tags_and_digests_are_taken_off_the_name() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let image = Reference::parse(&format!("localhost:5000/app:v1@{digest}")).unwrap();
        assert_eq!((image.tag(), image.digest()), (Some("v1"), Some(digest.as_str())));
        assert_eq!(image.registry(), "localhost:5000");
        assert_eq!(image.to_string(), format!("localhost:5000/app:v1@{digest}"));
        assert_eq!(Reference::parse("localhost:5000/app").unwrap().tag(), None);
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        let id = "a".repeat(64);
        for text in [
            "",
            "App",
            "a/B",
            "a//b",
            "/a",
            "a/",
            "a:",
            "a:-x",
            "a@sha256:12",
            "a..b",
            "a b",
            "a/../b",
            "x_:1",
            id.as_str(),
        ] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
        for text in ["reg.example.com:x/a", "-reg.example.com/a", "reg.example.com:99999/a"] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }
}
