//! Programs that start: read from the caller, judged by the broker, and then let go on or refused.
//!
//! What is read here can be changed by a second thread before the kernel reads it again, so this vets and tells; it
//! contains nothing. What a started program can do is held by the rest of the sandbox.

use super::call::At;
use super::processes::{MOST_ARGUMENTS, MOST_BYTES, Processes, Starting};
use super::{Answer, Supervisor};
use crate::linux::message::FromRunner;
use crate::linux::supervise::place;
use crate::linux::sys::memory;
use crate::linux::sys::notify::{Listener, Notification};
use garth_plan::linux::spec::Target;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

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

/// What tells one start of a program from another.
type Key = (Vec<u8>, Vec<Vec<u8>>);

/// A start that is told of when it is let go on.
type Told = (Starting, Arc<Processes>, bool);

/// Starts of programs that wait for the broker's verdict. One thread asks, another one hears the answers.
#[derive(Debug)]
pub struct Commands {
    listener: OnceLock<Arc<Listener>>,
    waiting: Mutex<HashMap<u64, (Key, Option<Told>)>>,
    decided: Mutex<HashMap<Key, bool>>,
}

impl Commands {
    /// For this target, which was judged before the sandbox was made. Its own start waits for nobody: the thread that
    /// hears verdicts stands still until the target runs.
    #[must_use]
    pub fn new(target: &Target) -> Self {
        let start = |program: &Vec<u8>| ((program.clone(), target.arguments.clone()), true);
        let decided = Mutex::new(target.programs.iter().map(start).collect());
        Self { listener: OnceLock::new(), waiting: Mutex::default(), decided }
    }

    pub(super) fn answer_on(&self, listener: Arc<Listener>) {
        // There is one supervisor in the life of a runner.
        let _first = self.listener.set(listener);
    }

    /// Carries out the broker's verdict on a waiting call; `remember` for all that are equal.
    pub fn answer(&self, id: u64, allow: bool, remember: bool) {
        let found = self.waiting.lock().ok().and_then(|mut waiting| waiting.remove(&id));
        let Some((key, told)) = found else { return };
        if let Some((starting, processes, whole)) = told.filter(|_| allow) {
            processes.started(starting, key.0.clone(), (key.1.clone(), whole));
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
        let execution = match read(call, at, arguments, most) {
            Ok(execution) => execution,
            Err(errno) if self.order.commands => return Answer::Fail(errno),
            // The kernel says what is wrong with it.
            Err(_) => return Answer::Proceed,
        };
        let starts = self.order.processes && is_there(call.thread, at, &execution.program);
        let starting = starts.then(|| Starting::of(call.thread));
        if !self.order.commands {
            self.tell_start(starting, execution);
            return Answer::Proceed;
        }
        let key = (execution.program.clone(), execution.arguments.clone());
        let commands = &self.shared.commands;
        match commands.known(&key).filter(|_| execution.whole) {
            Some(true) => {
                self.tell_start(starting, execution);
                Answer::Proceed
            }
            Some(false) => Answer::Fail(Errno::ACCESS),
            None => {
                let told =
                    starting.map(|starting| (starting, Arc::clone(&self.shared.processes), execution.whole));
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

    fn tell_start(&self, starting: Option<Starting>, execution: Execution) {
        let Execution { program, mut arguments, mut whole, .. } = execution;
        if arguments.len() > MOST_ARGUMENTS {
            arguments.truncate(MOST_ARGUMENTS);
            whole = false;
        }
        if let Some(starting) = starting {
            self.shared.processes.started(starting, program, (arguments, whole));
        }
    }
}

/// Whether there is something to execute: a search along PATH tries many names. An opened file is there.
fn is_there(thread: u32, at: At, program: &[u8]) -> bool {
    let Some(path) = place::as_caller(thread, at.directory, program) else { return true };
    accessat(CWD, path.as_c_str(), Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

fn read(
    call: &Notification,
    at: At,
    arguments: u64,
    (most, longest): (usize, usize),
) -> Result<Execution, Errno> {
    let mut buffer = [0; 4096];
    let program = place::text(call.thread, at, &mut buffer)?.to_vec();
    let mut read = Execution {
        id: call.id,
        thread: call.thread,
        program,
        arguments: Vec::new(),
        whole: true,
        by: String::new(),
        directory: Vec::new(),
    };
    let mut room = longest;
    let mut list = Pointers { thread: call.thread, next: arguments, read: Vec::new() };
    while let Some(address) = list.next()? {
        let text = memory::read_text(call.thread, address, room)?;
        match text {
            Some(text) if read.arguments.len() < most => {
                room -= text.len();
                read.arguments.push(text);
            }
            _ => {
                read.whole = false;
                break;
            }
        }
    }
    Ok(read)
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
    read: Vec<u64>,
}

impl Pointers {
    /// Addresses that are read at a time; never beyond the end of a page, behind which nothing may be.
    const SOME: usize = 32;

    fn next(&mut self) -> Result<Option<u64>, Errno> {
        const PAGE: u64 = 4096;
        // A null pointer in the place of the list is a list without arguments (execve(2)).
        if self.read.is_empty() && self.next == 0 {
            return Ok(None);
        }
        if self.read.is_empty() {
            let mut bytes = [0; 8 * Self::SOME];
            // An address that is not aligned may reach over the end.
            let in_page = (PAGE - self.next % PAGE) / 8;
            let some = usize::try_from(in_page).unwrap_or(1).clamp(1, Self::SOME);
            let filled = memory::read(self.thread, self.next, &mut bytes[..8 * some])?;
            if filled < 8 {
                return Err(Errno::FAULT);
            }
            let address = |bytes: &[u8]| bytes.try_into().map(u64::from_ne_bytes).map_err(|_| Errno::FAULT);
            self.read = bytes[..filled].chunks_exact(8).rev().map(address).collect::<Result<_, _>>()?;
            self.next = self.next.checked_add(self.read.len() as u64 * 8).ok_or(Errno::FAULT)?;
        }
        Ok(self.read.pop().filter(|address| *address != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_addresses_is_read_to_its_end() {
        let list: Vec<u64> = (1..100).chain([0, 7]).collect();
        let thread = u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        let mut pointers = Pointers { thread, next: list.as_ptr() as u64, read: Vec::new() };
        let mut found = Vec::new();
        while let Some(address) = pointers.next().unwrap() {
            found.push(address);
        }
        assert_eq!(found, (1..100).collect::<Vec<u64>>());
        let mut none = Pointers { thread, next: 0, read: Vec::new() };
        assert_eq!(none.next(), Ok(None));
        let mut bad = Pointers { thread, next: 8, read: Vec::new() };
        assert_eq!(bad.next(), Err(Errno::FAULT));
    }
}
