//! `revoke`: takes tags back from every role whose word Docker takes, so that no older entry
//! shines through, and from the signers whose keys are at hand.

use std::collections::BTreeSet;

use tuf_notary::{
    edit::Changes,
    image::Reference,
    keys::KeyStore,
    name::{RoleName, TargetName},
    view::View,
};

use crate::{
    docker::{Docker, warn},
    failure::Failure,
    terminal::{Progress, confirm, say},
};

/// Revokes a tag, or all of them.
pub fn revoke(docker: &Docker, text: &str, yes: bool) -> Result<(), Failure> {
    let image = Reference::parse(text).map_err(Failure::new)?;
    if image.digest().is_some() {
        return Err(Failure::new("cannot use a digest reference for IMAGE:TAG"));
    }
    if image.tag().is_none() && !yes {
        let question = format!("Confirm you would like to delete all signature data for {text}?");
        if !confirm(&question)? {
            return Ok(());
        }
    }
    revoke_tags(docker, &image)
        .map_err(|failure| Failure::of(format!("could not remove signature for {text}"), failure))?;
    say(&format!("Successfully deleted signature for {text}"))
}

fn revoke_tags(docker: &Docker, image: &Reference) -> Result<(), Failure> {
    let collection = docker.collection(image)?;
    let progress = Progress::of(&format!("Asking for trust data of {}", image.gun()));
    let view = collection.refresh()?;
    drop(progress);
    warn(&view);
    let released = released(&view)?;
    let names: Vec<_> = match image.tag() {
        Some(tag) if released.contains(tag) => vec![tag.to_owned()],
        Some(tag) => return Err(Failure::new(format!("No valid trust data for {tag}"))),
        None if released.is_empty() => return Err(Failure::new("no signed tags to remove")),
        None => released.into_iter().collect(),
    };
    let mut changes = Changes::new();
    for name in &names {
        let target = TargetName::new(name).map_err(Failure::new)?;
        for role in roles(docker, &view, name)? {
            changes = changes.revoke_as(role, target.clone());
        }
    }
    let _progress = Progress::of(&format!("Publishing {}", image.gun()));
    collection.publish(&changes)?;
    Ok(())
}

/// The names that either of the roles has that Docker asks.
fn released(view: &View) -> Result<BTreeSet<String>, Failure> {
    let targets = [view.targets()?, view.targets_from(&[RoleName::Targets])?];
    Ok(targets.iter().flatten().map(|target| target.name().to_owned()).collect())
}

/// The roles that must drop a name, and those that can.
fn roles(docker: &Docker, view: &View, name: &str) -> Result<Vec<RoleName>, Failure> {
    let held: BTreeSet<_> = docker.keys().list()?.into_iter().map(|info| info.id).collect();
    let answers_for_docker = |role: &RoleName| *role == RoleName::Targets || *role == RoleName::releases();
    let mut roles = Vec::new();
    for status in view.roles() {
        let Some(targets) = view.trusted().targets_of(&status.role) else { continue };
        let ours = status.keys.iter().any(|key| held.contains(&key.canonical_id));
        let lists_it = targets.body().targets.get(name).is_some();
        if lists_it && (answers_for_docker(&status.role) || ours) {
            roles.push(status.role);
        }
    }
    Ok(roles)
}
