//! Our own record of a collection: first use and high-water marks.
//!
//! Notary's cache alone can't hold a roll-back floor: its snapshot carries no versions, so the
//! floor is lost with the cached file. This record stands beside the cache and outlives it.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::WireError;
use crate::name::{Gun, KeyId, RoleName, Version};

/// What we know of a collection from earlier runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct TrustRecord {
    /// Whose record this is.
    pub gun: Gun,
    /// The first root that was trusted; none before first use.
    pub first_use: Option<FirstUse>,
    /// The latest time at which a refresh succeeded: the clock must not fall behind it.
    pub latest_time: Option<SystemTime>,
    /// When the server was last asked and everything held.
    pub confirmed: Option<SystemTime>,
    /// The newest verified file of each role.
    pub floors: BTreeMap<RoleName, Floor>,
}

/// The root that trust started from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct FirstUse {
    /// When.
    pub time: SystemTime,
    /// The root's version.
    pub version: Version,
    /// The root's SHA-256.
    pub sha256: [u8; 32],
}

/// The newest verified file of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Floor {
    /// Its version: nothing lower is accepted.
    pub version: Version,
    /// Its SHA-256: tells equivocation from a repeated file.
    pub sha256: [u8; 32],
    /// Canonical ids of the keys that vouched for it. When one of them was revoked and the others no
    /// longer suffice, the floor no longer binds.
    pub signers: Vec<KeyId>,
}

impl TrustRecord {
    /// The record of a collection that was never used.
    pub const fn new(gun: Gun) -> Self {
        Self { gun, first_use: None, latest_time: None, confirmed: None, floors: BTreeMap::new() }
    }

    /// Reads a record that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// The bytes are no record.
    pub fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let dto: RecordDto =
            serde_json::from_slice(bytes).map_err(|error| WireError::invalid("record", error))?;
        let mut floors = BTreeMap::new();
        for (role, floor) in dto.floors {
            floors.insert(RoleName::new(&role)?, floor.try_into()?);
        }
        Ok(Self {
            gun: Gun::new(&dto.gun)?,
            first_use: dto.first_use.map(FirstUse::try_from).transpose()?,
            latest_time: dto.latest_time.map(from_seconds).transpose()?,
            confirmed: dto.confirmed.map(from_seconds).transpose()?,
            floors,
        })
    }

    /// The record as JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let dto = RecordDto {
            gun: self.gun.to_string(),
            first_use: self.first_use.as_ref().map(|first| FirstUseDto {
                time: to_seconds(first.time),
                version: first.version.get(),
                sha256: hex(&first.sha256),
            }),
            latest_time: self.latest_time.map(to_seconds),
            confirmed: self.confirmed.map(to_seconds),
            floors: self
                .floors
                .iter()
                .map(|(role, floor)| {
                    let signers = floor.signers.iter().map(ToString::to_string).collect();
                    let dto = FloorDto { version: floor.version.get(), sha256: hex(&floor.sha256), signers };
                    (role.to_string(), dto)
                })
                .collect(),
        };
        // Numbers, strings and lists of them always serialise.
        serde_json::to_vec_pretty(&dto).unwrap_or_default()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordDto {
    gun: String,
    first_use: Option<FirstUseDto>,
    latest_time: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<u64>,
    floors: BTreeMap<String, FloorDto>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstUseDto {
    time: u64,
    version: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FloorDto {
    version: u64,
    sha256: String,
    signers: Vec<String>,
}

impl TryFrom<FirstUseDto> for FirstUse {
    type Error = WireError;

    fn try_from(dto: FirstUseDto) -> Result<Self, WireError> {
        Ok(Self {
            time: from_seconds(dto.time)?,
            version: Version::new(dto.version)?,
            sha256: unhex(&dto.sha256)?,
        })
    }
}

impl TryFrom<FloorDto> for Floor {
    type Error = WireError;

    fn try_from(dto: FloorDto) -> Result<Self, WireError> {
        let signers = dto.signers.iter().map(|id| KeyId::new(id)).collect::<Result<_, _>>()?;
        Ok(Self { version: Version::new(dto.version)?, sha256: unhex(&dto.sha256)?, signers })
    }
}

/// Seconds since 1970; a clock before that counts as 1970.
fn to_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn from_seconds(seconds: u64) -> Result<SystemTime, WireError> {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .ok_or_else(|| WireError::invalid("time", "out of range"))
}

fn hex(digest: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(digest)
}

fn unhex(text: &str) -> Result<[u8; 32], WireError> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| WireError::invalid("sha256", "not 64 hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_written() {
        let mut record = TrustRecord::new(Gun::new("example.com/App").unwrap());
        assert_eq!(TrustRecord::read(&record.to_bytes()).unwrap(), record);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        record.first_use = Some(FirstUse { time, version: Version::ONE, sha256: [1; 32] });
        record.latest_time = Some(time);
        record.confirmed = Some(time - Duration::from_secs(60));
        let signers = vec![KeyId::from_digest(&[3; 32])];
        record.floors.insert(RoleName::releases(), Floor { version: Version::MAX, sha256: [2; 32], signers });
        assert_eq!(TrustRecord::read(&record.to_bytes()).unwrap(), record);
    }

    #[test]
    fn damaged_records_are_refused() {
        for bytes in [&b""[..], b"{}", b"[]", b"{\"gun\":\"a\",\"first_use\":null,\"latest_time\":null}"] {
            assert!(TrustRecord::read(bytes).is_err());
        }
    }
}
