//! Redirects of a TUF 1.0 repository, whose files often lie with somebody else (RFC 9110 section
//! 15.4). Notary's interface knows none, and there none is followed.
//!
//! What arrives is verified wherever it comes from; the rules protect us, not the content: a few
//! hops (TA-07), never from https to http (TA-05), in the clear only where that was allowed, and
//! what identifies us goes to the first server alone (TA-06). That a hop leads inside of this
//! network is seen where names are looked up (SR-02).

use url::Url;

use super::{TransportError, retry::Failed};
use crate::transport::auth::is_this_machine;

/// Most redirects of one request.
const MOST: u8 = 5;

/// Whether redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    Refused,
    Followed {
        /// To other machines in the clear, too.
        plain_http: bool,
    },
}

/// One request's way from server to server.
pub(super) struct Hops<'a> {
    redirects: Redirects,
    what: &'a str,
    url: Url,
    made: u8,
    is_home: bool,
}

impl<'a> Hops<'a> {
    /// Begins at a URL.
    pub(super) fn new(redirects: Redirects, url: &str, what: &'a str) -> Result<Self, TransportError> {
        let url = Url::parse(url).map_err(|error| TransportError::Config(error.to_string()))?;
        Ok(Self { redirects, what, url, made: 0, is_home: true })
    }

    /// Where an answer with this status leads; nowhere when it stands for itself.
    ///
    /// # Errors
    /// It leads where we don't follow.
    pub(super) fn next(&mut self, status: u16, location: Option<&[u8]>) -> Result<Option<&Url>, Failed> {
        let Redirects::Followed { plain_http } = self.redirects else { return Ok(None) };
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        match self.judge(location, plain_http) {
            Ok(next) => {
                self.made = self.made.saturating_add(1);
                self.is_home &= next.origin() == self.url.origin();
                self.url = next;
                Ok(Some(&self.url))
            }
            Err(why) => {
                let (what, message) = (self.what.to_owned(), format!("the redirect is not followed: {why}"));
                let error = TransportError::Status { what, status, message, retry_after: None };
                Err(Failed { error, passes: false })
            }
        }
    }

    /// Whether no hop yet has left the first server.
    pub(super) const fn is_home(&self) -> bool {
        self.is_home
    }

    fn judge(&self, location: Option<&[u8]>, plain_http: bool) -> Result<Url, &'static str> {
        if self.made >= MOST {
            return Err("there were too many before");
        }
        let location = location.ok_or("it names no place")?;
        let location = std::str::from_utf8(location).map_err(|_| "its place is no text")?;
        let mut next = self.url.join(location).map_err(|_| "its place is no URL")?;
        next.set_fragment(None);
        if next.host_str().is_none_or(str::is_empty) {
            return Err("it names no host");
        }
        if !next.username().is_empty() || next.password().is_some() {
            return Err("it carries credentials");
        }
        match (self.url.scheme(), next.scheme()) {
            (_, "https") => Ok(next),
            ("https", "http") => Err("it leads from https to http"),
            ("http", "http") if plain_http || is_this_machine(&next) => Ok(next),
            ("http", "http") => Err("it leads to another machine in the clear"),
            _ => Err("it leads to something that is not https"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hops(url: &str, plain_http: bool) -> Hops<'static> {
        Hops::new(Redirects::Followed { plain_http }, url, "root.json").unwrap()
    }

    fn why(hops: &mut Hops<'_>, location: &str) -> String {
        match hops.next(302, Some(location.as_bytes())) {
            Err(failed) => {
                assert!(!failed.passes && !failed.error.is_retryable());
                failed.error.to_string()
            }
            Ok(next) => panic!("{next:?}"),
        }
    }

    #[test]
    fn ta_05_none_leads_from_https_to_http() {
        assert!(why(&mut hops("https://h/a", true), "http://h/a").contains("from https to http"));
        assert!(why(&mut hops("https://h/a", true), "http://127.0.0.1/a").contains("from https to http"));
        assert!(why(&mut hops("http://127.0.0.1/a", false), "http://h/a").contains("in the clear"));
        assert!(hops("http://h/a", true).next(302, Some(b"http://other/a")).is_ok());
        assert!(hops("http://127.0.0.1/a", false).next(302, Some(b"https://h/a")).is_ok());
    }

    #[test]
    fn ta_06_home_is_left_for_good() {
        let mut hops = hops("https://h/a/b", false);
        for (location, url, is_home) in [
            ("c", "https://h/a/c", true),
            ("/d?q#f", "https://h/d?q", true),
            ("https://h:443/e", "https://h/e", true),
            ("//other/e", "https://other/e", false),
            ("https://h/e", "https://h/e", false),
        ] {
            assert_eq!(hops.next(307, Some(location.as_bytes())).ok().flatten().unwrap().as_str(), url);
            assert_eq!(hops.is_home(), is_home, "{location}");
        }
        for other in ["https://h:444/", "https://h./", "https://sub.h/"] {
            let mut hops = self::hops("https://h/a", false);
            assert!(hops.next(302, Some(other.as_bytes())).is_ok() && !hops.is_home(), "{other}");
        }
    }

    #[test]
    fn ta_07_a_few_are_followed() {
        let mut hops = hops("https://h/a", false);
        for _ in 0..5 {
            assert!(hops.next(301, Some(b"a")).is_ok());
        }
        assert!(why(&mut hops, "a").contains("too many"));
    }

    #[test]
    fn places_that_are_none_are_refused() {
        for location in
            ["https://", "https://u@h/", "https://u:p@h/", "ftp://h/", "file:///x", "data:,x", "javascript:1"]
        {
            why(&mut hops("https://h/a", true), location);
        }
        assert!(hops("https://h/a", true).next(302, None).is_err());
        assert!(hops("https://h/a", true).next(302, Some(b"/\xff")).is_err());
    }

    #[test]
    fn other_answers_stand_for_themselves_and_so_do_all_of_notary() {
        for status in [200, 300, 304, 305, 306, 404] {
            assert!(matches!(hops("https://h/a", true).next(status, Some(b"/b")), Ok(None)), "{status}");
        }
        let mut notary = Hops::new(Redirects::Refused, "https://h/a", "root.json").unwrap();
        assert!(matches!(notary.next(302, Some(b"/b")), Ok(None)));
    }
}
