//! Which keys are to be replaced (Notary v1: key rotation).
//!
//! Root and targets keys are the publisher's, the timestamp key is the server's, the snapshot key
//! is the one's or the other's. No other combination can be expressed, and a choice made at run
//! time is checked before anything is asked or made (KROT-18).

use std::collections::BTreeSet;

use super::EditError;
use crate::{
    crypto::PublicKey,
    name::{KeyId, RoleName},
};

/// Which root key a collection gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // a handful exist, and a box is one more thing to write
pub enum RootKey {
    /// The root key at hand with the lowest id, as Docker does; a new one when there is none. In a
    /// rotation always a new one.
    #[default]
    Any,
    /// A new one.
    New,
    /// The one with this canonical id, in a new certificate.
    Existing(KeyId),
    /// The one in this certificate, which must be made for the collection. The private key is
    /// found by its canonical id.
    Certificate(PublicKey),
}

/// Which key another role of ours gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewKey {
    /// A new one.
    #[default]
    New,
    /// The one with this canonical id.
    Existing(KeyId),
}

/// Who holds the keys of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyHolder {
    /// We do.
    Local,
    /// The server does.
    Server,
}

/// Roles whose keys are replaced together, in one upload.
///
/// ```
/// use tuf_notary::edit::{KeyHolder, Rotation};
/// // A new key for targets; the server takes over the snapshot.
/// let rotation = Rotation::new().targets().snapshot_to_server();
/// assert!(Rotation::new().role(&"timestamp".parse()?, KeyHolder::Local, []).is_err());
/// # Ok::<(), tuf_notary::name::NameError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Rotation {
    root: Option<Vec<RootKey>>,
    targets: Option<Vec<NewKey>>,
    snapshot: Option<NewSnapshot>,
    timestamp: bool,
    legacy: u32,
}

/// Where snapshot keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewSnapshot {
    Local(Vec<NewKey>),
    Server,
}

impl Rotation {
    /// Nothing is replaced yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the root's keys by a new one. The new root is signed by the old keys and the new
    /// one, so a threshold of the old ones must be at hand; they are kept.
    pub fn root(self) -> Self {
        self.root_keys([RootKey::New])
    }

    /// Replaces the root's keys by these. The root's threshold stays.
    pub fn root_keys(mut self, keys: impl IntoIterator<Item = RootKey>) -> Self {
        self.root = Some(keys.into_iter().collect());
        self
    }

    /// Replaces the keys of `targets` by a new one, which signs `targets` anew.
    pub fn targets(self) -> Self {
        self.targets_keys([NewKey::New])
    }

    /// Replaces the keys of `targets` by these. The threshold stays.
    pub fn targets_keys(mut self, keys: impl IntoIterator<Item = NewKey>) -> Self {
        self.targets = Some(keys.into_iter().collect());
        self
    }

    /// Replaces the snapshot's keys, whoever holds them, by a new one of ours.
    pub fn snapshot(self) -> Self {
        self.snapshot_keys([NewKey::New])
    }

    /// Replaces the snapshot's keys, whoever holds them, by these of ours. The threshold stays.
    pub fn snapshot_keys(mut self, keys: impl IntoIterator<Item = NewKey>) -> Self {
        self.snapshot = Some(NewSnapshot::Local(keys.into_iter().collect()));
        self
    }

    /// Replaces the snapshot's keys, whoever holds them, by a new one of the server.
    pub fn snapshot_to_server(mut self) -> Self {
        self.snapshot = Some(NewSnapshot::Server);
        self
    }

    /// Replaces the server's timestamp key by a new one of the server.
    pub const fn timestamp(mut self) -> Self {
        self.timestamp = true;
        self
    }

    /// Lets the keys of this many earlier root versions sign the new root too, where they are at
    /// hand: for clients so old that they don't walk from version to version. `u32::MAX` is all.
    pub const fn with_legacy_signatures(mut self, versions: u32) -> Self {
        self.legacy = versions;
        self
    }

    /// Replaces the keys of a role that is known at run time only, by the keys with these
    /// canonical ids or, without any, by a new one.
    ///
    /// # Errors
    /// [`EditError::KeyHolder`]: the role's keys can't be held there, or the server can't take
    /// the keys that are given.
    pub fn role(
        self,
        role: &RoleName,
        holder: KeyHolder,
        keys: impl IntoIterator<Item = KeyId>,
    ) -> Result<Self, EditError> {
        let mut keys: Vec<_> = keys.into_iter().map(NewKey::Existing).collect();
        let refuse = |reason| Err(EditError::KeyHolder { role: role.clone(), reason });
        if holder == KeyHolder::Server && !keys.is_empty() {
            return refuse("the server makes its own keys");
        }
        if keys.is_empty() {
            keys.push(NewKey::New);
        }
        match (role, holder) {
            (RoleName::Root, KeyHolder::Local) => Ok(self.root_keys(keys.into_iter().map(|key| match key {
                NewKey::New => RootKey::New,
                NewKey::Existing(id) => RootKey::Existing(id),
            }))),
            (RoleName::Targets, KeyHolder::Local) => Ok(self.targets_keys(keys)),
            (RoleName::Snapshot, KeyHolder::Local) => Ok(self.snapshot_keys(keys)),
            (RoleName::Snapshot, KeyHolder::Server) => Ok(self.snapshot_to_server()),
            (RoleName::Timestamp, KeyHolder::Server) => Ok(self.timestamp()),
            (RoleName::Timestamp, KeyHolder::Local) => refuse("only the server can hold its key"),
            (RoleName::Root | RoleName::Targets, KeyHolder::Server) => {
                refuse("the server can't hold its keys")
            }
            (RoleName::Delegated(_), _) => refuse("the keys of a delegation are replaced in its parent"),
        }
    }

