//! A target that a look-up has found (TUF specification 1.0.34 section 5.6.7, 5.7).

use crate::{
    metadata::TargetInfo,
    name::{Hashes, RoleName, TargetName},
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
        let paths = match prefixed {
            true => prefixed_paths(name.as_str(), &found.info.hashes),
            false => vec![name.as_str().to_owned()],
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

    /// Where the content may lie below the repository's targets, best first.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// `path/to/HASH.file` for each digest (section 5.7.2): any of them may name the file.
fn prefixed_paths(name: &str, hashes: &Hashes) -> Vec<String> {
    let (folder, file) = match name.rsplit_once('/') {
        Some((folder, file)) => (format!("{folder}/"), file),
        None => (String::new(), name),
    };
    let sha256 = hashes.sha256.map(|digest| data_encoding::HEXLOWER.encode(&digest));
    let sha512 = hashes.sha512.map(|digest| data_encoding::HEXLOWER.encode(&digest));
    sha256.into_iter().chain(sha512).map(|digest| format!("{folder}{digest}.{file}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ad_02_the_digest_stands_before_the_last_segment_only() {
        let hashes = Hashes::sha256([0xab; 32]);
        let hex = "ab".repeat(32);
        for (name, expected) in
            [("f", format!("{hex}.f")), ("a/b/f", format!("a/b/{hex}.f")), ("a/b/", format!("a/b/{hex}."))]
        {
            assert_eq!(prefixed_paths(name, &hashes), [expected]);
        }
    }

    #[test]
    fn ad_03_any_digest_may_name_the_file() {
        let hashes = Hashes { sha256: Some([1; 32]), sha512: Some([2; 64]) };
        let expected = [format!("d/{}.f", "01".repeat(32)), format!("d/{}.f", "02".repeat(64))];
        assert_eq!(prefixed_paths("d/f", &hashes), expected);
        let only = Hashes { sha256: None, sha512: Some([2; 64]) };
        assert_eq!(prefixed_paths("d/f", &only), [expected[1].clone()]);
    }
}
