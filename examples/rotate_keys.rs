//! Replaces keys of a collection: our own, or the server's.

mod shared;

use std::process::ExitCode;

use shared::{Failure, Options, say, text, usage, warn, words};
use tuf_notary::{
    edit::{KeyHolder, Rotation},
    image::Reference,
    name::{KeyId, RoleName},
    view::{RoleStatus, View},
};

const HELP: &str = "\
Replaces the keys of one or more roles in one step and prints the keys of all of them.

usage: rotate_keys [OPTIONS] ROLE[=KEYID]... IMAGE

  ROLE                root, targets, snapshot: a new key of ours; timestamp: a new one of the server
  ROLE=KEYID          the key at hand with this canonical id takes over
  snapshot=server     the server takes over the snapshot, which lets signers publish on their own
  --legacy N          let the keys of N earlier roots sign too, for clients older than Notary 0.6
  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --clock RFC3339, --reset-trust: as in verify_tag

Old keys of targets and snapshot are removed once the server shows the new ones. The old root key
stays: clients that were away need its signature. Passphrases come from NOTARY_ROOT_PASSPHRASE,
NOTARY_TARGETS_PASSPHRASE and NOTARY_SNAPSHOT_PASSPHRASE.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut legacy) = (Options::default(), None);
        let mut words = words(&mut options, |name, parser| {
            match name {
                "legacy" => {
                    let text = text(parser.value().map_err(usage)?)?;
                    legacy = Some(text.parse().map_err(|error| usage(format!("--legacy {text}: {error}")))?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let image = words.pop().ok_or_else(|| usage("IMAGE is missing"))?;
        let rotation = replacing(&words)?;
        let rotation = legacy.into_iter().fold(rotation, Rotation::with_legacy_signatures);
        rotate(&options, &rotation, &image)
    })
}

fn rotate(options: &Options, rotation: &Rotation, image: &str) -> Result<(), Failure> {
    let image = Reference::parse(image).map_err(usage)?;
    let view = options.collection(&image)?.rotate(rotation)?;
    warn(&view);
    top_level_keys(&view).iter().try_for_each(|line| say(line))
}

/// Reads `targets`, `snapshot=server`, `root=<id>`; a role that is named several times gets several
/// keys.
fn replacing(words: &[String]) -> Result<Rotation, Failure> {
    let mut chosen: Vec<(RoleName, KeyHolder, Vec<KeyId>)> = Vec::new();
    for word in words {
        let (role, key) = word.split_once('=').map_or((word.as_str(), None), |(role, key)| (role, Some(key)));
        let role = RoleName::new(role).map_err(usage)?;
        let is_servers = role == RoleName::Timestamp || key == Some("server");
        let holder = if is_servers { KeyHolder::Server } else { KeyHolder::Local };
        let key = key.filter(|key| *key != "server").map(KeyId::new).transpose().map_err(usage)?;
        match chosen.iter_mut().find(|(other, ..)| *other == role) {
            Some((_, held, keys)) if *held == holder && !keys.is_empty() && key.is_some() => keys.extend(key),
            Some(_) => return Err(usage(format!("{role} is named twice"))),
            None => chosen.push((role, holder, key.into_iter().collect())),
        }
    }
    if chosen.is_empty() {
        return Err(usage("ROLE is missing"));
    }
    let mut rotation = Rotation::new();
    for (role, holder, keys) in chosen {
        rotation = rotation.role(&role, holder, keys).map_err(usage)?;
    }
    Ok(rotation)
}

/// The ids of the root are those of its certificates, which `verify_tag --root-key` takes.
fn top_level_keys(view: &View) -> Vec<String> {
    let top = view.roles().into_iter().filter(|status| !matches!(status.role, RoleName::Delegated(_)));
    let line = |status: RoleStatus| {
        let keys: Vec<_> = status.keys.iter().map(|key| key.id.to_string()).collect();
        format!("{} {}", status.role, keys.join(","))
    };
    top.map(line).collect()
}
