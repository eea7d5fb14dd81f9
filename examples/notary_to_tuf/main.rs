//! Re-publishes a Notary collection as a TUF 1.0 repository: the same targets, digest by digest, each
//! with a record of where it came from.

#[path = "../shared/mod.rs"]
mod shared;

mod record;

use std::{path::PathBuf, process::ExitCode, time::SystemTime};

use lexopt::prelude::*;
use record::Record;
use shared::{Failure, Options, run, say, site::Site, usage, warn};
use tuf_notary::{
    Repository, View,
    edit::repository::RepositoryEditor,
    image::Reference,
    metadata::TargetInfo,
    name::{Form, Resource, RoleName, TargetName, Version},
    transport::Transport as _,
    view::SignedTarget,
};

const HELP: &str = "\
Re-publishes a Notary collection as a TUF 1.0 repository, and checks the result as a client would.

usage: notary_to_tuf [OPTIONS] IMAGE

  --server URL       the trust server; default: as Docker chooses it
  --plain-http       allow http:// URLs (dangerous)
  --tls-ca FILE      trust this CA, and no other, for TLS
  --token-host HOST  a token server there may see the login; may be repeated
  --trust-dir DIR    where Notary's trust is kept; default: $DOCKER_CONFIG/trust or ~/.docker/trust
  --root-key KEYID   pin the root key: certificate id or canonical id; may be repeated
  --ca FILE          pin the root's certificate authority
  --folder DIR       the TUF repository; made when there is none. Default: repository
  --tuf-keys DIR     folder of its key files; default: keys
  --prefix PATH      begin each target's name with PATH/, so that many collections share a repository

Every tag becomes a target of the same name, length and digests: the one that Docker would take. Its
custom data says which collection and role it is from, in which version of the role's file, and by
whose keys; what Notary had as custom data stands there too. Run again, it takes over what has
changed, and drops what is no longer signed. Targets of other origins stay. Thresholds and keys are
the repository's own, and the content stays where it is, for the metadata has digests only.";

fn main() -> ExitCode {
    run(HELP, migrate)
}

fn migrate() -> Result<(), Failure> {
    let call = Call::read()?;
    let view = call.notary.collection(&call.image)?.refresh()?;
    warn(&view);
    if !call.site.folder.join("metadata/timestamp.json").exists() {
        call.site.init()?;
    }
    let (mut editor, targets) = (call.site.open()?, view.targets()?);
    let dropped = call.take_over(&mut editor, &view, &targets)?;
    let release = editor.stage(SystemTime::now())?;
    if !release.is_empty() {
        call.site.publish(release)?;
    }
    call.check(&targets)?;
    say(&format!("{} targets of {} as signed, {dropped} dropped", targets.len(), view.gun()))
}

struct Call {
    notary: Options,
    image: Reference,
    site: Site,
    prefix: Option<String>,
}

impl Call {
    /// Brings the repository's targets to what the collection signs. Returns how many are gone.
    fn take_over(
        &self,
        editor: &mut RepositoryEditor,
        view: &View,
        targets: &[SignedTarget],
    ) -> Result<usize, Failure> {
        let role = RoleName::Targets;
        let present = editor.targets(&role).into_iter().flat_map(|it| it.targets.iter());
        let ours = present.filter(|it| Record::is_from(view.gun(), it.custom));
        let ours = ours.map(|it| TargetName::new(it.name)).collect::<Result<Vec<_>, _>>()?;
        let mut wanted = Vec::new();
        for target in targets {
            let custom = Some(Record::of(view, target)?.to_json());
            let info = TargetInfo { length: target.length(), hashes: *target.hashes(), custom };
            let name = self.name(target)?;
            editor.add_target(&role, &name, &info)?;
            wanted.push(name);
        }
        let gone: Vec<_> = ours.iter().filter(|name| !wanted.contains(name)).collect();
        gone.iter().try_for_each(|name| editor.remove_target(&role, name))?;
        Ok(gone.len())
    }

    /// Reads the result as a client does, from its first root on.
    fn check(&self, targets: &[SignedTarget]) -> Result<(), Failure> {
        let files = self.site.place();
        let first = Resource { role: RoleName::Root, form: Form::Version(Version::ONE) };
        let mut root = Vec::new();
        files.fetch(&first, 1 << 20)?.read_to_end(&mut root).map_err(usage)?;
        let repository = Repository::builder(root).transport(files).build();
        repository.refresh()?;
        for target in targets {
            let found = repository.find(&self.name(target)?)?;
            let same =
                found.is_some_and(|it| (it.length(), it.hashes()) == (target.length(), target.hashes()));
            if !same {
                return Err(Failure::Refused("DIFFERENT", format!("{} is not as signed", target.name())));
            }
        }
        Ok(())
    }

    fn name(&self, target: &SignedTarget) -> Result<TargetName, Failure> {
        Ok(match &self.prefix {
            Some(prefix) => TargetName::new(&format!("{prefix}/{}", target.name()))?,
            None => TargetName::new(target.name())?,
        })
    }

    fn read() -> Result<Self, Failure> {
        let site = Site { folder: "repository".into(), keys: "keys".into(), spec_version: None };
        let (mut notary, mut site, mut prefix) = (Options::default(), site, None);
        let (mut image, mut parser) = (None, lexopt::Parser::from_env());
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Long("folder") => site.folder = path(&mut parser)?,
                Long("tuf-keys") => site.keys = path(&mut parser)?,
                Long("prefix") => {
                    prefix = Some(parser.value().and_then(ValueExt::string).map_err(usage)?);
                }
                Long(name) => {
                    let name = name.to_owned();
                    if !notary.take(&name, &mut parser)? {
                        return Err(usage(format!("--{name} is unknown")));
                    }
                }
                Value(word) if image.is_none() => {
                    let word = word.string().map_err(usage)?;
                    image = Some(Reference::parse(&word).map_err(usage)?);
                }
                other => return Err(usage(other.unexpected())),
            }
        }
        let image = image.ok_or_else(|| usage("IMAGE is missing"))?;
        Ok(Self { notary, image, site, prefix })
    }
}

fn path(parser: &mut lexopt::Parser) -> Result<PathBuf, Failure> {
    Ok(parser.value().map_err(usage)?.into())
}
