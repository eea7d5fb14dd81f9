//! What is signed, by whom, until when: an immutable, verified answer.
//!
//! Docker's rule decides what a tag means: `targets/releases` is asked first, then `targets`, and
//! an entry in any other role answers for nobody. A role that is asked, published and unusable
//! ends the look-up with an error; nothing falls back silently.

mod error;
mod found;
mod mode;
mod repository;
mod roles;
mod target;

pub use error::LookupError;
pub use found::FoundTarget;
pub use repository::RepositoryView;
pub use roles::{RoleKey, RoleStatus, SignerInfo};
pub use target::SignedTarget;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    name::{Expiry, Gun, RoleName},
    verify::{DelegatedTargets, Notice, TrustedSet, Visit},
};

/// How fresh an answer has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Freshness {
    /// The server must answer now.
    #[default]
    Online,
    /// The server is asked. When the network fails (no connection, a time-out, a connection that
    /// breaks), the cache answers as long as nothing in it has expired, and the view says so. An
    /// answer that is a refusal, or does not hold, is never replaced.
    PreferCache,
    /// No request is made: the cache answers as long as nothing in it has expired.
    Offline,
    /// The server, or the archive that stands for it, is asked, and everything is judged as of a
    /// chosen time: for audits. An answer from the past protects nobody today; what is known of the
    /// collection counts, and nothing is added to it.
    AsOf(SystemTime),
}

/// A verified answer about one collection. Cloning shares it.
#[derive(Clone, Debug)]
pub struct View {
    gun: Gun,
    set: Arc<TrustedSet>,
    freshness: Freshness,
    cached: bool,
}

impl View {
    pub(crate) fn new(gun: Gun, set: TrustedSet, freshness: Freshness, cached: bool) -> Self {
        Self { gun, set: Arc::new(set), freshness, cached }
    }

    /// What a set says that a caller has verified on its own, by turning
    /// [`Refresh`](crate::verify::Refresh) by hand. The collection and the mode are those of that
    /// refresh; with [`Freshness::Offline`] the view counts as made by a cache.
    pub fn of(gun: Gun, set: TrustedSet, freshness: Freshness) -> Self {
        Self::new(gun, set, freshness, matches!(freshness, Freshness::Offline))
    }

    /// The collection.
    pub const fn gun(&self) -> &Gun {
        &self.gun
    }

    /// The freshness mode that made this view.
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Whether the cache made this view, and not the server: always with [`Freshness::Offline`],
    /// and with [`Freshness::PreferCache`] when the network failed.
    pub const fn is_cached(&self) -> bool {
        self.cached
    }

    /// When the server last confirmed what this view shows, to the second when it was before this
    /// run. None when that is not known, and always with [`Freshness::AsOf`].
    pub fn confirmed(&self) -> Option<SystemTime> {
        self.set.confirmed()
    }

    /// How long ago the server confirmed what this view shows; zero when that lies after `now`.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        self.confirmed().map(|confirmed| now.duration_since(confirmed).unwrap_or_default())
    }

    /// The verified documents.
    pub fn trusted(&self) -> &TrustedSet {
        &self.set
    }

    /// What a caller should know besides.
    pub fn notices(&self) -> &[Notice] {
        self.set.notices()
    }

    /// The target that Docker would take: from `targets/releases`, else from `targets`.
    ///
    /// ```
    /// # use tuf_notary::{Collection, Gun, Trust, testkit::{Forge, TrustServer}};
    /// # let (gun, server) = (Gun::new("example.com/app")?, TrustServer::new());
    /// # server.serve(&Forge::new("example.com/app").build());
    /// # let collection = Collection::builder(gun.clone(), Trust::FirstUse).transport(server.transport(&gun)).build();
    /// let view = collection.refresh()?;
    /// assert!(view.target("v1")?.image_digest()?.starts_with("sha256:"));
    /// match view.target("v2") {
    ///     Err(error) => assert_eq!(error.code(), "NOT_SIGNED"),
    ///     Ok(target) => println!("signed by {}", target.role()),
    /// }
    /// # Ok::<(), tuf_notary::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`LookupError::NotSigned`] when neither role signs the name; [`LookupError::Unusable`] when
    /// one of them is published and expired or under-signed.
    pub fn target(&self, name: &str) -> Result<SignedTarget, LookupError> {
        self.target_from(name, &Self::released())
    }

    /// The target in the first of `roles` that signs it. An entry in a role below one of them
    /// does not count, and hides entries of roles that are asked later, as in Docker.
    ///
    /// # Errors
    /// As [`target`](Self::target).
    pub fn target_from(&self, name: &str, roles: &[RoleName]) -> Result<SignedTarget, LookupError> {
        for role in roles {
            let visits = self.walk(role, roles)?;
            let hit = visits.iter().find_map(|visit| Some((visit, visit.target(name)?)));
            match hit {
                Some((visit, entry)) if roles.contains(&visit.role) => {
                    return Ok(SignedTarget::new(visit.role.clone(), entry));
                }
                Some((visit, _)) => {
                    let only = Some(visit.role.clone());
                    return Err(LookupError::not_signed(&self.gun, name, roles, only));
                }
                None => {}
            }
        }
        Err(LookupError::not_signed(&self.gun, name, roles, None))
    }

    /// All targets that Docker would take, by name.
    ///
    /// # Errors
    /// A role that is asked is published and unusable.
    pub fn targets(&self) -> Result<Vec<SignedTarget>, LookupError> {
        self.targets_from(&Self::released())
    }

    /// All targets of `roles`, by name; the role that is named first wins.
    ///
    /// # Errors
    /// A role that is asked is published and unusable.
    pub fn targets_from(&self, roles: &[RoleName]) -> Result<Vec<SignedTarget>, LookupError> {
        let mut found = BTreeMap::new();
        for role in roles {
            for visit in self.walk(role, roles)? {
                let granted = visit.targets.targets.iter().filter(|entry| visit.paths.grants(entry.name));
                for entry in granted {
                    found
                        .entry(entry.name.to_owned())
                        .or_insert_with(|| SignedTarget::new(visit.role.clone(), entry));
                }
            }
        }
        Ok(found.into_values().filter(|target| roles.contains(target.role())).collect())
    }

    /// When the first of the files expires that every look-up depends on: root, timestamp,
    /// snapshot and targets.
    pub fn expires(&self) -> Expiry {
        let all = [
            self.set.root().body().expires,
            self.set.timestamp().body().expires,
            self.set.snapshot().body().expires,
            self.set.targets().body().expires,
        ];
        all.into_iter().min_by_key(|expires| expires.to_system_time()).unwrap_or_else(Expiry::zero)
    }

    /// When the first of all files expires, delegations included: from then on something that was
    /// answered would not be.
    pub(crate) fn holds_until(&self) -> SystemTime {
        let delegated = self.set.delegated().values().filter_map(|role| match role {
            DelegatedTargets::Usable(file) => Some(file.body().expires.to_system_time()),
            DelegatedTargets::Unusable(_) => None,
        });
        let top = self.expires().to_system_time();
        delegated.fold(top, Ord::min)
    }

    /// `targets/releases`, then `targets`.
    fn released() -> [RoleName; 2] {
        [RoleName::releases(), RoleName::Targets]
    }

    fn walk(&self, role: &RoleName, asked: &[RoleName]) -> Result<Vec<Visit<'_>>, LookupError> {
        let others: Vec<_> = asked.iter().filter(|other| *other != role).cloned().collect();
        self.set.walk(role, &others).map_err(LookupError::Unusable)
    }
}
