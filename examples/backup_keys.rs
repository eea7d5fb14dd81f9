//! Puts all keys of a folder into one file, and takes them back: one such file, locked away, is
//! what a lost laptop costs.

mod shared;

use std::{path::PathBuf, process::ExitCode};

use lexopt::Arg;
use shared::{Failure, say, text, usage};
use tuf_notary::keys::{DirectoryKeys, EnvironmentPassphrases, IfExists, ImportOptions, Imported};

const HELP: &str = "\
Backs up private keys into one file, or restores them from it.

usage: backup_keys [--force] --keys DIR FILE
       backup_keys --restore --keys DIR FILE

  --keys DIR   folder of <id>.key files, such as ~/.docker/trust/private
  --restore    take the keys of FILE; those that are there already stay as they are
  --force      replace FILE if it is there

Keys stay encrypted under their own passphrases, so that none is asked for. A key that is stored
in the clear is the exception: its new passphrase comes from NOTARY_ROOT_PASSPHRASE,
NOTARY_TARGETS_PASSPHRASE, NOTARY_SNAPSHOT_PASSPHRASE or NOTARY_DELEGATION_PASSPHRASE.
notary key import reads FILE, and --restore reads what notary key export writes.";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut restore, mut if_exists) = (false, IfExists::Refuse);
        let (mut folder, mut file) = (None::<PathBuf>, None);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Arg::Long("restore") => restore = true,
                Arg::Long("force") => if_exists = IfExists::Replace,
                Arg::Long("keys") => folder = Some(parser.value().map_err(usage)?.into()),
                Arg::Value(value) if file.is_none() => file = Some(PathBuf::from(text(value)?)),
                other => return Err(usage(other.unexpected())),
            }
        }
        let folder = folder.ok_or_else(|| usage("--keys is missing"))?;
        let file = file.ok_or_else(|| usage("FILE is missing"))?;
        let keys = DirectoryKeys::open(&folder, EnvironmentPassphrases::notary());
        if restore { take_back(&keys, &file) } else { back_up(&keys, &file, if_exists) }
    })
}

fn back_up(keys: &DirectoryKeys, file: &std::path::Path, if_exists: IfExists) -> Result<(), Failure> {
    let export = keys.backup(file, if_exists)?;
    for info in &export.keys {
        say(&format!("saved {info}"))?;
    }
    // A backup that lacks a key is no backup.
    match export.left_out.into_iter().next() {
        Some((_, error)) => Err(error.into()),
        None => Ok(()),
    }
}

fn take_back(keys: &DirectoryKeys, file: &std::path::Path) -> Result<(), Failure> {
    let report = keys.restore(file, &ImportOptions::new())?;
    for (info, how) in &report.imported {
        let how = if *how == Imported::AlreadyThere { "is there already" } else { "restored" };
        say(&format!("{info}: {how}"))?;
    }
    for block in &report.skipped {
        say(&format!("block {} left out: {}", block.number, shared::printable(&block.reason.to_string())))?;
    }
    report.all().map(drop).map_err(Failure::from)
}
