//! What an image must be signed by, and what it is pinned to then.
//!
//! The rule is Docker's where nothing else is said (Notary v1, Docker Content Trust): the first of
//! `targets/releases` and `targets` that signs a tag decides what it means. A policy narrows that:
//! other roles, roles that must all sign, signers of whom so many must vouch for the very content.
//! Whatever is required and missing is an error, and nothing else is asked in its place.

use std::collections::BTreeSet;

use super::{PolicyError, Quorum, Reference, reference::is_tag, vouching::Vouching};
use crate::{
    name::{Gun, RoleName},
    view::{LookupError, SignedTarget, View},
};

/// What an image must be signed by. Judging takes a verified [`View`] and nothing else.
///
/// ```
/// use tuf_notary::{image::{Policy, Quorum, Reference}, name::{RoleName, SignerName}};
/// # use tuf_notary::{Collection, Trust, testkit::{Forge, ForgeKey, TrustServer}, view::Freshness};
/// # let (mut forge, alice) = (Forge::new("example.com/app"), [ForgeKey::ecdsa()]);
/// # for role in ["targets/alice", "targets/releases"] {
/// #     forge.delegate("targets", role, &alice, 1, &[""]);
/// #     forge.add_tag(role, "v1", 1, 528);
/// # }
/// # let server = TrustServer::new();
/// # server.serve(&forge.build());
/// let signers = Quorum::new(1, [SignerName::new("alice")?, SignerName::new("ci")?])?;
/// let policy = Policy::docker().require_role(RoleName::releases()).require_signers(signers);
///
/// let image = Reference::parse("example.com/app:v1")?;
/// # let view = Collection::builder(image.gun().clone(), Trust::FirstUse).transport(server.transport(image.gun()))
/// #     .freshness(Freshness::AsOf(Forge::now())).build().refresh()?;
/// let pinned = policy.judge(&view, &image)?;
/// assert_eq!(pinned.reference.to_string(), format!("example.com/app@sha256:{}", "01".repeat(32)));
/// assert_eq!((pinned.length, pinned.signers), (528, vec!["alice".to_owned()]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    accepted: Option<Vec<RoleName>>,
    required: Vec<RoleName>,
    quorums: Vec<Quorum>,
}

/// An image by its content, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinnedImage {
    /// The image under the name that was asked for, by digest and without a tag.
    pub reference: Reference,
    /// The tag under which the digest is signed.
    pub tag: String,
    /// The digest: `sha256:` and 64 hex digits.
    pub digest: String,
    /// Size of the image's manifest in bytes.
    pub length: u64,
    /// The role that decided.
    pub role: RoleName,
    /// The signers who vouch for this content under this tag, each through his own role.
    pub signers: Vec<String>,
}

impl Policy {
    /// Docker's own rule: `targets/releases`, and `targets` for what it does not sign. Whoever holds
    /// the key of either can sign alone.
    pub const fn docker() -> Self {
        Self { accepted: None, required: Vec::new(), quorums: Vec::new() }
    }

    /// Asks these roles, and no others: the first that signs a tag decides. An empty list accepts
    /// nothing.
    pub fn accept_roles(mut self, roles: impl IntoIterator<Item = RoleName>) -> Self {
        self.accepted = Some(roles.into_iter().collect());
        self
    }

    /// This role must sign the tag too, with the same content. Unless
    /// [`accept_roles`](Self::accept_roles) says otherwise, required roles are the only ones that
    /// are asked: nothing falls back to `targets`.
    pub fn require_role(mut self, role: RoleName) -> Self {
        self.required.push(role);
        self
    }

    /// So many of these signers must vouch for the content. Several such demands all hold.
    pub fn require_signers(mut self, quorum: Quorum) -> Self {
        self.quorums.push(quorum);
        self
    }

    /// What `image` is pinned to, as its own collection says.
    ///
    /// A tag means what an accepted role signs under it; no tag and no digest mean `latest`. A
    /// digest is accepted only where an accepted role signs it: under the tag if there is one,
    /// else under any tag. All other demands are judged for that same tag.
    ///
    /// # Errors
    /// The view is of another collection, or what is required is not what is found.
    pub fn judge(&self, view: &View, image: &Reference) -> Result<PinnedImage, PolicyError> {
        self.judge_as(view, image, image.gun())
    }

