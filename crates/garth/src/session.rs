//! The one orchestrator: a list of steps, each with data in and out.

mod absent;
mod agent;
mod end;
mod events;
mod undo;

pub use end::{exit_like, repository};

use crate::Error;
use crate::agents::{self, AgentEnd};
use crate::approval::{Approval, Approve, Asker, Reply};
use crate::audit::{Place, Recording, gaps, tell, words};
use crate::commands::{Commands, DeniedCommand};
use crate::egress::Egress;
use crate::files::{load_policy, user_files};
use crate::place::{Surroundings, surroundings};
use crate::session_log::SessionLog;
use crate::undo::{LayerEnd, LiveLayer, Planned};
use crate::vetting::{Vetting, first_obstacle, restricts};
use end::usage_since;
use garth_audit::core::{PlanChanged, ProcessStarted};
use garth_egress::core::{Decided, Fault};
use garth_host::OsError;
use garth_host::linux::broker::descriptors;
use garth_host::linux::broker::early::{self, EarlyRunner};
use garth_host::linux::broker::launch::{self, Runner, namespaces_refused};
use garth_host::linux::broker::{console, terminal, wait};
use garth_host::linux::change_lock;
use garth_host::linux::control_group;
use garth_host::linux::facts;
use garth_host::linux::inside::canary;
use garth_host::linux::inside::egress::redirect_refused;
use garth_host::linux::inside::run::VIEW_STEP;
use garth_host::linux::inside::told as hearing;
use garth_host::linux::journal::{Journal, SessionDirectory};
pub use garth_host::linux::message::Ending;
use garth_host::linux::supervise::{Denied, Used};
use garth_plan::assurance::gate;
use garth_plan::facts::{Command, HostFacts};
use garth_plan::linux::spec::{LaunchSpec, Tier};
use garth_plan::linux::{Plan, Report, SESSION, further_questions, lower, questions};
use garth_policy::{
    AbsPath, Access, ApprovalMode, FileOp, FileRule, Flag, Layer, Origin, Pattern, Policy, RuleKind,
    SecretSource, agent_named,
};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use garth_host::linux::broker::wait::Outcome;

/// What to run, and with which limits.
#[derive(Clone, Debug)]
pub struct Request {
    /// The command; the first word names the program.
    pub arguments: Vec<Vec<u8>>,
    /// The workspace, when it is not to be searched for.
    pub workspace: Option<AbsPath>,
    /// A policy file that replaces the user's own.
    pub policy: Option<AbsPath>,
    /// The command line as a layer of the policy.
    pub flags: Vec<Flag>,
    /// The caller's environment.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The target may get a terminal of its own, if garth has one.
    pub terminal: bool,
    /// Do without namespaces, as on a machine that refuses them.
    pub without_namespaces: bool,
    /// Do without redirected connections, as on a machine whose kernel cannot redirect.
    pub without_redirect: bool,
    /// How much the assurance is to say.
    pub report: Report,
    /// Who answers where the policy says `ask`; without somebody that is refused.
    pub approver: Option<Arc<dyn Approve>>,
    /// How the session is recorded.
    pub recording: Recording,
    /// Where what the command changes in the workspace goes, if the policy does not ask for more.
    pub changes: Changes,
    /// Every use of a file is told, for learning what the command needs.
    pub observe: bool,
}

/// Where what a command changes in its workspace goes, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changes {
    /// Into the workspace.
    #[default]
    InPlace,
    /// Into the workspace, after a checkpoint was made of it.
    Checkpoint,
    /// Into a layer, which is put in place later, or never.
    Layer,
}

/// A plan that has not been carried out.
#[derive(Debug)]
pub struct Prepared {
    /// Where the user stands.
    pub surroundings: Surroundings,
    /// The policy in force.
    pub policy: Policy,
    /// What should be said about the policy files.
    pub warnings: Vec<String>,
    /// What was read of the machine.
    pub facts: HostFacts,
    /// The command.
    pub command: Command,
    /// The plan.
    pub plan: Plan,
    journal: Journal,
    early: Option<EarlyRunner>,
    layer: Option<Planned>,
    agent: agent::Keeping,
    approver: Option<Arc<dyn Approve>>,
    /// The file to which the user's lines are added.
    user_policy: AbsPath,
    log: SessionLog,
    keeping: undo::Keeping,
    stock: undo::Stock,
}

