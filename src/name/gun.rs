//! The globally unique name of a collection, as Notary v1 calls an image repository.
//!
//! Notary splices the GUN unescaped into URLs and file paths; whoever controls it could leave the
//! folder or the URL. Here only names that can do neither exist.

use std::{fmt, str::FromStr};

use super::NameError;

/// A globally unique name: `docker.io/library/alpine`, `localhost:5000/app`.
///
/// Segments are separated by `/`; none is empty, `.` or `..`. No control character, white space,
/// backslash or character with a meaning in a URL (`? # %`) occurs. At most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gun(Box<str>);

impl Gun {
    /// Checks and takes a GUN.
    ///
    /// # Errors
    /// The name is empty, too long, or could leave its folder or URL.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let refuse = |why| Err(NameError::new("GUN", text, why));
        if text.is_empty() || text.len() > 255 {
            return refuse("1 to 255 bytes");
        }
        if !text.chars().all(is_allowed) {
            return refuse("no control character, white space, or any of \\ ? # % * \" < > | ^ ` { }");
        }
        if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return refuse("no empty, \".\" or \"..\" segment");
        }
        if text.split('/').any(is_reserved_on_windows) {
            return refuse("no segment that names a Windows device or ends in a dot");
        }
        Ok(Self(text.into()))
    }

    /// What a TUF 1.0 repository stands by while nobody has named it.
    pub(crate) fn repository() -> Self {
        Self("repository".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Gun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Gun {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

fn is_allowed(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && !"\\?#%*\"<>|^`{}".contains(c)
}

/// Windows opens a device for these names, whatever the folder and the extension.
pub(super) fn is_reserved_on_windows(segment: &str) -> bool {
    let stem = segment.split(['.', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let device = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    device || segment.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_repositories_are_legal() {
        for text in ["alpine", "docker.io/library/alpine", "localhost:5000/test/app", "reg.Example.com/a/b/c"]
        {
            assert_eq!(Gun::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_name_that_leaves_its_folder_or_url_is_refused() {
        for text in [
            "",
            "/",
            "/etc",
            "a/",
            "a//b",
            "../x",
            "a/../../x",
            "a/./b",
            "a\\b",
            "a b",
            "a\r\nb",
            "a?b",
            "a#b",
            "a%2fb",
            "a\0b",
            "a/nul",
            "a/con.txt",
            "a/b.",
            "x*",
        ] {
            assert!(Gun::new(text).is_err(), "{text:?}");
        }
        assert!(Gun::new(&"a".repeat(256)).is_err());
    }
}
