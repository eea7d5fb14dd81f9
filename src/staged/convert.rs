//! Between what a publisher wants and what a changelist can say.

use std::num::NonZeroU32;

use super::StagedError;
use crate::{
    crypto::PublicKey,
    edit::{self, Change, Changes, KeyScope},
    name::{KeyId, RoleName},
    wire::notary::StagedChange,
};

/// The files of some changes, one each, in the order and the steps of Notary's own programs.
pub(super) fn to_staged(changes: &Changes) -> Result<Vec<StagedChange>, StagedError> {
    let mut staged = Vec::new();
    for change in changes.iter() {
        staged.extend(steps(change)?);
    }
    Ok(staged)
}

/// What a file asks for.
pub(super) fn to_changes(staged: StagedChange) -> Vec<Change> {
    vec![match staged {
        StagedChange::Sign { role, name, info } => Change::Sign { role: Some(role), name, info },
        StagedChange::Revoke { role, name } => Change::Revoke { role: Some(role), name },
        StagedChange::Delegate { role, threshold, keys, paths } => {
            Change::Delegate { role, keys, threshold: threshold.unwrap_or(NonZeroU32::MIN), paths }
        }
        StagedChange::Restrict { role, keys, paths, clear_paths } => {
            return restrict(role, keys, paths, clear_paths);
        }
        StagedChange::Purge { below, keys } => Change::RemoveKeys { scope: KeyScope::Below(below), keys },
        StagedChange::Undelegate { role } => Change::Undelegate { role },
        StagedChange::Witness { role } => Change::Witness { role },
    }]
}

fn restrict(role: RoleName, keys: Vec<KeyId>, paths: Vec<String>, clear_paths: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    if !keys.is_empty() {
        changes.push(Change::RemoveKeys { scope: KeyScope::Role(role.clone()), keys });
    }
    if !paths.is_empty() {
        changes.push(Change::RemovePaths { role: role.clone(), paths });
    }
    if clear_paths {
        changes.push(Change::ClearPaths { role });
    }
    changes
}

fn steps(change: &Change) -> Result<Vec<StagedChange>, StagedError> {
    let restrict = |role: &RoleName, keys: &[_], paths: &[String], clear_paths| StagedChange::Restrict {
        role: role.clone(),
        keys: keys.to_vec(),
        paths: paths.to_vec(),
        clear_paths,
    };
    Ok(vec![match change {
        Change::Sign { role: Some(role), name, info } => {
            let info = edit::portable(name, info).map_err(|error| refuse(change, error))?;
            StagedChange::Sign { role: role.clone(), name: name.clone(), info }
        }
        Change::Revoke { role: Some(role), name } => {
            StagedChange::Revoke { role: role.clone(), name: name.clone() }
        }
        Change::Sign { role: None, .. } | Change::Revoke { role: None, .. } => {
            return Err(refuse(
                change,
                "name the role; which roles have or sign the target is only known \
                 when it is published",
            ));
        }
        Change::Delegate { role, keys, threshold, paths } => {
            return delegate(change, role, keys, *threshold, paths);
        }
        Change::Undelegate { role } => StagedChange::Undelegate { role: role.clone() },
        Change::RemoveKeys { scope: KeyScope::Role(role), keys } => restrict(role, keys, &[], false),
        Change::RemoveKeys { scope: KeyScope::Below(below), keys } => {
            StagedChange::Purge { below: below.clone(), keys: keys.clone() }
        }
        Change::RemovePaths { role, paths } => restrict(role, &[], paths, false),
        Change::ClearPaths { role } => restrict(role, &[], &[], true),
        Change::Witness { role } => StagedChange::Witness { role: role.clone() },
        Change::AddSigner { keys, .. } if keys.is_empty() => return Err(refuse(change, "no key")),
        Change::AddSigner { name, keys } => {
            let everything = [String::new()];
            let mut steps = delegate(change, &name.role(), keys, NonZeroU32::MIN, &everything)?;
            steps.extend(delegate(change, &RoleName::releases(), keys, NonZeroU32::MIN, &everything)?);
            return Ok(steps);
        }
        Change::Restart { .. } | Change::Renew { .. } => {
            return Err(refuse(change, "the format has no word for it"));
        }
        Change::RemoveSigner { .. } => {
            return Err(refuse(change, "what else must be signed again is only known when it is published"));
        }
    }])
}

/// Keys first, then paths, for Notary knows no role that has paths only.
fn delegate(
    change: &Change,
    role: &RoleName,
    keys: &[PublicKey],
    threshold: NonZeroU32,
    paths: &[String],
) -> Result<Vec<StagedChange>, StagedError> {
    let mut steps = Vec::new();
    let mut step = |threshold, keys: &[PublicKey], paths: &[String]| {
        let (keys, paths) = (keys.to_vec(), paths.to_vec());
        steps.push(StagedChange::Delegate { role: role.clone(), threshold, keys, paths });
    };
    if !keys.is_empty() {
        step(Some(threshold), keys, &[]);
    }
    if !paths.is_empty() {
        step(None, &[], paths);
    }
    if steps.is_empty() {
        return Err(refuse(change, "neither keys nor paths"));
    }
    Ok(steps)
}

fn refuse(change: &Change, reason: impl ToString) -> StagedError {
    let change = match change {
        Change::Sign { name, .. } => format!("sign {name}"),
        Change::Revoke { name, .. } => format!("revoke {name}"),
        Change::Delegate { role, .. } => format!("delegate to {role}"),
        Change::AddSigner { name, .. } => format!("add signer {name}"),
        Change::RemoveSigner { name, .. } => format!("remove signer {name}"),
        other => format!("{other:?}"),
    };
    StagedError::NotStageable { change, reason: reason.to_string() }
}
