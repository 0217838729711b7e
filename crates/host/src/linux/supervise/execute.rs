//! Programs that start: read from the caller, judged by the broker, and then let go on or refused.
//!
//! What is read here can be changed by a second thread before the kernel reads it again, so this vets and tells; it
//! contains nothing. What a started program can do is held by the rest of the sandbox.

use super::call::At;
use super::processes::{MOST_ARGUMENTS, MOST_BYTES, Processes, Starting};
use super::report::Denied;
use super::{Answer, Supervisor};
use crate::linux::message::FromRunner;
use crate::linux::supervise::place;
use crate::linux::sys::memory;
use crate::linux::sys::notify::{Listener, Notification};
use garth_plan::linux::spec::Target;
use garth_policy::FileOp;
use rustix::fd::AsFd;
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, openat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// A program that is about to start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Identifies the waiting call.
    pub id: u64,
    /// The caller, as numbered inside.
    pub thread: u32,
    /// The file, as the caller wrote it; empty where it is an opened descriptor.
    pub program: Vec<u8>,
    /// The arguments, the first of which is by custom the program's name.
    pub arguments: Vec<Vec<u8>>,
    /// For a script, what the kernel puts in front of its name: the interpreter and the rest of the first line; for an
    /// interpreter that is a script too, its own in front of that. Empty for a program.
    pub interpreter: Vec<Vec<u8>>,
    /// False if there are more or longer arguments than are looked at.
    pub whole: bool,
    /// Name of the program that calls.
    pub by: String,
    /// The directory that it works in, for people: it may be another when the program starts. Empty where it is not seen.
    pub directory: Vec<u8>,
}

/// Arguments that are looked at, and all their bytes together.
const MOST: usize = 2048;
const LONGEST: usize = 48 * 1024;

/// Verdicts that are remembered, and calls that may wait for one.
const REMEMBERED: usize = 4096;

/// What tells one start of a program from another: the file, the arguments and the interpreter.
type Key = (Vec<u8>, Vec<Vec<u8>>, Vec<Vec<u8>>);

/// A start that is told of when it is let go on, with what its words name in vain.
type Told = (Starting, Arc<Processes>, bool, Vec<Denied>);

/// Starts of programs that wait for the broker's verdict. One thread asks, another one hears the answers.
#[derive(Debug)]
pub struct Commands {
    listener: OnceLock<Arc<Listener>>,
    waiting: Mutex<HashMap<u64, (Key, Option<Told>)>>,
    decided: Mutex<HashMap<Key, bool>>,
    /// Files that the target may be, and its arguments.
    target: (Vec<Vec<u8>>, Vec<Vec<u8>>),
}

impl Commands {
    /// For this target, which was judged before the sandbox was made. Its own start waits for nobody: the thread that
    /// hears verdicts stands still until the target runs.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        let target = (target.programs.clone(), target.arguments.clone());
        Self { listener: OnceLock::new(), waiting: Mutex::default(), decided: Mutex::default(), target }
    }

    pub(super) fn answer_on(&self, listener: Arc<Listener>) {
        // There is one supervisor in the life of a runner.
        let _first = self.listener.set(listener);
    }

    /// Carries out the broker's verdict on a waiting call; `remember` for all that are equal.
    pub fn answer(&self, id: u64, allow: bool, remember: bool) {
        let found = self.waiting.lock().ok().and_then(|mut waiting| waiting.remove(&id));
        let Some((key, told)) = found else { return };
        if let Some((starting, processes, whole, named)) = told.filter(|_| allow) {
            processes.started(starting, key.0.clone(), (key.1.clone(), whole));
            processes.refused(named);
        }
        if remember && let Ok(mut decided) = self.decided.lock() {
            if decided.len() >= REMEMBERED {
                decided.clear();
            }
            decided.insert(key, allow);
        }
        let Some(listener) = self.listener.get() else { return };
        // A caller that was killed meanwhile needs no answer.
        let _gone = if allow { listener.proceed(id) } else { listener.fail(id, Errno::ACCESS) };
    }

    fn known(&self, key: &Key) -> Option<bool> {
        let (programs, arguments) = &self.target;
        if key.1 == *arguments && programs.contains(&key.0) {
            return Some(true);
        }
        self.decided.lock().ok()?.get(key).copied()
    }

    fn wait(&self, id: u64, key: Key, told: Option<Told>) -> Result<(), Errno> {
        let mut waiting = self.waiting.lock().map_err(|_| Errno::AGAIN)?;
        if waiting.len() >= REMEMBERED {
            return Err(Errno::AGAIN);
        }
        waiting.insert(id, (key, told));
        Ok(())
    }
}

