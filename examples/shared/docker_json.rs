//! What `docker trust inspect` prints of images, member by member.

use serde::Serialize;
use serde_json::{Serializer, ser::PrettyFormatter};
use tuf_notary::{
    image::{ImageTrust, SignedTag},
    name::KeyId,
};

/// One image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    name: String,
    signed_tags: Vec<Tag>,
    signers: Vec<Signer>,
    administrative_keys: [Signer; 2],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    signed_tag: String,
    digest: String,
    signers: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Signer {
    name: String,
    keys: Vec<Key>,
}

#[derive(Debug, Serialize)]
struct Key {
    #[serde(rename = "ID")]
    id: String,
}

impl Image {
    /// An image under the name that the user gave it.
    pub fn new(name: &str, trust: &ImageTrust) -> Self {
        let signer = |name: &str, ids: &[KeyId]| Signer {
            name: name.to_owned(),
            keys: ids.iter().map(|id| Key { id: id.to_string() }).collect(),
        };
        let tag = |tag: &SignedTag| Tag {
            signed_tag: tag.name.clone(),
            digest: tag.digest.trim_start_matches("sha256:").to_owned(),
            signers: signers(tag, "Repo Admin"),
        };
        Self {
            name: name.to_owned(),
            signed_tags: trust.tags.iter().map(tag).collect(),
            // Docker lists signers in descending order.
            signers: trust.signers.iter().rev().map(|it| signer(&it.name, &it.keys)).collect(),
            administrative_keys: [
                signer("Root", &trust.root_keys),
                signer("Repository", &trust.repository_keys),
            ],
        }
    }
}

/// The images as Docker prints them.
pub fn text(images: &[Image]) -> Result<String, serde_json::Error> {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    images.serialize(&mut serializer)?;
    Ok(String::from_utf8_lossy(&text).chars().map(printable).collect())
}

/// JSON leaves these characters as they are, which a terminal obeys. They stand in strings only.
fn printable(c: char) -> String {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if turns || c.is_control() && c != '\n' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
}

/// Who vouches for a tag; the repository's own key goes by a name that each output spells its way.
pub fn signers(tag: &SignedTag, admin: &str) -> Vec<String> {
    if tag.signers.is_empty() { vec![admin.to_owned()] } else { tag.signers.clone() }
}
