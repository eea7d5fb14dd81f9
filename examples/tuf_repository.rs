//! Makes and maintains a TUF 1.0 repository in a folder that any web server can serve.

mod shared;

use std::{
    fs,
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use lexopt::prelude::*;
use shared::{
    Failure, run, say,
    site::{Site, read_key, write},
    usage,
};
use tuf_notary::{
    edit::repository::{NewDelegation, RepositoryEditor, SigningRequest},
    metadata::TargetInfo,
    name::{PathRule, RoleName, TargetName},
};

const HELP: &str = "\
Makes and maintains a TUF 1.0 repository: FOLDER/metadata and FOLDER/targets, to be served as they are.

usage: tuf_repository [OPTIONS] COMMAND

  init                       a new repository, with new keys: root, targets, online
  add ROLE NAME FILE         sign and store a file; ROLE is targets or a delegated role
  remove ROLE NAME           no longer sign it
  delegate ROLE PATTERN...   let a role sign names like these, with a new key of that name
  renew                      sign anew what expires within two days
  replace-root               put a new root key in the place of the old one
  resume                     publish the request, when enough have signed it
  sign REQUEST KEY           sign a request, on another machine, with a key file; prints what is signed

  --folder DIR               the repository; default: repository
  --keys DIR                 folder of key files; default: keys
  --spec-version VERSION     what new files say, for clients that know an older one only

Every key in the folder signs what it may. Where signatures are still missing, nothing is published:
FOLDER/request.json can be carried to those who have the other keys. The key files here are plain; a real
root key is kept on a token (see the example pkcs11) or encrypted.";

const SOON: Duration = Duration::from_secs(2 * 86_400);

fn main() -> ExitCode {
    run(HELP, || {
        let (site, words) = Site::from_arguments()?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["init"] => site.init(),
            ["add", role, name, file] => site.add(role, name, Path::new(file)),
            ["remove", role, name] => {
                site.change(|editor| Ok(editor.remove_target(&parse(role)?, &target(name)?)?))
            }
            ["delegate", role, patterns @ ..] if !patterns.is_empty() => site.delegate(role, patterns),
            ["renew"] => site.change(|editor| {
                let expiring = editor.expiring(SystemTime::now(), SOON);
                expiring.iter().try_for_each(|(role, _)| Ok(editor.renew(role)?))
            }),
            ["replace-root"] => site.replace_root(),
            ["resume"] => {
                let request = SigningRequest::read(&fs::read(site.request()).map_err(usage)?)?;
                site.publish(site.open()?.resume(&request)?)
            }
            ["sign", request, key] => sign(Path::new(request), Path::new(key)),
            _ => Err(usage("no such command")),
        }
    })
}

impl Site {
    fn add(&self, role: &str, name: &str, file: &Path) -> Result<(), Failure> {
        let (role, name) = (parse(role)?, target(name)?);
        let info = fs::File::open(file).and_then(TargetInfo::from_reader).map_err(usage)?;
        let mut editor = self.open()?;
        editor.add_target(&role, &name, &info)?;
        let release = editor.stage(SystemTime::now())?;
        for upload in release.targets()? {
            for path in upload.paths {
                // Before the metadata that names them, and under names that nobody asks for yet.
                self.place().write_target(path.as_str(), &fs::read(file).map_err(usage)?)?;
            }
        }
        self.publish(release)
    }

    fn delegate(&self, role: &str, patterns: &[&str]) -> Result<(), Failure> {
        let key = self.new_key(role)?;
        let delegation = NewDelegation {
            role: parse(role)?,
            keys: vec![key.public_key().clone()],
            threshold: 1,
            paths: PathRule::Globs(patterns.iter().map(|&pattern| pattern.to_owned()).collect()),
            terminating: true,
        };
        self.change(|editor| Ok(editor.delegate(&RoleName::Targets, &delegation)?))
    }

    /// The old key must sign this one root more: it vouches for its successor.
    fn replace_root(&self) -> Result<(), Failure> {
        let old = self.key("root")?;
        fs::rename(self.keys.join("root.pem"), self.keys.join("root.old.pem")).map_err(usage)?;
        let new = self.new_key("root")?;
        self.change(|editor| {
            editor.add_key(&RoleName::Root, new.public_key())?;
            Ok(editor.remove_key(&RoleName::Root, old.public_key())?)
        })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut RepositoryEditor) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut editor = self.open()?;
        change(&mut editor)?;
        self.publish(editor.stage(SystemTime::now())?)
    }

    fn from_arguments() -> Result<(Self, Vec<String>), Failure> {
        let mut site = Self { folder: "repository".into(), keys: "keys".into(), spec_version: None };
        let (mut words, mut parser) = (Vec::new(), lexopt::Parser::from_env());
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Long("folder") => site.folder = parser.value().map_err(usage)?.into(),
                Long("spec-version") => {
                    site.spec_version = Some(parser.value().and_then(|it| it.string()).map_err(usage)?);
                }
                Long("keys") => site.keys = parser.value().map_err(usage)?.into(),
                Value(word) => words.push(word.string().map_err(usage)?),
                other => return Err(usage(other.unexpected())),
            }
        }
        Ok((site, words))
    }
}

/// What somebody with another key does, who has nothing but the request.
fn sign(request: &Path, key: &Path) -> Result<(), Failure> {
    let mut signing = SigningRequest::read(&fs::read(request).map_err(usage)?)?;
    for document in signing.documents() {
        say(&format!("{} version {}, until {}", document.role(), document.version(), document.expires()))?;
        for target in document.as_targets().into_iter().flat_map(|targets| targets.targets.iter()) {
            say(&format!("  {} ({} bytes)", target.name.escape_debug(), target.length))?;
        }
    }
    for role in signing.sign(&read_key(key)?)? {
        say(&format!("signed {role}"))?;
    }
    write(request, &signing.to_bytes())
}

fn parse(role: &str) -> Result<RoleName, Failure> {
    Ok(RoleName::tuf(role)?)
}

fn target(name: &str) -> Result<TargetName, Failure> {
    Ok(TargetName::new(name)?)
}
