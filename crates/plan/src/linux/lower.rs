//! Policy, facts and command to a plan.

use super::bpf::{self, Options};
use super::confinement::{self, Split, rights};
use super::group;
use super::limit_rows::MEMORY_GAP;
use super::rows::{Held, Rules};
use super::spec::{Group, Landlock, LandlockRule, LaunchSpec, Limits, Supervision, Target, Tier, ViewStep};
use super::strangers::{self, ROOT_GAP};
use super::syscalls::Arch;
use super::view::{self, Source, View};
use super::{environment, links, network, rows, ssh, told, trust};
use crate::assurance::Assurance;
use crate::facts::{Command, HostFacts};
use garth_policy::{AbsPath, Access, Boundary, Policy, Profile, Reads};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A finished plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The order to the runner.
    pub spec: LaunchSpec,
    /// What the runner supervises; `None` when nothing is writable in the user's tree.
    pub supervision: Option<Supervision>,
    /// The control group that the broker makes, if limits need one and it may.
    pub group: Option<Group>,
    /// How each clause is held.
    pub assurance: Assurance,
    /// Gaps that the policy accepts.
    pub accepted: Vec<String>,
    /// A private directory that the host has to make first (tier `landlock`); its place is filled in as
    /// [`SESSION`] until then.
    pub session_directory: bool,
    /// Variables of the caller that do not enter.
    pub dropped_variables: usize,
}

/// Stands for the private directory of a session until it exists.
pub const SESSION: &str = "/garth-session";

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanError {
    /// What cannot be done.
    pub what: String,
    /// Why.
    pub why: String,
    /// What helps.
    pub hint: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\nhint: {}", self.what, self.why, self.hint)
    }
}

impl std::error::Error for PlanError {}

/// The gap that every profile but `strict` accepts: supervising each deletion doubles the cost of deleting
/// a tree, and a deletion makes nothing that a host would run.
pub const DELETE_GAP: &str = "linux.protected.delete";

/// A gap of the built-in list of credentials that every profile but `strict` accepts: one that is absent in a
/// directory that the sandbox sees, and is made outside while it stands. For a rule of a policy file the gap is
/// `linux.files.absent`, and nobody has accepted it.
pub const ABSENT_GAP: &str = "linux.secrets.absent";

/// A gap that every profile accepts: the kernel does not say where the other names of a file are, so denied files are
/// looked at instead, those that a rule names and those directly in a directory that a rule names.
pub const HARD_LINK_GAP: &str = "linux.hard-links.read";

/// A gap that every profile accepts: what a program does is not all in its words, and no rule for commands takes the
/// place of containment (P6).
pub const COMMANDS_GAP: &str = "linux.commands.words";

/// A gap that every profile accepts: refused reads are told by a file system of the sandbox's own, which not every machine
/// lets a user make. They are refused all the same.
pub const TOLD_GAP: &str = "linux.reads.told";

/// How much the assurance is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// One row per clause.
    All,
    /// Only the clauses that are not fully enforced: all that the gate looks at.
    Gaps,
}

