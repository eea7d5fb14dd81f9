//! Which target names a delegated role may sign: one matcher for both dialects.
//!
//! Notary v1 grants plain prefixes. TUF specification 1.0.34, section 4.5, grants by pattern or by
//! the hash of the name. A name is compared as it is written, and never normalised: `./a`, `a//b`
//! and `a` are three names, in a rule as in a target.

use std::{fmt, slice};

use super::{NameError, digest::sha256_of};

/// The paths that a delegation grants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathRule {
    /// Notary: plain string prefixes. `""` grants every name, `foo` grants `foobar` too, and no
    /// prefix at all grants nothing.
    Prefixes(Vec<String>),
    /// TUF 1.0, `paths`: patterns, compared segment by segment between the slashes. `*` stands for
    /// any characters of one segment, none among them, `?` for exactly one character.
    ///
    /// Every other character stands for itself, in its own case, on every system: `[a-z]`, `{a,b}`
    /// and `\` have no meaning, and `**` is two stars in one segment.
    Globs(Vec<String>),
    /// TUF 1.0, `path_hash_prefixes`: the beginnings of the name's SHA-256 in hex digits.
    HashPrefixes(Vec<HashPrefix>),
    /// The names that each of these rules grants: those of a role below restricted roles.
    Every(Vec<Self>),
}

/// The beginning of a SHA-256: one hex digit or more, an odd number among them, in any case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashPrefix(Box<str>);

impl PathRule {
    /// Every name.
    pub fn everything() -> Self {
        Self::Prefixes(vec![String::new()])
    }

    /// The names whose SHA-256 begins with one of these hex digits.
    ///
    /// # Errors
    /// A prefix is empty, which would grant every name, or not hex.
    pub fn hash_prefixes(prefixes: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NameError> {
        let prefixes = prefixes.into_iter().map(|prefix| HashPrefix::new(prefix.as_ref()));
        Ok(Self::HashPrefixes(prefixes.collect::<Result<_, _>>()?))
    }

    /// Whether the rule grants `target`.
    pub fn grants(&self, target: &str) -> bool {
        match self {
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| target.starts_with(prefix)),
            Self::Globs(patterns) => patterns.iter().any(|pattern| glob_matches(pattern, target)),
            Self::HashPrefixes(prefixes) => {
                let digest = data_encoding::HEXLOWER.encode(&sha256_of(target));
                prefixes.iter().any(|prefix| prefix.begins(&digest))
            }
            Self::Every(rules) => rules.iter().all(|rule| rule.grants(target)),
        }
    }

    /// What is left of this rule below a parent that is restricted to `parent`. Of prefixes, those
    /// that the parent does not cover are dropped, not narrowed, as Notary does; of anything else,
    /// the names that both grant.
    #[must_use]
    pub fn within(&self, parent: &Self) -> Self {
        match (self, parent) {
            (Self::Prefixes(prefixes), Self::Prefixes(_)) => {
                Self::Prefixes(prefixes.iter().filter(|prefix| parent.grants(prefix)).cloned().collect())
            }
            _ if *parent == Self::everything() => self.clone(),
            _ => Self::Every([parent.parts(), self.parts()].concat()),
        }
    }

    fn parts(&self) -> &[Self] {
        match self {
            Self::Every(rules) => rules,
            rule => slice::from_ref(rule),
        }
    }
}

impl HashPrefix {
    /// Checks and takes the beginning of a SHA-256.
    ///
    /// # Errors
    /// It is empty, or has other than hex digits.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NameError::new("hash prefix", text, "one hex digit or more"));
        }
        Ok(Self(text.into()))
    }

    /// The digits, in the case in which they were written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn begins(&self, digest: &str) -> bool {
        digest.get(..self.0.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.0))
    }
}

impl fmt::Display for HashPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn glob_matches(pattern: &str, target: &str) -> bool {
    let (mut patterns, mut segments) = (pattern.split('/'), target.split('/'));
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if segment_matches(pattern, segment) => {}
            _ => return false,
        }
    }
}

