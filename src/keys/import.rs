//! Keys come in as PEM blocks and each is judged alone: one that can't be taken is reported, and
//! keeps no other out (KS-12). Headers are labels that nobody signed: they are checked against
//! their grammar and decide nothing else (KS-11).
//!
//! Notary v1's rules: a header goes before what the caller says, the caller before the default
//! `delegation`; keys for targets, snapshots and timestamps need a collection, others have none;
//! `path` ends in the id.

use super::{KeyError, KeyInfo, KeyRole, Passphrases, asking};
use crate::{
    crypto::{CryptoError, PemBlock, PrivateKey},
    name::{Gun, KeyId},
    wire::notary::canonical_id,
};
use std::fmt::Display;
use zeroize::Zeroizing;

const ROLE: &str = "role";
const GUN: &str = "gun";
const PATH: &str = "path";
/// Where Notary kept keys of collections before, and the `path` of its older exports still says.
const OLD_COLLECTIONS: &str = "tuf_keys/";
/// Iterations that the keys of one file may cost together, before they are opened: minutes. A file
/// of thousands of keys that ask for the most each would keep a machine busy for days (KS-07).
const MAX_ITERATIONS: u64 = 500_000_000;

/// How blocks are taken that don't say everything themselves.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// For blocks without a `role` header.
    pub role: Option<KeyRole>,
    /// For blocks without a `gun` header, when the role keeps one.
    pub gun: Option<Gun>,
    /// Whether a key that is there already is written anew, under its new labels and passphrase.
    /// It is opened first, so that only the same key can take its place.
    pub replace: bool,
}

impl ImportOptions {
    /// What the blocks themselves say; keys that are there already stay as they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the label of keys that have none.
    #[must_use]
    pub fn role(mut self, role: KeyRole) -> Self {
        self.role = Some(role);
        self
    }

    /// Sets the collection of keys that need one and name none.
    #[must_use]
    pub fn gun(mut self, gun: Gun) -> Self {
        self.gun = Some(gun);
        self
    }

    /// Sets whether keys that are there already are written anew.
    #[must_use]
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }
}

/// What became of a key that was taken.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It was opened, or had no passphrase, and is stored.
    Kept,
    /// It is stored as it came, encrypted and unopened: that it is the key whose id it bears is
    /// seen when it is first used.
    KeptUnopened,
    /// It was there already and was written anew.
    Replaced,
    /// It was there already under the same labels, and stayed as it was.
    AlreadyThere,
}

/// A block that was not taken.
#[non_exhaustive]
#[derive(Debug)]
pub struct SkippedBlock {
    /// Which block of the file, from 1.
    pub number: usize,
    /// Why.
    pub reason: KeyError,
}

/// What became of each block of a file.
#[non_exhaustive]
#[must_use]
#[derive(Debug, Default)]
pub struct ImportReport {
    /// The keys that the store has now, in the order of the file.
    pub imported: Vec<(KeyInfo, Imported)>,
    /// The blocks that were left out.
    pub skipped: Vec<SkippedBlock>,
}

impl ImportReport {
    /// The report, if it has a key at all.
    ///
    /// # Errors
    /// Why the first block was left out, or that there was none.
    pub fn some(self) -> Result<Self, KeyError> {
        if !self.imported.is_empty() {
            return Ok(self);
        }
        let first = self.skipped.into_iter().next().map(|block| block.reason);
        Err(first.unwrap_or_else(|| unreadable("no PEM block")))
    }

    /// The report, if no block was left out and there is at least one key.
    ///
    /// # Errors
    /// Why the first block was left out, or that there was none. The other keys are stored.
    pub fn all(mut self) -> Result<Self, KeyError> {
        if self.skipped.is_empty() { self.some() } else { Err(self.skipped.swap_remove(0).reason) }
    }
}

/// Takes each block of a text.
pub(super) fn each(
    text: &[u8],
    options: &ImportOptions,
    mut take: impl FnMut(Candidate) -> Result<(KeyInfo, Imported), KeyError>,
) -> ImportReport {
    let mut report = ImportReport::default();
    let mut left = MAX_ITERATIONS;
    for (block, number) in PemBlock::blocks(text).zip(1..) {
        let candidate = block.map_err(unreadable).and_then(|block| Candidate::new(block, options, &mut left));
        match candidate.and_then(&mut take) {
            Ok(imported) => report.imported.push(imported),
            Err(reason) => report.skipped.push(SkippedBlock { number, reason }),
        }
    }
    report
}

