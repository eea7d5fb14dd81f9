//! Looks names up, and keeps to the machines that may be asked.
//!
//! A token server is named by whoever answered, and its name may lead anywhere, to another place
//! with each look-up: what counts are the addresses that are connected to (SR-02). Behind a proxy
//! the proxy looks names up, and keeps to its own rules.

use std::{fmt, io, sync::Arc};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::transport::auth::Authenticator;

pub(super) struct GuardedResolver {
    inner: DefaultResolver,
    auth: Arc<Authenticator>,
}

impl GuardedResolver {
    pub(super) fn new(auth: Arc<Authenticator>) -> Self {
        Self { inner: DefaultResolver::default(), auth }
    }
}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default();
        let found = self.inner.resolve(uri, config, timeout)?;
        // The address of a proxy is the user's choice.
        if config.proxy().is_none() && !found.iter().all(|address| self.auth.permits(host, address.ip())) {
            let why =
                format!("{host} leads inside of this network, and was not configured as a token server");
            return Err(Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, why)));
        }
        Ok(found)
    }
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedResolver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::time::Duration;

    use super::*;

    fn resolve(host: &str, token_host: Option<&str>) -> Result<usize, Error> {
        let auth = Authenticator::new("https://notary.example.com".parse().unwrap(), "a");
        let auth = token_host.into_iter().fold(auth, Authenticator::token_host);
        let uri: Uri = format!("https://{host}:1").parse().unwrap();
        let timeout = NextTimeout { after: Duration::from_secs(10), ..NextTimeout::default() };
        let config = Config::builder().proxy(None).build();
        GuardedResolver::new(Arc::new(auth)).resolve(&uri, &config, timeout).map(|found| found.len())
    }

    #[test]
    fn sr_02_what_a_name_leads_to_decides() {
        match resolve("localhost", None) {
            Err(Error::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::PermissionDenied),
            other => panic!("{other:?}"),
        }
        assert!(resolve("10.0.0.1", None).is_err() && resolve("8.8.8.8", None).is_ok());
        assert!(resolve("localhost", Some("LOCALHOST")).unwrap() > 0, "it was configured");
    }
}
