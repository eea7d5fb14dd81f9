//! A hostile server and the removal of a signer: what nobody has signed is not signed by whoever
//! stays, and what it hides does not pass for unsigned.

use std::{
    io::Read,
    sync::{Arc, Mutex},
};

use crate::facade::Collection;
use tuf_notary::{
    crypto::PrivateKey,
    edit::Changes,
    keys::{KeyRole, KeyStore as _, MemoryKeys},
    name::{Resource, RoleName, SignerName},
    testkit::{ForgeKey, SimulatedTransport},
    transport::{Transport, TransportError, Upload},
    verify::Trust,
};

use crate::lab::Lab;

/// Takes uploads and keeps them from the server.
#[derive(Clone, Debug)]
struct Capturing(SimulatedTransport, Arc<Mutex<Vec<String>>>);

impl Transport for Capturing {
    fn fetch(&self, what: &Resource, max: u64) -> Result<Box<dyn Read + Send>, TransportError> {
        self.0.fetch(what, max)
    }

    fn publish(&self, upload: &Upload) -> Result<(), TransportError> {
        let files = upload.files.iter().map(|(_, file)| String::from_utf8(file.clone()).unwrap());
        self.1.lock().unwrap().extend(files);
        Ok(())
    }
}

/// Alice and bob; `a1` is alice's, and the releases have a tag by nobody.
struct Team {
    lab: Lab,
    alice: ForgeKey,
    bob: ForgeKey,
    store: tuf_notary::store::MemoryStore,
}

impl Team {
    fn new() -> Self {
        let (mut lab, alice, bob) = (Lab::new(), ForgeKey::ecdsa(), ForgeKey::ecdsa());
        for (name, key) in [("targets/alice", &alice), ("targets/bob", &bob), ("targets/releases", &alice)] {
            lab.forge.delegate("targets", name, std::slice::from_ref(key), 1, &[""]);
        }
        lab.forge.add_tag("targets/alice", "a1", 1, 1);
        lab.forge.add_tag("targets/bob", "v2", 2, 1);
        for (name, byte) in [("a1", 1), ("v2", 2), ("v3", 3)] {
            lab.forge.add_tag("targets/releases", name, byte, 1);
        }
        lab.forge.list_keys("targets/releases", &[alice.clone(), bob.clone()], 1);
        Self { lab, alice, bob, store: Default::default() }
    }

    /// The administrator, with the keys of some signers at hand.
    fn ours(&mut self, transport: Capturing, people: &[ForgeKey]) -> Collection {
        let (gun, keys) = (self.lab.gun(), MemoryKeys::new());
        let own = ["targets", "snapshot"].map(|role| self.lab.forge.keys(role).clone()).concat();
        for key in own.iter().chain(people) {
            let private = PrivateKey::from_pkcs8_der(&key.private().to_notary_pkcs8()).unwrap();
            keys.import(private, &KeyRole::Targets, Some(&gun)).unwrap();
        }
        Collection::builder(gun, Trust::FirstUse)
            .transport(transport)
            .store(self.store.clone())
            .keys(keys)
            .clock({
                let now = self.lab.now;
                move || now
            })
            .build()
    }

    fn transport(&self) -> Capturing {
        Capturing(self.lab.server.transport(&self.lab.gun()), Arc::default())
    }
}

fn remove(name: &str, keep_tags: bool) -> Changes {
    Changes::new().remove_signer(SignerName::new(name).unwrap(), keep_tags)
}

/// Whoever holds the snapshot key, a server for example, can pin releases that nobody has signed.
#[test]
fn kept_tags_are_only_those_that_a_signer_has_signed() {
    for (is_signed, keep_tags) in [(true, true), (false, true), (false, false)] {
        let mut team = Team::new();
        if !is_signed {
            let listed = [team.alice.clone(), team.bob.clone()];
            team.lab.forge.set_keys("targets/releases", &[ForgeKey::ecdsa()], 1);
            team.lab.forge.list_keys("targets/releases", &listed, 1);
        }
        team.lab.serve();
        let (transport, bob) = (team.transport(), team.bob.clone());
        let outcome = team.ours(transport.clone(), &[bob]).publish(&remove("alice", keep_tags));
        let sent = transport.1.lock().unwrap().concat();
        assert_eq!(sent.contains("\"v3\""), is_signed, "nobody has signed it: {:?}", outcome.err());
        match (is_signed, keep_tags) {
            (false, true) => assert!(sent.is_empty(), "what can't be kept is not dropped instead"),
            _ => assert!(sent.contains("\"v2\"")),
        }
    }
}

/// Whose file is withheld may have signed what would be dropped as nobody's.
#[test]
fn no_tag_is_dropped_while_the_file_of_another_signer_is_withheld() {
    let mut team = Team::new();
    team.lab.serve();
    let (transport, bob) = (team.transport(), team.bob.clone());
    let ours = team.ours(transport.clone(), &[bob]);
    ours.refresh().unwrap();
    team.lab.forge.pin("targets/bob", |pin| *pin = serde_json::Value::Null);
    for role in ["snapshot", "timestamp"] {
        team.lab.forge.bump(role);
    }
    team.lab.serve();
    let state = ours.refresh().unwrap();
    assert!(state.target_from("v2", &[RoleName::new("targets/bob").unwrap()]).is_err(), "withheld");
    let error = ours.publish(&remove("alice", false)).unwrap_err();
    assert!(transport.1.lock().unwrap().is_empty(), "{error}");
    assert_eq!(error.code(), "ROLE_UNUSABLE", "{error}");
}

/// What alice has signed loses its trust with her, whatever the server says that she has signed.
#[test]
fn a_removed_signer_s_tags_go_although_her_file_is_hidden_or_replaced() {
    for replaced in [false, true] {
        let mut team = Team::new();
        let bob = team.bob.clone();
        team.lab.forge.set_keys("targets/releases", std::slice::from_ref(&bob), 1);
        team.lab.forge.list_keys("targets/releases", &[team.alice.clone(), bob.clone()], 1);
        team.lab.serve();
        let transport = team.transport();
        let ours = team.ours(transport.clone(), &[bob]);
        ours.refresh().unwrap();
        if replaced {
            team.lab.forge.set_keys("targets/alice", &[ForgeKey::ecdsa()], 1);
            team.lab.forge.list_keys("targets/alice", std::slice::from_ref(&team.alice), 1);
            team.lab.forge.doc("targets/alice")["targets"] = serde_json::json!({});
            team.lab.forge.bump("targets/alice");
        } else {
            team.lab.forge.pin("targets/alice", |pin| *pin = serde_json::Value::Null);
        }
        for role in ["snapshot", "timestamp"] {
            team.lab.forge.bump(role);
        }
        team.lab.serve();
        drop(ours.publish(&remove("alice", false)));
        let sent = transport.1.lock().unwrap().concat();
        assert!(sent.contains("\"v2\"") && !sent.contains("\"a1\""), "replaced: {replaced}: {sent}");
    }
}