    /// Whether the plan makes sense at all; asked before anything else.
    ///
    /// # Errors
    /// Nothing is to be replaced, or a role would be left without keys.
    pub fn check(&self) -> Result<(), EditError> {
        let empty = |keys: Option<usize>| keys == Some(0);
        let snapshot = match &self.snapshot {
            Some(NewSnapshot::Local(keys)) => Some(keys.len()),
            _ => None,
        };
        let roles = [
            (RoleName::Root, self.root.as_ref().map(Vec::len)),
            (RoleName::Targets, self.targets.as_ref().map(Vec::len)),
            (RoleName::Snapshot, snapshot),
        ];
        if let Some((role, _)) = roles.into_iter().find(|(_, keys)| empty(*keys)) {
            return Err(EditError::TooFewKeys { role, needed: 1, given: 0 });
        }
        if self.root.is_none() && self.targets.is_none() && self.snapshot.is_none() && !self.timestamp {
            return Err(EditError::NothingToRotate);
        }
        Ok(())
    }

    pub(crate) fn new_root(&self) -> Option<&[RootKey]> {
        self.root.as_deref()
    }

    pub(crate) fn new_targets(&self) -> Option<&[NewKey]> {
        self.targets.as_deref()
    }

    pub(crate) const fn new_snapshot(&self) -> Option<&NewSnapshot> {
        self.snapshot.as_ref()
    }

    /// The roles for which the server is to make a key.
    pub(crate) fn server_roles(&self) -> impl Iterator<Item = RoleName> {
        let snapshot = (self.snapshot == Some(NewSnapshot::Server)).then_some(RoleName::Snapshot);
        snapshot.into_iter().chain(self.timestamp.then_some(RoleName::Timestamp))
    }

    /// How many earlier root versions are to vouch for the new root.
    pub(crate) const fn legacy(&self) -> u32 {
        self.legacy
    }
}

/// Whether a key that a server sent can serve (KROT-17): better asked before keys of our own are
/// made. `known` are the canonical ids of all keys that it must not be: those that the collection
/// has already, and ours.
///
/// # Errors
/// [`EditError::ServerKey`] says why not.
pub fn check_server_key(role: &RoleName, key: &PublicKey, known: &BTreeSet<KeyId>) -> Result<(), EditError> {
    let refuse = |reason: String| Err(EditError::ServerKey { role: role.clone(), reason });
    match key.material() {
        Err(error) => refuse(error.to_string()),
        Ok(_) if key.kind().is_x509() => refuse("it is a certificate".to_owned()),
        Ok(_) => {
            let id = crate::wire::notary::canonical_id(key);
            match known.contains(&id) {
                true => refuse(format!("it is the key {id}, which is in use already or ours")),
                false => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> KeyId {
        KeyId::new(text).unwrap()
    }

    #[test]
    fn krot_18_only_possible_holders_can_be_chosen_at_run_time() {
        let all = [RoleName::Root, RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp];
        let possible = |holder| {
            let possible = |role: &&RoleName| Rotation::new().role(role, holder, []).is_ok();
            all.iter().filter(possible).map(RoleName::as_str).collect::<Vec<_>>()
        };
        assert_eq!(possible(KeyHolder::Local), ["root", "targets", "snapshot"]);
        assert_eq!(possible(KeyHolder::Server), ["snapshot", "timestamp"]);
        for holder in [KeyHolder::Local, KeyHolder::Server] {
            assert!(Rotation::new().role(&RoleName::releases(), holder, []).is_err());
        }
        let given = Rotation::new().role(&RoleName::Snapshot, KeyHolder::Server, [id("a")]);
        assert!(matches!(given, Err(EditError::KeyHolder { .. })), "the server can't take a key");
    }

    #[test]
    fn a_role_known_at_run_time_is_rotated_like_one_known_before() {
        let role = |role, holder, keys: &[&str]| {
            Rotation::new().role(&role, holder, keys.iter().map(|key| id(key))).unwrap()
        };
        let keys = [NewKey::Existing(id("a")), NewKey::Existing(id("b"))];
        assert_eq!(role(RoleName::Root, KeyHolder::Local, &[]), Rotation::new().root());
        assert_eq!(
            role(RoleName::Targets, KeyHolder::Local, &["a", "b"]),
            Rotation::new().targets_keys(keys.clone())
        );
        assert_eq!(
            role(RoleName::Snapshot, KeyHolder::Local, &["a", "b"]),
            Rotation::new().snapshot_keys(keys)
        );
        assert_eq!(role(RoleName::Snapshot, KeyHolder::Server, &[]), Rotation::new().snapshot_to_server());
        assert_eq!(role(RoleName::Timestamp, KeyHolder::Server, &[]), Rotation::new().timestamp());
    }

    #[test]
    fn a_plan_without_a_role_or_a_role_without_keys_is_refused() {
        assert_eq!(Rotation::new().check(), Err(EditError::NothingToRotate));
        for rotation in [
            Rotation::new().timestamp().root_keys([]),
            Rotation::new().timestamp().targets_keys([]),
            Rotation::new().timestamp().snapshot_keys([]),
        ] {
            assert!(matches!(rotation.check(), Err(EditError::TooFewKeys { given: 0, .. })), "{rotation:?}");
        }
        Rotation::new().timestamp().check().unwrap();
    }
}
