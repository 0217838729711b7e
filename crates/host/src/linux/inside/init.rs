//! The first process of the sandbox: reaps, relays signals, counts, and ends it all with the target.

use super::egress;
use crate::OsError;
use crate::error::Context;
use crate::linux::message::{Ending, FromRunner, InnerSocket, Sender, ToRunner, receive};
use crate::linux::supervise::Shared;
use crate::linux::sys::signals::Children;
use garth_plan::linux::spec::Limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often limits that are held by counting are looked at.
const COUNTING: Duration = Duration::from_millis(100);

/// Serves until the target is gone.
///
/// # Errors
/// A failed system call; the caller then ends, and everything inside with it.
pub fn serve(
    target: Pid,
    control: &Arc<OwnedFd>,
    children: &Children,
    limits: &Limits,
    shared: &Shared,
) -> Result<WaitStatus, OsError> {
    let sender = Sender::new(Arc::clone(control));
    let counting = limits.memory.is_some() || limits.processes.is_some();
    let mut is_met = false;
    let mut counted = Instant::now();
    loop {
        let has_more = match reap(target, &sender)? {
            Reaped::Target(status) => return Ok(status),
            Reaped::All => false,
            Reaped::Some => true,
        };
        // By the clock: whoever ends a process every moment leaves no moment in which nothing happens.
        if counting && counted.elapsed() >= COUNTING {
            if let Some(what) = super::count::exceeded(limits) {
                sender.send(&FromRunner::LimitHit(what));
                let _gone = kill_all(Signal::KILL);
            }
            if !is_met && let Some(what) = super::count::met(limits) {
                sender.send(&FromRunner::LimitMet(what));
                is_met = true;
            }
            counted = Instant::now();
        }
        let mut events = [PollFd::new(children, PollFlags::IN), PollFd::new(&**control, PollFlags::IN)];
        let rest = (counting || has_more).then(|| Timespec {
            tv_sec: 0,
            tv_nsec: if has_more {
                0
            } else {
                COUNTING.saturating_sub(counted.elapsed()).subsec_nanos().into()
            },
        });
        match poll(&mut events, rest.as_ref()) {
            Ok(0) => {}
            Ok(_) => {
                let [child, broker] = events;
                if !child.revents().is_empty() {
                    children.clear();
                }
                if !broker.revents().is_empty() && !obey(target, control.as_fd(), &sender, shared)? {
                    // Without a broker nobody answers for this sandbox any more.
                    let _gone = kill_all(Signal::KILL);
                    return Err(OsError::new("hear from", "the broker", Errno::PIPE.raw_os_error()));
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).on("wait for", "the target"),
        }
    }
}

/// Processes that are reaped before anything else is looked at.
const AT_ONCE: usize = 64;

/// What came of reaping.
enum Reaped {
    /// The target's own end.
    Target(WaitStatus),
    /// Nothing more has ended.
    All,
    /// More may have.
    Some,
}

/// Reaps what has ended. That the target was stopped is told.
fn reap(target: Pid, sender: &Sender) -> Result<Reaped, OsError> {
    for _ in 0..AT_ONCE {
        match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
            Ok(Some((pid, status))) if pid == target => {
                if let Some(signal) = status.stopping_signal() {
                    sender.send(&FromRunner::Stopped(signal));
                } else if status.exited() || status.signaled() {
                    return Ok(Reaped::Target(status));
                }
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(Reaped::All),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno).on("wait for", "the target"),
        }
    }
    Ok(Reaped::Some)
}

/// Does what the broker says; `false` when it is gone.
fn obey(
    target: Pid,
    control: rustix::fd::BorrowedFd<'_>,
    sender: &Sender,
    shared: &Shared,
) -> Result<bool, OsError> {
    let (order, descriptor) = match receive::<ToRunner>(control) {
        Ok(Some(message)) => message,
        Ok(None) | Err(Errno::CONNRESET) => return Ok(false),
        Err(errno) => return Err(errno).on("hear from", "the broker"),
    };
    // A target that has just ended needs no signal.
    let _gone = match order {
        ToRunner::Signal(number) => named(number).map(|signal| kill_process_group(target, signal)),
        ToRunner::SignalAll(number) => named(number).map(kill_all),
        ToRunner::Mount => None,
        ToRunner::ChangeLock => {
            shared.lock.give(descriptor);
            None
        }
        ToRunner::Verdict { id, allow, remember } => {
            shared.commands.answer(id, allow, remember);
            None
        }
        ToRunner::Socket => {
            // Without a socket the broker waits in vain and gives up.
            if let Ok(socket) = egress::fresh() {
                sender.send_with(&FromRunner::Socket(InnerSocket::Fresh), &[socket.as_fd()]);
            }
            None
        }
    };
    Ok(true)
}

fn named(number: i32) -> Option<Signal> {
    Signal::from_named_raw(number)
}

/// Signals every process of the sandbox but this one.
///
/// # Errors
/// `ESRCH` when there is none, and where they cannot be listed the error of that.
pub fn kill_all(signal: Signal) -> Result<(), Errno> {
    // `kill(-1)` in a pid namespace reaches all of its processes but the first (pid_namespaces(7)). Where
    // there is no such namespace it would reach the user's other processes, so it is asked for by list.
    if rustix::process::getpid() == Pid::INIT {
        return crate::linux::sys::signals::signal_everything(signal);
    }
    for pid in super::count::descendants()? {
        let _gone = kill_process(pid, signal);
    }
    Ok(())
}

/// The ending as the broker is told it.
#[must_use]
pub fn ending(status: WaitStatus, repositories: Vec<garth_policy::AbsPath>) -> Ending {
    Ending { code: status.exit_status(), signal: status.terminating_signal(), repositories }
}
