//! Waits for a sandbox: messages of the runner, signals of the user, the terminal, the clock.

use super::launch::Runner;
use super::terminal::Joined;
use crate::OsError;
use crate::error::Context;
use crate::linux::message::{Ending, FromRunner, InnerSocket, Sender, ToRunner, receive};
use crate::linux::supervise::{Denied, Execution};
pub use crate::linux::sys::signals::Signals as Watched;
use crate::linux::sys::signals::end_by;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::Signal;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What came of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target ended.
    Ended(Ending),
    /// The time limit ended it.
    TimedOut,
    /// A limit that is held by counting ended it.
    LimitHit(String),
    /// The program could not be executed (`errno`).
    NotExecuted(i32),
    /// A step of the set-up failed.
    Failed {
        /// The step's name.
        step: String,
        /// What failed.
        error: OsError,
    },
    /// The runner ended without a word.
    Lost,
}

/// Signals that are handed on to the target.
const RELAYED: [Signal; 8] = [
    Signal::INT,
    Signal::TERM,
    Signal::HUP,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::WINCH,
    Signal::TSTP,
];

/// How long a target that is out of time may take to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Signals are data from here on. Call it before the runner is started, so that none is lost.
///
/// # Errors
/// The error of `signalfd(2)`.
pub fn watch_signals() -> Result<Watched, OsError> {
    Watched::watch(&RELAYED).on("watch", "signals")
}

struct Waiting<'w> {
    runner: &'w Runner,
    sender: Sender,
    control: Arc<OwnedFd>,
    signals: &'w Watched,
    terminal: Option<Joined>,
    deadline: Option<Instant>,
    timed_out: bool,
    limit: Option<String>,
}

/// Answers for one program that waits to start, from any thread. Without an answer it waits for ever.
#[derive(Debug)]
pub struct CommandAnswer {
    sender: Sender,
    id: u64,
}

impl CommandAnswer {
    /// Lets it start, or refuses it with `EACCES`; `remember` for all starts of the same file with the same arguments.
    pub fn give(self, allow: bool, remember: bool) {
        self.sender.send(&ToRunner::Verdict { id: self.id, allow, remember });
    }
}

/// Takes what happens while a sandbox stands.
pub trait Observer {
    /// A program is about to start. Comes only if the plan says that commands are judged.
    fn command(&mut self, execution: &Execution, answer: CommandAnswer);

    /// Something was refused.
    fn denied(&mut self, event: Denied);

    /// A socket of the sandbox's network, to be served. What fails ends the sandbox.
    ///
    /// # Errors
    /// When it cannot be served.
    fn serve(&mut self, kind: InnerSocket, socket: OwnedFd) -> Result<(), OsError>;
}

/// Waits until the sandbox is gone.
///
/// # Errors
/// A failed system call of the broker; the sandbox is then killed by the closing of its socket.
pub fn wait(
    runner: Runner,
    signals: &Watched,
    time: Option<Duration>,
    observer: &mut dyn Observer,
) -> Result<Outcome, OsError> {
    let control = rustix::io::fcntl_dupfd_cloexec(&runner.control, 0).on("copy", "the runner's socket")?;
    let control = Arc::new(control);
    let mut waiting = Waiting {
        sender: Sender::new(Arc::clone(&control)),
        control,
        runner: &runner,
        signals,
        terminal: None,
        deadline: time.and_then(|time| Instant::now().checked_add(time)),
        timed_out: false,
        limit: None,
    };
    let outcome = waiting.serve(observer)?;
    if let Some(terminal) = &mut waiting.terminal {
        terminal.drain()?;
    }
    drop(waiting);
    runner.reap()?;
    Ok(outcome)
}

