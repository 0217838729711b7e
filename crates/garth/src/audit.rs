//! The log of a session: where it is, and what is told to it.

use crate::Error;
use crate::files::{load_policy, user_files};
use crate::place::surroundings;
use crate::system::{PrivateDirectory, home, unguessable};
use garth_audit::core::redact::{Known, Redactor, is_secret_variable};
use garth_audit::core::{Event, Gap, Machine, SessionEnded, SessionId, SessionStarted};
use garth_audit::io::{Append, Directory, Limits, Listener, Log, Options, now};
use garth_plan::assurance::Assurance;
use garth_policy::{
    AbsPath, Access, Audit, Boundary, FileRule, Layer, Origin, Pattern, Policy, RuleKind, escape_visible,
};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io;
use std::sync::Arc;

/// How a session is recorded.
#[derive(Clone)]
pub struct Recording {
    /// Its log is written.
    pub write: bool,
    /// Name of the agent that it is for, where that is known.
    pub agent: Option<String>,
    /// Hears each record.
    pub listener: Option<Listener>,
    /// A file that the listener writes to. It is kept from the sandbox as the log is, also in the workspace.
    pub file: Option<AbsPath>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { write, agent, listener, file } = self;
        let listener = listener.is_some();
        out.debug_struct("Recording")
            .field("write", write)
            .field("agent", agent)
            .field("listener", &listener)
            .field("file", file)
            .finish()
    }
}

impl Recording {
    /// Nothing is recorded: for those who only tell what would be. A session whose policy requires a log does not start.
    #[must_use]
    pub fn none() -> Self {
        Self { write: false, agent: None, listener: None, file: None }
    }

    /// The log is written.
    #[must_use]
    pub fn log() -> Self {
        Self { write: true, ..Self::none() }
    }
}

/// The log that somebody has something to tell to; `None` where nothing is recorded.
pub(crate) type Recorder = Option<Arc<Log>>;

/// Tells, if anybody listens.
pub(crate) fn tell<E: Into<Event>>(recorder: &Recorder, event: impl FnOnce() -> E) {
    if let Some(log) = recorder {
        log.record(event());
    }
}

/// Where logs are, and why none can be made there.
#[derive(Debug)]
pub(crate) struct Place {
    /// Without links, where it is there.
    pub path: AbsPath,
    opened: Option<Result<PrivateDirectory, String>>,
}

/// The directory of logs under a policy: what it says, or `log` in the user's state.
///
/// # Errors
/// A state directory that is no path.
pub fn log_directory(policy: &Policy, state: &AbsPath) -> Result<AbsPath, Error> {
    match &policy.audit.path {
        Some(path) => Ok(path.value.clone()),
        None => state.join(b"log").map_err(|error| Error::Policy(error.to_string())),
    }
}

