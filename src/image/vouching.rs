//! Which signers vouch for a content, and how many of them count.
//!
//! A signer counts only through his own role `targets/<name>`, whose file was verified with that
//! role's threshold, for the same tag and the same content. As many distinct keys as signers must
//! have signed: one key in two roles is one signer (Notary v1 lets roles share keys).

use std::collections::BTreeSet;

use super::{PolicyError, Quorum, policy::same_content};
use crate::{
    crypto::KeyMaterial,
    metadata::Authority,
    name::{RoleName, SignerName},
    verify::Verified,
    view::{LookupError, SignedTarget, View},
};

/// One content under one tag, and those who may vouch for it.
#[derive(Debug)]
pub(super) struct Vouching<'a> {
    view: &'a View,
    target: &'a SignedTarget,
}

impl<'a> Vouching<'a> {
    pub(super) const fn new(view: &'a View, target: &'a SignedTarget) -> Self {
        Self { view, target }
    }

    /// Every signer of the collection who vouches for it, by name.
    pub(super) fn all(&self) -> Vec<String> {
        let signers = self.view.signers().into_iter().map(|signer| signer.name);
        let vouches = |name: &String| SignerName::new(name).is_ok_and(|name| self.word_of(&name).is_ok());
        signers.filter(vouches).collect()
    }

    /// Whether enough of them do.
    pub(super) fn check(&self, quorum: &Quorum, digest: &str) -> Result<(), PolicyError> {
        let words: Vec<_> = quorum.signers().iter().map(|name| (name, self.word_of(name))).collect();
        let vouching: Vec<_> = words.iter().filter(|(_, word)| word.is_ok()).map(|(name, _)| *name).collect();
        let keys: Vec<_> = vouching.iter().map(|name| self.keys_behind(&name.role())).collect();
        let counted = with_a_key_each(&keys);
        if counted >= quorum.at_least() {
            return Ok(());
        }
        let mut found: Vec<_> = words
            .iter()
            .map(|(name, word)| format!("{name} {}", word.as_ref().err().map_or("vouches", String::as_str)))
            .collect();
        if counted < vouching.len() {
            found.push(format!("the same keys are behind these: they count as {counted}"));
        }
        Err(PolicyError::Signers {
            gun: self.view.gun().clone(),
            tag: self.target.name().to_owned(),
            digest: digest.to_owned(),
            at_least: quorum.at_least(),
            signers: quorum.signers().iter().map(ToString::to_string).collect(),
            counted,
            found: found.into(),
        })
    }

    /// Whether a signer vouches, and what is found if he doesn't.
    fn word_of(&self, name: &SignerName) -> Result<(), String> {
        let role = name.role();
        if self.view.trusted().authority(&role).is_none() {
            return Err("is no signer of it".to_owned());
        }
        match self.view.target_from(self.target.name(), std::slice::from_ref(&role)) {
            Ok(found) if same_content(&found, self.target) => Ok(()),
            Ok(found) => Err(format!("signs {}", content(&found))),
            Err(LookupError::NotSigned { .. }) => Err("does not sign the tag".to_owned()),
            Err(error) => Err(format!("can't be asked ({error})")),
        }
    }

    /// The keys that have signed a role's file. Their material counts, not their ids: one key may
    /// be published in two forms.
    fn keys_behind(&self, role: &RoleName) -> BTreeSet<KeyMaterial> {
        let set = self.view.trusted();
        let signed = set.targets_of(role).map_or(&[][..], Verified::signers);
        let authority = set.authority(role);
        let keys = authority.iter().flat_map(Authority::keys);
        let signing = keys.filter(|(_, filed)| signed.contains(&filed.canonical_id));
        signing.filter_map(|(_, filed)| filed.key.material().ok().cloned()).collect()
    }
}

/// A digest and a length, for messages.
pub(super) fn content(target: &SignedTarget) -> String {
    let digest = target.image_digest().unwrap_or_else(|_| "no SHA-256 digest".to_owned());
    format!("{digest} ({} bytes)", target.length())
}

/// To how many of the signers a key of their own can be given (a maximum matching, by augmenting
/// paths), so that the order of signers makes no difference.
fn with_a_key_each(keys: &[BTreeSet<KeyMaterial>]) -> usize {
    let all: BTreeSet<_> = keys.iter().flatten().collect();
    let edges: Vec<Vec<usize>> = keys
        .iter()
        .map(|own| all.iter().enumerate().filter(|(_, key)| own.contains(**key)).map(|(at, _)| at).collect())
        .collect();
    let mut owners = vec![None; all.len()];
    (0..edges.len()).filter(|signer| give(*signer, &edges, &mut owners, &mut BTreeSet::new())).count()
}

/// Gives a signer a key that is free, or that its owner can do without.
fn give(
    signer: usize,
    edges: &[Vec<usize>],
    owners: &mut [Option<usize>],
    tried: &mut BTreeSet<usize>,
) -> bool {
    for key in edges.get(signer).into_iter().flatten() {
        if !tried.insert(*key) {
            continue;
        }
        let owner = owners.get(*key).copied().flatten();
        if owner.is_none_or(|owner| give(owner, edges, owners, tried)) {
            if let Some(place) = owners.get_mut(*key) {
                *place = Some(signer);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{KeyKind, PublicKey};

    fn keys(sets: &[BTreeSet<u8>]) -> Vec<BTreeSet<KeyMaterial>> {
        let key = |number: &u8| {
            let seed = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[*number; 32]).unwrap();
            let public = ring::signature::KeyPair::public_key(&seed).as_ref().to_vec();
            KeyMaterial::clone(PublicKey::new(KeyKind::Ed25519, public).material().unwrap())
        };
        sets.iter().map(|set| set.iter().map(key).collect()).collect()
    }

    /// The largest number of signers who can have a key each: all choices are tried.
    fn by_trial(sets: &[BTreeSet<u8>], used: &BTreeSet<u8>) -> usize {
        let Some((first, rest)) = sets.split_first() else { return 0 };
        let with = first.difference(used).map(|key| {
            let mut used = used.clone();
            used.insert(*key);
            1 + by_trial(rest, &used)
        });
        with.max().unwrap_or(0).max(by_trial(rest, used))
    }

    #[test]
    fn one_key_is_one_signer() {
        let count = |sets: &[&[u8]]| {
            let sets: Vec<_> = sets.iter().map(|set| set.iter().copied().collect()).collect();
            with_a_key_each(&keys(&sets))
        };
        assert_eq!(count(&[&[1], &[1], &[1]]), 1);
        assert_eq!(count(&[&[1, 2], &[1]]), 2);
        assert_eq!(count(&[&[1], &[1, 2]]), 2);
        assert_eq!(count(&[&[], &[1]]), 1);
        assert_eq!(count(&[]), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn as_many_signers_count_as_can_have_a_key_each(
            sets in proptest::collection::vec(proptest::collection::btree_set(0_u8..5, 0..4), 0..5),
        ) {
            let counted = with_a_key_each(&keys(&sets));
            prop_assert_eq!(counted, by_trial(&sets, &BTreeSet::new()));
            let mut turned = sets.clone();
            turned.reverse();
            prop_assert_eq!(counted, with_a_key_each(&keys(&turned)));
        }
    }
}