    /// The same with the collection that signs the image, where a mirror has another name.
    pub(super) fn judge_as(
        &self,
        view: &View,
        image: &Reference,
        gun: &Gun,
    ) -> Result<PinnedImage, PolicyError> {
        if view.gun() != gun {
            return Err(PolicyError::WrongCollection { expected: gun.clone(), found: view.gun().clone() });
        }
        match (image.tag(), image.digest()) {
            (None, Some(digest)) => self.by_digest(view, image, digest),
            (tag, None) => self.by_tag(view, image, tag.unwrap_or("latest")),
            (Some(tag), Some(asked)) => {
                let pinned = self.by_tag(view, image, tag)?;
                if pinned.digest == asked {
                    Ok(pinned)
                } else {
                    Err(PolicyError::other_digest(image, &pinned))
                }
            }
        }
    }

    fn by_tag(&self, view: &View, image: &Reference, tag: &str) -> Result<PinnedImage, PolicyError> {
        let ask = |role: &RoleName| {
            let found = view.target_from(tag, std::slice::from_ref(role));
            found.map_err(|source| PolicyError::required(role, tag, source))
        };
        let required = self.required.iter().map(ask).collect::<Result<Vec<_>, _>>()?;
        let target = match required.first() {
            Some(first) if self.accepted.is_none() => first.clone(),
            _ => view.target_from(tag, &self.accepted())?,
        };
        if let Some(other) = required.iter().find(|found| !same_content(found, &target)) {
            return Err(PolicyError::disagreement(&target, other));
        }
        let digest = target.image_digest()?;
        let vouching = Vouching::new(view, &target);
        self.quorums.iter().try_for_each(|quorum| vouching.check(quorum, &digest))?;
        Ok(PinnedImage {
            reference: image.pinned(&digest),
            tag: tag.to_owned(),
            length: target.length(),
            role: target.role().clone(),
            signers: vouching.all(),
            digest,
        })
    }

    /// Signed for this content under any tag, all demands held for that tag. The first reason is
    /// given when no tag will do.
    fn by_digest(&self, view: &View, image: &Reference, digest: &str) -> Result<PinnedImage, PolicyError> {
        let mut reason = None;
        for tag in self.tags_of(view, digest)? {
            match self.by_tag(view, image, &tag) {
                Ok(pinned) if pinned.digest == digest => return Ok(pinned),
                // A role that is asked earlier gives the tag another meaning.
                Ok(_) => {}
                Err(error) => reason = reason.or(Some(error)),
            }
        }
        Err(reason.unwrap_or_else(|| PolicyError::unsigned_digest(view.gun(), digest, &self.accepted())))
    }

    /// The tags under which one of the accepted roles lists a digest.
    fn tags_of(&self, view: &View, digest: &str) -> Result<BTreeSet<String>, PolicyError> {
        let accepted = self.accepted();
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        let wanted = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap_or_default();
        let mut tags = BTreeSet::new();
        for role in &accepted {
            let others: Vec<_> = accepted.iter().filter(|other| *other != role).cloned().collect();
            let visits = view.trusted().walk(role, &others).map_err(LookupError::Unusable)?;
            for visit in visits.iter().filter(|visit| accepted.contains(&visit.role)) {
                let entries = visit.targets.targets.iter();
                let listed = entries.filter(|it| it.hashes.sha256.is_some_and(|sha256| wanted == sha256));
                let granted = listed.filter(|entry| visit.paths.grants(entry.name) && is_tag(entry.name));
                tags.extend(granted.map(|entry| entry.name.to_owned()));
            }
        }
        Ok(tags)
    }

    fn accepted(&self) -> Vec<RoleName> {
        match &self.accepted {
            Some(roles) => roles.clone(),
            None if self.required.is_empty() => vec![RoleName::releases(), RoleName::Targets],
            None => self.required.clone(),
        }
    }
}

/// The same bytes: digests that both list agree, and so do the lengths.
pub(super) fn same_content(a: &SignedTarget, b: &SignedTarget) -> bool {
    let agree = match (a.hashes().sha512, b.hashes().sha512) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    agree && a.hashes().sha256.is_some() && a.hashes().sha256 == b.hashes().sha256 && a.length() == b.length()
}

#[cfg(test)]
mod tests;
