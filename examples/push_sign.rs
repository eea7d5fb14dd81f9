//! Signs a digest under a tag, and creates the collection when the server has none.

mod shared;

use std::process::ExitCode;

use shared::{Failure, Options, arguments, digest, image_and_tag, say, text, usage, warn};
use tuf_notary::{
    blocking::{Initialise, SnapshotKey},
    edit::Changes,
    error::Error,
    metadata::TargetInfo,
    name::{Hashes, TargetName},
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
        let (mut options, mut snapshot) = (Options::default(), SnapshotKey::Local);
        let (mut sha256, mut size) = (None, None);
        let image = arguments(&mut options, |name, parser| {
            match name {
                "server-snapshot" => snapshot = SnapshotKey::Server,
                "sha256" => sha256 = Some(digest(&text(parser.value().map_err(usage)?)?)?),
                "size" => {
                    let text = text(parser.value().map_err(usage)?)?;
                    let wrong = |_| usage(format!("--size {text}: a number of bytes expected"));
                    size = Some(text.parse().map_err(wrong)?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = |what| usage(format!("{what} is missing"));
        let info = TargetInfo {
            length: size.ok_or_else(|| missing("--size"))?,
            hashes: Hashes::sha256(sha256.ok_or_else(|| missing("--sha256"))?),
            custom: None,
        };
        sign(&options, snapshot, info, &image.ok_or_else(|| missing("IMAGE:TAG"))?)
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
