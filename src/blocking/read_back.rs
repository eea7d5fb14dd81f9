//! A server's 200 proves nothing: an upload is published when readers get it.
//!
//! What is read back must be the very files, or newer ones: another publisher may have been next.

use std::collections::BTreeMap;

use crate::{
    crypto::digest,
    name::{RoleName, Version},
    transport::Upload,
    verify::{DelegatedTargets, TrustedSet, Verified, VerifyError},
    wire::Document,
};

/// Refuses a set in which a file of `upload`, of one of these `versions`, is missing or undercut.
pub(super) fn check(
    set: &TrustedSet,
    upload: &Upload,
    versions: &BTreeMap<RoleName, Version>,
) -> Result<(), VerifyError> {
    for (role, file) in &upload.files {
        let Some(trusted) = versions.get(role).copied() else { continue };
        // A role that is no longer declared was removed by whoever came next.
        if set.authority(role).is_none() {
            continue;
        }
        let (offered, found) = served(set, role, trusted)?;
        let expected = digest::sha256(file);
        if offered < trusted {
            return Err(VerifyError::Rollback { role: role.clone(), trusted, offered });
        }
        if offered == trusted && found != expected {
            let hex = |digest| data_encoding::HEXLOWER.encode(digest);
            let (expected, found) = (hex(&expected), hex(&found));
            return Err(VerifyError::HashMismatch {
                role: role.clone(),
                algorithm: "SHA-256",
                expected,
                found,
            });
        }
    }
    Ok(())
}

fn served(set: &TrustedSet, role: &RoleName, trusted: Version) -> Result<(Version, [u8; 32]), VerifyError> {
    match (role, set.delegated().get(role)) {
        (RoleName::Root, _) => Ok(of(set.root())),
        (RoleName::Timestamp, _) => Ok(of(set.timestamp())),
        (RoleName::Snapshot, _) => Ok(of(set.snapshot())),
        (RoleName::Targets, _) => Ok(of(set.targets())),
        (_, Some(DelegatedTargets::Usable(targets))) => Ok(of(targets)),
        (_, Some(DelegatedTargets::Unusable(reason))) => Err(reason.clone()),
        (_, None) => Err(VerifyError::Withheld { role: role.clone(), trusted }),
    }
}

fn of<T: Document>(file: &Verified<T>) -> (Version, [u8; 32]) {
    (file.body().version(), *file.sha256())
}
