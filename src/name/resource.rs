//! What a client may ask a Notary server or a TUF repository for (Notary v1; TUF specification 1.0.34
//! sections 3.1 and 6.1).

use std::borrow::Cow;

use super::{RoleName, Version, encode_segment};

/// One metadata file on a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Resource {
    /// Whose file.
    pub role: RoleName,
    /// Which of its files.
    pub form: Form,
}

/// Which of a role's files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// The newest: `timestamp.json`.
    Latest,
    /// The one with this SHA-256, which Notary asks for: `targets/releases.<hex>.json`.
    Sha256([u8; 32]),
    /// The one with this version, as both have roots and consistent snapshots of TUF 1.0 have all but the
    /// timestamp: `2.root.json`.
    Version(Version),
}

impl Resource {
    /// The newest file of a role.
    pub const fn latest(role: RoleName) -> Self {
        Self { role, form: Form::Latest }
    }

    /// The file's name below `/v2/<GUN>/_trust/tuf/` on a Notary server.
    pub fn notary_name(&self) -> String {
        // No Notary server has a role of another name; encoded, it leads nowhere either.
        let role = match self.role.is_notary() {
            true => Cow::Borrowed(self.role.as_str()),
            false => Cow::Owned(encode_segment(self.role.as_str())),
        };
        match &self.form {
            Form::Latest => format!("{role}.json"),
            Form::Sha256(digest) => {
                format!("{role}.{}.json", data_encoding::HEXLOWER.encode(digest))
            }
            Form::Version(version) => format!("{version}.{role}.json"),
        }
    }

    /// The file's name in a TUF 1.0 repository (specification 1.0.34 sections 3.1 and 6.1): one
    /// segment whatever the role is called, for all but letters, digits, `-`, `.`, `_` and `~` are
    /// percent-encoded. Files named by their digests are of older specifications; they keep the
    /// order of those, digest first.
    pub fn tuf_name(&self) -> String {
        let role = encode_segment(self.role.as_str());
        match &self.form {
            Form::Latest => format!("{role}.json"),
            Form::Sha256(digest) => {
                format!("{}.{role}.json", data_encoding::HEXLOWER.encode(digest))
            }
            Form::Version(version) => format!("{version}.{role}.json"),
        }
    }

    /// Whether this is a root of a certain version: how a client asks whether there is a newer one.
    #[cfg(any(feature = "http-blocking", feature = "http-async", feature = "rust-tuf"))]
    pub(crate) const fn is_versioned_root(&self) -> bool {
        matches!(self, Self { role: RoleName::Root, form: Form::Version(_) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_checksum_behind_and_the_version_before_the_role() {
        let role = RoleName::releases();
        assert_eq!(Resource::latest(role.clone()).notary_name(), "targets/releases.json");
        let pinned = Resource { role, form: Form::Sha256([0xab; 32]) };
        assert_eq!(pinned.notary_name(), format!("targets/releases.{}.json", "ab".repeat(32)));
        let second = Resource { role: RoleName::Root, form: Form::Version(Version::ONE.next().unwrap()) };
        assert_eq!(second.notary_name(), "2.root.json");
        assert_eq!(second.tuf_name(), "2.root.json");
    }

    #[test]
    fn pt_01_a_role_in_a_tuf_repository_is_one_segment() {
        let role = RoleName::releases();
        assert_eq!(Resource::latest(role.clone()).tuf_name(), "targets%2Freleases.json");
        let third = Resource { role, form: Form::Version(Version::new(3).unwrap()) };
        assert_eq!(third.tuf_name(), "3.targets%2Freleases.json");
        for role in [RoleName::Root, RoleName::Timestamp, RoleName::Snapshot, RoleName::Targets] {
            let what = Resource::latest(role);
            assert_eq!(what.tuf_name(), what.notary_name());
        }
    }
}
