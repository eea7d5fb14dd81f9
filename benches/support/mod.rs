//! Collections of all sizes, the whole job on them, and the floor below it.
#![allow(dead_code)] // each bench uses a part

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use ring::signature::{ECDSA_P256_SHA256_ASN1, EcdsaKeyPair, KeyPair, UnparsedPublicKey};
use serde::de::IgnoredAny;
use tuf_notary::{
    blocking::{Collection, Initialise},
    crypto::digest,
    edit::Changes,
    keys::MemoryKeys,
    limits::Limits,
    metadata::TargetInfo,
    name::{Expiry, Gun, Hashes, RoleName, TargetName},
    testkit::TrustServer,
    verify::{Refresh, RefreshPlan, Reply, Step, Trust, TrustedSet},
    wire::Dialect,
};

/// The files of a collection with `tags` tags, by the names that a server gives them.
pub struct Repository {
    pub gun: Gun,
    pub files: BTreeMap<String, Vec<u8>>,
    pub now: SystemTime,
    pub tag: String,
}

impl Repository {
    /// One that the real Notary wrote: 10, 1,000 or 10,000 tags.
    pub fn fixture(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/notary").join(name);
        let read = |file: &str| fs::read(folder.join(file)).expect(file);
        let gun = Gun::new(String::from_utf8_lossy(&read("gun.txt")).trim()).expect("a GUN");
        let now = Expiry::parse("2026-11-24T12:00:00Z").expect("a time").to_system_time();
        let roles = ["root", "timestamp", "snapshot", "targets"];
        let files = roles.map(|role| (format!("{role}.json"), read(&format!("{role}.json"))));
        Self::new(gun, files.into(), now)
    }

    /// One that our own publisher writes.
    pub fn published(tags: u32) -> Self {
        let gun = Gun::new("registry.example.com/team/large").expect("a GUN");
        let server = TrustServer::new();
        let mut changes = Changes::new();
        for number in 0..tags {
            let name = TargetName::new(&format!("v0.0-{number:06}")).expect("a name");
            let hashes = Hashes::sha256(digest::sha256(&number.to_le_bytes()));
            changes = changes.sign(name, TargetInfo { length: 1234, hashes, custom: None });
        }
        let publisher = Collection::builder(gun.clone(), Trust::FirstUse)
            .transport(server.transport(&gun))
            .keys(MemoryKeys::new())
            .build();
        publisher.initialise(&Initialise::new().changes(changes)).expect("published");
        let roles = ["root", "timestamp", "snapshot", "targets"];
        let files = roles.map(|role| {
            let name = format!("{role}.json");
            let file = server.file(&gun, &name).expect("served");
            (name, file)
        });
        Self::new(gun, files.into(), SystemTime::now())
    }

    fn new(gun: Gun, files: BTreeMap<String, Vec<u8>>, now: SystemTime) -> Self {
        let mut repository = Self { gun, files, now, tag: String::new() };
        let set = repository.verify();
        let targets = &set.targets().body().targets;
        repository.tag = targets.iter().nth(targets.len() / 2).expect("a tag").name.to_owned();
        repository
    }

    pub fn targets(&self) -> &[u8] {
        &self.files["targets.json"]
    }

    /// A first contact with everything checked: four files decoded, hashed and verified.
    pub fn verify(&self) -> TrustedSet {
        let plan = RefreshPlan {
            gun: self.gun.clone(),
            trust: Trust::FirstUse,
            dialect: Dialect::Notary,
            limits: Limits::default(),
            now: self.now,
            as_of: true,
            offline: false,
        };
        let mut machine = Refresh::new(plan);
        loop {
            match machine.step() {
                Step::Load(_) => machine.supply(Reply::Absent).expect("nothing cached"),
                Step::Fetch { resource, .. } => {
                    let file = self.files[&format!("{}.json", resource.role)].clone();
                    machine.supply(Reply::Found(file)).expect("trusted");
                }
                Step::Save(..) => {}
                _ => return machine.finish().expect("complete"),
            }
        }
    }

    /// The whole job: verify, look one tag up.
    pub fn look_up(&self) -> u64 {
        let set = self.verify();
        let visits = set.walk(&RoleName::Targets, &[]).expect("usable");
        visits[0].target(&self.tag).expect("signed").length
    }
}

/// What no verifier of these bytes can avoid: each hash that the snapshot lists, the hash below
/// the signature, one ECDSA verification, one pass over the JSON.
pub struct Floor {
    public: Vec<u8>,
    signature: Vec<u8>,
}

impl Floor {
    pub fn new() -> Self {
        let random = ring::rand::SystemRandom::new();
        let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key");
        let signature = pair.sign(&random, b"message").expect("a signature");
        Self { public: pair.public_key().as_ref().to_vec(), signature: signature.as_ref().to_vec() }
    }

    pub fn run(&self, file: &[u8]) -> u8 {
        let (sha256, sha512, signed) = (digest::sha256(file), digest::sha512(file), digest::sha256(file));
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.public);
        key.verify(b"message", &self.signature).expect("verifies");
        let _: IgnoredAny = serde_json::from_slice(file).expect("JSON");
        sha256[0] ^ sha512[0] ^ signed[0]
    }
}

/// The middle one of some measurements.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
