//! The same flow on Windows: policy, facts, plan, gate, preparation, canary, launch, wait, undo.

mod canary;
mod changes;
mod keeping;
mod network;
pub mod place;
pub mod proof;
pub mod record;
mod session;
mod sharing;
mod told;

use crate::approval::{Approval, Approve, Asker};
use crate::audit::{Place, Recording};
use crate::files::{load_policy, os_path, user_files};
use crate::session_log::SessionLog;
use crate::{Error, Surroundings};
use garth_audit::core::Moment;
use garth_egress::core::{Decided, Fault};
use garth_host::windows::facts::{directories, extend, facts, name};
use garth_host::windows::journal::Journal;
use garth_host::windows::opened::Opened;
use garth_plan::facts::Command;
use garth_plan::linux::spec::TerminalSize;
use garth_plan::linux::{PlanError, Report};
use garth_plan::windows::facts::{Directories, HostFacts};
use garth_plan::windows::journal::Holder;
use garth_plan::windows::launch::{LaunchSpec, order};
use garth_plan::windows::spec::{Plan, Tier};
use garth_plan::windows::{further_questions, lower, questions};
use garth_policy::{AbsPath, Context, Flag, Policy, agent_named};
use keeping::Keeping;
use network::Network;
use sharing::Sharing;
use std::os::windows::io::AsHandle;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use garth_host::windows::Error as HostError;
pub use garth_host::windows::facts::{system, user};
pub use garth_host::windows::pipe::{Pipe, approver as approver_pipe};
pub use garth_host::windows::wait::{INTERRUPTED, Outcome};

/// What to run.
#[derive(Clone, Debug)]
pub struct Request {
    /// The command; the first word names the program.
    pub arguments: Vec<String>,
    /// The workspace, when it is not to be searched for.
    pub workspace: Option<AbsPath>,
    /// A policy file that replaces the user's own.
    pub policy: Option<AbsPath>,
    /// The command line as a layer of the policy.
    pub flags: Vec<Flag>,
    /// The caller's environment.
    pub environment: Vec<(String, String)>,
    /// The size of the terminal that the target gets, if it gets one.
    pub terminal: Option<TerminalSize>,
    /// The tier that is asked for.
    pub tier: Option<Tier>,
    /// Who answers where the policy says `ask`; without somebody that is refused.
    pub approver: Option<Arc<dyn Approve>>,
    /// A checkpoint of the workspace is made first.
    pub checkpoint: bool,
    /// How the session is recorded.
    pub recording: Recording,
    /// What [`recover`] said.
    pub mended: Vec<String>,
}

/// A plan that has not been carried out.
#[derive(Debug)]
pub struct Prepared {
    /// Where the user stands.
    pub surroundings: Surroundings,
    /// The policy in force.
    pub policy: Policy,
    /// What was read of the machine. An object that the plan neither changes nor holds was not asked for its identity.
    pub facts: HostFacts,
    /// The plan.
    pub plan: Plan,
    order: LaunchSpec,
    state: PathBuf,
    environment: Vec<(String, String)>,
    /// The command's words.
    arguments: Vec<Vec<u8>>,
    /// The caller's environment as bytes.
    variables: Vec<(Vec<u8>, Vec<u8>)>,
    approver: Option<Arc<dyn Approve>>,
    /// The file to which the user's lines are added.
    user_policy: AbsPath,
    mended: Vec<String>,
    /// A terminal was asked for.
    wants_terminal: bool,
    /// Where the command may write.
    writable: Vec<AbsPath>,
    keeping: Keeping,
    sharing: Sharing,
    log: SessionLog,
}

/// How a sandbox ended.
#[derive(Debug)]
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// What this build let pass although it should not; always none but in builds for tests.
    pub relaxed: Vec<String>,
    /// What could not be undone.
    pub left: Vec<String>,
    /// What the network refused, each host and port once.
    pub refused: Vec<Decided>,
    /// What failed in the broker itself.
    pub faults: Vec<Fault>,
    /// What was asked, in order.
    pub approvals: Vec<Approval>,
    /// A limit that was met and did not end it.
    pub limited: Option<&'static str>,
    /// Why the session is not recorded, or not to its end, though a log was wanted.
    pub unrecorded: Option<String>,
}

/// What is told while the sandbox runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A server inside can be reached on the host.
    Published {
        /// Its port inside.
        port: u16,
        /// Where it appears.
        at: std::net::SocketAddr,
    },
    /// The command gets pipes in place of the terminal that was asked for.
    WithoutTerminal {
        /// Why, as a fragment.
        why: String,
    },
}

