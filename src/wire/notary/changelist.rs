//! A staged change means what Notary's own programs would publish for it, or it is refused
//! (Notary v1, changelist; PP-05).
//!
//! One file holds one change: who changes what, and, as base64 in a string, the details. Notary's
//! decoder ignores what it doesn't know; here an unknown member, a contradiction and a detail that
//! would be passed over are errors, for whoever staged them meant something by them.

mod payload;
mod write;

use std::num::NonZeroU32;

use super::{WireError, is_null};
use crate::{
    crypto::PublicKey,
    limits::Limits,
    metadata::TargetInfo,
    name::{KeyId, RoleName, TargetName},
    wire::{
        envelope::base64,
        json::{Reader, Text},
    },
};
use payload::Delta;

/// A change that waits to be published, as Notary stores it: one file each.
///
/// ```
/// use tuf_notary::{limits::Limits, name::{RoleName, TargetName}, wire::notary::StagedChange};
/// let file = br#"{"action":"delete","role":"targets","type":"target","path":"v1","data":null}"#;
/// let change = StagedChange::read(file, &Limits::default())?;
/// assert_eq!(change, StagedChange::Revoke { role: RoleName::Targets, name: TargetName::new("v1")? });
/// assert_eq!(change.to_bytes(&Limits::default())?, file);
/// # Ok::<(), tuf_notary::wire::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StagedChange {
    /// Sign a target.
    Sign {
        /// `targets` or a delegation.
        role: RoleName,
        /// The target.
        name: TargetName,
        /// What is signed about it; custom data in canonical form.
        info: TargetInfo,
    },
    /// Drop a target.
    Revoke {
        /// `targets` or a delegation.
        role: RoleName,
        /// The target.
        name: TargetName,
    },
    /// Create a delegation, or add to it.
    Delegate {
        /// The delegation.
        role: RoleName,
        /// Its threshold, which a new delegation needs.
        threshold: Option<NonZeroU32>,
        /// Its keys.
        keys: Vec<PublicKey>,
        /// Prefixes of the names that it may sign.
        paths: Vec<String>,
    },
    /// Take keys or paths out of a delegation.
    Restrict {
        /// The delegation.
        role: RoleName,
        /// Canonical ids of keys.
        keys: Vec<KeyId>,
        /// Prefixes, as they were given.
        paths: Vec<String>,
        /// Whether all paths go.
        clear_paths: bool,
    },
    /// Take keys out of all delegations below a role: `targets/*`.
    Purge {
        /// `targets` or a delegation.
        below: RoleName,
        /// Canonical ids of keys.
        keys: Vec<KeyId>,
    },
    /// Remove a delegation.
    Undelegate {
        /// The delegation.
        role: RoleName,
    },
    /// Sign a role's content as it stands.
    Witness {
        /// `targets` or a delegation.
        role: RoleName,
    },
}

impl StagedChange {
    /// Reads a change file.
    ///
    /// # Errors
    /// The file is not strict JSON, is incomplete, or says something that can't be carried out to
    /// the letter.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes)?;
        let (mut action, mut role, mut kind, mut path, mut data) = Default::default();
        members(&mut reader, &["action", "role", "type", "path", "data"], |reader, member| {
            match member {
                "data" if is_null(reader)? => {}
                "data" => data = Some(base64(reader, "data")?),
                "action" => action = Some(reader.string()?.decode().into_owned()),
                "role" => role = Some(reader.string()?.decode().into_owned()),
                "type" => kind = Some(reader.string()?.decode().into_owned()),
                _ => path = Some(reader.string()?.decode().into_owned()),
            }
            Ok(())
        })?;
        reader.end()?;
        let need = |member, value: Option<String>| value.ok_or(WireError::Missing { member });
        let parts = Parts {
            action: need("action", action)?,
            scope: need("role", role)?,
            kind: need("type", kind)?,
            path: need("path", path)?,
            // An empty byte string is how Go's encoder may write no payload.
            data: data.filter(|data: &Vec<u8>| !data.is_empty()),
        };
        parts.interpret(limits)
    }

    /// The change as Notary's own programs write it, byte for byte.
    ///
    /// # Errors
    /// The change would not be read back as it is: it is empty, names a role that can't have it,
    /// or has custom data that is not canonical JSON.
    pub fn to_bytes(&self, limits: &Limits) -> Result<Vec<u8>, WireError> {
        let bytes = write::file(self);
        if Self::read(&bytes, limits)? == *self {
            return Ok(bytes);
        }
        Err(WireError::invalid("data", "would be read back as another change"))
    }

    /// What is done: `create`, `update` or `delete`.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Sign { .. } | Self::Delegate { .. } => "create",
            Self::Restrict { .. } | Self::Purge { .. } | Self::Witness { .. } => "update",
            Self::Revoke { .. } | Self::Undelegate { .. } => "delete",
        }
    }

    /// Whose file changes; for [`Purge`](Self::Purge) with `/*` behind it.
    pub fn scope(&self) -> String {
        match self {
            Self::Purge { below, .. } => format!("{below}/*"),
            Self::Sign { role, .. }
            | Self::Revoke { role, .. }
            | Self::Delegate { role, .. }
            | Self::Restrict { role, .. }
            | Self::Undelegate { role }
            | Self::Witness { role } => role.to_string(),
        }
    }

    /// What is changed: `target`, `delegation` or `witness`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sign { .. } | Self::Revoke { .. } => "target",
            Self::Witness { .. } => "witness",
            _ => "delegation",
        }
    }

    /// The name of the target; empty for other changes.
    pub fn path(&self) -> &str {
        match self {
            Self::Sign { name, .. } | Self::Revoke { name, .. } => name.as_str(),
            _ => "",
        }
    }
}

