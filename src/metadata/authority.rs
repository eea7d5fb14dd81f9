//! Keys and thresholds: the only givers of trust (TUF specification 4.3, 4.5).

use std::{collections::BTreeMap, num::NonZeroU32};

use super::Extra;
use crate::{
    crypto::{PublicKey, Scheme},
    name::{KeyId, NameError},
};

/// The keys of a document, by the id that they are filed under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing(BTreeMap<KeyId, FiledKey>);

/// A key and what is known of its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct FiledKey {
    /// The key.
    pub key: PublicKey,
    /// The id of the key itself, whatever certificate surrounds it.
    pub canonical_id: KeyId,
    /// Whether the id that it is filed under is the one that its content yields, where the dialect
    /// demands that. A misfiled key gives no trust, and does no harm to the others.
    pub genuine: bool,
    /// The one scheme that it verifies, where the document names it (TUF 1.0); otherwise each
    /// signature names its own.
    pub scheme: Option<Scheme>,
    /// The key as the document spells it, where it must be written back so.
    pub text: Option<String>,
}

impl KeyRing {
    /// Files a key.
    pub fn insert(&mut self, id: KeyId, key: FiledKey) {
        self.0.insert(id, key);
    }

    /// The key filed under `id`.
    pub fn get(&self, id: &KeyId) -> Option<&FiledKey> {
        self.0.get(id)
    }

    /// All keys in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyId, &FiledKey)> {
        self.0.iter()
    }

    /// Drops the keys for which `keep` says no.
    pub fn retain(&mut self, mut keep: impl FnMut(&KeyId) -> bool) {
        self.0.retain(|id, _| keep(id));
    }

    /// The authority that a role's key list names in this ring.
    pub fn authority(&self, role: &RoleKeys) -> Authority {
        let keys = role
            .key_ids
            .iter()
            .filter_map(|id| self.0.get(id).map(|filed| (id.clone(), filed.clone())))
            .filter(|(_, filed)| filed.genuine)
            .collect();
        Authority { keys, threshold: role.threshold }
    }
}

/// Which keys a role has and how many of them must sign, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct RoleKeys {
    /// Ids in the order of the document.
    pub key_ids: Vec<KeyId>,
    /// How many distinct keys must sign.
    pub threshold: NonZeroU32,
    /// Members without a meaning to us.
    pub extra: Extra,
}

impl RoleKeys {
    /// These keys, and how many of them must sign.
    pub fn new(key_ids: Vec<KeyId>, threshold: NonZeroU32) -> Self {
        Self { key_ids, threshold, extra: Extra::default() }
    }

    /// One key, threshold 1.
    pub fn one(key: KeyId) -> Self {
        Self::new(vec![key], NonZeroU32::MIN)
    }
}

/// The keys that vouch for a role, and how many of them must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    keys: BTreeMap<KeyId, FiledKey>,
    threshold: NonZeroU32,
}

impl Authority {
    /// The key that signs under `id`; none when the role doesn't list it.
    pub fn key(&self, id: &KeyId) -> Option<&FiledKey> {
        self.keys.get(id)
    }

    /// The keys by their ids.
    pub fn keys(&self) -> impl Iterator<Item = (&KeyId, &FiledKey)> {
        self.keys.iter()
    }

    /// How many distinct keys must sign.
    pub const fn threshold(&self) -> NonZeroU32 {
        self.threshold
    }

    /// Whether the key with this canonical id belongs to the role.
    pub fn has_canonical(&self, canonical_id: &KeyId) -> bool {
        self.keys.values().any(|filed| filed.canonical_id == *canonical_id)
    }

    /// The same role with only those keys for which `keep` says yes.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&KeyId, &FiledKey) -> bool) -> Self {
        let keys = self.keys.iter().filter(|(id, filed)| keep(id, filed));
        Self {
            keys: keys.map(|(id, filed)| (id.clone(), filed.clone())).collect(),
            threshold: self.threshold,
        }
    }
}

/// Thresholds from the wire: 1 and more.
///
/// # Errors
/// The number is 0, negative, or above what 32 bits hold.
pub(crate) fn threshold(number: i64) -> Result<NonZeroU32, NameError> {
    u32::try_from(number)
        .ok()
        .and_then(NonZeroU32::new)
        .ok_or_else(|| NameError::new("threshold", &number.to_string(), "1 or more"))
}
