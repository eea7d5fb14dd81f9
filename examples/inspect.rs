//! Lists what a collection signs, who signs it, and until when.

mod shared;

use std::process::ExitCode;

use lexopt::Arg;
use serde_json::{Value, json};
use shared::{Failure, Options, only, usage};
use tuf_notary::{
    image::Reference,
    name::{KeyId, RoleName},
    view::{RoleStatus, SignedTarget, View},
};

const HELP: &str = "\
Lists signed tags, signers and administrative keys of a collection.

usage: inspect [OPTIONS] [--json] IMAGE

  --json              print JSON in the form of `docker trust inspect`
  --server URL, --plain-http, --tls-ca FILE, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --at RFC3339, --reset-trust: as in verify_tag";

fn main() -> ExitCode {
    shared::run(HELP, || {
        let (mut options, mut image, mut as_json) = (Options::default(), None, false);
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(usage)? {
            match argument {
                Arg::Long("json") => as_json = true,
                Arg::Long(name) => {
                    let name = name.to_owned();
                    if !options.take(&name, &mut parser)? {
                        return Err(usage(format!("unknown option --{name}")));
                    }
                }
                Arg::Value(value) => only(&mut image, value)?,
                other => return Err(usage(other.unexpected())),
            }
        }
        inspect(&options, as_json, &image.ok_or_else(|| usage("IMAGE is missing"))?)
    })
}

fn inspect(options: &Options, as_json: bool, text: &str) -> Result<(), Failure> {
    let image = Reference::parse(text).map_err(usage)?;
    let view = options.collection(&image)?.refresh()?;
    let mut targets = view.targets()?;
    if let Some(tag) = image.tag() {
        targets.retain(|target| target.name() == tag);
    }
    if as_json {
        let text = serde_json::to_string_pretty(&to_json(text, &view, &targets)).map_err(usage)?;
        println!("{text}");
    } else {
        print(&view, &targets)?;
    }
    Ok(())
}

fn print(view: &View, targets: &[SignedTarget]) -> Result<(), Failure> {
    println!("{}\n\nsigned tags:", view.gun());
    for target in targets {
        let digest = target.image_digest().unwrap_or_else(|_| "(no SHA-256)".to_owned());
        println!("  {}  {digest}  {}", target.name(), signers(view, target).join(", "));
    }
    println!("\nsigners:");
    for signer in view.signers() {
        println!("  {}  {}", signer.name, list(&signer.keys));
    }
    println!("\nroles:");
    for status in view.roles() {
        let ids: Vec<_> = status.keys.iter().map(|key| key.canonical_id.clone()).collect();
        let file = match (&status.file, &status.problem) {
            (Some((version, expires)), _) => format!("version {version} until {expires}"),
            (None, Some(problem)) => format!("unusable: {problem}"),
            (None, None) => "not published".to_owned(),
        };
        println!("  {}  {file}, {} of {} keys: {}", status.role, status.threshold, ids.len(), list(&ids));
    }
    Ok(())
}

fn to_json(name: &str, view: &View, targets: &[SignedTarget]) -> Value {
    let tags = targets.iter().filter_map(|target| {
        let digest = target.image_digest().ok()?;
        let digest = digest.trim_start_matches("sha256:");
        Some(json!({ "SignedTag": target.name(), "Digest": digest, "Signers": signers(view, target) }))
    });
    let keys =
        |ids: Vec<&KeyId>| -> Value { ids.into_iter().map(|id| json!({ "ID": id.as_str() })).collect() };
    let roles = view.roles();
    let admin = |role: &RoleName, pick: fn(&tuf_notary::view::RoleKey) -> &KeyId| {
        let status = roles.iter().find(|status: &&RoleStatus| status.role == *role);
        keys(status.into_iter().flat_map(|status| &status.keys).map(pick).collect())
    };
    // Docker lists signers in descending order.
    let signers = view
        .signers()
        .into_iter()
        .rev()
        .map(|signer| json!({ "Name": signer.name, "Keys": keys(signer.keys.iter().collect()) }));
    json!([{
        "Name": name,
        "SignedTags": tags.collect::<Value>(),
        "Signers": signers.collect::<Value>(),
        "AdministrativeKeys": [
            { "Name": "Root", "Keys": admin(&RoleName::Root, |key| &key.id) },
            { "Name": "Repository", "Keys": admin(&RoleName::Targets, |key| &key.canonical_id) },
        ],
    }])
}

fn signers(view: &View, target: &SignedTarget) -> Vec<String> {
    let signers = view.signers_of(target);
    if signers.is_empty() { vec!["Repo Admin".to_owned()] } else { signers }
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
}