/// Starts a runner that makes its namespaces while the plan is made. Call it before anything else, and give what it
/// returns to [`Prepared::use_runner`]; `None` where it cannot be done, which only costs time.
#[must_use]
pub fn early_runner() -> Option<EarlyRunner> {
    early::start().ok()
}

/// How a sandbox ended.
#[derive(Debug)]
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// What was refused, in order.
    pub denied: Vec<Denied>,
    /// Programs that were not let start because a rule says so, each once.
    pub commands: Vec<DeniedCommand>,
    /// Hosts that could not be reached because a rule says so, each once.
    pub refused: Vec<Decided>,
    /// What failed in the network's broker itself, each once.
    pub faults: Vec<Fault>,
    /// What was asked, in order.
    pub approvals: Vec<Approval>,
    /// A limit that was met and did not end it.
    pub limited: Option<String>,
    /// Why the session is not recorded, or not to its end, though a log was wanted.
    pub unrecorded: Option<String>,
    /// The layer that holds what it changed, if it had one.
    pub layer: Option<LayerEnd>,
    /// What became of what its agent changed of its own, if it was for one.
    pub agent: Option<AgentEnd>,
    /// What it used, if that was to be observed.
    pub used: Vec<Used>,
    /// It used more than that.
    pub used_more: bool,
}

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox<'p> {
    prepared: &'p Prepared,
    runner: Runner,
    signals: wait::Watched,
    time: Option<Duration>,
    egress: Option<Egress>,
    commands: Commands,
    asker: Option<Arc<Asker>>,
    questions: Option<console::Questions>,
    group: Option<control_group::Made>,
    layer: Option<LiveLayer>,
    agent: Option<agents::Live>,
    _directory: Option<SessionDirectory>,
}

/// Makes a plan: policy, questions, facts, lowering.
///
/// # Errors
/// See [`Error`].
pub fn prepare(request: &Request) -> Result<Prepared, Error> {
    let surroundings = surroundings(request.workspace.as_ref(), &request.environment)?;
    let loaded = load_policy(&surroundings, &request.environment, request.policy.as_ref(), &request.flags)?;
    let mut policy = loaded.policy;
    policy.commands.settle(agent_named(&request.flags));
    policy.audit.settle(agent_named(&request.flags));
    policy.files.add_private_home(&surroundings.context.home);
    hide_secrets(&mut policy);
    let files = user_files(&surroundings.context.home, &request.environment)?;
    hide_state(&mut policy, &surroundings.context.home, &files.state);
    let state = crate::place::followed(&files.state);
    if state != files.state {
        hide_state(&mut policy, &surroundings.context.home, &state);
    }
    let place = Place::find(&policy, &files.state, request.recording.write)?;
    place.hide(&mut policy, request.recording.file.as_ref());
    let boundaries = policy.files.boundaries();
    place.stays_hidden(&boundaries)?;
    let mut facts = facts::facts(&questions(&policy, &boundaries));
    let more = further_questions(&policy, &facts);
    facts::extend(&mut facts, &more);
    if request.without_namespaces {
        facts.features.namespaces_refused = Some("you asked to do without them".into());
    }
    if request.without_redirect {
        facts.features.redirect_refused = Some("you asked to do without it".into());
    }
    undo::ask_for(&mut policy.undo, request.changes);
    let (mut layer, layers, mut keeping) =
        undo::lay(&mut policy.undo, &surroundings, &request.environment, &request.arguments)?;
    let (agent, kept) = agent::keep(&surroundings, request, &policy)?;
    let mut command = Command {
        arguments: request.arguments.clone(),
        directory: surroundings.directory.clone(),
        logical_directory: surroundings.logical.clone(),
        environment: request.environment.clone(),
        terminal: (request.terminal && terminal::interactive()).then(terminal::size).flatten(),
        layers,
        kept,
        observe: request.observe,
    };
    let mut plan = lower(&policy, &boundaries, &facts, &command, request.report);
    if let Err(error) = plan.as_ref()
        && layer.is_some()
    {
        keeping.fall_back(&mut policy.undo, Error::Plan(error.clone()))?;
        (layer, command.layers) = (None, Vec::new());
        plan = lower(&policy, &boundaries, &facts, &command, request.report);
    }
    let plan = plan.map_err(Error::Plan)?;
    let warnings = if loaded.warnings.is_empty() { Vec::new() } else { vec![loaded.warnings.render(false)] };
    let journal = Journal::new(as_path(&files.state));
    let approver = request.approver.clone();
    let user_policy = request.policy.clone().unwrap_or(files.policy);
    Ok(Prepared {
        surroundings,
        policy,
        warnings,
        facts,
        command,
        plan,
        journal,
        early: None,
        layer,
        agent,
        approver,
        user_policy,
        log: SessionLog::new(request.recording.clone(), place),
        keeping,
        stock: undo::Stock::default(),
    })
}

