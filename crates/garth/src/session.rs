//! The one orchestrator: a list of steps, each with data in and out.

use crate::place::{Surroundings, surroundings};
use crate::Error;
use garth_host::linux::broker::launch::{self, Runner};
use garth_host::linux::broker::{terminal, wait};
use garth_host::linux::supervise::Denied;
use garth_host::linux::{facts, message::Ending};
use garth_plan::assurance::gate;
use garth_plan::facts::{Command, HostFacts};
use garth_plan::linux::{Plan, further_questions, lower, questions};
use garth_policy::{Access, AbsPath, FileRule, Origin, Pattern, Policy, Profile, RuleKind};

pub use garth_host::linux::broker::wait::Outcome;

/// What to run, and with which limits.
#[derive(Clone, Debug)]
pub struct Request {
    /// The command; the first word names the program.
    pub arguments: Vec<Vec<u8>>,
    /// The built-in profile, when it is not the policy's own.
    pub profile: Option<Profile>,
    /// The workspace, when it is not to be searched for.
    pub workspace: Option<AbsPath>,
    /// Gaps that the user accepts by name.
    pub accept: Vec<String>,
    /// The caller's environment.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The target may get a terminal of its own, if garth has one.
    pub terminal: bool,
}

/// A plan that has not been carried out.
#[derive(Debug)]
pub struct Prepared {
    /// Where the user stands.
    pub surroundings: Surroundings,
    /// The policy in force.
    pub policy: Policy,
    /// What was read of the machine.
    pub facts: HostFacts,
    /// The command.
    pub command: Command,
    /// The plan.
    pub plan: Plan,
}

/// How a sandbox ended.
#[derive(Debug)]
pub struct Ended {
    /// What came of it.
    pub outcome: Outcome,
    /// What was refused, in order.
    pub denied: Vec<Denied>,
}

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    runner: Runner,
    signals: wait::Watched,
    time: Option<std::time::Duration>,
}

/// Makes a plan: policy, questions, facts, lowering.
///
/// # Errors
/// See [`Error`].
pub fn prepare(request: &Request) -> Result<Prepared, Error> {
    let surroundings = surroundings(request.workspace.as_ref(), &request.environment)?;
    let mut policy = load(request, &surroundings);
    add_private_home(&mut policy, &surroundings.context.home);
    let mut facts = facts::facts(&questions(&policy));
    let more = further_questions(&policy, &facts);
    facts::extend(&mut facts, &more);
    let command = Command {
        arguments: request.arguments.clone(),
        directory: surroundings.directory.clone(),
        logical_directory: surroundings.logical.clone(),
        environment: request.environment.clone(),
        terminal: (request.terminal && terminal::interactive()).then(terminal::size).flatten(),
    };
    let mut plan = lower(&policy, &facts, &command).map_err(Error::Plan)?;
    plan.accepted.extend(request.accept.iter().cloned());
    Ok(Prepared { surroundings, policy, facts, command, plan })
}

fn load(request: &Request, surroundings: &Surroundings) -> Policy {
    Policy::builtin(request.profile.unwrap_or(Profile::Workspace), &surroundings.context)
}

/// A home that tools can use: what the policy does not name in it is the sandbox's own, empty and writable.
fn add_private_home(policy: &mut Policy, home: &AbsPath) {
    policy.files.push(FileRule {
        pattern: Pattern::Path(home.clone()),
        access: Access::Write,
        execute: true,
        kind: RuleKind::Base,
        reason: "a home of the sandbox's own".into(),
        origin: Origin::unplaced(garth_policy::Layer::Profile, "garth"),
    });
    policy.files.add_private(home.clone());
}

impl Prepared {
    /// The gate: every clause is enforced, or its gap accepted.
    ///
    /// # Errors
    /// [`Error::NotEnforced`] with the clauses.
    pub fn gate(&self) -> Result<(), Error> {
        gate(&self.plan.assurance, &self.plan.accepted)
            .map_err(|rows| Error::NotEnforced(rows.into_iter().cloned().collect()))
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// The gate, or a step of the launch.
    pub fn launch(&self) -> Result<Sandbox, Error> {
        self.gate()?;
        let signals = wait::watch_signals().map_err(Error::os("start the sandbox"))?;
        let runner = launch::launch(&self.plan.spec, None).map_err(Error::os("start the sandbox"))?;
        let time = self.policy.limits.time.as_ref().map(|limit| limit.value);
        Ok(Sandbox { runner, signals, time })
    }
}

impl Sandbox {
    /// Waits for the end. `observe` sees every refusal as it happens.
    ///
    /// # Errors
    /// A failed system call of the broker.
    pub fn wait(self, observe: &mut dyn FnMut(&Denied)) -> Result<Ended, Error> {
        let mut denied = Vec::new();
        let outcome = wait::wait(self.runner, &self.signals, self.time, &mut |event| {
            observe(&event);
            denied.push(event);
        })
        .map_err(Error::os("wait for the sandbox"))?;
        Ok(Ended { outcome, denied })
    }
}

/// The exit code that tells how a target ended; ends this process by the target's signal, if one ended it.
#[must_use]
pub fn exit_like(ending: &Ending) -> u8 {
    wait::exit_like(ending)
}
