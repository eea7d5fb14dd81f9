//! A target that a look-up has found (TUF specification 1.0.34 section 5.6.7, 5.7).

use crate::{
    metadata::TargetInfo,
    name::{Hashes, RoleName, TargetName, TargetPath},
    verify::Found,
};

/// A target, by whose word it is what it is, and where its content lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTarget {
    name: TargetName,
    found: Found,
    paths: Vec<String>,
}

impl FoundTarget {
    /// With `prefixed`, the content lies under names that begin with a digest of it.
    pub(crate) fn new(name: TargetName, found: Found, prefixed: bool) -> Self {
        let paths = match TargetPath::new(name.clone()) {
            Ok(path) if prefixed => prefixed_paths(&path, &found.info.hashes),
            Ok(path) => vec![path.as_str().to_owned()],
            Err(_) => Vec::new(),
        };
        Self { name, found, paths }
    }

    /// The target's name.
    pub const fn name(&self) -> &TargetName {
        &self.name
    }

    /// The role that lists it.
    pub const fn role(&self) -> &RoleName {
        &self.found.role
    }

    /// What is signed about it.
    pub const fn info(&self) -> &TargetInfo {
        &self.found.info
    }

    /// The exact length in bytes.
    pub const fn length(&self) -> u64 {
        self.found.info.length
    }

    /// The digests, all of which must match.
    pub const fn hashes(&self) -> &Hashes {
        &self.found.info.hashes
    }

    /// Where the content may lie below the repository's targets, best first. Nowhere, when the name could
    /// lead to another place than it says (see [`TargetPath`]).
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// `path/to/HASH.file` for each digest (section 5.7.2): any of them may name the file.
fn prefixed_paths(path: &TargetPath, hashes: &Hashes) -> Vec<String> {
    let sha256 = hashes.sha256.iter().map(|digest| digest.as_slice());
    let sha512 = hashes.sha512.iter().map(|digest| digest.as_slice());
    sha256.chain(sha512).map(|digest| path.prefixed(digest).as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(name: &str, hashes: Hashes, prefixed: bool) -> Vec<String> {
        let info = TargetInfo { length: 1, hashes, custom: None };
        let found = Found { role: RoleName::Targets, info };
        FoundTarget::new(TargetName::new(name).unwrap(), found, prefixed).paths
    }

    #[test]
    fn pt_05_a_name_that_leads_elsewhere_lies_nowhere() {
        for name in ["a/b/", "/a", "a//b", "../a", "a\\b"] {
            for prefixed in [false, true] {
                assert!(paths(name, Hashes::sha256([1; 32]), prefixed).is_empty(), "{name}");
            }
        }
        assert_eq!(paths("a/b", Hashes::sha256([1; 32]), false), ["a/b"]);
    }

    #[test]
    fn ad_02_the_digest_stands_before_the_last_segment_only() {
        let hex = "ab".repeat(32);
        for (name, expected) in [("f", format!("{hex}.f")), ("a/b/f", format!("a/b/{hex}.f"))] {
            assert_eq!(paths(name, Hashes::sha256([0xab; 32]), true), [expected]);
        }
    }

    #[test]
    fn ad_03_any_digest_may_name_the_file() {
        let hashes = Hashes { sha256: Some([1; 32]), sha512: Some([2; 64]) };
        let expected = [format!("d/{}.f", "01".repeat(32)), format!("d/{}.f", "02".repeat(64))];
        assert_eq!(paths("d/f", hashes, true), expected);
        let only = Hashes { sha256: None, sha512: Some([2; 64]) };
        assert_eq!(paths("d/f", only, true), [expected[1].clone()]);
    }
}