impl Waiting<'_> {
    fn serve(&mut self, observer: &mut dyn Observer) -> Result<Outcome, OsError> {
        loop {
            let ready = self.ready()?;
            if ready.clock {
                self.out_of_time();
            }
            if ready.signal {
                while let Some(signal) = self.signals.next() {
                    self.relay(signal)?;
                }
            }
            if let Some(terminal) = &mut self.terminal {
                if ready.output && !terminal.pump_output()? {
                    // Nothing holds the target's terminal open; the end of the target is next.
                    std::thread::sleep(Duration::from_millis(1));
                }
                if ready.room {
                    terminal.give_typed()?;
                }
                if ready.screen {
                    terminal.show_printed()?;
                }
                if ready.input {
                    terminal.pump_input()?;
                }
            }
            if ready.runner
                && let Some(outcome) = self.hear(observer)?
            {
                return Ok(outcome);
            }
        }
    }

    fn ready(&self) -> Result<Ready, OsError> {
        let left = self.deadline.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        let mut events =
            vec![PollFd::new(&*self.control, PollFlags::IN), PollFd::new(self.signals, PollFlags::IN)];
        if let Some(terminal) = &self.terminal {
            let when = |wanted: bool, flag: PollFlags| if wanted { flag } else { PollFlags::empty() };
            let target =
                when(terminal.takes_output(), PollFlags::IN) | when(terminal.has_typed(), PollFlags::OUT);
            events.push(PollFd::from_borrowed_fd(terminal.output(), target));
            let screen = when(!terminal.takes_output(), PollFlags::OUT);
            events.push(PollFd::from_borrowed_fd(terminal.screen(), screen));
            if terminal.takes_input() {
                events.push(PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN));
            }
        }
        let count = match poll(&mut events, timeout.as_ref()) {
            Ok(count) => count,
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(errno) => return Err(errno).on("wait for", "the sandbox"),
        };
        let seen = |index: usize| events.get(index).map_or(PollFlags::empty(), PollFd::revents);
        let has = |index: usize| !seen(index).is_empty();
        let room = seen(2).contains(PollFlags::OUT);
        let output = seen(2).intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
        let screen = has(3);
        Ok(Ready { clock: count == 0, runner: has(0), signal: has(1), output, room, screen, input: has(4) })
    }

    /// One message; an outcome when it was the last.
    fn hear(&mut self, observer: &mut dyn Observer) -> Result<Option<Outcome>, OsError> {
        let message = match receive::<FromRunner>(self.control.as_fd()) {
            Ok(Some(message)) => message,
            Ok(None) | Err(Errno::CONNRESET) => return Ok(Some(self.over(Outcome::Lost))),
            Err(errno) => return Err(errno).on("hear from", "the runner"),
        };
        match message {
            (FromRunner::Terminal, Some(master)) => self.terminal = Some(Joined::new(master)?),
            (FromRunner::Terminal, None) => {}
            (FromRunner::Stopped(signal), _) => self.stop(signal)?,
            (FromRunner::Denied(event), _) => observer.denied(event),
            (FromRunner::Execute(execution), _) => {
                let answer = CommandAnswer { sender: self.sender.clone(), id: execution.id };
                observer.command(&execution, answer);
            }
            (FromRunner::Socket(kind), Some(socket)) => observer.serve(kind, socket)?,
            (FromRunner::Socket(_), None) => return Err(Errno::BADMSG).on("receive", "a socket"),
            (FromRunner::LimitHit(what), _) => self.limit = Some(what),
            (FromRunner::Ended(ending), _) => return Ok(Some(self.over(Outcome::Ended(ending)))),
            (FromRunner::NotExecuted(errno), _) => return Ok(Some(Outcome::NotExecuted(errno))),
            (FromRunner::Failed { step, error }, _) => return Ok(Some(Outcome::Failed { step, error })),
        }
        Ok(None)
    }

    /// The reason that stands behind an end.
    fn over(&mut self, outcome: Outcome) -> Outcome {
        match self.limit.take() {
            Some(what) => Outcome::LimitHit(what),
            None if self.timed_out => Outcome::TimedOut,
            None => outcome,
        }
    }

    /// First a chance to end in order, then none.
    fn out_of_time(&mut self) {
        if self.timed_out {
            self.deadline = None;
            // The whole sandbox goes with its first process.
            let _gone = rustix::process::pidfd_send_signal(&self.runner.process, Signal::KILL);
        } else {
            self.timed_out = true;
            self.deadline = Instant::now().checked_add(GRACE);
            self.sender.send(&ToRunner::SignalAll(Signal::TERM.as_raw()));
        }
    }

    fn relay(&mut self, signal: i32) -> Result<(), OsError> {
        match (&self.terminal, signal) {
            (Some(terminal), signal) if signal == Signal::WINCH.as_raw() => terminal.resize(),
            (None, signal) if signal == Signal::TSTP.as_raw() => {
                self.sender.send(&ToRunner::SignalAll(Signal::STOP.as_raw()));
                end_by(Signal::STOP.as_raw());
                self.sender.send(&ToRunner::SignalAll(Signal::CONT.as_raw()));
            }
            (_, signal) => self.sender.send(&ToRunner::Signal(signal)),
        }
        Ok(())
    }

    /// The target was stopped in its terminal: the user's shell gets its own back until it continues us.
    fn stop(&mut self, _signal: i32) -> Result<(), OsError> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        terminal.drain()?;
        terminal.give_back();
        end_by(Signal::STOP.as_raw());
        terminal.take()?;
        self.sender.send(&ToRunner::Signal(Signal::CONT.as_raw()));
        Ok(())
    }
}

#[derive(Default)]
struct Ready {
    clock: bool,
    runner: bool,
    signal: bool,
    output: bool,
    room: bool,
    screen: bool,
    input: bool,
}

/// Ends this process as the target ended: with its exit code, or by the very signal that ended it.
#[must_use]
pub fn exit_like(ending: &Ending) -> u8 {
    if let Some(signal) = ending.signal {
        end_by(signal);
        // Reached only if the signal does not end a process.
        return u8::try_from(128 + signal).unwrap_or(255);
    }
    ending.code.and_then(|code| u8::try_from(code & 0xff).ok()).unwrap_or(125)
}
