//! What a command uses, told to the broker: every file that it opens, changes or runs, once for each kind of use.
//!
//! This is for learning what a command needs. Nothing is decided here.

use super::call::{At, Call};
use super::place;
use super::report::program;
use crate::linux::message::{FromRunner, Sender};
use garth_policy::{AbsPath, FileOp, NodeKind};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::collections::HashSet;

pub use crate::used::Used;

/// Different uses that are told. A command with more is one of which nobody reads the list.
pub const MOST: usize = 200_000;

/// Tells uses to the broker.
#[derive(Debug)]
pub struct Observer {
    told: Told,
    seen: HashSet<(AbsPath, FileOp, bool)>,
    fresh: Vec<(AbsPath, FileOp)>,
}

/// What is done with a use.
#[derive(Debug)]
enum Told {
    /// It is told to the broker.
    All(Sender),
    /// It is kept for [`Observer::take`] if it may be one of what is hidden. Where the sandbox has no view of its own,
    /// nothing shows whether it is.
    Hidden { has_view: bool },
}

impl Observer {
    /// Tells through `sender`.
    #[must_use]
    pub fn new(sender: Sender) -> Self {
        Self { told: Told::All(sender), seen: HashSet::new(), fresh: Vec::new() }
    }

    /// Keeps reads of what may be hidden.
    #[must_use]
    pub fn for_hidden(has_view: bool) -> Self {
        Self { told: Told::Hidden { has_view }, seen: HashSet::new(), fresh: Vec::new() }
    }

    /// Reads by the last call of what may be hidden, each once.
    pub(super) fn take(&mut self) -> Vec<(AbsPath, FileOp)> {
        std::mem::take(&mut self.fresh)
    }

    /// Looks at a call before it is answered.
    pub(super) fn observe(&mut self, thread: u32, call: &Call) {
        match *call {
            Call::Open { at, flags, .. } => {
                self.opened(thread, at, OFlags::from_bits_retain(flags.cast_unsigned()));
            }
            Call::Truncate { at, .. } => self.object(thread, at, OFlags::empty(), &|_| FileOp::Write),
            Call::MakeDirectory { at, .. } => self.made(thread, at, NodeKind::Directory),
            Call::MakeNode { at, .. } => self.made(thread, at, NodeKind::Other),
            Call::MakeSymlink { at, .. } => self.made(thread, at, NodeKind::Symlink),
            Call::MakeLink { old, new, .. } => {
                self.name(thread, old, |_| FileOp::Link);
                self.made(thread, new, NodeKind::File);
            }
            Call::Rename { old, new, .. } => {
                let kind = self.name(thread, old, |_| FileOp::MoveFrom);
                self.name(thread, new, |_| FileOp::MoveTo(kind));
            }
            Call::Remove { at, .. } => {
                self.name(thread, at, |_| FileOp::Delete);
            }
            Call::Execute { at, .. } => self.executed(thread, at),
            Call::Attributes { .. }
            | Call::Bind { .. }
            | Call::Connect { .. }
            | Call::Mask { .. }
            | Call::Another { .. }
            | Call::Unknown => {}
        }
    }

