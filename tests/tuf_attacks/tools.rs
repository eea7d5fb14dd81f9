//! What rows of several files do.

use std::{fs, path::Path};

use tuf_notary::verify::TrustedSet;

use crate::lab::Lab;

/// A client that trusts a first root, and a repository where a role's file is about to come for the first
/// time: the root's in version 2.
pub fn before(role: &str) -> Lab {
    let mut lab = Lab::new();
    if role == "root" {
        lab.forge.bump("root");
    }
    lab
}

/// The refresh of a new client, after one change to what a role signs.
pub fn signed(
    role: &str,
    change: impl Fn(String) -> String + Send + Sync + 'static,
) -> Result<TrustedSet, &'static str> {
    let mut lab = before(role);
    lab.forge.before_sign(role, change);
    lab.serve();
    lab.refresh().map_err(|error| error.code())
}

/// The refresh of a new client, after one change to a file that its parents pin.
pub fn changed(
    role: &str,
    change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> (Lab, Result<TrustedSet, &'static str>) {
    let mut lab = before(role);
    lab.forge.after_sign(role, change);
    lab.serve();
    let outcome = lab.refresh().map_err(|error| error.code());
    (lab, outcome)
}

/// Replaces one spot in a file after it was signed.
pub fn replaced(from: &'static str, to: &'static str) -> impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync {
    move |file| {
        let text = String::from_utf8(file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        text.replacen(from, to, 1).into_bytes()
    }
}

/// Replaces the version of a document's text, whatever comes instead.
pub fn with_version(text: &str, version: &str) -> String {
    let (head, _) = text.rsplit_once("\"version\":").unwrap();
    format!("{head}\"version\":{version}}}")
}

/// The names of all files and folders below a folder.
pub fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        found.push(entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(listing(&entry.path()));
        }
    }
    found.sort();
    found
}
