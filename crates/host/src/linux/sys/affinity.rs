//! Keeps a waiting thread on the supervisor's processor while it is being woken.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Holds a thread on the processor on which the supervisor runs; given back on drop.
///
/// Handing over a descriptor wakes the caller with an ordinary wake-up, and the scheduler moves it to an
/// idle processor, whose own wake-up costs many times what the call does. The thread sleeps while this is
/// taken and runs a few microseconds under it.
#[derive(Debug)]
pub struct Held {
    thread: Pid,
    before: CpuSet,
    during: CpuSet,
}

impl Held {
    /// Takes hold of a thread; `None` where it cannot be, which only costs time.
    #[must_use]
    pub fn new(thread: u32) -> Option<Self> {
        let thread = Pid::from_raw(i32::try_from(thread).ok()?)?;
        let before = sched_getaffinity(Some(thread)).ok()?;
        let mut during = CpuSet::new();
        let here = sched_getcpu();
        if here >= CpuSet::MAX_CPU || !before.is_set(here) {
            return None;
        }
        during.set(here);
        if before == during {
            return None;
        }
        sched_setaffinity(Some(thread), &during).ok()?;
        Some(Self { thread, before, during })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The thread may have chosen for itself meanwhile; then its choice stands.
        if sched_getaffinity(Some(self.thread)).is_ok_and(|now| now == self.during) {
            let _gone = sched_setaffinity(Some(self.thread), &self.before);
        }
    }
}
