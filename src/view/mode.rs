//! The names of the freshness modes, as options and configuration files spell them.

use std::str::FromStr;

use super::Freshness;
use crate::name::NameError;

impl FromStr for Freshness {
    type Err = NameError;

    /// Reads `online`, `prefer-cache` or `offline`. [`AsOf`](Self::AsOf) has no name: its time is
    /// given where it is asked for.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "online" => Ok(Self::Online),
            "prefer-cache" => Ok(Self::PreferCache),
            "offline" => Ok(Self::Offline),
            _ => Err(NameError::new("freshness mode", text, "online, prefer-cache or offline")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_exactly_one_spelling() {
        assert_eq!("online".parse(), Ok(Freshness::Online));
        assert_eq!("prefer-cache".parse(), Ok(Freshness::PreferCache));
        assert_eq!("offline".parse(), Ok(Freshness::Offline));
        for text in ["", "Online", "prefer_cache", "as-of", "none", " offline"] {
            assert!(text.parse::<Freshness>().is_err(), "{text:?}");
        }
    }
}
