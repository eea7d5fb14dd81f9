//! Which trust server answers for an image, as Docker chooses it.

use url::Url;

use super::Reference;

/// No server can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The configured server is no HTTPS URL.
    #[error("the trust server is not an https:// URL: got {configured}")]
    Configured {
        /// What is configured.
        configured: String,
    },
    /// The registry's name makes no URL.
    #[error("the registry {registry} makes no URL: {reason}")]
    Registry {
        /// The registry.
        registry: String,
        /// What is wrong.
        reason: String,
    },
}

/// The server in `configured` (what `DOCKER_CONTENT_TRUST_SERVER` holds) if there is one, else
/// Docker's own for Docker Hub, else the image's registry; always by HTTPS.
///
/// # Errors
/// A configured server is not an HTTPS URL, or the registry's name makes no URL.
pub fn trust_server(image: &Reference, configured: Option<&str>) -> Result<Url, ServerError> {
    if let Some(configured) = configured.filter(|text| !text.is_empty()) {
        return match Url::parse(configured) {
            Ok(url) if url.scheme() == "https" && url.has_host() => Ok(url),
            refused => {
                Err(ServerError::Configured { configured: without_password(configured, refused.ok()) })
            }
        };
    }
    let host = match image.registry() {
        "docker.io" => "notary.docker.io",
        registry => registry,
    };
    Url::parse(&format!("https://{host}"))
        .map_err(|error| ServerError::Registry { registry: host.to_owned(), reason: error.to_string() })
}

/// What is configured, for a message.
fn without_password(configured: &str, url: Option<Url>) -> String {
    match url {
        Some(mut url) if url.password().is_some() => {
            // Only a URL without a host takes none, and it has none either.
            let _ = url.set_password(None);
            url.into()
        }
        _ => configured.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_configured_or_docker_hubs_or_the_registry() {
        let server = |image, configured| {
            let image = Reference::parse(image).unwrap();
            trust_server(&image, configured).map(|url| url.to_string())
        };
        assert_eq!(server("alpine", None).unwrap(), "https://notary.docker.io/");
        assert_eq!(server("reg.example.com:5000/a", None).unwrap(), "https://reg.example.com:5000/");
        assert_eq!(server("alpine", Some("https://trust.example/n")).unwrap(), "https://trust.example/n");
        assert!(server("alpine", Some("http://trust.example")).is_err());
        assert!(server("alpine", Some("trust.example")).is_err());
        let shown = server("alpine", Some("http://me:secret@trust.example")).unwrap_err().to_string();
        assert!(shown.contains("http://me@trust.example") && !shown.contains("secret"), "{shown}");
    }
}
