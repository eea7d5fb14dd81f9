//! A passphrase is asked for when it is needed, a bounded number of times, and wiped after use
//! (KS-04, KS-05). Who knows it (a person, the environment, the program) is a matter of one trait.

use super::KeyRole;
use crate::name::KeyId;
use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
    sync::Arc,
};
use zeroize::Zeroizing;

/// What a passphrase is asked for.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct PassphraseRequest<'a> {
    /// The key, if it is known yet.
    pub id: Option<&'a KeyId>,
    /// The key's label. Nobody vouches for the label of a stored key.
    pub role: &'a KeyRole,
    /// Whether the passphrase is chosen now, for a new key. A prompt then asks twice.
    pub new: bool,
    /// 1 for the first request, 2 if what was given then did not serve, and so on.
    pub attempt: u32,
}

impl<'a> PassphraseRequest<'a> {
    /// Asks for the passphrase of a stored key.
    #[must_use]
    pub fn existing(id: &'a KeyId, role: &'a KeyRole, attempt: u32) -> Self {
        Self { id: Some(id), role, new: false, attempt }
    }

    /// Asks to choose a passphrase for a new key.
    #[must_use]
    pub fn chosen(id: &'a KeyId, role: &'a KeyRole, attempt: u32) -> Self {
        Self { id: Some(id), role, new: true, attempt }
    }
}

/// Knows passphrases, or asks somebody who does.
pub trait Passphrases: Debug + Send + Sync {
    /// A passphrase; `None` if there is none, or none but those given before: the store then
    /// gives up. Who remembers what a person typed must forget it when `attempt` is above 1.
    fn passphrase(&self, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>>;

    /// How often a store asks for one key before it gives up; no store asks more than 10 times.
    fn attempts(&self) -> u32 {
        3
    }

    /// Fewest characters that the passphrase of a new key may have. An empty or blank one is
    /// refused in any case.
    fn min_characters(&self) -> usize {
        8
    }

    /// Where passphrases for a role come from, for error messages.
    fn origin(&self, role: &KeyRole) -> String {
        format!("the program's passphrases for role {role}")
    }
}

impl<P: Passphrases + ?Sized> Passphrases for Arc<P> {
    fn passphrase(&self, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
        (**self).passphrase(request)
    }

    fn attempts(&self) -> u32 {
        (**self).attempts()
    }

    fn min_characters(&self) -> usize {
        (**self).min_characters()
    }

    fn origin(&self, role: &KeyRole) -> String {
        (**self).origin(role)
    }
}

/// Passphrases that the program knows beforehand. `Debug` shows for which roles only.
///
/// ```
/// use tuf_notary::keys::{FixedPassphrases, KeyRole};
/// let passphrases = FixedPassphrases::new()
///     .with(KeyRole::Root, "correct horse battery")
///     .otherwise("staple for the rest");
/// assert!(!format!("{passphrases:?}").contains("horse"));
/// ```
#[derive(Clone, Default)]
pub struct FixedPassphrases {
    roles: BTreeMap<KeyRole, Zeroizing<String>>,
    otherwise: Option<Zeroizing<String>>,
}

impl FixedPassphrases {
    /// No passphrase for any role.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the passphrase of the keys with one label.
    #[must_use]
    pub fn with(mut self, role: KeyRole, passphrase: &str) -> Self {
        self.roles.insert(role, Zeroizing::new(passphrase.to_owned()));
        self
    }

    /// Sets the passphrase of all keys whose label has none of its own.
    #[must_use]
    pub fn otherwise(mut self, passphrase: &str) -> Self {
        self.otherwise = Some(Zeroizing::new(passphrase.to_owned()));
        self
    }
}

impl Passphrases for FixedPassphrases {
    fn passphrase(&self, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
        // The same passphrase would fail again.
        let first = request.attempt == 1;
        self.roles.get(request.role).or(self.otherwise.as_ref()).filter(|_| first).cloned()
    }
}

impl Debug for FixedPassphrases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<_> = self.roles.keys().map(KeyRole::as_str).collect();
        f.debug_struct("FixedPassphrases")
            .field("roles", &roles)
            .field("otherwise", &self.otherwise.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_own_and_none_is_given_twice() {
        let id = KeyId::new("1").unwrap();
        let fixed = FixedPassphrases::new().with(KeyRole::Root, "of root");
        let ask = |fixed: &FixedPassphrases, role, attempt| {
            fixed.passphrase(&PassphraseRequest::existing(&id, &role, attempt)).map(|p| p.to_string())
        };
        assert_eq!(ask(&fixed, KeyRole::Root, 1).as_deref(), Some("of root"));
        assert_eq!(ask(&fixed, KeyRole::Root, 2), None);
        assert_eq!(ask(&fixed, KeyRole::Targets, 1), None);
        let fixed = fixed.otherwise("of others");
        assert_eq!(ask(&fixed, KeyRole::Root, 1).as_deref(), Some("of root"));
        assert_eq!(ask(&fixed, KeyRole::delegation(), 1).as_deref(), Some("of others"));
        assert!(!format!("{fixed:?}").contains("of "));
    }
}
