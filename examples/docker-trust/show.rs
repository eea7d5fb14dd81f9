//! `inspect` and `view`: what is signed, by whom, under whose keys.

use tuf_notary::{
    image::{ImageTrust, Reference},
    name::KeyId,
};

use crate::{
    docker::{Docker, warn},
    docker_json::{self, Image, signers},
    failure::Failure,
    terminal::{Progress, say},
};

/// Digits of a key id in tables.
const SHORT: usize = 12;
/// Blanks between two columns.
const GAP: usize = 3;

/// Prints images as JSON; what failed is told afterwards, as Docker does.
pub fn json(docker: &Docker, images: &[String]) -> Result<(), Failure> {
    let (mut shown, mut failed) = (Vec::new(), Vec::new());
    for name in images {
        match look_up(docker, name) {
            Ok(trust) => shown.push(Image::new(name, &trust)),
            Err(failure) => failed.push(failure.to_string()),
        }
    }
    say(&docker_json::text(&shown).map_err(Failure::new)?)?;
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(failed.join("\n"))) }
}

/// Prints images as tables.
pub fn pretty(docker: &Docker, images: &[String]) -> Result<(), Failure> {
    for (position, name) in images.iter().enumerate() {
        say(&tables(name, &look_up(docker, name)?))?;
        if position + 1 < images.len() {
            say("\n")?;
        }
    }
    Ok(())
}

fn look_up(docker: &Docker, name: &str) -> Result<ImageTrust, Failure> {
    let image = Reference::parse(name).map_err(Failure::new)?;
    let refused = |failure| Failure::of(format!("no signatures or cannot access {name}"), failure);
    let _progress = Progress::of(&format!("Asking for trust data of {name}"));
    let collection = docker.collection(&image).map_err(refused)?;
    let view = collection.refresh().map_err(|error| refused(error.into()))?;
    warn(&view);
    ImageTrust::new(&view, image.tag()).map_err(|error| refused(error.into()))
}

fn tables(name: &str, trust: &ImageTrust) -> String {
    let mut text = String::new();
    let tags = trust.tags.iter().map(|tag| {
        let mut names = signers(tag, "(Repo Admin)");
        names.sort();
        [tag.name.clone(), tag.digest.trim_start_matches("sha256:").to_owned(), names.join(", ")]
    });
    let tags: Vec<_> = tags.collect();
    if tags.is_empty() {
        text += &format!("\nNo signatures for {name}\n\n");
    } else {
        text += &format!("\nSignatures for {name}\n\n");
        text += &table(["SIGNED TAG", "DIGEST", "SIGNERS"], &tags);
    }
    if !trust.signers.is_empty() {
        text += &format!("\nList of signers and their keys for {name}\n\n");
        let rows: Vec<_> =
            trust.signers.iter().map(|signer| [signer.name.clone(), ids(&signer.keys, SHORT)]).collect();
        text += &table(["SIGNER", "KEYS"], &rows);
    }
    text += &format!("\nAdministrative keys for {name}\n\n");
    text += &format!("  Repository Key:\t{}\n", ids(&trust.repository_keys, usize::MAX));
    text += &format!("  Root Key:\t{}", ids(&trust.root_keys, usize::MAX));
    text
}

fn ids(ids: &[KeyId], digits: usize) -> String {
    let mut ids: Vec<_> = ids.iter().map(|id| id.as_str().chars().take(digits).collect::<String>()).collect();
    ids.sort();
    ids.join(", ")
}

/// Columns as wide as their widest cell, at least ten characters with the gap; the last one is
/// not padded.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    const LEAST: usize = 10;
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend_from_slice(rows);
    let width = |column: usize| {
        let widest = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        (widest.unwrap_or(0) + GAP).max(LEAST)
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let padding = if column + 1 < N { width.saturating_sub(cell.chars().count()) } else { 0 };
            text += cell;
            text += &" ".repeat(padding);
        }
        text.push('\n');
    }
    text
}