/// Makes a plan: policy, questions, facts, lowering.
///
/// # Errors
/// See [`Error`].
pub fn prepare(request: &Request) -> Result<Prepared, Error> {
    let environment: Vec<(Vec<u8>, Vec<u8>)> = request
        .environment
        .iter()
        .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
        .collect();
    let surroundings = crate::surroundings(request.workspace.as_ref(), &environment)?;
    let journal = open_journal()?;
    let loaded = load_policy(&surroundings, &environment, request.policy.as_ref(), &request.flags)?;
    let mut policy = loaded.policy;
    policy.commands.settle(agent_named(&request.flags));
    let keeping = keeping::ask_for(&mut policy.undo, request.checkpoint)?;
    let files = user_files(&surroundings.context.home, &environment)?;
    let place = Place::find(&policy, &files.state, request.recording.write)?;
    place.hide(&mut policy, request.recording.file.as_ref());
    let Context { workspace, tmp, .. } = &surroundings.context;
    let sharing = Sharing::find(&journal, &policy, request.tier, workspace, tmp)?;
    let command = Command {
        arguments: request.arguments.iter().map(|word| word.clone().into_bytes()).collect(),
        directory: surroundings.directory.clone(),
        logical_directory: None,
        environment: environment.clone(),
        terminal: request.terminal,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    };
    let boundaries = policy.files.boundaries();
    place.stays_hidden(&boundaries)?;
    let step = "look at this machine";
    let query = questions(&policy, &boundaries, &command);
    let opened = Opened::default();
    let environment_told = request.environment.clone();
    let mut found = facts(&query, surroundings.context.clone(), environment_told, Some(&opened))
        .map_err(|error| failed(step, error))?;
    sharing.take_out(&mut found, &opened)?;
    let more = further_questions(&found);
    extend(&mut found, &more, Some(&opened));
    sharing.take_out(&mut found, &opened)?;
    found.system.proven = proof::proven(&found);
    let mut plan =
        lower(&policy, &boundaries, &found, &command, request.tier, Report::Gaps).map_err(Error::Plan)?;
    opened.identify(&mut plan.preparation).map_err(|error| failed(step, error))?;
    drop(opened);
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let order = order(&plan.launch, u32::try_from(processors).unwrap_or(1)).map_err(|error| {
        Error::Plan(PlanError {
            what: "the command cannot be started on Windows".into(),
            why: error.to_string(),
            hint: error.hint().into(),
        })
    })?;
    let state = state_directory()?;
    let writable = changes::writable(&boundaries, &surroundings.context.tmp);
    drop(boundaries);
    Ok(Prepared {
        surroundings,
        policy,
        facts: found,
        plan,
        order,
        state,
        environment: request.environment.clone(),
        arguments: command.arguments,
        variables: environment,
        approver: request.approver.clone(),
        user_policy: request.policy.clone().unwrap_or(files.policy),
        mended: request.mended.clone(),
        wants_terminal: request.terminal.is_some(),
        writable,
        keeping,
        sharing,
        log: SessionLog::new(request.recording.clone(), place),
    })
}

impl Prepared {
    /// This process, as others are told of it.
    fn holder(&self) -> Holder {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let workspace = self.facts.context.workspace.clone();
        Holder { process: std::process::id(), since, workspace, shared: self.sharing.shared() }
    }

    /// The directory of the sandbox's own.
    fn private(&self) -> Result<PathBuf, Error> {
        name(&self.facts.context.tmp)
            .map(PathBuf::from)
            .map_err(|error| failed("find your directories", error))
    }

    /// Garth's own executable, where it can be read inside: a container may not read where it was installed.
    fn runner(&self) -> Result<String, Error> {
        let own = std::env::current_exe().map_err(own_error)?;
        let program = if self.plan.tier == Tier::Container {
            let copy = self.private()?.join("garth-runner.exe");
            std::fs::copy(&own, &copy).map_err(own_error)?;
            copy
        } else {
            own
        };
        program.into_os_string().into_string().map_err(|path| {
            not_held(format!("garth's own path, {}, is no Unicode", PathBuf::from(path).display()))
        })
    }

    /// The network that the plan leads to, under way.
    fn network(
        &self,
        program: &str,
        order: &mut LaunchSpec,
        asker: Option<&Arc<Asker>>,
    ) -> Result<Option<Network>, Error> {
        let Some(planned) = &self.plan.launch.relay else { return Ok(None) };
        let network = Network::start(self, planned, program, asker)?;
        network.adapt(order, planned, &self.private()?)?;
        Ok(Some(network))
    }
}

