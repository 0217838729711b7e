//! Programs that start: read from the caller, judged by the broker, and then let go on or refused.
//!
//! What is read here can be changed by a second thread before the kernel reads it again, so this vets and tells; it
//! contains nothing. What a started program can do is held by the rest of the sandbox.

use super::call::At;
use super::{Answer, Supervisor};
use crate::linux::message::FromRunner;
use crate::linux::supervise::place;
use crate::linux::sys::memory;
use crate::linux::sys::notify::{Listener, Notification};
use garth_plan::linux::spec::Target;
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

/// Starts of programs that wait for the broker's verdict. One thread asks, another one hears the answers.
#[derive(Debug)]
pub struct Commands {
    listener: OnceLock<Arc<Listener>>,
    waiting: Mutex<HashMap<u64, Key>>,
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
        let Some(key) = self.waiting.lock().ok().and_then(|mut waiting| waiting.remove(&id)) else { return };
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

    fn wait(&self, id: u64, key: Key) -> Result<(), Errno> {
        let mut waiting = self.waiting.lock().map_err(|_| Errno::AGAIN)?;
        if waiting.len() >= REMEMBERED {
            return Err(Errno::AGAIN);
        }
        waiting.insert(id, key);
        Ok(())
    }
}

impl Supervisor {
    pub(super) fn execute(&mut self, call: &Notification, at: At, arguments: u64) -> Answer {
        if !self.order.commands {
            return Answer::Proceed;
        }
        let execution = match read(call, at, arguments) {
            Ok(execution) => execution,
            Err(errno) => return Answer::Fail(errno),
        };
        let key = (execution.program.clone(), execution.arguments.clone());
        match self.commands.known(&key).filter(|_| execution.whole) {
            Some(true) => Answer::Proceed,
            Some(false) => Answer::Fail(Errno::ACCESS),
            None => match self.commands.wait(call.id, key) {
                Ok(()) => {
                    self.reporter.sender().send(&FromRunner::Execute(execution));
                    Answer::Later
                }
                Err(errno) => Answer::Fail(errno),
            },
        }
    }
}

fn read(call: &Notification, at: At, arguments: u64) -> Result<Execution, Errno> {
    let mut buffer = [0; 4096];
    let program = place::text(call.thread, at, &mut buffer)?.to_vec();
    let mut read = Execution {
        id: call.id,
        thread: call.thread,
        program,
        arguments: Vec::new(),
        whole: true,
        by: super::report::program(call.thread),
        directory: directory(call.thread),
    };
    let mut room = LONGEST;
    for index in 0.. {
        // A null pointer in the place of the list is a list without arguments (execve(2)).
        let address = if arguments == 0 { 0 } else { pointer(call.thread, arguments, index)? };
        if address == 0 {
            break;
        }
        let text = memory::read_text(call.thread, address, room)?;
        match text {
            Some(text) if read.arguments.len() < MOST => {
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

fn pointer(thread: u32, list: u64, index: u64) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    let address = index.checked_mul(8).and_then(|offset| list.checked_add(offset)).ok_or(Errno::FAULT)?;
    match memory::read(thread, address, &mut bytes)? {
        8 => Ok(u64::from_ne_bytes(bytes)),
        _ => Err(Errno::FAULT),
    }
}
