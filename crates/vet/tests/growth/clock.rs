//! Processor time of this thread, where the system tells it without further ado.

use std::time::{Duration, Instant};

/// Time that this thread has had on a processor. Source: `proc_pid_schedstat`, the first number.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Processor time of a piece of work; by the clock where the system does not tell.
pub fn processor_time(work: impl FnOnce()) -> Duration {
    let (clock, before) = (Instant::now(), on_processor());
    work();
    match (before, on_processor()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => clock.elapsed(),
    }
}