fn own_error(error: std::io::Error) -> Error {
    let code = error.raw_os_error().unwrap_or(0);
    Error::Os {
        step: "try the sandbox".into(),
        error: garth_host::OsError::new("prepare", "the canary", code),
    }
}

/// Says that a run comes, before anything else: what takes time and depends on nothing begins beside the rest.
pub fn expect_run() {
    // Who needs them is told what failed.
    let _known = directories();
}

/// Undoes what dead sessions left. It comes before [`prepare`] for a run: a plan that is made of what they left, such as a
/// placeholder in place of a directory, does not fit what is there when it is carried out. What was undone, and what could
/// not be.
///
/// # Errors
/// When the journal cannot be read.
pub fn recover() -> Result<Vec<String>, Error> {
    mended(&open_journal()?)
}

/// Undoes what dead sessions left in a workspace, so that it is the user's alone.
///
/// # Errors
/// When a sandbox stands there, or the journal cannot be read.
pub fn settled(workspace: &AbsPath) -> Result<(), Error> {
    // What could not be undone is told by `garth clean`.
    let _told = recover()?;
    vacant(workspace)
}

/// No sandbox stands in a workspace.
pub(crate) fn vacant(workspace: &AbsPath) -> Result<(), Error> {
    open_journal()?.vacant(workspace).map_err(|error| failed("change the workspace", error))
}

fn open_journal() -> Result<Journal, Error> {
    Ok(Journal::at(&state_directory()?.join("journal")))
}

fn mended(journal: &Journal) -> Result<Vec<String>, Error> {
    journal.recover().map_err(|error| failed("mend what an earlier session left", error))
}

/// Undoes what dead sessions left, and what is kept for later ones, and records that. With `check` only tells what there is.
///
/// # Errors
/// When the journal cannot be read, or what was removed cannot be recorded.
pub fn clean(environment: &[(Vec<u8>, Vec<u8>)], check: bool) -> Result<Vec<String>, Error> {
    let step = "clean up";
    let journal = open_journal()?;
    let done = if check { journal.left() } else { journal.clean() };
    let mut done = done.map_err(|error| failed(step, error))?;
    for directory in crate::undo::Checkpoints::new(&state()?).unfinished() {
        if !check {
            crate::undo::remove_directory(&directory)?;
        }
        done.push(directory.display().to_string());
    }
    if !check {
        crate::audit_clean::record(environment, &done)?;
    }
    Ok(done)
}

fn not_held(why: String) -> Error {
    Error::Plan(PlanError {
        what: "this system does not hold what garth orders, so nothing was run".into(),
        why,
        hint: "`garth doctor` shows which tiers work here".into(),
    })
}

/// Since when a workspace is held, for people.
fn since(holder: &Holder) -> String {
    let micros = i64::try_from(holder.since).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let text = Moment::from_micros(micros).to_string();
    format!("{} UTC", text.split('.').next().unwrap_or(&text).replace('T', " "))
}

fn failed(step: &str, error: HostError) -> Error {
    match error {
        HostError::NotAsOrdered(_) | HostError::NotKept { .. } => not_held(error.to_string()),
        HostError::InTheWay { what, why, hint } => Error::Plan(PlanError { what, why, hint }),
        HostError::Held(ref holder) => Error::Plan(PlanError {
            what: format!("{} is in use by another garth, and nothing was changed", holder.workspace),
            why: format!("process {} has a sandbox there since {}", holder.process, since(holder)),
            hint: error.remedy().unwrap_or_default(),
        }),
        other => Error::os(step)(other.into_os()),
    }
}

/// Where garth keeps what it has to remember.
fn state_directory() -> Result<PathBuf, Error> {
    Ok(os_path(&state()?))
}

/// The same, as policies write paths.
pub(crate) fn state() -> Result<AbsPath, Error> {
    let local = known_directories()?.local_app_data;
    local.join(b"garth").map_err(|error| Error::Policy(error.to_string()))
}

/// The user's profile.
pub(crate) fn profile() -> Result<AbsPath, Error> {
    Ok(known_directories()?.profile)
}

/// Where administrators keep what programs have to remember.
pub(crate) fn program_data() -> Result<AbsPath, Error> {
    Ok(known_directories()?.program_data)
}

fn known_directories() -> Result<Directories, Error> {
    directories().map_err(|error| failed("find your directories", error))
}

/// The size of the user's terminal, if standard output is one.
#[must_use]
pub fn terminal_size() -> Option<TerminalSize> {
    let [_, output, _] = garth_host::windows::sys::console::standard_streams();
    output.and_then(|output| garth_host::windows::sys::console::size(output.as_handle()))
}
