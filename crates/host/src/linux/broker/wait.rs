//! Waits for a sandbox: messages of the runner, signals of the user, the terminal, the clock.

use super::client::all_stopped;
use super::console::{Asking, ELSEWHERE, Prompt, Questions};
use super::launch::Runner;
use super::terminal::Joined;
use crate::OsError;
use crate::error::Context;
use crate::linux::message::{Ending, FromRunner, InnerSocket, Sender, ToRunner, apart, receive};
use crate::linux::supervise::{Changed, ChangesCounted, Counted, Denied, Execution, Gone, Started, Used};
pub use crate::linux::sys::signals::Signals as Watched;
use crate::linux::sys::signals::end_by;
use garth_policy::AbsPath;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
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
    questions: Option<Questions>,
    /// Before the terminal: it is given back in the reverse order of taking it.
    prompt: Option<Prompt>,
    terminal: Option<Joined>,
    deadline: Option<Instant>,
    timed_out: bool,
    /// All inside were killed for it.
    killed: bool,
    limit: Option<String>,
}

/// Answers for one program that waits to start, from any thread. Dropped without a word, it refuses.
#[derive(Debug)]
pub struct CommandAnswer {
    sender: Sender,
    id: u64,
    given: bool,
}

impl CommandAnswer {
    /// Lets it start, or refuses it with `EACCES`; `remember` for all starts of the same file with the same arguments.
    pub fn give(mut self, allow: bool, remember: bool) {
        self.given = true;
        self.sender.send(&ToRunner::Verdict { id: self.id, allow, remember });
    }
}

impl Drop for CommandAnswer {
    fn drop(&mut self) {
        if !self.given {
            self.sender.send(&ToRunner::Verdict { id: self.id, allow: false, remember: false });
        }
    }
}

/// What happened inside. Comes only if the plan says so.
#[derive(Clone, Debug)]
pub enum Inside {
    /// A process executes a program.
    Started(Started),
    /// A process that was told of is gone.
    Gone(Gone),
    /// Names that are not what they were, told in the end.
    Changed(Vec<Changed>),
    /// How complete that is, told in the end.
    Counted(Counted, ChangesCounted),
    /// A limit that the kernel holds left room for nothing more, in words.
    LimitMet(String),
}

/// Takes what happens while a sandbox stands.
pub trait Observer {
    /// The target's program is executed, and the machine may have a moment for what could wait.
    fn started(&mut self);

    /// A program is about to start. Comes only if the plan says that commands are judged.
    fn command(&mut self, execution: &Execution, answer: CommandAnswer);

    /// Something was refused.
    fn denied(&mut self, event: Denied);

    /// Something was read that is not in the view, or is hidden there. Whether the policy hides it is for the observer to
    /// say. Comes only if the plan says so.
    fn hidden(&mut self, event: Denied);

    /// A file is used, or more files than are told. Comes only if the plan says so.
    fn used(&mut self, used: Option<Used>);

    /// Something happened inside that is for the log.
    fn inside(&mut self, told: Inside);

    /// A file that an agent keeps, as it is in the end. Whatever is in it was written inside.
    fn kept(&mut self, path: AbsPath, file: OwnedFd);

    /// The lock by which all sandboxes of the user take turns at changes, if there is one.
    fn change_lock(&mut self) -> Option<OwnedFd>;

    /// Nobody listens at this port of the loopback inside.
    fn nobody_listens(&mut self, port: u16);

    /// A socket of the sandbox's network, to be served. What fails ends the sandbox.
    ///
    /// # Errors
    /// When it cannot be served.
    fn serve(&mut self, kind: InnerSocket, socket: OwnedFd) -> Result<(), OsError>;
}

/// Waits for the last word of a sandbox. `questions` are asked on the user's terminal meanwhile, one at a time. The runner
/// is ending then, and everything inside with it: [`Runner::reap`] waits until nothing is left.
///
/// # Errors
/// A failed system call of the broker; the sandbox is then killed by the closing of its socket.
pub fn wait(
    runner: &Runner,
    signals: &Watched,
    time: Option<Duration>,
    questions: Option<Questions>,
    observer: &mut dyn Observer,
) -> Result<Outcome, OsError> {
    let control = rustix::io::fcntl_dupfd_cloexec(&runner.control, 0).on("copy", "the runner's socket")?;
    let control = Arc::new(control);
    let mut waiting = Waiting {
        sender: Sender::new(Arc::clone(&control)),
        control,
        runner,
        signals,
        questions,
        prompt: None,
        terminal: None,
        deadline: time.and_then(|time| Instant::now().checked_add(time)),
        timed_out: false,
        killed: false,
        limit: None,
    };
    let outcome = waiting.serve(observer)?;
    waiting.prompt = None;
    if let Some(terminal) = &mut waiting.terminal {
        terminal.drain()?;
    }
    Ok(outcome)
}

