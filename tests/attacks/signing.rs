//! One trial for every verifier: a role gets these keys, and these sign its file.

use tuf_notary::{name::RoleName, testkit::ForgeKey, verify::DelegatedTargets};

use crate::lab::{GUN, Lab};

/// A role of each way to be trusted: by itself, by the root, by another role.
pub const ROLES: [&str; 5] = ["root", "timestamp", "snapshot", "targets", "targets/a"];

/// What a role's parent lists, and who signs.
#[derive(Clone, Debug)]
pub struct Trial {
    pub role: &'static str,
    pub listed: Vec<ForgeKey>,
    pub threshold: u32,
    pub signers: Vec<ForgeKey>,
}

/// A new key that may sign for `role`: root keys need a certificate.
pub fn key(role: &str) -> ForgeKey {
    if role == "root" { ForgeKey::certificate(GUN) } else { ForgeKey::ecdsa() }
}

/// A client that trusts a repository with the delegation `targets/a`.
pub fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.forge.delegate("targets", "targets/a", &[ForgeKey::ecdsa()], 1, &[""]);
    lab.serve();
    lab.refresh().expect("a correct repository is trusted");
    lab
}

impl Trial {
    pub fn new(role: &'static str, listed: &[&ForgeKey], threshold: u32, signers: &[&ForgeKey]) -> Self {
        let owned = |keys: &[&ForgeKey]| keys.iter().map(|key| (*key).clone()).collect();
        Self { role, listed: owned(listed), threshold, signers: owned(signers) }
    }

    /// A new version of the repository; the change of keys is signed by the keys before.
    fn publish(&self, lab: &mut Lab) {
        let forge = &mut lab.forge;
        let mut signers = Vec::new();
        match self.role {
            "root" => {
                signers = forge.keys("root").clone();
                forge.rotate_root(&self.listed, self.threshold);
            }
            "targets/a" => {
                forge.list_keys(self.role, &self.listed, self.threshold);
                forge.bump("targets");
                forge.bump(self.role);
            }
            role => forge.rotate(role, &self.listed, self.threshold),
        }
        signers.extend(self.signers.iter().cloned());
        *forge.keys(self.role) = signers;
        lab.serve();
    }

    /// The reason for which the role's file is not trusted.
    pub fn verdict(&self, lab: &mut Lab) -> Result<(), &'static str> {
        self.publish(lab);
        let view = lab.refresh().map_err(|error| error.code())?;
        match view.trusted().delegated().get(&RoleName::new(self.role).unwrap()) {
            Some(DelegatedTargets::Unusable(reason)) => Err(reason.code()),
            _ => Ok(()),
        }
    }

    #[track_caller]
    pub fn accepted(&self) {
        assert_eq!(self.verdict(&mut lab()), Ok(()), "{}", self.role);
    }

    /// Too few keys have signed. The file before stays, and the next good one is trusted.
    #[track_caller]
    pub fn refused(&self) {
        let mut lab = lab();
        let mut healthy = lab.forge.clone();
        let before = lab.kept(self.role);
        assert_eq!(self.verdict(&mut lab), Err("THRESHOLD"), "{}", self.role);
        assert_eq!(lab.kept(self.role), before, "{} changed in the cache", self.role);
        if self.role != "root" {
            healthy = lab.forge.clone();
        }
        lab.forge = healthy;
        let good = key(self.role);
        let rescue = Self::new(self.role, &[&good], 1, &[&good]);
        assert_eq!(rescue.verdict(&mut lab), Ok(()), "{} after the attack", self.role);
    }
}
