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
