//! Which logs go: those of ended sessions that are too old, and the oldest of those that are too much together.

use super::Moment;
use std::time::Duration;

/// How long logs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// After the end of the session; `None` for ever.
    pub time: Option<Duration>,
    /// Bytes of all that are kept, together; `None` for any number.
    pub bytes: Option<u64>,
}

impl Keep {
    /// Whether everything is kept.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.time.is_none() && self.bytes.is_none()
    }
}

/// A log of an ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// When it was last written to.
    pub last: Moment,
    /// How long it is.
    pub bytes: u64,
}

/// Why a log is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surplus {
    /// It is too old.
    Old,
    /// The logs are too many bytes together, and it is among the oldest.
    Large,
}

impl Surplus {
    /// In words, for the record of the removal.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Old => "it is older than audit.keep-for",
            Self::Large => "the logs are larger than audit.keep-size",
        }
    }
}

/// Which of the logs go, the oldest first, each by its place in the list. `logs` are in the order of their sessions.
#[must_use]
pub fn surplus(logs: &[Kept], now: Moment, keep: &Keep) -> Vec<(usize, Surplus)> {
    let age = |log: &Kept| {
        Duration::from_micros(u64::try_from(now.micros().saturating_sub(log.last.micros())).unwrap_or(0))
    };
    let mut left: u64 = logs.iter().fold(0, |sum, log| sum.saturating_add(log.bytes));
    let mut order: Vec<usize> = (0..logs.len()).collect();
    order.sort_by_key(|place| logs[*place].last);
    let mut gone = Vec::new();
    for place in order {
        let log = &logs[place];
        let why = match keep {
            Keep { time: Some(time), .. } if age(log) > *time => Surplus::Old,
            Keep { bytes: Some(most), .. } if left > *most => Surplus::Large,
            _ => continue,
        };
        left = left.saturating_sub(log.bytes);
        gone.push((place, why));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;

    fn logs(list: &[(i64, u64)]) -> Vec<Kept> {
        list.iter().map(|(day, bytes)| Kept { last: Moment::from_micros(day * DAY), bytes: *bytes }).collect()
    }

    fn days(days: u64) -> Option<Duration> {
        Some(Duration::from_secs(days * 86_400))
    }

    #[test]
    fn the_old_go_and_then_the_oldest_of_too_much() {
        let (now, logs) = (Moment::from_micros(100 * DAY), logs(&[(10, 5), (95, 50), (90, 30), (99, 20)]));
        let gone = |time, bytes| surplus(&logs, now, &Keep { time, bytes });
        assert_eq!(gone(None, None), []);
        assert_eq!(gone(days(30), None), [(0, Surplus::Old)]);
        assert_eq!(gone(days(5), None), [(0, Surplus::Old), (2, Surplus::Old)]);
        assert_eq!(gone(None, Some(100)), [(0, Surplus::Large)]);
        assert_eq!(gone(days(30), Some(70)), [(0, Surplus::Old), (2, Surplus::Large)]);
        assert_eq!(gone(None, Some(0)).len(), 4);
        // A clock that went back makes nothing old.
        assert_eq!(surplus(&logs, Moment::from_micros(0), &Keep { time: days(1), bytes: None }), []);
    }

    proptest! {
        /// What stays fits, and nothing goes that could have stayed.
        #[test]
        fn what_stays_fits(list in proptest::collection::vec((0i64..50, 0u64..100), 0..12), most in 0u64..400) {
            let logs = logs(&list);
            let gone = surplus(&logs, Moment::from_micros(60 * DAY), &Keep { time: None, bytes: Some(most) });
            let all: u64 = logs.iter().map(|log| log.bytes).sum();
            let removed: u64 = gone.iter().map(|(place, _)| logs[*place].bytes).sum();
            prop_assert!(all - removed <= most);
            if let Some((last, _)) = gone.last() {
                prop_assert!(all - removed + logs[*last].bytes > most);
            }
        }
    }
}