pub(crate) fn as_path(path: &AbsPath) -> &Path {
    Path::new(OsStr::from_bytes(path.as_bytes()))
}

/// The files that hold secrets of the network: what the broker puts in is not for the target to read.
fn hide_secrets(policy: &mut Policy) {
    let secrets = policy.network.secrets.iter().map(|secret| (&secret.from, &secret.origin));
    let proxy =
        policy.network.proxy.iter().filter_map(|rule| Some((rule.credentials.as_ref()?, &rule.origin)));
    for (from, origin) in secrets.chain(proxy) {
        let SecretSource::File(path) = from else { continue };
        policy.files.push(FileRule {
            pattern: Pattern::Path(path.clone()),
            access: Access::Deny,
            execute: true,
            kind: RuleKind::Secret,
            reason: "it holds a secret that the network puts in".into(),
            origin: origin.clone(),
        });
    }
}

/// garth's own state, where the user keeps it in another place than that of the built-in list: layers, checkpoints and the
/// trust store are not for the target to read or write.
fn hide_state(policy: &mut Policy, home: &AbsPath, state: &AbsPath) {
    if home.join(b".local/state/garth").is_ok_and(|usual| usual == *state) {
        return;
    }
    policy.files.push(FileRule {
        pattern: Pattern::Path(state.clone()),
        access: Access::Deny,
        execute: true,
        kind: RuleKind::Secret,
        reason: "it holds layers, checkpoints and the trust store of garth".into(),
        origin: Origin::unplaced(Layer::Profile, "garth"),
    });
}

impl Prepared {
    /// Runs in this runner, if the plan has a use for it.
    #[must_use]
    pub fn use_runner(mut self, early: Option<EarlyRunner>) -> Self {
        self.early = early;
        self
    }

    /// The gate: every clause is enforced, or its gap accepted.
    ///
    /// # Errors
    /// [`Error::NotEnforced`] with the clauses.
    pub fn gate(&self) -> Result<(), Error> {
        gate(&self.plan.assurance, &self.plan.accepted)
            .map_err(|rows| Error::NotEnforced(rows.into_iter().cloned().collect()))
    }

    /// Runs the command to its end, and records that. A machine that turns out to refuse namespaces, or to redirect connections, gets a new
    /// plan without them, which has to pass the gate as well; the target has not been started by then.
    ///
    /// # Errors
    /// The gate, a step of the launch, and a log that the policy requires and that cannot be written.
    pub fn run(&mut self, observe: &mut dyn FnMut(&Denied)) -> Result<Ended, Error> {
        fit_streams()?;
        let (start, before) = (Instant::now(), launch::used().ok());
        let result = self.begin().and_then(|()| self.carry_out(observe)).and_then(layer_holds);
        let result = self.recorded().and(result);
        self.log.settle();
        if result.is_ok() {
            self.tell_since_checkpoint();
        }
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ended = || events::ended(&result, milliseconds, usage_since(before));
        self.log.end(|| events::started(self), ended);
        // The last record counts too.
        let mut result = self.recorded().and(result);
        if let Ok(ended) = &mut result {
            ended.unrecorded = self.log.lost();
        }
        result
    }

