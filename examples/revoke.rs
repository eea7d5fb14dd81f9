//! Revokes a tag from every role that signs it.

mod shared;

use std::process::ExitCode;

use shared::{Failure, Options, arguments, image_and_tag, say, usage, warn};
use tuf_notary::{edit::Changes, name::TargetName};

const HELP: &str = "\
Revokes a tag and publishes that.

usage: revoke [OPTIONS] IMAGE:TAG

  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --clock RFC3339, --reset-trust: as in verify_tag

Passphrases come from NOTARY_TARGETS_PASSPHRASE, NOTARY_SNAPSHOT_PASSPHRASE and
NOTARY_DELEGATION_PASSPHRASE.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let mut options = Options::default();
        let image = arguments(&mut options, |_, _| Ok(false))?;
        revoke(&options, &image.ok_or_else(|| usage("IMAGE:TAG is missing"))?)
    })
}

fn revoke(options: &Options, image: &str) -> Result<(), Failure> {
    let (image, tag) = image_and_tag(image)?;
    let changes = Changes::new().revoke(TargetName::new(&tag).map_err(usage)?);
    warn(&options.collection(&image)?.publish(&changes)?);
    say(&format!("revoked {}:{tag}", image.gun()))
}
