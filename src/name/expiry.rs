//! Times in metadata, as Notary writes them: RFC 3339 with up to nine fractional digits, trailing
//! zeros removed, in the writer's own offset.
//!
//! The one user of the calendar library. The instant and the spelled offset are both kept, so that
//! a time read is written back to the byte.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::NameError;

/// When a file stops being valid. A file is expired from this very instant on.
#[derive(Clone, Copy, Debug)]
pub struct Expiry {
    local: DateTime,
    offset_minutes: i16,
    /// Clamped at the calendar library's last instant, a day before the year 10000.
    instant: Timestamp,
}

impl Expiry {
    /// Notary's zero time, which a missing or `null` member stands for: long expired.
    pub fn zero() -> Self {
        Self::new(DateTime::constant(1, 1, 1, 0, 0, 0, 0), 0)
    }

    /// Reads a time as Go prints it.
    ///
    /// # Errors
    /// The text is not RFC 3339 in that form, or names a day or time that doesn't exist.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        parse(text).ok_or_else(|| NameError::new("time", text, "RFC 3339 such as 2029-11-23T02:22:19.763Z"))
    }

    /// The expiry `lifetime` after `now`, in UTC.
    ///
    /// # Errors
    /// The sum lies outside of the years 1 to 9999.
    pub fn after(now: SystemTime, lifetime: Duration) -> Result<Self, NameError> {
        let refuse = || NameError::new("time", "now + lifetime", "years 1 to 9999");
        let instant = now.checked_add(lifetime).ok_or_else(refuse)?;
        let instant = Timestamp::try_from(instant).map_err(|_| refuse())?;
        Ok(Self { local: Offset::UTC.to_datetime(instant), offset_minutes: 0, instant })
    }

    fn new(local: DateTime, offset_minutes: i16) -> Self {
        let offset = Offset::from_seconds(i32::from(offset_minutes) * 60).unwrap_or(Offset::UTC);
        let instant = offset.to_timestamp(local).unwrap_or(Timestamp::MAX);
        Self { local, offset_minutes, instant }
    }

    /// Whether the file is expired at `now`. It is at the very instant of its expiry.
    pub fn is_past(&self, now: SystemTime) -> bool {
        // A clock beyond the calendar is beyond every expiry as well; one before it is a broken
        // clock, for which nothing is valid either.
        Timestamp::try_from(now).map_or(true, |now| self.instant <= now)
    }

    /// The time left at `now`; none when expired.
    pub fn remaining(&self, now: SystemTime) -> Option<Duration> {
        let now = Timestamp::try_from(now).ok()?;
        Duration::try_from(self.instant.duration_since(now)).ok().filter(|left| !left.is_zero())
    }

    /// The instant as the standard library's type; the epoch where that type can't hold it.
    pub fn to_system_time(&self) -> SystemTime {
        SystemTime::try_from(self.instant).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl PartialEq for Expiry {
    fn eq(&self, other: &Self) -> bool {
        self.instant == other.instant
    }
}

impl Eq for Expiry {}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.local.date(), self.local.time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), date.month(), date.day())?;
        write!(f, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
        if time.subsec_nanosecond() != 0 {
            let fraction = format!("{:09}", time.subsec_nanosecond());
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        match self.offset_minutes {
            0 => f.write_str("Z"),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

/// `YYYY-MM-DDTHH:MM:SS[.1-9 digits](Z|±HH:MM)`, nothing else.
fn parse(text: &str) -> Option<Expiry> {
    let (head, rest) = text.split_at_checked(19)?;
    let (date, time) = head.split_once('T')?;
    let [year, month, day] = fields(date, '-', &[4, 2, 2])?;
    let [hour, minute, second] = fields(time, ':', &[2, 2, 2])?;
    let zone = rest.find(['Z', '+', '-'])?;
    let (fraction, zone) = rest.split_at_checked(zone)?;
    let nanosecond = match fraction.strip_prefix('.') {
        Some(digits) => nanoseconds(digits)?,
        None if fraction.is_empty() => 0,
        None => return None,
    };
    let small = |number: i32| i8::try_from(number).ok();
    let local = DateTime::new(
        i16::try_from(year).ok().filter(|year| *year >= 1)?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanosecond,
    )
    .ok()?;
    Some(Expiry::new(local, offset_minutes(zone)?))
}

fn offset_minutes(zone: &str) -> Option<i16> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = zone.split_at_checked(1)?;
    let [hours, minutes] = fields(digits, ':', &[2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let minutes = i16::try_from(hours * 60 + minutes).ok()?;
    Some(if sign == "-" { -minutes } else { minutes })
}

fn fields<const N: usize>(text: &str, separator: char, widths: &[usize; N]) -> Option<[i32; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == *width && is_digits(part))?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn nanoseconds(digits: &str) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !is_digits(digits) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_notary_are_written_back_to_the_byte() {
        for text in [
            "2029-11-23T02:22:19.763746548Z",
            "2036-11-20T21:46:33.797160127-05:00",
            "2026-12-08T02:42:17Z",
            "2029-11-23T02:22:19.5+02:00",
            "9999-12-31T23:59:59.999999999Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Expiry::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Expiry::zero().to_string(), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn cj_15_other_spellings_and_impossible_times_are_refused() {
        for text in [
            "",
            "2026-12-08",
            "2026-12-08t02:42:17Z",
            "2026-12-08T02:42:17z",
            "2026-12-08 02:42:17Z",
            "2026-12-08T02:42:17",
            "2026-12-08T02:42:60Z",
            "2026-12-08T24:00:00Z",
            "2026-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-12-08T2:42:17Z",
            "2026-12-08T02:42:17,5Z",
            "2026-12-08T02:42:17.Z",
            "2026-12-08T02:42:17.1234567890Z",
            "2026-12-08T02:42:17+24:00",
            "2026-12-08T02:42:17+2:00",
            "2026-12-08T02:42:17Zx",
            "2026-12-08T02:42:1éZ",
            "+026-12-08T02:42:17Z",
        ] {
            assert!(Expiry::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn fz_12_expiry_at_the_very_instant_is_expired() {
        let expiry = Expiry::parse("2026-12-08T02:42:17.5Z").unwrap();
        let instant = expiry.to_system_time();
        assert!(expiry.is_past(instant));
        assert!(!expiry.is_past(instant - Duration::from_nanos(1)));
        assert_eq!(expiry.remaining(instant), None);
        assert_eq!(expiry.remaining(instant - Duration::from_secs(3)), Some(Duration::from_secs(3)));
    }

    #[test]
    fn ck_03_clocks_outside_of_the_calendar_expire_everything() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert!(Expiry::parse("9999-12-31T23:59:59Z").unwrap().is_past(far));
        assert!(Expiry::after(far, Duration::from_secs(1)).is_err());
        let before_the_epoch = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 33);
        assert!(!Expiry::parse("2026-12-08T02:42:17Z").unwrap().is_past(before_the_epoch));
    }
}
