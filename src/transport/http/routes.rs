//! Where a Notary server keeps a collection: `<server>/v2/<GUN>/_trust/tuf/<file>`.
//!
//! The GUN's slashes and colons stay as they are; what is not ASCII is percent-encoded. A URL that
//! a parser would read in another way than it was built is refused (PT-08).

use std::fmt::Write;

use url::Url;

use super::{TransportError, base_url};
use crate::name::Gun;

/// The URLs of one collection.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    server: String,
    collection: String,
}

impl Routes {
    /// Checks a server's URL and joins the GUN to it.
    pub(super) fn new(server: &Url, gun: &Gun, plain_http: bool) -> Result<Self, TransportError> {
        base_url::check(server, plain_http)?;
        let server = server.as_str().trim_end_matches('/');
        let collection = format!("{server}/v2/{}/_trust/tuf/", encode(gun.as_str()));
        match Url::parse(&collection) {
            Ok(url) if url.as_str() == collection => Ok(Self { server: server.to_owned(), collection }),
            _ => base_url::refuse("the GUN would change the shape of the server's URL"),
        }
    }

    /// The server, for messages.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The collection itself.
    pub(super) fn collection(&self) -> &str {
        &self.collection
    }

    /// A file of the collection. Names of files are plain ASCII by construction.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}{name}", self.collection)
    }
}

fn encode(gun: &str) -> String {
    let mut encoded = String::with_capacity(gun.len());
    for byte in gun.bytes() {
        if byte.is_ascii() {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(server: &str, gun: &str) -> Result<String, TransportError> {
        let gun = Gun::new(gun).unwrap();
        Routes::new(&Url::parse(server).unwrap(), &gun, true).map(|routes| routes.collection)
    }

    #[test]
    fn a_sub_path_is_kept_and_no_slash_doubled() {
        for (server, gun, expected) in [
            ("https://h", "alpine", "https://h/v2/alpine/_trust/tuf/"),
            ("https://h/", "localhost:5000/a", "https://h/v2/localhost:5000/a/_trust/tuf/"),
            ("https://h:4443/notary", "a/b", "https://h:4443/notary/v2/a/b/_trust/tuf/"),
            ("https://h/no%20t//", "a", "https://h/no%20t/v2/a/_trust/tuf/"),
            ("http://[::1]:80/x/", "a", "http://[::1]/x/v2/a/_trust/tuf/"),
            ("https://h", "a/é", "https://h/v2/a/%C3%A9/_trust/tuf/"),
        ] {
            assert_eq!(collection(server, gun).unwrap(), expected);
        }
        let gun = Gun::new("a").unwrap();
        let routes = Routes::new(&Url::parse("https://h").unwrap(), &gun, false).unwrap();
        let file = routes.file("targets/releases.json");
        assert_eq!(file, "https://h/v2/a/_trust/tuf/targets/releases.json");
    }

    #[test]
    fn pt_08_every_legal_gun_keeps_the_urls_shape() {
        let allowed: String = (1..0x250)
            .filter_map(char::from_u32)
            .filter(|c| !matches!(c, '.' | '/') && Gun::new(&c.to_string()).is_ok())
            .collect();
        assert!(allowed.contains('@') && allowed.contains('['));
        for c in allowed.chars() {
            for gun in [format!("{c}"), format!("a/{c}b"), format!("{c}{c}/x")] {
                if Gun::new(&gun).is_err() {
                    continue;
                }
                let text = collection("https://h/s", &gun).expect(&gun);
                let sent = ureq::http::Uri::try_from(&text).expect(&gun);
                let url = Url::parse(&text).unwrap();
                assert_eq!(sent.path(), url.path(), "{gun}");
                assert_eq!(url.host_str(), Some("h"), "{gun}");
                assert!(url.path().starts_with("/s/v2/") && url.path().ends_with("/_trust/tuf/"), "{gun}");
                assert_eq!(url.path().matches('/').count(), 6 + gun.matches('/').count(), "{gun}");
                assert!(url.query().is_none() && url.fragment().is_none(), "{gun}");
            }
        }
    }

    #[test]
    fn urls_that_are_no_base_are_refused() {
        for server in
            ["ftp://h", "mailto:x", "file:///x", "https://u@h", "https://u:p@h", "https://h?q", "https://h#f"]
        {
            assert!(collection(server, "a").is_err(), "{server}");
        }
        let (http, gun) = (Url::parse("http://h").unwrap(), Gun::new("a").unwrap());
        assert!(matches!(Routes::new(&http, &gun, false), Err(TransportError::Config(_))));
    }
}
