//! Why an image is not what a policy requires.

use super::{PinnedImage, Reference, vouching::content};
use crate::{
    name::{Gun, RoleName},
    view::{LookupError, SignedTarget},
};

/// What was required, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// No accepted role signs the tag, or one that is asked can't be used.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A role that must sign the tag does not, or can't be used.
    #[error("{role} must sign {tag}: {source}")]
    Role {
        /// The role.
        role: RoleName,
        /// The tag.
        tag: String,
        /// What was found.
        source: Box<LookupError>,
    },
    /// A role that must sign the same content signs something else.
    #[error("{role} must sign {tag} as {other} does: expected {expected}, found {found}")]
    Disagreement {
        /// The role that must agree.
        role: RoleName,
        /// The tag.
        tag: String,
        /// The role that decides.
        other: RoleName,
        /// What that one signs.
        expected: String,
        /// What the role signs.
        found: String,
    },
    /// Not enough signers vouch for the content.
    #[error(
        "{gun}:{tag} ({digest}) needs {at_least} of the signers {}, has {counted}: {}",
        .signers.join(", "),
        .found.join("; ")
    )]
    Signers {
        /// The collection.
        gun: Gun,
        /// The tag.
        tag: String,
        /// The digest that the tag means.
        digest: String,
        /// How many must vouch.
        at_least: usize,
        /// Whose word counts.
        signers: Box<[String]>,
        /// How many count.
        counted: usize,
        /// What was found of each.
        found: Box<[String]>,
    },
    /// No accepted role signs the digest under any tag.
    #[error("{gun}@{digest} is not signed under any tag by {asked}")]
    UnsignedDigest {
        /// The collection.
        gun: Gun,
        /// The digest.
        digest: String,
        /// The roles that were asked.
        asked: String,
    },
    /// The tag is signed for another digest than the one that is asked for.
    #[error("{image} is signed for another digest by {role}: expected {asked}, found {signed}")]
    OtherDigest {
        /// The image as asked for.
        image: String,
        /// The role that decided.
        role: RoleName,
        /// The digest that was asked for.
        asked: String,
        /// The digest that is signed.
        signed: String,
    },
    /// The view is of a collection that does not sign this image.
    #[error("{found} does not sign this image, expected {expected}")]
    WrongCollection {
        /// The collection that signs the image.
        expected: Gun,
        /// The collection that was asked.
        found: Gun,
    },
}

impl PolicyError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lookup(error) => error.code(),
            Self::Role { source, .. } => match &**source {
                LookupError::NotSigned { .. } => "ROLE_REQUIRED",
                error => error.code(),
            },
            Self::Disagreement { .. } => "ROLES_DISAGREE",
            Self::Signers { .. } => "SIGNERS_REQUIRED",
            Self::UnsignedDigest { .. } => "DIGEST_NOT_SIGNED",
            Self::OtherDigest { .. } => "OTHER_DIGEST",
            Self::WrongCollection { .. } => "WRONG_COLLECTION",
        }
    }

    /// Whether the answer is that nobody whose word counts signs the image. Too few signers are
    /// another matter: the image is signed.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Lookup(error) => matches!(error, LookupError::NotSigned { .. }),
            Self::Role { source, .. } => matches!(**source, LookupError::NotSigned { .. }),
            Self::UnsignedDigest { .. } => true,
            _ => false,
        }
    }

    pub(super) fn required(role: &RoleName, tag: &str, source: LookupError) -> Self {
        Self::Role { role: role.clone(), tag: tag.to_owned(), source: Box::new(source) }
    }

    pub(super) fn disagreement(expected: &SignedTarget, found: &SignedTarget) -> Self {
        Self::Disagreement {
            role: found.role().clone(),
            tag: found.name().to_owned(),
            other: expected.role().clone(),
            expected: content(expected),
            found: content(found),
        }
    }

    pub(super) fn unsigned_digest(gun: &Gun, digest: &str, asked: &[RoleName]) -> Self {
        let asked = asked.iter().map(RoleName::as_str).collect::<Vec<_>>().join(", ");
        Self::UnsignedDigest { gun: gun.clone(), digest: digest.to_owned(), asked }
    }

    pub(super) fn other_digest(image: &Reference, pinned: &PinnedImage) -> Self {
        Self::OtherDigest {
            image: image.to_string(),
            role: pinned.role.clone(),
            asked: image.digest().unwrap_or_default().to_owned(),
            signed: pinned.digest.clone(),
        }
    }
}
