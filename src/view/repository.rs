//! What a refresh of a TUF 1.0 repository has brought (specification 1.0.34 section 5), and how fresh
//! it is.

use std::{
    ops::Deref,
    time::{Duration, SystemTime},
};

use super::{Freshness, View};
use crate::{name::Expiry, verify::TrustedSet};

/// The verified top-level metadata of a repository. Cloning shares it.
///
/// Targets are looked up through the repository itself, which loads the delegated roles that may
/// sign them.
#[derive(Clone, Debug)]
pub struct RepositoryView(View);

impl RepositoryView {
    pub(crate) const fn new(view: View) -> Self {
        Self(view)
    }

    /// The verified documents.
    pub fn trusted(&self) -> &TrustedSet {
        self.0.trusted()
    }

    /// The mode that made this view.
    pub const fn freshness(&self) -> Freshness {
        self.0.freshness()
    }

    /// Whether the cache answered, and nobody was asked.
    pub const fn is_cached(&self) -> bool {
        self.0.is_cached()
    }

    /// How long ago the server last confirmed what this view says; none when that is not known.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        self.0.age(now)
    }

    /// When the first of the top-level files expires.
    pub fn expires(&self) -> Expiry {
        self.0.expires()
    }
}

/// What the documents say is what the view says.
impl Deref for RepositoryView {
    type Target = TrustedSet;

    fn deref(&self) -> &TrustedSet {
        self.trusted()
    }
}
