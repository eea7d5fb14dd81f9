//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;
use tuf_notary::name::TargetName;
use url::Url;

use super::Failure;

pub const USAGE: &str = "\
usage: tuf-client --metadata-dir DIR init TRUSTED_ROOT_FILE
       tuf-client --metadata-dir DIR --metadata-url URL refresh
       tuf-client --metadata-dir DIR --metadata-url URL --target-name PATH [--target-name PATH]...
                  --target-base-url URL --target-dir DIR download";

pub struct Arguments {
    pub metadata_dir: PathBuf,
    pub command: Command,
}

pub enum Command {
    /// Begin to trust.
    Init { root: PathBuf },
    /// Update the metadata.
    Refresh { metadata_url: Url },
    /// Update the metadata and fetch targets.
    Download { metadata_url: Url, targets_url: Url, targets: Vec<TargetName>, folder: PathBuf },
}

#[derive(Default)]
struct Given {
    metadata_dir: Option<PathBuf>,
    metadata_url: Option<Url>,
    targets_url: Option<Url>,
    targets: Vec<TargetName>,
    target_dir: Option<PathBuf>,
    words: Vec<std::ffi::OsString>,
}

/// Reads them; none when help was asked for.
pub fn read() -> Result<Option<Arguments>, Failure> {
    let mut given = Given::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("metadata-dir") => given.metadata_dir = Some(parser.value()?.into()),
            Long("metadata-url") => given.metadata_url = Some(parser.value()?.parse()?),
            Long("target-base-url") => given.targets_url = Some(parser.value()?.parse()?),
            Long("target-name") => given.targets.push(parser.value()?.parse()?),
            Long("target-dir") => given.target_dir = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            Value(word) => given.words.push(word),
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        }
    }
    given.command().map(Some)
}

impl Given {
    fn command(mut self) -> Result<Arguments, Failure> {
        let words: Vec<_> = self.words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
        let command = match words.as_slice() {
            ["init", _] => Command::Init { root: self.words.pop().unwrap_or_default().into() },
            ["refresh"] => Command::Refresh { metadata_url: needed(self.metadata_url, "--metadata-url")? },
            ["download"] if self.targets.is_empty() => return Err(missing("--target-name")),
            ["download"] => Command::Download {
                metadata_url: needed(self.metadata_url, "--metadata-url")?,
                targets_url: needed(self.targets_url, "--target-base-url")?,
                targets: self.targets,
                folder: needed(self.target_dir, "--target-dir")?,
            },
            _ => return Err(USAGE.into()),
        };
        Ok(Arguments { metadata_dir: needed(self.metadata_dir, "--metadata-dir")?, command })
    }
}

fn needed<T>(value: Option<T>, option: &str) -> Result<T, Failure> {
    value.ok_or_else(|| missing(option))
}

fn missing(option: &str) -> Failure {
    format!("{option} is missing\n{USAGE}").into()
}
