//! A point in time as the log writes it.

use std::fmt;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// A point in time, in microseconds since 1970-01-01 00:00 UTC.
///
/// Its text is that of RFC 3339 in UTC with all six digits, so that texts sort as the times do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;

impl Moment {
    /// This many microseconds after 1970-01-01 00:00 UTC. Times outside the years 0 to 9999 become the nearest inside.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        // 0000-01-01 and the end of 9999-12-31.
        Self(micros.clamp(-62_167_219_200 * SECOND, 253_402_300_800 * SECOND - 1))
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Reads the text of a record, which has exactly one form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
        let fits = bytes.iter().zip(b"0000-00-00T00:00:00.000000Z").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        });
        let number = |from: usize, to: usize| {
            let digits = bytes[from..to].iter();
            digits.fold(0_u32, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0')))
        };
        let small = |from: usize| u8::try_from(number(from, from + 2)).ok();
        if !fits {
            return None;
        }
        let month = Month::try_from(small(5)?).ok()?;
        let date = Date::from_calendar_date(i32::try_from(number(0, 4)).ok()?, month, small(8)?).ok()?;
        let clock = Time::from_hms_micro(small(11)?, small(14)?, small(17)?, number(20, 26)).ok()?;
        let nanos = PrimitiveDateTime::new(date, clock).assume_utc().unix_timestamp_nanos();
        i64::try_from(nanos / 1000).ok().map(Self)
    }

    /// Reads what a person writes: a date, or a date with hours, minutes and seconds, in UTC.
    #[must_use]
    pub fn parse_loosely(text: &str) -> Option<Self> {
        let whole = "0000-00-00T00:00:00.000000Z";
        let text = text.strip_suffix('Z').unwrap_or(text).replace(' ', "T");
        let rest = whole.get(text.len()..).filter(|_| text.len() >= 10)?;
        Self::parse(&format!("{text}{rest}"))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(SECOND);
        let micros = self.0.rem_euclid(SECOND);
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let month = u8::from(month);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn has_the_form_of_rfc_3339() {
        // `date -u -d @1795939554 +%FT%TZ`
        assert_eq!(Moment::from_micros(1_795_939_554_000_123).to_string(), "2026-11-29T08:05:54.000123Z");
        assert_eq!(Moment::from_micros(-1).to_string(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(Moment::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        for wrong in
            ["", "2026-11-29T08:05:54Z", "2026-13-29T08:05:54.000123Z", "2026-11-29 08:05:54.000123Z"]
        {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn people_may_write_less() {
        let read = |text: &str| Moment::parse_loosely(text).map(|moment| moment.to_string());
        assert_eq!(read("2026-11-29").as_deref(), Some("2026-11-29T00:00:00.000000Z"));
        assert_eq!(read("2026-11-29T08:05").as_deref(), Some("2026-11-29T08:05:00.000000Z"));
        assert_eq!(read("2026-11-29 08:05:54Z").as_deref(), Some("2026-11-29T08:05:54.000000Z"));
        for wrong in ["", "2026", "yesterday!", "2026-11-299", "2026-11-29T08:05:54.000123Z0"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_and_sorts(a in -62_167_219_200_000_000_i64..253_402_300_799_000_000, b: i64) {
            let (a, b) = (Moment::from_micros(a), Moment::from_micros(b));
            prop_assert_eq!(Moment::parse(&a.to_string()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
