//! Standard streams of a sandbox.
//!
//! A file or a pipe of the user is handed on as it is. A console never is, so its bytes are carried: by a pseudoconsole
//! where the sandbox gets a terminal, else by pipes.

use super::error::Result;
use super::questions;
use super::sys::console::{self, PseudoConsole, Raw};
use super::sys::handle::inheritable;
use super::sys::process::Console;
use crate::OsError;
use crate::error::Context;
use garth_plan::linux::spec::TerminalSize;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle};
use std::thread::JoinHandle;

/// Bytes that are carried at a time.
const CHUNK: usize = 16 * 1024;

/// The streams of one sandbox, and what carries them.
#[derive(Debug)]
pub struct Streams {
    /// For the child; gone once it has them.
    given: Option<[OwnedHandle; 3]>,
    console: Option<PseudoConsole>,
    kind: Console,
    raw: Option<Raw>,
    /// Threads that end when the child's side is closed.
    drains: Vec<JoinHandle<()>>,
    size: Option<TerminalSize>,
}

impl Streams {
    /// Those of garth itself, without a terminal.
    ///
    /// # Errors
    /// When the system has no pipe.
    pub fn plain() -> Result<Self> {
        let [input, output, error] = console::standard_streams();
        let mut drains = Vec::new();
        let given = [
            for_input(input)?,
            for_output(output, io::stdout, &mut drains)?,
            for_output(error, io::stderr, &mut drains)?,
        ];
        Ok(Self { given: Some(given), console: None, kind: Console::Hidden, raw: None, drains, size: None })
    }