/// Needs at most the product of both lengths, however many stars there are: where the rest does not
/// fit, only the last star takes one more character, for an earlier one could not make it fit.
fn segment_matches(pattern: &str, segment: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), segment.chars());
    let mut last_star = None;
    loop {
        let (mut after, mut left) = (pattern.clone(), text.clone());
        match (after.next(), left.next()) {
            (Some('*'), _) => {
                last_star = Some((after.clone(), text.clone()));
                pattern = after;
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                (pattern, text) = (after, left);
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, taken)) = &mut last_star else { return false };
                if taken.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), taken.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn rule(prefixes: &[&str]) -> PathRule {
        PathRule::Prefixes(prefixes.iter().map(|&p| p.to_owned()).collect())
    }

    fn globs(patterns: &[&str]) -> PathRule {
        PathRule::Globs(patterns.iter().map(|&p| p.to_owned()).collect())
    }

    #[track_caller]
    fn matches(pattern: &str, yes: &[&str], no: &[&str]) {
        for target in yes {
            assert!(globs(&[pattern]).grants(target), "{pattern} {target}");
        }
        for target in no {
            assert!(!globs(&[pattern]).grants(target), "{pattern} {target}");
        }
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

    #[test]
    fn dg_11_a_name_needs_every_rule_of_its_chain() {
        let zips = globs(&["releases/*/*"]).within(&PathRule::everything());
        assert_eq!(zips, globs(&["releases/*/*"]));
        let below = globs(&["releases/?/*.zip", "foo"]).within(&zips);
        assert!(below.grants("releases/y/a.zip"));
        assert!(!below.grants("foo"), "the parent does not grant it");
        assert!(!below.grants("releases/y/a.tgz"), "the child does not grant it");
        let digest = data_encoding::HEXLOWER.encode(&sha256_of("releases/y/a.zip"));
        let hashed = PathRule::hash_prefixes([&digest[..4]]).unwrap().within(&below);
        assert!(hashed.grants("releases/y/a.zip"));
        assert!(!hashed.grants("releases/y/b.zip"));
        assert!(matches!(hashed, PathRule::Every(rules) if rules.len() == 3));
        assert!(!rule(&[""]).within(&below).grants("foo"));
    }

    #[test]
    fn dg_12_a_star_stays_inside_one_segment() {
        matches("*.md", &["README.md", ".md"], &["releases/README.md", "releases/a/README.md", "README.mdx"]);
        matches("a/*/c", &["a/b/c"], &["a/c", "a/b/b/c", "a/b/c/d"]);
        matches("*", &["a", ""], &["a/b", "/", "/a"]);
        matches("a*", &["a", "ab"], &["a/", "a/b", "ba"]);
        matches("*/b", &["a/b", "/b"], &["b", "a/b/"]);
    }

    #[test]
    fn dg_13_a_question_mark_is_one_character_and_case_counts() {
        matches("foo-?.tgz", &["foo-a.tgz", "foo-é.tgz", "foo-🔑.tgz"], &["foo-.tgz", "foo-alpha.tgz"]);
        matches("a?b", &["a.b"], &["a/b", "ab"]);
        matches("README.md", &["README.md"], &["README.MD", "readme.md"]);
        matches("É*", &["Éa"], &["éa"]);
    }

    #[test]
    fn dg_14_brackets_braces_and_backslashes_stand_for_themselves() {
        matches("[a-z]", &["[a-z]"], &["b"]);
        matches("[!x]", &["[!x]"], &["y"]);
        matches("{a,b}", &["{a,b}"], &["a"]);
        matches("\\*", &["\\", "\\x"], &["*"]);
        matches("[", &["["], &["a"]);
        matches("**", &["", "a"], &["a/b"]);
        matches("a/**", &["a/b"], &["a/b/c", "a"]);
        matches("a.b", &["a.b"], &["axb"]);
    }

    #[test]
    fn dg_15_many_stars_take_no_more_than_quadratic_time() {
        let name = "a".repeat(2_000);
        let begin = Instant::now();
        matches(&format!("{}b", "*a".repeat(500)), &[], &[&name]);
        matches(&format!("{}b", "*".repeat(2_000)), &[&format!("{name}b")], &[&name]);
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
        matches("*a*b*c", &["abc", "xaxbxc", "aabbcc", "abcabc"], &["acb", "abcd", "bac"]);
        matches("*ab*ab", &["abab", "aabbabab"], &["ab", "aba"]);
    }

    #[test]
    fn dg_16_names_are_not_normalised() {
        matches("a/b", &["a/b"], &["./a/b", "a//b", "a/./b", "a/x/../b", "/a/b", "a/b/"]);
        matches("./a", &["./a"], &["a"]);
        matches("/a", &["/a"], &["a"]);
        matches("a//b", &["a//b"], &["a/b"]);
        matches("a/../b", &["a/../b"], &["b"]);
        matches("", &[""], &["a"]);
    }

    #[test]
    fn dg_18_hash_prefixes_are_hex_of_the_name_in_any_case_and_never_empty() {
        let name = "a/file.txt";
        let digest = data_encoding::HEXLOWER.encode(&sha256_of(name));
        for prefix in [&digest[..1], &digest[..3], &digest.to_uppercase()[..8], &digest] {
            let rule = PathRule::hash_prefixes(["ffffffffffffffff", prefix]).unwrap();
            assert!(rule.grants(name), "{prefix}");
            assert!(!rule.grants("another"), "{prefix}");
        }
        let longer = PathRule::hash_prefixes([format!("{digest}0")]).unwrap();
        assert!(!longer.grants(name));
        for prefix in ["", "0x", "g", "é", " a", "a\n"] {
            assert!(PathRule::hash_prefixes(["a", prefix]).is_err(), "{prefix:?}");
        }
        assert!(!PathRule::hash_prefixes([""; 0]).unwrap().grants(name));
        let base64 = data_encoding::BASE64.encode(&sha256_of(name));
        assert!(!PathRule::HashPrefixes(vec![HashPrefix(base64[..2].into())]).grants(name));
    }
}