impl Supervisor {
    pub(super) fn execute(&mut self, call: &Notification, at: At, arguments: u64) -> Answer {
        if !self.order.commands && !self.order.processes {
            return Answer::Proceed;
        }
        let most = if self.order.commands { (MOST, LONGEST) } else { (MOST_ARGUMENTS, MOST_BYTES) };
        let mut execution = match read(call, at, arguments, most) {
            Ok(execution) => execution,
            Err(errno) if self.order.commands => return Answer::Fail(errno),
            // The kernel says what is wrong with it.
            Err(_) => return Answer::Proceed,
        };
        let starts = self.order.processes && self.present.is_there(call.thread, at, &execution.program);
        if self.order.processes && !starts {
            self.tell_refused(call.thread, at, &execution.program);
        }
        let starting = starts.then(|| (Starting::of(call.thread), self.named(&execution)));
        if !self.order.commands {
            self.tell_start(starting, execution);
            return Answer::Proceed;
        }
        execution.interpreter = self.scripts.interpreters(call.thread, at, &execution.program);
        let Execution { program, arguments, interpreter, .. } = &execution;
        let key = (program.clone(), arguments.clone(), interpreter.clone());
        let commands = &self.shared.commands;
        match commands.known(&key).filter(|_| execution.whole) {
            Some(true) => {
                self.tell_start(starting, execution);
                Answer::Proceed
            }
            Some(false) => Answer::Fail(Errno::ACCESS),
            None => {
                let processes = Arc::clone(&self.shared.processes);
                let told = starting.map(|(starting, named)| (starting, processes, execution.whole, named));
                match commands.wait(call.id, key, told) {
                    Ok(()) => {
                        let (by, directory) = (super::report::program(call.thread), directory(call.thread));
                        let execution = Execution { by, directory, ..execution };
                        self.reporter.sender().send(&FromRunner::Execute(execution));
                        Answer::Later
                    }
                    Err(errno) => Answer::Fail(errno),
                }
            }
        }
    }

