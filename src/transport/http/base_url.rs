//! Where a TUF 1.0 repository keeps its files: `<metadata URL>/<file>` and `<targets URL>/<path>`
//! (TUF specification 1.0.34 sections 3 and 5.7).
//!
//! Names of roles and targets come from metadata and may be anything. Each segment is
//! percent-encoded, so that no parser finds a host, a query or a way up in it: nothing that is asked
//! for lies outside of the base URL (PT-01, PT-05).

use url::Url;

use super::TransportError;
use crate::{
    name::{Resource, encode_segment},
    transport::{auth::is_this_machine, targets},
};

/// A URL below which files are.
#[derive(Clone, Debug)]
pub(super) struct BaseUrl(String);

impl BaseUrl {
    /// Checks a URL. What this machine serves may come in the clear.
    pub(super) fn new(url: &Url, plain_http: bool) -> Result<Self, TransportError> {
        check(url, plain_http || is_this_machine(url))?;
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The URL, for messages, without a slash at its end.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// A metadata file.
    pub(super) fn metadata(&self, what: &Resource) -> Result<String, TransportError> {
        self.join(&what.tuf_name())
    }

    /// The target at this path.
    pub(super) fn target(&self, path: &str) -> Result<String, TransportError> {
        let segments: Vec<_> = targets::segments(path)?.map(encode_segment).collect();
        self.join(&segments.join("/"))
    }

    fn join(&self, below: &str) -> Result<String, TransportError> {
        let joined = format!("{}/{below}", self.0);
        // A parser that reads it in another way would ask for something else.
        match Url::parse(&joined) {
            Ok(url) if url.as_str() == joined => Ok(joined),
            _ => Err(TransportError::Path { path: below.to_owned(), reason: "it changes the URL's shape" }),
        }
    }
}

/// That files can lie below a URL.
pub(super) fn check(url: &Url, plain_http: bool) -> Result<(), TransportError> {
    match url.scheme() {
        "https" => {}
        "http" if plain_http => {}
        "http" => {
            return refuse("plain HTTP is not allowed: anybody on the way reads and changes it; use https");
        }
        _ => return refuse("the server's URL is not https"),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return refuse("the server's URL names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the server's URL carries credentials");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("the server's URL has a query or a fragment");
    }
    Ok(())
}

pub(super) fn refuse<T>(why: &str) -> Result<T, TransportError> {
    Err(TransportError::Config(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::RoleName;

    fn base(url: &str) -> Result<BaseUrl, TransportError> {
        BaseUrl::new(&Url::parse(url).unwrap(), false)
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        let what = Resource::latest(RoleName::releases());
        for (url, expected) in [
            ("https://h", "https://h/targets%2Freleases.json"),
            ("https://h/", "https://h/targets%2Freleases.json"),
            ("https://h:4443/r/meta", "https://h:4443/r/meta/targets%2Freleases.json"),
            ("https://h/test%5Ba%5D//", "https://h/test%5Ba%5D/targets%2Freleases.json"),
        ] {
            assert_eq!(base(url).unwrap().metadata(&what).unwrap(), expected);
        }
    }

    #[test]
    fn urls_that_are_no_base_are_refused() {
        for url in
            ["ftp://h", "mailto:x", "file:///x", "https://u@h", "https://u:p@h", "https://h?q", "https://h#f"]
        {
            assert!(matches!(base(url), Err(TransportError::Config(_))), "{url}");
        }
        assert!(base("http://example.com/").is_err() && base("http://10.0.0.1/").is_err());
        for url in ["http://127.0.0.1:8000/m", "http://localhost/", "http://[::1]:1/"] {
            assert!(base(url).is_ok(), "{url} is this machine");
        }
        assert!(BaseUrl::new(&Url::parse("http://example.com/").unwrap(), true).is_ok());
    }

    /// The path as whoever is asked sees it, by either parser.
    fn paths(url: &str) -> (String, String) {
        let parsed = Url::parse(url).unwrap();
        assert_eq!((parsed.host_str(), parsed.query(), parsed.fragment()), (Some("h"), None, None), "{url}");
        #[cfg(feature = "http-blocking")]
        let sent = ureq::http::Uri::try_from(url).unwrap();
        #[cfg(not(feature = "http-blocking"))]
        let sent = reqwest::Request::new(reqwest::Method::GET, parsed.clone()).url().clone();
        (parsed.path().to_owned(), sent.path().to_owned())
    }

    #[test]
    fn pt_05_no_path_of_a_target_leaves_the_base() {
        let base = base("https://h/t").unwrap();
        for (path, expected) in [
            ("a/b.tar", "/t/a/b.tar"),
            ("//host/x", "/t///host/x"),
            ("/etc/passwd", "/t//etc/passwd"),
            ("a#b", "/t/a%23b"),
            ("a?b", "/t/a%3Fb"),
            ("%2e%2e/x", "/t/%252e%252e/x"),
            ("%2E%2E%2Fx", "/t/%252E%252E%252Fx"),
            ("..\\..\\x", "/t/..%5C..%5Cx"),
            ("http://other/x", "/t/http%3A//other/x"),
            ("u:p@other/x", "/t/u%3Ap%40other/x"),
            ("a\r\nHost: other", "/t/a%0D%0AHost%3A%20other"),
            ("a\tb\0", "/t/a%09b%00"),
            (".../x", "/t/.../x"),
            ("é", "/t/%C3%A9"),
        ] {
            let url = base.target(path).unwrap();
            assert_eq!(paths(&url), (expected.to_owned(), expected.to_owned()), "{path:?}");
        }
        for path in ["..", "../x", "a/../../x", "./x", "a/.", ""] {
            assert!(matches!(base.target(path), Err(TransportError::Path { .. })), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn pt_05_whatever_a_target_is_called_it_lies_below_the_base(path in "[a./\\\\%2e:@#?\\x00-\\x20é]{0,12}|\\PC{0,20}") {
            let Ok(url) = base("https://h/t").unwrap().target(&path) else { return Ok(()) };
            let (parsed, sent) = paths(&url);
            prop_assert_eq!(&parsed, &sent);
            prop_assert!(parsed.starts_with("/t/"));
            prop_assert_eq!(parsed.matches('/').count(), 2 + path.matches('/').count());
        }
    }
}
