//! What a release may do to what is pinned (TUF specification 4.4, 5.5.5).
//!
//! Rule: nobody takes a snapshot on trust that was away to be signed. Each role that was pinned stays
//! pinned; a targets file of the release is pinned by its version; nothing else moves.

use std::collections::BTreeMap;

use super::{EditError, RepositoryEditor, open::check_pin};
use crate::{
    metadata::Pin,
    name::{RoleName, Version},
};

impl RepositoryEditor {
    /// Compares what was published `before` with what is to be, with the roles that the release signs.
    ///
    /// # Errors
    /// A pin is missing, or is not the one that follows.
    pub(super) fn check_successor(&self, before: &Self, signed: &[RoleName]) -> Result<(), EditError> {
        let (old, new) = (before.snapshot_pins(), self.snapshot_pins());
        for (role, pin) in &new {
            if !signed.contains(role) && old.get(role) != Some(pin) {
                return Err(differs(role, old.get(role), Some(pin)));
            }
        }
        if let Some((role, pin)) = old.iter().find(|(role, _)| !new.contains_key(*role)) {
            return Err(differs(role, Some(pin), None));
        }
        for role in signed.iter().filter(|role| role.holds_targets()) {
            let published = self.roles.get(role).and_then(|it| it.published.as_ref());
            let published = published.ok_or_else(|| EditError::UnknownRole { role: role.clone() })?;
            let version = published.body().version;
            let older = old.get(role).and_then(|pin| pin.version).filter(|older| *older >= version);
            match new.get(role) {
                Some(pin) if pin.version == Some(version) && older.is_none() => {
                    check_pin(role, published, pin)?;
                }
                pin => return Err(differs(role, Some(&versioned(version)), pin)),
            }
        }
        self.check_successor_timestamp(before, signed)
    }

    fn check_successor_timestamp(&self, before: &Self, signed: &[RoleName]) -> Result<(), EditError> {
        let role = RoleName::Snapshot;
        let old = before.timestamp().map(|timestamp| timestamp.snapshot);
        let new = self.timestamp().map(|timestamp| timestamp.snapshot);
        let Some(snapshot) = self.snapshot.as_ref().filter(|_| signed.contains(&role)) else {
            return if old == new { Ok(()) } else { Err(differs(&role, old.as_ref(), new.as_ref())) };
        };
        let version = snapshot.body().version;
        match &new {
            Some(pin) if pin.version == Some(version) => check_pin(&role, snapshot, pin),
            pin => Err(differs(&role, Some(&versioned(version)), pin.as_ref())),
        }
    }

    fn snapshot_pins(&self) -> BTreeMap<RoleName, Pin> {
        let Some(snapshot) = self.snapshot() else { return BTreeMap::new() };
        let mut pins = snapshot.delegated.clone();
        pins.insert(RoleName::Targets, snapshot.targets);
        pins.extend(snapshot.root.map(|pin| (RoleName::Root, pin)));
        pins
    }
}

fn versioned(version: Version) -> Pin {
    Pin { version: Some(version), ..Pin::default() }
}

fn differs(role: &RoleName, expected: Option<&Pin>, found: Option<&Pin>) -> EditError {
    let text = |pin: Option<&Pin>| match pin.map(|pin| pin.version) {
        None => "no pin".to_owned(),
        Some(None) => "a pin without a version".to_owned(),
        Some(Some(version)) => format!("a pin of version {version}"),
    };
    EditError::NotPinned { role: role.clone(), expected: text(expected), found: text(found) }
}
