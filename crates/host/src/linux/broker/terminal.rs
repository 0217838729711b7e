//! Joins the user's terminal with the target's own.

use crate::OsError;
use crate::error::Context;
use garth_plan::linux::spec::TerminalSize;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// The size of the terminal on standard input; `None` when it is no terminal.
#[must_use]
pub fn size() -> Option<TerminalSize> {
    let size = tcgetwinsize(rustix::stdio::stdin()).ok()?;
    Some(TerminalSize { rows: size.ws_row, columns: size.ws_col })
}

/// Standard input and output are one terminal, so the target gets a terminal of its own.
#[must_use]
pub fn interactive() -> bool {
    use rustix::termios::isatty;
    isatty(rustix::stdio::stdin()) && isatty(rustix::stdio::stdout())
}

/// The user's terminal in raw mode: every key goes to the target's terminal, which does the rest. Given
/// back as it was on drop.
#[derive(Debug)]
pub struct Joined {
    master: OwnedFd,
    before: Termios,
    input_open: bool,
    /// What was typed and the target's terminal had no room for yet.
    typed: Vec<u8>,
}

impl Joined {
    /// Joins the two terminals.
    ///
    /// # Errors
    /// The error of `tcsetattr(3)`.
    pub fn new(master: OwnedFd) -> Result<Self, OsError> {
        let before = tcgetattr(rustix::stdio::stdin()).on("read the settings of", "the terminal")?;
        // The target's terminal starts with the settings of the user's.
        tcsetattr(&master, OptionalActions::Now, &before).on("set", "the target's terminal")?;
        // Both directions are pumped by one thread, so neither may wait for the other.
        rustix::fs::fcntl_setfl(&master, rustix::fs::OFlags::NONBLOCK).on("set", "the target's terminal")?;
        let joined = Self { master, before, input_open: true, typed: Vec::new() };
        joined.take()?;
        Ok(joined)
    }

    /// Puts the user's terminal in raw mode (again, after the target was continued).
    ///
    /// # Errors
    /// The error of `tcsetattr(3)`.
    pub fn take(&self) -> Result<(), OsError> {
        let mut raw = self.before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &raw).on("set", "the terminal")?;
        self.resize();
        Ok(())
    }

    /// Gives the user's terminal back as it was.
    pub fn give_back(&self) {
        // A terminal that is gone needs no settings.
        let _gone = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }

    /// Hands on the size of the user's window.
    pub fn resize(&self) {
        if let Ok(size) = tcgetwinsize(rustix::stdio::stdin()) {
            let _gone = tcsetwinsize(&self.master, size);
        }
    }

    /// Where the target's output arrives.
    #[must_use]
    pub fn output(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// Whether there is room for what the user types next.
    #[must_use]
    pub fn takes_input(&self) -> bool {
        self.input_open && self.typed.is_empty()
    }

    /// Whether something typed waits for room in the target's terminal.
    #[must_use]
    pub fn has_typed(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Reads what the user typed, and gives the target's terminal as much as it takes now.
    ///
    /// # Errors
    /// The error of reading or writing.
    pub fn pump_input(&mut self) -> Result<(), OsError> {
        let mut buffer = [0; 4096];
        match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
            Ok(0) | Err(Errno::IO) => self.input_open = false,
            Ok(count) => self.typed.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(errno).on("read", "the terminal"),
        }
        self.give_typed()
    }

    /// Gives the target's terminal as much of what waits as it takes now.
    ///
    /// # Errors
    /// The error of writing.
    pub fn give_typed(&mut self) -> Result<(), OsError> {
        while !self.typed.is_empty() {
            match rustix::io::write(&self.master, &self.typed) {
                Ok(count) => drop(self.typed.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                // Nothing holds the target's terminal open any more.
                Err(Errno::IO) => self.typed.clear(),
                Err(errno) => return Err(errno).on("write to", "the target's terminal"),
            }
        }
        Ok(())
    }

    /// Moves what the target printed to the user; `false` when its terminal has closed.
    ///
    /// # Errors
    /// The error of writing.
    pub fn pump_output(&self) -> Result<bool, OsError> {
        let mut buffer = [0; 65536];
        match rustix::io::read(&self.master, &mut buffer) {
            // The last slave was closed (EIO).
            Ok(0) | Err(Errno::IO) => Ok(false),
            Err(Errno::AGAIN) => Ok(true),
            Ok(count) => {
                write_all(rustix::stdio::stdout(), &buffer[..count]).on("write to", "the terminal")?;
                Ok(true)
            }
            Err(Errno::INTR) => Ok(true),
            Err(errno) => Err(errno).on("read", "the target's terminal"),
        }
    }

    /// Moves what the target printed before it ended.
    ///
    /// # Errors
    /// The error of writing.
    pub fn drain(&self) -> Result<(), OsError> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        loop {
            let mut events = [PollFd::new(&self.master, PollFlags::IN)];
            match poll(&mut events, Some(&now)) {
                Ok(0) => return Ok(()),
                Ok(_) if !self.pump_output()? => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno).on("wait for", "the target's terminal"),
            }
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                use rustix::event::{PollFd, PollFlags, poll};
                poll(&mut [PollFd::from_borrowed_fd(to, PollFlags::OUT)], None)?;
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
