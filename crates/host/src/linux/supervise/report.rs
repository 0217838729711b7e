//! What the supervisor tells the broker about refusals, once per place and kind.

use crate::linux::message::{FromRunner, Sender};
use garth_plan::git::Refusal;
use garth_policy::{AbsPath, FileOp, FileRule, Origin};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::io::Read;

/// One refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Denied {
    /// The object, by its final path.
    pub path: AbsPath,
    /// What was attempted.
    pub op: FileOp,
    /// The program that tried (`comm` of `proc_pid_comm(5)`).
    pub program: String,
    /// Number of its process inside; `None` if that is not known.
    pub process: Option<u32>,
    /// Its command line; empty if that is not known.
    pub command: Vec<Vec<u8>>,
    /// Why, in the words of the rule.
    pub reason: String,
    /// Where the rule stands; `None` when nothing names the path.
    pub origin: Option<Origin>,
    /// What can be done, if the refusal itself knows.
    pub hint: Option<String>,
}

/// Reports refusals to the broker. A program that tries the same thing a thousand times is reported once.
#[derive(Debug)]
pub struct Reporter {
    sender: Sender,
    seen: HashMap<(AbsPath, FileOp), u64>,
    ports: HashSet<u16>,
    /// What the kernel refuses by itself is worth telling too.
    tells: bool,
    /// What programs name that is not there for them is.
    names: bool,
    /// Such uses that were told.
    elsewhere: HashSet<(AbsPath, FileOp)>,
}

/// A refusal by this thread's process.
fn refusal(
    thread: u32,
    path: &AbsPath,
    op: FileOp,
    (reason, origin, hint): (String, Option<Origin>, Option<String>),
) -> Denied {
    let (process, command) = (super::processes::number(thread), command_line(thread));
    Denied { path: path.clone(), op, program: program(thread), process, command, reason, origin, hint }
}

/// That a thread uses what may be hidden from it: the broker knows.
#[must_use]
pub fn hidden(thread: u32, path: &AbsPath, op: FileOp) -> FromRunner {
    FromRunner::Hidden(refusal(thread, path, op, (String::new(), None, None)))
}

/// Whether this is a thread of the runner itself.
pub(super) fn is_runner(thread: u32) -> bool {
    let own = u32::try_from(rustix::process::getpid().as_raw_nonzero().get()).ok();
    super::processes::number(thread) == own
}

/// Different refusals that are told; the rest are counted.
const MOST: usize = 500;

impl Reporter {
    /// Reports through `sender`; with `tells` also what the kernel refuses by itself, with `names` what of it the words of a
    /// program name.
    #[must_use]
    pub fn new(sender: Sender, tells: bool, names: bool) -> Self {
        let (seen, ports, elsewhere) = (HashMap::new(), HashSet::new(), HashSet::new());
        Self { sender, seen, ports, tells, names, elsewhere }
    }

    pub(super) fn names(&self) -> bool {
        self.names
    }

    pub(super) fn tells(&self) -> bool {
        self.tells
    }

    /// A use that the kernel decides on by itself, and that was worth a look: told once, if the kernel's refusals are.
    pub(super) fn elsewhere(&mut self, thread: u32, path: &AbsPath, op: FileOp) {
        if self.tells && self.elsewhere.len() < MOST && self.elsewhere.insert((path.clone(), op)) {
            self.hidden(thread, path, op);
        }
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    pub(super) fn denied(&mut self, thread: u32, path: &AbsPath, op: FileOp, rule: Option<&FileRule>) {
        let reason =
            rule.map_or_else(|| "nothing in the policy names it".into(), |rule| rule.reason.to_string());
        self.send(thread, path, op, reason, rule.map(|rule| rule.origin.clone()), None);
    }

    /// A use that the kernel refuses by itself, if the policy hides something there: the broker knows.
    pub(super) fn hidden(&self, thread: u32, path: &AbsPath, op: FileOp) {
        if !self.seen.contains_key(&(path.clone(), op)) {
            self.sender.send(&hidden(thread, path, op));
        }
    }

    pub(super) fn other_name(&mut self, thread: u32, path: &AbsPath) {
        let reason = "the file has another name (a hard link) that may lie outside the workspace".to_owned();
        let hint = "replace the file instead of changing it in place: cp --remove-destination".to_owned();
        self.send(thread, path, FileOp::Write, reason, None, Some(hint));
    }

    pub(super) fn denied_name(&mut self, thread: u32, path: &AbsPath) {
        let reason = "it is another name (a hard link) of a file that the policy denies".to_owned();
        let hint = "if it is meant to be read, put a copy in its place".to_owned();
        self.send(thread, path, FileOp::Read, reason, None, Some(hint));
    }

    /// Nobody inside listens at this port of the loopback. The broker knows whether somebody outside does.
    pub(super) fn nobody_listens(&mut self, port: u16) {
        if self.ports.len() < MOST && self.ports.insert(port) {
            self.sender.send(&FromRunner::NobodyListens(port));
        }
    }

    pub(super) fn outside_server(&mut self, thread: u32, path: &AbsPath) {
        let reason = "the server that listens on this socket was not started in this garden".to_owned();
        let hint = "start the server in the same garden, or do this outside".to_owned();
        self.send(thread, path, FileOp::Write, reason, None, Some(hint));
    }

    pub(super) fn refused(&mut self, thread: u32, path: &AbsPath, op: FileOp, refusal: &Refusal) {
        let reason = format!("line {} sets `{}`: {}", refusal.line, refusal.key, refusal.reason);
        self.send(thread, path, op, reason, None, Some(refusal.hint.clone()));
    }

    fn send(
        &mut self,
        thread: u32,
        path: &AbsPath,
        op: FileOp,
        reason: String,
        origin: Option<Origin>,
        hint: Option<String>,
    ) {
        let known = self.seen.len();
        let count = self.seen.entry((path.clone(), op)).or_insert(0);
        *count += 1;
        if *count > 1 || known >= MOST {
            return;
        }
        let denied = refusal(thread, path, op, (reason, origin, hint));
        self.sender.send(&FromRunner::Denied(denied));
    }
}

pub(super) fn program(thread: u32) -> String {
    let name = std::fs::read(format!("/proc/{thread}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// The words of `/proc/PID/cmdline` (`proc_pid_cmdline(5)`), as many as the log takes.
fn command_line(thread: u32) -> Vec<Vec<u8>> {
    let mut text = Vec::new();
    let most = super::processes::MOST_BYTES as u64;
    let read = std::fs::File::open(format!("/proc/{thread}/cmdline"))
        .and_then(|file| file.take(most).read_to_end(&mut text));
    let text = text.strip_suffix(b"\0").unwrap_or(&text);
    match read {
        Ok(1..) => text.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect(),
        _ => Vec::new(),
    }
}
