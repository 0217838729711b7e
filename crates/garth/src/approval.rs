//! Asking: what the policy leaves open is put to somebody, and the answer is carried out.

use crate::Error;
use crate::audit::{Recorder, tell, words};
use crate::door::{DoorPlace, doors};
use crate::files::write_user_policy;
use crate::grant::{Grant, with};
use crate::system::{Client, Console};
use garth_audit::core::{ApprovalAnswered, ApprovalAsked};
use garth_egress::core::{Answer, Hint, Host, Question};
use garth_egress::io::Approve as Broker;
use garth_policy::{AbsPath, Addition, escape_visible};
use garth_vet::judge::JudgedEffect;
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A connection that no rule speaks of.
    Connection {
        /// The host, as it was asked for; it has not been resolved.
        host: Host,
        /// The port.
        port: u16,
        /// The line that [`Reply::Always`] adds.
        rule: Hint,
        /// What that changes in the user's policy; why nothing can be added there, otherwise.
        grant: Result<Grant, String>,
    },
    /// The start of a program of which a rule says `ask`. A rule is a ceiling, so there is no line that would allow it
    /// for good.
    Command {
        /// The file, as the caller wrote it; empty for an opened one.
        program: Vec<u8>,
        /// The arguments, with the program's name.
        arguments: Vec<Vec<u8>>,
        /// Name of the program that calls.
        by: String,
        /// The directory that it works in, if that is known.
        directory: Option<AbsPath>,
        /// What it would do, as far as its words show: paths are those that the words name from that directory.
        effects: Vec<JudgedEffect>,
    },
}

impl Subject {
    /// The answers that make sense.
    #[must_use]
    pub fn answers(&self) -> &'static [(&'static str, Reply)] {
        match self {
            Self::Connection { .. } => &Reply::ALL,
            Self::Command { .. } => &Reply::WITHOUT_RULE,
        }
    }
}

/// A question, and what is known about it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is asked for.
    pub subject: Subject,
    /// The process inside that waits; `None` if it cannot be told.
    pub process: Option<Client>,
    /// Why it is asked, as a lower-case fragment.
    pub reason: Cow<'static, str>,
    /// The policy file to which [`Reply::Always`] adds its line.
    pub file: AbsPath,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// When that is over.
    pub deadline: Instant,
    /// Number of the question in this session, as its log tells it.
    pub number: u64,
    /// Where whoever watches the session may answer; `None` where nothing is recorded, as nobody can watch that.
    pub place: Option<DoorPlace>,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No.
    No,
    /// No, and nothing more is to be asked in this session.
    Quiet,
    /// This connection, this start.
    Once,
    /// This host and port, or this program with these arguments, until the session ends.
    Session,
    /// The same, and the line is written to the user's policy.
    Always,
}

impl Reply {
    /// Every answer, by its word.
    pub const ALL: [(&'static str, Self); 5] = [
        ("once", Self::Once),
        ("session", Self::Session),
        ("always", Self::Always),
        ("no", Self::No),
        ("quiet", Self::Quiet),
    ];

    /// The answers where no line of a policy would do.
    pub const WITHOUT_RULE: [(&'static str, Self); 4] =
        [("once", Self::Once), ("session", Self::Session), ("no", Self::No), ("quiet", Self::Quiet)];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, reply)| *reply == self).map_or("no", |(name, _)| name)
    }

    /// Whether the connection may be made.
    #[must_use]
    pub fn is_yes(self) -> bool {
        matches!(self, Self::Once | Self::Session | Self::Always)
    }
}

/// Somebody who answers questions. Called on a thread of its own, one question at a time; an answer after
/// [`Asked::deadline`] is not waited for.
pub trait Approve: fmt::Debug + Send + Sync + 'static {
    /// Answers. `console` is the user's terminal, for those who ask there.
    fn approve(&self, asked: &Asked, console: &Console) -> Reply;
}

/// A question that was asked, and what came of it.
#[derive(Clone, Debug)]
pub struct Approval {
    /// What was asked.
    pub asked: Asked,
    /// The answer; [`Reply::No`] where none came in time.
    pub reply: Reply,
    /// Why [`Reply::Always`] holds for this session only: the policy file could not be written.
    pub problem: Option<String>,
}

/// Asks for one sandbox.
#[derive(Debug)]
pub(crate) struct Asker {
    approver: Arc<dyn Approve>,
    console: Console,
    file: AbsPath,
    timeout: Duration,
    #[cfg(target_os = "linux")]
    runner: std::sync::OnceLock<std::os::fd::OwnedFd>,
    is_quiet: AtomicBool,
    approvals: Mutex<Vec<Approval>>,
    questions: AtomicU64,
    recorder: Recorder,
    /// Where the doors of its questions are.
    doors: Option<AbsPath>,
}

impl Asker {
    /// Asks this approver, and writes what is allowed for good to this file.
    pub(crate) fn new(
        approver: Arc<dyn Approve>,
        console: Console,
        file: AbsPath,
        timeout: Duration,
        recorder: Recorder,
    ) -> Self {
        Self {
            approver,
            console,
            file,
            timeout,
            #[cfg(target_os = "linux")]
            runner: std::sync::OnceLock::new(),
            is_quiet: AtomicBool::new(false),
            approvals: Mutex::default(),
            questions: AtomicU64::new(0),
            recorder,
            doors: None,
        }
    }

