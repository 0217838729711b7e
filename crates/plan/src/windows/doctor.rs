//! What `garth doctor` says of a Windows machine: which tiers a run would get, which programs it would start, and what
//! stands in the way, each with what helps.
//!
//! Judged as a run is: a tier works if its plan can be made, can be carried out and passes the gate, and a program if the plan of it can.

use super::facts::{CodeIntegrity, HostFacts, Reparse, Survey, Tool, VolumeKind};
use super::launch::{OrderError, order};
use super::lower;
use super::setup::{self, Recorded, Wishes};
use super::spec::{Plan, Tier};
use crate::assurance::gate;
use crate::facts::Command;
use crate::linux::{PlanError, Report};
use garth_policy::Policy;
use serde::{Deserialize, Serialize};

/// A program that developers' machines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, as it is typed.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
}

const fn program(name: &'static str, what: &'static str) -> Program {
    Program { name, what }
}

/// The programs that are looked for.
pub const PROGRAMS: [Program; 17] = [
    program("cmd", "shell"),
    program("powershell", "Windows PowerShell"),
    program("pwsh", "PowerShell 7"),
    program("bash", "Git Bash"),
    program("git", "Git"),
    program("node", "Node.js"),
    program("npm", "Node.js packages"),
    program("python", "Python"),
    program("py", "Python launcher"),
    program("uv", "Python packages"),
    program("rustup", "Rust toolchains"),
    program("cargo", "Rust"),
    program("rustc", "Rust"),
    program("go", "Go"),
    program("dotnet", ".NET"),
    program("java", "Java"),
    program("rg", "ripgrep"),
];

/// How far something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should.
    Works,
    /// With something in the way.
    Limited,
    /// Not at all.
    Missing,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub name: String,
    /// How far it goes.
    pub status: State,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

/// What a machine offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The tier that a run with this policy gets; `None` if it refuses.
    pub tier: Option<Tier>,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}

fn finding(name: impl Into<String>, status: State, found: impl Into<String>, hints: &[&str]) -> Finding {
    let hints = hints.iter().map(|hint| (*hint).to_owned()).collect();
    Finding { name: name.into(), status, found: found.into(), hints }
}

/// Judges a machine by what was recorded of it.
#[must_use]
pub fn diagnose(policy: &Policy, facts: &HostFacts) -> Diagnosis {
    let system = &facts.system;
    let edition = facts.survey.as_ref().and_then(|survey| survey.edition.clone());
    let edition = edition.map_or_else(String::new, |edition| format!(", edition {edition}"));
    let version = format!("{} (build {}, {}{edition})", system.name, system.build, system.arch);
    let mut findings = vec![finding("system", State::Works, version, &[]), user(facts)];
    let tiers = Tier::ALL.map(|tier| (tier, planned(policy, facts, "cmd", tier)));
    findings.extend(tiers.iter().map(|(tier, plan)| tier_finding(*tier, plan)));
    let by_default = tiers.iter().find(|(tier, _)| *tier == Tier::Container);
    let runs = by_default.is_some_and(|(_, plan)| plan.as_ref().is_ok_and(passes));
    let usable = tiers.iter().find(|(tier, plan)| *tier != Tier::Vm && plan.is_ok()).map(|(tier, _)| *tier);
    let tried = usable.unwrap_or(Tier::Container);
    findings.extend(PROGRAMS.iter().map(|program| program_finding(policy, facts, program, tried)));
    findings.extend(volume(facts));
    findings.push(preparation(facts));
    findings.push(refused_files());
    findings.extend(facts.survey.iter().flat_map(settings));
    Diagnosis { tier: runs.then_some(Tier::Container), findings }
}

/// What the log cannot have, whoever runs garth: see [`super::gaps::READS_TOLD`].
fn refused_files() -> Finding {
    let hint = "the program's own message names what it was refused, and `garth why PATH` says by which rule";
    finding("refused files", State::Limited, "told to the program that asks, and in no log", &[hint])
}

fn user(facts: &HostFacts) -> Finding {
    let domain = if facts.user.domain_joined { "; the machine belongs to a domain" } else { "" };
    if facts.user.elevated {
        let found = format!("an administrator, elevated{domain}");
        let hint = "start garth from an ordinary window: it needs no administrator";
        return finding("user", State::Limited, found, &[hint]);
    }
    finding("user", State::Works, format!("not elevated{domain}"), &[])
}

fn planned(policy: &Policy, facts: &HostFacts, program: &str, tier: Tier) -> Result<Plan, PlanError> {
    let bytes = |text: &String| text.clone().into_bytes();
    let command = Command {
        arguments: vec![program.as_bytes().to_vec()],
        directory: facts.context.workspace.clone(),
        logical_directory: None,
        environment: facts.environment.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        terminal: None,
        layers: Vec::new(),
        kept: Vec::new(),
        observe: false,
    };
    lower(policy, &policy.files.boundaries(), facts, &command, Some(tier), Report::Gaps)
}

