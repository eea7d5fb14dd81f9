//! Lists what a collection signs, who signs it, and until when.

mod shared;

use std::process::ExitCode;

use lexopt::Arg;
use serde::Serialize;
use serde_json::{Serializer, ser::PrettyFormatter};
use shared::{Failure, Options, only, printable, say, usage, warn};
use tuf_notary::{
    image::{ImageTrust, Reference, SignedTag},
    name::KeyId,
    view::View,
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
    let trust = ImageTrust::new(&view, image.tag())?;
    warn(&view);
    say(&if as_json { to_json(text, &trust)? } else { to_text(&view, &trust) })
}

fn to_text(view: &View, trust: &ImageTrust) -> String {
    let mut lines = vec![view.gun().to_string(), String::new(), "signed tags:".to_owned()];
    for tag in &trust.tags {
        lines.push(format!("  {}  {}  {}", tag.name, tag.digest, signers(tag).join(", ")));
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
    digest: &'a str,
    signers: Vec<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signer<'a> {
    name: &'a str,
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    #[serde(rename = "ID")]
    id: String,
}

fn to_json(name: &str, trust: &ImageTrust) -> Result<String, Failure> {
    let tags = trust.tags.iter().map(|tag| Tag {
        signed_tag: &tag.name,
        digest: tag.digest.trim_start_matches("sha256:"),
        signers: signers(tag),
    });
    let keys = |ids: &'_ [KeyId]| -> Vec<Key> { ids.iter().map(|id| Key { id: id.to_string() }).collect() };
    // Docker lists signers in descending order.
    let signers = trust.signers.iter().rev().map(|it| Signer { name: &it.name, keys: keys(&it.keys) });
    let image = Image {
        name,
        signed_tags: tags.collect(),
        signers: signers.collect(),
        administrative_keys: [
            Signer { name: "Root", keys: keys(&trust.root_keys) },
            Signer { name: "Repository", keys: keys(&trust.repository_keys) },
        ],
    };
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    [image].serialize(&mut serializer).map_err(usage)?;
    String::from_utf8(text).map_err(usage)
}

fn signers(tag: &SignedTag) -> Vec<&str> {
    if tag.signers.is_empty() { vec!["Repo Admin"] } else { tag.signers.iter().map(String::as_str).collect() }
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(KeyId::as_str).collect::<Vec<_>>().join(", ")
}
