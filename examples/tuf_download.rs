//! Fetches targets of a TUF 1.0 repository into a folder, verified.

mod shared;

use std::{fs, path::PathBuf, process::ExitCode};

use lexopt::prelude::*;
use shared::{Failure, run, say, usage};
use tuf_notary::{Repository, name::TargetName, store::RepositoryStore, view::Freshness};
use url::Url;

const HELP: &str = "\
Fetches targets of a TUF 1.0 repository and prints where each one lies.

usage: tuf_download --root FILE --metadata-url URL --targets-url URL [OPTIONS] TARGET...

  --root FILE         the root that trust begins with, got by a way of its own
  --metadata-url URL  below which metadata lies
  --targets-url URL   below which targets lie
  --cache DIR         where verified metadata is kept; default: .tuf
  --into DIR          where targets go; default: the present folder
  --offline           make no request: answer from the cache, and targets that are there already

exit code: 0 when all are there, 1 when one is not or does not hold, 2 for a wrong call, 3 when the
server gave no answer";

fn main() -> ExitCode {
    run(HELP, download)
}

fn download() -> Result<(), Failure> {
    let options = Options::read()?;
    let root = fs::read(&options.root).map_err(usage)?;
    let freshness = if options.offline { Freshness::Offline } else { Freshness::Online };
    let repository = Repository::builder(root)
        .http(options.metadata_url, options.targets_url)?
        .store(RepositoryStore::open(&options.cache))
        .freshness(freshness)
        .build();

    repository.refresh()?; // newer roots, timestamp, snapshot, targets: all verified
    for name in &options.targets {
        let missing = || Failure::Refused("NOT_FOUND", format!("the repository has no target {name}"));
        let target = repository.find(name)?.ok_or_else(missing)?; // delegated roles are loaded here
        let path = repository.save_in(&target, &options.into)?; // whole and verified, or not at all
        say(&format!("{}  {} bytes, listed by {}", path.display(), target.length(), target.role()))?;
    }
    Ok(())
}

struct Options {
    root: PathBuf,
    metadata_url: Url,
    targets_url: Url,
    cache: PathBuf,
    into: PathBuf,
    offline: bool,
    targets: Vec<TargetName>,
}

impl Options {
    fn read() -> Result<Self, Failure> {
        let (mut root, mut metadata_url, mut targets_url) = (None, None, None);
        let (mut cache, mut into, mut offline) = (PathBuf::from(".tuf"), PathBuf::from("."), false);
        let mut targets = Vec::new();
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Long("root") => root = Some(parser.value().map_err(usage)?.into()),
                Long("metadata-url") => metadata_url = Some(url(&mut parser)?),
                Long("targets-url") => targets_url = Some(url(&mut parser)?),
                Long("cache") => cache = parser.value().map_err(usage)?.into(),
                Long("into") => into = parser.value().map_err(usage)?.into(),
                Long("offline") => offline = true,
                Value(name) => targets.push(name.parse().map_err(usage)?),
                other => return Err(usage(other.unexpected())),
            }
        }
        let missing = |option: &str| usage(format!("{option} is missing"));
        Ok(Self {
            root: root.ok_or_else(|| missing("--root"))?,
            metadata_url: metadata_url.ok_or_else(|| missing("--metadata-url"))?,
            targets_url: targets_url.ok_or_else(|| missing("--targets-url"))?,
            cache,
            into,
            offline,
            targets: if targets.is_empty() { return Err(missing("TARGET")) } else { targets },
        })
    }
}

fn url(parser: &mut lexopt::Parser) -> Result<Url, Failure> {
    parser.value().map_err(usage)?.parse().map_err(usage)
}