impl Waiting<'_> {
    fn serve(&mut self, observer: &mut dyn Observer) -> Result<Outcome, OsError> {
        loop {
            let ready = self.ready()?;
            if ready.clock {
                self.look_at_clock();
            }
            if ready.signal {
                while let Some(signal) = self.signals.next() {
                    self.relay(signal)?;
                }
            }
            if ready.withdrawn {
                self.close_prompt(Some(ELSEWHERE));
            }
            if ready.answer && self.prompt.as_ref().is_some_and(Prompt::take) {
                self.close_prompt(None);
            }
            if ready.question {
                self.next_question();
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
        let ends = [self.deadline, self.prompt.as_ref().map(Prompt::deadline)];
        let end = ends.into_iter().flatten().min();
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        let mut list = Watching { events: Vec::with_capacity(8) };
        let runner = list.add(Some((self.control.as_fd(), PollFlags::IN)));
        let signal = list.add(Some((self.signals.as_fd(), PollFlags::IN)));
        // While a question is open the terminal is its own, and the next one waits.
        let answer = list.add(self.prompt.as_ref().map(|prompt| (prompt.as_fd(), PollFlags::IN)));
        let withdrawal = self.prompt.as_ref().and_then(Prompt::withdrawal);
        let withdrawn = list.add(withdrawal.map(|bell| (bell, PollFlags::IN)));
        let idle = self.prompt.is_none();
        let question = self.questions.as_ref().filter(|_| idle);
        let question = list.add(question.map(|questions| (questions.as_fd(), PollFlags::IN)));
        let terminal = self.terminal.as_ref().filter(|_| idle);
        let target = list.add(terminal.map(|terminal| (terminal.output(), wanted(terminal))));
        let full = terminal.filter(|terminal| !terminal.takes_output());
        let screen = list.add(full.map(|terminal| (terminal.screen(), PollFlags::OUT)));
        let input = terminal.filter(|terminal| terminal.takes_input());
        let input = list.add(input.map(|_| (rustix::stdio::stdin(), PollFlags::IN)));
        let count = match poll(&mut list.events, timeout.as_ref()) {
            Ok(count) => count,
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(errno) => return Err(errno).on("wait for", "the sandbox"),
        };
        Ok(Ready {
            clock: count == 0,
            runner: list.has(runner),
            signal: list.has(signal),
            answer: list.has(answer),
            withdrawn: list.has(withdrawn),
            question: list.has(question),
            output: list.seen(target).intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR),
            room: list.seen(target).contains(PollFlags::OUT),
            screen: list.has(screen),
            input: list.has(input),
        })
    }

    /// One message; an outcome when it was the last.
    fn hear(&mut self, observer: &mut dyn Observer) -> Result<Option<Outcome>, OsError> {
        let message = match receive::<FromRunner>(self.control.as_fd()) {
            Ok(Some(message)) => message,
            Ok(None) | Err(Errno::CONNRESET) => return Ok(Some(self.over(Outcome::Lost))),
            Err(errno) => return Err(errno).on("hear from", "the runner"),
        };
        self.take(message, observer)
    }

    fn take(
        &mut self,
        message: (FromRunner, Option<OwnedFd>),
        observer: &mut dyn Observer,
    ) -> Result<Option<Outcome>, OsError> {
        match message {
            (FromRunner::Gathered(several), _) => {
                for message in apart(&several).on("hear from", "the runner")? {
                    if let Some(outcome) = self.take((message, None), observer)? {
                        return Ok(Some(outcome));
                    }
                }
            }
            (FromRunner::Terminal, Some(master)) => self.terminal = Some(Joined::new(master)?),
            (FromRunner::Terminal, None) => {}
            (FromRunner::Started, _) => observer.started(),
            (FromRunner::Stopped(signal), _) => self.stop(signal)?,
            (FromRunner::Denied(event), _) => observer.denied(event),
            (FromRunner::Hidden(event), _) => observer.hidden(event),
            (FromRunner::Used(used), _) => observer.used(Some(used)),
            (FromRunner::UsedTooMuch, _) => observer.used(None),
            (FromRunner::Executes(started), _) => observer.inside(Inside::Started(started)),
            (FromRunner::Gone(gone), _) => observer.inside(Inside::Gone(gone)),
            (FromRunner::Changed(changed), _) => observer.inside(Inside::Changed(changed)),
            (FromRunner::Counted(processes, changes), _) => {
                observer.inside(Inside::Counted(processes, changes));
            }
            (FromRunner::Kept(path), Some(file)) => observer.kept(path, file),
            (FromRunner::Kept(_), None) => {}
            (FromRunner::NobodyListens(port), _) => observer.nobody_listens(port),
            (FromRunner::Execute(execution), _) => {
                let answer = CommandAnswer { sender: self.sender.clone(), id: execution.id, given: false };
                observer.command(&execution, answer);
            }
            (FromRunner::Socket(kind), Some(socket)) => observer.serve(kind, socket)?,
            (FromRunner::Socket(_), None) => return Err(Errno::BADMSG).on("receive", "a socket"),
            (FromRunner::LockWanted, _) => {
                let lock = observer.change_lock();
                let lock = lock.as_ref().map(AsFd::as_fd);
                self.sender.send_with(&ToRunner::ChangeLock, lock.as_slice());
            }
            (FromRunner::LimitHit(what), _) => self.limit = Some(what),
            (FromRunner::LimitMet(what), _) => observer.inside(Inside::LimitMet(what)),
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

    fn look_at_clock(&mut self) {
        let is_over = |end: Option<Instant>| end.is_some_and(|end| end <= Instant::now());
        if is_over(self.prompt.as_ref().map(Prompt::deadline)) {
            self.close_prompt(Some("no answer in time, so it is refused"));
        }
        if is_over(self.deadline) {
            self.out_of_time();
        }
    }

    /// Asks the next question that can be shown. Whoever asked another hears that nobody can answer.
    fn next_question(&mut self) {
        while let Some(asking) = self.questions.as_ref().and_then(Questions::next) {
            if asking.is_withdrawn() {
                continue;
            }
            let Some(asking) = self.hold_still(asking) else { continue };
            match Prompt::open(asking) {
                Ok(prompt) => {
                    self.prompt = Some(prompt);
                    return;
                }
                Err(_) => self.let_go(),
            }
        }
    }

    /// A target with a terminal of its own cannot reach the user's while it is not pumped. Any other may have the user's
    /// terminal open, could write over the question and read the answer: so it is stopped, and the question is asked only
    /// if it stands still.
    fn hold_still(&self, asking: Asking) -> Option<Asking> {
        if self.terminal.is_some() {
            return Some(asking);
        }
        self.sender.send(&ToRunner::SignalAll(Signal::STOP.as_raw()));
        for _ in 0..200 {
            if all_stopped(&self.runner.process) {
                return Some(asking);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        asking.refuse();
        self.let_go();
        None
    }

    /// The question is over: with a word to the user, it was not answered.
    fn close_prompt(&mut self, why: Option<&str>) {
        let Some(prompt) = self.prompt.take() else { return };
        if let Some(why) = why {
            prompt.refuse(why);
        } else {
            drop(prompt);
        }
        self.let_go();
        // There may be more.
        self.next_question();
    }

    fn let_go(&self) {
        match &self.terminal {
            Some(terminal) => terminal.redraw(),
            None => self.sender.send(&ToRunner::SignalAll(Signal::CONT.as_raw())),
        }
    }

    /// First a chance to end in order, then none. Without a namespace of processes only the runner finds all that it started, so
    /// it is the last to go.
    fn out_of_time(&mut self) {
        let all = |signal: Signal| ToRunner::SignalAll(signal.as_raw());
        let again = Instant::now().checked_add(GRACE);
        if !self.timed_out {
            (self.timed_out, self.deadline) = (true, again);
            self.sender.send(&all(Signal::TERM));
        } else if !self.killed {
            (self.killed, self.deadline) = (true, again);
            self.sender.send(&all(Signal::KILL));
        } else {
            self.deadline = None;
            let _gone = rustix::process::pidfd_send_signal(&self.runner.process, Signal::KILL);
        }
    }

    fn relay(&mut self, signal: i32) -> Result<(), OsError> {
        let number = |signal: Signal| signal.as_raw();
        if self.prompt.is_some() && signal != number(Signal::WINCH) {
            self.close_prompt(Some("broken off, so it is refused"));
            // The keys were meant for the question.
            if [Signal::INT, Signal::QUIT, Signal::TSTP].map(number).contains(&signal) {
                return Ok(());
            }
        }
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
        if self.terminal.is_none() {
            // It shares the user's terminal, whose shell deals with it; or a question holds it.
            return Ok(());
        }
        self.close_prompt(Some("the command stopped, so it is refused"));
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        terminal.drain()?;
        terminal.give_back();
        end_by(Signal::STOP.as_raw());
        terminal.take()?;
        self.sender.send(&ToRunner::Signal(Signal::CONT.as_raw()));
        Ok(())
    }
}

/// What the target's terminal is watched for.
fn wanted(terminal: &Joined) -> PollFlags {
    let when = |wanted: bool, flag: PollFlags| if wanted { flag } else { PollFlags::empty() };
    when(terminal.takes_output(), PollFlags::IN) | when(terminal.has_typed(), PollFlags::OUT)
}

/// What is waited for, each with its place in the list.
struct Watching<'w> {
    events: Vec<PollFd<'w>>,
}

impl<'w> Watching<'w> {
    fn add(&mut self, watched: Option<(BorrowedFd<'w>, PollFlags)>) -> Option<usize> {
        let (descriptor, flags) = watched?;
        self.events.push(PollFd::from_borrowed_fd(descriptor, flags));
        Some(self.events.len() - 1)
    }

    fn seen(&self, place: Option<usize>) -> PollFlags {
        place.and_then(|place| self.events.get(place)).map_or(PollFlags::empty(), PollFd::revents)
    }

    fn has(&self, place: Option<usize>) -> bool {
        !self.seen(place).is_empty()
    }
}

#[derive(Default)]
struct Ready {
    withdrawn: bool,
    clock: bool,
    runner: bool,
    signal: bool,
    answer: bool,
    question: bool,
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