/// Lowers to the strongest tier that the machine offers. `boundaries` are those of the policy's file rules.
///
/// # Errors
/// When the machine offers none, or the command cannot be started at all.
pub fn lower(
    policy: &Policy,
    boundaries: &[Boundary<'_>],
    facts: &HostFacts,
    command: &Command,
    report: Report,
) -> Result<Plan, PlanError> {
    let arch = architecture(facts)?;
    if command.arguments.is_empty() {
        return Err(PlanError {
            what: "no command to run".into(),
            why: "nothing follows `--`".into(),
            hint: "garth run -- <command>".into(),
        });
    }
    if facts.features.landlock == 0 || !facts.features.supervision {
        return Err(PlanError {
            what: "this kernel cannot hold a sandbox".into(),
            why: "Landlock and seccomp supervision are both needed, and one is missing or switched off"
                .into(),
            hint:
                "use Linux 5.19 or newer with `landlock` in the list of security modules; see `garth doctor`"
                    .into(),
        });
    }
    if let Some(error) = network::circle(policy) {
        return Err(error);
    }
    let rules = Rules { policy, boundaries, all: report == Report::All };
    match &facts.features.namespaces_refused {
        None => Ok(process_tier(rules, facts, command, arch)),
        Some(why) if !command.layers.is_empty() => Err(no_layer(why)),
        Some(_) => Ok(landlock_tier(rules, facts, command, arch)),
    }
}

/// A layer is a mount, and without namespaces there are none.
fn no_layer(why: &str) -> PlanError {
    PlanError {
        what: "the workspace cannot have a layer here".into(),
        why: format!("a layer is a mount in a namespace of its own, and this machine refuses those: {why}"),
        hint: "allow user namespaces (see `garth doctor`), or run with --checkpoint in place of --cow".into(),
    }
}

fn architecture(facts: &HostFacts) -> Result<Arch, PlanError> {
    match facts.features.arch.as_str() {
        "x86_64" => Ok(Arch::X86_64),
        "aarch64" => Ok(Arch::Aarch64),
        other => Err(PlanError {
            what: format!("garth does not know the processor architecture `{other}`"),
            why: "its system-call table holds x86_64 and aarch64".into(),
            hint: "run garth on one of these".into(),
        }),
    }
}

fn accepted(policy: &Policy) -> Vec<String> {
    let mut accepted: Vec<String> = policy.tier.accept.iter().map(|name| name.value.clone()).collect();
    accepted.extend([HARD_LINK_GAP, COMMANDS_GAP, TOLD_GAP, MEMORY_GAP].map(str::to_owned));
    if policy.profile.value != Profile::Strict {
        accepted.extend([DELETE_GAP, ABSENT_GAP, ROOT_GAP].map(str::to_owned));
    }
    accepted
}

fn process_tier(rules: Rules<'_>, facts: &HostFacts, command: &Command, arch: Arch) -> Plan {
    let Rules { policy, boundaries, .. } = rules;
    let mut view = view::lower(policy, boundaries, facts, command);
    let split = confinement::split(policy, boundaries, &view);
    let accepted = accepted(policy);
    let deletes = !accepted.iter().any(|gap| gap == DELETE_GAP);
    let changes = confinement::supervision(policy, boundaries, facts, &view, &split, true, deletes);
    let connects = !confinement::resolves(facts);
    let supervision = Supervision {
        connects,
        changes: changes.is_some() && command.layers.is_empty(),
        observe: command.observe,
        ..changes
            .clone()
            .unwrap_or_else(|| confinement::no_changes(policy, &split, links::linked(boundaries, facts)))
    };
    let group = group::lower(policy, facts.control_group.as_ref());
    let limits = limits(policy, facts, Tier::Process, group.as_ref());
    let looks = supervision.observe || supervision.trace || !supervision.linked.is_empty();
    let tells = tells(policy, facts);
    let options = Options {
        arch,
        supervise: changes.is_some() || looks || tells,
        deletes: supervision.deletes || supervision.observe,
        reads: supervision.reads || looks,
        tells,
        namespaces: policy.tier.nested.value,
        executes: true,
        no_sockets: false,
        connects,
        no_datagrams: connects,
        root: facts.user.uid == 0,
        // Namespaces that the target makes have numbers of their own.
        identity: (!policy.tier.nested.value).then_some((facts.user.uid, facts.user.gid)),
        bound: limits.processors.is_some(),
    };
    let landlock = confinement::domain(facts, &split, &supervision);
    let entered = environment::lower(policy, command, facts.user.uid, "/tmp");
    let assurance = rows::process(facts, rules, &view, changes.as_ref(), Held::new(&limits, group.as_ref()));
    let mut steps = std::mem::take(&mut view.steps);
    let mut network = network::lower(policy, facts.features.redirect_refused.is_none());
    if let Some(network) = network.as_mut().filter(|network| network.opens_tls) {
        network.trust = trust::stores(policy, facts);
    }
    if let Some(network) = &network {
        steps.extend(network::files(network, facts));
        steps.extend(ssh::files(policy, facts));
    }
    let target = target(command, entered.strings);
    let spec = LaunchSpec {
        tier: Tier::Process,
        mapped: strangers::mapped(facts, &steps),
        told: tells.then(|| told::layout(&steps)),
        named: names(policy, command, tells),
        view: steps,
        landlock,
        seccomp: bpf::compile(&options),
        supervised: true,
        network,
        limits,
        target,
    };
    Plan {
        spec,
        supervision: Some(supervision),
        group,
        assurance,
        accepted,
        session_directory: false,
        dropped_variables: entered.dropped,
    }
}

/// Whether refused reads are told by a file system below the view.
fn tells(policy: &Policy, facts: &HostFacts) -> bool {
    policy.audit.reads.value == Reads::Told && facts.features.own_file_systems_refused.is_none()
}

/// Whether refused reads that the words of a program name are told: where nothing tells of all, and nothing is observed.
fn names(policy: &Policy, command: &Command, tells: bool) -> bool {
    !tells && !command.observe && policy.audit.reads.value != Reads::Trace
}

fn target(command: &Command, environment: Vec<Vec<u8>>) -> Target {
    let name = command.arguments.first().map_or(&b""[..], Vec::as_slice);
    Target {
        programs: environment::programs(name, &environment),
        arguments: command.arguments.clone(),
        environment,
        directory: command.directory.clone(),
        terminal: command.terminal,
    }
}

fn limits(policy: &Policy, facts: &HostFacts, tier: Tier, group: Option<&Group>) -> Limits {
    // The kernel exempts the machine's root from RLIMIT_NPROC, and without a user namespace it would count
    // everything else that the user runs.
    let count = facts.user.uid == 0 || tier == Tier::Landlock;
    let mut limits = Limits {
        processes: policy.limits.processes.as_ref().map(|limit| limit.value),
        count_processes: count,
        memory: policy.limits.memory.as_ref().map(|limit| limit.value),
        file_size: policy.limits.file_size.as_ref().map(|limit| limit.value),
        processors: policy.limits.cpu.as_ref().and_then(|limit| group::processors(limit.value)),
    };
    group::relieve(&mut limits, group);
    limits
}

/// The tier without namespaces: the host's own tree, cut down by Landlock to what the policy names.
fn landlock_tier(rules: Rules<'_>, facts: &HostFacts, command: &Command, arch: Arch) -> Plan {
    let Rules { policy, boundaries, .. } = rules;
    let view = view::lower(policy, boundaries, facts, command);
    let roots: Vec<AbsPath> = view
        .areas
        .iter()
        .filter(|area| area.source == Source::Host && area.access == Access::Write)
        .map(|area| area.path.clone())
        .filter(|path| !path.as_bytes().starts_with(b"/dev/"))
        .collect();
    let split = Split { roots, free: Vec::new() };
    let supervision = confinement::supervision(policy, boundaries, facts, &view, &split, false, true)
        .map(|order| Supervision { changes: true, ..order });
    let group = group::lower(policy, facts.control_group.as_ref());
    let limits = limits(policy, facts, Tier::Landlock, group.as_ref());
    let options = Options {
        arch,
        supervise: supervision.is_some(),
        deletes: true,
        reads: supervision.as_ref().is_some_and(|order| order.reads || order.trace),
        tells: false,
        namespaces: false,
        executes: supervision.is_some(),
        no_sockets: true,
        connects: false,
        no_datagrams: !confinement::resolves(facts),
        root: facts.user.uid == 0,
        identity: None,
        bound: limits.processors.is_some(),
    };
    let entered = environment::lower(policy, command, facts.user.uid, SESSION);
    let assurance =
        rows::landlock(facts, rules, &view, supervision.as_ref(), Held::new(&limits, group.as_ref()));
    let spec = LaunchSpec {
        tier: Tier::Landlock,
        mapped: Vec::new(),
        view: Vec::new(),
        told: None,
        named: names(policy, command, false),
        landlock: landlock_domain(facts, &view),
        seccomp: bpf::compile(&options),
        supervised: supervision.is_some(),
        network: None,
        limits,
        target: target(command, entered.strings),
    };
    Plan {
        spec,
        supervision,
        group,
        assurance,
        accepted: accepted(policy),
        session_directory: true,
        dropped_variables: entered.dropped,
    }
}

const READ: u64 = rights::READ_FILE | rights::READ_DIR | rights::EXECUTE;

/// Everything that the view would have mounted, as rules on the host's own objects.
fn landlock_domain(facts: &HostFacts, view: &View) -> Landlock {
    let mut rules: Vec<LandlockRule> = view.steps.iter().filter_map(landlock_rule).collect();
    let mut add = |path: &str, allowed| {
        if let Ok(path) = AbsPath::posix(path.as_bytes()) {
            rules.push(LandlockRule { path, allowed, optional: true, expect: None });
        }
    };
    // Every process of the user is there, and for root the kernel's settings are.
    add("/proc", READ);
    add("/dev/pts", READ | rights::WRITE_FILE);
    add("/dev/ptmx", rights::READ_FILE | rights::WRITE_FILE);
    add(SESSION, READ | rights::CHANGE);
    let abi = facts.features.landlock;
    let refer = if abi >= 2 { rights::REFER } else { 0 };
    let resolve = if confinement::resolves(facts) { rights::RESOLVE_UNIX } else { 0 };
    Landlock {
        handled_files: (READ | rights::CHANGE) & !rights::REFER | refer | resolve,
        handled_network: if abi >= 4 { rights::ALL_TCP } else { 0 },
        scoped: if abi >= 6 { rights::ALL_SCOPES } else { 0 },
        rules,
    }
}

fn landlock_rule(step: &ViewStep) -> Option<LandlockRule> {
    match step {
        // By the place of the object itself: the name that shows it may be a link.
        ViewStep::Bind { source, expect, path, directory, flags } => {
            let mut allowed = rights::READ_FILE;
            if !flags.no_exec {
                allowed |= rights::EXECUTE;
            }
            if *directory {
                allowed |= rights::READ_DIR;
            } else if !flags.read_only || path.as_bytes().starts_with(b"/dev/") {
                allowed |= rights::WRITE_FILE;
            }
            Some(LandlockRule { path: source.clone(), allowed, optional: true, expect: Some(*expect) })
        }
        ViewStep::Overlay { source: path, expect, .. }
        | ViewStep::Kept { source: Some((path, expect)), .. } => {
            Some(LandlockRule { path: path.clone(), allowed: READ, optional: true, expect: Some(*expect) })
        }
        _ => None,
    }
}
