//! From documents to files: each is signed, and then pinned by the role above it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Forge, ForgeKey, Published, document};
use crate::wire::json;

/// A file, and what it was made from.
#[derive(Clone, Debug)]
pub(super) struct Made {
    text: String,
    keys: Vec<ForgeKey>,
    signatures: Value,
}

impl Forge {
    /// All files that a server would have: the newest of each role by its name, digest and
    /// version, and the earlier roots. What did not change since the last time is the same to the
    /// byte.
    pub fn build(&mut self) -> Published {
        let mut published = Published::with_files(self.gun.clone(), self.earlier.clone());
        let mut pins = BTreeMap::new();
        let roles: Vec<_> = self.documents.keys().cloned().collect();
        let is_pinned = |role: &&String| !matches!(role.as_str(), "snapshot" | "timestamp");
        for role in roles.iter().filter(is_pinned) {
            let document = self.documents.get(role).cloned().unwrap_or_default();
            pins.extend(self.make(role, &document, &mut published));
        }
        for role in ["snapshot", "timestamp"] {
            let Some(mut document) = self.documents.get(role).cloned() else { continue };
            for (name, pin) in std::mem::take(&mut pins) {
                document::set(document::member(&mut document, "meta"), &name, pin);
            }
            pins.extend(self.make(role, &document, &mut published));
        }
        published
    }

    /// Makes a role's file. Returns what the parent pins of it.
    pub(super) fn make(
        &mut self,
        role: &str,
        document: &Value,
        published: &mut Published,
    ) -> Option<(String, Value)> {
        let hooks = self.hooks.get(role).cloned().unwrap_or_default();
        let plain = document.to_string();
        let text = hooks.before_sign.map_or_else(|| plain.clone(), |change| change(plain.clone()));
        let canonical = json::canonicalise(&text);
        let signed = match &canonical {
            // A text that nobody touched goes out as Notary writes it.
            Ok(canonical) if text == plain => json::escape_for_wire(canonical),
            _ => text.clone().into_bytes(),
        };
        let message = canonical.unwrap_or_else(|_| text.clone().into_bytes());
        let mut signatures = self.sign(role, text, &message);
        if let Some(change) = hooks.signatures {
            change(&mut signatures);
        }
        let file = envelope(&signed, &signatures);
        let file = hooks.after_sign.map_or_else(|| file.clone(), |change| change(file.clone()));
        let mut pin = document::pin(&file);
        published.add_as(role, document.get("version").and_then(Value::as_u64), file);
        if let Some(change) = hooks.pin {
            change(&mut pin);
        }
        (!pin.is_null()).then(|| (role.to_owned(), pin))
    }

    fn sign(&mut self, role: &str, text: String, message: &[u8]) -> Value {
        let keys = self.signers.get(role).cloned().unwrap_or_default();
        match self.made.get(role) {
            Some(made) if made.text == text && made.keys == keys => made.signatures.clone(),
            _ => {
                let signatures: Value = keys.iter().map(|key| key.sign(message)).collect();
                let made = Made { text, keys, signatures: signatures.clone() };
                self.made.insert(role.to_owned(), made);
                signatures
            }
        }
    }
}

/// The members stand in Notary's order; `serde_json` keeps those of each signature sorted, which
/// is that order too.
fn envelope(signed: &[u8], signatures: &Value) -> Vec<u8> {
    let signatures = signatures.to_string();
    [b"{\"signed\":", signed, b",\"signatures\":", signatures.as_bytes(), b"}"].concat()
}
