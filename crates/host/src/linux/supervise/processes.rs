//! Which programs started inside, and how their processes ended.
//!
//! A start waits for the supervisor anyway, which reads what it says before it lets it go on. The end of a process is seen
//! through a descriptor for it: nobody but its parent is told how it ended, and since Linux 6.15 whoever holds one. A
//! thread of its own waits for the ends, looks at them some milliseconds late, and sends both, many at a time.

use super::report::Denied;
use crate::linux::message::{FromRunner, Sender};
use crate::linux::sys::pidfd;
use garth_plan::linux::spec::Target;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A process that executes a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Its number inside; `None` for the target itself.
    pub process: Option<u32>,
    /// Number of the nearest process above it that was told; `None` for the target, and where those between are gone.
    pub parent: Option<u32>,
    /// The file, as the caller wrote it; empty where it is an opened descriptor.
    pub program: Vec<u8>,
    /// The arguments, the first of which is by custom the program's name.
    pub arguments: Vec<Vec<u8>>,
    /// False if there are more or longer arguments.
    pub whole: bool,
}

/// A process that was told of and is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Its number inside.
    pub process: u32,
    /// Exit code, when it exited and the kernel says so.
    pub code: Option<i32>,
    /// Signal, when one ended it and the kernel says so.
    pub signal: Option<i32>,
    /// Since it was first told of.
    pub milliseconds: u64,
}

/// How complete it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Starts that were told.
    pub told: u64,
    /// Processes whose end nobody watched for.
    pub unwatched: u64,
    /// Processes that were there at the end.
    pub left: u64,
}

/// Processes that are watched at once: each takes a descriptor, of which the runner has a thousand.
const MOST: usize = 400;

/// How long starts and ends are gathered before they are told.
const GATHER: Duration = Duration::from_millis(10);

/// What the bell is called among the processes that are waited for, none of which has such a number.
const BELL: u64 = u64::MAX;

/// Arguments that are read, and all their bytes together. The log takes no more.
pub(super) const MOST_ARGUMENTS: usize = 256;
pub(super) const MOST_BYTES: usize = 16 * 1024;

/// How far up a parent is looked for.
const GENERATIONS: usize = 32;

struct Live {
    process: OwnedFd,
    since: Instant,
}

#[derive(Default)]
struct State {
    live: HashMap<u32, Live>,
    counted: Counted,
    watch: Option<Arc<Watch>>,
    /// The target.
    own: Option<u32>,
    /// How many files were tried for the target's start: it was told of already.
    tried: usize,
}

/// What the thread waits for that tells.
struct Watch {
    list: OwnedFd,
    /// Something was gathered.
    bell: OwnedFd,
}

impl Watch {
    fn new() -> Option<Self> {
        let list = epoll::create(epoll::CreateFlags::CLOEXEC).ok()?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?;
        epoll::add(&list, &bell, epoll::EventData::new_u64(BELL), epoll::EventFlags::IN).ok()?;
        Some(Self { list, bell })
    }

    fn ring(&self) {
        // A counter that is full rings already.
        let _rung = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn hush(&self) {
        let _silent = rustix::io::read(&self.bell, &mut [0_u8; 8]);
    }
}

/// The processes of one sandbox. One thread tells of starts, another one of ends.
pub struct Processes {
    sender: Sender,
    /// Files that are tried for the target, in order, and its arguments.
    target: (Vec<Vec<u8>>, Vec<Vec<u8>>),
    state: Mutex<State>,
}

impl std::fmt::Debug for Processes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Processes").finish_non_exhaustive()
    }
}

/// A process that is about to execute, while it waits for its answer.
#[derive(Debug)]
pub(super) struct Starting {
    number: u32,
    process: Option<OwnedFd>,
    parent: Option<u32>,
}

impl Starting {
    /// The process of a thread.
    pub(super) fn of(thread: u32) -> Self {
        let open = |number: u32| {
            let pid = Pid::from_raw(i32::try_from(number).ok()?)?;
            pidfd_open(pid, PidfdFlags::empty()).ok()
        };
        // Most threads that execute are the first of their process.
        let (number, process) = match open(thread) {
            Some(process) => (thread, Some(process)),
            None => {
                let number = status_field(thread, "Tgid:").unwrap_or(thread);
                (number, open(number))
            }
        };
        let known = process.as_ref().and_then(|process| pidfd::parent(process.as_fd()));
        let parent = known.or_else(|| status_field(number, "PPid:"));
        Self { number, process, parent }
    }
}

/// The process of a thread.
pub(super) fn number(thread: u32) -> Option<u32> {
    status_field(thread, "Tgid:")
}

