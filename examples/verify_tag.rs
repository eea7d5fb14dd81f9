//! Prints the digest that a tag is signed for, or says why there is none to trust.

mod shared;

use std::process::ExitCode;

use shared::{Failure, Options, arguments, image_and_tag_or_latest, say, text, usage, warn};
use tuf_notary::name::RoleName;

const HELP: &str = "\
Verifies a tag and prints HOST/NAME@sha256:HEX.

usage: verify_tag [OPTIONS] IMAGE:TAG

  --server URL       the trust server; default: as Docker chooses it
  --plain-http       allow http:// URLs (dangerous)
  --tls-ca FILE      trust this CA, and no other, for TLS
  --token-host HOST  a token server there may see the login; may be repeated. The login: NOTARY_AUTH,
                     or Docker's at the image's registry
  --trust-dir DIR    where trust is kept; default: $DOCKER_CONFIG/trust or ~/.docker/trust
  --root-key KEYID   pin the root key: certificate id or canonical id; may be repeated
  --ca FILE          pin the root's certificate authority
  --role ROLE        ask this role instead of targets/releases, then targets; may be repeated
  --at RFC3339       judge as of this time, and change no trust data
  --clock RFC3339    take this for the present time (dangerous)
  --reset-trust      forget the collection's anchor and floors first (dangerous)

exit code: 0 verified; 1 the answer doesn't hold; 2 usage; 3 no answer";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut roles) = (Options::default(), Vec::new());
        let image = arguments(&mut options, |name, parser| {
            if name != "role" {
                return Ok(false);
            }
            let role = text(parser.value().map_err(usage)?)?;
            roles.push(RoleName::new(&role).map_err(usage)?);
            Ok(true)
        })?;
        verify(&options, &roles, &image.ok_or_else(|| usage("IMAGE:TAG is missing"))?)
    })
}

fn verify(options: &Options, roles: &[RoleName], image: &str) -> Result<(), Failure> {
    let (image, tag) = image_and_tag_or_latest(image)?;
    let view = options.collection(&image)?.refresh()?;
    let target = if roles.is_empty() { view.target(&tag)? } else { view.target_from(&tag, roles)? };
    let digest = target.image_digest()?;
    warn(&view);
    say(&format!("{}@{digest}", image.gun()))
}