/// A private key that is to be imported, under checked labels.
pub(super) struct Candidate {
    pub(super) block: PemBlock,
    /// The id that the block says it has.
    pub(super) claimed: Option<KeyId>,
    pub(super) role: KeyRole,
    pub(super) gun: Option<Gun>,
}

/// A candidate that was opened.
pub(super) struct Unlocked {
    pub(super) key: PrivateKey,
    pub(super) info: KeyInfo,
    /// What opened it; `None` if it came unencrypted.
    pub(super) passphrase: Option<Zeroizing<String>>,
}

impl Candidate {
    /// Takes what opening the block may cost from what is left for the whole file.
    fn new(block: PemBlock, options: &ImportOptions, left: &mut u64) -> Result<Self, KeyError> {
        if !block.is_private_key() {
            return Err(KeyError::NotAPrivateKey { label: block.label.clone() });
        }
        let header = |name: &str| block.header(name).filter(|value| !value.is_empty());
        let (folders, file) = header(PATH).map(split_path).unwrap_or_default();
        let (id, old_role) = file.split_once('_').unwrap_or((file, ""));
        let old_role = Some(old_role).filter(|role| !role.is_empty());
        let role = match header(ROLE).or(old_role) {
            Some(role) => KeyRole::new(role).map_err(unreadable)?,
            None => options.role.clone().unwrap_or_else(KeyRole::delegation),
        };
        let old_gun = folders.strip_prefix(OLD_COLLECTIONS);
        let gun = match header(GUN).or(old_gun).filter(|_| role.keeps_gun()) {
            Some(gun) => Some(Gun::new(gun).map_err(unreadable)?),
            None => options.gun.clone().filter(|_| role.keeps_gun()),
        };
        if role.keeps_gun() && gun.is_none() {
            return Err(KeyError::NoGun { role });
        }
        let cost = block.check_encryption().map_err(unreadable)?;
        let claimed = KeyId::new(id).ok().filter(KeyId::is_sha256);
        if claimed.is_none() || options.replace {
            let spent = left.checked_sub(cost.into());
            *left = spent.ok_or_else(|| unreadable("the keys of this file ask for too many iterations"))?;
        }
        Ok(Self { block, claimed, role, gun })
    }

    /// The labels under the id that the block claims, if the key is encrypted: all that is needed
    /// to store it as it is.
    #[cfg(feature = "directory")]
    pub(super) fn unopened(&self) -> Option<KeyInfo> {
        let id = self.claimed.clone().filter(|_| self.block.is_encrypted_key())?;
        Some(KeyInfo::new(id, &self.role, self.gun.as_ref()))
    }

    /// Opens the key, whose own id counts.
    pub(super) fn unlock(&self, passphrases: &dyn Passphrases) -> Result<Unlocked, KeyError> {
        let subject = asking::Subject { id: self.claimed.as_ref(), role: &self.role };
        let (key, passphrase) = match PrivateKey::from_pem(&self.block, None) {
            Err(CryptoError::PassphraseNeeded) => {
                let (key, passphrase) =
                    asking::decrypt(passphrases, subject, &self.block)?.map_err(unreadable)?;
                (key, Some(passphrase))
            }
            read => (read.map_err(unreadable)?, None),
        };
        let found = canonical_id(key.public_key());
        match self.claimed.clone().filter(|id| *id != found) {
            Some(id) => Err(KeyError::IdMismatch { id, found }),
            None => {
                let info = KeyInfo::new(found, &self.role, self.gun.as_ref());
                Ok(Unlocked { key, info, passphrase })
            }
        }
    }
}

/// Puts labels into a block in the place of its own.
#[cfg(feature = "directory")]
pub(super) fn label(block: &mut PemBlock, info: &KeyInfo) {
    block.headers.retain(|(name, _)| ![ROLE, GUN, PATH].contains(&name.as_str()));
    block.headers.extend(info.gun.iter().map(|gun| (GUN.to_owned(), gun.as_str().to_owned())));
    block.headers.push((ROLE.to_owned(), info.role.as_str().to_owned()));
}

/// Marks a block with its id, as Notary's exports are.
pub(super) fn mark(block: &mut PemBlock, id: &KeyId) {
    block.headers.retain(|(name, _)| name != PATH);
    block.headers.push((PATH.to_owned(), id.to_string()));
}

/// What stands before the last `/`, and after it.
fn split_path(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn unreadable(reason: impl Display) -> KeyError {
    KeyError::Unreadable { reason: reason.to_string() }
}