/// The directory of logs by the policy that is in force where the caller stands; the usual one where none is, as in a
/// home.
///
/// # Errors
/// A home that is none.
pub fn logs(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<AbsPath, Error> {
    governed(environment).map(|(place, _)| place)
}

/// The directory of logs and what the policy says of them, for those who change something there.
///
/// # Errors
/// As for [`logs`], and a policy that is not valid.
pub(crate) fn governing(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<(AbsPath, Audit), Error> {
    let (place, policy) = governed(environment)?;
    policy.map(|policy| (place, policy.audit))
}

fn governed(environment: &[(Vec<u8>, Vec<u8>)]) -> Result<(AbsPath, Result<Policy, Error>), Error> {
    let here = surroundings(None, environment);
    let home = match &here {
        Ok(found) => found.context.home.clone(),
        Err(_) => home(environment)?,
    };
    let state = user_files(&home, environment)?.state;
    let policy = here.and_then(|found| Ok(load_policy(&found, environment, None, &[])?.policy));
    let place = match &policy {
        Ok(policy) => log_directory(policy, &state)?,
        Err(_) => state.join(b"log").map_err(|error| Error::Policy(error.to_string()))?,
    };
    Ok((place, policy))
}

impl Place {
    /// Finds the place, and makes it if it is to be written to.
    pub(crate) fn find(policy: &Policy, state: &AbsPath, write: bool) -> Result<Self, Error> {
        let path = log_directory(policy, state)?;
        if !write {
            return Ok(Self { path: crate::final_path(&path).unwrap_or(path), opened: None });
        }
        let opened = PrivateDirectory::make(&path).map_err(|error| match &error.remedy {
            Some(remedy) => format!("{error} ({remedy})"),
            None => error.to_string(),
        });
        let path = opened.as_ref().map_or(path, |opened| opened.path().clone());
        Ok(Self { path, opened: Some(opened) })
    }

    /// Hides the place, whatever lies around it: logs are neither read nor written from inside. So is the `file` that somebody
    /// writes the records to.
    ///
    /// What a rule of the user's opens in it all the same is for [`Place::stays_hidden`] to find.
    pub(crate) fn hide(&self, policy: &mut Policy, file: Option<&AbsPath>) {
        let path = &self.path;
        let anchor = policy.audit.anchor.as_ref().map(|anchor| anchor.value.clone());
        for path in [Some(path), anchor.as_ref(), file].into_iter().flatten() {
            if policy.files.grant(path).access > Access::Deny {
                policy.files.push(FileRule {
                    pattern: Pattern::Path(path.clone()),
                    access: Access::Deny,
                    execute: false,
                    kind: RuleKind::Secret,
                    reason: "logs are neither read nor written from inside".into(),
                    // As strong as anything that could speak of it, and stricter.
                    origin: Origin::unplaced(Layer::Flags, "garth"),
                });
            }
        }
    }

    /// Nothing that lies in the place is opened by a policy with these boundaries.
    ///
    /// # Errors
    /// [`Error::Policy`] when a rule of the user names something in it.
    pub(crate) fn stays_hidden(&self, boundaries: &[Boundary<'_>]) -> Result<(), Error> {
        let path = &self.path;
        let opened = boundaries
            .iter()
            .find(|boundary| boundary.path.starts_with(path) && boundary.grant.access > Access::Deny);
        let Some(opened) = opened else { return Ok(()) };
        let origin = opened.grant.rule.map_or_else(String::new, |rule| format!(" ({})", rule.origin));
        Err(Error::Policy(format!(
            "{} cannot be opened to the sandbox{origin}\nthe logs of garth are there, which nothing inside may read or \
             write\nhint: take the line out, or write the log elsewhere: [audit] path",
            opened.path
        )))
    }
}

/// Files made in the opened directory.
#[derive(Debug)]
pub(crate) struct Files(pub PrivateDirectory);

impl Directory for Files {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn Append>> {
        let file = self.0.create(name).map_err(|error| io::Error::from_raw_os_error(error.code))?;
        Ok(Box::new(file))
    }
}

/// Opens a log. `None` where there is nobody to tell to.
///
/// # Errors
/// When no name can be drawn.
pub(crate) fn open(
    place: &mut Place,
    recording: &Recording,
    required: bool,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Recorder, Error> {
    let directory = match place.opened.take() {
        None if recording.listener.is_none() => return Ok(None),
        None => None,
        Some(opened) => Some(opened.map(|opened| Box::new(Files(opened)) as Box<dyn Directory>)),
    };
    Ok(Some(Arc::new(Log::start(Options {
        session: new_session()?,
        directory,
        redactor: Redactor::new(&known(environment)),
        limits: Limits::USUAL,
        required,
        listener: recording.listener.clone(),
        // What is not required can wait until the sandbox is on its way.
        held: !required,
    }))))
}

/// A log in this directory, for what is no session of a sandbox.
///
/// # Errors
/// When no name can be drawn.
pub(crate) fn new_log(
    path: &AbsPath,
    recording: &Recording,
    environment: &[(Vec<u8>, Vec<u8>)],
) -> Result<Log, Error> {
    let directory = PrivateDirectory::make(path).map_err(|error| error.to_string());
    Ok(Log::start(Options {
        session: new_session()?,
        directory: Some(directory.map(|opened| Box::new(Files(opened)) as Box<dyn Directory>)),
        redactor: Redactor::new(&known(environment)),
        limits: Limits::USUAL,
        required: false,
        listener: recording.listener.clone(),
        held: false,
    }))
}

/// A name for a session that starts now.
fn new_session() -> Result<SessionId, Error> {
    Ok(SessionId::new(now(), unguessable().map_err(Error::os("name the session"))?))
}

/// A log for no file: its records go to `listener` alone. For those who tell that a session could not be prepared.
///
/// # Errors
/// When no name can be drawn.
pub fn unwritten_log(listener: Listener) -> Result<Log, Error> {
    Ok(Log::start(Options {
        session: new_session()?,
        directory: None,
        redactor: Redactor::new(&[]),
        limits: Limits::USUAL,
        required: false,
        listener: Some(listener),
        held: false,
    }))
}

/// Secrets among the caller's variables.
fn known(environment: &[(Vec<u8>, Vec<u8>)]) -> Vec<Known> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let secret = |(name, value): &(Vec<u8>, Vec<u8>)| {
        let (name, value) = (text(name)?, text(value)?);
        is_secret_variable(&name, &value).then_some(Known { name, value })
    };
    environment.iter().filter_map(secret).collect()
}

/// The words of a command, safe to show.
pub(crate) fn words(arguments: &[Vec<u8>]) -> Vec<String> {
    arguments.iter().map(|word| escape_visible(word)).collect()
}

/// What tells one resolved policy from another, origins included: SHA-256 of its binary form. The form in JSON says the
/// same, and takes six times as long to write.
fn policy_hash(policy: &Policy) -> String {
    // It is made of texts, numbers and lists of known length, and nothing can keep it from being written.
    let bytes = postcard::to_stdvec(policy).unwrap_or_default();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is not fully enforced, by the name of the gap.
pub(crate) fn gaps(assurance: &Assurance) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for row in &assurance.rows {
        let Some(name) = row.status.gap() else { continue };
        match gaps.iter_mut().find(|gap| gap.gap == name) {
            Some(gap) => gap.clauses += 1,
            None => gaps.push(Gap {
                gap: name.to_owned(),
                status: row.status.word().to_owned(),
                detail: row.status.detail(),
                clauses: 1,
            }),
        }
    }
    gaps
}

/// Agents that are known by their program.
const AGENTS: [&str; 12] = [
    "aider",
    "amp",
    "claude",
    "codex",
    "copilot",
    "crush",
    "cursor-agent",
    "droid",
    "gemini",
    "goose",
    "opencode",
    "qwen",
];

/// The agent of a command, by the name of its program.
#[must_use]
pub fn agent_of(arguments: &[Vec<u8>]) -> Option<String> {
    let program = arguments.first()?;
    let name = if cfg!(windows) {
        let name = program.rsplit(|byte| b"/\\:".contains(byte)).next()?.to_ascii_lowercase();
        let ending =
            [&b".exe"[..], b".cmd", b".bat", b".ps1"].into_iter().find(|ending| name.ends_with(ending));
        name[..name.len() - ending.map_or(0, <[u8]>::len)].to_vec()
    } else {
        program.rsplit(|byte| *byte == b'/').next()?.to_vec()
    };
    AGENTS.iter().find(|agent| agent.as_bytes() == name).map(|agent| (*agent).to_owned())
}

/// What a session begins with, whatever the system.
#[derive(Debug)]
pub(crate) struct Beginning<'b> {
    pub policy: &'b Policy,
    pub workspace: &'b AbsPath,
    pub directory: &'b AbsPath,
    pub arguments: &'b [Vec<u8>],
    pub agent: Option<&'b String>,
    pub tier: &'b str,
    pub assurance: &'b Assurance,
    pub machine: Machine,
}

impl Beginning<'_> {
    /// The first event.
    pub(crate) fn event(self) -> SessionStarted {
        let Self { policy, workspace, directory, arguments, agent, tier, assurance, machine } = self;
        SessionStarted {
            garth: env!("CARGO_PKG_VERSION").to_owned(),
            agent: agent.cloned().or_else(|| agent_of(arguments)),
            workspace: workspace.to_lossless(),
            directory: directory.to_lossless(),
            command: words(arguments),
            policy: policy_hash(policy),
            profile: policy.profile.value.name().to_owned(),
            tier: tier.to_owned(),
            gaps: gaps(assurance),
            machine,
            required: policy.audit.required.value,
        }
    }
}

/// The last event of a session that came to something; what kind of end it was, and the exit code.
pub(crate) fn end(outcome: &str, code: u32, message: Option<String>) -> SessionEnded {
    let (signal, denied, milliseconds, usage) = (None, 0, 0, None);
    SessionEnded { outcome: outcome.to_owned(), code, signal, message, denied, milliseconds, usage }
}

/// The last event of a session that came to nothing.
pub(crate) fn end_by(error: &Error) -> SessionEnded {
    let code = error.exit_code();
    let outcome = if (120..=123).contains(&code) { "refused" } else { "failed" };
    end(outcome, code.into(), Some(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use garth_policy::{Context, Os, Profile};

    #[test]
    fn every_policy_has_a_hash_of_its_own() {
        let path = |text: &str| AbsPath::posix(text).unwrap();
        let context = Context {
            os: Os::Linux,
            workspace: path("/home/u/work"),
            home: path("/home/u"),
            tmp: path("/tmp"),
            git_dirs: Vec::new(),
            path_dirs: Vec::new(),
            env_dirs: Vec::new(),
        };
        let mut hashes: Vec<String> =
            Profile::ALL.iter().map(|profile| policy_hash(&Policy::builtin(*profile, &context))).collect();
        let mut widened = Policy::builtin(Profile::Workspace, &context);
        widened.audit.required.value = !widened.audit.required.value;
        hashes.push(policy_hash(&widened));
        let nothing: String = Sha256::digest([]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hashes.iter().all(|hash| hash.len() == 64 && *hash != nothing));
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), Profile::ALL.len() + 1);
    }
}
