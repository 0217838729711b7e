//! How much of the machine others use meanwhile: proc_stat(5).

use std::time::{Duration, Instant};

use super::cost;

/// More foreign use than this share of all processors spoils a measurement.
pub const FOREIGN: f64 = 0.35;

/// A moment to compare a later one with.
pub struct Watch {
    start: Instant,
    busy: Option<f64>,
    own: Duration,
}

impl Watch {
    /// Now.
    pub fn new() -> Self {
        Self { start: Instant::now(), busy: busy_seconds(), own: cost::children() }
    }

    /// Share of all processors that neither idled nor worked for the commands measured, since then. 0 where unknown.
    pub fn foreign(&self) -> f64 {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let available = self.start.elapsed().as_secs_f64() * super::numbers::count(processors);
        let own = cost::children().saturating_sub(self.own).as_secs_f64();
        match (self.busy, busy_seconds()) {
            (Some(before), Some(after)) => ((after - before - own) / available).max(0.0),
            _ => 0.0,
        }
    }
}

/// Seconds that the processors worked since the machine started.
fn busy_seconds() -> Option<f64> {
    busy_ticks(&std::fs::read_to_string("/proc/stat").ok()?).map(|ticks| ticks / 100.0)
}

/// All of the first line but idle and waiting for disks; user space always sees 100 ticks a second.
fn busy_ticks(text: &str) -> Option<f64> {
    let fields: Vec<f64> = text
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .filter_map(|f| f.parse().ok())
        .collect();
    // Guest time, from the ninth field on, is a part of user time.
    let used = fields.iter().take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4));
    (fields.len() >= 8).then(|| used.map(|(_, value)| value).sum())
}

/// The three load averages, as the kernel writes them.
pub fn averages() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_waiting_and_guests_are_not_work() {
        assert_eq!(busy_ticks("cpu  10 1 20 500 60 2 3 4 9 9\ncpu0 1\n"), Some(40.0));
        assert_eq!(busy_ticks("intr 5\n"), None);
    }
}
