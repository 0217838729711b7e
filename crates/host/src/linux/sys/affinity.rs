//! On which processor a thread runs, for the moments in which the scheduler's own choice costs more than the work.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use std::marker::PhantomData;

/// Keeps the supervisor, and for moments those whom it serves, on one processor.
///
/// Handing over a descriptor wakes the caller and then the supervisor with ordinary wake-ups, and the scheduler moves
/// whom it wakes to an idle processor, whose own wake-up costs many times what the call does. The caller sleeps while it
/// is held and runs a few microseconds so.
#[derive(Debug)]
pub struct Keeper {
    /// The processors that the supervisor may run on.
    allowed: Option<CpuSet>,
    /// Whose descriptors were handed over last, and how many in a row.
    served: (u32, u32),
    /// Where the supervisor stays for as long as the same thread asks.
    stays: Option<usize>,
}

/// From so many descriptors for the same thread on, one behind the other, the supervisor stays where it is between them.
const IN_A_ROW: u32 = 4;

impl Keeper {
    /// For a supervisor that may run on the processors on which this thread may.
    #[must_use]
    pub fn new() -> Self {
        Self { allowed: allowed(), served: (0, 0), stays: None }
    }

    /// A call has come: a supervisor that stays where another thread wanted it is where it costs this one most.
    pub fn serves(&mut self, thread: u32) {
        if self.served.0 != thread {
            self.served = (thread, 0);
            self.go_free();
        }
    }

    fn go_free(&mut self) {
        if let (Some(_), Some(allowed)) = (self.stays.take(), &self.allowed) {
            come_back(allowed);
        }
    }

    /// Takes hold of a thread, which sleeps, until what is returned is dropped; `None` where it cannot be, which only
    /// costs time.
    #[must_use]
    pub fn hold(&mut self, thread: u32) -> Option<Held<'_>> {
        let (allowed, here) = (self.allowed?, sched_getcpu());
        let pid = Pid::from_raw(i32::try_from(thread).ok()?)?;
        let before = sched_getaffinity(Some(pid)).ok()?;
        if here >= CpuSet::MAX_CPU || !before.is_set(here) || before.count() < 2 {
            return None;
        }
        let mut during = CpuSet::new();
        during.set(here);
        sched_setaffinity(Some(pid), &during).ok()?;
        if self.stays != Some(here) {
            let _moves = sched_setaffinity(None, &during);
        }
        self.served = (thread, self.served.1.saturating_add(1));
        let stays = self.served.1 >= IN_A_ROW;
        self.stays = stays.then_some(here);
        Some(Held { thread: pid, before, leaves: (!stays).then_some(allowed), keeper: PhantomData })
    }
}

/// A thread that is held.
#[derive(Debug)]
pub struct Held<'a> {
    thread: Pid,
    before: CpuSet,
    /// Where the supervisor may run again, if it does not stay.
    leaves: Option<CpuSet>,
    keeper: PhantomData<&'a mut Keeper>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.leaves.iter().for_each(come_back);
        // It sleeps, so it has not chosen for itself meanwhile.
        let _gone = sched_setaffinity(Some(self.thread), &self.before);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> u32 {
        u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap()
    }

    #[test]
    fn who_was_held_runs_where_it_might_before() {
        let before = allowed().unwrap();
        if before.count() < 2 {
            eprintln!("skipped: one processor");
            return;
        }
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            tell.send(me()).unwrap();
            let _ended = ended.recv();
            allowed().unwrap()
        });
        let thread = told.recv().unwrap();
        let mut keeper = Keeper::new();
        for round in 1..=IN_A_ROW + 1 {
            let held = keeper.hold(thread).unwrap();
            assert_eq!(sched_getaffinity(Some(held.thread)).unwrap().count(), 1);
            assert_eq!(allowed().unwrap().count(), 1);
            drop(held);
            let stays = if round >= IN_A_ROW { 1 } else { before.count() };
            assert_eq!(allowed().unwrap().count(), stays, "{round}");
        }
        keeper.serves(thread);
        assert_eq!(allowed().unwrap().count(), 1);
        keeper.serves(me());
        assert_eq!(allowed().unwrap(), before);
        end.send(()).unwrap();
        assert_eq!(sleeper.join().unwrap(), before);
    }
}
