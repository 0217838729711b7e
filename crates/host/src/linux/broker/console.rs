//! Questions to the user on the terminal, while a sandbox stands.
//!
//! Whoever waits for the sandbox owns the terminal, so the question comes to it ([`Questions`]) from the thread that asks
//! ([`Console`]). While it is open nothing of the target reaches the screen, and what is typed is for the question alone.

use crate::OsError;
use crate::error::Context;
use crate::screen::PLAIN;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Where questions are asked.
#[derive(Clone, Debug)]
pub struct Console {
    asked: Sender<Asking>,
    bell: Arc<OwnedFd>,
    withdrawal: Option<Withdrawal>,
}

/// Says that a question is answered by somebody else, and need not be asked any more.
#[derive(Clone, Debug)]
pub struct Withdrawal(Arc<OwnedFd>);

impl Withdrawal {
    /// Nothing is said yet.
    ///
    /// # Errors
    /// The error of `eventfd(2)`.
    pub fn new() -> Result<Self, OsError> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).on("make", "a bell")?;
        Ok(Self(Arc::new(bell)))
    }

    /// Says it.
    pub fn withdraw(&self) {
        // The counter has room for more than one process can ring.
        let _full = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Whether it was said.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now)).is_ok_and(|rung| rung > 0)
    }
}

impl AsFd for Withdrawal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Where questions arrive: with whoever waits for the sandbox.
#[derive(Debug)]
pub struct Questions {
    asked: Receiver<Asking>,
    bell: Arc<OwnedFd>,
}

/// One question.
#[derive(Debug)]
pub(super) struct Asking {
    text: String,
    deadline: Instant,
    answer: Sender<Option<String>>,
    withdrawal: Option<Withdrawal>,
}

/// The two ends of a console.
///
/// # Errors
/// The error of `eventfd(2)`.
pub fn console() -> Result<(Console, Questions), OsError> {
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).on("make", "a bell")?;
    let bell = Arc::new(bell);
    let (sender, receiver) = channel();
    Ok((
        Console { asked: sender, bell: Arc::clone(&bell), withdrawal: None },
        Questions { asked: receiver, bell },
    ))
}

/// Whether there is somebody to ask: standard error is a terminal, it is this process's own, and this process is in front.
#[must_use]
pub fn is_attended() -> bool {
    rustix::termios::isatty(rustix::stdio::stderr()) && open().is_ok()
}

/// A copy of a descriptor that the user passed by its number, for whoever answers questions. Neither the copy nor the
/// original goes on to another program. Call it before anything else is opened.
///
/// # Errors
/// `EBADF` when the number is not open, `EINVAL` when it is no socket and no pipe, or one of the three standard streams.
pub fn inherited(number: i32) -> Result<std::fs::File, OsError> {
    use rustix::fs::FileType;
    let name = || format!("descriptor {number}");
    if number < 3 {
        return Err(Errno::INVAL).on("answer on", name());
    }
    let copy = crate::linux::sys::spawn::copied(number).on("use", name())?;
    let kind = rustix::fs::fstat(&copy).on("look at", name())?.st_mode;
    match FileType::from_raw_mode(kind) {
        FileType::Socket | FileType::Fifo => Ok(copy.into()),
        _ => Err(Errno::INVAL).on("answer on", name()),
    }
}

impl Console {
    /// The same, for a question that may be withdrawn.
    #[must_use]
    pub fn until(&self, withdrawal: &Withdrawal) -> Self {
        Self { withdrawal: Some(withdrawal.clone()), ..self.clone() }
    }

    /// Whether the question was withdrawn.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawal.as_ref().is_some_and(Withdrawal::is_withdrawn)
    }

    /// Shows a text and returns the line that the user types after it, without its end. `None` if there is no terminal, no
    /// line in time, or the user breaks off. Waits until then.
    #[must_use]
    pub fn ask(&self, text: &str, deadline: Instant) -> Option<String> {
        let (sender, answer) = channel();
        let withdrawal = self.withdrawal.clone();
        self.asked.send(Asking { text: text.to_owned(), deadline, answer: sender, withdrawal }).ok()?;
        rustix::io::write(&*self.bell, &1_u64.to_ne_bytes()).ok()?;
        // The other end keeps the time; it is given a moment more to say so.
        let patience = deadline.saturating_duration_since(Instant::now()) + Duration::from_secs(2);
        answer.recv_timeout(patience).ok().flatten()
    }
}

impl Questions {
    /// The next question, if one waits.
    pub(super) fn next(&self) -> Option<Asking> {
        let mut count = [0; 8];
        // An empty bell is no error: questions are counted by the channel.
        let _silent = rustix::io::read(&*self.bell, &mut count);
        self.asked.try_recv().ok()
    }
}

