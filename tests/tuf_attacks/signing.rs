//! A role with certain keys, signed in a certain way: whether a client takes it.

use serde_json::{Value, json};
use tuf_notary::{
    error::Error,
    testkit::{TufForge, TufForgeKey},
};

use crate::lab::{Lab, keys};

pub const ROLES: [&str; 5] = ["root", "timestamp", "snapshot", "targets", "team"];

/// A client that has trusted a repository with the delegated role `team`, and what comes next.
pub struct Trial {
    pub lab: Lab,
    role: &'static str,
    before: TufForge,
}

impl Trial {
    /// A new version of `role` for which these keys are listed, signed by these.
    pub fn new(
        role: &'static str,
        listed: &[&TufForgeKey],
        threshold: u32,
        signers: &[&TufForgeKey],
    ) -> Self {
        let owned = |keys: &[&TufForgeKey]| keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>();
        let (listed, signers) = (owned(listed), owned(signers));
        let lab = Lab::of(with_team());
        load(&lab).expect("a correct repository is trusted");
        lab.server.clear_requests();
        let mut trial = Self { before: lab.forge.clone(), lab, role };
        trial.offer(&listed, threshold, signers);
        trial
    }

    /// Changes the repository before it is served.
    pub fn with(mut self, change: impl FnOnce(&mut TufForge)) -> Self {
        change(&mut self.lab.forge);
        self
    }

    /// Changes the role's list of signatures.
    pub fn with_signatures(self, change: impl Fn(&mut Vec<Value>) + Send + Sync + 'static) -> Self {
        let role = self.role;
        self.with(|forge| forge.signatures(role, move |list| change(list.as_array_mut().unwrap())))
    }

    #[track_caller]
    pub fn accepted(mut self) {
        let file = self.lab.serve().newest(self.role);
        load(&self.lab).unwrap_or_else(|error| panic!("{}: {error}", self.role));
        assert_eq!(self.lab.kept(self.role), Some(file));
    }

    /// It is not taken for this reason, not kept, and does no harm to what comes later.
    #[track_caller]
    pub fn refused(mut self, code: &str) {
        let role = self.role;
        let file = self.lab.serve().newest(role);
        for _ in 0..2 {
            let error = load(&self.lab).expect_err("the attack succeeded");
            assert_eq!(error.code(), code, "{role}: {error}");
            assert_ne!(self.lab.kept(role), Some(file.clone()), "{role} was kept");
        }
        if role == "root" {
            self.lab.forge = self.before.clone();
        }
        self.lab.forge.clear_hooks(role);
        let fresh = keys::<1>();
        self.offer(&fresh, 1, fresh.to_vec());
        self.lab.serve();
        load(&self.lab).expect("a healthy server is trusted again");
    }

    fn offer(&mut self, listed: &[TufForgeKey], threshold: u32, signers: Vec<TufForgeKey>) {
        let (forge, role) = (&mut self.lab.forge, self.role);
        match role {
            "root" => {
                forge.rotate_root(&[], threshold);
                forge.list_keys("root", listed, threshold);
                forge.keys("root").extend(signers);
                return;
            }
            "team" => {
                forge.doc("targets")["delegations"] = json!({ "keys": {}, "roles": [] });
                forge.delegate("targets", "team", listed, threshold, &["team/*"]);
                forge.bump("targets");
            }
            _ => {
                forge.bump("root");
                forge.list_keys(role, listed, threshold);
            }
        }
        *forge.keys(role) = signers;
        forge.bump(role);
    }
}

/// A repository in which the role `team` lists `team/file`.
pub fn with_team() -> TufForge {
    let mut forge = TufForge::new();
    forge.delegate("targets", "team", &keys::<1>(), 1, &["team/*"]);
    forge.add_target("team", "team/file", b"content");
    forge
}

/// Looks `team/file` up, so that every role has to be loaded.
pub fn load(lab: &Lab) -> Result<(), Error> {
    lab.find("team/file").map(|found| drop(found.expect("team/file is listed")))
}
