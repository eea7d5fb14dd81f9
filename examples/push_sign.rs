//! Signs a digest under a tag, and creates the collection when the server has none.

mod shared;

use std::process::ExitCode;

use shared::{Content, Failure, Options, arguments, image_and_tag, say, usage, warn};
use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Changes,
    error::Error,
    metadata::TargetInfo,
    name::TargetName,
    verify::VerifyError,
};

const HELP: &str = "\
Signs a digest under a tag and publishes it.

usage: push_sign [OPTIONS] --sha256 HEX --size N IMAGE:TAG

  --sha256 HEX        digest of the image's manifest
  --size N            size of the image's manifest in bytes
  --server-snapshot   let the server sign snapshots, when the collection is created
  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --clock RFC3339, --reset-trust: as in verify_tag

Passphrases come from NOTARY_ROOT_PASSPHRASE, NOTARY_TARGETS_PASSPHRASE,
NOTARY_SNAPSHOT_PASSPHRASE and NOTARY_DELEGATION_PASSPHRASE.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut content) = (Options::default(), Content::default());
        let mut snapshot = SnapshotKey::Local;
        let image = arguments(&mut options, |name, parser| {
            if name == "server-snapshot" {
                snapshot = SnapshotKey::Server;
                return Ok(true);
            }
            content.take(name, parser)
        })?;
        let info = content.info()?;
        sign(&options, snapshot, info, &image.ok_or_else(|| usage("IMAGE:TAG is missing"))?)
    })
}

fn sign(options: &Options, snapshot: SnapshotKey, info: TargetInfo, image: &str) -> Result<(), Failure> {
    let (image, tag) = image_and_tag(image)?;
    let collection = options.collection(&image)?;
    let changes = Changes::new().sign(TargetName::new(&tag).map_err(usage)?, info);
    let view = match collection.publish(&changes) {
        // Only the server's own word that there is nothing begins a new collection.
        Err(Error::Verify(VerifyError::NotSigned { .. })) => {
            collection.initialise(&Initialise::new().snapshot_key(snapshot).changes(changes))?
        }
        outcome => outcome?,
    };
    warn(&view);
    say(&format!("{}@{}", image.gun(), view.target(&tag)?.image_digest()?))
}
