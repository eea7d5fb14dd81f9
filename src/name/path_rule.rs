//! Which target names a delegated role may sign.

/// The paths that a delegation grants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathRule {
    /// Notary: plain string prefixes. `""` grants every name, `foo` grants `foobar` too, and no
    /// prefix at all grants nothing.
    Prefixes(Vec<String>),
}

impl PathRule {
    /// Every name.
    pub fn everything() -> Self {
        Self::Prefixes(vec![String::new()])
    }

    /// Whether the rule grants `target`.
    pub fn grants(&self, target: &str) -> bool {
        match self {
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| target.starts_with(prefix)),
        }
    }

    /// What is left of this rule below a parent that is restricted to `parent`: prefixes that the
    /// parent does not cover are dropped, not narrowed.
    #[must_use]
    pub fn within(&self, parent: &Self) -> Self {
        match self {
            Self::Prefixes(prefixes) => {
                Self::Prefixes(prefixes.iter().filter(|prefix| parent.grants(prefix)).cloned().collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(prefixes: &[&str]) -> PathRule {
        PathRule::Prefixes(prefixes.iter().map(|&p| p.to_owned()).collect())
    }

    #[test]
    fn dg_19_paths_are_plain_string_prefixes() {
        assert!(rule(&["foo"]).grants("foobar"));
        assert!(rule(&[""]).grants("anything"));
        assert!(!rule(&[]).grants("anything"));
        assert!(!rule(&["f*"]).grants("foo"), "no globs");
    }

    #[test]
    fn dg_20_a_childs_wider_path_is_dropped_not_narrowed() {
        assert_eq!(rule(&["", "p/x", "q"]).within(&rule(&["p/"])), rule(&["p/x"]));
    }
}