    /// These handles, and a console without a window.
    ///
    /// # Errors
    /// When the system has no room for copies.
    pub fn of(handles: [BorrowedHandle<'_>; 3]) -> Result<Self> {
        let [input, output, error] = handles;
        let given = Some([inheritable(input)?, inheritable(output)?, inheritable(error)?]);
        Ok(Self { given, console: None, kind: Console::Hidden, raw: None, drains: Vec::new(), size: None })
    }

    /// These handles and no console, for a process of garth's own that starts no other.
    ///
    /// # Errors
    /// When the system has no room for copies.
    pub fn detached(handles: [BorrowedHandle<'_>; 3]) -> Result<Self> {
        Ok(Self { kind: Console::Absent, ..Self::of(handles)? })
    }

    /// A terminal of this size, drawn on garth's own, which is in raw mode from now on.
    ///
    /// # Errors
    /// When this Windows has no pseudoconsole.
    pub fn terminal(size: TerminalSize) -> Result<Self> {
        let (reader, typed) = io::pipe().on("make", "a pipe")?;
        let (drawn, writer) = io::pipe().on("make", "a pipe")?;
        let console = PseudoConsole::new(size, reader.as_handle(), writer.as_handle())?;
        let raw = Raw::set(io::stdin().as_handle(), io::stdout().as_handle())?;
        carry_input(typed)?;
        let drains = vec![carry(drawn, io::stdout(), ("console", true))?];
        let kind = Console::Pseudo;
        Ok(Self { given: None, console: Some(console), kind, raw: Some(raw), drains, size: Some(size) })
    }

    /// What the child inherits.
    pub(super) fn given(&self) -> Option<[BorrowedHandle<'_>; 3]> {
        self.given.as_ref().map(|given| given.each_ref().map(AsHandle::as_handle))
    }

    /// The console that the child is attached to.
    pub(super) fn console(&self) -> Option<&PseudoConsole> {
        self.console.as_ref()
    }

    /// The kind of that console.
    pub(super) fn kind(&self) -> Console {
        self.kind
    }

    /// Closes garth's copies of what the child has now, so that the end of the child is the end of its streams.
    pub(super) fn handed_over(&mut self) {
        self.given = None;
    }

    /// Gives the child's console the size of garth's, if that has changed.
    pub(super) fn follow_size(&mut self) {
        if self.console.is_some() {
            self.follow(console::size(io::stdout().as_handle()));
        }
    }

    fn follow(&mut self, now: Option<TerminalSize>) {
        let Some((console, size)) = self.console.as_ref().zip(now) else { return };
        if self.size != Some(size) {
            // A size that cannot be set is no reason to stop; it is tried again with the next change.
            self.size = Some(size);
            let _kept = console.resize(size);
        }
    }

    /// Waits until everything that was written is out. Everything in the sandbox has ended.
    pub(super) fn finish(mut self) {
        self.given = None;
        // Closing ends what is still attached, and its last output still has to be read: by the threads below.
        self.console = None;
        for drain in self.drains.drain(..) {
            let _done = drain.join();
        }
        self.raw = None;
    }
}

fn for_input(handle: Option<OwnedHandle>) -> Result<OwnedHandle> {
    match handle {
        Some(handle) if console::is_console(handle.as_handle()) => {
            let (reader, writer) = io::pipe().on("make", "a pipe")?;
            carry_input(writer)?;
            Ok(inheritable(reader.as_handle())?)
        }
        Some(handle) => Ok(inheritable(handle.as_handle())?),
        None => nothing(),
    }
}

fn for_output<W: Write + Send + 'static>(
    handle: Option<OwnedHandle>,
    own: impl Fn() -> W,
    drains: &mut Vec<JoinHandle<()>>,
) -> Result<OwnedHandle> {
    match handle {
        Some(handle) if console::is_console(handle.as_handle()) => {
            let (reader, writer) = io::pipe().on("make", "a pipe")?;
            drains.push(carry(reader, own(), ("output", true))?);
            Ok(inheritable(writer.as_handle())?)
        }
        Some(handle) => Ok(inheritable(handle.as_handle())?),
        None => nothing(),
    }
}

/// The device that takes everything and gives nothing.
fn nothing() -> Result<OwnedHandle> {
    let device = File::options().read(true).write(true).open("NUL").on("open", "the null device")?;
    Ok(inheritable(device.as_handle())?)
}

/// Carries bytes until one side ends; what draws on the screen waits while a question is open.
fn carry(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    (name, draws): (&str, bool),
) -> core::result::Result<JoinHandle<()>, OsError> {
    let carrying = move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => {
                    // Not what is typed: who carries that hands over what a question gets.
                    let _screen = draws.then(questions::screen);
                    if to.write_all(&chunk[..count]).and_then(|()| to.flush()).is_err() {
                        // Nobody takes it any more; it is read on, so that the child is not kept waiting.
                        let _rest = io::copy(&mut from, &mut io::sink());
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(carrying).on("start", "a thread")
}

/// Carries what is typed. The thread waits for the next key until garth ends; nobody waits for the thread.
fn carry_input(to: impl Write + Send + 'static) -> Result<()> {
    carry(questions::Typed::new(), to, ("input", false))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::sys::console::recorded;

    fn size(columns: u16, rows: u16) -> TerminalSize {
        TerminalSize { columns, rows }
    }

    fn on(console: Option<PseudoConsole>) -> Streams {
        let kind = Console::Pseudo;
        Streams { given: None, console, kind, raw: None, drains: Vec::new(), size: Some(size(80, 25)) }
    }

    #[test]
    fn each_change_of_the_size_is_told_once() {
        let (console, calls) = recorded(0);
        let mut streams = on(Some(console));
        for now in [Some(size(80, 25)), Some(size(100, 30)), None, Some(size(100, 30)), Some(size(80, 25))] {
            streams.follow(now);
        }
        assert_eq!(*calls.lock().unwrap(), [(100, 30), (80, 25)]);
    }

    #[test]
    fn a_size_that_is_refused_is_not_insisted_on() {
        // E_NOTIMPL
        let (console, calls) = recorded(0x8000_4001_u32.cast_signed());
        assert!(console.resize(size(1, 1)).is_err());
        let mut streams = on(Some(console));
        streams.follow(Some(size(100, 30)));
        streams.follow(Some(size(100, 30)));
        assert_eq!(*calls.lock().unwrap(), [(1, 1), (100, 30)]);
    }
}