    /// Opens the log, where there is none yet, and tells it how the session starts.
    fn begin(&mut self) -> Result<(), Error> {
        if self.log.open(&self.policy, &self.command.environment)? {
            tell(&self.log.recorder, || events::started(self));
        }
        self.recorded()
    }

    /// The lock that all sandboxes of this user take turns by.
    fn change_lock(&self) -> Option<OwnedFd> {
        let state = self.journal.state();
        let own = AbsPath::posix(state.as_os_str().as_encoded_bytes()).ok()?;
        let logs = crate::audit::log_directory(&self.policy, &own).ok()?;
        change_lock::open(as_path(&logs), state)
    }

    fn release_log(&self) {
        self.log.release(|| events::started(self));
    }

    fn recorded(&self) -> Result<(), Error> {
        self.log.holds(&self.policy)
    }

    /// What starting the command itself uses: that is let pass before anything is observed.
    #[must_use]
    pub fn target_uses(&self) -> Vec<Used> {
        let found = self.plan.spec.target.programs.iter().find_map(|path| {
            facts::look(&AbsPath::posix(path.clone()).ok()?).map(|object| object.final_path)
        });
        let used = |path| Used { path, op: FileOp::Execute, found: true, program: "garth".into() };
        let directory = self.command.directory.clone();
        let listed = Used { path: directory, op: FileOp::List, found: true, program: "garth".into() };
        found.map(used).into_iter().chain([listed]).collect()
    }

    /// The session's log, while it runs and afterwards; `None` before it and where nothing is recorded.
    #[must_use]
    pub fn log(&self) -> Option<&Arc<garth_audit::io::Log>> {
        self.log.recorder.as_ref()
    }

    fn carry_out(&mut self, observe: &mut dyn FnMut(&Denied)) -> Result<Ended, Error> {
        match self.try_run(observe) {
            Err(Error::Os { error, .. }) if self.process_tier() && namespaces_refused(&error) => {
                self.without_namespaces(&error)?;
                self.try_run(observe)
            }
            Ok(Ended { outcome: Outcome::Failed { step, error }, .. })
                if self.process_tier()
                    && (namespaces_refused(&error) || (step == VIEW_STEP && error.code == libc_eperm())) =>
            {
                self.without_namespaces(&error)?;
                self.try_run(observe)
            }
            Ok(Ended { outcome: Outcome::Failed { error, .. }, .. })
                if self.facts.features.redirect_refused.is_none() && redirect_refused(&error) =>
            {
                self.facts.features.redirect_refused = Some(error.to_string());
                self.lower_again(&error)?;
                self.try_run(observe)
            }
            Ok(Ended { outcome: Outcome::Failed { step, error }, .. }) if step == hearing::STEP => {
                self.facts.features.own_file_systems_refused = Some(error.to_string());
                self.lower_again(&error)?;
                self.try_run(observe)
            }
            Ok(ended) if self.is_keeping_refused(&ended.outcome) => self.without_keeping(&ended, observe),
            Ok(ended) if self.layer.is_some() && undo::is_layer_refused(&ended.outcome).is_some() => {
                self.without_layer_run(ended, observe)
            }
            Err(Error::Os { error, .. }) if self.plan.group.is_some() && control_group::refused(&error) => {
                self.facts.control_group = None;
                self.lower_again(&error)?;
                self.try_run(observe)
            }
            other => other,
        }
    }

    /// The kernel's overlay does not take the workspace: again without it, if the policy says that a checkpoint will do.
    fn without_layer_run(&mut self, ended: Ended, observe: &mut dyn FnMut(&Denied)) -> Result<Ended, Error> {
        let Outcome::Failed { error, .. } = &ended.outcome else { return Ok(ended) };
        self.give_layer_up(undo::no_overlay(error))?;
        self.lower_again(error)?;
        self.try_run(observe)
    }

    fn process_tier(&self) -> bool {
        self.plan.spec.tier == Tier::Process
    }