    /// A program that is there and is not started: the broker knows whether the policy says so.
    fn tell_refused(&mut self, thread: u32, at: At, program: &[u8]) {
        if !self.reporter.tells() {
            return;
        }
        let object = place::as_caller(thread, at.directory, program).and_then(|path| {
            openat(CWD, path.as_c_str(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()
        });
        let Some(object) = object else { return };
        if let Ok(path) = place::final_path(object.as_fd()) {
            self.elsewhere(thread, (&path, object.as_fd()), FileOp::Execute);
        }
    }

    fn tell_start(&self, starting: Option<(Starting, Vec<Denied>)>, execution: Execution) {
        let Execution { program, mut arguments, mut whole, .. } = execution;
        if arguments.len() > MOST_ARGUMENTS {
            arguments.truncate(MOST_ARGUMENTS);
            whole = false;
        }
        if let Some((starting, named)) = starting {
            self.shared.processes.started(starting, program, (arguments, whole));
            self.shared.processes.refused(named);
        }
    }
}

/// Programs that were there a moment ago.
#[derive(Debug, Default)]
pub(super) struct Present(HashMap<Vec<u8>, Instant>);

impl Present {
    const MOMENT: Duration = Duration::from_secs(1);
    const MOST: usize = 256;

    /// Whether there is something to execute: a search along PATH tries many names. An opened file is there. What was
    /// there a moment ago is not looked for again; should it be gone, a start is told that failed.
    fn is_there(&mut self, thread: u32, at: At, program: &[u8]) -> bool {
        let is_known = |seen: &Instant| seen.elapsed() < Self::MOMENT;
        if self.0.get(program).is_some_and(is_known) {
            return true;
        }
        let Some(path) = place::as_caller(thread, at.directory, program) else { return true };
        let is_there = accessat(CWD, path.as_c_str(), Access::EXEC_OK, AtFlags::EACCESS).is_ok();
        // A relative name, or one that speaks of the caller, means something else the next time.
        if is_there && program.starts_with(b"/") && !program.starts_with(b"/proc/") {
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(program.to_vec(), Instant::now());
        }
        is_there
    }
}

fn read(
    call: &Notification,
    at: At,
    arguments: u64,
    (most, longest): (usize, usize),
) -> Result<Execution, Errno> {
    let mut list = Pointers { thread: call.thread, next: arguments, ended: arguments == 0 };
    let (program, mut addresses) = read_start(call.thread, at, &mut list)?;
    let mut read = Execution {
        id: call.id,
        thread: call.thread,
        program,
        arguments: Vec::new(),
        interpreter: Vec::new(),
        whole: true,
        by: String::new(),
        directory: Vec::new(),
    };
    let mut room = longest;
    while !addresses.is_empty() {
        let left = most - read.arguments.len();
        read.whole = addresses.len() <= left;
        addresses.truncate(left);
        for text in memory::read_texts(call.thread, &addresses, room)? {
            match text {
                Some(text) => {
                    room -= text.len();
                    read.arguments.push(text);
                }
                None => read.whole = false,
            }
        }
        if !read.whole {
            break;
        }
        addresses = list.next()?;
    }
    Ok(read)
}

/// The program and the first addresses of the arguments, in one call as a rule.
fn read_start(thread: u32, at: At, list: &mut Pointers) -> Result<(Vec<u8>, Vec<u64>), Errno> {
    let mut buffer = [0; 4096];
    let whole = |buffer: &mut [u8; 4096]| place::text(thread, at, buffer).map(<[u8]>::to_vec);
    if at.path == 0 || list.ended {
        return Ok((whole(&mut buffer)?, list.next()?));
    }
    let ranges = [(at.path, memory::in_page(at.path, 4096)), list.range()];
    let mut bytes = vec![0; ranges[0].1 + ranges[1].1];
    let filled = memory::read_ranges(thread, &ranges, &mut bytes).unwrap_or(0);
    let (path, addresses) = bytes[..filled].split_at(ranges[0].1.min(filled));
    let program = match path.iter().position(|byte| *byte == 0) {
        Some(end) => path[..end].to_vec(),
        None => whole(&mut buffer)?,
    };
    let addresses = if addresses.len() < 8 { list.next()? } else { list.take(addresses)? };
    Ok((program, addresses))
}

/// `/proc/PID/cwd` (`proc_pid_cwd(5)`); a directory that is gone has a mark behind its name, and is none.
fn directory(thread: u32) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt;
    let path = std::fs::read_link(format!("/proc/{thread}/cwd"));
    let path = path.map(|path| path.into_os_string().into_vec()).unwrap_or_default();
    if path.ends_with(b" (deleted)") { Vec::new() } else { path }
}

/// A list of addresses in the memory of a caller, up to the null pointer at its end. It is read some at a time.
struct Pointers {
    thread: u32,
    next: u64,
    /// From the start, where a null pointer is in the place of the list: that is one without arguments (execve(2)).
    ended: bool,
}

impl Pointers {
    /// Addresses that are read at a time; never beyond the end of a page, behind which nothing may be.
    const SOME: usize = 32;

    /// Where the next ones lie. An address that is not aligned may reach over the end of a page.
    fn range(&self) -> (u64, usize) {
        (self.next, (memory::in_page(self.next, 8 * Self::SOME) / 8).max(1) * 8)
    }

    /// The next addresses; none at the end.
    fn next(&mut self) -> Result<Vec<u64>, Errno> {
        if self.ended {
            return Ok(Vec::new());
        }
        let mut bytes = [0; 8 * Self::SOME];
        let (address, length) = self.range();
        let filled = memory::read(self.thread, address, &mut bytes[..length])?;
        if filled < 8 {
            return Err(Errno::FAULT);
        }
        self.take(&bytes[..filled])
    }

    /// The next addresses, which lie in these bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u64>, Errno> {
        let mut addresses = Vec::with_capacity(4);
        for bytes in bytes.chunks_exact(8) {
            let address = bytes.try_into().map(u64::from_ne_bytes).map_err(|_| Errno::FAULT)?;
            self.next = self.next.checked_add(8).ok_or(Errno::FAULT)?;
            if address == 0 {
                self.ended = true;
                break;
            }
            addresses.push(address);
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_addresses_is_read_to_its_end() {
        let list: Vec<u64> = (1..100).chain([0, 7]).collect();
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let mut pointers = Pointers { thread, next: list.as_ptr() as u64, ended: false };
        let mut found = Vec::new();
        loop {
            let some = pointers.next().unwrap();
            if some.is_empty() {
                break;
            }
            found.extend(some);
        }
        assert_eq!(found, (1..100).collect::<Vec<u64>>());
        let mut bad = Pointers { thread, next: 8, ended: false };
        assert_eq!(bad.next(), Err(Errno::FAULT));
    }
}
