//! Asking: what the policy leaves open is put to somebody, and the answer is carried out.

use crate::Error;
use crate::files::write_user_policy;
use garth_egress::core::{Answer, Hint, Host, Question};
use garth_egress::io::Approve as Broker;
use garth_host::linux::broker::client::{Client, find};
use garth_host::linux::broker::console::Console;
use garth_host::linux::broker::launch::Runner;
use garth_policy::{AbsPath, Addition, add};
use std::borrow::Cow;
use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A connection that no rule speaks of, and what is known about it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The host, as it was asked for; it has not been resolved.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// The process inside that waits; `None` if it cannot be told.
    pub process: Option<Client>,
    /// Why it is asked, as a lower-case fragment.
    pub reason: Cow<'static, str>,
    /// The line that [`Reply::Always`] adds.
    pub rule: Hint,
    /// The policy file to which it is added.
    pub file: AbsPath,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// When that is over.
    pub deadline: Instant,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// No.
    No,
    /// No, and nothing more is to be asked in this session.
    Quiet,
    /// This connection.
    Once,
    /// This host and port until the session ends.
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
    runner: OnceLock<OwnedFd>,
    is_quiet: AtomicBool,
    approvals: Mutex<Vec<Approval>>,
}

impl Asker {
    /// Asks this approver, and writes what is allowed for good to this file.
    pub(crate) fn new(
        approver: Arc<dyn Approve>,
        console: Console,
        file: AbsPath,
        timeout: Duration,
    ) -> Self {
        let (runner, is_quiet, approvals) = (OnceLock::new(), AtomicBool::new(false), Mutex::default());
        Self { approver, console, file, timeout, runner, is_quiet, approvals }
    }

    /// How long an answer is waited for.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The sandbox is that of this runner: its processes can be told apart from now on.
    ///
    /// # Errors
    /// The error of copying a descriptor.
    pub(crate) fn know(&self, runner: &Runner) -> Result<(), Error> {
        let process = runner.process.try_clone().map_err(|error| {
            let code = error.raw_os_error().unwrap_or(0);
            Error::os("start the sandbox")(garth_host::OsError::new("copy", "the runner's process", code))
        })?;
        // A sandbox has one runner; a second try asks by itself.
        let _known = self.runner.set(process);
        Ok(())
    }

    /// What was asked so far.
    pub(crate) fn take(&self) -> Vec<Approval> {
        std::mem::take(&mut self.approvals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn asked(&self, question: &Question) -> Asked {
        let process =
            self.runner.get().zip(question.client).and_then(|(runner, client)| find(runner, client));
        let key = question.host.with_port(question.port);
        let rule = Hint { section: "network.domains".into(), line: format!("\"{key}\" = \"allow\"") };
        Asked {
            host: question.host.clone(),
            port: question.port,
            process,
            reason: question.reason.clone(),
            rule,
            file: self.file.clone(),
            timeout: self.timeout,
            deadline: Instant::now() + self.timeout,
        }
    }
}

impl Broker for Asker {
    fn approve(&self, question: &Question) -> Answer {
        if self.is_quiet.load(Ordering::Relaxed) {
            return Answer::Deny;
        }
        let asked = self.asked(question);
        let reply = self.approver.approve(&asked, &self.console);
        // An answer that came too late grants nothing, also not for later.
        let reply = if Instant::now() > asked.deadline && reply.is_yes() { Reply::No } else { reply };
        let mut problem = None;
        let answer = match reply {
            Reply::No => Answer::Deny,
            Reply::Quiet => {
                self.is_quiet.store(true, Ordering::Relaxed);
                Answer::Deny
            }
            Reply::Once => Answer::Once,
            Reply::Session => Answer::Session,
            Reply::Always => {
                problem = allow_for_good(&asked).err().map(|error| error.to_string());
                Answer::Session
            }
        };
        let mut approvals = self.approvals.lock().unwrap_or_else(PoisonError::into_inner);
        approvals.push(Approval { asked, reply, problem });
        answer
    }
}

/// Adds the host and port to the user's policy.
fn allow_for_good(asked: &Asked) -> Result<(), Error> {
    let domain = Addition::Domain(asked.host.with_port(asked.port));
    write_user_policy(&asked.file, |text| {
        add(text, &domain).map_err(|error| Error::Policy(format!("{}: {error}", asked.file)))
    })
}