    fn without_namespaces(&mut self, why: &OsError) -> Result<(), Error> {
        self.facts.features.namespaces_refused = Some(why.to_string());
        self.lower_again(why)
    }

    fn lower_again(&mut self, why: &OsError) -> Result<(), Error> {
        let again = |prepared: &Self| {
            let boundaries = prepared.policy.files.boundaries();
            lower(&prepared.policy, &boundaries, &prepared.facts, &prepared.command, Report::Gaps)
        };
        let plan = match again(self) {
            Err(error) if self.layer.is_some() => {
                self.give_layer_up(Error::Plan(error))?;
                again(self)
            }
            other => other,
        };
        self.plan = plan.map_err(Error::Plan)?;
        tell(&self.log.recorder, || PlanChanged {
            tier: events::tier(self).to_owned(),
            reason: why.to_string(),
            gaps: gaps(&self.plan.assurance),
        });
        Ok(())
    }

    fn try_run(&mut self, observe: &mut dyn FnMut(&Denied)) -> Result<Ended, Error> {
        self.launch()?.wait(observe).and_then(network_holds)
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// The gate, or a step of the launch.
    pub fn launch(&mut self) -> Result<Sandbox<'_>, Error> {
        self.begin()?;
        self.gate()?;
        self.keep_first()?;
        let starting = || Error::os("start the sandbox");
        let directory = if self.plan.session_directory { Some(self.session_directory()?) } else { None };
        let mut spec = match &directory {
            Some(directory) => Cow::Owned(with_directory(&self.plan.spec, directory.path())),
            None => Cow::Borrowed(&self.plan.spec),
        };
        if let (None, Some(order)) = (&self.log.recorder, &mut self.plan.supervision) {
            (order.processes, order.changes) = (false, false);
        }
        let supervised = self.plan.supervision.as_ref().map(|order| (order, &self.policy.files));
        // Before any thread is started: all of them have to leave the signals alone.
        let signals = wait::watch_signals().map_err(starting())?;
        let (asker, questions) = self.asker()?.unzip();
        // Only for questions: making it takes longer than all the rest of a start.
        let may_ask = asker.is_some() && restricts(&self.policy);
        let vetting = may_ask.then(|| Vetting::of(&self.policy, &self.surroundings)).transpose()?;
        let rules = self.policy.commands.clone();
        let commands = Commands::new(rules, vetting, asker.clone(), self.log.recorder.clone());
        let obstacle = first_obstacle(&self.policy, &self.surroundings, &self.plan.spec.target)?;
        commands.judge_first(obstacle, &self.command.arguments, |asker, subject, reason| {
            let served = questions.as_ref().and_then(|questions| {
                // Whoever waits for the sandbox owns the terminal.
                questions.serve(|| asker.ask(subject, None, reason))
            });
            served.is_some_and(Reply::is_yes)
        })?;
        let mut egress = Egress::prepare(
            &self.policy,
            &spec,
            &self.command.environment,
            &self.surroundings.context,
            asker.clone(),
            &self.log.recorder,
        )?;
        if let Some(egress) = &egress {
            egress.adapt(spec.to_mut(), &self.command.environment);
        }
        let layer = self.layer.as_ref().map(|planned| planned.make(&self.facts)).transpose()?;
        let agent = self.agent.begin(&spec.view)?;
        let group = self.plan.group.as_ref().map(|plan| control_group::Made::new(&self.journal, plan));
        let group = group.transpose().map_err(starting())?;
        let door = group.as_ref().map(control_group::Made::door).transpose().map_err(starting())?;
        // A runner enters its group before it executes; one that waits already has no way in.
        let fits = spec.tier == Tier::Process && door.is_none();
        let runner = match self.early.take().filter(|_| fits) {
            Some(early) => early.launch(&spec, supervised),
            None => launch::launch(&spec, supervised, door),
        }
        .map_err(starting())?;
        if let Some(egress) = &mut egress {
            descriptors::raise();
            egress.begin()?;
            egress.know(&runner)?;
            egress.publish(&runner)?;
        }
        self.watch_log(&runner)?;
        self.log.prune(&self.policy, &self.command.environment);
        let time = self.policy.limits.time.as_ref().map(|limit| limit.value);
        Ok(Sandbox {
            runner,
            signals,
            time,
            egress,
            commands,
            asker,
            questions,
            group,
            layer,
            agent,
            prepared: self,
            _directory: directory,
        })
    }

