//! On which processor a thread runs, for the moments in which the scheduler's own choice costs more than the work.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Holds a thread and the supervisor on the processor on which the supervisor runs; given back on drop.
///
/// Handing over a descriptor wakes the caller and then the supervisor with ordinary wake-ups, and the scheduler moves
/// whom it wakes to an idle processor, whose own wake-up costs many times what the call does. The thread sleeps while this
/// is taken and runs a few microseconds under it.
#[derive(Debug)]
pub struct Held {
    thread: Pid,
    before: CpuSet,
    during: CpuSet,
    own: CpuSet,
}

impl Held {
    /// Takes hold of a thread; `None` where it cannot be, which only costs time. `own` are the processors that the
    /// supervisor may run on.
    #[must_use]
    pub fn new(thread: u32, own: &CpuSet) -> Option<Self> {
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
        let held = Self { thread, before, during, own: *own };
        let _stays = sched_setaffinity(None, &during);
        Some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _stays = sched_setaffinity(None, &self.own);
        // The thread may have chosen for itself meanwhile; then its choice stands.
        if sched_getaffinity(Some(self.thread)).is_ok_and(|now| now == self.during) {
            let _gone = sched_setaffinity(Some(self.thread), &self.before);
        }
    }
}

/// The processors that this thread may run on; `None` where that cannot be told.
#[must_use]
pub fn allowed() -> Option<CpuSet> {
    sched_getaffinity(None).ok()
}

/// Sends a process that was just started to another processor than this one. A scheduler that is in doubt whether
/// another one is idle (in a virtual machine it often is) leaves the child behind its parent in the same queue, and
/// nothing happens at the same time. Where this cannot be done it only costs time.
pub fn send_away(child: Pid, elsewhere: &CpuSet) {
    let _stays = sched_setaffinity(Some(child), elsewhere);
}

/// Those of `allowed` that this thread does not run on at the moment; `None` if there is no other.
#[must_use]
pub fn elsewhere(allowed: &CpuSet) -> Option<CpuSet> {
    let mut others = *allowed;
    let here = sched_getcpu();
    if here < CpuSet::MAX_CPU {
        others.unset(here);
    }
    (others.count() > 0).then_some(others)
}

/// Moves this thread to another processor than the one it is on.
pub fn move_away(allowed: &CpuSet) {
    if let Some(others) = elsewhere(allowed) {
        let _stays = sched_setaffinity(None, &others);
    }
}

/// Lets this thread run on all of these processors again.
pub fn come_back(allowed: &CpuSet) {
    let _stays = sched_setaffinity(None, allowed);
}
