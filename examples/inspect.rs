//! Lists what a collection signs, who signs it, and until when.

mod shared;

use std::process::ExitCode;

use shared::{
    Failure, Options, arguments,
    docker_json::{self, signers},
    printable, say, usage, warn,
};
use tuf_notary::{
    image::{ImageTrust, Reference},
    name::KeyId,
    view::View,
};

const HELP: &str = "\
Lists signed tags, signers and administrative keys of a collection.

usage: inspect [OPTIONS] [--json] IMAGE

  --json              print JSON in the form of `docker trust inspect`
  --server URL, --plain-http, --tls-ca FILE, --token-host HOST, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --at RFC3339, --clock RFC3339, --reset-trust: as in verify_tag";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut as_json) = (Options::default(), false);
        let image = arguments(&mut options, |name, _| {
            as_json |= name == "json";
            Ok(name == "json")
        })?;
        inspect(&options, as_json, &image.ok_or_else(|| usage("IMAGE is missing"))?)
    })
}

fn inspect(options: &Options, as_json: bool, text: &str) -> Result<(), Failure> {
    let image = Reference::parse(text).map_err(usage)?;
    let view = options.collection(&image)?.refresh()?;
    let trust = ImageTrust::new(&view, image.tag())?;
    warn(&view);
    if as_json {
        let images = [docker_json::Image::new(text, &trust)];
        return say(&docker_json::text(&images).map_err(usage)?);
    }
    say(&to_text(&view, &trust))
}

fn to_text(view: &View, trust: &ImageTrust) -> String {
    let mut lines = vec![view.gun().to_string(), String::new(), "signed tags:".to_owned()];
    for tag in &trust.tags {
        lines.push(format!("  {}  {}  {}", tag.name, tag.digest, signers(tag, "Repo Admin").join(", ")));
    }
    lines.extend([String::new(), "signers:".to_owned()]);
    for signer in &trust.signers {
        lines.push(format!("  {}  {}", signer.name, list(&signer.keys)));
    }
    lines.extend([String::new(), "roles:".to_owned()]);
    for status in view.roles() {
        let ids: Vec<_> = status.keys.iter().map(|key| key.canonical_id.clone()).collect();
        let file = match (&status.file, &status.problem) {
            (Some((version, expires)), _) => format!("version {version} until {expires}"),
            (None, Some(problem)) => format!("unusable: {problem}"),
            (None, None) => "not published".to_owned(),
        };
        let (role, threshold) = (&status.role, status.threshold);
        lines.push(format!("  {role}  {file}, {threshold} of {} keys: {}", ids.len(), list(&ids)));
    }
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
}
