//! The server's own keys, and what it signs with them: timestamps, and snapshots where it may.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use data_encoding::BASE64;

use super::collection::Collection;
use crate::{
    crypto::{CryptoError, PrivateKey, Signer as _},
    limits::Limits,
    metadata::{Extra, Pin, Root, Snapshot, Targets, Timestamp},
    name::{Expiry, KeyId, RoleName, Version},
    wire::{Dialect, Document, Envelope, Signature, WireError, canonical, notary, seal},
};

const DAY: Duration = Duration::from_secs(86_400);
const TIMESTAMP_LIFETIME: Duration = Duration::from_secs(14 * 86_400);

/// A key that the server made for one role.
#[derive(Clone, Debug)]
pub(super) struct ServerKey {
    role: RoleName,
    id: KeyId,
    private: Arc<PrivateKey>,
}

impl ServerKey {
    pub(super) fn generate(role: &RoleName) -> Result<Self, CryptoError> {
        let private = PrivateKey::generate_ed25519()?;
        let id = notary::key_id(private.public_key());
        Ok(Self { role: role.clone(), id, private: Arc::new(private) })
    }

    /// The answer to a question for a key; its members stand in another order than in metadata.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let public = BASE64.encode(self.private.public_key().published());
        format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}","private":null}}}}"#).into_bytes()
    }

    fn sign<T: Document>(&self, document: &T) -> Result<Vec<u8>, CryptoError> {
        let canonical = canonical(Dialect::Notary, document);
        let signature = self.private.sign(&canonical)?;
        let signature = Signature::new(self.id.clone(), self.private.scheme(), signature);
        Ok(seal(Dialect::Notary, &canonical, &[signature]))
    }
}

impl Collection {
    /// The key of a role that a root names and the server holds.
    pub(super) fn key_for(&self, role: &RoleName, root: &Root) -> Option<&ServerKey> {
        let ids = &root.role(role)?.key_ids;
        self.keys.iter().find(|key| key.role == *role && ids.contains(&key.id))
    }

    /// Makes what has expired anew, where the server holds the keys. Done on each question for the
    /// newest timestamp or snapshot.
    pub(super) fn renew(&mut self, now: SystemTime) -> Option<()> {
        let root = self.newest::<Root>(&RoleName::Root)?.body().clone();
        let timestamp = self.newest::<Timestamp>(&RoleName::Timestamp)?;
        let mut snapshot = self.newest::<Snapshot>(&RoleName::Snapshot)?;
        let mut expired = timestamp.body().expires.is_past(now);
        if let (true, Some(key)) =
            (snapshot.body().expires.is_past(now), self.key_for(&RoleName::Snapshot, &root))
        {
            let mut body = snapshot.body().clone();
            body.version = body.version.next()?;
            body.expires = Expiry::after(now, DAY * 1095).ok()?;
            let file = key.sign(&body).ok()?;
            self.store(&RoleName::Snapshot, body.version, &file);
            snapshot = self.newest(&RoleName::Snapshot)?;
            expired = true;
        }
        if expired {
            let key = self.key_for(&RoleName::Timestamp, &root)?;
            let (version, file) = key.timestamp(Some(timestamp.body().version), &snapshot, now).ok()?;
            self.store(&RoleName::Timestamp, version, &file);
        }
        Some(())
    }
}

/// Why the server could not sign.
#[derive(Debug)]
pub(super) struct CannotSign;

impl ServerKey {
    /// A timestamp over a snapshot.
    pub(super) fn timestamp(
        &self,
        before: Option<Version>,
        snapshot: &Envelope<Snapshot>,
        now: SystemTime,
    ) -> Result<(Version, Vec<u8>), CannotSign> {
        let version = after(before)?;
        let expires = Expiry::after(now, TIMESTAMP_LIFETIME).map_err(|_| CannotSign)?;
        let body =
            Timestamp { version, expires, snapshot: Pin::of(&rewritten(snapshot)), extra: Extra::default() };
        Ok((version, self.sign(&body).map_err(|_| CannotSign)?))
    }

    /// A snapshot with new pins over the former ones. Entries are never taken away.
    pub(super) fn snapshot(
        &self,
        before: Option<&Snapshot>,
        mut pins: BTreeMap<RoleName, Pin>,
        now: SystemTime,
    ) -> Result<(Version, Vec<u8>), CannotSign> {
        let version = after(before.map(|before| before.version))?;
        let expires = Expiry::after(now, DAY * 1095).map_err(|_| CannotSign)?;
        let root = pins.remove(&RoleName::Root).or_else(|| before.and_then(|before| before.root));
        let targets = pins.remove(&RoleName::Targets).or_else(|| before.map(|before| before.targets));
        let (Some(root), Some(targets)) = (root, targets) else { return Err(CannotSign) };
        let mut delegated = before.map(|before| before.delegated.clone()).unwrap_or_default();
        delegated.extend(pins);
        let body =
            Snapshot { version, expires, root: Some(root), targets, delegated, extra: Extra::default() };
        Ok((version, self.sign(&body).map_err(|_| CannotSign)?))
    }
}

/// What the server pins of a file that it was sent: not of the bytes it got, but of those that it
/// would write itself. Where these differ, nobody ever finds the file.
pub(super) fn pin_of(role: &RoleName, file: &[u8]) -> Result<Pin, WireError> {
    let (limits, file) = (Limits::default(), file.to_vec());
    Ok(Pin::of(&match role {
        RoleName::Root => rewritten(&Envelope::<Root>::read(Dialect::Notary, file, &limits)?),
        RoleName::Snapshot => rewritten(&Envelope::<Snapshot>::read(Dialect::Notary, file, &limits)?),
        RoleName::Timestamp => rewritten(&Envelope::<Timestamp>::read(Dialect::Notary, file, &limits)?),
        RoleName::Targets | RoleName::Delegated(_) => {
            rewritten(&Envelope::<Targets>::read(Dialect::Notary, file, &limits)?)
        }
    }))
}

/// A file as the server would write it.
fn rewritten<T: Document>(envelope: &Envelope<T>) -> Vec<u8> {
    seal(Dialect::Notary, &canonical(Dialect::Notary, envelope.body()), envelope.signatures())
}

fn after(version: Option<Version>) -> Result<Version, CannotSign> {
    version.map_or(Some(Version::ONE), Version::next).ok_or(CannotSign)
}
