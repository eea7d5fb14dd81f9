//! The name of a file that TUF 1.0 lets a client fetch (specification 1.0.34, section 4.5): segments
//! between slashes, below a base and never outside of it.
//!
//! Refused is what a server, a browser or a file system might resolve to another place (DG-16,
//! PT-05): an empty segment, so a slash at either end too, `.` and `..`, and a backslash. Anything
//! else is legal and goes into a URL percent-encoded, segment by segment: a colon, a percent sign or
//! a question mark has no meaning there. On disk a target has one flat file name.

use std::{fmt, str::FromStr};

use super::{
    NameError, TargetName,
    percent::{encode_segment, file_name},
};

/// A target name that is fit to be fetched and stored.
///
/// ```
/// use tuf_notary::name::{TargetName, TargetPath};
/// let path = TargetPath::new(TargetName::new("dir/a b#1.txt")?)?;
/// assert_eq!(path.url_path(), "dir/a%20b%231.txt");
/// assert_eq!(path.prefixed(&[0x0f, 0xe2]).url_path(), "dir/0fe2.a%20b%231.txt");
/// assert_eq!(path.local_file_name(), "dir%2Fa%20b%231.txt");
/// # Ok::<(), tuf_notary::name::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetPath(TargetName);

impl TargetPath {
    /// Checks and takes a target name.
    ///
    /// # Errors
    /// A segment is empty, `.` or `..`, or the name has a backslash.
    pub fn new(name: TargetName) -> Result<Self, NameError> {
        let refuse = |why| Err(NameError::new("target path", name.as_str(), why));
        if name.as_str().contains('\\') {
            return refuse("no backslash");
        }
        if name.as_str().split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return refuse("no empty, \".\" or \"..\" segment, and no slash at either end");
        }
        Ok(Self(name))
    }

    /// The name, as metadata has it.
    pub fn name(&self) -> &TargetName {
        &self.0
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// What stands between the slashes: one segment or more, none empty.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('/')
    }

    /// Where a repository with consistent snapshots has the file: `path/to/DIGEST.file`, the digest
    /// in hex (section 6.2; AD-02).
    #[must_use]
    pub fn prefixed(&self, digest: &[u8]) -> Self {
        let digest = data_encoding::HEXLOWER.encode(digest);
        let path = match self.as_str().rsplit_once('/') {
            Some((folder, file)) => format!("{folder}/{digest}.{file}"),
            None => format!("{digest}.{}", self.as_str()),
        };
        Self(TargetName(path.into()))
    }

    /// The path below a base URL, percent-encoded segment by segment.
    pub fn url_path(&self) -> String {
        let segments: Vec<_> = self.segments().map(encode_segment).collect();
        segments.join("/")
    }

    /// The one flat file name of this target, at most 200 bytes long: always the same, and another
    /// for any other target (but see [`file_name`] on case).
    pub fn local_file_name(&self) -> String {
        file_name(self.as_str())
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TargetPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(TargetName::new(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    fn path(text: &str) -> TargetPath {
        text.parse().unwrap()
    }

    #[test]
    fn pt_05_names_that_lead_elsewhere_are_refused() {
        for text in [
            "",
            "/",
            "/etc/passwd",
            "//host/x",
            "a/",
            "a//b",
            ".",
            "..",
            "../x",
            "../../etc/passwd",
            "a/../b",
            "a/..",
            "./a",
            "a/./b",
            "C:\\x",
            "\\\\host\\share",
            "a\\..\\b",
            "a\nb",
            "a\0b",
        ] {
            assert!(text.parse::<TargetPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn pt_05_no_name_leaves_its_base_or_its_folder() {
        let base = Url::parse("https://example.com/repo/targets/").unwrap();
        for (text, url, file) in [
            ("a#b", "a%23b", "a%23b"),
            ("a?b", "a%3Fb", "a%3Fb"),
            ("%2e%2e/x", "%252e%252e/x", "%252e%252e%2Fx"),
            ("http://x", "", ""),
            ("http:x", "http%3Ax", "http%3Ax"),
            ("C:/x", "C%3A/x", "C%3A%2Fx"),
            ("...", "...", "%2E.%2E"),
            (".hidden/..x", ".hidden/..x", "%2Ehidden%2F..x"),
            ("a@b:1/c", "a%40b%3A1/c", "a%40b%3A1%2Fc"),
            ("é/ü", "%C3%A9/%C3%BC", "%C3%A9%2F%C3%BC"),
        ] {
            let Ok(path) = text.parse::<TargetPath>() else {
                assert_eq!(url, "", "{text}");
                continue;
            };
            assert_eq!((path.url_path().as_str(), path.local_file_name().as_str()), (url, file));
            let joined = base.join(&path.url_path()).unwrap();
            assert_eq!(joined.as_str(), format!("{base}{url}"));
        }
    }

    #[test]
    fn ad_02_the_digest_stands_before_the_last_segment() {
        assert_eq!(path("a/b/f").prefixed(&[0xab, 0xcd]).as_str(), "a/b/abcd.f");
        assert_eq!(path("f.txt").prefixed(&[0xab]).as_str(), "ab.f.txt");
        assert_eq!(path("a/.f").prefixed(&[0xab]).url_path(), "a/ab..f");
    }

    #[test]
    fn segments_and_names_are_as_written() {
        let path = path("a/B c/%");
        assert_eq!(path.segments().collect::<Vec<_>>(), ["a", "B c", "%"]);
        assert_eq!((path.name().as_str(), path.to_string().as_str()), ("a/B c/%", "a/B c/%"));
    }

    #[test]
    fn pt_04_long_names_fit_a_file_system() {
        let long = path(&"a/b".repeat(2_000));
        assert!(long.local_file_name().len() <= 200);
        assert_eq!(long.url_path(), long.as_str());
    }
}
