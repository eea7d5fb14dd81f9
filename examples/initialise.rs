//! Creates a collection: makes its keys, or takes a root key at hand, and publishes the first
//! metadata.

mod shared;

use std::{fs, path::PathBuf, process::ExitCode};

use lexopt::Arg;
use shared::{Failure, Options, only, say, text, usage, warn};
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
  --server URL, --plain-http, --tls-ca FILE, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --at RFC3339, --reset-trust: as in verify_tag

Passphrases come from NOTARY_ROOT_PASSPHRASE, NOTARY_TARGETS_PASSPHRASE and
NOTARY_SNAPSHOT_PASSPHRASE. Keep a copy of the root key offline: nobody can replace it.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut image, mut plan) = (Options::default(), None, Initialise::new());
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Arg::Long("new-root") => plan = plan.root_key(RootKey::New),
                Arg::Long("existing-root") => {
                    let id = text(parser.value().map_err(usage)?)?;
                    plan = plan.root_key(RootKey::Existing(KeyId::new(&id).map_err(usage)?));
                }
                Arg::Long("root-cert") => {
                    let certificate = certificate(&parser.value().map_err(usage)?.into())?;
                    plan = plan.root_key(RootKey::Certificate(certificate));
                }
                Arg::Long("server-snapshot") => plan = plan.snapshot_key(SnapshotKey::Server),
                Arg::Long(name) => {
                    let name = name.to_owned();
                    if !options.take(&name, &mut parser)? {
                        return Err(usage(format!("unknown option --{name}")));
                    }
                }
                Arg::Value(value) => only(&mut image, value)?,
                other => return Err(usage(other.unexpected())),
            }
        }
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
