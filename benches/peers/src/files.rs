//! A repository that all clients read: canonical JSON, one Ed25519 key a role, consistent snapshots,
//! and the version of the specification that the strictest of them knows.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use data_encoding::HEXLOWER;
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};

/// The files of a repository.
#[derive(Clone, Debug)]
pub struct Files {
    /// By their names below the URL of the metadata.
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// The target that is looked up: the one in the middle.
    pub target: String,
}

impl Files {
    /// A repository of `count` targets, one in four with custom data.
    pub fn write(count: usize) -> Self {
        let keys: [Key; 4] = std::array::from_fn(|number| Key::new(number as u8 + 1));
        let [root, timestamp, snapshot, targets] = &keys;
        let body = targets_body(count);
        let targets = targets.seal(&body);
        let snapshot = snapshot.seal(&meta_body("snapshot", "targets.json", &targets));
        let timestamp = timestamp.seal(&meta_body("timestamp", "snapshot.json", &snapshot));
        let files = [
            ("1.root.json", root.seal(&root_body(&keys))),
            ("timestamp.json", timestamp),
            ("1.snapshot.json", snapshot),
            ("1.targets.json", targets),
        ];
        let metadata = files.map(|(name, file)| (name.to_owned(), file)).into();
        Self { metadata, target: target_name(count / 2) }
    }

    /// The root that trust begins with.
    pub fn root(&self) -> &[u8] {
        &self.metadata["1.root.json"]
    }

    /// How large the targets file is.
    pub fn size(&self) -> usize {
        self.metadata["1.targets.json"].len()
    }

    /// Writes them into `folder/metadata`, beside an empty `targets`.
    pub fn save(&self, folder: &Path) {
        fs::create_dir(folder.join("targets")).expect("a folder");
        fs::create_dir(folder.join("metadata")).expect("a folder");
        for (name, file) in &self.metadata {
            fs::write(folder.join("metadata").join(name), file).expect("written");
        }
    }
}

struct Key {
    pair: Ed25519KeyPair,
    /// As a root lists it.
    json: String,
    id: String,
}

impl Key {
    fn new(seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed");
        let public = HEXLOWER.encode(pair.public_key().as_ref());
        let json = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
        let id = HEXLOWER.encode(digest(&SHA256, json.as_bytes()).as_ref());
        Self { pair, json, id }
    }

    fn seal(&self, body: &str) -> Vec<u8> {
        let (id, sig) = (&self.id, HEXLOWER.encode(self.pair.sign(body.as_bytes()).as_ref()));
        format!(r#"{{"signatures":[{{"keyid":"{id}","sig":"{sig}"}}],"signed":{body}}}"#).into_bytes()
    }
}

fn target_name(number: usize) -> String {
    format!("tool-{:05}/{}.{}.tar.gz", number, number % 10, number % 7)
}

fn targets_body(count: usize) -> String {
    let mut body = format!(r#"{{"_type":"targets",{EXPIRES},{SPEC},"targets":{{"#);
    for number in 0..count {
        let name = target_name(number);
        let sha256 = HEXLOWER.encode(digest(&SHA256, name.as_bytes()).as_ref());
        let custom = if number % 4 == 0 { r#""custom":{"arch":"x86_64","os":"linux"},"# } else { "" };
        let (comma, length) = (if number == 0 { "" } else { "," }, 10_000 + number * 37);
        write!(body, r#"{comma}"{name}":{{{custom}"hashes":{{"sha256":"{sha256}"}},"length":{length}}}"#)
            .expect("memory");
    }
    body + r#"},"version":1}"#
}

fn meta_body(r#type: &str, listed: &str, file: &[u8]) -> String {
    let (sha256, length) = (HEXLOWER.encode(digest(&SHA256, file).as_ref()), file.len());
    let pin = format!(r#"{{"hashes":{{"sha256":"{sha256}"}},"length":{length},"version":1}}"#);
    format!(r#"{{"_type":"{type}",{EXPIRES},"meta":{{"{listed}":{pin}}},{SPEC},"version":1}}"#)
}

fn root_body(keys: &[Key; 4]) -> String {
    let listed: BTreeMap<_, _> = keys.iter().map(|key| (&key.id, &key.json)).collect();
    let listed: Vec<_> = listed.iter().map(|(id, json)| format!(r#""{id}":{json}"#)).collect();
    let [root, timestamp, snapshot, targets] =
        keys.each_ref().map(|key| format!(r#"{{"keyids":["{}"],"threshold":1}}"#, key.id));
    let roles = format!(r#""root":{root},"snapshot":{snapshot},"targets":{targets},"timestamp":{timestamp}"#);
    let listed = listed.join(",");
    format!(
        r#"{{"_type":"root","consistent_snapshot":true,{EXPIRES},"keys":{{{listed}}},"roles":{{{roles}}},{SPEC},"version":1}}"#
    )
}

const EXPIRES: &str = r#""expires":"2090-01-01T00:00:00Z""#;
const SPEC: &str = r#""spec_version":"1.0.0""#;
