//! What Docker tells about an image: its signed tags, who vouches for them, whose keys rule.
//!
//! A tag is listed when `targets/releases` or `targets` signs it (Notary v1, Docker Content Trust),
//! even where `targets/releases` signs something else under the same name and wins.

use super::natural::natural;
use crate::{
    name::{KeyId, RoleName},
    view::{LookupError, RoleKey, SignedTarget, SignerInfo, View},
};

/// Trust in an image, as `docker trust inspect` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageTrust {
    /// The signed tags, in Docker's order.
    pub tags: Vec<SignedTag>,
    /// Who may sign, by name.
    pub signers: Vec<SignerInfo>,
    /// The root keys: ids as published, which cover the certificate.
    pub root_keys: Vec<KeyId>,
    /// The keys of `targets`, Docker's repository keys: canonical ids.
    pub repository_keys: Vec<KeyId>,
}

/// A tag and a digest that it is signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedTag {
    /// The tag.
    pub name: String,
    /// The digest: `sha256:` and 64 hex digits.
    pub digest: String,
    /// Size of the image's manifest in bytes.
    pub size: u64,
    /// The signers who vouch for this digest; none when the repository's own key alone does.
    pub signers: Vec<String>,
}

impl ImageTrust {
    /// Collects what a verified view holds about all tags, or about one. Entries without SHA-256
    /// name no image and are left out.
    ///
    /// # Errors
    /// `targets/releases` is published and unusable.
    pub fn new(view: &View, tag: Option<&str>) -> Result<Self, LookupError> {
        let mut targets = view.targets()?;
        let same = |a: &SignedTarget, b: &SignedTarget| a.name() == b.name() && a.hashes() == b.hashes();
        let mut hidden = view.targets_from(&[RoleName::Targets])?;
        hidden.retain(|it| !targets.iter().any(|released| same(it, released)));
        targets.extend(hidden);
        targets.retain(|target| tag.is_none_or(|tag| target.name() == tag));
        targets.sort_by(|a, b| natural(a.name().as_bytes(), b.name().as_bytes()));
        let signed = |target: &SignedTarget| {
            Some(SignedTag {
                name: target.name().to_owned(),
                digest: target.image_digest().ok()?,
                size: target.length(),
                signers: view.signers_of(target),
            })
        };
        let keys = |role: RoleName| -> Vec<RoleKey> {
            view.roles().into_iter().filter(|status| status.role == role).flat_map(|it| it.keys).collect()
        };
        Ok(Self {
            tags: targets.iter().filter_map(signed).collect(),
            signers: view.signers(),
            root_keys: keys(RoleName::Root).into_iter().map(|key| key.id).collect(),
            repository_keys: keys(RoleName::Targets).into_iter().map(|key| key.canonical_id).collect(),
        })
    }
}
