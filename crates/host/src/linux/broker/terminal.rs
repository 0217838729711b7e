//! Joins the user's terminal with the target's own.

use crate::OsError;
use crate::error::Context;
use garth_plan::linux::spec::TerminalSize;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
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
    /// The user's terminal. Where it may be opened anew, writing to it never waits; a terminal of another user
    /// (after `su`) is written to in small pieces, and only when it has room.
    screen: OwnedFd,
    never_waits: bool,
    /// What the target printed and the user's terminal had no room for yet.
    printed: Vec<u8>,
}

impl Joined {
    /// Joins the two terminals.
    ///
    /// # Errors
    /// The error of `tcsetattr(3)`.
    pub fn new(master: OwnedFd) -> Result<Self, OsError> {
        let before = tcgetattr(rustix::stdio::stdin()).on("read the settings of", "the terminal")?;
        // The target's terminal has these settings already, and by now maybe others: the target runs.
        // Both directions are pumped by one thread, so neither may wait for the other.
        rustix::fs::fcntl_setfl(&master, OFlags::NONBLOCK).on("set", "the target's terminal")?;
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let own = openat(CWD, c"/proc/self/fd/1", flags, Mode::empty());
        let never_waits = own.is_ok();
        let screen = own
            .or_else(|_| rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 0))
            .on("open", "the terminal")?;
        let (typed, printed) = (Vec::new(), Vec::new());
        let joined = Self { master, before, input_open: true, typed, screen, never_waits, printed };
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

    /// Makes the target draw anew what was written over: to it the window changes for a moment.
    pub fn redraw(&self) {
        if let Ok(mut size) = tcgetwinsize(rustix::stdio::stdin()) {
            size.ws_row = size.ws_row.saturating_sub(1).max(1);
            let _gone = tcsetwinsize(&self.master, size);
        }
        self.resize();
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
        give(&self.master, &mut self.typed).on("write to", "the target's terminal")
    }

    /// Whether there is room for what the target prints next.
    #[must_use]
    pub fn takes_output(&self) -> bool {
        self.printed.is_empty()
    }

    /// The user's terminal, to wait for room in it.
    #[must_use]
    pub fn screen(&self) -> BorrowedFd<'_> {
        self.screen.as_fd()
    }

    /// Moves what the target printed to the user, as much as the user's terminal takes now; `false` when the
    /// target's terminal has closed.
    ///
    /// # Errors
    /// The error of writing.
    pub fn pump_output(&mut self) -> Result<bool, OsError> {
        let mut buffer = [0; 65536];
        let open = match rustix::io::read(&self.master, &mut buffer) {
            // The last slave was closed (EIO).
            Ok(0) | Err(Errno::IO) => false,
            Ok(count) => {
                self.printed.extend_from_slice(&buffer[..count]);
                true
            }
            Err(Errno::INTR | Errno::AGAIN) => true,
            Err(errno) => return Err(errno).on("read", "the target's terminal"),
        };
        if self.never_waits {
            self.show_printed()?;
        }
        Ok(open)
    }

    /// Gives the user's terminal as much of what waits as it takes now. Called when it has room.
    ///
    /// # Errors
    /// The error of writing.
    pub fn show_printed(&mut self) -> Result<(), OsError> {
        // A terminal is writable for poll(2) from this much room on.
        const PIECE: usize = 256;
        let result = if self.never_waits {
            give(&self.screen, &mut self.printed)
        } else {
            let rest = self.printed.split_off(self.printed.len().min(PIECE));
            let given = give(&self.screen, &mut self.printed);
            self.printed.extend_from_slice(&rest);
            given
        };
        result.on("write to", "the terminal")
    }

    /// Moves what the target printed before it ended.
    ///
    /// # Errors
    /// The error of writing.
    pub fn drain(&mut self) -> Result<(), OsError> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        loop {
            while !self.printed.is_empty() {
                let room = poll(&mut [PollFd::new(&self.screen, PollFlags::OUT)], None);
                room.map(drop)
                    .or_else(|errno| if errno == Errno::INTR { Ok(()) } else { Err(errno) })
                    .on("wait for", "the terminal")?;
                self.show_printed()?;
            }
            match poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&now)) {
                Ok(0) => return Ok(()),
                Ok(_) if !self.pump_output()? && self.printed.is_empty() => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno).on("wait for", "the target's terminal"),
            }
        }
    }
}

/// Writes as much as there is room for. What nobody reads any more is dropped.
fn give(to: &OwnedFd, waiting: &mut Vec<u8>) -> Result<(), Errno> {
    while !waiting.is_empty() {
        match rustix::io::write(to, waiting) {
            Ok(count) => drop(waiting.drain(..count)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::IO) => waiting.clear(),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.give_back();
    }
}
