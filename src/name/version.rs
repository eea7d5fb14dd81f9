//! Metadata versions: integers above 0 (Notary v1; TUF specification 1.0.34 section 4.3), bounded so that
//! each is exact in every reader.

use std::{fmt, num::NonZeroU64};

use super::NameError;

/// The version of a metadata file: 1 to 2⁵³.
///
/// Notary and many JSON readers compute in IEEE doubles, so a higher one never verifies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// The first version.
    pub const ONE: Self = Self(NonZeroU64::MIN);
    pub(crate) const HIGHEST: u64 = 1 << 53;
    /// The highest version.
    pub const MAX: Self = match NonZeroU64::new(Self::HIGHEST) {
        Some(max) => Self(max),
        None => Self::ONE,
    };

    /// Checks and takes a version.
    ///
    /// # Errors
    /// The number is 0 or above 2⁵³.
    pub fn new(number: u64) -> Result<Self, NameError> {
        NonZeroU64::new(number)
            .map(Self)
            .filter(|version| *version <= Self::MAX)
            .ok_or_else(|| NameError::new("version", &number.to_string(), "1 to 2^53"))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The version after this one; none after the highest.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self).filter(|version| *version <= Self::MAX)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pd_03_versions_outside_the_range_are_refused() {
        for number in [0, (1 << 53) + 1, 1 << 63, u64::MAX] {
            assert!(Version::new(number).is_err(), "{number}");
        }
        assert_eq!(Version::MAX.next(), None, "never wraps, never saturates");
        assert_eq!(Version::ONE.next(), Version::new(2).ok());
    }
}
