//! A TUF 1.0 client on the command line, with the face that the public client conformance suite
//! drives: `init`, `refresh` and `download`.
//!
//! Trusted metadata lies in one folder, as received, and the root there is where trust begins. The
//! exit code is 0 when everything was done and held, 1 otherwise.

mod arguments;

use std::{
    fs,
    io::{self, Write},
    process::ExitCode,
};

use arguments::{Arguments, Command};
use tuf_notary::{
    Error, Repository,
    limits::Limits,
    metadata::Root,
    name::{RoleName, Slot},
    store::{MetadataStore, RepositoryStore},
    transport::{HttpRepository, Retries},
    verify::VerifyError,
    wire::{Dialect, Envelope},
};

type Failure = Box<dyn std::error::Error>;

const ROOT: Slot = Slot::Metadata(RoleName::Root);

fn main() -> ExitCode {
    let outcome = arguments::read().and_then(|arguments| match arguments {
        Some(arguments) => run(&arguments),
        None => Ok(writeln!(io::stdout(), "{}", arguments::USAGE)?),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error[{}]: {failure}", code(&*failure));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let store = RepositoryStore::open(&arguments.metadata_dir);
    match &arguments.command {
        Command::Init { root } => init(&store, &fs::read(root)?),
        Command::Refresh { metadata_url } => {
            let repository = Repository::builder(trusted_root(&store)?)
                .transport(HttpRepository::builder(metadata_url.clone()).retries(ONCE).build()?)
                .store(store)
                .build();
            repository.refresh()?;
            Ok(())
        }
        Command::Download { metadata_url, targets_url, targets, folder } => {
            let server = HttpRepository::builder(metadata_url.clone())
                .targets_url(targets_url.clone())
                .retries(ONCE)
                .build()?;
            let repository = Repository::builder(trusted_root(&store)?)
                .transport(server.clone())
                .targets(server)
                .store(store)
                .build();
            repository.refresh()?;
            for name in targets {
                let found = repository.find(name)?.ok_or_else(|| format!("there is no target {name}"))?;
                let path = repository.save_in(&found, folder)?;
                writeln!(io::stdout(), "{}", path.display())?;
            }
            Ok(())
        }
    }
}

/// A failure is reported, not waited out.
const ONCE: Retries = Retries { most: 0, longest_pause: std::time::Duration::ZERO };

/// Puts the root where trust begins in its place. Whether it vouches for itself is asked whenever it
/// is used.
fn init(store: &RepositoryStore, root: &[u8]) -> Result<(), Failure> {
    Envelope::<Root>::read(Dialect::Tuf1, root.to_vec(), &Limits::default())?;
    Ok(store.write(&ROOT, root)?)
}

fn trusted_root(store: &RepositoryStore) -> Result<Vec<u8>, Failure> {
    let root = store.read(&ROOT, Limits::default().max_metadata)?;
    Ok(root.ok_or("there is no trusted root: run init first")?)
}

fn code(failure: &(dyn std::error::Error + 'static)) -> &'static str {
    let ours = failure.downcast_ref::<Error>().map(Error::code);
    ours.or_else(|| failure.downcast_ref::<VerifyError>().map(VerifyError::code)).unwrap_or("FAILED")
}