impl Questions {
    /// Asks what `asking`, on a thread of its own, asks through the console, until it returns; for the time before there
    /// is a sandbox to wait for. `None` if there is no thread.
    pub fn serve<T: Send>(&self, asking: impl FnOnce() -> T + Send) -> Option<T> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, asking).ok()?;
            while !thread.is_finished() {
                let patience = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
                let _rung = poll(&mut [PollFd::new(&self.bell, PollFlags::IN)], Some(&patience));
                if let Some(asking) = self.next() {
                    ask_now(asking);
                }
            }
            thread.join().ok()
        })
    }
}

/// What is said where a question was answered by somebody else.
pub(super) const ELSEWHERE: &str = "answered elsewhere";

/// Asks one question to its end.
fn ask_now(asking: Asking) {
    let Ok(prompt) = Prompt::open(asking) else { return };
    loop {
        let left = prompt.deadline().saturating_duration_since(Instant::now());
        if left.is_zero() {
            return prompt.refuse("no answer in time, so it is refused");
        }
        let patience = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let mut watched = vec![PollFd::new(&prompt, PollFlags::IN)];
        watched.extend(prompt.withdrawal().map(|bell| PollFd::from_borrowed_fd(bell, PollFlags::IN)));
        match poll(&mut watched, Some(&patience)) {
            Ok(1..) if prompt.is_withdrawn() => return prompt.refuse(ELSEWHERE),
            Ok(1..) if prompt.take() => return,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return prompt.refuse("the terminal cannot be read, so it is refused"),
        }
    }
}

impl AsFd for Questions {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

impl Asking {
    /// Whether nobody waits for the answer any more.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.withdrawal.as_ref().is_some_and(Withdrawal::is_withdrawn)
    }

    /// Answers that there is no answer.
    pub(super) fn refuse(&self) {
        let _gone = self.answer.send(None);
    }
}

/// A question that is being asked. The terminal is as it was before when this is dropped.
#[derive(Debug)]
pub(super) struct Prompt {
    terminal: OwnedFd,
    before: Termios,
    asking: Asking,
}

impl Prompt {
    /// Shows the question. What was typed before is thrown away: it was meant for the target.
    pub(super) fn open(asking: Asking) -> Result<Self, OsError> {
        let terminal = open()?;
        let before = tcgetattr(&terminal).on("read the settings of", "the terminal")?;
        let mut lines = before.clone();
        lines.input_modes |= InputModes::ICRNL;
        lines.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        lines.local_modes |=
            LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ISIG | LocalModes::IEXTEN;
        tcsetattr(&terminal, OptionalActions::Flush, &lines).on("set", "the terminal")?;
        let prompt = Self { terminal, before, asking };
        prompt.show(PLAIN)?;
        prompt.show(&prompt.asking.text)?;
        Ok(prompt)
    }

    /// Rings when the question is withdrawn.
    pub(super) fn withdrawal(&self) -> Option<BorrowedFd<'_>> {
        self.asking.withdrawal.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn is_withdrawn(&self) -> bool {
        self.asking.is_withdrawn()
    }

    /// When the question is over.
    pub(super) fn deadline(&self) -> Instant {
        self.asking.deadline
    }

    /// Writes all of it, or fails: a question of which a part does not show is none.
    fn show(&self, text: &str) -> Result<(), OsError> {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(&self.terminal, rest) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let patience = Timespec { tv_sec: 1, tv_nsec: 0 };
                    let room = poll(&mut [PollFd::new(&self.terminal, PollFlags::OUT)], Some(&patience));
                    if room == Ok(0) {
                        return Err(Errno::TIMEDOUT).on("write to", "the terminal");
                    }
                }
                Err(errno) => return Err(errno).on("write to", "the terminal"),
            }
        }
        Ok(())
    }

    /// Takes the answer, if it is there; `true` when the question is over.
    pub(super) fn take(&self) -> bool {
        let mut line = [0; 4096];
        let answer = match rustix::io::read(&self.terminal, &mut line) {
            Ok(count) => {
                Some(String::from_utf8_lossy(&line[..count]).trim_end_matches(['\r', '\n']).to_owned())
            }
            Err(Errno::INTR | Errno::AGAIN) => return false,
            Err(_) => None,
        };
        let _gone = self.asking.answer.send(answer);
        true
    }

    /// Ends the question without an answer, and says so.
    pub(super) fn refuse(self, why: &str) {
        // Who reads it may be gone; the refusal stands all the same.
        let _unseen = self.show(&format!("\n{why}\n"));
        self.asking.refuse();
    }
}

impl AsFd for Prompt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let _gone = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

/// The terminal of this process, if this process is in front of it.
fn open() -> Result<OwnedFd, OsError> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let terminal = openat(CWD, c"/dev/tty", flags, Mode::empty()).on("open", "/dev/tty")?;
    let front = tcgetpgrp(&terminal).on("look at", "the terminal")?;
    if front != rustix::process::getpgrp() {
        return Err(Errno::PERM).on("ask on", "the terminal of another job");
    }
    Ok(terminal)
}
