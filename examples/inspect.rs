//! Lists what a collection signs, who signs it, and until when.

mod shared;

use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Serializer, ser::PrettyFormatter};
use shared::{Failure, Options, arguments, natural::natural, printable, say, usage, warn};
use tuf_notary::{
    image::Reference,
    name::{KeyId, RoleName},
    view::{RoleKey, RoleStatus, SignedTarget, View},
};

const HELP: &str = "\
Lists signed tags, signers and administrative keys of a collection.

usage: inspect [OPTIONS] [--json] IMAGE

  --json              print JSON in the form of `docker trust inspect`
  --server URL, --plain-http, --tls-ca FILE, --trust-dir DIR, --root-key KEYID, --ca FILE,
  --at RFC3339, --reset-trust: as in verify_tag";

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
    let mut targets = view.targets()?;
    if as_json {
        // Docker lists what targets signs even where targets/releases signs something else.
        let hidden = view.targets_from(&[RoleName::Targets])?;
        let same = |a: &SignedTarget, b: &SignedTarget| a.name() == b.name() && a.hashes() == b.hashes();
        let released = targets.clone();
        targets.extend(hidden.into_iter().filter(|it| !released.iter().any(|other| same(it, other))));
    }
    if let Some(tag) = image.tag() {
        targets.retain(|target| target.name() == tag);
    }
    targets.sort_by(|a, b| natural(a.name().as_bytes(), b.name().as_bytes()));
    warn(&view);
    say(&if as_json { to_json(text, &view, &targets)? } else { to_text(&view, &targets) })
}

fn to_text(view: &View, targets: &[SignedTarget]) -> String {
    let mut lines = vec![view.gun().to_string(), String::new(), "signed tags:".to_owned()];
    for target in targets {
        let digest = target.image_digest().unwrap_or_else(|_| "(no SHA-256)".to_owned());
        lines.push(format!("  {}  {digest}  {}", target.name(), signers(view, target).join(", ")));
    }
    lines.extend([String::new(), "signers:".to_owned()]);
    for signer in view.signers() {
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

/// What `docker trust inspect` prints of an image, member by member.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Image<'a> {
    name: &'a str,
    signed_tags: Vec<Tag<'a>>,
    signers: Vec<Signer<'a>>,
    administrative_keys: [Signer<'a>; 2],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag<'a> {
    signed_tag: &'a str,
    digest: String,
    signers: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signer<'a> {
    name: &'a str,
    keys: Vec<Key<'a>>,
}

#[derive(Serialize)]
struct Key<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
}

fn to_json(name: &str, view: &View, targets: &[SignedTarget]) -> Result<String, Failure> {
    let (roles, signers_of_all) = (view.roles(), view.signers());
    let tags = targets.iter().filter_map(|target| {
        let digest = target.image_digest().ok()?.trim_start_matches("sha256:").to_owned();
        Some(Tag { signed_tag: target.name(), digest, signers: signers(view, target) })
    });
    let keys = |id: fn(&RoleKey) -> &KeyId, role: RoleName| -> Vec<_> {
        let status = roles.iter().filter(|status: &&RoleStatus| status.role == role);
        status.flat_map(|status| &status.keys).map(|key| Key { id: id(key).as_str() }).collect()
    };
    // Docker lists signers in descending order.
    let signers = signers_of_all.iter().rev().map(|signer| Signer {
        name: &signer.name,
        keys: signer.keys.iter().map(|id| Key { id: id.as_str() }).collect(),
    });
    let image = Image {
        name,
        signed_tags: tags.collect(),
        signers: signers.collect(),
        administrative_keys: [
            Signer { name: "Root", keys: keys(|key| &key.id, RoleName::Root) },
            Signer { name: "Repository", keys: keys(|key| &key.canonical_id, RoleName::Targets) },
        ],
    };
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    [image].serialize(&mut serializer).map_err(usage)?;
    String::from_utf8(text).map_err(usage)
}

fn signers(view: &View, target: &SignedTarget) -> Vec<String> {
    let signers = view.signers_of(target);
    if signers.is_empty() { vec!["Repo Admin".to_owned()] } else { signers }
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
}
