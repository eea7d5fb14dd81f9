//! What a server has of an upload, and what it shows of it afterwards (Notary v1).
//!
//! What was published is recorded as the least that is accepted from then on, and read back. A
//! replica that lags behind is asked again a few times, and reported (SO-01).

use std::time::Duration;

use super::{
    Core, drive,
    outgoing::{Outgoing, Sent},
};
use crate::{
    crypto::digest,
    error::{Error, PublishError},
    name::{Form, Resource, RoleName, Slot, Version},
    transport::TransportError,
    verify::{DelegatedTargets, TrustedSet, VerifyError},
    view::View,
    wire::{Floor, TrustRecord},
};

/// The pauses before each question to a server that lags behind.
pub(super) const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900)];

/// What a server has of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Ours,
    Others,
    Nothing,
}

impl Core {
    /// What the server has of an upload. Versions tell, whatever was published since.
    pub(super) async fn find(&self, outgoing: &Outgoing) -> Result<Found, TransportError> {
        let Ok(transport) = self.transport() else { return Ok(Found::Nothing) };
        for Sent { seal, file, .. } in outgoing.files() {
            let resource = Resource { role: seal.role.clone(), form: Form::Version(seal.version) };
            let max = u64::try_from(file.len()).unwrap_or(u64::MAX);
            match drive::read(transport, &resource, max).await {
                Ok(None) => return Ok(Found::Nothing),
                Ok(Some(found)) if found == file => {}
                Ok(Some(_)) | Err(TransportError::TooLarge { .. }) => return Ok(Found::Others),
                Err(error) => return Err(error),
            }
        }
        Ok(Found::Ours)
    }

    /// As [`find`](Self::find), and again for as long as the upload may be under way.
    pub(super) async fn look_for(&self, outgoing: &Outgoing) -> Result<Found, TransportError> {
        let mut found = Ok(Found::Nothing);
        for pause in PAUSES {
            self.pause(pause).await;
            found = self.find(outgoing).await;
            if matches!(found, Ok(Found::Ours | Found::Others)) {
                break;
            }
        }
        found
    }

    /// Records what was stored, and reads it back.
    pub(super) async fn confirm(&self, outgoing: &Outgoing) -> Result<View, Error> {
        self.remember(outgoing);
        let mut last = None;
        for pause in PAUSES {
            self.pause(pause).await;
            last = Some(match self.refresh_locked().await {
                Ok(view) => match compare(view.trusted(), outgoing) {
                    Ok(()) => return Ok(view),
                    Err(error) => error,
                },
                Err(Error::Verify(VerifyError::Rollback { role, trusted, offered })) => {
                    PublishError::Stale { role, published: trusted, shown: Some(offered) }
                }
                Err(error) => PublishError::Unconfirmed { source: Box::new(error) },
            });
        }
        Err(last.map_or_else(|| VerifyError::Unexpected { expected: "an answer" }.into(), Error::Publish))
    }

    /// What was published is the least that we accept from now on, and need not be fetched again.
    fn remember(&self, outgoing: &Outgoing) {
        let store = &self.inner.store;
        let record = store.read(&Slot::Record, self.inner.limits.max_metadata).ok().flatten();
        let Some(mut record) = record.and_then(|bytes| TrustRecord::read(&bytes).ok()) else {
            tracing::warn!("there is no record to keep the published versions in");
            return;
        };
        let mut newest = Vec::new();
        for Sent { seal, sha256, file } in outgoing.files() {
            let (version, signers) = (seal.version, seal.signers.clone());
            if record.floors.get(&seal.role).is_none_or(|floor| floor.version < version) {
                let floor = Floor { version, sha256, signers };
                record.floors.insert(seal.role.clone(), floor);
                newest.push((&seal.role, file));
            }
        }
        let mut kept = store.write(&Slot::Record, &record.to_bytes());
        // Targets are pinned by their content: once the server's snapshot pins these, they need not
        // come back over the network. Until then the floor above them stands.
        for (role, file) in newest {
            if kept.is_ok() && matches!(role, RoleName::Targets | RoleName::Delegated(_)) {
                kept = store.write(&Slot::Metadata(role.clone()), file);
            }
        }
        if let Err(error) = kept {
            tracing::warn!(%error, "what was published is not kept");
        }
    }
}

/// Whether a set shows what was published, or what came after it.
fn compare(set: &TrustedSet, outgoing: &Outgoing) -> Result<(), PublishError> {
    for Sent { seal, sha256, .. } in outgoing.files() {
        let (role, published) = (seal.role.clone(), seal.version);
        match shown(set, &role) {
            Shown::File(version, found) if version == published && found != sha256 => {
                return Err(PublishError::Altered { role, version });
            }
            Shown::File(version, _) if version < published => {
                return Err(PublishError::Stale { role, published, shown: Some(version) });
            }
            Shown::Withheld => return Err(PublishError::Stale { role, published, shown: None }),
            Shown::Unusable(reason) => {
                return Err(PublishError::Unconfirmed { source: Box::new(reason.into()) });
            }
            Shown::File(..) | Shown::Gone => {}
        }
    }
    Ok(())
}

/// What a set shows of a role.
enum Shown {
    File(Version, [u8; 32]),
    /// It is declared, and its file is not there.
    Withheld,
    /// It is declared, and what is there does not hold.
    Unusable(VerifyError),
    /// It is not declared any more.
    Gone,
}

fn shown(set: &TrustedSet, role: &RoleName) -> Shown {
    match role {
        RoleName::Root => Shown::File(set.root().body().version, *set.root().sha256()),
        RoleName::Snapshot => Shown::File(set.snapshot().body().version, *set.snapshot().sha256()),
        RoleName::Timestamp => Shown::File(set.timestamp().body().version, *set.timestamp().sha256()),
        RoleName::Targets => Shown::File(set.targets().body().version, *set.targets().sha256()),
        RoleName::Delegated(_) => match set.delegated().get(role) {
            Some(DelegatedTargets::Usable(file)) => Shown::File(file.body().version, *file.sha256()),
            Some(DelegatedTargets::Unusable(VerifyError::Withheld { .. })) => Shown::Withheld,
            Some(DelegatedTargets::Unusable(reason)) => match set.unvouched(role) {
                Some(file) => Shown::File(file.body().version, digest::sha256(file.bytes())),
                None => Shown::Unusable(reason.clone()),
            },
            None if set.authority(role).is_some() => Shown::Withheld,
            None => Shown::Gone,
        },
    }
}