/// A field of `/proc/PID/status` (`proc_pid_status(5)`).
fn status_field(thread: u32, name: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

impl Processes {
    /// Tells through `sender`, of what this target starts.
    #[must_use]
    pub fn new(target: &Target, sender: Sender) -> Self {
        let target = (target.programs.clone(), target.arguments.clone());
        Self { sender, target, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The target, of whose start and end the runner tells in another way. The first of its files was tried.
    pub(super) fn know_target(&self, thread: u32) {
        let mut state = self.state();
        (state.own, state.tried) = (Some(thread), 1);
    }

    /// Whether this is the target's own start, which goes on with the next file.
    fn is_first(&self, state: &mut State, number: u32, program: &[u8], arguments: &[Vec<u8>]) -> bool {
        if state.own != Some(number) {
            return false;
        }
        let (programs, words) = &self.target;
        // Files that are not there were passed over.
        let found = programs.iter().skip(state.tried).position(|next| next == program);
        let found = found.filter(|_| words == arguments);
        // Whatever it executes else, it has started.
        state.tried = found.map_or(programs.len(), |place| state.tried + place + 1);
        found.is_some()
    }

    /// Tells of a program that starts, and watches its process.
    pub(super) fn started(
        self: &Arc<Self>,
        starting: Starting,
        program: Vec<u8>,
        (arguments, whole): (Vec<Vec<u8>>, bool),
    ) {
        let mut state = self.state();
        let number = starting.number;
        if self.is_first(&mut state, number, &program, &arguments) {
            return;
        }
        // A number that was given anew: the process before is gone.
        let is_over = |live: &Live| pidfd::parent(live.process.as_fd()).is_none() && has_ended(&live.process);
        let is_first = state.live.get(&number).is_some_and(is_over) && self.gone(&mut state, number);
        let parent = nearest(&state, starting.parent);
        let process = (state.own != Some(number)).then_some(number);
        state.counted.told += 1;
        if process.is_some() && !state.live.contains_key(&number) {
            self.watch(&mut state, starting);
        }
        let watch = self.watch_of(&mut state);
        drop(state);
        let started = FromRunner::Executes(Started { process, parent, program, arguments, whole });
        match watch {
            Some(watch) => {
                if self.sender.gather(&started) || is_first {
                    watch.ring();
                }
            }
            None => self.sender.send(&started),
        }
    }

    /// Tells what a program that starts names in vain, after its start.
    pub(super) fn refused(&self, named: Vec<Denied>) {
        for denied in named {
            self.sender.send(&FromRunner::Hidden(denied));
        }
    }

    fn watch_of(self: &Arc<Self>, state: &mut State) -> Option<Arc<Watch>> {
        if state.watch.is_none() {
            state.watch = self.begin();
        }
        state.watch.clone()
    }

    fn watch(self: &Arc<Self>, state: &mut State, starting: Starting) {
        let Starting { number, process, .. } = starting;
        let watched = process.filter(|_| state.live.len() < MOST).and_then(|process| {
            let watch = self.watch_of(state)?;
            // Without a wish for events the kernel tells of one alone: that it was reaped.
            let (data, flags) = (epoll::EventData::new_u64(number.into()), epoll::EventFlags::empty());
            epoll::add(&watch.list, &process, data, flags).ok()?;
            Some(process)
        });
        match watched {
            Some(process) => drop(state.live.insert(number, Live { process, since: Instant::now() })),
            None => state.counted.unwatched += 1,
        }
    }

    /// Starts the thread that waits for ends, and for what was gathered to have waited long enough.
    fn begin(self: &Arc<Self>) -> Option<Arc<Watch>> {
        let watch = Arc::new(Watch::new()?);
        let (own, waited) = (Arc::clone(self), Arc::clone(&watch));
        let thread = std::thread::Builder::new().stack_size(64 * 1024);
        thread
            .spawn(move || {
                while let Some(ended) = ended(&waited.list, None) {
                    own.tell(&ended);
                    std::thread::sleep(GATHER);
                    waited.hush();
                    own.sender.flush();
                }
            })
            .ok()?;
        Some(watch)
    }

    fn tell(&self, ended: &[u32]) {
        let mut state = self.state();
        for number in ended {
            self.gone(&mut state, *number);
        }
    }

    /// Tells that a process is gone. True if nobody cares yet that it is sent.
    fn gone(&self, state: &mut State, process: u32) -> bool {
        let Some(Live { process: descriptor, since }) = state.live.remove(&process) else { return false };
        let (code, signal) = pidfd::ending(descriptor.as_fd()).unwrap_or_default();
        let milliseconds = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.sender.gather(&FromRunner::Gone(Gone { process, code, signal, milliseconds }))
    }

    /// Tells of what has ended until now, and how complete all that is.
    #[must_use]
    pub fn finish(&self) -> Counted {
        let watch = self.state().watch.clone();
        while let Some(ended) = watch.as_ref().and_then(|watch| ended(&watch.list, Some(Duration::ZERO))) {
            if ended.is_empty() {
                break;
            }
            self.tell(&ended);
        }
        self.sender.flush();
        let state = self.state();
        Counted { left: state.live.len() as u64, ..state.counted }
    }
}

/// The nearest process above that was told of.
fn nearest(state: &State, parent: Option<u32>) -> Option<u32> {
    let mut next = parent;
    for _ in 0..GENERATIONS {
        let number = next.filter(|number| *number > 1)?;
        if state.live.contains_key(&number) {
            return Some(number);
        }
        if state.own == Some(number) {
            return None;
        }
        next = status_field(number, "PPid:");
    }
    None
}

/// Whether a process is no more, reaped or not.
fn has_ended(process: &OwnedFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut events = [PollFd::new(process, PollFlags::IN)];
    poll(&mut events, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|count| count > 0)
}

/// Waits for processes that were reaped; `None` when it cannot be waited any more.
fn ended(watch: &OwnedFd, patience: Option<Duration>) -> Option<Vec<u32>> {
    let timeout = patience
        .map(|patience| rustix::event::Timespec { tv_sec: 0, tv_nsec: i64::from(patience.subsec_nanos()) });
    let mut events = Vec::with_capacity(64);
    loop {
        match epoll::wait(watch, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    Some(events.iter().filter_map(|event| u32::try_from(event.data.u64()).ok()).collect())
}