/// The members of a change file.
struct Parts {
    action: String,
    scope: String,
    kind: String,
    path: String,
    data: Option<Vec<u8>>,
}

impl Parts {
    fn interpret(self, limits: &Limits) -> Result<StagedChange, WireError> {
        if self.kind != "target" && !self.path.is_empty() {
            return Err(WireError::invalid("path", format!("{:?} in a {} change", self.path, self.kind)));
        }
        match (self.kind.as_str(), self.action.as_str()) {
            ("target", "create") => Ok(StagedChange::Sign {
                role: self.role()?,
                name: TargetName::new(&self.path)?,
                info: payload::target(self.payload()?)?,
            }),
            ("target", "delete") => {
                self.no_payload()?;
                Ok(StagedChange::Revoke { role: self.role()?, name: TargetName::new(&self.path)? })
            }
            ("delegation", "create") => {
                let Delta { threshold, add_keys: keys, add_paths: paths, .. } =
                    self.delta(limits, &["threshold", "add_keys", "add_paths"])?;
                Ok(StagedChange::Delegate { role: self.delegation()?, threshold, keys, paths })
            }
            ("delegation", "update") => self.restriction(limits),
            ("delegation", "delete") => {
                self.no_payload()?;
                Ok(StagedChange::Undelegate { role: self.delegation()? })
            }
            ("witness", "update") => {
                self.no_payload()?;
                Ok(StagedChange::Witness { role: self.role()? })
            }
            ("role", _) => Err(WireError::invalid("type", "a key rotation, which is never staged")),
            ("target" | "delegation" | "witness", action) => {
                Err(WireError::invalid("action", format!("{} of a {}", excerpt(action), self.kind)))
            }
            (kind, _) => Err(WireError::invalid("type", format!("{} is unknown", excerpt(kind)))),
        }
    }

    fn restriction(&self, limits: &Limits) -> Result<StagedChange, WireError> {
        if let Some(below) = self.scope.strip_suffix("/*") {
            let keys = self.delta(limits, &["remove_keys"])?.remove_keys;
            return Ok(StagedChange::Purge { below: targets_role(below)?, keys });
        }
        let Delta { remove_keys: keys, remove_paths: paths, clear_paths, .. } =
            self.delta(limits, &["remove_keys", "remove_paths", "clear_paths"])?;
        Ok(StagedChange::Restrict { role: self.delegation()?, keys, paths, clear_paths })
    }

    fn role(&self) -> Result<RoleName, WireError> {
        targets_role(&self.scope)
    }

    fn delegation(&self) -> Result<RoleName, WireError> {
        let role = RoleName::new(&self.scope)?;
        if matches!(role, RoleName::Delegated(_)) {
            return Ok(role);
        }
        Err(WireError::invalid("role", format!("{role} is no delegation")))
    }

    fn payload(&self) -> Result<&[u8], WireError> {
        self.data.as_deref().ok_or(WireError::Missing { member: "data" })
    }

    fn delta(&self, limits: &Limits, allowed: &[&'static str]) -> Result<Delta, WireError> {
        payload::delegation(self.payload()?, allowed, limits)
    }

    fn no_payload(&self) -> Result<(), WireError> {
        match self.data {
            None => Ok(()),
            Some(_) => Err(WireError::invalid(
                "data",
                format!("expected none in {} of a {}", self.action, self.kind),
            )),
        }
    }
}

fn targets_role(text: &str) -> Result<RoleName, WireError> {
    let role = RoleName::new(text)?;
    if role.holds_targets() {
        Ok(role)
    } else {
        Err(WireError::invalid("role", format!("{role} lists no targets")))
    }
}

/// Reads an object that may have the given members and no other.
fn members<'a>(
    reader: &mut Reader<'a>,
    known: &[&'static str],
    mut read: impl FnMut(&mut Reader<'a>, &'static str) -> Result<(), WireError>,
) -> Result<(), WireError> {
    reader.map(|reader, name: Text<'a>| match known.iter().find(|member| name == **member) {
        Some(member) => read(reader, member),
        None => Err(WireError::Unexpected { member: excerpt(&name.decode()) }),
    })
}

fn excerpt(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
