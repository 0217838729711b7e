//! The clock, and times of files.

use garth_undo::Time;
use std::time::{SystemTime, UNIX_EPOCH};

/// From 1601 to 1970, in units of 100 ns (`FILETIME`, minwinbase.h).
const EPOCH: i64 = 116_444_736_000_000_000;
/// Units of 100 ns in a second.
const SECOND: i64 = 10_000_000;

/// The time now.
#[must_use]
pub fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time { seconds: i64::try_from(now.as_secs()).unwrap_or(i64::MAX), nanos: now.subsec_nanos() }
}

/// A time that the system gave.
pub(super) fn time(units: i64) -> Time {
    let since = units.saturating_sub(EPOCH);
    let nanos = u32::try_from(since.rem_euclid(SECOND) * 100).unwrap_or(0);
    Time { seconds: since.div_euclid(SECOND), nanos }
}

/// A time as the system takes it. One that it cannot have leaves things as they are.
pub(super) fn units(time: Time) -> i64 {
    let whole = time.seconds.checked_mul(SECOND).and_then(|units| units.checked_add(EPOCH));
    whole.and_then(|units| units.checked_add(i64::from(time.nanos / 100))).unwrap_or(0).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        for known in [1, EPOCH - 1, EPOCH, EPOCH + 123, 133_000_000_123_456_789] {
            assert_eq!(units(time(known)), known);
        }
        assert_eq!(time(EPOCH + 15), Time { seconds: 0, nanos: 1500 });
        assert_eq!(units(Time { seconds: i64::MAX, nanos: 0 }), 0);
        assert_eq!(units(Time { seconds: i64::MIN, nanos: 0 }), 0);
    }
}