    fn opened(&mut self, thread: u32, at: At, flags: OFlags) {
        if flags.contains(OFlags::PATH) {
            return;
        }
        if flags.contains(OFlags::TMPFILE) {
            let unnamed = |_| FileOp::Create(NodeKind::File);
            return self.object(thread, at, OFlags::empty(), &unnamed);
        }
        let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::TRUNC);
        let follows = flags & OFlags::NOFOLLOW;
        let makes = flags.contains(OFlags::CREATE);
        if makes && !exists(thread, at, follows) {
            return self.made(thread, at, NodeKind::File);
        }
        self.object(thread, at, follows, &|kind| match kind {
            _ if writes => FileOp::Write,
            NodeKind::Directory => FileOp::List,
            _ => FileOp::Read,
        });
    }

    /// The object that a path leads to; where there is none, the name.
    fn object(&mut self, thread: u32, at: At, follows: OFlags, op: &dyn Fn(NodeKind) -> FileOp) {
        match open(thread, at, follows) {
            Some(object) => {
                let stat = rustix::fs::fstat(&object);
                let kind = stat.as_ref().map_or(NodeKind::Other, place::kind);
                // What stands in for something hidden has no rights at all.
                let is_mask = stat.is_ok_and(|stat| stat.st_mode & 0o777 == 0);
                let found = !(is_mask && matches!(self.told, Told::Hidden { .. }));
                if let Ok(path) = place::final_path(object.as_fd()) {
                    self.tell(thread, path, op(kind), found);
                }
            }
            None => self.absent(thread, at, op(NodeKind::File)),
        }
    }

    fn absent(&mut self, thread: u32, at: At, op: FileOp) {
        let mut buffer = [0; 4096];
        let Ok(text) = place::text(thread, at, &mut buffer) else { return };
        // A directory on the way may be hidden too; then the text is all there is.
        let path = match place::locate(thread, at.directory, text) {
            Some(place) => Some(place.path),
            None => AbsPath::posix(text).ok(),
        };
        if let Some(path) = path {
            self.tell(thread, path, op, false);
        }
    }

    fn made(&mut self, thread: u32, at: At, kind: NodeKind) {
        self.name(thread, at, |_| FileOp::Create(kind));
    }

    /// The name itself, whatever stands there. Returns what that is.
    fn name(&mut self, thread: u32, at: At, op: impl Fn(NodeKind) -> FileOp) -> NodeKind {
        let mut buffer = [0; 4096];
        let place = place::text(thread, at, &mut buffer)
            .ok()
            .and_then(|text| place::locate(thread, at.directory, text));
        let Some(place) = place else { return NodeKind::File };
        let stat = place.stat().ok();
        let kind = stat.as_ref().map_or(NodeKind::File, place::kind);
        let op = op(kind);
        let makes = matches!(op, FileOp::Create(_) | FileOp::MoveTo(_));
        self.tell(thread, place.path, op, makes || stat.is_some());
        kind
    }

    fn executed(&mut self, thread: u32, at: At) {
        let Some(object) = open(thread, at, OFlags::empty()) else {
            return self.absent(thread, at, FileOp::Execute);
        };
        if let Ok(path) = place::final_path(object.as_fd()) {
            self.tell(thread, path, FileOp::Execute, true);
        }
        // The kernel opens the interpreter of a script by itself (execve(2)).
        let interpreter = interpreter(&object).and_then(|path| {
            openat(CWD, path.as_slice(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()
        });
        if let Some(path) = interpreter.and_then(|object| place::final_path(object.as_fd()).ok()) {
            self.tell(thread, path, FileOp::Execute, true);
        }
    }

    fn tell(&mut self, thread: u32, path: AbsPath, op: FileOp, found: bool) {
        if self.seen.len() > MOST || !self.seen.insert((path.clone(), op, found)) {
            return;
        }
        match &self.told {
            Told::All(sender) if self.seen.len() > MOST => sender.send(&FromRunner::UsedTooMuch),
            Told::All(sender) => {
                sender.send(&FromRunner::Used(Used { path, op, found, program: executable(thread) }));
            }
            Told::Hidden { has_view } => {
                let is_read = matches!(op, FileOp::Read | FileOp::List | FileOp::Execute);
                if is_read && (!found || !has_view) {
                    self.fresh.push((path, op));
                }
            }
        }
    }
}

pub(super) fn open(thread: u32, at: At, follows: OFlags) -> Option<OwnedFd> {
    let mut buffer = [0; 4096];
    let text = place::text(thread, at, &mut buffer).ok()?;
    let path = place::as_caller(thread, at.directory, text)?;
    openat(CWD, path.as_c_str(), OFlags::PATH | OFlags::CLOEXEC | follows, Mode::empty()).ok()
}

fn executable(thread: u32) -> String {
    let path = std::fs::read_link(format!("/proc/{thread}/exe")).ok();
    let name = path.as_deref().and_then(|path| path.file_name());
    name.map_or_else(|| program(thread), |name| name.to_string_lossy().into_owned())
}

fn exists(thread: u32, at: At, follows: OFlags) -> bool {
    open(thread, at, follows).is_some()
}

/// The path behind `#!`, in the first line of a script.
fn interpreter(object: &OwnedFd) -> Option<Vec<u8>> {
    /// As much as the kernel reads of the first line (`execve(2)`).
    const LINE: usize = 256;
    let path = place::descriptor_path(object.as_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(CWD, path.as_c_str(), flags, Mode::empty()).ok()?;
    let mut line = [0; LINE];
    let read = rustix::io::read(&file, &mut line).ok()?;
    let line = line[..read].strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?.trim_ascii_start();
    let path = line.split(|byte| byte.is_ascii_whitespace()).next()?;
    (path.first() == Some(&b'/')).then(|| path.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_interpreter_of_a_script_is_its_first_word() {
        let of = |text: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text).unwrap();
            let object = openat(CWD, file.path(), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
            interpreter(&object)
        };
        assert_eq!(of(b"#! /usr/bin/env python3\nprint()"), Some(b"/usr/bin/env".to_vec()));
        assert_eq!(of(b"#!/bin/sh"), Some(b"/bin/sh".to_vec()));
        for text in [&b"#!sh\n"[..], b"\x7fELF", b"", b"#!\n/bin/sh"] {
            assert_eq!(of(text), None, "{text:?}");
        }
    }
}
