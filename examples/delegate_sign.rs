//! Signs a digest on a machine that holds a signer's key and no other: a build server.

mod shared;

use std::process::ExitCode;

use shared::{Content, Failure, Options, arguments, image_and_tag, say, text, usage, warn};
use tuf_notary::{
    edit::{Changes, Plan, PlannedRole},
    metadata::TargetInfo,
    name::{RoleName, TargetName},
};

const HELP: &str = "\
Signs a digest under a tag as a signer, without the keys of the collection's owner.

usage: delegate_sign [OPTIONS] --sha256 HEX --size N IMAGE:TAG

  --sha256 HEX        digest of the image's manifest
  --size N            size of the image's manifest in bytes
  --role ROLE         sign as this role only, such as targets/alice; can be repeated. Without it:
                      in every role that may sign the tag and whose key is at hand
  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --clock RFC3339, --reset-trust: as in verify_tag

The collection's owner has added the signer (see the example signers), and the server signs its
snapshots (initialise --server-snapshot). The passphrase comes from NOTARY_DELEGATION_PASSPHRASE.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut content, mut roles) = (Options::default(), Content::default(), Vec::new());
        let image = arguments(&mut options, |name, parser| {
            match name {
                "role" => {
                    roles.push(RoleName::new(&text(parser.value().map_err(usage)?)?).map_err(usage)?);
                }
                _ => return content.take(name, parser),
            }
            Ok(true)
        })?;
        let info = content.info()?;
        sign(&options, &roles, &info, &image.ok_or_else(|| usage("IMAGE:TAG is missing"))?)
    })
}

fn sign(options: &Options, roles: &[RoleName], info: &TargetInfo, image: &str) -> Result<(), Failure> {
    let (image, tag) = image_and_tag(image)?;
    let collection = options.collection(&image)?;
    let name = TargetName::new(&tag).map_err(usage)?;
    let mut changes = Changes::new();
    if roles.is_empty() {
        changes = changes.sign(name.clone(), info.clone());
    }
    for role in roles {
        changes = changes.sign_as(role.clone(), name.clone(), info.clone());
    }
    let plan = collection.plan(&changes)?;
    only_as_a_signer(&plan)?;
    if plan.is_empty() {
        return say(&format!("{}:{tag} is signed so already", image.gun()));
    }
    let view = collection.publish(&changes)?;
    warn(&view);
    for role in plan.roles {
        let digest = view.target_from(&tag, std::slice::from_ref(&role.role))?.image_digest()?;
        say(&format!("{}@{digest} {}", image.gun(), role.role))?;
    }
    Ok(())
}

/// Keys that have no business on this machine are not used, should they be there.
fn only_as_a_signer(plan: &Plan) -> Result<(), Failure> {
    let is_delegated = |role: &PlannedRole| matches!(role.role, RoleName::Delegated(_));
    match plan.roles.iter().find(|role| !is_delegated(role) && role.is_signable()) {
        Some(role) => Err(usage(format!("{} would be signed here; use push_sign for that", role.role))),
        None => Ok(()),
    }
}