fn passes(plan: &Plan) -> bool {
    gate(&plan.assurance, &plan.accepted).is_ok()
}

fn tier_finding(tier: Tier, plan: &Result<Plan, PlanError>) -> Finding {
    let name = format!("tier {}", tier.name());
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            let found = format!("{}: {}", error.what, error.why);
            return finding(name, State::Missing, found, &[&error.hint]);
        }
    };
    if let Err(why @ OrderError::NotBuilt(_)) = order(&plan.launch, 1) {
        let found = format!("its plan can be made, and {why}");
        return finding(name, State::Missing, found, &[why.hint()]);
    }
    let refused = gate(&plan.assurance, &plan.accepted).err().unwrap_or_default();
    let mut gaps: Vec<&str> = refused.iter().filter_map(|row| row.status.gap()).collect();
    gaps.sort_unstable();
    gaps.dedup();
    if gaps.is_empty() {
        return finding(name, State::Works, "its plan passes; each start tries it before the command", &[]);
    }
    let found = format!("does not hold {}", gaps.join(", "));
    let hint =
        format!("to run all the same: garth run --tier {} --accept {} -- ...", tier.name(), gaps.join(","));
    finding(name, State::Limited, found, &[&hint])
}

/// The alias of a packaged application, or the application itself.
fn is_packaged(tool: &Tool) -> bool {
    tool.package.is_some() || tool.object.reparse == Some(Reparse::AppAlias)
}

fn program_finding(policy: &Policy, facts: &HostFacts, program: &Program, tier: Tier) -> Finding {
    let name = format!("{} ({})", program.name, program.what);
    let Some(tools) = facts.tools.get(program.name) else {
        let hint = "record the machine anew: garth doctor --facts FILE";
        return finding(name, State::Missing, "was not looked for when this was recorded", &[hint]);
    };
    let aliases: Vec<String> =
        tools.iter().filter(|tool| is_packaged(tool)).map(|tool| tool.path.to_string()).collect();
    if tools.is_empty() {
        let file = format!("{}.exe", program.name);
        let registered = facts.survey.as_ref().and_then(|survey| survey.app_paths.get(&file));
        let Some(path) = registered else {
            return finding(name, State::Missing, "in no directory of PATH", &[]);
        };
        let hint = format!("add its directory to PATH, or name it: garth run -- \"{path}\"");
        let found = format!("registered as {path}, and in no directory of PATH");
        return finding(name, State::Limited, found, &[&hint]);
    }
    match planned(policy, facts, program.name, tier) {
        Ok(plan) => {
            let started = plan.launch.batch.or(plan.launch.program);
            let mut found = started.map_or_else(String::new, |path| path.to_string());
            if !aliases.is_empty() {
                found = format!("{found}; the Store's alias {} is passed over", aliases.join(", "));
            }
            finding(name, State::Works, found, &[])
        }
        Err(error) => {
            let at = tools.first().map_or_else(String::new, |tool| format!("{}: ", tool.path));
            finding(name, State::Limited, format!("{at}{}", error.why), &[&error.hint])
        }
    }
}

/// What the volume of the workspace can do.
fn volume(facts: &HostFacts) -> Vec<Finding> {
    let workspace = &facts.context.workspace;
    let name = "workspace";
    let Some(volume) = facts.volume(workspace) else {
        let hint = "use a directory on a disk of this machine";
        return vec![finding(
            name,
            State::Missing,
            format!("nothing is known of the volume of {workspace}"),
            &[hint],
        )];
    };
    let kind = match volume.kind {
        VolumeKind::Fixed => "a disk",
        VolumeKind::Removable => "a disk that can be taken out",
        VolumeKind::Remote => "a share",
        VolumeKind::Other => "of an unknown kind",
    };
    let dev = if volume.dev_drive { ", a Dev Drive" } else { "" };
    let place = format!("{workspace} on {} ({}, {kind}{dev})", volume.root, volume.file_system);
    let state = if volume.kind == VolumeKind::Remote {
        finding(
            name,
            State::Missing,
            format!("{place}: on a share no permissions are changed"),
            &["use a directory on a disk of this machine"],
        )
    } else if volume.acls {
        finding(name, State::Works, format!("{place}: keeps permissions"), &[])
    } else {
        finding(
            name,
            State::Missing,
            format!("{place}: keeps no permissions"),
            &["use a directory on an NTFS or ReFS volume"],
        )
    };
    let mut findings = vec![state];
    let yes = |has: bool| if has { "yes" } else { "no" };
    let told = |has: Option<bool>| has.map_or("unknown", yes);
    let survey = facts.survey.as_ref();
    let abilities = format!(
        "links and junctions: {}, hard links: {}, streams: {}, short names: {}, names differ by case: {}",
        yes(volume.reparse_points),
        yes(volume.hard_links),
        told(survey.and_then(|survey| survey.streams)),
        told(survey.and_then(|survey| survey.short_names)),
        told(survey.and_then(|survey| survey.case_sensitive)),
    );
    let case = survey.and_then(|survey| survey.case_sensitive) == Some(true);
    let hint = "garth compares names without case: `fsutil file setCaseSensitiveInfo DIR disable`";
    let hints: &[&str] = if case { &[hint] } else { &[] };
    let status = if case { State::Limited } else { State::Works };
    findings.push(finding("file names", status, abilities, hints));
    findings
}

