//! Pins for many collections, and which of them decides.
//!
//! | rank | entry | applies to |
//! |---|---|---|
//! | 1 | certificates for exactly this GUN | that GUN |
//! | 2 | certificates for `prefix*`, longest prefix first | GUNs that begin with the prefix |
//! | 3 | authority for a prefix, longest first | GUNs below it, whole path components only |
//! | 4 | first use, where allowed | all others |
//! | 5 | nothing | refused |
//!
//! The first that applies decides; there is no fall-through, so an empty list refuses. Names are
//! compared without regard to case: a pin binds `reg.example/App` too when a configuration tool
//! has lower-cased it, instead of leaving that collection to first use.

use std::collections::BTreeMap;

use super::{Trust, VerifyError};
use crate::{
    crypto::Certificate,
    name::{Gun, KeyId},
};

/// Pins by GUN. What [`Trust`] is for one collection, this is for all of them.
///
/// ```
/// use tuf_notary::{Gun, Trust, verify::Pinning};
/// let id = "7810aa6d77eacb3f7fe6632d41149f4479b6d3c070ee299ca1987c643924415c".parse()?;
/// let pinning = Pinning::new().certificates("registry.example.com/team/*", vec![id]);
/// assert!(matches!(pinning.trust_for(&Gun::new("registry.example.com/team/app")?)?, Trust::Certificates(_)));
/// assert!(pinning.trust_for(&Gun::new("elsewhere.example.com/app")?).is_err()); // no first use, unless allowed
/// # Ok::<(), tuf_notary::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Pinning {
    certificates: BTreeMap<String, Vec<KeyId>>,
    authorities: BTreeMap<String, Vec<Certificate>>,
    first_use: bool,
}

impl Pinning {
    /// No pins, and no trust on first use: everything is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins a GUN, or all that begin with the text before a final `*`, to keys.
    #[must_use]
    pub fn certificates(mut self, pattern: &str, ids: Vec<KeyId>) -> Self {
        self.certificates.insert(pattern.to_ascii_lowercase(), ids);
        self
    }

    /// Pins all GUNs below a prefix to authorities. `""` is every GUN.
    #[must_use]
    pub fn authority(mut self, prefix: &str, authorities: Vec<Certificate>) -> Self {
        self.authorities.insert(prefix.trim_end_matches('/').to_ascii_lowercase(), authorities);
        self
    }

    /// Trusts on first use where no pin applies.
    #[must_use]
    pub const fn or_first_use(mut self) -> Self {
        self.first_use = true;
        self
    }

    /// What applies to one collection.
    ///
    /// # Errors
    /// [`VerifyError::PinInvalid`] when no pin applies and first use is not allowed.
    pub fn trust_for(&self, gun: &Gun) -> Result<Trust, VerifyError> {
        let name = gun.as_str().to_ascii_lowercase();
        let exact = self.certificates.get(&name);
        if let Some(ids) = exact.or_else(|| longest(&self.certificates, |pattern| wildcard(pattern, &name))) {
            return Ok(Trust::Certificates(ids.clone()));
        }
        if let Some(authorities) = longest(&self.authorities, |prefix| is_below(prefix, &name)) {
            return Ok(Trust::Authority(authorities.clone()));
        }
        if self.first_use {
            return Ok(Trust::FirstUse);
        }
        let reason = "no pin applies, and trust on first use is off".to_owned();
        Err(VerifyError::PinInvalid { gun: gun.clone(), reason })
    }
}

fn longest<V>(pins: &BTreeMap<String, V>, applies: impl Fn(&str) -> bool) -> Option<&V> {
    let applying = pins.iter().filter(|(pattern, _)| applies(pattern));
    applying.max_by_key(|(pattern, _)| pattern.len()).map(|(_, pin)| pin)
}

/// A `*` counts at the very end only; elsewhere it is a character like any other.
fn wildcard(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|prefix| name.starts_with(prefix))
}

fn is_below(prefix: &str, name: &str) -> bool {
    prefix.is_empty()
        || name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> KeyId {
        KeyId::from_digest(&[byte; 32])
    }

    fn pinned(pinning: &Pinning, gun: &str) -> Option<KeyId> {
        match pinning.trust_for(&Gun::new(gun).unwrap()).unwrap() {
            Trust::Certificates(ids) => ids.first().cloned(),
            _ => None,
        }
    }

    #[test]
    fn tp_05_exact_beats_wildcard_and_the_longest_wildcard_wins() {
        let pinning = Pinning::new()
            .certificates("docker.io/lib*", vec![id(1)])
            .certificates("docker.io/library/a*", vec![id(2)])
            .certificates("docker.io/library/alpine", vec![id(3)])
            .certificates("docker.io/*/x", vec![id(4)])
            .or_first_use();
        assert_eq!(pinned(&pinning, "docker.io/library/alpine"), Some(id(3)));
        assert_eq!(pinned(&pinning, "docker.io/library/apache"), Some(id(2)));
        assert_eq!(pinned(&pinning, "docker.io/library/nginx"), Some(id(1)));
        assert_eq!(pinned(&pinning, "docker.io/any/x"), None, "a star elsewhere is literal");
    }

    #[test]
    fn tp_03_an_authority_covers_whole_path_components_only() {
        let pinning = Pinning::new().authority("docker.io/library/", Vec::new()).or_first_use();
        let trust = |gun| pinning.trust_for(&Gun::new(gun).unwrap()).unwrap();
        assert!(matches!(trust("docker.io/library/alpine"), Trust::Authority(_)));
        assert!(matches!(trust("docker.io/library"), Trust::Authority(_)));
        assert!(matches!(trust("docker.io/library-evil/x"), Trust::FirstUse));
    }

    #[test]
    fn tp_04_the_longest_authority_prefix_wins() {
        let ca = Vec::new();
        let pinning =
            Pinning::new().authority("", ca.clone()).authority("a/b", ca).certificates("a/b/c", vec![id(1)]);
        assert!(matches!(pinning.trust_for(&Gun::new("a/b/d").unwrap()), Ok(Trust::Authority(_))));
        assert_eq!(pinned(&pinning, "a/b/c"), Some(id(1)), "certificates before authorities");
    }

    #[test]
    fn tp_10_a_pin_binds_whatever_the_case_of_the_gun() {
        let pinning = Pinning::new().certificates("reg.example/app", vec![id(1)]).or_first_use();
        assert_eq!(pinned(&pinning, "reg.Example/App"), Some(id(1)));
        let pinning = Pinning::new().certificates("reg.Example/App", vec![id(1)]).or_first_use();
        assert_eq!(pinned(&pinning, "reg.Example/App"), Some(id(1)));
    }

    #[test]
    fn tp_01_without_a_pin_and_without_first_use_everything_is_refused() {
        let error = Pinning::new().trust_for(&Gun::new("a/b").unwrap()).unwrap_err();
        assert_eq!(error.code(), "PIN_INVALID");
    }
}
