//! Which images an entry is about.
//!
//! Prefixes end at segment boundaries: `docker.io/library` says nothing about
//! `docker.io/library-evil/x` (TP-03). Names are normalised as image references are, so that one
//! that could never match anything is an error and not a gap (TP-10).

use crate::image::reference::{fold_host, is_path_component, is_registry, names_a_registry};

/// Everything, or what lies at and below a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Prefix {
    /// `*`
    Everything,
    /// A registry, or a registry and a path.
    Below(String),
}

impl Prefix {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Everything);
        }
        let (registry, path) = match text.split_once('/') {
            Some((registry, path)) => (registry, Some(path)),
            None => (text, None),
        };
        if !names_a_registry(registry) {
            return Err(format!("{text:?} begins with no registry: Docker Hub is docker.io"));
        }
        let host = fold_host(registry);
        if !is_registry(&host) {
            return Err(format!("{registry:?} is no host name with an optional port"));
        }
        match path {
            None => Ok(Self::Below(host)),
            Some(path) if path.split('/').all(is_path_component) => Ok(Self::Below(format!("{host}/{path}"))),
            Some(path) => Err(format!("{path:?} matches no image: a-z 0-9 and single separators . _ __ -")),
        }
    }

    /// What lies below the name: empty for the name itself, none for another one.
    pub(super) fn rest<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self {
            Self::Everything => Some(name),
            Self::Below(prefix) => match name.strip_prefix(prefix.as_str())? {
                "" => Some(""),
                rest => rest.strip_prefix('/'),
            },
        }
    }

    /// Of two that match one name the longer is the closer.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Everything => 0,
            Self::Below(prefix) => prefix.len(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Everything => "*",
            Self::Below(prefix) => prefix,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest<'n>(prefix: &str, name: &'n str) -> Option<&'n str> {
        Prefix::parse(prefix).unwrap().rest(name)
    }

    #[test]
    fn tp_03_prefixes_end_at_segment_boundaries() {
        assert_eq!(rest("docker.io/library", "docker.io/library/alpine"), Some("alpine"));
        assert_eq!(rest("docker.io/library", "docker.io/library"), Some(""));
        assert_eq!(rest("docker.io/library", "docker.io/library-evil/x"), None);
        assert_eq!(rest("reg.example.com", "reg.example.com:5000/a"), None);
        assert_eq!(rest("reg.example.com", "reg.example.com.evil/a"), None);
        assert_eq!(rest("*", "reg.example.com/a"), Some("reg.example.com/a"));
    }

    #[test]
    fn tp_14_hosts_are_folded_as_in_references() {
        assert_eq!(rest("Index.Docker.io/library", "docker.io/library/alpine"), Some("alpine"));
        assert_eq!(rest("REG.example.com", "reg.example.com/a"), Some("a"));
        assert_eq!(rest("localhost", "localhost/a"), Some("a"));
    }

    #[test]
    fn tp_10_what_could_never_match_is_refused() {
        for text in [
            "",
            "alpine",
            "library/alpine",
            "docker.io/",
            "docker.io//a",
            "docker.io/library/*",
            "docker.io/lib*",
            "docker.io/Library",
            "docker.io/library/alpine:3",
            "-reg.example.com",
            "https://reg.example.com",
            "**",
        ] {
            assert!(Prefix::parse(text).is_err(), "{text:?}");
        }
    }
}
