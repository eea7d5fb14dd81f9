//! What a client may ask a trust server for.

use super::{RoleName, Version};

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
    /// The newest: `root.json`.
    Latest,
    /// The one with this SHA-256: `targets/releases.<hex>.json`.
    Sha256([u8; 32]),
    /// The one with this version: `2.root.json`.
    Version(Version),
}

impl Resource {
    /// The newest file of a role.
    pub const fn latest(role: RoleName) -> Self {
        Self { role, form: Form::Latest }
    }

    /// The file's name below `/v2/<GUN>/_trust/tuf/` on a Notary server.
    pub fn notary_name(&self) -> String {
        let role = &self.role;
        match &self.form {
            Form::Latest => format!("{role}.json"),
            Form::Sha256(digest) => {
                format!("{role}.{}.json", data_encoding::HEXLOWER.encode(digest))
            }
            Form::Version(version) => format!("{version}.{role}.json"),
        }
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
    }
}
