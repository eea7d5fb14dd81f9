//! Where a target came from, kept in its custom data.

use serde_json::{Value, json};
use tuf_notary::{Gun, View, view::SignedTarget};

use super::{Failure, usage};

/// The member of the custom data that is ours.
const MEMBER: &str = "notary";

/// What is known of a target's origin.
pub struct Record(Value);

impl Record {
    /// The origin of a target that a collection signs.
    pub fn of(view: &View, target: &SignedTarget) -> Result<Self, Failure> {
        let file = view.trusted().targets_of(target.role());
        let file = file.ok_or_else(|| usage(format!("{} has no file", target.role())))?;
        let custom: Value = match target.custom() {
            Some(text) => serde_json::from_str(text).map_err(usage)?,
            None => Value::Null,
        };
        let keys: Vec<_> = file.signers().iter().map(ToString::to_string).collect();
        let mut origin = json!({
            "collection": view.gun().as_str(),
            "role": target.role().as_str(),
            "version": file.body().version.get(),
            "sha256": data_encoding::HEXLOWER.encode(file.sha256()),
            "keys": keys,
            "signers": view.signers_of(target),
        });
        if !custom.is_null() {
            origin["custom"] = custom;
        }
        Ok(Self(json!({ MEMBER: origin })))
    }

    /// As custom data.
    pub fn to_json(&self) -> String {
        self.0.to_string()
    }

    /// Whether custom data says that its target is from this collection.
    pub fn is_from(gun: &Gun, custom: Option<&str>) -> bool {
        let custom = custom.and_then(|text| serde_json::from_str::<Value>(text).ok());
        custom.is_some_and(|custom| custom[MEMBER]["collection"] == gun.as_str())
    }
}
