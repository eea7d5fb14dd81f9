//! So many of these signers.

use crate::name::SignerName;

/// "At least 2 of alice, bob and ci".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    at_least: usize,
    signers: Vec<SignerName>,
}

/// A demand that nobody could meet, or that anybody would.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at least {at_least} of {signers} different signers: expected 1 to {signers}")]
pub struct QuorumError {
    at_least: usize,
    signers: usize,
}

impl Quorum {
    /// At least so many of these; a name that is repeated counts once.
    ///
    /// # Errors
    /// `at_least` is zero, or more than there are different names.
    pub fn new(at_least: usize, signers: impl IntoIterator<Item = SignerName>) -> Result<Self, QuorumError> {
        let mut names: Vec<_> = signers.into_iter().collect();
        names.sort();
        names.dedup();
        if at_least == 0 || at_least > names.len() {
            return Err(QuorumError { at_least, signers: names.len() });
        }
        Ok(Self { at_least, signers: names })
    }

    /// How many must vouch.
    pub const fn at_least(&self) -> usize {
        self.at_least
    }

    /// Whose word counts, by name.
    pub fn signers(&self) -> &[SignerName] {
        &self.signers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_that_is_none_or_that_nobody_meets_is_refused() {
        let name = |text| SignerName::new(text).unwrap();
        assert!(Quorum::new(0, [name("alice")]).is_err());
        assert!(Quorum::new(1, []).is_err());
        assert!(Quorum::new(2, [name("alice"), name("alice")]).is_err());
        assert_eq!(
            Quorum::new(2, [name("bob"), name("alice")]).unwrap().signers(),
            [name("alice"), name("bob")]
        );
    }
}