    /// Tells that the command starts. When a log that the policy requires is lost, everything inside is killed at once.
    fn watch_log(&self, runner: &Runner) -> Result<(), Error> {
        let Some(log) = &self.log.recorder else { return Ok(()) };
        let command = words(&self.command.arguments);
        let program = command.first().cloned().unwrap_or_default();
        log.record(ProcessStarted { process: None, program, command, parent: None });
        if log.is_required() {
            let killer = runner.killer(self.process_tier()).map_err(Error::os("start the sandbox"))?;
            log.on_loss(move || killer.kill());
        }
        Ok(())
    }

    /// Who is asked, and where questions on the terminal arrive; `None` if nobody is.
    fn asker(&self) -> Result<Option<(Arc<Asker>, console::Questions)>, Error> {
        let approvals = &self.policy.approvals;
        let Some(approver) = self.approver.as_ref().filter(|_| approvals.mode.value == ApprovalMode::Ask)
        else {
            return Ok(None);
        };
        let (console, questions) = console::console().map_err(Error::os("start the sandbox"))?;
        let (approver, file) = (Arc::clone(approver), self.user_policy.clone());
        let (timeout, recorder) = (approvals.timeout.value, self.log.recorder.clone());
        let asker = Asker::new(approver, console, file, timeout, recorder);
        let asker = asker.with_doors(&self.command.environment);
        Ok(Some((Arc::new(asker), questions)))
    }

    fn session_directory(&self) -> Result<SessionDirectory, Error> {
        self.journal.make_directory(Path::new("/tmp")).map_err(Error::os("make a private directory"))
    }
}

/// A machine on which the network does not do what the policy says is one that cannot hold it.
fn network_holds(ended: Ended) -> Result<Ended, Error> {
    match &ended.outcome {
        Outcome::Failed { step, error } if step == canary::STEP => Err(Error::Workspace {
            what: "the network of the sandbox does not hold what the policy says, so nothing was run".into(),
            why: error.to_string(),
            hint: error.remedy.clone().unwrap_or_else(|| "see `garth doctor`".into()),
        }),
        _ => Ok(ended),
    }
}

/// Not every file system can hold a layer.
/// Refuses a target whose standard streams would lead it past its view.
fn fit_streams() -> Result<(), Error> {
    let Some((stream, what)) = descriptors::unfit_stream() else { return Ok(()) };
    Err(Error::Stream {
        what: format!("{stream} is {what}, and cannot be handed to a sandbox"),
        why: "from it `..` leads through the whole tree of this machine, whatever the policy shows".into(),
        hint: "redirect it from or to a file, or /dev/null".into(),
    })
}

fn layer_holds(ended: Ended) -> Result<Ended, Error> {
    match undo::is_layer_refused(&ended.outcome) {
        Some(error) => Err(undo::no_overlay(error)),
        None => Ok(ended),
    }
}

/// `EPERM` of `errno(3)`, the same number on every Linux.
const fn libc_eperm() -> i32 {
    1
}

/// The order with the private directory where the plan has a placeholder for it.
fn with_directory(spec: &LaunchSpec, directory: &Path) -> LaunchSpec {
    let mut spec = spec.clone();
    let bytes = directory.as_os_str().as_bytes();
    for rule in &mut spec.landlock.rules {
        if rule.path.as_bytes() == SESSION.as_bytes()
            && let Ok(path) = AbsPath::posix(bytes)
        {
            rule.path = path;
        }
    }
    for string in &mut spec.target.environment {
        if string.ends_with(SESSION.as_bytes()) && string.contains(&b'=') {
            string.truncate(string.len() - SESSION.len());
            string.extend_from_slice(bytes);
        }
    }
    spec
}
