//! Why a look-up has no answer.

use crate::{
    name::{Gun, RoleName},
    verify::VerifyError,
};

/// A name that is not signed, or not in a usable way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// No role that was asked signs the name.
    #[error("{gun}:{name} is not signed by {asked}{}", only_by(.only))]
    NotSigned {
        /// The collection.
        gun: Gun,
        /// The name.
        name: String,
        /// The roles that were asked.
        asked: String,
        /// A role that signs the name and was not asked.
        only: Option<RoleName>,
    },
    /// A role that was asked is published and unusable.
    #[error(transparent)]
    Unusable(VerifyError),
    /// The entry has no SHA-256, so it names no image.
    #[error("{name} in {role} has no SHA-256 digest")]
    NoDigest {
        /// The name.
        name: String,
        /// The role that signs it.
        role: RoleName,
    },
    /// Content is not what is signed.
    #[error("{name}: {what} {found}, signed is {expected}")]
    Mismatch {
        /// The name.
        name: String,
        /// What differs.
        what: &'static str,
        /// What is signed.
        expected: String,
        /// What came.
        found: String,
    },
}

impl LookupError {
    pub(super) fn not_signed(gun: &Gun, name: &str, asked: &[RoleName], only: Option<RoleName>) -> Self {
        let asked = asked.iter().map(RoleName::as_str).collect::<Vec<_>>().join(", ");
        Self::NotSigned { gun: gun.clone(), name: name.to_owned(), asked, only }
    }

    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSigned { .. } => "NOT_SIGNED",
            Self::Unusable(error) => error.code(),
            Self::NoDigest { .. } => "NO_DIGEST",
            Self::Mismatch { .. } => "CONTENT_MISMATCH",
        }
    }
}

fn only_by(only: &Option<RoleName>) -> String {
    only.as_ref().map_or_else(String::new, |role| format!(", only by {role}"))
}
