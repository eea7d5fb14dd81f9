//! Passphrases in environment variables, under the names of Notary v1's own program.

use super::{KeyRole, PassphraseRequest, Passphrases};
use std::ffi::OsString;
use zeroize::Zeroizing;

/// Reads passphrases from environment variables, each time they are needed.
///
/// A set variable serves the first attempt only, for it would fail again. Its length is not
/// checked, as in Notary, but an empty one is refused: Notary stores the key unencrypted then. A
/// value that is not UTF-8 counts as not set.
#[derive(Clone, Debug)]
pub struct EnvironmentPassphrases {
    root: &'static str,
    targets: &'static str,
    snapshot: &'static str,
    delegation: &'static str,
    lookup: fn(&str) -> Option<OsString>,
}

impl EnvironmentPassphrases {
    /// `NOTARY_ROOT_PASSPHRASE`, `NOTARY_TARGETS_PASSPHRASE`, `NOTARY_SNAPSHOT_PASSPHRASE`, and
    /// `NOTARY_DELEGATION_PASSPHRASE` for every label that is no top-level role. There is none
    /// for timestamp keys, which servers hold.
    #[must_use]
    pub fn notary() -> Self {
        Self {
            root: "NOTARY_ROOT_PASSPHRASE",
            targets: "NOTARY_TARGETS_PASSPHRASE",
            snapshot: "NOTARY_SNAPSHOT_PASSPHRASE",
            delegation: "NOTARY_DELEGATION_PASSPHRASE",
            lookup: |name| std::env::var_os(name),
        }
    }

    fn variable(&self, role: &KeyRole) -> Option<&'static str> {
        match role {
            KeyRole::Root => Some(self.root),
            KeyRole::Targets => Some(self.targets),
            KeyRole::Snapshot => Some(self.snapshot),
            KeyRole::Delegation(_) => Some(self.delegation),
            KeyRole::Timestamp => None,
        }
    }
}

impl Passphrases for EnvironmentPassphrases {
    fn passphrase(&self, request: &PassphraseRequest<'_>) -> Option<Zeroizing<String>> {
        let variable = self.variable(request.role).filter(|_| request.attempt == 1)?;
        match (self.lookup)(variable)?.into_string() {
            Ok(passphrase) => Some(Zeroizing::new(passphrase)),
            Err(raw) => {
                drop(Zeroizing::new(raw.into_encoded_bytes()));
                tracing::warn!(variable, "the value is not UTF-8 and is not used");
                None
            }
        }
    }

    fn min_characters(&self) -> usize {
        1
    }

    fn origin(&self, role: &KeyRole) -> String {
        match self.variable(role) {
            Some(variable) => format!("the environment variable {variable}"),
            None => format!("the environment, which has no variable for role {role}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::KeyId;

    fn passphrases() -> EnvironmentPassphrases {
        let lookup = |name: &str| (name != "NOTARY_TARGETS_PASSPHRASE").then(|| name.into());
        EnvironmentPassphrases { lookup, ..EnvironmentPassphrases::notary() }
    }

    fn ask(role: &KeyRole, attempt: u32) -> Option<String> {
        let id = KeyId::new("1").unwrap();
        let request = PassphraseRequest::existing(&id, role, attempt);
        passphrases().passphrase(&request).map(|passphrase| passphrase.to_string())
    }

    #[test]
    fn each_role_has_notarys_variable() {
        let alice = KeyRole::new("alice").unwrap();
        assert_eq!(ask(&KeyRole::Root, 1).as_deref(), Some("NOTARY_ROOT_PASSPHRASE"));
        assert_eq!(ask(&KeyRole::Snapshot, 1).as_deref(), Some("NOTARY_SNAPSHOT_PASSPHRASE"));
        assert_eq!(ask(&alice, 1).as_deref(), Some("NOTARY_DELEGATION_PASSPHRASE"));
        assert_eq!(ask(&KeyRole::Targets, 1), None);
        assert_eq!(ask(&KeyRole::Timestamp, 1), None);
        let origin = passphrases().origin(&KeyRole::Targets);
        assert!(origin.contains("NOTARY_TARGETS_PASSPHRASE"), "{origin}");
    }

    #[test]
    fn ks_05_a_variable_is_used_once() {
        assert_eq!(ask(&KeyRole::Root, 2), None);
    }
}
