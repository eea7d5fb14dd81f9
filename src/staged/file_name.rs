//! Names of change files: `%020d_<uuid>.change`, nanoseconds since 1970 and an RFC 9562 UUID of
//! version 4, so that names sort by time and two writers never meet.

use std::{
    ffi::{OsStr, OsString},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use data_encoding::HEXLOWER;

use super::StagedError;
use crate::crypto;

/// Digits of the time.
const DIGITS: usize = 20;

/// Gives times that rise, also where the system's clock stands still or goes back: changes are
/// applied in the order of their names.
pub(super) struct Clock(u64);

impl Clock {
    /// A clock whose times lie behind those of all these files.
    pub(super) fn after(names: &[OsString]) -> Result<Self, StagedError> {
        let last = names.iter().filter_map(|name| nanoseconds(name)).max();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let now = u64::try_from(now).map_err(|_| StagedError::Clock)?;
        match last {
            Some(last) if last >= now => Ok(Self(last.checked_add(1).ok_or(StagedError::Clock)?)),
            _ => Ok(Self(now)),
        }
    }

    /// The name of the next file.
    pub(super) fn file_name(&mut self) -> Result<OsString, StagedError> {
        let name = format!("{:0DIGITS$}_{}.change", self.0, uuid()?);
        self.0 = self.0.checked_add(1).ok_or(StagedError::Clock)?;
        Ok(name.into())
    }
}

/// When a file was staged, as its name says.
pub(super) fn time(name: &OsStr) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_nanos(nanoseconds(name)?))
}

fn nanoseconds(name: &OsStr) -> Option<u64> {
    let (digits, _) = name.to_str()?.strip_suffix(".change")?.split_once('_')?;
    let plain = digits.len() == DIGITS && digits.bytes().all(|c| c.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn uuid() -> Result<String, StagedError> {
    let mut bytes = [0; 16];
    crypto::random(&mut bytes)?;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cw_05_names_rise_and_never_repeat() {
        let mut clock = Clock::after(&[]).unwrap();
        let names: Vec<_> = (0..100).map(|_| clock.file_name().unwrap()).collect();
        assert!(names.is_sorted());
        let other = Clock::after(&names).unwrap().file_name().unwrap();
        assert!(other > *names.last().unwrap());
        let future = OsString::from("04000000000000000000_x.change");
        let behind = Clock::after(std::slice::from_ref(&future)).unwrap().file_name().unwrap();
        assert!(behind > future, "a clock that went back");
        let last = OsString::from(format!("{}_x.change", u64::MAX));
        assert!(matches!(Clock::after(&[last]), Err(StagedError::Clock)));
    }

    #[test]
    fn names_look_like_notary_s() {
        let name = Clock::after(&[]).unwrap().file_name().unwrap();
        let text = name.to_str().unwrap();
        let (time, uuid) = text.strip_suffix(".change").unwrap().split_once('_').unwrap();
        assert_eq!(time.len(), 20);
        let parts: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&uuid[14..15], "4", "the version");
        assert!("89ab".contains(&uuid[19..20]), "the variant");
        let age = SystemTime::now().duration_since(super::time(&name).unwrap()).unwrap();
        assert!(age < Duration::from_secs(60));
        for other in ["x.change", "1_x.change", "0000000000000000000a_x.change", "00000000000000000001_x"] {
            assert_eq!(super::time(OsStr::new(other)), None, "{other}");
        }
    }
}
