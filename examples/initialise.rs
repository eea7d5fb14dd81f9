//! Creates a collection: makes its keys, or takes a root key at hand, and publishes the first
//! metadata.

mod shared;

use std::{fs, path::PathBuf, process::ExitCode};

use shared::{Failure, Options, arguments, say, text, usage, warn};
use tuf_notary::{
    blocking::{Initialise, RootKey, SnapshotKey},
    crypto::PublicKey,
    image::Reference,
    name::{KeyId, RoleName},
    view::View,
};

const HELP: &str = "\
Creates a collection on the server and prints the pin by which others can trust it.

usage: initialise [OPTIONS] IMAGE

  --new-root          make a new root key, even if there is one
  --existing-root ID  the root key at hand with this canonical id
  --root-cert FILE    the root key at hand to which this certificate belongs; without any of these:
                      the one at hand with the lowest id, or a new one
  --server-snapshot   let the server sign snapshots, as Docker does: needed where signers publish
                      without the snapshot's key
  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --clock RFC3339, --reset-trust: as in verify_tag

Passphrases come from NOTARY_ROOT_PASSPHRASE, NOTARY_TARGETS_PASSPHRASE and
NOTARY_SNAPSHOT_PASSPHRASE. Keep a copy of the root key offline: nobody can replace it.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut root, mut snapshot) = (Options::default(), None, SnapshotKey::Local);
        let image = arguments(&mut options, |name, parser| {
            match name {
                "new-root" => root = Some(RootKey::New),
                "existing-root" => {
                    let id = text(parser.value().map_err(usage)?)?;
                    root = Some(RootKey::Existing(KeyId::new(&id).map_err(usage)?));
                }
                "root-cert" => {
                    let certificate = certificate(&parser.value().map_err(usage)?.into())?;
                    root = Some(RootKey::Certificate(certificate));
                }
                "server-snapshot" => snapshot = SnapshotKey::Server,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let plan = Initialise::new().snapshot_key(snapshot);
        let plan = root.into_iter().fold(plan, Initialise::root_key);
        initialise(&options, &plan, &image.ok_or_else(|| usage("IMAGE is missing"))?)
    })
}

fn initialise(options: &Options, plan: &Initialise, image: &str) -> Result<(), Failure> {
    let image = Reference::parse(image).map_err(usage)?;
    let view = options.collection(&image)?.initialise(plan)?;
    warn(&view);
    say(&format!("{} --root-key {}", image.gun(), root_keys(&view).join(" --root-key ")))
}

fn certificate(file: &PathBuf) -> Result<PublicKey, Failure> {
    let pem = fs::read(file).map_err(|error| usage(format!("{}: {error}", file.display())))?;
    PublicKey::from_pem(&pem).map_err(|error| usage(format!("{}: {error}", file.display())))
}

/// The ids of the root's certificates, which `verify_tag --root-key` takes.
fn root_keys(view: &View) -> Vec<String> {
    let root = view.roles().into_iter().filter(|status| status.role == RoleName::Root);
    root.flat_map(|status| status.keys).map(|key| key.id.to_string()).collect()
}
