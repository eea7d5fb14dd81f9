//! Lists, adds and removes the signers of a collection, in Docker's sense.

mod shared;

use std::{fs, path::PathBuf, process::ExitCode};

use shared::{Failure, Options, printable, say, usage, warn, words};
use tuf_notary::{
    blocking::Collection,
    crypto::PublicKey,
    edit::{Changes, Plan},
    image::Reference,
    name::SignerName,
    view::{SignerInfo, View},
};

const HELP: &str = "\
Lists, adds and removes signers: whoever may sign every tag of a collection.

usage: signers [OPTIONS] list IMAGE
       signers [OPTIONS] add --key FILE [--key FILE]... IMAGE NAME
       signers [OPTIONS] remove [--keep-tags] IMAGE NAME

  --key FILE          a signer's public key or certificate in PEM
  --keep-tags         the remaining signers whose keys are at hand take over the tags of the one
                      who is removed; without it those tags lose their trust
  --dry-run           print what would be signed and lost, and change nothing
  --keys DIR          folder of <id>.key files; default: private/ in the trust folder
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --clock RFC3339, --reset-trust: as in verify_tag

Passphrases come from NOTARY_TARGETS_PASSPHRASE, NOTARY_SNAPSHOT_PASSPHRASE and
NOTARY_DELEGATION_PASSPHRASE.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut files) = (Options::default(), Vec::new());
        let (mut keep_tags, mut dry_run) = (false, false);
        let words = words(&mut options, |name, parser| {
            match name {
                "key" => files.push(PathBuf::from(parser.value().map_err(usage)?)),
                "keep-tags" => keep_tags = true,
                "dry-run" => dry_run = true,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let signer = |name: &str| SignerName::new(name).map_err(usage);
        let (image, changes) = match *words.as_slice() {
            ["list", image] => (image, Changes::new()),
            ["add", image, name] => (image, Changes::new().add_signer(signer(name)?, keys(&files)?)),
            ["remove", image, name] => (image, Changes::new().remove_signer(signer(name)?, keep_tags)),
            _ => return Err(usage("list IMAGE, add IMAGE NAME or remove IMAGE NAME expected")),
        };
        let image = Reference::parse(image).map_err(usage)?;
        run(&options.collection(&image)?, &changes, dry_run)
    })
}

fn run(collection: &Collection, changes: &Changes, dry_run: bool) -> Result<(), Failure> {
    if dry_run {
        return print(foreseen(&collection.plan(changes)?));
    }
    let view = if changes.is_empty() { collection.refresh()? } else { collection.publish(changes)? };
    warn(&view);
    print(signers(&view))
}

fn print(lines: Vec<String>) -> Result<(), Failure> {
    lines.iter().try_for_each(|line| say(&printable(line)))
}

fn keys(files: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    if files.is_empty() {
        return Err(usage("--key FILE is missing"));
    }
    let read = |file: &PathBuf| {
        let pem = fs::read(file).map_err(|error| usage(format!("{}: {error}", file.display())))?;
        PublicKey::from_pem(&pem).map_err(|error| usage(format!("{}: {error}", file.display())))
    };
    files.iter().map(read).collect()
}

/// One line a signer: the name, and the ids of the keys.
fn signers(view: &View) -> Vec<String> {
    let line = |signer: SignerInfo| {
        let keys: Vec<_> = signer.keys.iter().map(|key| key.as_str()).collect();
        format!("{} {}", signer.name, keys.join(","))
    };
    view.signers().into_iter().map(line).collect()
}

fn foreseen(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for role in &plan.roles {
        let missing = if role.is_signable() { "" } else { ", but too few of its keys are at hand" };
        lines.push(format!("{} would be signed as version {}{missing}", role.role, role.version));
    }
    for lost in &plan.lost {
        lines.push(format!("{} would not be signed by {} any more", lost.name, lost.role));
    }
    lines
}
