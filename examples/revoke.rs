//! Revokes a tag from every role that signs it.

mod shared;

use std::process::ExitCode;

use lexopt::Arg;
use shared::{Failure, Options, image_and_tag, only, say, usage, warn};
use tuf_notary::{edit::Changes, name::TargetName};

const HELP: &str = "\
Revokes a tag and publishes that.

usage: revoke [OPTIONS] IMAGE:TAG

  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --at RFC3339, --reset-trust: as in verify_tag

Passphrases come from NOTARY_TARGETS_PASSPHRASE, NOTARY_SNAPSHOT_PASSPHRASE and
NOTARY_DELEGATION_PASSPHRASE.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut image) = (Options::default(), None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
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
        revoke(&options, &image.ok_or_else(|| usage("IMAGE:TAG is missing"))?)
    })
}

fn revoke(options: &Options, image: &str) -> Result<(), Failure> {
    let (image, tag) = image_and_tag(image)?;
    let changes = Changes::new().revoke(TargetName::new(&tag).map_err(usage)?);
    warn(&options.collection(&image)?.publish(&changes)?);
    say(&format!("revoked {}:{tag}", image.gun()))
}
