//! What can be asked of a server.

use super::{TransportError, status::Refusal};
use crate::{
    name::{Form, Resource},
    transport::auth::Access,
};

/// Most bytes of a server's public key.
pub(super) const MAX_KEY: u64 = 256 << 10;
/// Most bytes read of a refusal.
pub(super) const MAX_REFUSAL: u64 = 64 << 10;

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) access: Access,
    pub(super) url: &'a str,
    /// Its name in messages.
    pub(super) what: &'a str,
    /// Most bytes of a 200's body.
    pub(super) max: u64,
    /// A cache on the way must not answer.
    pub(super) is_fresh: bool,
    pub(super) content_type: &'a str,
    pub(super) body: &'a [u8],
    pub(super) meaning: fn(Refusal) -> TransportError,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

/// What a repository answers to targets of which it was not told where they are.
pub(super) const NO_TARGETS: TransportError =
    TransportError::Unsupported { operation: "targets, without a URL for them" };

impl<'a> Ask<'a> {
    /// Asks a TUF 1.0 repository for metadata. That a file is not there yet may change at any time,
    /// so that no cache on the way answers for the next root either.
    pub(super) fn metadata(what: &Resource, url: &'a str, name: &'a str, max: u64) -> Self {
        let ask = Self::new(Method::Get, Access::Pull, url, name, max);
        match (what.is_versioned_root(), &what.form) {
            (true, _) => Self { is_fresh: true, meaning: Refusal::of_versioned_root, ..ask },
            (false, form) => Self { is_fresh: *form == Form::Latest, ..ask },
        }
    }

    pub(super) fn new(method: Method, access: Access, url: &'a str, what: &'a str, max: u64) -> Self {
        let meaning: fn(Refusal) -> TransportError = Refusal::of_request;
        let (content_type, body) = ("", &[][..]);
        Self { method, access, url, what, max, is_fresh: false, content_type, body, meaning }
    }
}
