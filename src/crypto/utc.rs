//! Times in messages read as people write them: UTC, to the second (RFC 3339).

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Shows a time as `2026-11-24T12:00:00Z`.
pub(super) struct Utc(pub(super) SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(seconds) = seconds_since_epoch(self.0) else {
            return f.write_str("a time out of range");
        };
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_date(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

fn seconds_since_epoch(time: SystemTime) -> Option<i64> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok()?,
        Err(before) => {
            let before = before.duration();
            let rounded_up = before.as_secs() + u64::from(before.subsec_nanos() > 0);
            -i64::try_from(rounded_up).ok()?
        }
    };
    // Years of four digits and a little more keep the arithmetic below far from overflow.
    (seconds.unsigned_abs() < 1 << 40).then_some(seconds)
}

/// Days since 1970-01-01 to year, month and day of the proleptic Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day comes last.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn shown(seconds: u64) -> String {
        Utc(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    }

    #[test]
    fn shows_known_times() {
        assert_eq!(shown(0), "1970-01-01T00:00:00Z");
        assert_eq!(shown(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(shown(1_795_521_600), "2026-11-24T12:00:00Z");
        assert_eq!(shown(253_402_300_799), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn shows_times_before_the_epoch() {
        let before = UNIX_EPOCH - Duration::from_millis(1_500);
        assert_eq!(Utc(before).to_string(), "1969-12-31T23:59:58Z");
    }

    #[test]
    fn survives_the_far_future() {
        if let Some(far) = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 62)) {
            assert_eq!(Utc(far).to_string(), "a time out of range");
        }
    }
}
