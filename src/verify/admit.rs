//! How any file becomes trusted: the same steps for every role, each in one place.
//!
//! Pin, syntax, signatures, version, expiry, in this order. The caller chooses the authority.

use std::time::SystemTime;

use super::{Verified, VerifyError, floors::Floors, threshold};
use crate::{
    crypto::digest,
    limits::Limits,
    metadata::{Authority, Pin, Root, Targets},
    name::{Form, KeyId, Resource, RoleName, Version},
    wire::{Bytes, Children, Dialect, Document, Envelope, FileNames, Rules, TargetsFloor, WireError},
};

/// What every file of one refresh is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge {
    pub(super) dialect: Dialect,
    pub(super) limits: Limits,
    /// The one instant of the refresh.
    pub(super) now: SystemTime,
}

impl Judge {
    pub(super) const fn rules(&self) -> Rules {
        self.dialect.rules()
    }

    /// The largest file that a pin allows; the pin itself must lie within the limits.
    pub(super) fn cap(&self, role: &RoleName, pin: &Pin) -> Result<u64, VerifyError> {
        let limit = self.limits.max_metadata;
        match pin.length {
            Some(found) if found > limit => Err(VerifyError::TooLarge { role: role.clone(), limit, found }),
            length => Ok(length.unwrap_or(limit)),
        }
    }

    /// Which file a pin means.
    pub(super) fn resource(&self, root: &Root, role: &RoleName, pin: &Pin) -> Resource {
        let form = match self.rules().file_names {
            FileNames::Digest => pin.hashes.sha256.map(Form::Sha256),
            FileNames::Version => pin.version.filter(|_| root.consistent_snapshot).map(Form::Version),
        };
        Resource { role: role.clone(), form: form.unwrap_or(Form::Latest) }
    }

    /// Whether `bytes` is the file that the parent pins.
    pub(super) fn check_pin(&self, role: &RoleName, bytes: &[u8], pin: &Pin) -> Result<(), VerifyError> {
        let cap = self.cap(role, pin)?;
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found > cap {
            return Err(VerifyError::TooLarge { role: role.clone(), limit: cap, found });
        }
        self.check_digests(role, bytes, pin)?;
        // Where digests are pinned, only one length fits them.
        match pin.length {
            Some(expected) if pin.hashes.is_empty() && found != expected => {
                Err(VerifyError::LengthMismatch { role: role.clone(), expected, found })
            }
            _ => Ok(()),
        }
    }

    /// The version that the parent pins.
    pub(super) fn check_version<T: Document>(
        &self,
        role: &RoleName,
        body: &T,
        pin: &Pin,
    ) -> Result<(), VerifyError> {
        match pin.version {
            Some(expected) if body.version() != expected => {
                let found = body.version();
                Err(VerifyError::VersionMismatch { role: role.clone(), expected, found })
            }
            _ => Ok(()),
        }
    }

    /// Every digest that the parent lists must match.
    pub(super) fn check_digests(&self, role: &RoleName, bytes: &[u8], pin: &Pin) -> Result<(), VerifyError> {
        if let Some(sha256) = &pin.hashes.sha256 {
            mismatch(role, "SHA-256", sha256, &digest::sha256(bytes))?;
        }
        match &pin.hashes.sha512 {
            Some(sha512) => mismatch(role, "SHA-512", sha512, &digest::sha512(bytes)),
            None => Ok(()),
        }
    }

    /// Reads a file strictly.
    pub(super) fn read<T: Document>(
        &self,
        role: &RoleName,
        bytes: Bytes,
    ) -> Result<Envelope<T>, VerifyError> {
        let malformed = |source| VerifyError::Malformed { role: role.clone(), source };
        let envelope = Envelope::<T>::read(self.dialect, bytes, &self.limits).map_err(malformed)?;
        let version = envelope.body().version();
        if !self.dialect.admits_version(version) {
            let reason = format!("{version} is above what servers can store");
            return Err(malformed(WireError::invalid("version", reason)));
        }
        Ok(envelope)
    }

    /// Reads a targets file, with Notary one that delegates to its direct children only.
    pub(super) fn read_targets(
        &self,
        role: &RoleName,
        bytes: Bytes,
    ) -> Result<Envelope<Targets>, VerifyError> {
        let envelope = self.read::<Targets>(role, bytes)?;
        if self.rules().children == Children::Any {
            return Ok(envelope);
        }
        let stranger =
            envelope.body().delegations.iter().find(|child| child.name.parent().as_ref() != Some(role));
        match stranger {
            Some(child) => Err(VerifyError::Delegation { parent: role.clone(), child: child.name.clone() }),
            None => Ok(envelope),
        }
    }

    /// Whether enough of the authority's keys have signed. `sha256` is that of the whole file,
    /// which the caller mostly knows from the pin: a large file is not hashed once more for it.
    pub(super) fn vouch<T: Document>(
        &self,
        role: &RoleName,
        envelope: Envelope<T>,
        authority: &Authority,
        sha256: [u8; 32],
    ) -> Result<Verified<T>, VerifyError> {
        let signers = self.count(role, &envelope, authority)?;
        let (bytes, body) = envelope.into_parts();
        Ok(Verified::new(body, bytes, sha256, signers))
    }

    /// The keys of the authority that have signed, if these are enough.
    pub(super) fn count<T: Document>(
        &self,
        role: &RoleName,
        envelope: &Envelope<T>,
        authority: &Authority,
    ) -> Result<Vec<KeyId>, VerifyError> {
        let message =
            envelope.message().map_err(|source| VerifyError::Malformed { role: role.clone(), source })?;
        let count = threshold::count(authority, envelope.signatures(), &message, &self.limits);
        if count.is_met() {
            return Ok(count.signers);
        }
        Err(VerifyError::Threshold {
            role: role.clone(),
            version: envelope.body().version(),
            needed: count.needed,
            valid: count.valid(),
        })
    }

    /// Signatures, version and expiry of a file that was read.
    pub(super) fn admit<T: Document>(
        &self,
        role: &RoleName,
        envelope: Envelope<T>,
        authority: &Authority,
        floors: &Floors,
        sha256: [u8; 32],
    ) -> Result<Verified<T>, VerifyError> {
        let verified = self.vouch(role, envelope, authority, sha256)?;
        if !(role.holds_targets() && self.rules().targets_floor == TargetsFloor::Snapshot) {
            floors.check(role, authority, verified.body().version())?;
        }
        self.unexpired(role, verified.body())?;
        Ok(verified)
    }

    /// The one expiry check.
    pub(super) fn unexpired<T: Document>(&self, role: &RoleName, body: &T) -> Result<(), VerifyError> {
        let (version, expires): (Version, _) = (body.version(), body.expires());
        if expires.is_past(self.now) {
            return Err(VerifyError::Expired { role: role.clone(), version, expires, now: self.now });
        }
        Ok(())
    }
}

fn mismatch(
    role: &RoleName,
    algorithm: &'static str,
    expected: &[u8],
    found: &[u8],
) -> Result<(), VerifyError> {
    if expected == found {
        return Ok(());
    }
    let hex = |digest| data_encoding::HEXLOWER.encode(digest);
    Err(VerifyError::HashMismatch {
        role: role.clone(),
        algorithm,
        expected: hex(expected),
        found: hex(found),
    })
}