    /// Lets whoever watches answer too, at the doors of the user with this environment.
    pub(crate) fn with_doors(mut self, environment: &[(Vec<u8>, Vec<u8>)]) -> Self {
        self.doors = doors(environment).ok();
        self
    }

    /// How long an answer is waited for.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What was asked so far.
    pub(crate) fn take(&self) -> Vec<Approval> {
        std::mem::take(&mut self.approvals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks, and carries out what `always` means; waits for the answer. `process` is the one inside that waits.
    pub(crate) fn ask(&self, subject: Subject, process: Option<Client>, reason: Cow<'static, str>) -> Reply {
        if self.is_quiet.load(Ordering::Relaxed) {
            return Reply::Quiet;
        }
        let deadline = Instant::now() + self.timeout;
        let number = self.questions.fetch_add(1, Ordering::Relaxed);
        let (file, timeout) = (self.file.clone(), self.timeout);
        let asked = Asked { subject, process, reason, file, timeout, deadline, number, place: self.place() };
        let question = || told(&asked, number);
        tell(&self.recorder, || ApprovalAsked {
            asked: question(),
            reason: asked.reason.clone().into_owned(),
        });
        let reply = self.approver.approve(&asked, &self.console);
        // An answer that came too late grants nothing, also not for later.
        let reply = if Instant::now() > asked.deadline && reply.is_yes() { Reply::No } else { reply };
        let mut problem = None;
        match (reply, &asked.subject) {
            (Reply::Quiet, _) => self.is_quiet.store(true, Ordering::Relaxed),
            (Reply::Always, Subject::Connection { host, port, .. }) => {
                problem = self.allow_for_good(host, *port).err().map(|error| error.to_string());
            }
            _ => {}
        }
        let answer = reply.name().to_owned();
        tell(&self.recorder, || ApprovalAnswered { asked: question(), answer, problem: problem.clone() });
        let mut approvals = self.approvals.lock().unwrap_or_else(PoisonError::into_inner);
        approvals.push(Approval { asked, reply, problem });
        reply
    }

    /// Where the door of a question is, if the session is recorded in a file.
    fn place(&self) -> Option<DoorPlace> {
        let log = self.recorder.as_ref().filter(|log| log.file().is_some())?;
        Some(DoorPlace::at(self.doors.clone()?, log.session()))
    }

    /// Adds the host and port to the user's policy.
    fn allow_for_good(&self, host: &Host, port: u16) -> Result<(), Error> {
        let domain = Addition::Domain(host.with_port(port));
        write_user_policy(&self.file, |text| with(text, &self.file, &[domain]))
    }
}

/// What is asked for, as the log tells it.
fn told(asked: &Asked, question: u64) -> garth_audit::core::Asked {
    let program = asked.process.as_ref().and_then(|process| process.program.as_ref());
    let program = program.map(|path| escape_visible(path));
    let asked_for = |kind: &str| garth_audit::core::Asked {
        question,
        kind: kind.to_owned(),
        host: None,
        port: None,
        command: None,
        program,
    };
    match &asked.subject {
        Subject::Connection { host, port, .. } => garth_audit::core::Asked {
            host: Some(host.to_string()),
            port: Some(*port),
            ..asked_for("connect")
        },
        Subject::Command { arguments, .. } => {
            garth_audit::core::Asked { command: Some(words(arguments)), ..asked_for("execute") }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Asker {
    /// Which process asks is not known here: all connections come from the relay.
    #[expect(clippy::unused_self, reason = "elsewhere it looks")]
    fn asks(&self, _question: &Question) -> Option<Client> {
        None
    }
}

#[cfg(target_os = "linux")]
impl Asker {
    /// The process inside that asks, if it can be told.
    fn asks(&self, question: &Question) -> Option<Client> {
        let (runner, client) = self.runner.get().zip(question.client)?;
        garth_host::linux::broker::client::find(runner, client)
    }

    /// The sandbox is that of this runner: its processes can be told apart from now on.
    ///
    /// # Errors
    /// The error of copying a descriptor.
    pub(crate) fn know(&self, runner: &garth_host::linux::broker::launch::Runner) -> Result<(), Error> {
        let process = runner.process.try_clone().map_err(|error| {
            let code = error.raw_os_error().unwrap_or(0);
            Error::os("start the sandbox")(garth_host::OsError::new("copy", "the runner's process", code))
        })?;
        // A sandbox has one runner; a second try asks by itself.
        let _known = self.runner.set(process);
        Ok(())
    }
}

impl Broker for Asker {
    fn approve(&self, question: &Question) -> Answer {
        let process = self.asks(question);
        let (host, port) = (question.host.clone(), question.port);
        let line = format!("\"{}\" = \"allow\"", host.with_port(port));
        let rule = Hint { section: "network.domains".into(), line };
        let grant = Grant::of(&self.file, &[Addition::Domain(host.with_port(port))]);
        let grant = grant.map_err(|error| error.to_string());
        match self.ask(Subject::Connection { host, port, rule, grant }, process, question.reason.clone()) {
            Reply::No | Reply::Quiet => Answer::Deny,
            Reply::Once => Answer::Once,
            Reply::Session | Reply::Always => Answer::Session,
        }
    }
}