/// What an administrator may prepare once: nothing that a sandbox needs to hold.
fn preparation(facts: &HostFacts) -> Finding {
    let wishes = Wishes::of(facts);
    let steps = setup::plan(Recorded::of(facts), &wishes);
    let mut hints = Vec::new();
    let mut told = Vec::new();
    for step in steps.iter().filter(|step| step.state != setup::State::Prepared) {
        let why = step.state.detail().map_or_else(String::new, |why| format!(": {why}"));
        told.push(format!("{} ({}) {}{why}", step.code.name(), step.object, step.state.name()));
    }
    let any = |wanted: &str| steps.iter().any(|step| step.state.name() == wanted);
    if any("not prepared") {
        let command = wishes.command().unwrap_or_else(|why| format!("garth-setup apply --elevate ({why})"));
        hints.push(format!("once, for tools that look at every directory on the way: {command}"));
    }
    if any("differs") {
        hints.push(
            "garth-setup leaves alone what somebody else set; `garth-setup plan` shows what it would be"
                .into(),
        );
    }
    if any("unknown") {
        hints.push(
            "record the machine anew with `garth doctor --facts FILE`, or ask there: garth-setup verify"
                .into(),
        );
    }
    let (status, found) = if told.is_empty() {
        (State::Works, "all that garth-setup does is done".to_owned())
    } else {
        (State::Limited, told.join("; "))
    };
    Finding { name: "preparation".into(), status, found, hints }
}

/// Settings of the machine that make tools fail.
fn settings(survey: &Survey) -> Vec<Finding> {
    let mut findings = Vec::new();
    match survey.long_paths {
        Some(true) => findings.push(finding("long paths", State::Works, "LongPathsEnabled is on", &[])),
        _ => findings.push(finding(
            "long paths",
            State::Limited,
            "LongPathsEnabled is off: many tools fail at paths of more than 260 characters",
            &[
                r"as an administrator: reg add HKLM\SYSTEM\CurrentControlSet\Control\FileSystem /v LongPathsEnabled /t REG_DWORD /d 1 /f",
                "for git alone: git config --global core.longpaths true",
            ],
        )),
    }
    match survey.developer_mode {
        Some(true) => findings.push(finding("developer mode", State::Works, "on", &[])),
        _ => findings.push(finding(
            "developer mode",
            State::Limited,
            "off: making symbolic links needs an administrator, inside and outside",
            &["if a tool needs links: Settings, System, For developers, Developer Mode"],
        )),
    }
    findings.push(execution_policy(survey));
    findings.extend(application_control(survey));
    findings
}

fn execution_policy(survey: &Survey) -> Finding {
    // The strongest scope that is set decides ("about_Execution_Policies").
    let scopes = ["machine-policy", "user-policy", "user", "machine"];
    let set = scopes.iter().find_map(|scope| {
        let policy = survey.execution_policies.get(*scope).filter(|text| *text != "Undefined")?;
        Some((*scope, policy.as_str()))
    });
    let (scope, policy) = set.unwrap_or(("default", "Restricted"));
    let found = format!("{policy} ({scope})");
    let name = "PowerShell's execution policy";
    let refuses = ["Restricted", "AllSigned"].iter().any(|known| known.eq_ignore_ascii_case(policy));
    if !refuses {
        return finding(name, State::Works, found, &[]);
    }
    let hint = if scope.ends_with("policy") {
        "an administrator has set it by group policy: ask for RemoteSigned, or use cmd"
    } else {
        "powershell -Command \"Set-ExecutionPolicy -Scope CurrentUser RemoteSigned\""
    };
    finding(name, State::Limited, format!("{found}: scripts of yours do not run"), &[hint])
}

fn application_control(survey: &Survey) -> Vec<Finding> {
    let hint = "install tools below Program Files, or ask your administrator for a rule; the event log \
        CodeIntegrity or AppLocker names what was refused";
    let locker = if survey.app_locker.is_empty() {
        finding("AppLocker", State::Works, "no rules are enforced", &[])
    } else {
        let found = format!("rules are enforced for {}", survey.app_locker.join(", "));
        finding("AppLocker", State::Limited, format!("{found}: programs of yours may not start"), &[hint])
    };
    let control = match survey.code_integrity {
        None => finding("App Control", State::Works, "this Windows does not say", &[]),
        Some(CodeIntegrity::Off) => finding("App Control", State::Works, "off", &[]),
        Some(CodeIntegrity::Audit) => finding("App Control", State::Works, "records only", &[]),
        Some(CodeIntegrity::Enforced) => {
            let found = "enforced: programs of yours may not start";
            finding("App Control", State::Limited, found, &[hint])
        }
    };
    vec![locker, control]
}
