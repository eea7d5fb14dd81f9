//! `signer add` and `signer remove`: who may sign.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tuf_notary::{
    blocking::{Collection, Initialise, SnapshotKey},
    crypto::PublicKey,
    edit::{Changes, EditError, Plan},
    error::Error,
    image::Reference,
    name::{RoleName, SignerName, TargetName},
    verify::VerifyError,
    view::View,
};

use crate::{
    docker::{Docker, warn},
    failure::Failure,
    terminal::{Progress, confirm, say, tell},
};

/// Most bytes of a file with a public key.
const MAX_KEY: u64 = 1 << 20;

/// Adds a signer to repositories; those that nobody signs yet begin with it.
pub fn add(docker: &Docker, name: &str, files: &[PathBuf], repositories: &[String]) -> Result<(), Failure> {
    if name == RELEASES {
        return Err(Failure::new("releases is a reserved keyword, use a different signer name"));
    }
    let signer = SignerName::new(name).map_err(|_| {
        Failure::new(format!(
            "signer name {name:?} must start with lowercase alphanumeric characters and can include \"-\" \
             or \"_\" after the first character"
        ))
    })?;
    if files.is_empty() {
        return Err(Failure::new("path to a public key must be provided using the `--key` flag"));
    }
    let keys = files.iter().map(|file| public_key(file)).collect::<Result<Vec<_>, _>>()?;
    each(repositories, "failed to add signer to", |repository| {
        say(&format!("Adding signer \"{name}\" to {repository}..."))?;
        add_to(docker, repository, Changes::new().add_signer(signer.clone(), keys.clone()))?;
        say(&format!("Successfully added signer: {name} to {repository}\n"))
    })
}

fn add_to(docker: &Docker, repository: &str, changes: Changes) -> Result<(), Failure> {
    let collection = collection(docker, repository)?;
    let progress = Progress::of(&format!("Publishing {repository}"));
    match collection.publish(&changes) {
        // Only the server's own word that there is nothing begins a new collection.
        Err(Error::Verify(VerifyError::NotSigned { .. })) => drop(progress),
        outcome => return outcome.map(drop).map_err(Failure::from),
    }
    say(&format!("Initializing signed repository for {repository}..."))?;
    let plan = Initialise::new().snapshot_key(SnapshotKey::Server).changes(changes);
    collection.initialise(&plan).map_err(|error| {
        Failure::of(format!("failed to initialize signed repository for {repository}"), error)
    })?;
    say(&format!("Successfully initialized \"{repository}\""))
}

/// How signers are removed.
pub struct Removal<'a> {
    pub docker: &'a Docker,
    /// Nobody is asked.
    pub force: bool,
    /// Tags that the signer alone has signed go to those who stay.
    pub keep_tags: bool,
}

impl Removal<'_> {
    /// Removes a signer from repositories.
    pub fn run(&self, name: &str, repositories: &[String]) -> Result<(), Failure> {
        each(repositories, "error removing signer from", |repository| {
            say(&format!("Removing signer \"{name}\" from {repository}..."))?;
            if self.from(name, repository)? {
                say(&format!("Successfully removed {name} from {repository}\n"))?;
            }
            Ok(())
        })
    }

    /// Whether it was removed: a person may say no.
    fn from(&self, name: &str, repository: &str) -> Result<bool, Failure> {
        if name == RELEASES {
            return Err(Failure::new("releases is a reserved keyword and cannot be removed"));
        }
        let collection = collection(self.docker, repository)?;
        let progress = Progress::of(&format!("Asking for trust data of {repository}"));
        let refused = |error| Failure::of(format!("error retrieving signers for {repository}"), error);
        let view = collection.refresh().map_err(refused)?;
        drop(progress);
        warn(&view);
        let unknown = || Failure::new(format!("no signer {name} for repository {repository}"));
        let signer = SignerName::new(name).map_err(|_| unknown())?;
        if !view.signers().iter().any(|it| it.name == name) {
            return Err(unknown());
        }
        let mut changes = Changes::new().remove_signer(signer.clone(), self.keep_tags);
        let question = match collection.plan(&changes) {
            Err(Error::Edit(EditError::LastSigner { .. })) => {
                changes = Changes::new().undelegate(RoleName::releases()).remove_signer(signer, false);
                changes = without_hidden(changes.clone(), &view, &released(collection.plan(&changes)?))?;
                Some(format!(
                    "The signer \"{name}\" signed the last released version of {repository}. Removing this \
                     signer will make {repository} unpullable. Are you sure you want to continue?"
                ))
            }
            plan => {
                let lost = released(plan?);
                (!lost.is_empty()).then(|| lost_question(name, &lost))
            }
        };
        if let Some(question) = question.filter(|_| !self.force)
            && !confirm(&question)?
        {
            return Ok(false);
        }
        let _progress = Progress::of(&format!("Publishing {repository}"));
        collection.publish(&changes)?;
        Ok(true)
    }
}

/// What `targets` says otherwise about tags that go with the releases was hidden, and must not come
/// back.
fn without_hidden(mut changes: Changes, view: &View, lost: &BTreeSet<String>) -> Result<Changes, Failure> {
    for hidden in view.targets_from(&[RoleName::Targets])?.iter().filter(|it| lost.contains(it.name())) {
        if view.target(hidden.name())?.hashes() != hidden.hashes() {
            let tag = TargetName::new(hidden.name()).map_err(Failure::new)?;
            changes = changes.revoke_as(RoleName::Targets, tag);
        }
    }
    Ok(changes)
}

/// The released tags that lose their trust.
fn released(plan: Plan) -> BTreeSet<String> {
    let released = plan.lost.into_iter().filter(|it| it.role == RoleName::releases());
    released.map(|it| it.name).collect()
}

fn lost_question(name: &str, tags: &BTreeSet<String>) -> String {
    let tags: Vec<_> = tags.iter().map(String::as_str).collect();
    format!(
        "Only \"{name}\" signed these released tags, which will become unpullable: {}. --keep-tags would \
         keep them. Are you sure you want to continue?",
        tags.join(", ")
    )
}

/// The role that all signers share is no signer.
const RELEASES: &str = "releases";

/// Goes through all repositories, whatever fails in one of them.
fn each(
    repositories: &[String],
    failure: &str,
    mut step: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = Vec::new();
    for repository in repositories {
        if let Err(reason) = step(repository) {
            tell(&format!("{reason}\n"));
            failed.push(repository.as_str());
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::of(failure, failed.join(", "))) }
}

/// The collection of a repository, whatever tag is named with it.
fn collection(docker: &Docker, repository: &str) -> Result<Collection, Failure> {
    docker.collection(&Reference::parse(repository).map_err(Failure::new)?)
}

fn public_key(file: &Path) -> Result<PublicKey, Failure> {
    let refused = |reason: &dyn std::fmt::Display| {
        Failure::new(format!("could not parse public key from file: {}: {reason}", file.display()))
    };
    let mut text = Vec::new();
    fs::File::open(file).and_then(|content| content.take(MAX_KEY + 1).read_to_end(&mut text)).map_err(
        |error| {
            Failure::new(format!("unable to read public key from file: open {}: {error}", file.display()))
        },
    )?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_KEY) {
        return Err(refused(&"longer than 1 MiB"));
    }
    let key = PublicKey::from_pem(&text).map_err(|error| refused(&error))?;
    match key.certificate() {
        Some(certificate) if certificate.not_after() < SystemTime::now() => {
            Err(refused(&"the certificate has expired"))
        }
        _ => Ok(key),
    }
}
